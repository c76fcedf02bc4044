//! Shallow sizes, as DevTools attributes them: the backing store of an object or a collection belongs to it.
//!
//! Bookkeeping of V8's, arrays and the data of external strings are given to the one object that holds them; what
//! several objects share, or none holds, stays as it is. Ownership flows along strong edges; the least fixed point is found
//! with a work list, so that the order does not matter.

use super::bits::Bits;
use super::distances::user_roots;
use super::names::{DomStates, WellKnown};
use super::watch::Watch;
use crate::AnalyzeError;
use crate::columns::zeroed;
use crate::model::{
    EdgeKind, HeapGraph, NodeIndex, NodeKind, SizeColumn, SizeMoves, edge_kind, edge_target,
};

/// Not reached by any owner.
const NONE: u32 = u32::MAX;
/// Reached by more than one.
const SHARED: u32 = u32::MAX - 1;

/// The size of every node with what it owns.
pub(crate) fn shallow_sizes(
    graph: &HeapGraph,
    names: &WellKnown,
    states: &DomStates,
    watch: &Watch,
) -> Result<SizeColumn, AnalyzeError> {
    // A snapshot with V8's internals exposed, which wants to be shown as it is.
    if user_roots(graph, names).next().is_none() {
        return Ok(graph.self_sizes.clone());
    }
    let owners = owners(graph, names, states, watch)?;
    let root = graph.root().0;
    let takes = |node: usize| {
        let owner = owners[node];
        let is_owned = owner != NONE && owner != SHARED && owner as usize != node;
        (is_owned && owner != root && graph.kind(owner) != NodeKind::Synthetic)
            .then_some(owner as usize)
    };
    // What is owned owns nothing itself, so that its size is still the original.
    let mut moved = SizeMoves::new(&graph.self_sizes);
    for node in 0..graph.node_count() {
        if let Some(owner) = takes(node) {
            moved.shift(node, owner);
        }
    }
    Ok(moved.finish())
}

/// The owner of each node: itself, another one, [`NONE`] or [`SHARED`].
fn owners(
    graph: &HeapGraph,
    names: &WellKnown,
    states: &DomStates,
    watch: &Watch,
) -> Result<Vec<u32>, AnalyzeError> {
    let nodes = graph.node_count();
    let mut owned = Bits::new(nodes)?;
    let mut owners: Vec<u32> = zeroed(nodes)?;
    for node in 0..nodes as u32 {
        let is_part = match graph.kind(node) {
            NodeKind::Hidden | NodeKind::Array => true,
            NodeKind::Native => states.is_named(graph, node, names.external_string_data),
            _ => false,
        };
        owners[node as usize] = if is_part { NONE } else { node };
        if is_part {
            owned.insert(node);
        }
    }
    let mut work: Vec<u32> = Vec::new();
    let mut visit = |node: u32, work: &mut Vec<u32>| {
        let owner = owners[node as usize];
        for edge in graph.edge_range(NodeIndex(node)) {
            let word = graph.edge_words[edge as usize];
            let target = edge_target(word);
            if !owned.get(target) || edge_kind(word) == EdgeKind::Weak {
                continue;
            }
            let known = &mut owners[target as usize];
            if *known == NONE {
                *known = owner;
                work.push(target);
            } else if *known != SHARED && *known != owner {
                *known = SHARED;
                work.push(target);
            }
        }
    };
    for node in 0..nodes as u32 {
        watch.check(node as usize)?;
        if !owned.get(node) {
            visit(node, &mut work);
            while let Some(node) = work.pop() {
                visit(node, &mut work);
            }
        }
    }
    Ok(owners)
}
