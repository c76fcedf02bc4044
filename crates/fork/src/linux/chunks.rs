//! V8's chunks of 256 KB: what the next collection of the young generation will write to, and what is empty until then.
//!
//! V8 copies what is young to and fro between two halves (C. J. Cheney, "A nonrecursive list compacting algorithm", 1970). Between two
//! collections one half has all objects, and nothing in the other is alive. The next collection writes copies of what it finds into the empty
//! one, where each copy is into the other one, and the same into every old object that referred to it: where those are is noted as the
//! references are made, in a set of slots for each chunk, with a bucket for each 8 KB.
//!
//! A chunk is recognised by its head, which says how large it is and where. Three layouts are in use, those of Node 18 and 20, 22, and
//! 24 and 26. What is read here decides what is copied beforehand and what a child does without, and nothing else.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::maps::Region;

/// Chunks are so large, or hold one object that is larger, and begin at multiples of it.
pub const CHUNK: usize = 256 << 10;
/// What a bucket of slots stands for.
const BUCKET: usize = 8 << 10;
/// A chunk that is said to be larger is none.
const MOST_CHUNK: usize = 1 << 34;
/// Flags of a chunk, alike in all layouts: it is of the half that is or was collected, or of the one where objects are made.
const FROM_SPACE: usize = 1 << 3;
const TO_SPACE: usize = 1 << 4;
/// The kernel takes so many addresses in one call.
const MOST_AT_ONCE: usize = 1024;
const WORD: usize = size_of::<usize>();

/// The parts of a region that can each be a chunk.
pub fn parts(region: &Region) -> impl Iterator<Item = Region> + use<> {
    let (mut at, end) = (region.start, region.end);
    std::iter::from_fn(move || {
        let part = at..end.min((at + 1).next_multiple_of(CHUNK));
        at = part.end;
        (part.start < part.end).then_some(part)
    })
}

/// The memory of this process as a file: what was unmapped meanwhile is an error, not a fault, and a page that is shared with a child is not
/// copied for the reader, as it is by `process_vm_readv`.
pub struct Memory(File);

/// The head of a chunk.
#[derive(Debug)]
pub struct Chunk {
    start: usize,
    size: usize,
    flags: usize,
    /// Where these are.
    flags_at: usize,
    /// Where the sets of its references to young objects are named.
    slots_at: Range<usize>,
    /// Whether a set begins with the number of its buckets.
    is_counted: bool,
}

impl Memory {
    /// Where it is not to be had, nothing is known of chunks.
    pub fn open(proc_root: &Path) -> Option<Self> {
        File::open(proc_root.join("self/mem")).ok().map(Self)
    }

    fn words<const N: usize>(&self, address: usize) -> Option<[usize; N]> {
        let mut bytes = [[0; WORD]; N];
        self.0
            .read_exact_at(bytes.as_flattened_mut(), address as u64)
            .ok()?;
        Some(bytes.map(usize::from_ne_bytes))
    }

    /// The chunk that begins at an address.
    pub fn chunk(&self, start: usize) -> Option<Chunk> {
        if !start.is_multiple_of(CHUNK) {
            return None;
        }
        let is_size = |size: usize| {
            (CHUNK..MOST_CHUNK).contains(&size) && (size == CHUNK || size.is_multiple_of(4096))
        };
        let [first, second, third, area, end] = self.words(start)?;
        let holds = |area: usize, end: usize| {
            (start..start + CHUNK / 4).contains(&area) && area != start && end > area
        };
        if is_size(first) && holds(area, end) && end <= start + first {
            return Some(Chunk {
                start,
                size: first,
                flags: second,
                flags_at: start + WORD,
                slots_at: words_from(start, 12, 1),
                is_counted: false,
            });
        }
        let flags_first = Chunk {
            start,
            size: third,
            flags: first,
            flags_at: start,
            slots_at: words_from(start, 13, 1),
            is_counted: false,
        };
        if second == start && is_size(third) {
            return Some(flags_first);
        }
        // The rest of the head is elsewhere.
        let [_, own, size] = self.words(second).filter(|_| is_address(second))?;
        (own == start && is_size(size)).then_some(Chunk {
            size,
            // The one on 24, the other on 26.
            slots_at: words_from(second, 11, 2),
            is_counted: true,
            ..flags_first
        })
    }

