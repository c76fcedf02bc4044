//! The graph: compact columns, filled once and never changed.
//!
//! Of a file, 15 bytes a node, 7 bytes an edge and 4 bytes a string, plus the strings' own text and 8 bytes for each
//! node that has a source location. Of a builder, names, places and labels by the block ([`blocks`]): 9 bytes a node where ids are
//! addresses and some two for its name and place, 4 an edge and some one for its label. Edges stand in the order of the nodes they come from (compressed sparse rows), as
//! snapshot files have them, so that a node needs no more than the number of its first edge.

mod blocks;
mod compact;
mod index;
mod kinds;
mod locations;
mod near;
mod strings;
mod wide;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

pub(crate) use blocks::{BlockColumn, BlockWriter};
pub(crate) use compact::{
    LabelColumn, NameColumn, NarrowColumn, ShortLabels, SizeColumn, SizeMoves,
};
pub use index::{EdgeIndex, NodeIndex, StringId};
pub use kinds::{Detachedness, EdgeKind, NodeKind};
pub use locations::Location;
pub(crate) use locations::Locations;
pub(crate) use near::NearColumn;
pub(crate) use strings::{StringTable, encode};
pub(crate) use wide::WideColumn;

/// Bits of an edge's word that hold its target; the three above hold its kind.
const TARGET_BITS: u32 = 29;
const TARGET_MASK: u32 = (1 << TARGET_BITS) - 1;

/// The most nodes that a graph can have, about 536 million: a file of some 45 GB.
pub const MAX_NODES: usize = 1 << TARGET_BITS;
/// The most edges that a graph can have, about 4.29 billion.
pub const MAX_EDGES: usize = u32::MAX as usize - 1;

/// An edge's word of its kind and target.
#[inline]
pub(crate) const fn pack_edge(kind: EdgeKind, target: u32) -> u32 {
    ((kind as u32) << TARGET_BITS) | target
}

#[inline]
pub(crate) const fn edge_target(word: u32) -> u32 {
    word & TARGET_MASK
}

#[inline]
pub(crate) const fn edge_kind(word: u32) -> EdgeKind {
    EdgeKind::from_bits(word >> TARGET_BITS)
}

/// A heap: its objects (nodes) and their references (edges), as a snapshot or another producer told them.
///
/// Made by [`read`](crate::read) and [`GraphBuilder`](crate::GraphBuilder); never changes afterwards, and is cheap to share between
/// threads (`Send + Sync`). Every index in it is valid: no edge leads out of the graph, no name out of the string table.
#[derive(Clone, Default)]
pub struct HeapGraph {
    pub(crate) kinds: Vec<u8>,
    pub(crate) names: NameColumn,
    pub(crate) ids: WideColumn,
    pub(crate) self_sizes: SizeColumn,
    /// One more than there are nodes.
    pub(crate) first_edge: Vec<u32>,
    /// String or number, by the edge's kind.
    pub(crate) edge_labels: LabelColumn,
    /// [`pack_edge`].
    pub(crate) edge_words: Vec<u32>,
    /// By node, known states alone.
    pub(crate) detachedness: Vec<(NodeIndex, Detachedness)>,
    /// Whether the producer says anything about detachedness at all.
    pub(crate) has_detachedness: bool,
    pub(crate) strings: StringTable,
    pub(crate) locations: Locations,
    pub(crate) root: NodeIndex,
    pub(crate) extra_native_bytes: u64,
}

