//! The census: what is in a heap of V8, by reading its memory.
//!
//! V8's own snapshots cost 15 to 19 times the heap in memory, and many seconds in which the process stands still. This
//! crate reads the heap itself: in a frozen copy of the process, in another process that is stopped for a moment, or in
//! a core dump. It needs nothing of the process that it reads: every Node.js binary exports the constants that
//! debuggers of core dumps need (`v8dbg_*`), and what these don't tell is found by structure or stands in a short
//! table ([`Metadata`] and the modules `versions`, `pages` and `roots` say what).
//!
//! ```no_run
//! use memguard_heap_walk::{CensusOptions, Target, census, inspect};
//!
//! let found = inspect(&Target::Process(1234), |subject| {
//!     census(subject, &CensusOptions::default())
//! })?;
//! println!("stood still for {:?}", found.paused);
//! for row in found.value.rows.iter().take(10) {
//!     println!("{:>9} {:>12} {}", row.all.count, row.all.bytes, row.name);
//! }
//! # Ok::<(), memguard_heap_walk::WalkError>(())
//! ```
//!
//! From below to above: [`MemorySource`] (bytes) → pages and heap (which bytes are objects) → layout and shapes (how large
//! they are) → roots and walker (which are alive) → names and census (what they are). Every read is checked: a
//! wrong constant or a torn heap leads to an error, never to a fault. Nothing is ever written.
//!
//! Linux, 64 bits, builds without pointer compression. Other builds are recognised and refused ([`WalkError`]).

#![cfg(target_os = "linux")]

mod addresses;
mod census;
mod elf;
mod error;
mod graph;
mod heap;
mod inspect;
mod layout;
mod maps;
mod metadata;
mod names;
mod process;
mod report;
mod roots;
mod selftest;
mod shape;
mod snapshot_file;
mod source;
mod versions;
mod view;
mod walk;
mod walker;

pub use addresses::AddressSet;
pub use census::{Census, CensusOptions, CensusStats, Group, Row, census};
pub use error::WalkError;
pub use graph::{GraphOptions, graph};
pub use heap::{Heap, Page, PageLayout};
pub use inspect::{Inspected, Subject, Target, inspect, inspect_thread};
pub use metadata::{Metadata, V8Version};
pub use names::SourcePlace;
pub use process::{Isolate, Process};
pub use report::{CensusReport, GroupReport, PlaceReport, RowReport, TallyReport};
pub use snapshot_file::write_snapshot;
pub use source::{
    CoreFile, MemoryImage, MemorySource, OwnMemory, ProcessMemory, Region, RegionKind,
    StoppedProcess, ThreadState,
};
pub use walk::Walk;
pub use walker::{Follow, Tally};
