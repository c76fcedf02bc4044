//! What all sections share.

use crate::model::{
    EdgeIndex, EdgeKind, HeapGraph, NodeIndex, NodeKind, StringId, edge_kind, edge_target,
};
use crate::retainers::{RetainerTree, Search, way_to, words};
use crate::signature::{Labels, Names, is_part};
use crate::snapshot::Snapshot;

/// A heap with its ways and the names of V8's links, looked up once.
pub(super) struct Context<'s, 'g> {
    pub(super) snapshot: &'s Snapshot<'g>,
    tree: RetainerTree,
    /// Most rows of a list.
    pub(super) rows: usize,
    /// Bytes of a pointer in this heap: 4 with compressed pointers.
    pub(super) word: u64,
    table: Option<StringId>,
    elements: Option<StringId>,
    properties: Option<StringId>,
}

/// What an object keeps its entries in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stores {
    pub(super) table: Option<NodeIndex>,
    pub(super) elements: Option<NodeIndex>,
    pub(super) properties: Option<NodeIndex>,
    /// References by index.
    pub(super) indexed: u64,
    /// References by name, but for those that every object has.
    pub(super) named: u64,
}

impl<'s, 'g> Context<'s, 'g> {
    pub(super) fn of(snapshot: &'s Snapshot<'g>, rows: usize) -> Self {
        let graph = snapshot.graph();
        let mut names = Names::default();
        let mut labels = Labels::new(graph, snapshot.scripts(), &mut names);
        let tree = Search::run(snapshot, &mut labels, &mut names, |_, _, _| {});
        let is_odd =
            |kind: NodeKind, size: u64| kind == NodeKind::Object && !size.is_multiple_of(8);
        let compressed = graph
            .nodes()
            .any(|node| is_odd(node.kind(), node.self_size()));
        Self {
            snapshot,
            tree,
            rows,
            word: if compressed { 4 } else { 8 },
            table: graph.find_string("table"),
            elements: graph.find_string("elements"),
            properties: graph.find_string("properties"),
        }
    }

    pub(super) fn graph(&self) -> &'g HeapGraph {
        self.snapshot.graph()
    }

    /// One look at all edges of an object.
    pub(super) fn stores(&self, node: NodeIndex) -> Stores {
        let mut stores = Stores::default();
        let graph = self.graph();
        for edge in graph.edge_range(node) {
            let word = graph.edge_words[edge as usize];
            match edge_kind(word) {
                EdgeKind::Element => stores.indexed += 1,
                EdgeKind::Property => stores.named += 1,
                EdgeKind::Internal => {
                    let name = Some(StringId(graph.edge_labels.get(edge as usize)));
                    let store = if name == self.table {
                        &mut stores.table
                    } else if name == self.elements {
                        &mut stores.elements
                    } else if name == self.properties {
                        &mut stores.properties
                    } else {
                        continue;
                    };
                    let target = edge_target(word);
                    if graph.kind(target) == NodeKind::Array {
                        *store = Some(NodeIndex(target));
                    }
                }
                _ => {}
            }
        }
        // `__proto__`.
        stores.named = stores.named.saturating_sub(1);
        stores
    }

    /// What holds an object, and the reference by which it does.
    pub(super) fn parent(&self, node: NodeIndex) -> Option<(NodeIndex, EdgeIndex)> {
        self.tree.parent(self.graph(), node)
    }

    /// The way to an object, in one line.
    pub(super) fn way(&self, node: NodeIndex) -> Option<String> {
        way_to(self.snapshot, &self.tree, node).map(|way| way.text)
    }

    /// The nearest thing above an object that is one of its own, with the reference: `LogEntry.url`.
    pub(super) fn held_by(&self, node: NodeIndex) -> Option<String> {
        let graph = self.graph();
        let (from, edge) = self.parent(node)?;
        let mut owner = from;
        while is_part(graph, owner) {
            owner = self.parent(owner)?.0;
        }
        let edge = graph.edge(edge);
        let word = if owner == from {
            words::reference(graph, &edge)
        } else {
            words::stored(graph, owner, from, &edge)
        };
        let owner = words::object(graph, self.snapshot.scripts(), owner);
        let joined = word.starts_with(['.', '[']) && !owner.starts_with("function ");
        Some(if joined {
            format!("{owner}{word}")
        } else {
            format!("{owner} → {word}")
        })
    }

    /// Share of the whole heap.
    pub(super) fn share(&self, bytes: u64) -> f64 {
        share(bytes, self.snapshot.analysis().total_size())
    }
}

/// `part / whole`; 0 of nothing.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