impl HeapGraph {
    /// How many nodes there are: at least one, the root.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.kinds.len()
    }

    /// How many edges there are.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.edge_words.len()
    }

    /// How many strings the table has, whether anything refers to them or not.
    #[must_use]
    pub fn string_count(&self) -> usize {
        self.strings.len()
    }

    /// The synthetic node that everything alive is reached from: node 0 in what V8 writes.
    #[must_use]
    pub fn root(&self) -> NodeIndex {
        self.root
    }

    /// Memory outside of V8's heap that the producer counted besides the nodes, in bytes (since Node.js 24).
    #[must_use]
    pub fn extra_native_bytes(&self) -> u64 {
        self.extra_native_bytes
    }

    /// A node. Panics for an index of another, larger graph.
    #[must_use]
    #[inline]
    pub fn node(&self, index: NodeIndex) -> Node<'_> {
        assert!(
            index.index() < self.node_count(),
            "node {index} is not of this graph"
        );
        Node { graph: self, index }
    }

    /// Every node in the order of the file.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = Node<'_>> + Clone {
        (0..self.node_count() as u32).map(|index| Node {
            graph: self,
            index: NodeIndex(index),
        })
    }

    /// The edges out of a node, in the order of the file. Nothing is allocated.
    pub fn edges(
        &self,
        from: NodeIndex,
    ) -> impl ExactSizeIterator<Item = Edge> + DoubleEndedIterator + Clone + '_ {
        self.edge_range(from).map(|edge| self.edge(EdgeIndex(edge)))
    }

    /// An edge. Panics for an index of another, larger graph.
    #[must_use]
    #[inline]
    pub fn edge(&self, index: EdgeIndex) -> Edge {
        let word = self.edge_words[index.index()];
        let kind = edge_kind(word);
        let label = self.edge_labels.get(index.index());
        let label = if kind.has_index() {
            EdgeLabel::Index(label)
        } else {
            EdgeLabel::Name(StringId(label))
        };
        Edge {
            index,
            kind,
            label,
            target: NodeIndex(edge_target(word)),
        }
    }

    /// The node that an edge comes from: a binary search. Panics for an index of another, larger graph.
    #[must_use]
    pub fn edge_source(&self, index: EdgeIndex) -> NodeIndex {
        assert!(
            index.index() < self.edge_count(),
            "edge {index} is not of this graph"
        );
        NodeIndex(self.first_edge.partition_point(|&first| first <= index.0) as u32 - 1)
    }

    /// A string, decoded now; borrowed unless it has escapes. Empty for an id of another graph.
    ///
    /// Halves of surrogate pairs and bytes that are not UTF-8 come as U+FFFD.
    #[must_use]
    pub fn string(&self, id: StringId) -> Cow<'_, str> {
        self.strings.get(id)
    }

    /// The first string of the table with this text: a search through all of it, at memory speed.
    ///
    /// Found are texts that the producer wrote without escapes. There may be more strings with the same text.
    #[must_use]
    pub fn find_string(&self, text: &str) -> Option<StringId> {
        self.strings.find(text)
    }

    /// Where the function, or the constructor of the object, stands in the source.
    #[must_use]
    pub fn location(&self, node: NodeIndex) -> Option<Location> {
        self.locations.get(node)
    }

    /// The first node with this id ([`Node::id`]): a search through all of them, at memory speed.
    #[must_use]
    pub fn node_by_id(&self, id: u64) -> Option<NodeIndex> {
        let at = self.ids.position(id);
        at.map(|at| NodeIndex(at as u32))
    }

    /// Sum of all self sizes, in bytes.
    #[must_use]
    pub fn total_self_size(&self) -> u64 {
        self.self_sizes.sum()
    }

    /// How much memory the graph itself occupies, in bytes.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.kinds.capacity()
            + self.names.heap_bytes()
            + 4 * self.first_edge.capacity()
            + self.edge_labels.heap_bytes()
            + 4 * self.edge_words.capacity()
            + self.ids.heap_bytes()
            + self.self_sizes.heap_bytes()
            + self.detachedness.capacity() * size_of::<(NodeIndex, Detachedness)>()
            + self.strings.heap_bytes()
            + self.locations.heap_bytes()
    }

    #[inline]
    pub(crate) fn edge_range(&self, from: NodeIndex) -> Range<u32> {
        self.first_edge[from.index()]..self.first_edge[from.index() + 1]
    }

    #[inline]
    pub(crate) fn kind(&self, node: u32) -> NodeKind {
        NodeKind::from_byte(self.kinds[node as usize])
    }
}

