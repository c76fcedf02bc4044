//! What the program owns, as opposed to a debugger or V8: everything that global objects and documents lead to.

use super::bits::Bits;
use super::distances::{is_document_trees, sorted};
use super::names::WellKnown;
use super::watch::Watch;
use crate::AnalyzeError;
use crate::model::{EdgeKind, HeapGraph, NodeIndex, edge_kind, edge_target};

/// The targets of the root's shortcuts, and its trees of documents; sorted.
pub(crate) fn entries(graph: &HeapGraph, names: &WellKnown) -> Vec<u32> {
    let is_entry = |kind, target| match kind {
        EdgeKind::Shortcut => true,
        EdgeKind::Element => is_document_trees(graph, names, target),
        _ => false,
    };
    let edges = graph.edges(graph.root());
    sorted(
        edges
            .filter(|edge| is_entry(edge.kind, edge.target.0))
            .map(|edge| edge.target.0)
            .collect(),
    )
}

/// What is reached already, and everything that strong edges lead to from some nodes.
pub(crate) fn reachable(
    graph: &HeapGraph,
    mut reached: Bits,
    from: Vec<u32>,
    watch: &Watch,
) -> Result<Bits, AnalyzeError> {
    let mut stack = from;
    stack.retain(|&node| reached.insert(node));
    let mut steps = 0;
    while let Some(node) = stack.pop() {
        steps += 1;
        watch.check(steps)?;
        for edge in graph.edge_range(NodeIndex(node)) {
            let word = graph.edge_words[edge as usize];
            if edge_kind(word) != EdgeKind::Weak && reached.insert(edge_target(word)) {
                stack.push(edge_target(word));
            }
        }
    }
    Ok(reached)
}
