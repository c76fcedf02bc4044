//! The tree of shortest ways in source words: for each node the one reference by which it is best explained.
//!
//! Dijkstra's algorithm with one bucket per cost (Dial, 1969): O(nodes + edges + longest distance), no recursion. No step costs
//! more than there are buckets, so that one byte a node says how far it is, whatever the distance. 4 bytes a node to keep, 5 more
//! while it is built, and 4 for each that waits. Of several ways of equal cost that with the smallest hash of its folded names is taken, so
//! that the choice depends on names alone and comes out the same in another process, where nodes have other ids and another order.

use super::cost::{self, MAX_STEP, WATCHER};
use crate::columns::prefetch;
use crate::model::{Edge, EdgeIndex, HeapGraph, NodeIndex, edge_target};
use crate::signature::{Labels, Name, Names, NodeLabel, Role, chain};
use crate::snapshot::Snapshot;

/// Nodes between two looks at the signal that ends the search.
const CHECK_EVERY: u32 = 1 << 14;
/// How many nodes ahead memory is asked for.
const AHEAD: usize = 8;

/// For each node the reference by which a root holds it in the fewest source words.
#[derive(Clone, Debug)]
pub struct RetainerTree {
    /// One more than the edge that leads to each node; 0 for none.
    edges: Vec<u32>,
    sources: Sources,
}

impl RetainerTree {
    /// A node's parent and the edge from it, in the graph that the tree was made of; none for the root and for what is held only weakly.
    #[must_use]
    pub fn parent(&self, graph: &HeapGraph, node: NodeIndex) -> Option<(NodeIndex, EdgeIndex)> {
        let edge = EdgeIndex(self.edges.get(node.index())?.checked_sub(1)?);
        Some((self.sources.of(graph, edge), edge))
    }

    /// The edges from the root to a node, in this order. Empty for the root, and for what is held only weakly.
    #[must_use]
    pub fn path(&self, graph: &HeapGraph, node: NodeIndex) -> Vec<EdgeIndex> {
        let mut path = Vec::new();
        let mut at = node;
        while let Some((parent, edge)) = self.parent(graph, at) {
            path.push(edge);
            at = parent;
        }
        path.reverse();
        path
    }
}

/// The node that each edge comes from, found in a few steps.
#[derive(Clone, Debug)]
struct Sources {
    /// The source of every 64th edge.
    samples: Vec<u32>,
}

impl Sources {
    const EVERY: usize = 64;

    fn new(graph: &HeapGraph) -> Self {
        let mut samples = Vec::with_capacity(graph.edge_count().div_ceil(Self::EVERY));
        for (node, &end) in (0..).zip(graph.first_edge.iter().skip(1)) {
            while samples.len() * Self::EVERY < end as usize {
                samples.push(node);
            }
        }
        Self { samples }
    }

    fn of(&self, graph: &HeapGraph, edge: EdgeIndex) -> NodeIndex {
        let sample = edge.index() / Self::EVERY;
        let first = self.samples[sample];
        let last = self.samples.get(sample + 1).copied();
        let last = last.unwrap_or(graph.node_count() as u32 - 1);
        let ends = &graph.first_edge[first as usize + 1..=last as usize];
        NodeIndex(first + ends.partition_point(|&end| end <= edge.0) as u32)
    }
}

/// One bucket a cost: more than any step costs.
const BUCKETS: usize = MAX_STEP as usize + 1;
/// How far a node is: nothing leads there yet.
const NEW: u8 = 0;
/// Its way is final.
const SETTLED: u8 = u8::MAX;
const _: () = assert!(BUCKETS < SETTLED as usize);

/// It waits in the bucket of this cost.
#[inline]
const fn waiting(cost: u32) -> u8 {
    (cost as usize % BUCKETS) as u8 + 1
}

/// What a node that waits costs more than those that are settled now.
#[inline]
const fn ahead(state: u8, now: u32) -> u32 {
    ((state as usize + BUCKETS - 1 - now as usize % BUCKETS) % BUCKETS) as u32
}