impl fmt::Debug for HeapGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeapGraph")
            .field("nodes", &self.node_count())
            .field("edges", &self.edge_count())
            .field("strings", &self.string_count())
            .finish_non_exhaustive()
    }
}

/// A node of a graph: a reference to the graph and a number, free to copy.
#[derive(Clone, Copy)]
pub struct Node<'g> {
    graph: &'g HeapGraph,
    index: NodeIndex,
}

impl<'g> Node<'g> {
    /// Its place in the graph.
    #[must_use]
    pub fn index(self) -> NodeIndex {
        self.index
    }

    /// What it stands for.
    #[must_use]
    pub fn kind(self) -> NodeKind {
        self.graph.kind(self.index.0)
    }

    /// Its name as the producer wrote it: an object's constructor, a string's text, a function's name.
    /// DevTools shows some nodes by other names.
    #[must_use]
    pub fn name(self) -> Cow<'g, str> {
        self.graph.string(self.name_id())
    }

    /// Its name as a number: the same for nodes whose producer wrote the same string of its table.
    #[must_use]
    pub fn name_id(self) -> StringId {
        StringId(self.graph.names.get(self.index.index()))
    }

    /// V8's id of the object: the same in every snapshot of one process, as long as the object lives.
    /// Forked and other processes number anew.
    #[must_use]
    pub fn id(self) -> u64 {
        self.graph.ids.get(self.index.index())
    }

    /// Bytes of the node alone, as the producer counted them. DevTools adds parts to their owners first.
    #[must_use]
    pub fn self_size(self) -> u64 {
        self.graph.self_sizes.get(self.index.index())
    }

    /// Whether it is part of a document, as the producer wrote it.
    #[must_use]
    pub fn detachedness(self) -> Detachedness {
        let known = &self.graph.detachedness;
        known
            .binary_search_by_key(&self.index, |entry| entry.0)
            .map_or(Detachedness::Unknown, |at| known[at].1)
    }

    /// How many edges lead out of it.
    #[must_use]
    pub fn edge_count(self) -> usize {
        self.graph.edge_range(self.index).len()
    }

    /// The edges out of it.
    pub fn edges(self) -> impl ExactSizeIterator<Item = Edge> + DoubleEndedIterator + Clone + 'g {
        self.graph.edges(self.index)
    }

    /// Where its function or constructor stands in the source.
    #[must_use]
    pub fn location(self) -> Option<Location> {
        self.graph.location(self.index)
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {:?} @{} ({} B)",
            self.kind().as_str(),
            self.name(),
            self.id(),
            self.self_size()
        )
    }
}

/// A reference from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Edge {
    /// Its place in the graph.
    pub index: EdgeIndex,
    /// How the source refers to the target.
    pub kind: EdgeKind,
    /// By which name or number.
    pub label: EdgeLabel,
    /// The node that is referred to.
    pub target: NodeIndex,
}

impl Edge {
    /// The string of its name, where it has one.
    #[must_use]
    pub fn name_id(&self) -> Option<StringId> {
        match self.label {
            EdgeLabel::Name(id) => Some(id),
            EdgeLabel::Index(_) => None,
        }
    }

    /// Its name, or its number in digits.
    #[must_use]
    pub fn name<'g>(&self, graph: &'g HeapGraph) -> Cow<'g, str> {
        match self.label {
            EdgeLabel::Name(id) => graph.string(id),
            EdgeLabel::Index(index) => Cow::Owned(index.to_string()),
        }
    }
}

/// What an edge is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EdgeLabel {
    /// By a string: properties, variables, V8's links.
    Name(StringId),
    /// By a number: elements and hidden links.
    Index(u32),
}
