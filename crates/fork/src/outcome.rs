//! What became of a child.

use std::fmt;

/// How long the parent stood still, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Waiting for V8's workers to become idle.
    pub idle_us: u64,
    /// Reading what is mapped, to complete the list.
    pub maps_us: u64,
    /// Taking marks and putting them back.
    pub marks_us: u64,
    /// The fork itself.
    pub fork_us: u64,
    /// From the first to the last.
    pub total_us: u64,
}

/// What the parent sees of a living child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vital {
    /// Its resident set, shared pages included, in bytes.
    pub resident_bytes: u64,
    /// Its resident set right after the fork, in bytes.
    pub inherited_bytes: u64,
}

/// Whether a living child may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    GoOn,
    /// Memory is running out, in words: it is killed.
    Kill(String),
}

/// A child that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How.
    pub outcome: Outcome,
    /// Processor time it took, in milliseconds.
    pub cpu_ms: u64,
    /// Time from the fork to its end, in milliseconds.
    pub wall_ms: u64,
    /// Memory of its own at the peak, as far as it could be measured: what it added to the machine's use, in bytes.
    pub memory_bytes: Option<u64>,
    /// What its work answered.
    pub answer: Vec<u8>,
    /// What it (V8, mostly) wrote to its standard error, shortened.
    pub printed: String,
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its work is done.
    Done,
    /// It failed.
    Failed {
        /// Why.
        failure: Failure,
        /// How far it was, what it tried, where: for people.
        detail: String,
    },
}

/// Why a child failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// It would have waited for a thread that it does not have.
    DeadThread,
    /// It crashed.
    Crash,
    /// It needed a buffer that was kept from it.
    KeptBuffer,
    /// Its work failed, by its own account: see [`Ended::answer`].
    Work,
    /// Its work panicked.
    Panic,
    /// It exceeded its memory, or the parent's watch killed it for memory.
    Memory,
    /// It exceeded its processor time.
    Cpu,
    /// It exceeded its time.
    Time,
    /// Its parent was gone for too long.
    Orphan,
    /// It was stopped from outside and did not go on.
    Stopped,
    /// It was killed from outside.
    Killed,
    /// It ended in a way that it has no word for.
    Unknown,
}

impl Failure {
    /// Whether a child of a later moment could fare better.
    #[must_use]
    pub fn is_worth_retrying(self) -> bool {
        matches!(self, Self::DeadThread | Self::Crash | Self::KeptBuffer)
    }

    /// The reason in a word, as reports have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DeadThread => "dead-thread",
            Self::Crash => "crash",
            Self::KeptBuffer => "kept-buffer",
            Self::Work => "work",
            Self::Panic => "panic",
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Time => "time",
            Self::Orphan => "orphan",
            Self::Stopped => "stopped",
            Self::Killed => "killed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeadThread => "it would have waited for a thread that a fork does not copy",
            Self::Crash => "it crashed",
            Self::KeptBuffer => "it needed a buffer that was kept from it",
            Self::Work => "it could not do its work",
            Self::Panic => "a fault of memguard's own",
            Self::Memory => "it ran out of the memory that it was given",
            Self::Cpu => "it took more processor time than it was given",
            Self::Time => "it took longer than it was given",
            Self::Orphan => "its parent was gone and its time over",
            Self::Stopped => "it was stopped by a signal",
            Self::Killed => "it was killed",
            Self::Unknown => "it ended without a word",
        })
    }
}
