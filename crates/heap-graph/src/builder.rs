//! Filling a graph from something that is not a snapshot file: a heap walker, a test.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::model::{
    BlockColumn, BlockWriter, Detachedness, EdgeKind, EdgeLabel, HeapGraph, LabelColumn, Location,
    Locations, MAX_EDGES, MAX_NODES, NameColumn, NearColumn, NodeIndex, NodeKind, SizeColumn,
    StringId, StringTable, WideColumn, encode, pack_edge,
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
/// the end. While it fills, 5 bytes an edge (12 for one that comes out of order) and 11 to 17 a node, where neighbours are alike; strings
/// are kept once each, with 10 to 20 bytes to find them again.
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
    names: BlockWriter,
    /// The last string that a node or an edge is named by.
    last_name: u32,
    ids: WideColumn,
    self_sizes: SizeColumn,
    /// The first edge of each node, of those that came in the order of their sources.
    first_edge: Vec<u32>,
    /// The others: source, label, word.
    late: Vec<(u32, u32, u32)>,
    edge_labels: BlockWriter,
    edge_words: Vec<u32>,
    detachedness: Vec<(NodeIndex, Detachedness)>,
    has_detachedness: bool,
    strings: StringTable,
    interned: Interned,
    places: HashMap<Location, u32>,
    /// Of each node one more than the number of its place, or 0.
    node_places: BlockWriter,
    /// Of nodes that were not the last at that time.
    late_places: Vec<(NodeIndex, u32)>,
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

/// Kind and label of edges that are many, made once by [`GraphBuilder::stamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeStamp {
    kind: EdgeKind,
    label: u32,
}

