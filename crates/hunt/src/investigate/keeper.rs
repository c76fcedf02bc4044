//! Where something is kept: the line of the source that somebody can change.
//!
//! The objects of a library are mended in the program that uses it. Where the nearest function or class on the way to what grows
//! stands in a library, the program's own source is looked at for what leads there: who assigns the property of that name, the
//! variable on the way, or one elsewhere that holds an object of the way. Where nothing does, the library's place is told.

use std::collections::HashSet;

use memguard_heap_graph::report::{PathStep, SourceLocation};
use memguard_heap_graph::{EdgeKind, NodeIndex, NodeKind};

use super::accumulation::bare_name;
use crate::patterns::Case;
use crate::places::{Places, is_library};
use crate::report::CodePlace;

/// Scopes and functions that are asked whether they see an object.
const MOST_ASKED: usize = 256;
/// Objects of the way whose holders are looked at: what is farther holds much else besides.
const MOST_NEAR: usize = 8;
/// Own scripts that are read for one suspect.
const MOST_SCRIPTS: usize = 200;
/// What scopes of variables are called.
const SCOPE: &str = "system / Context";

/// Where it is kept, and, where that is the program's own source, where inside of a library.
pub(super) fn kept_at(
    case: &Case<'_, '_>,
    places: &mut Places,
) -> (Option<CodePlace>, Option<CodePlace>) {
    let Some(nearest) = nearest(case, places) else {
        return (None, None);
    };
    if !is_library(&nearest.file) {
        return (Some(nearest), None);
    }
    let own = assigned(case, places)
        .or_else(|| on_the_way(case, places))
        .or_else(|| beside_the_way(case, places));
    match own {
        Some(own) => (Some(own), Some(nearest)),
        None => (Some(nearest), None),
    }
}

/// The nearest function or class on the way that is not Node's; of a function the variable by which the way goes on.
fn nearest(case: &Case<'_, '_>, places: &mut Places) -> Option<CodePlace> {
    let steps = case.steps();
    let holders = steps.len().checked_sub(1)?;
    let at = (0..holders)
        .rev()
        .find(|&at| script(&steps[at]).is_some())?;
    place(steps, at, places)
}

/// The place of a step: of a function where its variable that leads on is declared, as far as its source tells.
fn place(steps: &[PathStep], at: usize, places: &mut Places) -> Option<CodePlace> {
    let step = steps.get(at)?;
    let location = step.object.location.as_ref()?;
    // Any function that sees a variable may have led here: where it is declared is the same for all of them.
    variable_after(steps, at)
        .and_then(|variable| places.declaration(location, variable))
        .or_else(|| places.of(location, Some(&bare_name(&step.object.name))))
}

/// The variable by which a way goes on from a function.
fn variable_after(steps: &[PathStep], at: usize) -> Option<&str> {
    steps
        .get(at + 1)?
        .edge
        .as_deref()?
        .strip_prefix("context .")
}

/// The only place in the program's own scripts that assigns the holder's name as a property: `app.locals.problems = {}`.
fn assigned(case: &Case<'_, '_>, places: &mut Places) -> Option<CodePlace> {
    let name = case.holder_name()?;
    let mut scripts = case.now.scripts().all();
    scripts.retain(|script| is_own(script));
    let mut found = scripts
        .into_iter()
        .take(MOST_SCRIPTS)
        .flat_map(|script| places.assignments(script, &name));
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

/// The nearest function of the program's own on the way.
fn on_the_way(case: &Case<'_, '_>, places: &mut Places) -> Option<CodePlace> {
    let steps = case.steps();
    // What lies above a module that was loaded is who has loaded something, once.
    let below_modules = steps
        .iter()
        .rposition(|step| step.object.class == "Module")
        .map_or(0, |at| at + 1);
    let mut all = (below_modules..steps.len().saturating_sub(1)).rev();
    all.find_map(|at| {
        script(&steps[at]).filter(|script| is_own(script))?;
        variable_after(steps, at)?;
        place(steps, at, places).filter(|place| !is_library(&place.file))
    })
}

/// A variable of the program's own that holds an object of the way.
fn beside_the_way(case: &Case<'_, '_>, places: &mut Places) -> Option<CodePlace> {
    // Not what grows, but what holds it.
    case.way.iter().skip(1).take(MOST_NEAR).find_map(|&node| {
        let retainers = case.now.analysis().retainers(node).take(MOST_ASKED);
        let mut variables: Vec<(NodeIndex, String)> = retainers
            .filter(|retainer| retainer.edge.kind == EdgeKind::Context)
            .map(|retainer| {
                let name = retainer.edge.name(case.now.graph()).into_owned();
                (retainer.from, name)
            })
            .collect();
        variables.sort_by(|a, b| a.1.cmp(&b.1));
        variables.into_iter().find_map(|(scope, variable)| {
            let location = own_function(case, scope)?;
            places.declaration(&location, &variable)
        })
    })
}

/// A function of the program's own that sees a scope.
fn own_function(case: &Case<'_, '_>, scope: NodeIndex) -> Option<SourceLocation> {
    let (graph, analysis) = (case.now.graph(), case.now.analysis());
    let mut seen = HashSet::from([scope]);
    let mut open = vec![scope];
    let mut asked = 0;
    while let Some(scope) = open.pop() {
        for from in analysis.retaining_nodes(scope) {
            asked += 1;
            if asked > MOST_ASKED {
                return None;
            }
            let node = graph.node(from);
            if node.kind() == NodeKind::Closure {
                let Some(location) = graph.location(from) else {
                    continue;
                };
                let location = case.now.scripts().locate(location);
                if location.script.as_deref().is_some_and(is_own) {
                    return Some(location);
                }
            } else if node.name() == SCOPE && seen.insert(from) {
                open.push(from);
            }
        }
    }
    None
}

/// The script of a step, where it is none of Node's.
fn script(step: &PathStep) -> Option<&str> {
    let script = step.object.location.as_ref()?.script.as_deref()?;
    (!script.starts_with("node:")).then_some(script)
}

fn is_own(script: &str) -> bool {
    !script.starts_with("node:") && !is_library(script)
}
