//! Names that mean something to the analysis, and those that it changes: as in DevTools, the name of a native object
//! that is part of no document any more begins with `Detached `.

use std::borrow::Cow;

use crate::columns::{OutOfMemory, zeroed};
use crate::model::{
    Detachedness, EdgeKind, HeapGraph, NodeIndex, NodeKind, StringId, edge_kind, edge_target,
};

/// Strings by which nodes and edges are recognised. `None` where the graph has no such string.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WellKnown {
    pub(crate) array: Option<StringId>,
    pub(crate) array_buffer_data: Option<StringId>,
    pub(crate) document_dom_trees: Option<StringId>,
    pub(crate) elements: Option<StringId>,
    pub(crate) external_string_data: Option<StringId>,
    pub(crate) map_descriptors: Option<StringId>,
    pub(crate) native_context: Option<StringId>,
    pub(crate) object: Option<StringId>,
    pub(crate) proto: Option<StringId>,
    pub(crate) sloppy_function_map: Option<StringId>,
}

impl WellKnown {
    pub(crate) fn find(graph: &HeapGraph) -> Self {
        Self {
            array: graph.find_string("Array"),
            array_buffer_data: graph.find_string("system / JSArrayBufferData"),
            document_dom_trees: graph.find_string("(Document DOM trees)"),
            elements: graph.find_string("elements"),
            external_string_data: graph.find_string("system / ExternalStringData"),
            map_descriptors: graph.find_string("(map descriptors)"),
            native_context: graph.find_string("system / NativeContext"),
            object: graph.find_string("Object"),
            proto: graph.find_string("__proto__"),
            sloppy_function_map: graph.find_string("sloppy_function_map"),
        }
    }
}

/// Whether nodes are part of a document: what the producer said, and what follows from it.
#[derive(Clone, Debug, Default)]
pub(crate) struct DomStates {
    /// By node; those alone whose state is known.
    known: Vec<(NodeIndex, Detachedness)>,
    /// By node; those whose name begins with `Detached ` although the producer's does not.
    renamed: Vec<NodeIndex>,
}

impl DomStates {
    pub(crate) fn of(graph: &HeapGraph) -> Result<Self, OutOfMemory> {
        if !graph.has_detachedness {
            return Ok(Self {
                known: old_names(graph),
                renamed: Vec::new(),
            });
        }
        if graph.detachedness.is_empty() {
            return Ok(Self::default());
        }
        Self::propagate(graph)
    }

    /// What hangs on an attached native is attached; of the rest, what hangs on a detached one is detached. Goes through
    /// natives alone: every way into the embedder begins with an object that knows its own state.
    fn propagate(graph: &HeapGraph) -> Result<Self, OutOfMemory> {
        let mut states: Vec<u8> = zeroed(graph.node_count())?;
        let mut stacks = [Vec::new(), Vec::new()];
        for &(node, state) in &graph.detachedness {
            if graph.kind(node.0) == NodeKind::Native {
                stacks[usize::from(state == Detachedness::Detached)].push(node.0);
            }
            states[node.index()] = state as u8;
        }
        for (at, state) in [Detachedness::Attached, Detachedness::Detached]
            .into_iter()
            .enumerate()
        {
            let stack = &mut stacks[at];
            while let Some(node) = stack.pop() {
                for edge in graph.edge_range(NodeIndex(node)) {
                    let word = graph.edge_words[edge as usize];
                    let target = edge_target(word);
                    let passes = !matches!(edge_kind(word), EdgeKind::Hidden | EdgeKind::Weak);
                    if passes
                        && states[target as usize] == 0
                        && graph.kind(target) == NodeKind::Native
                    {
                        states[target as usize] = state as u8;
                        stack.push(target);
                    }
                }
            }
        }
        let known: Vec<_> = (0..)
            .zip(&states)
            .filter(|&(_, &state)| state != 0)
            .map(|(node, &state)| (NodeIndex(node), Detachedness::from_number(state.into())))
            .collect();
        let renamed = known
            .iter()
            .filter(|(node, state)| {
                *state == Detachedness::Detached && graph.kind(node.0) == NodeKind::Native
            })
            .map(|entry| entry.0)
            .collect();
        Ok(Self { known, renamed })
    }

    pub(crate) fn get(&self, node: NodeIndex) -> Detachedness {
        self.known
            .binary_search_by_key(&node, |entry| entry.0)
            .map_or(Detachedness::Unknown, |at| self.known[at].1)
    }

    #[inline]
    pub(crate) fn is_renamed(&self, node: u32) -> bool {
        !self.renamed.is_empty() && self.renamed.binary_search(&NodeIndex(node)).is_ok()
    }

    /// Whether the node has this name, after renaming.
    #[inline]
    pub(crate) fn is_named(&self, graph: &HeapGraph, node: u32, name: Option<StringId>) -> bool {
        name.is_some_and(|name| graph.names.get(node as usize) == name.0) && !self.is_renamed(node)
    }

    /// The name of the node, after renaming.
    pub(crate) fn name<'g>(&self, graph: &'g HeapGraph, node: NodeIndex) -> Cow<'g, str> {
        let name = graph.node(node).name();
        if self.is_renamed(node.0) {
            Cow::Owned(format!("Detached {name}"))
        } else {
            name
        }
    }
}

/// What V8 wrote before it had a field for it.
fn old_names(graph: &HeapGraph) -> Vec<(NodeIndex, Detachedness)> {
    graph
        .nodes()
        .filter(|node| node.kind() == NodeKind::Native && node.name().starts_with("Detached "))
        .map(|node| (node.index(), Detachedness::Detached))
        .collect()
}
