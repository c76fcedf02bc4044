//! The table of entries: what is known of each, and the word by which threads tell whether their copy is current.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use crate::budget::Budget;
use crate::region::{Refusal, Region};

/// No slot.
pub(crate) const NONE: u32 = u32::MAX;
/// Set in a slot's word when its entry was used; the other bits are its version.
pub(crate) const VISITED: u32 = 1;
const VERSION: u32 = 2;

/// Which list a slot is in.
pub(crate) const VACANT: u8 = 0;
pub(crate) const SMALL: u8 = 1;
pub(crate) const MAIN: u8 = 2;

/// One entry. All zeroes is a vacant slot, as fresh mappings are.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    /// When it is over, in ms of the cache's clock; 0 for never.
    pub(crate) expires: u64,
    pub(crate) hash: u32,
    /// A cell's address, or a number among the large values.
    pub(crate) address: u32,
    /// The next slot of its bucket, or of the free list.
    pub(crate) chain: u32,
    pub(crate) previous: u32,
    pub(crate) next: u32,
    pub(crate) value_len: u32,
    pub(crate) key_len: u16,
    pub(crate) queue: u8,
    /// The class of its cell, or [`LARGE`].
    pub(crate) class: u8,
    /// What the value is, as its writer says.
    pub(crate) kind: u8,
}

/// The class of entries with a region of their own.
pub(crate) const LARGE: u8 = u8::MAX;

/// The words of a run of slots: the only memory that JavaScript sees without a call. Nothing here trusts what
/// JavaScript could write into it: it decides about eviction order and the validity of JavaScript's own copies only.
#[derive(Debug)]
pub struct Words {
    region: Region,
    count: usize,
    id: u32,
}

impl Words {
    fn word(&self, index: usize) -> &AtomicU32 {
        assert!(index < self.count);
        // SAFETY: within the region, aligned to 4, valid as long as `self`; every access from Rust is atomic, and
        // those of JavaScript are by Atomics.
        unsafe { &*self.region.base().cast::<AtomicU32>().add(index) }
    }

    /// The first word, for a view in JavaScript that keeps `self` alive.
    pub fn as_ptr(&self) -> *mut u32 {
        self.region.base().cast()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// A number that no other run of the process has.
    pub fn id(&self) -> u32 {
        self.id
    }
}

#[derive(Debug)]
struct Chunk {
    words: Arc<Words>,
    slots: Region,
    live: u32,
    /// The first slot of its free list, or `NONE`.
    free: u32,
    /// Slots from here on, counted in the chunk, were never used.
    fresh: u32,
}

#[derive(Debug)]
pub(crate) struct SlotTable {
    budget: Arc<Budget>,
    chunks: Vec<Chunk>,
    /// A power of two.
    per_chunk: usize,
    /// No chunk before this one has a vacant slot: slots are taken from the first that has, so that the last ones
    /// empty.
    lowest: usize,
    live: usize,
}

static IDS: AtomicU32 = AtomicU32::new(1);

impl SlotTable {
    pub(crate) fn new(budget: Arc<Budget>, per_chunk: usize) -> Self {
        Self {
            budget,
            chunks: Vec::new(),
            per_chunk,
            lowest: 0,
            live: 0,
        }
    }

    /// Slots there are, vacant ones included: all entries are below.
    pub(crate) fn count(&self) -> u32 {
        (self.chunks.len() * self.per_chunk) as u32
    }

    /// A vacant slot.
    pub(crate) fn take(&mut self) -> Result<u32, Refusal> {
        while self
            .chunks
            .get(self.lowest)
            .is_some_and(|chunk| chunk.live as usize == self.per_chunk)
        {
            self.lowest += 1;
        }
        if self.lowest == self.chunks.len() {
            self.add_chunk()?;
        }
        let first = (self.lowest * self.per_chunk) as u32;
        let chunk = &mut self.chunks[self.lowest];
        chunk.live += 1;
        self.live += 1;
        if chunk.free == NONE {
            chunk.fresh += 1;
            return Ok(first + chunk.fresh - 1);
        }
        let slot = chunk.free;
        let next = self.get(slot).chain;
        self.chunks[self.lowest].free = next;
        Ok(slot)
    }

    pub(crate) fn release(&mut self, slot: u32) {
        let (number, _) = self.split(slot);
        let chunk = &mut self.chunks[number];
        chunk.live -= 1;
        let free = std::mem::replace(&mut chunk.free, slot);
        self.live -= 1;
        self.lowest = self.lowest.min(number);
        let entry = self.get_mut(slot);
        entry.queue = VACANT;
        entry.chain = free;
        self.bump(slot);
    }

