//! Filling a graph from something that is not a snapshot file: a heap walker, a test.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::model::{
    Detachedness, EdgeKind, EdgeLabel, HeapGraph, LabelColumn, Location, Locations, MAX_EDGES,
    MAX_NODES, NearColumn, NodeIndex, NodeKind, SizeColumn, StringId, StringTable, WideColumn,
    encode, insert, pack_edge,
};

/// Why a graph cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No node was added; the first one is the root.
    #[error("A heap graph needs at least one node, its root.")]
    Empty,
    /// More than a graph can hold.
    #[error("A heap graph holds at most {limit} {what}.")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// An edge refers to a node that was never added.
    #[error("An edge of node {from} leads to node {target}, but there are only {nodes} nodes.")]
    NoSuchNode {
        /// Where the edge comes from.
        from: NodeIndex,
        /// Where it would lead.
        target: NodeIndex,
        /// How many nodes there are.
        nodes: usize,
    },
    /// A node or an edge is named by a string that was never added.
    #[error("String {id} is the name of a node or an edge, but there are only {strings} strings.")]
    NoSuchString {
        /// The string that is missing.
        id: StringId,
        /// How many strings there are.
        strings: usize,
    },
}

impl BuildError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "ERR_MEMGUARD_SNAPSHOT_TOO_LARGE",
            Self::Empty | Self::NoSuchNode { .. } | Self::NoSuchString { .. } => {
                "ERR_MEMGUARD_SNAPSHOT_INCONSISTENT"
            }
        }
    }
}

/// Fills a [`HeapGraph`]: nodes, edges and strings in any order, forward references allowed.
///
/// The first node added is the root. Edges given in the order of the nodes they come from need no sorting at
/// the end. While it fills, 7 bytes an edge (12 for one that comes out of order) and 17 to 21 a node; strings are kept once each, with
/// 8 to 16 bytes to find them again.
///
/// ```
/// use memguard_heap_graph::{EdgeKind, GraphBuilder, NodeKind};
///
/// let mut builder = GraphBuilder::new();
/// let root = builder.node(NodeKind::Synthetic, "", 1, 0);
/// let user = builder.node(NodeKind::Object, "User", 3, 24);
/// builder.edge(root, EdgeKind::Element, 1, user);
/// let graph = builder.finish()?;
/// assert_eq!(graph.node(user).name(), "User");
/// # Ok::<(), memguard_heap_graph::BuildError>(())
/// ```
#[derive(Debug, Default)]
pub struct GraphBuilder {
    kinds: Vec<u8>,
    names: Vec<u32>,
    ids: WideColumn,
    self_sizes: SizeColumn,
    /// The first edge of each node, of those that came in the order of their sources.
    first_edge: Vec<u32>,
    /// The others: source, label, word.
    late: Vec<(u32, u32, u32)>,
    edge_labels: LabelColumn,
    edge_words: Vec<u32>,
    detachedness: Vec<(NodeIndex, Detachedness)>,
    has_detachedness: bool,
    strings: StringTable,
    interned: Interned,
    places: HashMap<Location, u32>,
    locations: Locations,
    /// Of nodes that were not there yet.
    early_locations: Vec<(NodeIndex, u32)>,
    extra_native_bytes: u64,
    overflow: Option<BuildError>,
}

/// The label of an edge that is being added: a text, a string added before, or a number.
#[derive(Clone, Copy, Debug)]
pub enum NewLabel<'a> {
    /// A text, which is looked up among the strings or added.
    Text(&'a str),
    /// A string of [`GraphBuilder::string`].
    Id(StringId),
    /// A number, for elements and hidden edges. For other kinds its digits become the name.
    Index(u32),
}

impl<'a> From<&'a str> for NewLabel<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<StringId> for NewLabel<'_> {
    fn from(id: StringId) -> Self {
        Self::Id(id)
    }
}

impl From<u32> for NewLabel<'_> {
    fn from(index: u32) -> Self {
        Self::Index(index)
    }
}

impl From<EdgeLabel> for NewLabel<'_> {
    fn from(label: EdgeLabel) -> Self {
        match label {
            EdgeLabel::Name(id) => Self::Id(id),
            EdgeLabel::Index(index) => Self::Index(index),
        }
    }
}