/// Nodes of one cost in the order in which they were met: in pieces, which other buckets use again when they have been looked at.
type Bucket = Vec<Vec<u32>>;

/// Nodes of a piece.
const PIECE: usize = 1 << 12;

/// A search under way.
pub(crate) struct Search<'a, 'g> {
    graph: &'g HeapGraph,
    labels: &'a mut Labels<'g>,
    names: &'a mut Names,
    tree: RetainerTree,
    states: Vec<u8>,
    /// Of the names on the way, for nodes that something leads to.
    hashes: Vec<u32>,
    buckets: Vec<Bucket>,
    pieces: Vec<Vec<u32>>,
    waiting: usize,
    watcher: Name,
}

impl<'a, 'g> Search<'a, 'g> {
    /// Finds the tree, and calls `settled` for each node that is reached with its way and label, nearest first, so that
    /// a parent comes before its children. Ends early when the snapshot's signal is raised.
    pub(crate) fn run(
        snapshot: &'a Snapshot<'g>,
        labels: &'a mut Labels<'g>,
        names: &'a mut Names,
        mut settled: impl FnMut(&mut Labels<'g>, &mut Names, Settled<'_>),
    ) -> RetainerTree {
        let graph = snapshot.graph();
        let nodes = graph.node_count();
        let watcher = names.intern(WATCHER);
        let mut search = Self {
            watcher,
            graph,
            labels,
            names,
            tree: RetainerTree {
                edges: vec![0; nodes],
                sources: Sources::new(graph),
            },
            states: vec![NEW; nodes],
            hashes: vec![0; nodes],
            buckets: vec![Bucket::new(); BUCKETS],
            pieces: Vec::new(),
            waiting: 0,
        };
        search.wait(graph.root().0, 0);
        let mut now = 0_u32;
        let mut steps = 0_u32;
        while search.waiting > 0 {
            // No step leads back into the bucket that it starts from.
            let bucket = std::mem::take(&mut search.buckets[now as usize % BUCKETS]);
            for mut piece in bucket {
                search.waiting -= piece.len();
                for (at, &node) in piece.iter().enumerate() {
                    steps = steps.wrapping_add(1);
                    if steps.is_multiple_of(CHECK_EVERY) && snapshot.cancel().is_cancelled() {
                        return search.tree;
                    }
                    search.look_ahead(&piece, at);
                    // A node that was reached more cheaply is in an earlier bucket too.
                    if search.states[node as usize] != SETTLED {
                        let label = search.settle(NodeIndex(node), now, &mut settled);
                        search.expand(NodeIndex(node), label, now);
                    }
                }
                piece.clear();
                search.pieces.push(piece);
            }
            now = now.saturating_add(1);
        }
        search.tree
    }

    /// Asks for what the nodes need whose turn it will be soon.
    #[inline]
    fn look_ahead(&self, piece: &[u32], at: usize) {
        if let Some(&soon) = piece.get(at + 2 * AHEAD) {
            prefetch(&self.graph.first_edge, soon as usize);
            prefetch(&self.graph.kinds, soon as usize);
            self.graph.names.prefetch(soon as usize);
            prefetch(&self.hashes, soon as usize);
        }
        if let Some(&next) = piece.get(at + AHEAD) {
            let first = self.graph.first_edge[next as usize];
            prefetch(&self.graph.edge_words, first as usize);
        }
    }

    /// Puts a node into the bucket of its cost.
    fn wait(&mut self, node: u32, cost: u32) {
        self.states[node as usize] = waiting(cost);
        let bucket = &mut self.buckets[cost as usize % BUCKETS];
        match bucket.last_mut() {
            Some(piece) if piece.len() < PIECE => piece.push(node),
            _ => {
                let mut piece = self.pieces.pop().unwrap_or_default();
                piece.push(node);
                bucket.push(piece);
            }
        }
        self.waiting += 1;
    }

