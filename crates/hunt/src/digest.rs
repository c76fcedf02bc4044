//! What a heap held, kept without the heap.

mod codec;

use std::collections::HashMap;
use std::ops::Range;

use memguard_heap_graph::signature::{NOWHERE, Ways};
use memguard_heap_graph::{HeapGraph, Node, NodeKind, Snapshot};

use crate::context::Moment;
use crate::report::HeapSize;

/// Most places whose bytes are told apart. Each may hold one more, of what is small.
const MOST_PLACES: usize = 6_000;
/// Most objects that are remembered by their address.
const MOST_MARKED: usize = 6_000;
/// Most classes that are counted.
const MOST_CLASSES: usize = 300;

/// What a heap held, by retention signature: counts and bytes, and the addresses of a sample of its objects. Some 100 KB,
/// whatever the heap's size.
///
/// Addresses tell who stayed: the heap walker's graphs have them for ids, and old objects seldom move. Where ids are no
/// addresses (snapshots of V8's generator in a forked child) next to none comes back, which is seen and heeded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Digest {
    size: HeapSize,
    pub(crate) ways: Ways,
    /// Objects are remembered when so many bits of their hash are 0.
    mark_bits: u32,
    /// None of these was young when it was remembered, so that what is gone from its address is gone.
    old_only: bool,
    /// Those, by id.
    marked: Vec<Mark>,
    classes: Vec<ClassCount>,
}

/// An object that is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    id: u64,
    /// Where it hangs.
    pub(crate) place: u32,
    /// Hash of its text, where it is one; 0 for anything else. What is freed is soon taken by another of its kind: of texts
    /// that can be told.
    pub(crate) text: u32,
}

/// One class of a [`Digest`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassCount {
    /// The class.
    pub name: String,
    /// Its objects.
    pub count: u64,
    /// Their shallow size in bytes.
    pub size: u64,
}

/// Why bytes are no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// They are of another form than this release writes.
    #[error("Expected a digest of form {expected}, and got one of form {found}.")]
    Version {
        /// The form of this release.
        expected: u32,
        /// Theirs.
        found: u32,
    },
    /// They are cut off, changed, or none at all.
    #[error("These bytes are no digest of a heap: {detail}.")]
    Damaged {
        /// What is wrong.
        detail: &'static str,
    },
}

impl DigestError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "ERR_MEMGUARD_DIGEST"
    }
}

impl Digest {
    /// The digest of a heap that was looked at at a moment. One search over the graph, some 17 bytes a node while it lasts.
    #[must_use]
    pub fn of(snapshot: &Snapshot<'_>, at: Moment) -> Self {
        let (ways, places) = Ways::with_places(snapshot, MOST_PLACES);
        let graph = snapshot.graph();
        let counts = |node: usize| places[node] != NOWHERE;
        let alive = (0..places.len()).filter(|&node| counts(node)).count();
        let mark_bits = (alive / MOST_MARKED + 1)
            .next_power_of_two()
            .trailing_zeros();
        let mut marked: Vec<Mark> = graph
            .nodes()
            .filter(|node| counts(node.index().index()) && is_marked(node.id(), mark_bits))
            .map(|node| Mark {
                id: node.id(),
                place: places[node.index().index()],
                text: text_of(graph, &node),
            })
            .collect();
        marked.sort_unstable();
        let mut classes: Vec<ClassCount> = snapshot
            .aggregates()
            .rows()
            .iter()
            .map(|row| ClassCount {
                name: snapshot
                    .aggregates()
                    .classes()
                    .key(row.class)
                    .name
                    .chars()
                    .take(80)
                    .collect(),
                count: row.count,
                size: row.shallow_size,
            })
            .collect();
        classes.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.name.cmp(&b.name)));
        classes.truncate(MOST_CLASSES);
        Self {
            size: HeapSize {
                at,
                size: snapshot.analysis().total_size(),
                objects: graph.node_count() as u64,
            },
            ways,
            mark_bits,
            old_only: false,
            marked,
            classes,
        }
    }

    /// Forgets the addresses of young objects, which move with the next scavenge. Only after this do addresses tell who
    /// stayed: whoever has the heap knows which pages, as ranges of addresses, are young.
    #[must_use]
    pub fn without_young(mut self, pages: impl IntoIterator<Item = Range<u64>>) -> Self {
        let mut pages: Vec<Range<u64>> = pages.into_iter().collect();
        pages.sort_unstable_by_key(|page| page.start);
        self.marked.retain(|&Mark { id, .. }| {
            let after = pages.partition_point(|page| page.start <= id);
            after == 0 || !pages[after - 1].contains(&id)
        });
        self.old_only = true;
        self
    }

    /// Whether addresses tell who stayed.
    pub(crate) fn tells_who_stayed(&self) -> bool {
        self.old_only
    }

    /// When the heap was looked at, and how large it was.
    #[must_use]
    pub fn size(&self) -> HeapSize {
        self.size
    }

    /// The largest classes, by shallow size.
    #[must_use]
    pub fn classes(&self) -> &[ClassCount] {
        &self.classes
    }

    /// The remembered objects by id.
    pub(crate) fn marked(&self) -> HashMap<u64, Mark> {
        self.marked.iter().map(|mark| (mark.id, *mark)).collect()
    }

    /// Whether an object of this id would have been remembered.
    pub(crate) fn marks(&self, id: u64) -> bool {
        is_marked(id, self.mark_bits)
    }

    /// The digest as bytes, with version and checksum.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::write(self)
    }

    /// Reads what [`Digest::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`DigestError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DigestError> {
        codec::read(bytes)
    }
}

/// A hash of a node's text, never 0; 0 where it is no text, or none that is known.
pub(crate) fn text_of(graph: &HeapGraph, node: &Node<'_>) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    match node.kind() {
        NodeKind::String => hash.update(node.name().as_bytes()),
        // Its parts are put together in the first of them sooner or later: the whole is the same before and after.
        NodeKind::ConcatenatedString => {
            for edge in graph.edges(node.index()) {
                let part = graph.node(edge.target);
                match part.kind() {
                    NodeKind::String => hash.update(part.name().as_bytes()),
                    NodeKind::ConcatenatedString | NodeKind::SlicedString => return 0,
                    _ => {}
                }
            }
        }
        _ => return 0,
    }
    hash.finalize().max(1)
}

/// Whether the hash of an id ends in so many zeros. SplitMix64's finaliser, since addresses are anything but evenly spread.
fn is_marked(id: u64, bits: u32) -> bool {
    let mut hash = id.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (hash ^ (hash >> 31)).trailing_zeros() >= bits
}

#[cfg(test)]
mod tests;