impl GraphBuilder {
    /// An empty graph to fill.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for so many nodes and edges.
    #[must_use]
    pub fn with_capacity(nodes: usize, edges: usize) -> Self {
        let edges = edges.min(MAX_EDGES);
        let nodes = nodes.min(MAX_NODES);
        Self {
            kinds: Vec::with_capacity(nodes),
            names: Vec::with_capacity(nodes),
            ids: WideColumn::Narrow(Vec::with_capacity(nodes)),
            self_sizes: SizeColumn::with_capacity(nodes),
            first_edge: Vec::with_capacity(nodes.saturating_add(1)),
            edge_labels: LabelColumn::with_capacity(edges),
            edge_words: Vec::with_capacity(edges),
            ..Self::default()
        }
    }

    /// For ids that are addresses, most of them in rising order: two bytes each then, in place of eight. Makes room for a place of each node
    /// besides, so that nothing has to be moved while the graph is filled.
    #[must_use]
    pub fn with_address_ids(mut self) -> Self {
        let nodes = self.kinds.capacity();
        self.ids = WideColumn::Near(NearColumn::with_capacity(nodes));
        self.locations = Locations::with_capacity(nodes);
        self
    }

    /// The id of a text in the string table, which is added if it is new.
    pub fn string(&mut self, text: &str) -> StringId {
        let raw = encode(text);
        if let Some(id) = self.interned.find(&self.strings, &raw) {
            return id;
        }
        if self.strings.len() >= u32::MAX as usize {
            self.overflow = Some(BuildError::TooLarge {
                what: "strings",
                limit: u32::MAX as usize,
            });
            return StringId(0);
        }
        let id = StringId(self.strings.len() as u32);
        self.strings.push_raw(&raw);
        self.interned.add(&self.strings, id);
        id
    }

    /// Adds a node under a name. `id` is what it is known by in other snapshots of the process, `self_size` its
    /// bytes without what it refers to.
    pub fn node(&mut self, kind: NodeKind, name: &str, id: u64, self_size: u64) -> NodeIndex {
        let name = self.string(name);
        self.node_named(kind, name, id, self_size)
    }

    /// [`GraphBuilder::node`] with a string added before.
    pub fn node_named(
        &mut self,
        kind: NodeKind,
        name: StringId,
        id: u64,
        self_size: u64,
    ) -> NodeIndex {
        if self.kinds.len() >= MAX_NODES {
            self.overflow = Some(BuildError::TooLarge {
                what: "nodes",
                limit: MAX_NODES,
            });
            return NodeIndex(0);
        }
        let index = NodeIndex(self.kinds.len() as u32);
        self.kinds.push(kind as u8);
        self.names.push(name.0);
        self.ids.push(id);
        self.self_sizes.push(self_size);
        index
    }