    /// The parts of a chunk from which old objects refer to young ones; its head first, if there are any.
    pub fn referring(&self, chunk: &Chunk) -> Vec<Region> {
        let sets = chunk.slots_at.clone().step_by(WORD);
        let mut buckets: Vec<_> = sets.flat_map(|at| self.buckets(chunk, at)).collect();
        if !buckets.is_empty() {
            // The first bucket stands for the head.
            buckets.push(0);
        }
        buckets.sort_unstable();
        let mut parts: Vec<Region> = Vec::new();
        for start in buckets.iter().map(|index| chunk.start + index * BUCKET) {
            match parts.last_mut() {
                Some(last) if last.end >= start => last.end = start + BUCKET,
                _ => parts.push(start..start + BUCKET),
            }
        }
        parts
    }

    /// The numbers of the buckets that there are in the set that is named at an address.
    fn buckets(&self, chunk: &Chunk, at: usize) -> Vec<usize> {
        let mut bytes = vec![0; (chunk.size / BUCKET + 1) * WORD];
        let set = self.words(at).filter(|[set]| is_address(*set));
        // With the word before it.
        let read = set.map(|[set]| self.0.read_exact_at(&mut bytes, (set - WORD) as u64));
        if !matches!(read, Some(Ok(()))) {
            return Vec::new();
        }
        let words = bytes.as_chunks::<WORD>().0.iter();
        let words: Vec<_> = words.map(|it| usize::from_ne_bytes(*it)).collect();
        let (count, buckets) = (words[0], &words[1..]);
        let is_set = (!chunk.is_counted || count == buckets.len())
            && buckets.iter().all(|it| *it == 0 || is_address(*it));
        let numbers = (0..buckets.len()).filter(|index| is_set && buckets[*index] != 0);
        numbers.collect()
    }
}

fn words_from(start: usize, first: usize, count: usize) -> Range<usize> {
    start + first * WORD..start + (first + count) * WORD
}

/// Whether a word can be where `malloc` has put something.
fn is_address(word: usize) -> bool {
    (1 << 16..1 << 47).contains(&word) && word.is_multiple_of(WORD)
}

impl Chunk {
    /// Whether a collection of the young generation will move what is in it.
    pub fn is_young(&self) -> bool {
        self.flags & (FROM_SPACE | TO_SPACE) != 0
    }
}

/// The young generation of the moment in which it was looked for: its chunks, but those of one object, by where their flags are.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Young(Vec<Flags>);

#[derive(Debug, PartialEq, Eq)]
struct Flags {
    chunk: usize,
    at: usize,
}

impl Young {
    /// Looks into the head of each chunk: a microsecond or two each.
    pub fn find(memory: &Memory, v8s: &[Region]) -> Self {
        let starts = v8s.iter().flat_map(parts).map(|part| part.start);
        let chunks = starts.filter_map(|start| memory.chunk(start));
        let young = chunks.filter(|chunk| chunk.is_young() && chunk.size == CHUNK);
        Self(
            young
                .map(|it| Flags {
                    chunk: it.start,
                    at: it.flags_at,
                })
                .take(MOST_AT_ONCE)
                .collect(),
        )
    }

