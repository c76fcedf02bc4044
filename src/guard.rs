//! Exports of the guard: open, update, close; figures in; events out.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use memguard_guard::{GcKind, GcRecord, HeapStatistics, Waker};
use napi::bindgen_prelude::{FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;

use crate::error::{Result, coded, internal};
use crate::json;

/// What JavaScript is asked for when it is woken: heap statistics, array buffers, to fetch events.
type Wishes = FnArgs<(bool, bool, bool)>;
/// At most one wake-up waits; further ones would tell nothing new.
const QUEUE: usize = 1;
type WakeFunction = ThreadsafeFunction<(), (), Wishes, Status, false, true, QUEUE>;

/// How long a count of array buffers is good: reading it costs some 20 µs of the JavaScript thread.
const ARRAY_BUFFERS_EVERY_US: u64 = 9_500_000;

thread_local! {
    /// Whether this environment's end is hooked.
    static HOOKED: Cell<bool> = const { Cell::new(false) };
    static ARRAY_BUFFERS_AT_US: Cell<Option<u64>> = const { Cell::new(None) };
}

struct JsWaker(WakeFunction);

impl Waker for JsWaker {
    fn wake(&self) {
        // A full queue is a wake-up that is on its way, a closing one needs none.
        let _ = self.0.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

/// Opens a guard: see `memguard_guard::open`. Answers its number and what is read natively.
#[napi(catch_unwind)]
pub fn open_guard(
    env: Env,
    key: Option<String>,
    settings: String,
    facts: String,
    on_wake: Function<Wishes, ()>,
) -> Result<String> {
    let settings = json::parse(&settings)?;
    let facts: memguard_guard::IsolateFacts = json::parse(&facts)?;
    if !HOOKED.replace(true) {
        env.add_env_cleanup_hook((), |()| {
            HOOKED.set(false);
            // SAFETY: environment hooks run on the isolate's thread before the isolate is disposed of.
            let _ = catch_unwind(|| unsafe { memguard_guard::leave() });
        })
        .map_err(internal)?;
    }
    let native_v8 = facts.native_v8;
    let guard = std::rc::Rc::new(Cell::new(None));
    let known = std::rc::Rc::clone(&guard);
    let wake = on_wake
        .build_threadsafe_function::<()>()
        .weak::<true>()
        .max_queue_size::<QUEUE>()
        .build_callback(move |_| {
            Ok(catch_unwind(AssertUnwindSafe(|| wishes(known.get())))
                .unwrap_or_default()
                .into())
        })
        .map_err(internal)?;
    // SAFETY: called by JavaScript, so on its isolate's thread, and the hook above leaves in time.
    let opened = unsafe { memguard_guard::open(key, settings, facts, Arc::new(JsWaker(wake))) }
        .map_err(|error| coded(error.code(), error))?;
    guard.set(Some((opened.guard, opened.native_heap)));
    json::print(&serde_json::json!({
        "guard": opened.guard,
        "nativeHeap": opened.native_heap,
        "nativeGc": opened.native_gc,
        "missing": if native_v8 { memguard_guard::missing_symbols() } else { Vec::new() },
    }))
}

/// Answers the sampler on the event loop's turn, natively where that can be.
fn wishes(guard: Option<(u32, bool)>) -> (bool, bool, bool) {
    #[cfg(feature = "test-hooks")]
    crate::test_hooks::panic_if_armed();
    let Some((guard, native_heap)) = guard else {
        return (false, false, false);
    };
    if native_heap {
        // SAFETY: a thread-safe function calls back on its environment's thread.
        unsafe { memguard_guard::answer(None) };
    }
    let now = memguard_guard::now_us();
    let stale = ARRAY_BUFFERS_AT_US
        .get()
        .is_none_or(|at| now.saturating_sub(at) >= ARRAY_BUFFERS_EVERY_US);
    if stale {
        ARRAY_BUFFERS_AT_US.set(Some(now));
    }
    (!native_heap, stale, memguard_guard::has_events(guard))
}

/// Gives a running guard other settings.
#[napi(catch_unwind)]
pub fn update_guard(guard: u32, settings: String) -> Result<()> {
    memguard_guard::update(guard, json::parse(&settings)?)
        .map_err(|error| coded(error.code(), error))
}

/// Closes a guard.
#[napi(catch_unwind)]
pub fn close_guard(guard: u32) {
    // SAFETY: called by JavaScript, so on the thread of the isolate that opened it.
    unsafe { memguard_guard::close(guard) };
}

/// Fetches a guard's events; null when it is closed.
#[napi(catch_unwind)]
pub fn drain_guard(guard: u32) -> Result<Option<String>> {
    memguard_guard::drain(guard)
        .as_ref()
        .map(json::print)
        .transpose()
}

/// Where a guard's rules stand; null when it is closed.
#[napi(catch_unwind)]
pub fn guard_state(guard: u32) -> Result<Option<String>> {
    memguard_guard::state(guard)
        .as_ref()
        .map(json::print)
        .transpose()
}

/// Heap statistics from JavaScript, where they cannot be read natively.
#[napi(catch_unwind)]
pub fn report_heap(heap: String) -> Result<()> {
    let heap: memguard_guard::ReportedHeap = json::parse(&heap)?;
    // SAFETY: called by JavaScript, so on its isolate's thread.
    unsafe { memguard_guard::answer(Some(heap.into())) };
    Ok(())
}

/// Lists a worker that runs no guard of its own; null when it does.
#[napi(catch_unwind)]
pub fn adopt_worker(facts: String) -> Result<Option<u32>> {
    Ok(memguard_guard::adopt_worker(json::parse(&facts)?))
}

/// Figures of an adopted worker.
#[napi(catch_unwind)]
pub fn report_worker(id: u32, heap: String) -> Result<()> {
    let heap: memguard_guard::ReportedHeap = json::parse(&heap)?;
    memguard_guard::report_worker(id, &heap.into());
    Ok(())
}

/// Forgets an adopted worker.
#[napi(catch_unwind)]
pub fn release_worker(id: u32) {
    memguard_guard::release_worker(id);
}

/// Bytes of array buffers, which only Node counts.
#[napi(catch_unwind)]
pub fn report_array_buffers(bytes: f64) {
    memguard_guard::report_array_buffers(bytes as u64);
}

/// V8's snapshot generator begins: see `memguard_guard::begin_generator`.
#[napi(catch_unwind)]
pub fn begin_generator() {
    // SAFETY: called by JavaScript, so on its isolate's thread, which calls the other one in a `finally`.
    unsafe { memguard_guard::begin_generator() };
}

/// The generator is done.
#[napi(catch_unwind)]
pub fn end_generator() {
    // SAFETY: called by JavaScript, so on its isolate's thread.
    unsafe { memguard_guard::end_generator() };
}

/// A collection that JavaScript observed, where V8's callbacks cannot be had.
#[napi(catch_unwind)]
pub fn report_gc(major: bool, duration_ms: f64, used_before: f64, used_after: f64) {
    memguard_guard::report_gc(GcRecord {
        kind: if major { GcKind::Major } else { GcKind::Minor },
        at_us: memguard_guard::now_us(),
        duration_us: (duration_ms * 1e3) as u64,
        used_before: used_before as u64,
        used_after: used_after as u64,
        induced: false,
    });
}

/// A sample of this moment.
#[napi(catch_unwind)]
pub fn sample_now(heap: Option<String>) -> Result<String> {
    let heap: Option<memguard_guard::ReportedHeap> =
        heap.as_deref().map(json::parse).transpose()?;
    // SAFETY: called by JavaScript, so on its isolate's thread.
    json::print(&unsafe { memguard_guard::sample_now(heap.map(HeapStatistics::from)) })
}

/// The sampler's last sample; null before the first.
#[napi(catch_unwind)]
pub fn latest_sample() -> Result<Option<String>> {
    memguard_guard::latest()
        .as_ref()
        .map(json::print)
        .transpose()
}

/// The history of a window; null while nothing runs.
#[napi(catch_unwind)]
pub fn history(window_ms: f64, max_points: u32) -> Result<Option<String>> {
    memguard_guard::history(window_ms as u64, max_points as usize)
        .as_ref()
        .map(json::print)
        .transpose()
}

/// A guard's forecasts, the most likely end first; null when it is closed.
#[napi(catch_unwind)]
pub fn forecasts(guard: u32) -> Result<Option<String>> {
    memguard_guard::forecasts(guard)
        .as_ref()
        .map(json::print)
        .transpose()
}

/// Bytes in caches, the most that they may hold (negative: unknown), and handles of the event loop, for a guard's forecasts.
#[napi(catch_unwind)]
pub fn report_counts(guard: u32, cache_bytes: f64, cache_most: f64, handles: f64) {
    let caches = (cache_bytes >= 0.0 && cache_most >= 0.0).then_some((cache_bytes, cache_most));
    memguard_guard::report_counts(guard, caches, (handles >= 0.0).then_some(handles));
}

/// What works here and what does not.
#[napi(catch_unwind)]
pub fn capabilities() -> Result<String> {
    json::print(&memguard_guard::capabilities())
}

/// Collects all garbage; answers whether V8 offers it.
#[napi(catch_unwind)]
pub fn collect_garbage() -> bool {
    // SAFETY: called by JavaScript, so on its isolate's thread and not inside a GC callback.
    unsafe { memguard_guard::collect_garbage() }
}