    /// The node's way is final.
    fn settle(
        &mut self,
        node: NodeIndex,
        now: u32,
        settled: &mut impl FnMut(&mut Labels<'g>, &mut Names, Settled<'_>),
    ) -> NodeLabel {
        self.states[node.index()] = SETTLED;
        let label = self.labels.node(node, self.names);
        if !label.role.is_part() {
            let hash = &mut self.hashes[node.index()];
            *hash = short(chain(u64::from(*hash), self.names.hash(label.name)));
        }
        let found = Settled {
            node,
            label,
            cost: now,
            graph: self.graph,
            tree: &self.tree,
        };
        settled(self.labels, self.names, found);
        label
    }

    fn expand(&mut self, from: NodeIndex, label: NodeLabel, now: u32) {
        let graph = self.graph;
        let NodeLabel { role, name } = label;
        let is_watcher = name == self.watcher;
        let is_root = from == graph.root();
        let hash_here = u64::from(self.hashes[from.index()]);
        for index in graph.edge_range(from) {
            let to = edge_target(graph.edge_words[index as usize]) as usize;
            let state = self.states[to];
            if state == SETTLED {
                continue;
            }
            let edge = graph.edge(EdgeIndex(index));
            let word = self.labels.edge(&edge, self.names);
            let target = self.labels.node(edge.target, self.names).role;
            let step = match (role, target) {
                _ if is_root => cost::from_root(edge.kind, target, &graph.node(edge.target).name()),
                (Role::Group, Role::Group) => Some(cost::group(&graph.node(edge.target).name())),
                _ => cost::step(role, edge.kind, word.link, target),
            };
            let Some(step) = step else { continue };
            let step = if is_watcher { MAX_STEP } else { step };
            // Farther than a number tells counts as out of reach.
            let Some(cost) = now.checked_add(step) else {
                continue;
            };
            let is_new = state == NEW || step < ahead(state, now);
            if !is_new && step > ahead(state, now) {
                continue;
            }
            let hash = short(chain(hash_here, self.names.hash(word.name)));
            if !is_new && hash >= self.hashes[to] {
                continue;
            }
            self.hashes[to] = hash;
            self.tree.edges[to] = index + 1;
            if is_new {
                self.wait(edge.target.0, cost);
            }
        }
    }
}

/// Half of a hash decides as well.
#[inline]
const fn short(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// A node whose way from the root is known.
pub(crate) struct Settled<'a> {
    pub(crate) node: NodeIndex,
    pub(crate) label: NodeLabel,
    /// How far it is: a sum of step costs, which means nothing but nearer and farther.
    pub(crate) cost: u32,
    graph: &'a HeapGraph,
    tree: &'a RetainerTree,
}

impl Settled<'_> {
    /// Its parent and the edge from it.
    pub(crate) fn way(&self) -> Option<(NodeIndex, Edge)> {
        let (parent, edge) = self.tree.parent(self.graph, self.node)?;
        Some((parent, self.graph.edge(edge)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EdgeKind, NodeKind};
    use crate::sketch::Sketch;

    #[test]
    fn how_far_a_node_is_is_known_from_a_byte() {
        for now in [0, 1, 126, 127, 128, 1_000_003, u32::MAX - MAX_STEP] {
            for step in 0..=MAX_STEP {
                let state = waiting(now + step);
                assert!(state != NEW && state != SETTLED);
                assert_eq!(ahead(state, now), step, "{now} + {step}");
            }
        }
    }

    #[test]
    fn every_edge_has_its_source() {
        let mut heap = Sketch::new();
        for at in 0..40 {
            // Many that refer to nothing, then one that refers to many.
            let parents: Vec<_> = (0..at * 7).map(|_| heap.object("Leaf", 16)).collect();
            let list = heap.node(NodeKind::Object, "List", 16);
            for (index, &leaf) in (0..).zip(&parents) {
                heap.edge(list, EdgeKind::Element, index, leaf);
            }
        }
        for seed in 0..3 {
            let graph = heap.build(seed);
            let sources = Sources::new(&graph);
            for edge in (0..graph.edge_count() as u32).map(EdgeIndex) {
                assert_eq!(sources.of(&graph, edge), graph.edge_source(edge));
            }
        }
    }
}
