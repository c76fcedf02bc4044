//! The guard of a process: one sampler thread, its isolates, its judges, and the events for JavaScript.
//!
//! # How it works
//! Each isolate (the main thread's, a worker's) that opens a guard gets a [`recorder`](Recorded): V8's
//! GC callbacks and the event loop's answers store figures there, without a lock and within a
//! microsecond. One low-priority thread for the whole process wakes every ten seconds, or every half second
//! when memory is tight or rising; it asks the isolates for fresh figures, reads the operating system, joins
//! both to a [`Sample`], keeps it in a bounded history, and has every guard's judges look at it. What they
//! say waits until the guard's own event loop fetches it.
//!
//! # Threads and ends
//! The sampler never keeps the process alive, ends with the last guard, and holds no lock while it
//! waits. Everything that is bound to an isolate is taken back on that isolate's thread: by
//! [`close`], or by [`leave`] when its environment ends.
//!
//! # What it does not do
//! It knows nothing of Node-API: a [`Waker`] is how it reaches an event loop.

mod audit;
mod baseline_file;
#[cfg(feature = "bench")]
pub mod bench;
pub mod brink;
pub mod census;
mod children;
mod clock;
mod engine;
mod events;
mod forecast;
mod gate;
mod generator;
pub mod hunt;
mod isolate;
mod ledger;
pub mod profiles;
mod recorder;
mod rest;
mod sampler;
mod settings;
pub mod snapshots;
mod thread;
mod watch;

use std::sync::Arc;

pub use clock::now_us;
pub use engine::Opened;
pub use events::{Drained, GcEvent, GuardEvent, Subject};
pub use forecast::{Forecast, ForecastEvent};
pub use ledger::{OwnHeap, Space};
pub use memguard_capture::Error as SnapshotError;
pub use memguard_trend::Error;
#[cfg(feature = "test-hooks")]
pub use memguard_v8_api::hide_symbol;
pub use memguard_v8_api::{HeapStatistics, missing_symbols};
pub use memguard_vitals as vitals;
pub use memguard_vitals::{Capability, Sample};
pub use recorder::{GcKind, GcRecord, Recorded};
pub use settings::{
    AppIdentity, GuardSettings, IsolateFacts, LimitFacts, Listens, PaceSettings, ReportedHeap,
};
pub use watch::{SubjectState, Waker, WatchState};

use engine::engine;

/// Opens a guard for the isolate of this thread, and starts the sampler if it is the process's first.
///
/// A guard with a `key` replaces an earlier one of the same key and isolate: a module that is
/// loaded twice (as test runners do) must not be watched twice.
///
/// # Errors
/// Settings that contradict each other; nothing has changed then.
///
/// # Safety
/// The caller is on an isolate's thread, and calls [`close`] for each guard or [`leave`] there
/// before the isolate ends.
pub unsafe fn open(
    key: Option<String>,
    settings: GuardSettings,
    facts: IsolateFacts,
    waker: Arc<dyn Waker>,
) -> Result<Opened, Error> {
    // SAFETY: passed on from the caller.
    unsafe { engine().open(key, settings, facts, waker) }
}

/// Gives a running guard other settings; levels and counts that still apply are kept.
///
/// # Errors
/// As for [`open`].
pub fn update(guard: u32, settings: GuardSettings) -> Result<(), Error> {
    engine().update(guard, settings)
}

/// Closes a guard and writes down what it learned; closing it twice does nothing.
///
/// # Safety
/// On the thread that opened it, while the isolate is alive.
pub unsafe fn close(guard: u32) {
    // SAFETY: passed on from the caller.
    unsafe { engine().close(guard) }
}

/// Closes everything of this thread's isolate, whose environment ends.
///
/// # Safety
/// On the isolate's thread, while it is alive.
pub unsafe fn leave() {
    // SAFETY: passed on from the caller.
    unsafe { brink::disarm() };
    // SAFETY: passed on from the caller.
    unsafe { engine().leave() }
}

/// The event loop answers a waker: reads the heap and tells how late it is. `heap` is what
/// JavaScript read, for isolates whose [`Opened::native_heap`] is false.
///
/// # Safety
/// On the isolate's thread, while it is alive.
pub unsafe fn answer(heap: Option<HeapStatistics>) {
    // SAFETY: passed on from the caller.
    unsafe { engine().answer(heap) }
}

/// Lists a worker that runs no guard, under the main thread's; `None` when it runs one.
pub fn adopt_worker(facts: IsolateFacts) -> Option<u32> {
    engine().adopt_worker(facts)
}

