//! Scripts and packages by what their functions keep alive.
//!
//! A function keeps its scope alive, and the scope what its variables hold: that is a module's state. A byte belongs
//! to a script when without the script's functions and scopes it would be gone; what two scripts hold together belongs to none.

use std::collections::HashMap;

use rustc_hash::FxHashMap;

use super::context::Context;
use crate::model::{EdgeKind, EdgeLabel, NodeIndex, NodeKind};
use crate::report::{Listing, ModuleRow, PackageRow};
use crate::retainers::Topmost;

/// The package of what is in none.
const APP: &str = "(app)";
const NODE: &str = "node";
/// In place of the number of a group, which counts from 1 in columns: zeroes that are never written to take no memory.
const NONE: u32 = 0;

/// What is found of a script.
#[derive(Clone, Default)]
struct Script {
    name: String,
    functions: u64,
    code: u64,
    instances: u64,
    instance_size: u64,
    retained: u64,
    package: usize,
}

/// Packages and scripts, those that retain most first. Up to 8 bytes a node, for functions, scopes and what dominates them.
pub(super) fn owners(context: &Context<'_, '_>) -> (Listing<PackageRow>, Listing<ModuleRow>) {
    let mut scripts = Vec::new();
    let mut script_of = vec![NONE; context.graph().node_count()];
    functions_and_scopes(context, &mut scripts, &mut script_of);
    code(context, &mut scripts);

    let mut packages: Vec<String> = Vec::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for script in &mut scripts {
        let package = package_of(&script.name).unwrap_or(APP);
        script.package = *numbers.entry(package.to_owned()).or_insert_with(|| {
            packages.push(package.to_owned());
            packages.len() - 1
        });
    }
    let by_script = retained(context, &script_of, scripts.len());
    for (script, retained) in scripts.iter_mut().zip(by_script) {
        script.retained = retained;
    }
    for script in script_of.iter_mut().filter(|script| **script != NONE) {
        *script = scripts[*script as usize - 1].package as u32 + 1;
    }
    let by_package = retained(context, &script_of, packages.len());
    (
        package_rows(context, &scripts, &packages, &by_package),
        module_rows(context, &scripts, &packages),
    )
}

/// Gives each function and each scope to its script, and counts functions and instances.
fn functions_and_scopes(
    context: &Context<'_, '_>,
    scripts: &mut Vec<Script>,
    script_of: &mut [u32],
) {
    let (graph, snapshot) = (context.graph(), context.snapshot);
    let scope_link = graph.find_string("context");
    let mut numbers: FxHashMap<u32, u32> = FxHashMap::default();
    let mut by_name: HashMap<String, u32> = HashMap::new();
    // Objects of one class often follow one another.
    let mut last: Option<(u32, u32)> = None;
    for node in graph
        .nodes()
        .filter(|node| matches!(node.kind(), NodeKind::Closure | NodeKind::Object))
    {
        let Some(location) = node.location() else {
            continue;
        };
        let known = last.filter(|(id, _)| *id == location.script_id);
        let number = known.map(|(_, number)| number).unwrap_or_else(|| {
            *numbers.entry(location.script_id).or_insert_with(|| {
                let Some(name) = snapshot.scripts().name(location.script_id) else {
                    return NONE;
                };
                *by_name.entry(name.to_owned()).or_insert_with(|| {
                    scripts.push(Script {
                        name: name.to_owned(),
                        ..Script::default()
                    });
                    scripts.len() as u32
                })
            })
        });
        last = Some((location.script_id, number));
        let Some(script) = (number as usize)
            .checked_sub(1)
            .and_then(|at| scripts.get_mut(at))
        else {
            continue;
        };
        if node.kind() == NodeKind::Object {
            script.instances += 1;
            script.instance_size += snapshot.analysis().shallow_size(node.index());
            continue;
        }
        script.functions += 1;
        script_of[node.index().index()] = number;
        let scope = node
            .edges()
            .find(|edge| edge.kind == EdgeKind::Internal && edge.name_id() == scope_link);
        if let Some(scope) =
            scope.filter(|edge| graph.node(edge.target).name() == "system / Context")
        {
            let owner = &mut script_of[scope.target.index()];
            if *owner == NONE {
                *owner = number;
            }
        }
    }
}

