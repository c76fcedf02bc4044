//! A chain of references in words.

use super::{RetainerTree, words};
use crate::model::{EdgeIndex, NodeIndex, NodeKind};
use crate::report::{PathStep, RetainingPath, SourceLocation};
use crate::signature::is_part;
use crate::snapshot::Snapshot;

/// Steps of a path that is told in full; of a longer one the first and the last half of these.
const MAX_STEPS: usize = 48;

/// A step before it is told.
struct Bare {
    edge: Option<String>,
    node: NodeIndex,
    skipped: u32,
}

/// The way to a node in a tree. None when nothing but weak references leads there.
pub(crate) fn way_to(
    snapshot: &Snapshot<'_>,
    tree: &RetainerTree,
    node: NodeIndex,
) -> Option<RetainingPath> {
    let edges = tree.path(snapshot.graph(), node);
    let is_held = !edges.is_empty() || node == snapshot.graph().root();
    is_held.then(|| describe(snapshot, &edges, node))
}

/// The chain of `edges`, the first from the root, the last to `target`.
pub(crate) fn describe(
    snapshot: &Snapshot<'_>,
    edges: &[EdgeIndex],
    target: NodeIndex,
) -> RetainingPath {
    let mut bare = bare_steps(snapshot, edges, target);
    let gap = cut(&mut bare);
    let steps: Vec<PathStep> = bare
        .into_iter()
        .map(|step| PathStep {
            edge: step.edge,
            object: snapshot.object(step.node),
            skipped: step.skipped,
            suspect: false,
        })
        .collect();
    RetainingPath {
        text: text(&steps, gap),
        steps,
        length: edges.len() as u32,
    }
}

fn bare_steps(snapshot: &Snapshot<'_>, edges: &[EdgeIndex], target: NodeIndex) -> Vec<Bare> {
    let graph = snapshot.graph();
    let mut bare: Vec<Bare> = Vec::new();
    let mut from = graph.root();
    let mut skipped = 0;
    for &index in edges {
        let edge = graph.edge(index);
        let to = edge.target;
        let hidden = is_part(graph, to)
            || (graph.node(to).kind() == NodeKind::Synthetic
                && graph.node(to).name() == "(GC roots)");
        if hidden && to != target {
            skipped += 1;
            from = to;
            continue;
        }
        let word = match bare.last() {
            None => None,
            Some(owner) if owner.node != from && graph.node(from).kind() != NodeKind::Synthetic => {
                Some(words::stored(graph, owner.node, from, &edge))
            }
            Some(_) => Some(words::reference(graph, &edge)),
        };
        bare.push(Bare {
            edge: word,
            node: to,
            skipped,
        });
        skipped = 0;
        from = to;
    }
    if bare.is_empty() {
        bare.push(Bare {
            edge: None,
            node: target,
            skipped: 0,
        });
    }
    bare
}

/// Takes the middle out of a long chain. Answers where that was and how many steps it had.
fn cut(steps: &mut Vec<Bare>) -> Option<(usize, usize)> {
    let missing = steps
        .len()
        .checked_sub(MAX_STEPS)
        .filter(|&missing| missing > 0)?;
    let at = MAX_STEPS / 2;
    let lost: u32 = steps
        .drain(at..at + missing)
        .map(|step| step.skipped + 1)
        .sum();
    if let Some(next) = steps.get_mut(at) {
        next.skipped = next.skipped.saturating_add(lost);
    }
    Some((at, missing))
}

/// The chain in one line. Plain objects between two references say nothing and are left out.
fn text(steps: &[PathStep], gap: Option<(usize, usize)>) -> String {
    let mut parts: Vec<String> = Vec::with_capacity(2 * steps.len());
    for (at, step) in steps.iter().enumerate() {
        if let Some((_, missing)) = gap.filter(|(place, _)| *place == at) {
            parts.push(format!("… {missing} more …"));
        }
        parts.extend(step.edge.clone());
        let is_plain = step.object.name == "Object";
        let is_between = at > 0
            && steps.get(at + 1).is_some_and(|next| {
                next.edge
                    .as_deref()
                    .is_some_and(|edge| edge.starts_with(['.', '[']))
            });
        // The holder of the last one is always named.
        if !is_plain || !is_between || at + 2 >= steps.len() {
            parts.push(step.object.name.clone());
        }
    }
    parts.join(" → ")
}

/// Where in the program's source the chain was written down, nearest to its end, the last step itself not counted: a function
/// first, otherwise a class.
pub(crate) fn nearest_source(path: &RetainingPath) -> Option<SourceLocation> {
    let holders = path.steps.get(..path.steps.len().saturating_sub(1))?;
    let of_program = |location: &&SourceLocation| {
        location
            .script
            .as_deref()
            .is_some_and(|script| !script.starts_with("node:"))
    };
    let locations = |functions: bool| {
        let told = holders
            .iter()
            .rev()
            .filter(move |step| step.object.name.starts_with("function ") == functions);
        told.filter_map(|step| step.object.location.as_ref())
            .find(of_program)
    };
    locations(true).or_else(|| locations(false)).cloned()
}