    pub(crate) fn get(&self, slot: u32) -> &Slot {
        // SAFETY: `place` answers a slot within its region, aligned as the region is; any bits are a valid `Slot`;
        // `&self` excludes writers.
        unsafe { &*self.place(slot) }
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Slot {
        // SAFETY: as for `get`; `&mut self` excludes every other access.
        unsafe { &mut *self.place(slot) }
    }

    /// Says that a slot's content changed: copies of it are out of date from now on.
    pub(crate) fn bump(&self, slot: u32) {
        let word = self.word(slot);
        // Only the holder of the shard's lock changes the version; a visited bit set meanwhile may be lost.
        word.store(
            (word.load(SeqCst) | VISITED).wrapping_add(VERSION) & !VISITED,
            SeqCst,
        );
    }

    pub(crate) fn visit(&self, slot: u32) {
        let word = self.word(slot);
        if word.load(SeqCst) & VISITED == 0 {
            word.fetch_or(VISITED, SeqCst);
        }
    }

    /// Whether the slot was used since it was last asked.
    pub(crate) fn take_visit(&self, slot: u32) -> bool {
        let word = self.word(slot);
        word.load(SeqCst) & VISITED != 0 && word.fetch_and(!VISITED, SeqCst) & VISITED != 0
    }

    /// A slot's version with the visited bit set.
    pub(crate) fn version(&self, slot: u32) -> u32 {
        self.word(slot).load(SeqCst) | VISITED
    }

    /// Number of the slot's chunk, the id of its words and the place of the slot's word in them.
    pub(crate) fn locate(&self, slot: u32) -> (u32, u32, u32) {
        let (chunk, index) = self.split(slot);
        (chunk as u32, self.chunks[chunk].words.id, index as u32)
    }

    pub(crate) fn words(&self, chunk: u32) -> Option<&Arc<Words>> {
        self.chunks.get(chunk as usize).map(|chunk| &chunk.words)
    }

    /// Forgets all slots. Copies are out of date from now on: versions of these words never come back, as later
    /// chunks have words of their own.
    pub(crate) fn clear(&mut self) {
        for slot in 0..self.count() {
            self.bump(slot);
        }
        self.chunks.clear();
        self.lowest = 0;
        self.live = 0;
    }

    /// Whether so many slots are vacant that the last chunk should go.
    pub(crate) fn is_sparse(&self) -> bool {
        let vacant = self.count() as usize - self.live;
        vacant >= (2 * self.per_chunk).max(self.count() as usize / 4)
    }

    /// The slots in use in the last chunk.
    pub(crate) fn last_chunk(&self) -> Vec<u32> {
        (self.count().saturating_sub(self.per_chunk as u32)..self.count())
            .filter(|&slot| self.get(slot).queue != VACANT)
            .collect()
    }

    /// Gives up the last chunk, in which there are no entries left.
    pub(crate) fn drop_last_chunk(&mut self) {
        if self.chunks.last().is_some_and(|chunk| chunk.live == 0) {
            self.chunks.pop();
            self.lowest = self.lowest.min(self.chunks.len());
        }
    }

    fn add_chunk(&mut self) -> Result<(), Refusal> {
        let slots = Region::new(&self.budget, self.per_chunk * size_of::<Slot>())?;
        let words = Words {
            region: Region::new(&self.budget, self.per_chunk * size_of::<u32>())?,
            count: self.per_chunk,
            id: IDS.fetch_add(1, SeqCst),
        };
        self.chunks.push(Chunk {
            words: Arc::new(words),
            slots,
            live: 0,
            free: NONE,
            fresh: 0,
        });
        Ok(())
    }

    fn split(&self, slot: u32) -> (usize, usize) {
        let slot = slot as usize;
        (slot / self.per_chunk, slot & (self.per_chunk - 1))
    }

    fn place(&self, slot: u32) -> *mut Slot {
        let (chunk, index) = self.split(slot);
        let base = self.chunks[chunk].slots.base().cast::<Slot>();
        // SAFETY: a chunk's region holds `per_chunk` slots, and `split` answers an index below that.
        unsafe { base.add(index) }
    }

    fn word(&self, slot: u32) -> &AtomicU32 {
        let (chunk, index) = self.split(slot);
        self.chunks[chunk].words.word(index)
    }
}
