//! What all sections share.

use crate::model::{Edge, EdgeKind, EdgeLabel, HeapGraph, NodeIndex, NodeKind, StringId};
use crate::retainers::{RetainerTree, Search, way_to, words};
use crate::signature::{Labels, Names, is_part};
use crate::snapshot::Snapshot;

/// A heap with its ways and the names of V8's links, looked up once.
pub(super) struct Context<'s, 'g> {
    pub(super) snapshot: &'s Snapshot<'g>,
    pub(super) tree: RetainerTree,
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
        for edge in self.graph().edges(node) {
            match (edge.kind, edge.label) {
                (EdgeKind::Element, _) => stores.indexed += 1,
                (EdgeKind::Property, _) => stores.named += 1,
                (EdgeKind::Internal, EdgeLabel::Name(name)) if self.is_store(&edge) => {
                    let name = Some(name);
                    if name == self.table {
                        stores.table = Some(edge.target);
                    } else if name == self.elements {
                        stores.elements = Some(edge.target);
                    } else if name == self.properties {
                        stores.properties = Some(edge.target);
                    }
                }
                _ => {}
            }
        }
        // `__proto__`.
        stores.named = stores.named.saturating_sub(1);
        stores
    }

    fn is_store(&self, edge: &Edge) -> bool {
        self.graph().node(edge.target).kind() == NodeKind::Array
    }

    /// The way to an object, in one line.
    pub(super) fn way(&self, node: NodeIndex) -> Option<String> {
        way_to(self.snapshot, &self.tree, node).map(|way| way.text)
    }

    /// The nearest thing above an object that is one of its own, with the reference: `LogEntry.url`.
    pub(super) fn held_by(&self, node: NodeIndex) -> Option<String> {
        let graph = self.graph();
        let (from, edge) = self.tree.parent(node)?;
        let mut owner = from;
        while is_part(graph, owner) {
            owner = self.tree.parent(owner)?.0;
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
