//! From a rising curve to the line of code.
//!
//! # Overview
//! A heap is looked at twice or more while memory grows. Of each look a [`Digest`] is kept, some 100 KB: how many objects
//! and bytes hang where, by retention signature. [`investigate`] compares the newest heap with the digests of the earlier
//! ones and with what else is known ([`Context`]), and writes a [`LeakReport`]: what grows, who holds it, where it is kept
//! and where it was born, which [`Pattern`] of leak it is, and the cure. [`verdict()`] says what kind of growth it is from
//! figures alone, [`merge()`] makes one ticket of the reports of many processes, and [`machine`] decides when to look.
//!
//! Everything here is pure: heaps and figures in, reports out. Nothing is forked, sampled or measured; sources and
//! source maps are read from disk only where the context allows it.
//!
//! ```
//! use memguard_heap_graph::{AnalyzeOptions, Snapshot};
//! use memguard_hunt::{Context, Digest, Moment, investigate};
//! # let heap = |entries: u64| {
//! #     use memguard_heap_graph::{EdgeKind, GraphBuilder, NodeKind};
//! #     let mut builder = GraphBuilder::new();
//! #     let root = builder.node(NodeKind::Synthetic, "", 1, 0);
//! #     let global = builder.node(NodeKind::Object, "global", 3, 64);
//! #     builder.edge(root, EdgeKind::Shortcut, "global", global);
//! #     let log = builder.node(NodeKind::Object, "Array", 5, 16);
//! #     builder.edge(global, EdgeKind::Property, "requestLog", log);
//! #     for at in 0..entries {
//! #         let entry = builder.node(NodeKind::Object, "LogEntry", 7 + 2 * at, 64);
//! #         builder.edge(log, EdgeKind::Element, at as u32, entry);
//! #     }
//! #     builder.finish().unwrap()
//! # };
//! # let hour = |hours: u64| Moment { at_ms: hours * 3_600_000, unix_ms: 0 };
//! let options = AnalyzeOptions::default();
//! let early = heap(1_000); // read by the heap walker or from a snapshot
//! let digest = Digest::of(&Snapshot::of(&early, &options)?, hour(1));
//!
//! let late = heap(9_000);
//! let context = Context { now: hour(2), ..Context::default() };
//! let report = investigate(&[&digest], &Snapshot::of(&late, &options)?, &context);
//! assert_eq!(report.suspects[0].class, "LogEntry");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod classes;
mod context;
mod cures;
mod digest;
mod investigate;
pub mod machine;
mod merge;
mod patterns;
mod places;
mod report;
#[cfg(test)]
mod sketch;
mod verdict;

pub use classes::{ClassKind, ClassRow, ClassTable};
pub use context::{
    Allocated, AllocationCall, AllocationSite, AllocatorFigures, CacheFigures, Context, Frame,
    HandleFigures, ListenerWarning, Look, MemoryPoint, Method, Moment, ProcessInfo, Trend,
};
pub use digest::{ClassCount, Digest, DigestError};
pub use investigate::{advice, found, from_figures, investigate, investigate_classes};
pub use merge::{Merged, merge};
pub use report::{
    AccumulationPoint, CodePlace, ContentGrowth, Cure, Evidence, GeneratedPlace, HeapSize,
    HowFound, LeakForecast, LeakReport, Pattern, PatternMatch, SCHEMA, Suspect, Verdict,
    VerdictClass,
};
pub use verdict::verdict;
