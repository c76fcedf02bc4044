//! The time by which entries expire: one for all threads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

#[derive(Debug)]
pub(crate) enum Clock {
    Monotonic,
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// Milliseconds from an origin of the process; never 0, which stands for no time.
    pub(crate) fn now_ms(&self) -> u64 {
        1 + match self {
            Self::Monotonic => START.elapsed().as_millis() as u64,
            Self::Manual(now) => now.load(Relaxed),
        }
    }
}
