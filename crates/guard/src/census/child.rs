//! What the child does: it walks the heap it was forked with, and writes down what is there.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{leave, write_snapshot};
#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{read_tracked, walk};
#[cfg(target_os = "linux")]
pub(crate) use linux::{leave, write_snapshot};
#[cfg(target_os = "linux")]
pub(super) use linux::{read_tracked, told, walk};

use memguard_v8_api::Isolate;

/// Whose heap is walked: that of the thread that was forked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Here {
    /// The address of its isolate.
    pub(crate) isolate: usize,
}

impl Here {
    pub(crate) fn of(isolate: Isolate) -> Self {
        Self {
            isolate: isolate.address() as usize,
        }
    }
}

/// How far the child is, for the report of its failure.
pub(super) mod phase {
    pub const FINDING: u32 = 1;
    pub const WALKING: u32 = 2;
    pub const GRAPH: u32 = 3;
    pub const ANALYSING: u32 = 4;
    pub const WRITING: u32 = 5;
    pub const DONE: u32 = 6;
}