    /// Which of its chunks are the empty half now, in order. Some ten microseconds. A chunk that is gone is in neither half, nor are those
    /// behind it. To be asked while there is no child.
    pub fn empty_half(&self) -> Vec<Region> {
        let mut flags = vec![0_usize; self.0.len()];
        let local = libc::iovec {
            iov_base: flags.as_mut_ptr().cast(),
            iov_len: size_of_val(flags.as_slice()),
        };
        let remote: Vec<_> = self
            .0
            .iter()
            .map(|flags| libc::iovec {
                iov_base: flags.at as *mut libc::c_void,
                iov_len: WORD,
            })
            .collect();
        // SAFETY: the kernel writes to `flags` alone, which has a word for each of these addresses; a bad one ends it early.
        let read = unsafe {
            libc::process_vm_readv(
                libc::getpid(),
                &raw const local,
                1,
                remote.as_ptr(),
                remote.len() as libc::c_ulong,
                0,
            )
        };
        let known = usize::try_from(read).unwrap_or(0) / WORD;
        let halves = flags.iter().take(known).zip(&self.0);
        halves
            .filter(|(flags, _)| **flags & (FROM_SPACE | TO_SPACE) == FROM_SPACE)
            .map(|(_, it)| it.chunk..it.chunk + CHUNK)
            .collect()
    }
}

#[cfg(test)]
#[expect(
    clippy::single_range_in_vec_init,
    reason = "a region is a range, and a list may have one"
)]
mod tests {
    use super::*;

    /// Four chunks, one after the other, whose heads are as told.
    struct Heap {
        memory: Vec<usize>,
        /// What chunks have outside of themselves.
        metadata: Vec<[usize; 16]>,
        slots: Vec<usize>,
        bucket: Box<usize>,
    }

    impl Heap {
        fn new() -> Self {
            Self {
                memory: vec![0; 5 * CHUNK / WORD],
                metadata: vec![[0; 16]; 4],
                slots: vec![0; 1 + CHUNK / BUCKET],
                bucket: Box::new(0),
            }
        }

        fn chunk(&self, number: usize) -> usize {
            (self.memory.as_ptr() as usize).next_multiple_of(CHUNK) + number * CHUNK
        }

        fn region(&self) -> Region {
            self.chunk(0)..self.chunk(4)
        }

        fn head(&mut self, number: usize, words: &[usize]) {
            let at = (self.chunk(number) - self.memory.as_ptr() as usize) / WORD;
            self.memory[at..at + words.len()].copy_from_slice(words);
        }

        /// In each of the layouts: the flags stand where it says, and the set of slots behind the rest.
        fn flag(&mut self, layout: usize, number: usize, flags: usize) {
            let start = self.chunk(number);
            let slots = &raw const self.slots[1] as usize;
            let mut words = [0; 16];
            match layout {
                0 => {
                    words[..5].copy_from_slice(&[CHUNK, flags, 8, start + 4096, start + CHUNK]);
                    words[12] = slots;
                }
                1 => {
                    words[..3].copy_from_slice(&[flags, start, CHUNK]);
                    words[13] = slots;
                }
                _ => {
                    let metadata = &mut self.metadata[number];
                    metadata[1..3].copy_from_slice(&[start, CHUNK]);
                    metadata[layout + 9] = slots;
                    words[..2].copy_from_slice(&[flags, metadata.as_ptr() as usize]);
                }
            }
            self.head(number, &words);
        }

        fn young(&self) -> Young {
            Young::find(&memory(), &[self.region()])
        }
    }

    fn memory() -> Memory {
        Memory::open(Path::new("/proc")).unwrap()
    }

    const LAYOUTS: Range<usize> = 0..4;

