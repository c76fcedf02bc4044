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
use crate::columns::{Spare, prefetch, with_room, zeroed};
use crate::model::{NodeIndex, edge_target};

/// The dominator of every node, and an order in which every node but the root comes after its dominator.
pub(crate) struct Dominators {
    pub(crate) of: Vec<u32>,
    pub(crate) order: Vec<u32>,
    /// Columns of a number a node that are not needed any more.
    pub(crate) spare: Spare,
}

/// A depth-first search: nodes in the order in which they were met, and by number whom they were met from.
pub(crate) struct Search {
    seen: Bits,
    order: Vec<u32>,
    parents: Vec<u32>,
    shape: Shape,
    spare: Spare,
}

/// The search's tree in two bits a node: one that goes down to it, one that comes back. The parents can be had again from
/// that when their memory has been used for something else.
#[derive(Default)]
pub(crate) struct Shape {
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
    fn parents(&self, nodes: usize, spare: &mut Spare) -> Result<Vec<u32>, AnalyzeError> {
        let mut parents = spare.with_room(nodes)?;
        let mut path: Vec<u32> = Vec::new();
        for (at, &word) in self.words.iter().enumerate() {
            let mut word = word;
            let mut left = (self.bits - at * 64).min(64) as u32;
            while left > 0 {
                let down = word.trailing_ones().min(left);
                for _ in 0..down {
                    let number = parents.len() as u32;
                    parents.push(path.last().copied().unwrap_or(0));
                    path.push(number);
                }
                left -= down;
                word = word.checked_shr(down).unwrap_or(0);
                let up = word.trailing_zeros().min(left);
                path.truncate(path.len().saturating_sub(up as usize));
                left -= up;
                word = word.checked_shr(up).unwrap_or(0);
            }
        }
        Ok(parents)
    }
}

impl Search {
    /// Everything that essential edges lead to from the root.
    pub(crate) fn from_root(
        essential: &Essential<'_>,
        mut spare: Spare,
        watch: &Watch,
    ) -> Result<Self, AnalyzeError> {
        let nodes = essential.graph.node_count();
        let mut search = Self {
            seen: Bits::new(nodes)?,
            order: spare.with_room(nodes)?,
            parents: spare.with_room(nodes)?,
            shape: Shape::default(),
            spare,
        };
        search.from(essential, essential.graph.root().0, watch)?;
        Ok(search)
    }

    fn from(
        &mut self,
        essential: &Essential<'_>,
        start: u32,
        watch: &Watch,
    ) -> Result<(), AnalyzeError> {
        let graph = essential.graph;
        // What is left of the nodes on the way: the number of each, its next edge and the end of its edges.
        let mut path: Vec<(u32, u32, u32)> = Vec::new();
        let mut node = start;
        self.seen.insert(node);
        let mut number = self.enter(node, 0);
        let mut edges = graph.edge_range(NodeIndex(node));
        loop {
            let found = edges.by_ref().find_map(|edge| {
                let word = graph.edge_words[edge as usize];
                let target = edge_target(word);
                (!self.seen.get(target) && essential.is(node, edge, word)).then_some(target)
            });
            if let Some(target) = found {
                watch.check(self.order.len())?;
                // What comes after it is often met soon.
                for edge in edges.start..edges.end.min(edges.start + 2) {
                    let target = edge_target(graph.edge_words[edge as usize]);
                    prefetch(&graph.first_edge, target as usize);
                }
                path.push((number, edges.start, edges.end));
                self.seen.insert(target);
                number = self.enter(target, number);
                node = target;
                edges = graph.edge_range(NodeIndex(node));
            } else {
                self.shape.push(false);
                let Some(above) = path.pop() else {
                    return Ok(());
                };
                number = above.0;
                node = self.order[number as usize];
                edges = above.1..above.2;
            }
        }
    }

    fn enter(&mut self, node: u32, parent: u32) -> u32 {
        let number = self.order.len() as u32;
        self.order.push(node);
        self.parents.push(parent);
        self.shape.push(true);
        number
    }
}

/// The dominator of every node, by a search from the root that is completed here.
pub(crate) fn dominators(
    mut search: Search,
    essential: &Essential<'_>,
    retainers: &Retainers,
    watch: &Watch,
) -> Result<Dominators, AnalyzeError> {
    let Essential {
        graph, page_owned, ..
    } = *essential;
    let nodes = graph.node_count();
    let root = graph.root().0;
    for node in 0..nodes as u32 {
        if !search.seen.get(node)
            && retainers
                .essential(graph, page_owned, node)
                .next()
                .is_none()
        {
            search.from(essential, node, watch)?;
        }
    }
    let Search {
        mut order,
        parents,
        shape,
        seen,
        mut spare,
    } = search;
    let by_number = semi_nca(
        &order, parents, &shape, essential, retainers, &mut spare, watch,
    )?;

    let mut of = spare.zeroed(nodes)?;
    for (number, dominator) in by_number.iter().enumerate() {
        of[order[number] as usize] = order[*dominator as usize];
    }
    for node in seen.unset(nodes) {
        of[node as usize] = root;
        order.push(node);
    }
    spare.keep(by_number);
    Ok(Dominators { of, order, spare })
}

/// The dominator of every node that was met, all by number. Takes the parents for the forest's ancestors.
fn semi_nca(
    order: &[u32],
    parents: Vec<u32>,
    shape: &Shape,
    essential: &Essential<'_>,
    retainers: &Retainers,
    spare: &mut Spare,
    watch: &Watch,
) -> Result<Vec<u32>, AnalyzeError> {
    let Essential {
        graph, page_owned, ..
    } = *essential;
    let shared = retainers.shared()?;
    // One more than the number of a node; 0 for one that was not met. With room for what else it will be used for.
    let mut numbers: Vec<u32> = zeroed(retainers.nodes() + 2)?;
    for (number, &node) in (1..).zip(order) {
        numbers[node as usize] = number;
    }
    // Of shared nodes alone, the one with the highest number first: that of others is who they were met from.
    let mut semis: Vec<u32> = with_room(shared.count())?;
    let labels = spare.zeroed(retainers.nodes())?;
    let mut forest = Forest {
        ancestors: parents,
        labels,
        path: Vec::new(),
    };
    for number in (1..order.len() as u32).rev() {
        watch.check(number as usize)?;
        if number > 2 * AHEAD {
            let soon = order[(number - 2 * AHEAD) as usize];
            let next = order[(number - AHEAD) as usize];
            retainers.prefetch(soon, next);
        }
        // Not compressed yet: that happens to nodes above this number alone.
        let mut semi = forest.ancestors[number as usize];
        let node = order[number as usize];
        // The only reference to a node is that by which it was met.
        if shared.get(node) {
            for from in retainers.essential(graph, page_owned, node) {
                let Some(from) = numbers[from as usize].checked_sub(1) else {
                    continue;
                };
                semi = semi.min(if from <= number {
                    from
                } else {
                    forest.least(from, number)
                });
            }
            semis.push(semi);
        }
        forest.labels[number as usize] = semi;
    }
    for column in [numbers, forest.ancestors, forest.labels] {
        spare.keep(column);
    }
    let mut dominators = shape.parents(order.len(), spare)?;
    for (number, &node) in order.iter().enumerate().skip(1) {
        if !shared.get(node) {
            continue;
        }
        let mut dominator = dominators[number];
        let semi = semis.pop().unwrap_or(dominator);
        while dominator > semi {
            dominator = dominators[dominator as usize];
        }
        dominators[number] = dominator;
    }
    Ok(dominators)
}

/// How many nodes ahead memory is asked for.
const AHEAD: u32 = 8;

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
