//! Remembers keys that were evicted, by fingerprint, so that the policy learns which of its queues is too short.

use std::sync::Arc;

use crate::budget::Budget;
use crate::region::Region;

/// Fingerprints that share a set.
const WAYS: usize = 4;
/// The lowest bit of a stamp says which queue; the rest is when.
const QUEUES: usize = 2;

/// One remembered key; all zeroes is none.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Ghost {
    fingerprint: u32,
    stamp: u32,
}

/// The last evicted keys of two queues, at most half as many of each as there are entries: 8 bytes for each in a
/// set-associative table. Keys with the same 32 bits of hash are taken for one, which costs a misplaced entry.
#[derive(Debug)]
pub(crate) struct Ghosts {
    budget: Arc<Budget>,
    table: Option<Region>,
    /// A power of two.
    sets: usize,
    /// Evictions from each queue.
    evicted: [u32; QUEUES],
    length: [u32; QUEUES],
}

impl Ghosts {
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self {
            budget,
            table: None,
            sets: 0,
            evicted: [0; QUEUES],
            length: [0; QUEUES],
        }
    }

    /// Keeps the table about as large as there are entries. It grows while the cache fills, when nothing was evicted
    /// yet, so the new one starts empty; if there is no room for it, the old one does.
    pub(crate) fn fit(&mut self, entries: u32) {
        let wanted = (entries as usize)
            .div_ceil(WAYS)
            .next_power_of_two()
            .max(128);
        if wanted <= self.sets && wanted * 4 > self.sets {
            return;
        }
        if wanted < self.sets {
            self.clear();
        }
        if let Ok(table) = Region::new(&self.budget, wanted * WAYS * size_of::<Ghost>()) {
            self.table = Some(table);
            self.sets = wanted;
            self.length = [0; QUEUES];
        }
    }

    pub(crate) fn insert(&mut self, hash: u32, queue: usize, entries: u32) {
        self.evicted[queue] = self.evicted[queue].wrapping_add(1) & (u32::MAX >> 1);
        let limit = entries / 2;
        self.length[queue] = (self.length[queue] + 1).min(limit);
        let stamp = (self.evicted[queue] << 1) | queue as u32;
        let now = self.evicted;
        let Some(set) = self.set(hash) else { return };
        let age = |ghost: &Ghost| match ghost.stamp {
            0 => u32::MAX,
            stamp => now[(stamp & 1) as usize].wrapping_sub(stamp >> 1) & (u32::MAX >> 1),
        };
        if let Some(oldest) = set.iter_mut().max_by_key(|ghost| age(ghost)) {
            *oldest = Ghost {
                fingerprint: hash,
                stamp,
            };
        }
    }

    /// Takes a key out; answers the queue that it had been evicted from, and by how much longer that queue's part
    /// of the memory should be, in entries: the rarer such hits are, the more one of them says.
    pub(crate) fn take(&mut self, hash: u32, entries: u32) -> Option<(usize, f64)> {
        let now = self.evicted;
        let limit = entries / 2;
        let ghost = self
            .set(hash)?
            .iter_mut()
            .find(|ghost| ghost.stamp != 0 && ghost.fingerprint == hash)?;
        let queue = (ghost.stamp & 1) as usize;
        let age = now[queue].wrapping_sub(ghost.stamp >> 1) & (u32::MAX >> 1);
        *ghost = Ghost {
            fingerprint: 0,
            stamp: 0,
        };
        let mine = f64::from(self.length[queue].max(1));
        let other = f64::from(self.length[1 - queue]);
        self.length[queue] = self.length[queue].saturating_sub(1);
        (age <= limit).then_some((queue, (other / mine).max(1.0)))
    }

    pub(crate) fn clear(&mut self) {
        self.table = None;
        self.sets = 0;
        self.length = [0; QUEUES];
    }

    fn set(&mut self, hash: u32) -> Option<&mut [Ghost]> {
        let table = self.table.as_ref()?;
        let set = hash as usize & (self.sets - 1);
        debug_assert!((set + 1) * WAYS * size_of::<Ghost>() <= table.len());
        // SAFETY: the set lies within the table, which is aligned to a page; any bits are a valid `Ghost`;
        // `&mut self` excludes every other access.
        Some(unsafe {
            std::slice::from_raw_parts_mut(table.base().cast::<Ghost>().add(set * WAYS), WAYS)
        })
    }
}
