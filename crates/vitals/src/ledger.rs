//! The RSS ledger: every resident page of the process under one heading, on demand.
//!
//! # How it works
//! `/proc/self/smaps` says how much of each mapping is resident, so a sum over mappings is the
//! resident set, exactly. Each mapping gets one heading by what it is ([`mapping`]). Only what
//! `malloc` holds has to be divided further, by what V8 and malloc say of themselves: array buffers
//! and other external memory live in malloc's arenas when they are small and in mappings of their
//! own when they are large. That division is an estimate, the sums are not: the parts always add up
//! to the resident set, and what nobody claims is shown as [`PartKind::Unexplained`].
//!
//! A claim may exceed what is resident, and is shown beside it, not cut: `Buffer.alloc(1e8)` is
//! external memory from the start and resident only once it is written to, and sources of Node's
//! own modules count as external and lie in the binary.
//!
//! # What was measured
//! On Node 18, 20, 22, 24 and 26 (Linux x64, glibc 2.36), each idle, with 100 MB in one
//! Buffer, in a hundred, in 25,600, in external strings, with a million objects, with ten workers
//! and with a pool of 200 threads at work: the unexplained rest was at most 32 KB on Node 18 to 22,
//! and a constant 1.1 MB on 24 and 26 (one anonymous mapping made at start), of 42 to 242 MB.
//! Buffers and strings were found in full under their headings.
//!
//! # Cost
//! The kernel walks all page tables: 1 to 4 ms at 45 to 150 MB of RSS, up to 16 ms at 200 MB in
//! many small mappings, on a busy machine; more at several GB. Meanwhile the process can't map
//! memory. Never on a tick, best not on the main thread.

pub mod mapping;
mod smaps;

use std::io;

use serde::Serialize;

use crate::allocator::{Allocator, MallocFigures};
use mapping::{Mapping, MappingKind};

/// What V8 says, over all isolates together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerInput {
    /// Heap spaces and their physical size (`v8.getHeapSpaceStatistics()`), over all isolates.
    pub heap_spaces: Vec<Item>,
    /// `external_memory` of all isolates, array buffers included.
    pub external_bytes: u64,
    /// Array buffers of all isolates.
    pub array_buffers_bytes: u64,
    /// What V8 took by `malloc` for itself.
    pub malloced_bytes: u64,
}

/// A name and a size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// What it is.
    pub name: String,
    /// How large it is.
    pub bytes: u64,
}

/// The resident set, part by part.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Resident memory: the sum of all parts, exactly.
    pub rss_bytes: u64,
    /// Memory in swap.
    pub swap_bytes: u64,
    /// The parts, largest first; the unexplained rest last.
    pub parts: Vec<LedgerPart>,
    /// The rest again: resident memory that nobody claims.
    pub unexplained_bytes: u64,
    /// Number of mappings.
    pub mappings: u32,
    /// Regions of malloc's arenas beyond the first.
    pub arena_regions: u32,
    /// The implementation of `malloc`.
    pub allocator: Allocator,
    /// What malloc says, where it says anything.
    pub malloc: Option<MallocFigures>,
}

/// One heading of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerPart {
    /// What it is.
    pub kind: PartKind,
    /// Resident bytes.
    pub rss_bytes: u64,
    /// What V8 or malloc claims for it, resident or not.
    pub claimed_bytes: Option<u64>,
    /// Whether the bytes are an estimate: the divisions of malloc's memory are.
    pub estimated: bool,
    /// Its largest pieces, for the reader.
    pub items: Vec<Item>,
}

/// The headings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PartKind {
    /// V8's heaps, of all isolates.
    Heap,
    /// Machine code that V8 made.
    JitCode,
    /// `ArrayBuffer`s and `Buffer`s.
    ArrayBuffers,
    /// Other memory outside of the heap that JavaScript objects keep alive.
    External,
    /// Other memory in use by native code: `malloc` of Node, V8, libraries and addons.
    Native,
    /// Freed, and kept by malloc: fragmentation.
    MallocFree,
    /// Stacks of all threads.
    Stacks,
    /// Node's own executable.
    Binary,
    /// Shared libraries and addons.
    Libraries,
    /// Files that the program has mapped.
    MappedFiles,
    /// Memory shared with other processes.
    SharedMemory,
    /// Mappings of the kernel.
    Kernel,
    /// What nobody claims.
    Unexplained,
}

impl Ledger {
    /// Reads this process's ledger. Fails where there is no readable `/proc/self/smaps` (anywhere
    /// but Linux).
    pub fn read(input: &LedgerInput) -> io::Result<Self> {
        let mappings = smaps::read_self()?;
        Ok(Self::of(
            &mappings,
            input,
            crate::allocator::allocator(),
            crate::allocator::malloc_figures(),
        ))
    }

