//! One part of a cache, behind one lock: its entries, and the policy that says which go first.
//!
//! # Policy
//! S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023) with one visited bit, and with a
//! small queue that finds its own size: a miss on a key that was lately evicted from one of the queues says that this
//! queue was too short, by the rule of ARC (Megiddo and Modha, FAST 2003). With a fixed small queue of a tenth it lost
//! 8 to 10 points of hit ratio to LRU where the hot set drifts or recency rules; so it loses 2 at most, and keeps what
//! S3-FIFO wins on skew and scans (tests/hit_ratio.rs). A hit sets a bit and no more, which is why other threads may
//! do so without the lock, straight from JavaScript.

mod room;

use std::sync::Arc;

use crate::arena::{Arena, OWNER_BYTES};
use crate::budget::Budget;
use crate::classes::Classes;
use crate::counters::{Cause, Counters};
use crate::ghosts::Ghosts;
use crate::index::Index;
use crate::large::{Large, LargeTable};
use crate::queues::Queue;
use crate::region::Refusal;
use crate::slots::{LARGE, MAIN, NONE, SMALL, Slot, SlotTable, VACANT};

/// What an entry takes beside its cell: slot, word, bucket, ghosts.
pub(crate) const ENTRY_BYTES: u64 = 40 + 4 + 4 + 8;
/// The small queue's part of the bytes at first, and between what it may vary.
const SHARE: (f64, f64, f64) = (0.01, 0.1, 0.95);
/// Entries that are given another chance before one is evicted whatever its visited bit says.
const PATIENCE: usize = 128;
/// Slots looked at for expired entries at each insert.
const SWEEP: u32 = 2;

/// What a new entry holds.
#[derive(Clone)]
pub(crate) enum Value<'a> {
    /// To be copied into a cell.
    Inline(&'a [u8]),
    /// Key and value in a region of their own.
    Large(Arc<Large>),
}

#[derive(Debug)]
pub(crate) struct Shard {
    classes: Arc<Classes>,
    pub(crate) arena: Arena,
    pub(crate) slots: SlotTable,
    pub(crate) index: Index,
    pub(crate) ghosts: Ghosts,
    pub(crate) large: LargeTable,
    small: Queue,
    main: Queue,
    share: f64,
    expiring: u32,
    sweep_at: u32,
    pub(crate) counters: Counters,
}

impl Shard {
    pub(crate) fn new(budget: &Arc<Budget>, classes: &Arc<Classes>, per_chunk: usize) -> Self {
        Self {
            classes: Arc::clone(classes),
            arena: Arena::new(Arc::clone(budget), Arc::clone(classes)),
            slots: SlotTable::new(Arc::clone(budget), per_chunk),
            index: Index::new(Arc::clone(budget), per_chunk),
            ghosts: Ghosts::new(Arc::clone(budget)),
            large: LargeTable::default(),
            small: Queue::new(SMALL),
            main: Queue::new(MAIN),
            share: SHARE.1,
            expiring: 0,
            sweep_at: 0,
            counters: Counters::default(),
        }
    }

    /// The slot of a key that is not over; one that is goes.
    pub(crate) fn find(&mut self, hash: u32, key: &[u8], now: impl FnOnce() -> u64) -> Option<u32> {
        let slot = self.locate(hash, key)?;
        let expires = self.slots.get(slot).expires;
        if expires != 0 && expires <= now() {
            self.remove(slot, Cause::Expired);
            return None;
        }
        Some(slot)
    }

    fn locate(&self, hash: u32, key: &[u8]) -> Option<u32> {
        let mut slot = self.index.first(hash);
        while slot != NONE {
            let entry = self.slots.get(slot);
            if entry.hash == hash && self.key(entry) == key {
                return Some(slot);
            }
            slot = entry.chain;
        }
        None
    }

    pub(crate) fn key(&self, entry: &Slot) -> &[u8] {
        if entry.class == LARGE {
            return self
                .large
                .get(entry.address)
                .map_or(&[], |large| large.key());
        }
        self.arena.read(entry.address, 0, entry.key_len as usize)
    }

    /// The value of an entry in a cell.
    pub(crate) fn inline_value(&self, entry: &Slot) -> &[u8] {
        self.arena.read(
            entry.address,
            entry.key_len as usize,
            entry.value_len as usize,
        )
    }

    /// Stores an entry in place of an older one. When it cannot, the older one is gone all the same: it must not be
    /// read any more. `Err(Budget)` says that the shard is empty and yet there is no room.
    pub(crate) fn set(
        &mut self,
        hash: u32,
        key: &[u8],
        value: &Value<'_>,
        kind: u8,
        expires: u64,
        now: impl FnOnce() -> u64,
    ) -> Result<u32, Refusal> {
        if self.expiring > 0 {
            self.sweep(now());
        }
        self.trim();
        let queue = match self.locate(hash, key) {
            Some(slot) => {
                if self.overwrite(slot, value, kind, expires) {
                    self.counters.updated += 1;
                    return Ok(slot);
                }
                let queue = self.slots.get(slot).queue;
                self.remove(slot, Cause::Replaced);
                self.counters.updated += 1;
                queue
            }
            None => {
                self.counters.added += 1;
                self.admit(hash, value, key.len())
            }
        };
        let slot = self.place(hash, key, value)?;
        let entry = self.slots.get_mut(slot);
        entry.kind = kind;
        entry.expires = expires;
        self.expiring += u32::from(expires != 0);
        self.enqueue(slot, queue);
        Ok(slot)
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, slot: u32, cause: Cause) {
        let entry = *self.slots.get(slot);
        let bytes = self.entry_bytes(slot);
        match entry.queue {
            VACANT => return,
            MAIN => self.main.remove(&mut self.slots, slot, bytes),
            _ => self.small.remove(&mut self.slots, slot, bytes),
        }
        self.index.remove(&mut self.slots, slot);
        self.release(&entry);
        self.slots.release(slot);
        self.expiring -= u32::from(entry.expires != 0);
        self.counters.count(cause);
    }

