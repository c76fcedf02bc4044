//! How far a long call has come, and how to end it early: parameters of the calls, nothing global.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends long calls from another thread. Clones share one state; free to check.
#[derive(Clone, Debug, Default)]
pub struct CancelSignal(Arc<AtomicBool>);

impl CancelSignal {
    /// Asks every call that has a clone of this signal to return as soon as it can (within some milliseconds).
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`CancelSignal::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a long call is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Reading the file; measured in bytes of it (compressed ones, if it is compressed).
    Read,
    /// Roots, owners of backing stores, distances; measured in steps.
    Distances,
    /// Dominators and retained sizes; measured in steps.
    Dominators,
    /// Classes and their figures; measured in steps.
    Classes,
}

impl Phase {
    /// A short name for people: `reading`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "reading",
            Self::Distances => "distances",
            Self::Dominators => "dominators",
            Self::Classes => "classes",
        }
    }
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is at.
    pub phase: Phase,
    /// How much of the phase is done, in the phase's own unit.
    pub done: u64,
    /// How much there is to do in the phase, where it is known (it is not for a pipe).
    pub total: Option<u64>,
}

/// A function that is told of progress: about a hundred times a phase, from any thread, one call at a time.
#[derive(Clone)]
pub struct ProgressListener(Arc<dyn Fn(Progress) + Send + Sync>);

impl ProgressListener {
    /// Wraps the function. It should return at once: the call waits for it.
    pub fn new(listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    pub(crate) fn tell(&self, progress: Progress) {
        (self.0)(progress);
    }
}

impl fmt::Debug for ProgressListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProgressListener")
    }
}

/// The number of threads to work with: what was asked for, or (for 0) what the process may use, at most 16.
pub(crate) fn thread_count(asked: usize) -> usize {
    if asked != 0 {
        return asked.min(64);
    }
    std::thread::available_parallelism().map_or(1, |count| count.get().min(16))
}