/// A place in the source that nodes share, made once by [`GraphBuilder::place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceId(u32);

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
            ids: WideColumn::Narrow(Vec::with_capacity(nodes)),
            self_sizes: SizeColumn::with_capacity(nodes),
            first_edge: Vec::with_capacity(nodes.saturating_add(1)),
            edge_words: Vec::with_capacity(edges),
            ..Self::default()
        }
    }

    /// For ids that are addresses, most of them in rising order: two bytes each then, in place of eight.
    #[must_use]
    pub fn with_address_ids(mut self) -> Self {
        let nodes = self.kinds.capacity();
        self.ids = WideColumn::Near(NearColumn::with_capacity(nodes));
        self
    }

    /// Makes room to find so many strings again.
    #[must_use]
    pub fn with_strings(mut self, strings: usize) -> Self {
        self.interned.grow(&self.strings, strings);
        self
    }

    /// The id of a text in the string table, which is added if it is new.
    pub fn string(&mut self, text: &str) -> StringId {
        let raw = encode(text);
        let hash = self.interned.hash(&raw);
        if let Some(id) = self.interned.find(&self.strings, &raw, hash) {
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
        self.interned.add(&self.strings, id, hash);
        id
    }

    /// Adds a node under a name. `id` is what it is known by in other snapshots of the process, `self_size` its
    /// bytes without what it refers to.
    pub fn node(&mut self, kind: NodeKind, name: &str, id: u64, self_size: u64) -> NodeIndex {
        let name = self.string(name);
        self.node_named(kind, name, id, self_size)
    }

    /// [`GraphBuilder::node`] with a string added before.
    #[inline]
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
        self.last_name = self.last_name.max(name.0);
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
        let stamp = self.stamp(kind, label);
        self.stamped_edge(from, stamp, target);
    }

    /// Kind and label of edges, for [`GraphBuilder::stamped_edge`].
    #[inline]
    pub fn stamp<'a>(&mut self, kind: EdgeKind, label: impl Into<NewLabel<'a>>) -> EdgeStamp {
        let label = match (label.into(), kind.has_index()) {
            (NewLabel::Index(index), true) => index,
            (NewLabel::Index(index), false) => self.string(&index.to_string()).0,
            (NewLabel::Id(id), _) => id.0,
            (NewLabel::Text(text), false) => self.string(text).0,
            (NewLabel::Text(text), true) => text.parse().unwrap_or(0),
        };
        if !kind.has_index() {
            self.last_name = self.last_name.max(label);
        }
        EdgeStamp { kind, label }
    }

    /// [`GraphBuilder::edge`] for who adds millions of them.
    #[inline]
    pub fn stamped_edge(&mut self, from: NodeIndex, stamp: EdgeStamp, target: NodeIndex) {
        let next = self.edge_words.len();
        if next + self.late.len() >= MAX_EDGES || target.index() >= MAX_NODES {
            self.overflown(target);
            return;
        }
        let word = pack_edge(stamp.kind, target.0);
        let known = self.first_edge.len();
        if from.index() + 1 < known {
            self.late.push((from.0, stamp.label, word));
            return;
        }
        if from.index() >= known {
            self.first_edge.resize(from.index() + 1, next as u32);
        }
        self.edge_labels.push(stamp.label);
        self.edge_words.push(word);
    }

    #[cold]
    fn overflown(&mut self, target: NodeIndex) {
        let (what, limit) = if target.index() >= MAX_NODES {
            ("nodes", MAX_NODES)
        } else {
            ("edges", MAX_EDGES)
        };
        self.overflow = Some(BuildError::TooLarge { what, limit });
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
        let place = self.place(location);
        self.located(node, place);
    }

    /// The number of a place, for [`GraphBuilder::located`].
    pub fn place(&mut self, location: Location) -> PlaceId {
        let next = self.places.len() as u32;
        PlaceId(*self.places.entry(location).or_insert(next))
    }

    /// [`GraphBuilder::location`] for who has many nodes of one place.
    #[inline]
    pub fn located(&mut self, node: NodeIndex, PlaceId(place): PlaceId) {
        if node.index() + 1 != self.kinds.len() || node.index() < self.node_places.len() {
            self.late_places.push((node, place));
            return;
        }
        while self.node_places.len() < node.index() {
            self.node_places.push(0);
        }
        self.node_places.push(place + 1);
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
        self.interned = Interned::default();
        let nodes = self.kinds.len();
        if nodes == 0 {
            return Err(BuildError::Empty);
        }
        self.check_references()?;
        let (first_edge, edge_labels) = self.sort_edges();
        self.detachedness.sort_by_key(|entry| entry.0);
        self.detachedness.dedup_by_key(|entry| entry.0);
        self.detachedness.retain(|entry| entry.0.index() < nodes);
        self.late_places.retain(|entry| entry.0.index() < nodes);
        let mut places = vec![Location::default(); self.places.len()];
        for (location, at) in self.places {
            places[at as usize] = location;
        }
        self.strings.shrink();
        self.edge_words.shrink_to_fit();
        Ok(HeapGraph {
            kinds: self.kinds,
            names: NameColumn::Blocks(self.names.finish()),
            ids: self.ids,
            self_sizes: self.self_sizes,
            first_edge,
            edge_labels: LabelColumn::Blocks(edge_labels),
            edge_words: self.edge_words,
            detachedness: self.detachedness,
            has_detachedness: self.has_detachedness,
            strings: self.strings,
            locations: Locations::by_node(places, self.node_places.finish(), &self.late_places),
            root: NodeIndex(0),
            extra_native_bytes: self.extra_native_bytes,
        })
    }

    fn check_references(&self) -> Result<(), BuildError> {
        let nodes = self.kinds.len();
        let strings = self.strings.len();
        let no_node = |from: usize, target: usize| {
            Err(BuildError::NoSuchNode {
                from: NodeIndex(from as u32),
                target: NodeIndex(target as u32),
                nodes,
            })
        };
        let target = |&word: &u32| crate::model::edge_target(word) as usize;
        let known = self.first_edge.len();
        if self.edge_words.iter().map(target).max() >= Some(nodes) {
            let is_none = |word: &u32| target(word) >= nodes;
            let at = self.edge_words.iter().position(is_none).unwrap_or(0);
            let after = |&first: &u32| first as usize <= at;
            let from = self.first_edge.partition_point(after).saturating_sub(1);
            return no_node(from, target(&self.edge_words[at]));
        }
        if known > nodes {
            return no_node(known - 1, self.edge_words.last().map_or(0, target));
        }
        for (from, _, word) in &self.late {
            if (*from as usize).max(target(word)) >= nodes {
                return no_node(*from as usize, target(word));
            }
        }
        if strings == 0 || self.last_name as usize >= strings {
            return Err(BuildError::NoSuchString {
                id: StringId(self.last_name),
                strings,
            });
        }
        Ok(())
    }

    /// Puts the edges that came out of order where they belong (behind the others of their source, in the order given), and
    /// returns the index of each node's first, and the labels.
    fn sort_edges(&mut self) -> (Vec<u32>, BlockColumn) {
        let mut first = std::mem::take(&mut self.first_edge);
        let labels = std::mem::take(&mut self.edge_labels).finish();
        let in_order = self.edge_words.len();
        first.resize(self.kinds.len() + 1, in_order as u32);
        let mut late = std::mem::take(&mut self.late);
        if late.is_empty() {
            return (first, labels);
        }
        late.sort_by_key(|&(from, ..)| from);
        let all = in_order + late.len();
        let words = std::mem::replace(&mut self.edge_words, Vec::with_capacity(all));
        let mut sorted_labels = BlockWriter::default();
        let mut late = late.into_iter().peekable();
        let mut at = 0;
        let mut before = 0;
        for node in 0..self.kinds.len() {
            first[node] += before;
            let end = first[node + 1] as usize;
            self.edge_words.extend_from_slice(&words[at..end]);
            (at..end).for_each(|at| sorted_labels.push(labels.get(at)));
            at = end;
            while let Some((_, label, word)) = late.next_if(|&(from, ..)| from as usize == node) {
                self.edge_words.push(word);
                sorted_labels.push(label);
                before += 1;
            }
        }
        if let Some(last) = first.last_mut() {
            *last += before;
        }
        (first, sorted_labels.finish())
    }
}

