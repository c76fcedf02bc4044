//! Edges the other way round: who refers to a node, and by which of these references it is kept alive.
//!
//! Four bytes an edge and four a node. Of each reference the source is kept, with a bit for whether it may count for
//! dominators; which edge of the source it is, is looked up when somebody asks.

use std::sync::atomic::{AtomicU32, Ordering};

use super::bits::Bits;
use super::ephemerons::Ephemerons;
use super::watch::Watch;
use crate::AnalyzeError;
use crate::columns::{Cell, prefetch, zeroed};
use crate::model::{Edge, EdgeKind, HeapGraph, NodeIndex, edge_kind, edge_target};

/// The bit of a reference that counts for dominators unless it leads from V8 into what the program owns.
pub(crate) const STRONG: u32 = 1 << 31;

/// References by their targets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Retainers {
    first: Vec<u32>,
    words: Vec<u32>,
}

/// A reference to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retainer {
    /// The node that refers.
    pub from: NodeIndex,
    /// The edge by which it does.
    pub edge: Edge,
}

/// Which edges keep their targets alive, as DevTools sees it.
pub(crate) struct Essential<'a> {
    pub(crate) graph: &'a HeapGraph,
    pub(crate) ephemerons: &'a Ephemerons,
    pub(crate) page_owned: &'a Bits,
}

impl<'a> Essential<'a> {
    pub(crate) fn new(
        graph: &'a HeapGraph,
        ephemerons: &'a Ephemerons,
        page_owned: &'a Bits,
    ) -> Self {
        Self {
            graph,
            ephemerons,
            page_owned,
        }
    }

    /// Strong edges but for those from V8 or a debugger into what the program owns.
    #[inline]
    pub(crate) fn is(&self, node: u32, edge: u32, word: u32) -> bool {
        (self.page_owned.get(node)
            || !self.page_owned.get(edge_target(word))
            || node == self.graph.root().0)
            && is_strong(self.graph, self.ephemerons, node, edge, word)
    }
}

/// Neither weak edges, nor a node's own, nor shortcuts but for the root's, nor that from a `WeakMap`'s table to a value (the
/// one from the key remains).
#[inline]
fn is_strong(graph: &HeapGraph, ephemerons: &Ephemerons, node: u32, edge: u32, word: u32) -> bool {
    let kind = edge_kind(word);
    if kind == EdgeKind::Weak || edge_target(word) == node {
        return false;
    }
    if kind == EdgeKind::Shortcut && node != graph.root().0 {
        return false;
    }
    ephemerons
        .get(graph, edge)
        .is_none_or(|ephemeron| ephemeron.table != graph.ids.get(node as usize))
}

impl Retainers {
    /// A counting sort of all edges by target, which keeps the order of the file among those to one target. Each
    /// thread does the targets of its own range.
    pub(crate) fn of(
        graph: &HeapGraph,
        ephemerons: &Ephemerons,
        threads: usize,
        watch: &Watch,
    ) -> Result<Self, AnalyzeError> {
        let nodes = graph.node_count();
        let mut first: Vec<u32> = zeroed(nodes + 2)?;
        let mut words: Vec<u32> = zeroed(graph.edge_count())?;
        // Counts stand two places late, and are summed up to where each target's references begin, one place late: filling
        // moves every beginning to the end, which is where the next one's begin.
        let counts = &u32::as_atomic(&mut first)[2..];
        each_range(nodes, threads, |range| {
            for &word in &graph.edge_words {
                let target = edge_target(word);
                if range.contains(&target) {
                    let count = &counts[target as usize];
                    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                }
            }
            watch.check_now()
        })?;
        let mut sum = 0;
        for count in &mut first {
            sum += *count;
            *count = sum;
        }
        let next = &u32::as_atomic(&mut first)[1..];
        let slots = u32::as_atomic(&mut words);
        each_range(nodes, threads, |range| {
            fill(graph, ephemerons, range, next, slots, watch)
        })?;
        first.truncate(nodes + 1);
        Ok(Self { first, words })
    }