/// Adds what V8 keeps of each script: its source text and what it made of each function.
fn code(context: &Context<'_, '_>, scripts: &mut [Script]) {
    let (graph, analysis) = (context.graph(), context.snapshot.analysis());
    let links = [
        graph.find_string("script"),
        graph.find_string("script_or_debug_info"),
    ];
    let numbers: HashMap<String, usize> = scripts
        .iter()
        .enumerate()
        .map(|(at, script)| (script.name.clone(), at))
        .collect();
    // By the node of the script; V8 has one for each script, and several of one name for code made at run time.
    let mut nodes: HashMap<NodeIndex, Option<usize>> = HashMap::new();
    for node in graph.nodes().filter(|node| node.kind() == NodeKind::Code) {
        for edge in node.edges() {
            let is_link =
                matches!(edge.label, EdgeLabel::Name(name) if links.contains(&Some(name)));
            if edge.kind != EdgeKind::Internal || !is_link {
                continue;
            }
            let number = *nodes.entry(edge.target).or_insert_with(|| {
                let number = numbers
                    .get(graph.node(edge.target).name().as_ref())
                    .copied();
                if let Some(script) = number.and_then(|number| scripts.get_mut(number)) {
                    script.code += analysis.retained_size(edge.target);
                }
                number
            });
            if let Some(script) = number.and_then(|number| scripts.get_mut(number)) {
                // What the shared info holds of the script itself is in that one's size.
                script.code += analysis.shallow_size(node.index());
            }
        }
    }
}

/// Bytes that the members of each group retain, those below another of the same group counted with it.
fn retained(context: &Context<'_, '_>, group_of: &[u32], groups: usize) -> Vec<u64> {
    let analysis = context.snapshot.analysis();
    let group = |node: NodeIndex| group_of[node.index()];
    let mut topmost = Topmost::new(analysis, |node| group(node) != NONE);
    let mut retained = vec![0_u64; groups];
    for node in (0..group_of.len() as u32)
        .map(NodeIndex)
        .filter(|&node| group(node) != NONE)
    {
        if topmost
            .above(node)
            .is_none_or(|above| group(above) != group(node))
        {
            retained[group(node) as usize - 1] += analysis.retained_size(node);
        }
    }
    retained
}

fn module_rows(
    context: &Context<'_, '_>,
    scripts: &[Script],
    packages: &[String],
) -> Listing<ModuleRow> {
    let mut order: Vec<&Script> = scripts.iter().collect();
    order.sort_by(|a, b| {
        b.retained
            .cmp(&a.retained)
            .then_with(|| a.name.cmp(&b.name))
    });
    let row = |script: &Script| ModuleRow {
        script: script.name.clone(),
        package: packages
            .get(script.package)
            .filter(|name| *name != APP)
            .cloned(),
        functions: script.functions,
        code_size: script.code,
        retained_size: script.retained,
        instances: script.instances,
        instance_size: script.instance_size,
    };
    Listing {
        total: order.len() as u64,
        rows: order.into_iter().take(context.rows).map(row).collect(),
    }
}

fn package_rows(
    context: &Context<'_, '_>,
    scripts: &[Script],
    packages: &[String],
    retained: &[u64],
) -> Listing<PackageRow> {
    let mut rows: Vec<PackageRow> = packages
        .iter()
        .zip(retained)
        .map(|(name, &retained_size)| PackageRow {
            name: name.clone(),
            modules: 0,
            functions: 0,
            code_size: 0,
            retained_size,
            instance_size: 0,
        })
        .collect();
    for script in scripts {
        if let Some(row) = rows.get_mut(script.package) {
            row.modules += 1;
            row.functions += script.functions;
            row.code_size += script.code;
            row.instance_size += script.instance_size;
        }
    }
    rows.sort_by(|a, b| {
        b.retained_size
            .cmp(&a.retained_size)
            .then_with(|| a.name.cmp(&b.name))
    });
    Listing::cut(rows, context.rows)
}

/// The package that a script belongs to: the last one on its path. None for the program itself.
fn package_of(script: &str) -> Option<&str> {
    const FOLDER: &str = "node_modules";
    if script.starts_with("node:") {
        return Some(NODE);
    }
    let at = script.rfind(FOLDER)? + FOLDER.len();
    let rest = script[at..].strip_prefix(['/', '\\'])?;
    let mut ends = rest.match_indices(['/', '\\']).map(|(at, _)| at);
    let end = if rest.starts_with('@') {
        ends.nth(1)
    } else {
        ends.next()
    };
    Some(&rest[..end.unwrap_or(rest.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_belong_to_the_last_package_on_their_path() {
        assert_eq!(
            package_of("/app/node_modules/express/lib/router/index.js"),
            Some("express")
        );
        assert_eq!(
            package_of("file:///a/node_modules/x/node_modules/@scope/y/z.js"),
            Some("@scope/y")
        );
        assert_eq!(
            package_of("C:\\app\\node_modules\\pg\\lib\\client.js"),
            Some("pg")
        );
        assert_eq!(package_of("node:internal/timers"), Some(NODE));
        assert_eq!(package_of("/app/server.js"), None);
    }
}