    /// Makes the ledger of mappings that have been read.
    pub fn of(
        mappings: &[Mapping],
        input: &LedgerInput,
        allocator: Allocator,
        malloc: Option<MallocFigures>,
    ) -> Self {
        let sum = |kind: MappingKind| {
            mappings
                .iter()
                .filter(|m| m.kind == kind)
                .fold(0u64, |sum, m| sum.saturating_add(m.rss_bytes))
        };
        let rss_bytes = mappings
            .iter()
            .fold(0u64, |sum, m| sum.saturating_add(m.rss_bytes));
        let mut parts = Vec::new();
        let heap_claim = input
            .heap_spaces
            .iter()
            .fold(0u64, |sum, space| sum.saturating_add(space.bytes));
        parts.push(LedgerPart {
            kind: PartKind::Heap,
            rss_bytes: sum(MappingKind::Heap),
            claimed_bytes: Some(heap_claim),
            estimated: false,
            items: input.heap_spaces.clone(),
        });
        let plain = [
            (PartKind::JitCode, MappingKind::JitCode),
            (PartKind::Stacks, MappingKind::Stack),
            (PartKind::Binary, MappingKind::Binary),
            (PartKind::Libraries, MappingKind::Library),
            (PartKind::MappedFiles, MappingKind::File),
            (PartKind::SharedMemory, MappingKind::Shared),
            (PartKind::Kernel, MappingKind::Kernel),
        ];
        parts.extend(plain.into_iter().map(|(kind, mapping)| LedgerPart {
            kind,
            rss_bytes: sum(mapping),
            claimed_bytes: None,
            estimated: false,
            items: files(mappings, mapping),
        }));
        let off_heap = OffHeap {
            arenas: sum(MappingKind::Arena),
            anonymous: sum(MappingKind::Anonymous),
        };
        let (divided, unexplained_bytes) = off_heap.divide(input, malloc);
        parts.extend(divided);
        parts.retain(|part| part.rss_bytes > 0 || part.claimed_bytes.is_some_and(|b| b > 0));
        parts.sort_by(|a, b| b.rss_bytes.cmp(&a.rss_bytes).then(a.kind.cmp(&b.kind)));
        parts.push(LedgerPart {
            kind: PartKind::Unexplained,
            rss_bytes: unexplained_bytes,
            claimed_bytes: None,
            estimated: malloc.is_none(),
            items: Vec::new(),
        });
        Self {
            rss_bytes,
            swap_bytes: mappings
                .iter()
                .fold(0u64, |sum, m| sum.saturating_add(m.swap_bytes)),
            parts,
            unexplained_bytes,
            mappings: u32::try_from(mappings.len()).unwrap_or(u32::MAX),
            arena_regions: mappings
                .iter()
                .filter(|m| m.kind == MappingKind::Arena && m.starts_arena())
                .count() as u32,
            allocator,
            malloc,
        }
    }

    /// The part of a kind, if there is any of it.
    pub fn part(&self, kind: PartKind) -> Option<&LedgerPart> {
        self.parts.iter().find(|part| part.kind == kind)
    }
}

/// Resident memory that malloc manages, and mappings that it may manage.
struct OffHeap {
    arenas: u64,
    anonymous: u64,
}

impl OffHeap {
    /// Divides among those who claim it; the second result is what is left.
    fn divide(&self, input: &LedgerInput, malloc: Option<MallocFigures>) -> (Vec<LedgerPart>, u64) {
        // Large allocations: as malloc says, or at most what V8 claims where malloc says nothing.
        let mapped = malloc.map_or(input.external_bytes, |m| m.mapped_bytes);
        let mapped = mapped.min(self.anonymous);
        // Resident and not handed out. What is handed out may not be resident, so this is a lower
        // bound.
        let free = malloc.map_or(0, |m| {
            self.arenas.saturating_sub(m.in_use_bytes).min(m.free_bytes)
        });
        let mut left = self.arenas.saturating_add(mapped).saturating_sub(free);
        let mut take = |claim: u64| {
            let taken = claim.min(left);
            left -= taken;
            taken
        };
        let array_buffers = take(input.array_buffers_bytes);
        let other_external = input
            .external_bytes
            .saturating_sub(input.array_buffers_bytes);
        let external = take(other_external);
        let part = |kind, rss_bytes, claimed_bytes, items| LedgerPart {
            kind,
            rss_bytes,
            claimed_bytes,
            estimated: true,
            items,
        };
        let by_v8 = Item {
            name: "V8".to_owned(),
            bytes: input.malloced_bytes,
        };
        let parts = vec![
            part(
                PartKind::ArrayBuffers,
                array_buffers,
                Some(input.array_buffers_bytes),
                Vec::new(),
            ),
            part(
                PartKind::External,
                external,
                Some(other_external),
                Vec::new(),
            ),
            part(PartKind::Native, left, None, vec![by_v8]),
            part(
                PartKind::MallocFree,
                free,
                malloc.map(|m| m.free_bytes),
                Vec::new(),
            ),
        ];
        (parts, self.anonymous - mapped)
    }
}

/// The five files with the most resident memory among mappings of a kind.
fn files(mappings: &[Mapping], kind: MappingKind) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for mapping in mappings.iter().filter(|m| m.kind == kind) {
        if mapping.name.is_empty() || mapping.rss_bytes == 0 {
            continue;
        }
        match items.iter_mut().find(|item| item.name == mapping.name) {
            Some(item) => item.bytes = item.bytes.saturating_add(mapping.rss_bytes),
            None => items.push(Item {
                name: mapping.name.clone(),
                bytes: mapping.rss_bytes,
            }),
        }
    }
    items.sort_by_key(|item| std::cmp::Reverse(item.bytes));
    items.truncate(5);
    items
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
