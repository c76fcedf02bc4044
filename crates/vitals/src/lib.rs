//! What the operating system and V8 say about a process's memory.
//!
//! # Overview
//! [`Vitals`] opens the operating system's files once and reads them again and again for
//! microseconds. The caller adds what V8 says of each isolate ([`IsolateFigures`]); together they
//! make a [`Sample`], which knows the limit that really kills ([`limits`]). Samples are kept by
//! [`history`] in a fixed amount of memory, and [`pace`] says when the next one is due. On demand,
//! [`ledger`] explains the resident set part by part, and [`mod@audit`] finds limits that don't fit
//! each other.
//!
//! # What it does not do
//! It starts no thread, knows nothing of V8's API and judges nothing: growth and alerts are the
//! trend's business.
//!
//! # Cost
//! A reading takes 3 to 4 µs on Linux in a hot loop inside Node (the dear files, 7 to 10 µs each,
//! are read every 5 s at most) and allocates nothing; a thread that wakes up for it costs several
//! times as much. A sample adds one small allocation a limit.

pub mod allocator;
pub mod audit;
pub mod history;
pub mod ledger;
pub mod limits;
pub mod old_space;
pub mod pace;
pub mod platform;
pub mod sample;
mod vitals;

pub use allocator::{Allocator, MallocFigures};
pub use audit::{AuditFacts, AuditWarning, WorkerFacts, audit};
pub use history::{History, HistoryOptions, Points};
pub use ledger::{Ledger, LedgerInput, LedgerPart, PartKind};
pub use limits::{EffectiveLimit, Limit, LimitKind, effective_limit};
pub use old_space::{HeapFlags, OldSpaceFacts, old_space_limit, semi_space_size};
pub use pace::{Pace, PaceInput, PaceOptions};
pub use platform::{Capability, LimitNames, Platform};
pub use sample::{
    CgroupFigures, CgroupVersion, GcFigures, IsolateFigures, MachineFigures, OsReading, Pressure,
    PressureScope, ProcessFigures, ResourceLimits, Sample,
};
pub use vitals::{Vitals, join};
