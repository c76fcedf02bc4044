//! What keeps objects alive from outside of the heap.
//!
//! Exact roots, found without a symbol, by structure:
//! - **the isolate**: V8's `Isolate` holds its `Heap` at a constant distance, and names itself many times in the
//!   words around; among the first fields of the `Heap` is its address. Its first 64 KB hold the table of roots, the
//!   current context and other single objects.
//! - **global handles**: `GlobalHandles` begins with the isolate's address, followed by that of a node space which
//!   refers back to it and leads to blocks of 256 nodes of 32 bytes. Node i carries the byte i at 10 and its state
//!   at 11: 1 is strong, more is weak.
//! - **local handles**: `HandleScopeImplementer` has a vector of blocks of 1,022 words; how much of the last one is in
//!   use stands in the isolate.
//!
//! Conservative ones are kept apart: any word on a stack or in a register of a stopped thread may be a reference.

use rustc_hash::FxHashSet;

use crate::elf::u64_at;
use crate::error::WalkError;
use crate::source::{MemorySource, RegionKind, region_of};

/// How far around the heap's address the isolate is searched.
const ISOLATE_BEFORE: u64 = 96 << 10;
/// The part of the isolate that holds roots.
const ISOLATE_BYTES: u64 = 80 << 10;
/// The isolate names itself at least so often (33 to 22 times, 7 on V8 10).
const SELF_REFERENCES: usize = 5;

/// The isolate's address is among these first bytes of the heap (at 80 or 24).
const HEAP_HEAD_BYTES: u64 = 512;

/// What is looked at of an object that the isolate refers to.
const HEADER_BYTES: usize = 96;
const NODES: usize = 256;
const NODE_BYTES: usize = 32;
/// No process has more blocks of handles: a chain that is longer is none.
const MAX_BLOCKS: usize = 1 << 16;
/// Words of a block of local handles.
const HANDLE_BLOCK_WORDS: u64 = 1_022;
/// The deepest stack that is looked at: V8's own limit is below 1 MB, a worker's 4 MB.
const MAX_STACK_BYTES: u64 = 16 << 20;

/// The words that may be roots, read while the process stands still.
#[derive(Clone, Debug, Default)]
pub(crate) struct RootSet {
    /// The isolate's address.
    pub(crate) isolate: u64,
    /// Words of the isolate.
    pub(crate) isolate_words: Vec<u64>,
    /// From this one on they are the heap's own, which has the heads of weak lists among them.
    pub(crate) heap_words_from: usize,
    /// Strong global handles: persistent references of C++.
    pub(crate) global_handles: Vec<u64>,
    /// Weak ones: these keep nothing alive.
    pub(crate) weak_handles: Vec<u64>,
    /// Local handles of C++ functions under way.
    pub(crate) local_handles: Vec<u64>,
    /// Words of stacks and registers.
    pub(crate) stack: Vec<u64>,
    /// The thread whose stack names the isolate most often: the one that runs its JavaScript.
    pub(crate) thread: Option<u32>,
}

impl RootSet {
    /// Finds the roots of the heap at `heap`.
    ///
    /// # Errors
    /// [`WalkError::NoHeap`] when there is no isolate around it.
    pub(crate) fn collect(source: &dyn MemorySource, heap: u64) -> Result<Self, WalkError> {
        let isolate = find_isolate(source, heap)?;
        let end = region_of(source.regions(), isolate).map_or(heap, |r| {
            r.end
                .min(isolate + ISOLATE_BYTES.max(heap - isolate + 4_096))
        });
        let isolate_words = words(source, isolate, end)?;
        let mut roots = Self {
            isolate,
            isolate_words,
            heap_words_from: usize::try_from((heap - isolate) / 8).unwrap_or(0),
            ..Self::default()
        };
        let mut seen = FxHashSet::default();
        for index in 0..roots.isolate_words.len() {
            let pointer = roots.isolate_words[index];
            let outside = pointer < isolate || pointer >= end;
            let plausible = pointer.is_multiple_of(8) && pointer >= 4_096 && outside;
            if !plausible || !seen.insert(pointer) {
                continue;
            }
            let mut header = [0; HEADER_BYTES];
            if source.read(pointer, &mut header).is_err() {
                continue;
            }
            if u64_at(&header, 0) == isolate {
                roots.read_global_handles(source, pointer, &header);
            }
            if roots.local_handles.is_empty() {
                roots.read_local_handles(source, &header);
            }
        }
        roots.read_stacks(source);
        Ok(roots)
    }

    /// Whether the words of a thread's stack name this isolate: then it is that thread's.
    pub(crate) fn mentions(&self, stack: &[u64]) -> usize {
        stack.iter().filter(|&&w| w == self.isolate).count()
    }

    fn read_global_handles(&mut self, source: &dyn MemorySource, handles: u64, header: &[u8]) {
        // V8 10 has a flag in between.
        let refers_back = |space: &u64| {
            space.is_multiple_of(8) && *space > 4_096 && word(source, *space) == Some(handles)
        };
        let Some(space) = [8, 16]
            .map(|at| u64_at(header, at))
            .into_iter()
            .find(refers_back)
        else {
            return;
        };
        let mut block = word(source, space + 8).unwrap_or(0);
        let mut bytes = vec![0; NODES * NODE_BYTES + 24];
        for _ in 0..MAX_BLOCKS {
            if block == 0 || source.read(block, &mut bytes).is_err() {
                break;
            }
            let nodes = &bytes[..NODES * NODE_BYTES];
            let numbered = nodes
                .chunks_exact(NODE_BYTES)
                .enumerate()
                .all(|(i, n)| usize::from(n[10]) == i);
            if !numbered {
                break;
            }
            for node in nodes.chunks_exact(NODE_BYTES) {
                let object = u64_at(node, 0);
                match node[11] & 3 {
                    _ if object & 3 != 1 => {}
                    0 => {}
                    1 => self.global_handles.push(object),
                    _ => self.weak_handles.push(object),
                }
            }
            block = u64_at(&bytes, NODES * NODE_BYTES);
        }
    }

