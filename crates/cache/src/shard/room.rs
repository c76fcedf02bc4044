//! Making room: which entry goes next, and how memory gets back to where it is needed.

use super::{PATIENCE, SWEEP, Shard};
use crate::counters::Cause;
use crate::region::Refusal;
use crate::slots::{LARGE, MAIN, SMALL};

impl Shard {
    /// Gives up about so many bytes for others. Answers false when there was nothing left to give.
    pub(crate) fn give_up(&mut self, bytes: u64, cause: Cause) -> bool {
        let before = self.live_bytes();
        let mut gave = self.arena.drop_spare();
        while before - self.live_bytes() < bytes && self.evict(cause) {
            gave = true;
        }
        while self.reclaim_page() {
            gave |= self.arena.drop_spare();
        }
        if self.index.entries() == 0 {
            gave |= self.slots.count() > 0;
            self.clear(cause);
        } else {
            gave |= self.trim();
        }
        gave
    }

    /// Evicts one entry or empties one page. Answers false when there was nothing left.
    pub(super) fn make_room(&mut self) -> bool {
        self.reclaim_page() || self.evict(Cause::Size)
    }

    /// Tries again as long as giving something up helps.
    pub(super) fn retry<T>(
        &mut self,
        mut step: impl FnMut(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        loop {
            match step(self) {
                Err(Refusal::Budget) if self.arena.drop_spare() || self.make_room() => {}
                done => return done,
            }
        }
    }

    /// Looks at a few slots for entries that are over, so that they go even if nobody asks for them.
    pub(super) fn sweep(&mut self, now: u64) {
        let count = self.slots.count();
        for _ in 0..SWEEP.min(count) {
            self.sweep_at = (self.sweep_at + 1) % count;
            let expires = self.slots.get(self.sweep_at).expires;
            if expires != 0 && expires <= now {
                self.remove(self.sweep_at, Cause::Expired);
            }
        }
    }

    /// Evicts the entry that the policy names. Looks at a bounded number of others first.
    fn evict(&mut self, cause: Cause) -> bool {
        for tries in 0.. {
            let small = self.small.bytes as f64 >= self.share * self.live_bytes() as f64;
            let (slot, from) = match (self.small.head(), self.main.head()) {
                (Some(slot), None) => (slot, SMALL),
                (Some(slot), Some(_)) if small => (slot, SMALL),
                (_, Some(slot)) => (slot, MAIN),
                (None, None) => return false,
            };
            if tries < PATIENCE && self.slots.take_visit(slot) {
                let bytes = self.entry_bytes(slot);
                match from {
                    MAIN => self.main.remove(&mut self.slots, slot, bytes),
                    _ => self.small.remove(&mut self.slots, slot, bytes),
                }
                self.main.push(&mut self.slots, slot, bytes);
                continue;
            }
            let hash = self.slots.get(slot).hash;
            let entries = self.index.entries();
            self.remove(slot, cause);
            self.ghosts.insert(hash, usize::from(from == MAIN), entries);
            return true;
        }
        false
    }

    /// Empties a page whose cells fit elsewhere, all or nearly all; a few entries may have to go.
    fn reclaim_page(&mut self) -> bool {
        let Some(page) = self.arena.detach_sparse_page() else {
            return false;
        };
        for slot in self.arena.owners(page) {
            let address = self.slots.get(slot).address;
            match self.arena.relocate(address, slot) {
                Some(moved) => self.slots.get_mut(slot).address = moved,
                None => self.remove(slot, Cause::Size),
            }
        }
        true
    }

    /// Gives up a chunk of the tables when these were made for many more entries than there are. Answers whether it
    /// did. A chunk at a time, so that no call waits for all of them.
    pub(super) fn trim(&mut self) -> bool {
        let mut trimmed = self.index.shrink(&mut self.slots);
        if self.slots.is_sparse() {
            for slot in self.slots.last_chunk() {
                self.move_slot(slot);
            }
            self.slots.drop_last_chunk();
            self.ghosts.fit(self.index.entries());
            trimmed = true;
        }
        trimmed
    }

    /// Gives an entry a slot in a lower chunk: there is one, as the table is sparse.
    fn move_slot(&mut self, from: u32) {
        let Ok(to) = self.slots.take() else { return };
        self.index.remove(&mut self.slots, from);
        let entry = *self.slots.get(from);
        *self.slots.get_mut(to) = entry;
        self.slots.bump(to);
        if self.slots.take_visit(from) {
            self.slots.visit(to);
        }
        match entry.queue {
            MAIN => self.main.replace(&mut self.slots, to),
            _ => self.small.replace(&mut self.slots, to),
        }
        if entry.class != LARGE {
            self.arena.set_owner(entry.address, to);
        }
        self.index.insert(&mut self.slots, to);
        self.slots.release(from);
    }
}