    #[test]
    fn the_empty_half_is_told_in_all_layouts_and_as_it_is_now() {
        for layout in LAYOUTS {
            let mut heap = Heap::new();
            let others = 1 << 9 | 1;
            heap.flag(layout, 0, FROM_SPACE | others);
            heap.flag(layout, 1, TO_SPACE | others);
            heap.flag(layout, 2, others);
            let young = heap.young();
            let told: Vec<_> = parts(&heap.region())
                .map(|part| memory().chunk(part.start).map(|chunk| chunk.is_young()))
                .collect();
            let expected = [Some(true), Some(true), Some(false), None];
            assert_eq!(told, expected, "{layout}");
            let first = heap.chunk(0)..heap.chunk(1);
            let second = heap.chunk(1)..heap.chunk(2);
            assert_eq!(young.empty_half(), [first], "{layout}");
            heap.flag(layout, 0, TO_SPACE);
            heap.flag(layout, 1, FROM_SPACE);
            assert_eq!(young.empty_half(), [second], "{layout}");
            heap.flag(layout, 1, FROM_SPACE | TO_SPACE);
            assert_eq!(young.empty_half(), [], "{layout}");
        }
    }

    #[test]
    fn where_old_objects_refer_to_young_ones_is_told_in_all_layouts() {
        for layout in LAYOUTS {
            let mut heap = Heap::new();
            heap.flag(layout, 0, 0);
            let start = heap.chunk(0);
            let referring = || {
                let chunk = memory().chunk(start).unwrap();
                let parts = memory().referring(&chunk);
                let parts = parts
                    .iter()
                    .map(|it| (it.start - start) / BUCKET..(it.end - start) / BUCKET);
                parts.collect::<Vec<_>>()
            };
            heap.slots[0] = CHUNK / BUCKET;
            assert_eq!(referring(), [] as [Range<usize>; 0], "{layout}");
            let bucket = &raw const *heap.bucket as usize;
            for index in [1, 3, 4, 31] {
                heap.slots[1 + index] = bucket;
            }
            assert_eq!(referring(), [0..2, 3..5, 31..32], "{layout}");
            heap.slots[7] = 1;
            assert_eq!(referring(), [] as [Range<usize>; 0], "{layout}: no address");
        }
    }

    #[test]
    fn what_only_looks_like_a_head_is_none() {
        let mut heap = Heap::new();
        let start = heap.chunk(0);
        for words in [
            [CHUNK, FROM_SPACE, 8, start, start + CHUNK],
            [CHUNK, FROM_SPACE, 8, start + 4096, start + 2 * CHUNK],
            [FROM_SPACE, start + CHUNK, CHUNK, 0, 0],
            [FROM_SPACE, start, CHUNK / 2, 0, 0],
            [FROM_SPACE, 0, 0, 0, 0],
            [FROM_SPACE; 5],
            [usize::MAX; 5],
        ] {
            heap.head(0, &words);
            assert_eq!(heap.young(), Young::default(), "{words:?}");
        }
        assert!(memory().chunk(start + WORD).is_none() && memory().chunk(0).is_none());
        // A chunk of one large object is in neither half, however young.
        heap.head(0, &[FROM_SPACE, start, 2 * CHUNK]);
        assert!(memory().chunk(start).unwrap().is_young());
        assert_eq!(heap.young(), Young::default());
        assert!(Memory::open(Path::new("/nonexistent")).is_none());
    }

    #[test]
    fn a_chunk_that_is_gone_is_in_neither_half() {
        let mut heap = Heap::new();
        heap.flag(1, 0, FROM_SPACE);
        let mut young = heap.young();
        let gone = Flags { chunk: 0, at: 8 };
        young.0.push(gone);
        assert_eq!(young.empty_half(), [heap.chunk(0)..heap.chunk(1)]);
        young.0.swap(0, 1);
        assert_eq!(young.empty_half(), []);
    }

    #[test]
    fn regions_are_cut_at_chunks() {
        let cut = |region: Region| parts(&region).collect::<Vec<_>>();
        assert_eq!(
            cut(CHUNK..3 * CHUNK),
            [CHUNK..2 * CHUNK, 2 * CHUNK..3 * CHUNK]
        );
        assert_eq!(
            cut(CHUNK - 8..CHUNK + 8),
            [CHUNK - 8..CHUNK, CHUNK..CHUNK + 8]
        );
        assert_eq!(cut(8..8), [] as [Region; 0]);
    }
}