    /// How many nodes were added: the index of the next one.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.kinds.len()
    }

    /// Adds an edge. Its ends may be nodes that are added later.
    pub fn edge<'a>(
        &mut self,
        from: NodeIndex,
        kind: EdgeKind,
        label: impl Into<NewLabel<'a>>,
        target: NodeIndex,
    ) {
        let label = match (label.into(), kind.has_index()) {
            (NewLabel::Index(index), true) => index,
            (NewLabel::Index(index), false) => self.string(&index.to_string()).0,
            (NewLabel::Id(id), _) => id.0,
            (NewLabel::Text(text), false) => self.string(text).0,
            (NewLabel::Text(text), true) => text.parse().unwrap_or(0),
        };
        if self.edge_words.len() + self.late.len() >= MAX_EDGES || target.index() >= MAX_NODES {
            let (what, limit) = if target.index() >= MAX_NODES {
                ("nodes", MAX_NODES)
            } else {
                ("edges", MAX_EDGES)
            };
            self.overflow = Some(BuildError::TooLarge { what, limit });
            return;
        }
        let word = pack_edge(kind, target.0);
        if from.index() + 1 < self.first_edge.len() {
            self.late.push((from.0, label, word));
            return;
        }
        let next = self.edge_words.len() as u32;
        self.first_edge.resize(from.index() + 1, next);
        self.edge_labels.push(label);
        self.edge_words.push(word);
    }

    /// Says whether a node is part of a document.
    pub fn detachedness(&mut self, node: NodeIndex, state: Detachedness) {
        self.has_detachedness = true;
        if state != Detachedness::Unknown {
            self.detachedness.push((node, state));
        }
    }

    /// Says where a node's function or constructor stands in the source.
    pub fn location(&mut self, node: NodeIndex, location: Location) {
        let next = self.places.len() as u32;
        let place = *self.places.entry(location).or_insert(next);
        if node.index() < self.kinds.len() {
            self.locations.set(node, place);
        } else {
            self.early_locations.push((node, place));
        }
    }

    /// Memory outside of the nodes, in bytes, that counts as native.
    pub fn extra_native_bytes(&mut self, bytes: u64) {
        self.extra_native_bytes = bytes;
    }

    /// Checks and completes the graph.
    ///
    /// # Errors
    /// Without any node, when there was too much of something, and when an edge leads to a node, or a name to a string,
    /// that was never added.
    pub fn finish(mut self) -> Result<HeapGraph, BuildError> {
        if let Some(error) = self.overflow {
            return Err(error);
        }
        let nodes = self.kinds.len();
        if nodes == 0 {
            return Err(BuildError::Empty);
        }
        self.check_references()?;
        let first_edge = self.sort_edges();
        self.detachedness.sort_by_key(|entry| entry.0);
        self.detachedness.dedup_by_key(|entry| entry.0);
        self.detachedness.retain(|entry| entry.0.index() < nodes);
        for &(node, place) in self.early_locations.iter().rev() {
            // Of two for one node the later counts.
            if node.index() < nodes && !self.locations.has(node) {
                self.locations.set(node, place);
            }
        }
        let mut places = vec![Location::default(); self.places.len()];
        for (location, at) in self.places {
            places[at as usize] = location;
        }
        self.strings.shrink();
        self.edge_words.shrink_to_fit();
        self.edge_labels.shrink();
        Ok(HeapGraph {
            kinds: self.kinds,
            names: self.names,
            ids: self.ids,
            self_sizes: self.self_sizes,
            first_edge,
            edge_labels: self.edge_labels,
            edge_words: self.edge_words,
            detachedness: self.detachedness,
            has_detachedness: self.has_detachedness,
            strings: self.strings,
            locations: self.locations.with_places(places),
            root: NodeIndex(0),
            extra_native_bytes: self.extra_native_bytes,
        })
    }

    fn check_references(&self) -> Result<(), BuildError> {
        let nodes = self.kinds.len();
        let strings = self.strings.len();
        let source = |at: usize| {
            let after = |&first: &u32| first as usize <= at;
            self.first_edge.partition_point(after).saturating_sub(1) as u32
        };
        let last = self.first_edge.len().saturating_sub(1) as u32;
        let in_order = self.edge_words.iter().enumerate();
        let in_order = in_order.map(|(at, &word)| {
            let target = crate::model::edge_target(word) as usize;
            let from = if target < nodes { last } else { source(at) };
            (from, self.edge_labels.get(at), word)
        });
        for (from, label, word) in in_order.chain(self.late.iter().copied()) {
            let target = crate::model::edge_target(word);
            if from.max(target) as usize >= nodes {
                return Err(BuildError::NoSuchNode {
                    from: NodeIndex(from),
                    target: NodeIndex(target),
                    nodes,
                });
            }
            if !crate::model::edge_kind(word).has_index() && label as usize >= strings {
                return Err(BuildError::NoSuchString {
                    id: StringId(label),
                    strings,
                });
            }
        }
        match self.names.iter().find(|&&name| name as usize >= strings) {
            Some(&name) => Err(BuildError::NoSuchString {
                id: StringId(name),
                strings,
            }),
            None => Ok(()),
        }
    }

    /// Puts the edges that came out of order where they belong (behind the others of their source, in the order given), and
    /// returns the index of each node's first.
    fn sort_edges(&mut self) -> Vec<u32> {
        let mut first = std::mem::take(&mut self.first_edge);
        let in_order = self.edge_words.len();
        first.resize(self.kinds.len() + 1, in_order as u32);
        let mut late = std::mem::take(&mut self.late);
        late.sort_by_key(|&(from, ..)| from);
        let place = |at: usize, from: u32| first[from as usize + 1] as usize + at;
        let places: Vec<usize> = late
            .iter()
            .enumerate()
            .map(|(at, &(from, ..))| place(at, from))
            .collect();
        insert(&mut self.edge_words, &places, |at| late[at].2);
        self.edge_labels.insert(&places, |at| late[at].1);
        let mut before = 0;
        for (node, first) in first.iter_mut().enumerate() {
            while late
                .get(before)
                .is_some_and(|&(from, ..)| (from as usize) < node)
            {
                before += 1;
            }
            *first += before as u32;
        }
        first
    }
}

