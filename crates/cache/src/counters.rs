//! What a cache has done.

use serde::Serialize;

/// Why an entry went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// To make room.
    Size,
    /// Its time was over.
    Expired,
    /// To make room because memory is tight.
    Pressure,
    /// By `delete` or `clear`.
    Deleted,
    /// For a value of another size.
    Replaced,
}

/// Figures since the cache was made.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// Reads that found an entry, those of near caches included as far as they were reported.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// New keys.
    pub added: u64,
    /// New values of keys that were there.
    pub updated: u64,
    /// Entries evicted to make room.
    pub evicted_for_size: u64,
    /// Entries that were over.
    pub expired: u64,
    /// Entries evicted because memory was tight.
    pub evicted_for_pressure: u64,
    /// Entries deleted.
    pub deleted: u64,
    /// Values that were not stored for want of memory.
    pub rejected: u64,
}

impl Counters {
    pub(crate) fn count(&mut self, cause: Cause) {
        self.count_many(cause, 1);
    }

    pub(crate) fn count_many(&mut self, cause: Cause, entries: u64) {
        match cause {
            Cause::Size => self.evicted_for_size += entries,
            Cause::Expired => self.expired += entries,
            Cause::Pressure => self.evicted_for_pressure += entries,
            Cause::Deleted => self.deleted += entries,
            Cause::Replaced => {}
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.added += other.added;
        self.updated += other.updated;
        self.evicted_for_size += other.evicted_for_size;
        self.expired += other.expired;
        self.evicted_for_pressure += other.evicted_for_pressure;
        self.deleted += other.deleted;
        self.rejected += other.rejected;
    }
}