/// Figures of a worker that was adopted.
pub fn report_worker(id: u32, heap: &HeapStatistics) {
    engine().report_worker(id, heap);
}

/// Forgets a worker that was adopted.
pub fn release_worker(id: u32) {
    engine().release_worker(id);
}

/// Bytes of array buffers of this thread's isolate; only Node's own counter knows them.
pub fn report_array_buffers(bytes: u64) {
    engine().report_array_buffers(bytes);
}

/// V8's snapshot generator begins on this thread: its collections say nothing of how the app fares, and
/// the heap limit may be raised by a bounded step so that they do not end the process.
///
/// # Safety
/// On the isolate's thread; [`end_generator`] is called there before the isolate ends.
pub unsafe fn begin_generator() {
    // SAFETY: passed on from the caller.
    unsafe { generator::begin() };
}

/// The generator is done; all is as it was.
///
/// # Safety
/// On the isolate's thread.
pub unsafe fn end_generator() {
    // SAFETY: passed on from the caller.
    unsafe { generator::end() };
}

/// A collection of this thread's isolate that JavaScript observed, where [`Opened::native_gc`] is false.
pub fn report_gc(record: GcRecord) {
    engine().report_gc(record);
}

/// Whether a guard has something for its JavaScript: events, or that it was replaced.
pub fn has_events(guard: u32) -> bool {
    engine().has_events(guard)
}

/// Hands a guard's events out; `None` when it is closed.
pub fn drain(guard: u32) -> Option<Drained> {
    engine().drain(guard)
}

/// Where a guard's rules stand; `None` when it is closed.
pub fn state(guard: u32) -> Option<WatchState> {
    engine().watch_state(guard)
}

/// A guard's forecasts, the most likely end first; `None` when it is closed.
pub fn forecasts(guard: u32) -> Option<Vec<Forecast>> {
    engine().forecasts(guard)
}

/// What JavaScript counts for a guard's forecasts: bytes in its caches and the most that they may hold, and handles of its
/// event loop.
pub fn report_counts(guard: u32, caches: Option<(f64, f64)>, handles: Option<f64>) {
    engine().report_counts(guard, caches, handles);
}

/// A sample of this moment. Costs some 20 µs.
///
/// # Safety
/// As for [`answer`].
pub unsafe fn sample_now(heap: Option<HeapStatistics>) -> Sample {
    // SAFETY: passed on from the caller.
    unsafe { engine().sample_now(heap) }
}

/// The sampler's last sample.
pub fn latest() -> Option<Sample> {
    engine().latest()
}

/// The last `window_ms` of the history in at most `max_points` points; `None` while nothing runs.
pub fn history(window_ms: u64, max_points: usize) -> Option<memguard_vitals::Points> {
    engine().with_history(|history| history.points(window_ms, max_points))
}

/// Limits that do not fit each other or the machine, the gravest first.
pub fn audit() -> Vec<memguard_vitals::AuditWarning> {
    engine().audit()
}

/// What the RSS ledger must be told of V8, for `vitals::Ledger::read`.
pub fn ledger_input(own: OwnHeap) -> memguard_vitals::LedgerInput {
    engine().ledger_input(own)
}

/// All bytes that this thread's isolate has allocated, counted from when it was first asked: only differences mean
/// something. `None` while no guard watches it, and where V8's statistics and callbacks are not to be had. Costs half a
/// microsecond, and two readings of the heap at each collection from the first call on.
///
/// # Safety
/// On the isolate's thread, while it is alive.
pub unsafe fn allocated_bytes() -> Option<u64> {
    // SAFETY: passed on from the caller.
    unsafe { engine().allocated_bytes() }
}

/// Major collections of this thread's isolate, and the live heap after the last of them in bytes.
pub fn major_collections() -> (u64, Option<u64>) {
    engine().major_collections()
}

/// What works here, what does not, and why.
pub fn capabilities() -> Vec<Capability> {
    engine().capabilities()
}

/// Collects all garbage of this thread's isolate. Answers whether V8 offers it.
///
/// # Safety
/// On the isolate's thread, not inside a GC callback.
pub unsafe fn collect_garbage() -> bool {
    engine().set_induced(true);
    let collected = memguard_v8_api::Isolate::current()
        // SAFETY: the current isolate is alive, and the caller vouches for the rest.
        .is_some_and(|isolate| unsafe { isolate.collect_garbage() });
    engine().set_induced(false);
    collected
}