/// Which string has a text: a hash table of numbers alone, since the texts are in the string table.
#[derive(Debug, Default)]
struct Interned {
    /// The number of a string and one more, or 0. Always a power of two, and never full.
    slots: Vec<u32>,
    used: usize,
    hasher: RandomState,
}

impl Interned {
    fn find(&self, strings: &StringTable, raw: &[u8]) -> Option<StringId> {
        self.places(raw).find_map(|place| {
            let number = self.slots[place].checked_sub(1);
            match number {
                None => Some(None),
                Some(id) => (strings.raw(StringId(id)) == raw).then_some(Some(StringId(id))),
            }
        })?
    }

    /// Adds a string that was not found.
    fn add(&mut self, strings: &StringTable, id: StringId) {
        if self.used >= self.slots.len() / 4 * 3 {
            self.grow(strings);
        }
        self.put(strings, id.0);
        self.used += 1;
    }

    fn grow(&mut self, strings: &StringTable) {
        let slots = (self.slots.len() * 2).max(64);
        let before = std::mem::replace(&mut self.slots, vec![0; slots]);
        for id in before
            .into_iter()
            .filter_map(|number| number.checked_sub(1))
        {
            self.put(strings, id);
        }
    }

    fn put(&mut self, strings: &StringTable, id: u32) {
        let free = self
            .places(strings.raw(StringId(id)))
            .find(|&place| self.slots[place] == 0);
        if let Some(free) = free {
            self.slots[free] = id + 1;
        }
    }

    /// Where a text may be, one place after the other.
    fn places(&self, raw: &[u8]) -> impl Iterator<Item = usize> + use<> {
        let count = self.slots.len();
        let first = self.hasher.hash_one(raw) as usize;
        (0..count).map(move |step| first.wrapping_add(step) & (count - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_in_any_order_come_out_by_source() {
        let mut builder = GraphBuilder::new();
        let root = builder.node(NodeKind::Synthetic, "", 1, 0);
        let (a, b) = (NodeIndex(1), NodeIndex(2));
        builder.edge(a, EdgeKind::Property, "next", b);
        builder.edge(root, EdgeKind::Element, 4, a);
        builder.edge(a, EdgeKind::Property, "self", a);
        builder.node(NodeKind::Object, "A", 3, 16);
        builder.node(NodeKind::Object, "B", 1 << 40, 1 << 33);
        let graph = builder.finish().unwrap();

        let names: Vec<_> = graph
            .edges(a)
            .map(|edge| edge.name(&graph).into_owned())
            .collect();
        assert_eq!(names, ["next", "self"]);
        assert_eq!(graph.edges(root).next().unwrap().label, EdgeLabel::Index(4));
        assert_eq!(
            graph.edge_source(graph.edges(a).next_back().unwrap().index),
            a
        );
        assert_eq!(
            (graph.node(b).id(), graph.node(b).self_size()),
            (1 << 40, 1 << 33)
        );
        assert_eq!(graph.node_by_id(1 << 40), Some(b));
        assert_eq!(graph.total_self_size(), 16 + (1 << 33));
    }

    #[test]
    fn what_was_never_added_is_an_error() {
        assert_eq!(GraphBuilder::new().finish().unwrap_err(), BuildError::Empty);

        let mut builder = GraphBuilder::new();
        let root = builder.node(NodeKind::Synthetic, "", 1, 0);
        builder.edge(root, EdgeKind::Element, 1, NodeIndex(5));
        let error = builder.finish().unwrap_err();
        assert_eq!(
            error,
            BuildError::NoSuchNode {
                from: root,
                target: NodeIndex(5),
                nodes: 1
            }
        );

        let mut builder = GraphBuilder::new();
        let root = builder.node(NodeKind::Synthetic, "", 1, 0);
        builder.edge(root, EdgeKind::Property, StringId(9), root);
        assert_eq!(
            builder.finish().unwrap_err().code(),
            "ERR_MEMGUARD_SNAPSHOT_INCONSISTENT"
        );
    }
}
