//! The tree of shortest ways in source words: for each node the one reference by which it is best explained.
//!
//! Dijkstra's algorithm with one bucket per cost (Dial, 1969): O(nodes + edges + longest distance), 12 bytes a node to
//! keep and 12 more while it is built, no recursion. Of several ways of equal cost that with the smallest hash of its
//! folded names is taken, so that the choice depends on names alone and comes out the same in another process, where
//! nodes have other ids and another order.

use super::cost::{self, MAX_STEP, WATCHER};
use crate::model::{Edge, EdgeIndex, HeapGraph, NodeIndex};
use crate::signature::{Labels, Name, Names, NodeLabel, Role, chain};
use crate::snapshot::Snapshot;

const NONE: u32 = u32::MAX;
/// Nodes between two looks at the signal that ends the search.
const CHECK_EVERY: u32 = 1 << 14;

/// For each node the reference by which a root holds it in the fewest source words.
#[derive(Clone, Debug)]
pub struct RetainerTree {
    parents: Vec<u32>,
    edges: Vec<u32>,
    costs: Vec<u32>,
}

impl RetainerTree {
    /// The node's parent and the edge from it; none for the root and for what is held only weakly.
    #[must_use]
    pub fn parent(&self, node: NodeIndex) -> Option<(NodeIndex, EdgeIndex)> {
        let parent = *self.parents.get(node.index())?;
        (parent != NONE).then(|| (NodeIndex(parent), EdgeIndex(self.edges[node.index()])))
    }

    /// How far the node is: a sum of step costs, which means nothing but nearer and farther. None when nothing but weak
    /// references leads to it.
    #[must_use]
    pub fn cost(&self, node: NodeIndex) -> Option<u32> {
        self.costs
            .get(node.index())
            .copied()
            .filter(|&cost| cost != NONE)
    }

    /// The edges from the root to a node, in this order. Empty for the root, and for what is held only weakly.
    #[must_use]
    pub fn path(&self, node: NodeIndex) -> Vec<EdgeIndex> {
        let mut path = Vec::new();
        let mut at = node;
        while let Some((parent, edge)) = self.parent(at) {
            path.push(edge);
            at = parent;
        }
        path.reverse();
        path
    }
}

/// A search under way.
pub(crate) struct Search<'a, 'g> {
    graph: &'g HeapGraph,
    labels: &'a mut Labels<'g>,
    names: &'a mut Names,
    tree: RetainerTree,
    hashes: Vec<u64>,
    buckets: Vec<Vec<u32>>,
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
        mut settled: impl FnMut(&mut Labels<'g>, &mut Names, Settled),
    ) -> RetainerTree {
        let graph = snapshot.graph();
        let nodes = graph.node_count();
        let tree = RetainerTree {
            parents: vec![NONE; nodes],
            edges: vec![NONE; nodes],
            costs: vec![NONE; nodes],
        };
        let buckets = vec![Vec::new(); MAX_STEP as usize + 1];
        let watcher = names.intern(WATCHER);
        let mut search = Self {
            watcher,
            graph,
            labels,
            names,
            tree,
            hashes: vec![0; nodes],
            buckets,
            waiting: 0,
        };
        let root = graph.root();
        search.tree.costs[root.index()] = 0;
        search.buckets[0].push(root.0);
        search.waiting = 1;
        let mut now = 0_u32;
        let mut steps = 0_u32;
        while search.waiting > 0 {
            let at = now as usize % search.buckets.len();
            let mut bucket = std::mem::take(&mut search.buckets[at]);
            for &node in &bucket {
                search.waiting -= 1;
                steps = steps.wrapping_add(1);
                if steps.is_multiple_of(CHECK_EVERY) && snapshot.cancel().is_cancelled() {
                    return search.tree;
                }
                // A node that was reached more cheaply is in an earlier bucket too.
                if search.tree.costs[node as usize] == now
                    && search.settle(NodeIndex(node), &mut settled)
                {
                    search.expand(NodeIndex(node), now);
                }
            }
            bucket.clear();
            search.buckets[at] = bucket;
            now = now.saturating_add(1);
        }
        search.tree
    }

    /// The node's way is final. Answers whether that is new.
    fn settle(
        &mut self,
        node: NodeIndex,
        settled: &mut impl FnMut(&mut Labels<'g>, &mut Names, Settled),
    ) -> bool {
        // The same node may be twice in one bucket: by two ways of the same cost.
        const DONE: u64 = 1;
        if self.hashes[node.index()] & DONE == DONE {
            return false;
        }
        let label = self.labels.node(node, self.names);
        let way = self
            .tree
            .parent(node)
            .map(|(parent, edge)| (parent, self.graph.edge(edge)));
        if !label.role.is_part() {
            let hash = chain(self.hashes[node.index()], self.names.hash(label.name));
            self.hashes[node.index()] = hash;
        }
        self.hashes[node.index()] |= DONE;
        settled(self.labels, self.names, Settled { node, label, way });
        true
    }

    fn expand(&mut self, from: NodeIndex, now: u32) {
        let NodeLabel { role, name, .. } = self.labels.node(from, self.names);
        let is_watcher = name == self.watcher;
        let is_root = from == self.graph.root();
        for edge in self.graph.edges(from) {
            let to = edge.target.index();
            let known = self.tree.costs[to];
            if known <= now {
                continue;
            }
            let word = self.labels.edge(&edge, self.names);
            let target = self.labels.node(edge.target, self.names).role;
            let step = match (role, target) {
                _ if is_root => {
                    cost::from_root(edge.kind, target, &self.graph.node(edge.target).name())
                }
                (Role::Group, Role::Group) => {
                    Some(cost::group(&self.graph.node(edge.target).name()))
                }
                _ => cost::step(role, edge.kind, word.link, target),
            };
            // Farther than a number tells counts as out of reach.
            let step = step.map(|step| if is_watcher { MAX_STEP } else { step });
            let Some(cost) = step
                .and_then(|step| now.checked_add(step))
                .filter(|&cost| cost <= known && cost < NONE)
            else {
                continue;
            };
            let hash = chain(self.hashes[from.index()], self.names.hash(word.name)) & !1;
            if cost == known && hash >= self.hashes[to] {
                continue;
            }
            self.hashes[to] = hash;
            self.tree.parents[to] = from.0;
            self.tree.edges[to] = edge.index.0;
            if cost < known {
                self.tree.costs[to] = cost;
                let bucket = cost as usize % self.buckets.len();
                self.buckets[bucket].push(edge.target.0);
                self.waiting += 1;
            }
        }
    }
}

/// A node whose way from the root is known.
pub(crate) struct Settled {
    pub(crate) node: NodeIndex,
    pub(crate) label: NodeLabel,
    /// Its parent and the edge from it.
    pub(crate) way: Option<(NodeIndex, Edge)>,
}
