//! The heap by what it is made of: the figures of DevTools' `Statistics`.

use serde::Serialize;

use super::Analysis;
use crate::model::{EdgeKind, NodeIndex, NodeKind};

/// Bytes of the heap by what they are. The parts under `v8heap` do not add up: the rest is objects, numbers and the like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Statistics {
    /// All of it: what the root retains, and native memory outside of all nodes.
    pub total: u64,
    /// Natives: memory of the embedder, buffers included.
    pub native: u64,
    /// Of the natives, the memory of `ArrayBuffer`s.
    pub typed_arrays: u64,
    /// All but natives.
    pub v8_heap: u64,
    /// Compiled code and what belongs to it.
    pub code: u64,
    /// Arrays with those of their elements' stores that nothing else refers to.
    pub js_arrays: u64,
    /// Strings.
    pub strings: u64,
    /// V8's bookkeeping.
    pub system: u64,
}

impl Statistics {
    /// Adds up an analysed heap: one pass over the nodes.
    #[must_use]
    pub fn of(analysis: &Analysis<'_>) -> Self {
        let graph = analysis.graph;
        let mut sums = Self {
            native: graph.extra_native_bytes(),
            ..Self::default()
        };
        for node in 0..graph.node_count() as u32 {
            let size = analysis.shallow_size(NodeIndex(node));
            let is_named = |name| analysis.states.is_named(graph, node, name);
            match graph.kind(node) {
                NodeKind::Hidden => sums.system += size,
                NodeKind::Native => {
                    sums.native += size;
                    if is_named(analysis.names.array_buffer_data) {
                        sums.typed_arrays += size;
                    }
                }
                NodeKind::Code => sums.code += size,
                kind if kind.is_string() => sums.strings += size,
                _ if is_named(analysis.names.array) => {
                    sums.js_arrays += size + elements_size(analysis, NodeIndex(node));
                }
                _ => {}
            }
        }
        sums.total = analysis.total_size();
        sums.v8_heap = sums.total.saturating_sub(sums.native);
        sums
    }
}

/// The size of an array's store of elements, unless something else refers to it.
fn elements_size(analysis: &Analysis<'_>, array: NodeIndex) -> u64 {
    let mut edges = analysis.graph.edges(array);
    let elements = edges
        .find(|edge| edge.kind == EdgeKind::Internal && edge.name_id() == analysis.names.elements);
    elements
        .filter(|edge| analysis.retainer_count(edge.target) == 1)
        .map_or(0, |edge| analysis.shallow_size(edge.target))
}
