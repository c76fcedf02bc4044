//! Finds slots by hash: linear hashing (Litwin, VLDB 1980), which grows by one bucket at a time, so that no insert
//! ever waits for a rehash.

use std::sync::Arc;

use crate::budget::Budget;
use crate::region::{Refusal, Region};
use crate::slots::{NONE, SlotTable};

/// Chains of slots by hash; the links are in the slots.
#[derive(Debug)]
pub(crate) struct Index {
    budget: Arc<Budget>,
    chunks: Vec<Region>,
    /// A power of two.
    per_chunk: usize,
    /// Buckets in use.
    buckets: u32,
    entries: u32,
}

impl Index {
    pub(crate) fn new(budget: Arc<Budget>, per_chunk: usize) -> Self {
        Self {
            budget,
            chunks: Vec::new(),
            per_chunk,
            buckets: 0,
            entries: 0,
        }
    }

    pub(crate) fn entries(&self) -> u32 {
        self.entries
    }

    /// The first slot of the chain that the hash belongs to.
    pub(crate) fn first(&self, hash: u32) -> u32 {
        if self.buckets == 0 {
            return NONE;
        }
        self.head(self.bucket(hash))
    }

    /// Makes room for one more entry; to be called before `insert`.
    pub(crate) fn grow(&mut self, slots: &mut SlotTable) -> Result<(), Refusal> {
        if self.entries < self.buckets {
            return Ok(());
        }
        if self.buckets as usize == self.chunks.len() * self.per_chunk {
            let region = Region::new(&self.budget, self.per_chunk * size_of::<u32>())?;
            self.chunks.push(region);
        }
        let added = self.buckets;
        self.buckets += 1;
        if added == 0 {
            return Ok(());
        }
        // The bucket that shared its chain with the new one is the new one's number without its highest bit.
        let split = added & !(1 << added.ilog2());
        let mut slot = self.head(split);
        self.set_head(split, NONE);
        while slot != NONE {
            let entry = slots.get(slot);
            let (next, bucket) = (entry.chain, self.bucket(entry.hash));
            slots.get_mut(slot).chain = self.head(bucket);
            self.set_head(bucket, slot);
            slot = next;
        }
        Ok(())
    }

    pub(crate) fn insert(&mut self, slots: &mut SlotTable, slot: u32) {
        let bucket = self.bucket(slots.get(slot).hash);
        slots.get_mut(slot).chain = self.head(bucket);
        self.set_head(bucket, slot);
        self.entries += 1;
    }

    pub(crate) fn remove(&mut self, slots: &mut SlotTable, slot: u32) {
        let entry = *slots.get(slot);
        let bucket = self.bucket(entry.hash);
        let mut at = self.head(bucket);
        if at == slot {
            self.set_head(bucket, entry.chain);
            self.entries -= 1;
            return;
        }
        while at != NONE {
            let chain = slots.get(at).chain;
            if chain == slot {
                slots.get_mut(at).chain = entry.chain;
                self.entries -= 1;
                return;
            }
            at = chain;
        }
    }

    /// Gives up a chunk of buckets, the reverse of `grow`, if there are many more than entries. Answers whether it did.
    pub(crate) fn shrink(&mut self, slots: &mut SlotTable) -> bool {
        let spare = self.buckets.saturating_sub(self.entries.max(1)) as usize;
        if spare < (2 * self.per_chunk).max(self.buckets as usize / 4) {
            return false;
        }
        for _ in 0..self.per_chunk {
            let last = self.buckets - 1;
            let partner = last & !(1 << last.ilog2());
            let mut slot = self.head(last);
            self.set_head(last, NONE);
            while slot != NONE {
                let next = slots.get(slot).chain;
                slots.get_mut(slot).chain = self.head(partner);
                self.set_head(partner, slot);
                slot = next;
            }
            self.buckets = last;
        }
        self.chunks
            .truncate((self.buckets as usize).div_ceil(self.per_chunk));
        true
    }

    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
        self.buckets = 0;
        self.entries = 0;
    }

    /// Buckets from 0 to the last are addressed by as many bits as the last one has, or one less.
    fn bucket(&self, hash: u32) -> u32 {
        let last = self.buckets - 1;
        let bits = u32::BITS - last.leading_zeros();
        let wide = hash & (1_u32.checked_shl(bits).unwrap_or(0).wrapping_sub(1));
        if wide <= last {
            wide
        } else {
            wide & !(1 << (bits - 1))
        }
    }

    fn at(&self, bucket: u32) -> *mut u32 {
        let bucket = bucket as usize;
        let base = self.chunks[bucket / self.per_chunk].base().cast::<u32>();
        // SAFETY: a chunk holds `per_chunk` words.
        unsafe { base.add(bucket & (self.per_chunk - 1)) }
    }

    /// Buckets hold the slot plus one, so that a fresh mapping is one of empty buckets.
    fn head(&self, bucket: u32) -> u32 {
        // SAFETY: `at` answers an aligned word within its region; `&self` excludes writers.
        unsafe { self.at(bucket).read() }.wrapping_sub(1)
    }

    fn set_head(&mut self, bucket: u32, slot: u32) {
        // SAFETY: as for `head`; `&mut self` excludes every other access.
        unsafe { self.at(bucket).write(slot.wrapping_add(1)) };
    }
}
