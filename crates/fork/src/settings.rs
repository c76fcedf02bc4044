//! What a caller decides about a fork, and what can be wrong with it beforehand.

use std::path::PathBuf;
use std::time::Duration;

/// How a fork is prepared.
#[derive(Clone, Debug)]
pub struct PrepareOptions {
    /// Where the kernel tells of processes: `/proc`.
    pub proc_root: PathBuf,
    /// Keep large buffers of `malloc` from the child: V8's generator does not read them, and each GB of them would
    /// cost the parent some 20 ms. A child that needs one after all fails with [`Failure::KeptBuffer`](crate::Failure).
    pub keep_buffers: bool,
    /// Keep the empty half of V8's young generation from the child, for a child that only reads: nothing in it is alive, and the parent's next
    /// collection fills it. Then that need not copy these pages one by one. Not where the fork may come in the middle of a collection.
    pub keep_empty_half: bool,
}

impl Default for PrepareOptions {
    fn default() -> Self {
        Self {
            proc_root: PathBuf::from("/proc"),
            keep_buffers: true,
            keep_empty_half: false,
        }
    }
}

/// Which of V8's pages a parent has copied for itself while the child lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unshare {
    /// Those of the young generation: for a child that writes to none of them.
    Young,
    /// All, the young generation first: for a child that writes to them itself, so that copies are made anyway.
    All,
}

/// How the child shares the machine with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Only what nobody else wants; where processors are scarce already, a small share, lest it never end.
    Idle,
    /// A lesser share than others: for a child that must come to its end soon.
    Low,
}

/// What a child may use, and the fork itself.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest wait for V8's workers to become idle, while the process stands still.
    pub idle_wait: Duration,
    /// Memory beyond what it inherits, in bytes; `None` for no bound of its own.
    pub memory_bytes: Option<u64>,
    /// Processor time.
    pub cpu: Duration,
    /// Time since the fork.
    pub wall: Duration,
    /// Time that it may go on when its parent is gone.
    pub orphan: Duration,
    /// Its share of the processors.
    pub priority: Priority,
    /// Descriptors that it keeps, beside fresh ones in place of standard input, output and error.
    pub keep_fds: Vec<i32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle_wait: Duration::from_millis(3),
            memory_bytes: None,
            cpu: Duration::from_secs(600),
            wall: Duration::from_secs(900),
            orphan: Duration::from_secs(600),
            priority: Priority::Idle,
            keep_fds: Vec::new(),
        }
    }
}

/// Why this process cannot be forked, or was not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system, or this build of Node, does not offer what a fork needs.
    #[error("{0}")]
    Unsupported(String),
    /// Memory of this process belongs to a device, and must not be copied.
    #[error("{0} maps memory of this process, which a fork would take from it")]
    Device(String),
    /// The kernel refused.
    #[error("the kernel refused to {action}: {source}")]
    Refused {
        /// What was tried.
        action: &'static str,
        /// What it said.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// Whether another attempt could fare better.
    #[must_use]
    pub fn is_worth_retrying(&self) -> bool {
        matches!(self, Self::Refused { source, .. } if source.kind() == std::io::ErrorKind::WouldBlock)
    }
}