/// Which string has a text: a hash table of numbers alone, since the texts are in the string table. Before a text is looked at, which is
/// somewhere else in memory, seven bits of its hash are.
#[derive(Debug, Default)]
struct Interned {
    /// Seven bits of the hash and the highest one, or 0 where there is none. Always a power of two, and never more than half full.
    tags: Vec<u8>,
    ids: Vec<u32>,
    used: usize,
    /// With keys of its own: texts come from heaps, and who writes them must not know which of them collide.
    hasher: RandomState,
}

impl Interned {
    /// The string of a text whose hash is given.
    fn find(&self, strings: &StringTable, raw: &[u8], hash: u64) -> Option<StringId> {
        let tag = Self::tag(hash);
        self.places(hash)
            .map(|place| (self.tags[place], self.ids[place]))
            .take_while(|&(other, _)| other != 0)
            .find(|&(other, id)| other == tag && strings.raw(StringId(id)) == raw)
            .map(|(_, id)| StringId(id))
    }

    fn hash(&self, raw: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(raw);
        hasher.finish()
    }

    fn tag(hash: u64) -> u8 {
        0x80 | (hash >> 57) as u8
    }

    /// Adds a string that was not found.
    fn add(&mut self, strings: &StringTable, id: StringId, hash: u64) {
        if self.used >= self.tags.len() / 2 {
            self.grow(strings, self.tags.len() * 2);
        }
        self.put(id.0, hash);
        self.used += 1;
    }

    fn grow(&mut self, strings: &StringTable, places: usize) {
        let places = places.next_power_of_two().max(64);
        let tags = std::mem::replace(&mut self.tags, vec![0; places]);
        let ids = std::mem::replace(&mut self.ids, vec![0; places]);
        for (_, id) in tags.into_iter().zip(ids).filter(|&(tag, _)| tag != 0) {
            self.put(id, self.hash(strings.raw(StringId(id))));
        }
    }

    fn put(&mut self, id: u32, hash: u64) {
        let free = self.places(hash).find(|&place| self.tags[place] == 0);
        if let Some(free) = free {
            self.tags[free] = Self::tag(hash);
            self.ids[free] = id;
        }
    }

    /// Where a text may be, one place after the other.
    fn places(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let count = self.tags.len();
        (0..count).map(move |step| (hash as usize).wrapping_add(step) & (count - 1))
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
    fn thousands_come_out_as_they_went_in() {
        let mut builder = GraphBuilder::with_capacity(10, 10).with_strings(10);
        let text = |number: u32| format!("string {}\\", number % 3_000);
        let strings: Vec<StringId> = (0..6_000).map(|at| builder.string(&text(at))).collect();
        assert_eq!(strings[..3_000], strings[3_000..]);

        let count = 2_000_u32;
        let place = |node: u32| Location {
            line: node % 7,
            ..Location::default()
        };
        for node in 0..count {
            builder.node_named(NodeKind::Object, strings[node as usize], node.into(), 8);
            if node % 3 == 0 {
                builder.location(NodeIndex(node), place(node));
            }
        }
        builder.location(NodeIndex(7), place(7));
        // Forth, back again for a second edge of each, and forth for the numbered ones.
        let targets = |node: u32| [node * 7 % count, node * 11 % count, node * 13 % count];
        for node in 0..count {
            let name = strings[(node % 50) as usize];
            builder.edge(
                NodeIndex(node),
                EdgeKind::Property,
                name,
                NodeIndex(targets(node)[0]),
            );
        }
        for (at, kind) in [(1, EdgeKind::Internal), (2, EdgeKind::Hidden)] {
            for node in (0..count).rev() {
                let label = if at == 1 {
                    "link".into()
                } else {
                    NewLabel::Index(node)
                };
                builder.edge(NodeIndex(node), kind, label, NodeIndex(targets(node)[at]));
            }
        }
        let graph = builder.finish().unwrap();
        assert_eq!((graph.string_count(), graph.edge_count()), (3_001, 6_000));
        for node in 0..count {
            let found = graph.node(NodeIndex(node));
            assert_eq!((found.name(), found.id()), (text(node).into(), node.into()));
            let located = node % 3 == 0 || node == 7;
            assert_eq!(found.location(), located.then(|| place(node)));
            let edges: Vec<_> = found
                .edges()
                .map(|it| (it.name(&graph), it.target.0))
                .collect();
            let names = [text(node % 50), "link".into(), node.to_string()];
            let expected = names.iter().zip(targets(node));
            assert!(
                edges
                    .iter()
                    .map(|(name, to)| (&**name, *to))
                    .eq(expected.map(|(name, to)| (name.as_str(), to)))
            );
        }
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
