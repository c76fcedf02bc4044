//! What the program owns, as opposed to a debugger or V8: everything that global objects and documents lead to.

use super::bits::Bits;
use super::distances::is_document_trees;
use super::names::WellKnown;
use super::watch::Watch;
use crate::AnalyzeError;
use crate::model::{EdgeKind, HeapGraph, NodeIndex, edge_kind, edge_target};

/// The nodes reached over strong edges from the targets of the root's shortcuts and from its trees of documents.
pub(crate) fn page_owned(
    graph: &HeapGraph,
    names: &WellKnown,
    watch: &Watch,
) -> Result<Bits, AnalyzeError> {
    let mut owned = Bits::new(graph.node_count())?;
    let mut stack: Vec<u32> = Vec::new();
    for edge in graph.edges(graph.root()) {
        let target = edge.target.0;
        let is_entry = match edge.kind {
            EdgeKind::Shortcut => true,
            EdgeKind::Element => is_document_trees(graph, names, target),
            _ => false,
        };
        if is_entry && owned.insert(target) {
            stack.push(target);
        }
    }
    let mut steps = 0;
    while let Some(node) = stack.pop() {
        steps += 1;
        watch.check(steps)?;
        for edge in graph.edge_range(NodeIndex(node)) {
            let word = graph.edge_words[edge as usize];
            if edge_kind(word) != EdgeKind::Weak && owned.insert(edge_target(word)) {
                stack.push(edge_target(word));
            }
        }
    }
    Ok(owned)
}
