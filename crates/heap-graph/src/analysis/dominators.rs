//! Dominators: the one node nearest to each that everything which keeps it alive leads through.
//!
//! Semi-NCA, from L. Georgiadis, "Linear-Time Algorithms for Dominators and Related Problems", 2005, which gives the same tree as the
//! algorithm of Lengauer and Tarjan that DevTools uses, with fewer arrays. No recursion: chains may be as long as the heap.
//!
//! Nodes that nothing essential refers to count as children of the root, and so do the ends of their edges as theirs. Nodes
//! that are reached from neither (cycles that hold only themselves) get the root as dominator and have no influence.

use super::bits::Bits;
use super::retainers::{Essential, Retainers};
use super::watch::Watch;
use crate::AnalyzeError;
use crate::columns::{with_room, zeroed};
use crate::model::{HeapGraph, NodeIndex, edge_target};

/// The dominator of every node, and an order in which every node but the root comes after its dominator.
pub(crate) struct Dominators {
    pub(crate) of: Vec<u32>,
    pub(crate) order: Vec<u32>,
}

/// A depth-first search: nodes in the order in which they were met, and by number whom they were met from.
struct Search<'a> {
    graph: &'a HeapGraph,
    essential: &'a Essential<'a>,
    seen: Bits,
    order: Vec<u32>,
    parents: Vec<u32>,
    shape: Shape,
    /// Number of a node on the path, and its next edge.
    path: Vec<(u32, u32)>,
}

/// The search's tree in two bits a node: one that goes down to it, one that comes back. The parents can be had again from
/// that when their memory has been used for something else.
#[derive(Default)]
struct Shape {
    words: Vec<u64>,
    bits: usize,
}

impl Shape {
    fn push(&mut self, down: bool) {
        if self.bits.is_multiple_of(64) {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u64::from(down) << (self.bits % 64);
        }
        self.bits += 1;
    }

    /// The parent of each node by number, 0 for those that the search began with.
    fn parents(&self, nodes: usize) -> Result<Vec<u32>, AnalyzeError> {
        let mut parents: Vec<u32> = with_room(nodes)?;
        let mut path: Vec<u32> = Vec::new();
        for bit in 0..self.bits {
            if self.words[bit / 64] >> (bit % 64) & 1 == 0 {
                path.pop();
            } else {
                let number = parents.len() as u32;
                parents.push(path.last().copied().unwrap_or(0));
                path.push(number);
            }
        }
        Ok(parents)
    }
}

impl Search<'_> {
    fn from(&mut self, start: u32, watch: &Watch) -> Result<(), AnalyzeError> {
        self.seen.insert(start);
        self.enter(start, 0);
        while let Some((number, edge)) = self.path.last_mut() {
            let node = self.order[*number as usize];
            let end = self.graph.first_edge[node as usize + 1];
            let mut found = None;
            while *edge < end {
                let at = *edge;
                *edge += 1;
                let word = self.graph.edge_words[at as usize];
                let target = edge_target(word);
                if !self.seen.get(target) && self.essential.is(node, at, word) {
                    self.seen.insert(target);
                    found = Some((target, *number));
                    break;
                }
            }
            match found {
                Some((target, parent)) => {
                    watch.check(self.order.len())?;
                    self.enter(target, parent);
                }
                None => {
                    self.path.pop();
                    self.shape.push(false);
                }
            }
        }
        Ok(())
    }

    fn enter(&mut self, node: u32, parent: u32) {
        let number = self.order.len() as u32;
        self.order.push(node);
        self.parents.push(parent);
        self.shape.push(true);
        self.path
            .push((number, self.graph.edge_range(NodeIndex(node)).start));
    }
}

pub(crate) fn dominators(
    essential: &Essential<'_>,
    retainers: &Retainers,
    watch: &Watch,
) -> Result<Dominators, AnalyzeError> {
    let graph = essential.graph;
    let nodes = graph.node_count();
    let root = graph.root().0;
    let mut search = Search {
        graph,
        essential,
        seen: Bits::new(nodes)?,
        order: with_room(nodes)?,
        parents: with_room(nodes)?,
        shape: Shape::default(),
        path: Vec::new(),
    };
    search.from(root, watch)?;
    for node in 0..nodes as u32 {
        if !search.seen.get(node) && retainers.essential(node).next().is_none() {
            search.from(node, watch)?;
        }
    }
    let Search {
        mut order,
        parents,
        shape,
        seen,
        path,
        ..
    } = search;
    drop(path);
    let by_number = semi_nca(&order, parents, &shape, retainers, watch)?;

    let mut of: Vec<u32> = zeroed(nodes)?;
    for (number, dominator) in by_number.iter().enumerate() {
        of[order[number] as usize] = order[*dominator as usize];
    }
    for node in seen.unset(nodes) {
        of[node as usize] = root;
        order.push(node);
    }
    Ok(Dominators { of, order })
}

/// The dominator of every node that was met, all by number. Takes the parents for the forest's ancestors.
fn semi_nca(
    order: &[u32],
    parents: Vec<u32>,
    shape: &Shape,
    retainers: &Retainers,
    watch: &Watch,
) -> Result<Vec<u32>, AnalyzeError> {
    // One more than the number of a node; 0 for one that was not met.
    let mut numbers: Vec<u32> = zeroed(retainers.nodes())?;
    for (number, &node) in (1..).zip(order) {
        numbers[node as usize] = number;
    }
    let mut semis: Vec<u32> = zeroed(order.len())?;
    let labels = zeroed(order.len())?;
    let mut forest = Forest {
        ancestors: parents,
        labels,
        path: Vec::new(),
    };
    for number in (1..order.len() as u32).rev() {
        watch.check(number as usize)?;
        // Not compressed yet: that happens to nodes above this number alone.
        let mut semi = forest.ancestors[number as usize];
        for from in retainers.essential(order[number as usize]) {
            let Some(from) = numbers[from as usize].checked_sub(1) else {
                continue;
            };
            semi = semi.min(if from <= number {
                from
            } else {
                forest.least(from, number)
            });
        }
        semis[number as usize] = semi;
        forest.labels[number as usize] = semi;
    }
    drop((numbers, forest));
    let mut dominators = shape.parents(order.len())?;
    for number in 1..order.len() {
        let mut dominator = dominators[number];
        while dominator > semis[number] {
            dominator = dominators[dominator as usize];
        }
        dominators[number] = dominator;
    }
    Ok(dominators)
}

/// The part of the search's tree that has been worked on: nodes above a number.
struct Forest {
    /// A node above in the tree: the parent, or further up after compression.
    ancestors: Vec<u32>,
    /// The least semidominator from the node up to below its ancestor.
    labels: Vec<u32>,
    path: Vec<u32>,
}

impl Forest {
    /// The least semidominator on the way up from a node to the last one above `limit`. Shortens the way.
    fn least(&mut self, node: u32, limit: u32) -> u32 {
        let mut top = node;
        while self.ancestors[top as usize] > limit {
            self.path.push(top);
            top = self.ancestors[top as usize];
        }
        while let Some(below) = self.path.pop() {
            let label = self.labels[top as usize].min(self.labels[below as usize]);
            self.labels[below as usize] = label;
            self.ancestors[below as usize] = self.ancestors[top as usize];
            top = below;
        }
        self.labels[node as usize]
    }
}