    fn read_local_handles(&mut self, source: &dyn MemorySource, header: &[u8]) {
        // A vector (data, capacity, size) somewhere in the first words.
        for at in (0..HEADER_BYTES - 16).step_by(8) {
            let (data, capacity, size) = (
                u64_at(header, at),
                u64_at(header, at + 8),
                u64_at(header, at + 16),
            );
            let plausible = data % 8 == 0 && data > 4_096 && (1..=capacity).contains(&size);
            if !plausible || capacity > MAX_BLOCKS as u64 {
                continue;
            }
            let Ok(blocks) = words(source, data, data + size * 8) else {
                continue;
            };
            let Some(next) = blocks.last().and_then(|&last| self.next_in(last)) else {
                continue;
            };
            let mut handles = Vec::new();
            for (index, &block) in blocks.iter().enumerate() {
                let full = block.saturating_add(HANDLE_BLOCK_WORDS * 8);
                let end = if index + 1 == blocks.len() {
                    next
                } else {
                    full
                };
                handles.extend(words(source, block, end).unwrap_or_default());
            }
            // A block of handles holds nothing but references and Smis.
            if handles.iter().all(|w| w & 3 == 1 || w & 0xffff_ffff == 0) {
                self.local_handles
                    .extend(handles.iter().filter(|w| *w & 3 == 1));
                return;
            }
        }
    }

    /// The isolate has `next`, `limit` and the level of nesting side by side; a sealed scope has its limit at `next`.
    fn next_in(&self, block: u64) -> Option<u64> {
        let end = block.checked_add(HANDLE_BLOCK_WORDS * 8)?;
        self.isolate_words
            .windows(3)
            .find(|data| {
                let (next, limit, level) = (data[0], data[1], data[2] as u32);
                (block..=end).contains(&next) && (next..=end).contains(&limit) && level > 0
            })
            .map(|data| data[0])
    }

    fn read_stacks(&mut self, source: &dyn MemorySource) {
        let mut most = 0;
        for thread in source.threads() {
            let Ok(stack) = stack_words(source, thread.stack_pointer) else {
                continue;
            };
            // Threads that never met this isolate (libuv's, V8's own helpers) hold nothing of it.
            let mentions = self.mentions(&stack);
            if mentions == 0 {
                continue;
            }
            if mentions > most {
                most = mentions;
                self.thread = Some(thread.tid);
            }
            let tagged = |w: &&u64| **w & 7 == 1;
            self.stack.extend(stack.iter().filter(tagged));
            self.stack.extend(thread.registers.iter().filter(tagged));
        }
    }
}

/// The words between a stack pointer and the end of its stack.
pub(crate) fn stack_words(
    source: &dyn MemorySource,
    stack_pointer: u64,
) -> Result<Vec<u64>, WalkError> {
    let start = stack_pointer & !7;
    let end = region_of(source.regions(), start)
        .filter(|r| r.readable && !matches!(r.kind, RegionKind::File(_)))
        .map_or(start, |r| r.end.min(start.saturating_add(MAX_STACK_BYTES)));
    words(source, start, end)
}

/// Of the words at the beginning of a heap that are addresses of the memory before it, the one that is named most often around
/// it. Not simply that: an allocator's words about its own blocks may be more (musl's are), but no heap begins with them.
fn find_isolate(source: &dyn MemorySource, heap: u64) -> Result<u64, WalkError> {
    let none = || WalkError::NoHeap {
        why: format!("no isolate around the heap at {heap:#x}"),
    };
    let region = region_of(source.regions(), heap).ok_or_else(none)?;
    let start = region.start.max(heap.saturating_sub(ISOLATE_BEFORE));
    let end_after = |bytes: u64| region.end.min(heap.saturating_add(bytes));
    let around = words(source, start, end_after(ISOLATE_BEFORE))?;
    let mut counts: Vec<(u64, usize)> = words(source, heap, end_after(HEAP_HEAD_BYTES))?
        .into_iter()
        // The heap is embedded in the isolate's second half.
        .filter(|w| w % 8 == 0 && (start..heap.saturating_sub(16 << 10)).contains(w))
        .map(|word| (word, 0))
        .collect();
    for word in around {
        for (_, count) in counts.iter_mut().filter(|(value, _)| *value == word) {
            *count += 1;
        }
    }
    counts
        .into_iter()
        .max_by_key(|&(_, count)| count)
        .filter(|&(_, count)| count >= SELF_REFERENCES)
        .map(|(isolate, _)| isolate)
        .ok_or_else(none)
}

fn word(source: &dyn MemorySource, address: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    source.read(address, &mut bytes).ok()?;
    Some(u64_at(&bytes, 0))
}

fn words(source: &dyn MemorySource, start: u64, end: u64) -> Result<Vec<u64>, WalkError> {
    let length = usize::try_from(end.saturating_sub(start)).unwrap_or(0) & !7;
    let mut bytes = vec![0; length];
    source.read(start, &mut bytes)?;
    Ok(bytes.chunks_exact(8).map(|b| u64_at(b, 0)).collect())
}
