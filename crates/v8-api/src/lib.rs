//! V8's C++ entry points that every Node binary exports, found at run time, each of them optional.
//!
//! Node exports V8's symbols to addons. Linking against them would tie one binary to one Node line;
//! looking them up with `dlsym` ties it to none, and a symbol that is missing costs a feature
//! instead of the process. This crate is the only place that knows a mangled name or the layout of
//! a V8 structure. What it offers is small: heap statistics, GC callbacks, interrupts, a
//! full GC, the last word before the heap limit, a heap snapshot into any writer.
//!
//! A structure's layout is never trusted for its version number: [`layout_matches`] compares what was read with what
//! Node itself reports, and the caller refuses the readings when they differ.
//!
//! On systems without `dlsym` (Windows) nothing is found and everything is unavailable.

mod isolate;
mod pin;
mod snapshot;
mod statistics;
mod symbols;

pub use isolate::{
    GcCallback, GcTypes, InterruptCallback, Isolate, NearHeapLimitCallback, is_forced,
};
pub use pin::pin_this_library;
pub use snapshot::can_take_snapshots;
pub use statistics::{HeapStatistics, ReportedHeapStatistics, SpaceStatistics, layout_matches};
#[cfg(feature = "test-hooks")]
pub use symbols::hide_symbol;
pub use symbols::{Symbol, missing_symbols};