    /// Takes everything out and gives all memory back; figures and what the policy has learned stay.
    pub(crate) fn clear(&mut self, cause: Cause) {
        self.counters
            .count_many(cause, u64::from(self.index.entries()));
        self.slots.clear();
        self.index.clear();
        self.ghosts.clear();
        self.large = LargeTable::default();
        self.arena.clear();
        self.small = Queue::new(SMALL);
        self.main = Queue::new(MAIN);
        self.expiring = 0;
        self.sweep_at = 0;
    }

    /// Bytes of the entries with their part of the tables, not of free room.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.small.bytes + self.main.bytes
    }

    /// Puts the value into the cell that the entry has, if it is of the right size.
    fn overwrite(&mut self, slot: u32, value: &Value<'_>, kind: u8, expires: u64) -> bool {
        let entry = *self.slots.get(slot);
        let Value::Inline(bytes) = value else {
            return false;
        };
        let key_len = entry.key_len as usize;
        if self.classes.of(OWNER_BYTES + key_len + bytes.len()) != Some(entry.class) {
            return false;
        }
        self.arena.write(entry.address, key_len, bytes);
        self.expiring -= u32::from(entry.expires != 0);
        self.expiring += u32::from(expires != 0);
        let entry = self.slots.get_mut(slot);
        entry.value_len = bytes.len() as u32;
        entry.kind = kind;
        entry.expires = expires;
        self.slots.bump(slot);
        self.slots.visit(slot);
        true
    }

    /// The queue for a new key, by what is remembered of it.
    fn admit(&mut self, hash: u32, value: &Value<'_>, key_len: usize) -> u8 {
        let entries = self.index.entries();
        let Some((queue, step)) = self.ghosts.take(hash, entries) else {
            return SMALL;
        };
        let bytes = match value {
            Value::Inline(value) => (OWNER_BYTES + key_len + value.len()) as u64,
            Value::Large(large) => large.cost(),
        };
        let step = step * (bytes + ENTRY_BYTES) as f64 / self.live_bytes().max(1) as f64;
        let step = if queue == 0 { step } else { -step };
        self.share = (self.share + step).clamp(SHARE.0, SHARE.2);
        MAIN
    }

    /// A slot with key and value, to be found by its key, in no queue yet.
    fn place(&mut self, hash: u32, key: &[u8], value: &Value<'_>) -> Result<u32, Refusal> {
        self.retry(|shard| shard.index.grow(&mut shard.slots))?;
        let slot = self.retry(|shard| shard.slots.take())?;
        let (class, address, value_len) = match value {
            Value::Large(large) => (LARGE, self.large.add(Arc::clone(large)), large.value_len()),
            Value::Inline(bytes) => match self.place_inline(slot, key, bytes) {
                Ok((class, address)) => (class, address, bytes.len()),
                Err(refusal) => {
                    self.slots.release(slot);
                    return Err(refusal);
                }
            },
        };
        let entry = self.slots.get_mut(slot);
        entry.hash = hash;
        entry.class = class;
        entry.address = address;
        entry.key_len = key.len() as u16;
        entry.value_len = value_len as u32;
        // A slot that is used anew must not look like the one that others have copies of.
        self.slots.bump(slot);
        self.index.insert(&mut self.slots, slot);
        self.ghosts.fit(self.index.entries());
        Ok(slot)
    }

    fn place_inline(&mut self, slot: u32, key: &[u8], value: &[u8]) -> Result<(u8, u32), Refusal> {
        let class = self
            .classes
            .of(OWNER_BYTES + key.len() + value.len())
            .ok_or(Refusal::Budget)?;
        let address = loop {
            match self.arena.take(class, slot) {
                Ok(address) => break address,
                Err(Refusal::Budget) if self.make_room() => {}
                Err(refusal) => return Err(refusal),
            }
        };
        self.arena.write(address, 0, key);
        self.arena.write(address, key.len(), value);
        Ok((class, address))
    }

    fn enqueue(&mut self, slot: u32, queue: u8) {
        let bytes = self.entry_bytes(slot);
        match queue {
            MAIN => self.main.push(&mut self.slots, slot, bytes),
            _ => self.small.push(&mut self.slots, slot, bytes),
        }
    }

    /// What an entry counts with.
    pub(crate) fn entry_bytes(&self, slot: u32) -> u64 {
        let entry = self.slots.get(slot);
        let cell = match entry.class {
            LARGE => self
                .large
                .get(entry.address)
                .map_or(0, |large| large.cost()),
            class => self.classes.cell(class) as u64,
        };
        cell + ENTRY_BYTES
    }

    fn release(&mut self, entry: &Slot) {
        match entry.class {
            LARGE => self.large.remove(entry.address),
            _ => self.arena.release(entry.address),
        }
    }
}
