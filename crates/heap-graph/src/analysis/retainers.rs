//! Edges the other way round: who refers to a node, and by which of these references it is kept alive.
//!
//! Four bytes an edge and four a node. Of each reference the source is kept, with a bit for whether it counts for
//! dominators; which edge of the source it is, is looked up when somebody asks.

use std::sync::atomic::{AtomicU32, Ordering};

use super::bits::Bits;
use super::ephemerons::Ephemerons;
use super::watch::Watch;
use crate::AnalyzeError;
use crate::columns::{Cell, zeroed};
use crate::model::{Edge, EdgeKind, HeapGraph, NodeIndex, edge_kind, edge_target};

/// The bit of a reference that counts for dominators.
const ESSENTIAL: u32 = 1 << 31;

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

impl Essential<'_> {
    /// Neither weak edges, nor a node's own, nor shortcuts, nor that from a `WeakMap`'s table to a value (the one from the
    /// key remains), nor those from V8 or a debugger into what the program owns.
    #[inline]
    pub(crate) fn is(&self, node: u32, edge: u32, word: u32) -> bool {
        let kind = edge_kind(word);
        let target = edge_target(word);
        if kind == EdgeKind::Weak || target == node {
            return false;
        }
        if kind == EdgeKind::Internal
            && let Some(ephemeron) = self.ephemerons.get(self.graph.edge_labels[edge as usize])
            && ephemeron.table == self.graph.ids.get(node as usize)
        {
            return false;
        }
        node == self.graph.root().0
            || (kind != EdgeKind::Shortcut
                && (self.page_owned.get(node) || !self.page_owned.get(target)))
    }
}

impl Retainers {
    /// A counting sort of all edges by target, which keeps the order of the file among those to one target. Each
    /// thread does the targets of its own range.
    pub(crate) fn of(
        essential: &Essential<'_>,
        threads: usize,
        watch: &Watch,
    ) -> Result<Self, AnalyzeError> {
        let graph = essential.graph;
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
            fill(essential, range, next, slots, watch)
        })?;
        first.truncate(nodes + 1);
        Ok(Self { first, words })
    }

    /// The sources of the references that count for dominators.
    #[inline]
    pub(crate) fn essential(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        self.words(node)
            .iter()
            .filter(|&&word| word & ESSENTIAL != 0)
            .map(|&word| word & !ESSENTIAL)
    }

    pub(crate) fn nodes(&self) -> usize {
        self.first.len() - 1
    }

    pub(crate) fn count(&self, node: NodeIndex) -> usize {
        self.words(node.0).len()
    }

    /// The sources, one for each reference, in the order of the file.
    pub(crate) fn sources(
        &self,
        node: NodeIndex,
    ) -> impl ExactSizeIterator<Item = NodeIndex> + Clone + '_ {
        self.words(node.0)
            .iter()
            .map(|&word| NodeIndex(word & !ESSENTIAL))
    }

    /// The references with their edges, which are looked for among each source's.
    pub(crate) fn edges<'a>(
        &'a self,
        graph: &'a HeapGraph,
        node: NodeIndex,
    ) -> impl Iterator<Item = Retainer> + 'a {
        let mut last = None;
        self.sources(node)
            // Several references of one source follow one another.
            .filter(move |&from| last.replace(from) != Some(from))
            .flat_map(move |from| {
                let to_node = move |edge: &Edge| edge.target == node;
                graph
                    .edges(from)
                    .filter(to_node)
                    .map(move |edge| Retainer { from, edge })
            })
    }

    #[inline]
    fn words(&self, node: u32) -> &[u32] {
        &self.words[self.first[node as usize] as usize..self.first[node as usize + 1] as usize]
    }
}

fn fill(
    essential: &Essential<'_>,
    range: &std::ops::Range<u32>,
    next: &[AtomicU32],
    slots: &[AtomicU32],
    watch: &Watch,
) -> Result<(), AnalyzeError> {
    let graph = essential.graph;
    for node in 0..graph.node_count() as u32 {
        watch.check(node as usize)?;
        for edge in graph.edge_range(NodeIndex(node)) {
            let word = graph.edge_words[edge as usize];
            let target = edge_target(word);
            if range.contains(&target) {
                let flag = if essential.is(node, edge, word) {
                    ESSENTIAL
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
