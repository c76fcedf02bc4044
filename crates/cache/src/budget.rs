//! The bound of a cache: memory is taken from it before it is taken from the system.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts the memory that a cache has mapped, and never lets it exceed the bound.
///
/// The count alone is shared; it orders no other memory, so `Relaxed` does.
#[derive(Debug)]
pub(crate) struct Budget {
    bound: u64,
    /// At most `bound`; less while memory is tight.
    limit: AtomicU64,
    used: AtomicU64,
}

impl Budget {
    pub(crate) fn new(bound: u64) -> Self {
        Self {
            bound,
            limit: AtomicU64::new(bound),
            used: AtomicU64::new(0),
        }
    }

    pub(crate) fn bound(&self) -> u64 {
        self.bound
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit.load(Relaxed)
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// Takes `bytes`, all or none.
    pub(crate) fn take(&self, bytes: u64) -> bool {
        let limit = self.limit();
        self.used
            .fetch_update(Relaxed, Relaxed, |used| {
                used.checked_add(bytes).filter(|&sum| sum <= limit)
            })
            .is_ok()
    }

    pub(crate) fn give(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Relaxed);
    }

    /// Lowers the limit, or raises it back to the bound at most.
    pub(crate) fn set_limit(&self, limit: u64) {
        self.limit.store(limit.min(self.bound), Relaxed);
    }

    /// How much is held beyond the limit.
    pub(crate) fn excess(&self) -> u64 {
        self.used().saturating_sub(self.limit())
    }
}