    /// The sources of the references that count for dominators, given what the program owns.
    #[inline]
    pub(crate) fn essential<'a>(
        &'a self,
        graph: &HeapGraph,
        page_owned: &'a Bits,
        node: u32,
    ) -> impl Iterator<Item = u32> + 'a {
        essential(self.words(node).iter().copied(), graph, page_owned, node)
    }

    /// The nodes that more than one reference leads to.
    pub(crate) fn shared(&self) -> Result<Bits, AnalyzeError> {
        let mut shared = Bits::new(self.nodes())?;
        let counts = self.first.windows(2).map(|pair| pair[1] - pair[0]);
        for (node, _) in (0..).zip(counts).filter(|&(_, count)| count > 1) {
            shared.insert(node);
        }
        Ok(shared)
    }

    /// Makes ready for [`Retainers::essential`] of a node: first where its references are, then, a little later, these.
    #[inline]
    pub(crate) fn prefetch(&self, soon: u32, next: u32) {
        prefetch(&self.first, soon as usize);
        prefetch(&self.words, self.first[next as usize] as usize);
    }

    pub(crate) fn nodes(&self) -> usize {
        self.first.len() - 1
    }

    pub(crate) fn edges(&self) -> usize {
        self.words.len()
    }

    /// Where the references to each node begin, and these.
    pub(crate) fn into_columns(self) -> (Vec<u32>, Vec<u32>) {
        (self.first, self.words)
    }

    /// Their sources, each with [`STRONG`] if it may count for dominators.
    #[inline]
    pub(crate) fn words(&self, node: u32) -> &[u32] {
        &self.words[self.first[node as usize] as usize..self.first[node as usize + 1] as usize]
    }
}

/// The sources of those references to a node that count for dominators, given what the program owns.
#[inline]
pub(crate) fn essential<'a>(
    words: impl Iterator<Item = u32> + 'a,
    graph: &HeapGraph,
    page_owned: &'a Bits,
    node: u32,
) -> impl Iterator<Item = u32> + 'a {
    let root = graph.root().0;
    let any = !page_owned.get(node);
    words
        .filter(|&word| word & STRONG != 0)
        .map(|word| word & !STRONG)
        .filter(move |&from| any || page_owned.get(from) || from == root)
}

fn fill(
    graph: &HeapGraph,
    ephemerons: &Ephemerons,
    range: &std::ops::Range<u32>,
    next: &[AtomicU32],
    slots: &[AtomicU32],
    watch: &Watch,
) -> Result<(), AnalyzeError> {
    for node in 0..graph.node_count() as u32 {
        watch.check(node as usize)?;
        for edge in graph.edge_range(NodeIndex(node)) {
            let word = graph.edge_words[edge as usize];
            let target = edge_target(word);
            if range.contains(&target) {
                let flag = if is_strong(graph, ephemerons, node, edge, word) {
                    STRONG
                } else {
                    0
                };
                let place = &next[target as usize];
                let at = place.load(Ordering::Relaxed);
                place.store(at + 1, Ordering::Relaxed);
                slots[at as usize].store(node | flag, Ordering::Relaxed);
            }
        }
    }
    Ok(())
}

/// Calls a function with ranges that make up all nodes, one a thread.
fn each_range(
    nodes: usize,
    threads: usize,
    work: impl Fn(&std::ops::Range<u32>) -> Result<(), AnalyzeError> + Sync,
) -> Result<(), AnalyzeError> {
    let threads = threads.clamp(1, 8).min(nodes / 4096 + 1);
    let border = |part: usize| (nodes * part / threads) as u32;
    let ranges: Vec<_> = (0..threads)
        .map(|part| border(part)..border(part + 1))
        .collect();
    super::threads::each(&ranges, work)
}
