//! What is known beside the heap: figures over time, the allocator, warnings, allocation sites, who the process is.

use memguard_trend::{Growth, Outlook, Verdict as TrendVerdict};
use serde::{Deserialize, Serialize};

/// When something was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Moment {
    /// Monotonic milliseconds since the process started.
    pub at_ms: u64,
    /// Milliseconds since 1970, by the wall clock.
    pub unix_ms: u64,
}

impl Moment {
    /// Hours from an earlier moment to this one: by the monotonic clock, or by the wall clock where that has not gone
    /// forward (another process).
    #[must_use]
    pub fn hours_since(&self, earlier: &Self) -> f64 {
        let ms = if self.at_ms > earlier.at_ms {
            self.at_ms - earlier.at_ms
        } else {
            self.unix_ms.saturating_sub(earlier.unix_ms)
        };
        ms as f64 / 3_600_000.0
    }
}

/// Which process it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProcessInfo {
    /// Its id.
    pub pid: u32,
    /// The app's name, as the guard was told or as its package.json says.
    pub app: Option<String>,
    /// The app's version or release.
    pub release: Option<String>,
    /// Machine, container or pod.
    pub host: Option<String>,
    /// `process.version`.
    pub node_version: Option<String>,
    /// The worker's name or number; none for the main thread.
    pub worker: Option<String>,
    /// How long it has been running, in ms.
    pub uptime_ms: u64,
}

/// Memory at one moment, in bytes. Series of these are what the verdict rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MemoryPoint {
    /// Monotonic milliseconds since the process started.
    pub at_ms: u64,
    /// Live heap after the last major GC.
    pub live_heap_bytes: Option<u64>,
    /// Used heap.
    pub heap_used_bytes: u64,
    /// What V8 holds for the heap.
    pub heap_total_bytes: u64,
    /// Outside of the heap, kept by its objects; Buffers and ArrayBuffers included.
    pub external_bytes: u64,
    /// Resident set size.
    pub rss_bytes: u64,
    /// Bytes allocated per second.
    pub allocation_rate_bytes_per_s: Option<f64>,
    /// Handles and requests of the event loop.
    pub handles: Option<u64>,
}

/// What the trend room says of the curve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Trend {
    /// What kind of growth figures alone make it.
    pub verdict: Option<TrendVerdict>,
    /// The parts of memory that grow.
    pub growing: Vec<Growth>,
    /// Whether and when the nearest limit is reached.
    pub outlook: Option<Outlook>,
    /// What that limit is called in sentences.
    pub limit_name: Option<String>,
}

/// What `malloc` is and says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AllocatorFigures {
    /// `glibc`, `otherLibc`, `system`, `replaced` (jemalloc, mimalloc, tcmalloc).
    pub allocator: Option<String>,
    /// `MALLOC_ARENA_MAX` or its tunable is in the environment.
    pub arena_max_set: bool,
    /// Arenas, where they could be counted.
    pub arenas: Option<u32>,
    /// Memory taken from the system for arenas.
    pub arena_bytes: u64,
    /// The part of it that is handed out.
    pub in_use_bytes: u64,
    /// The part of it that is free and kept.
    pub free_bytes: u64,
    /// Large allocations with a mapping of their own.
    pub mapped_bytes: u64,
    /// External memory of V8's at the same time: `malloc` hands out most of it.
    pub external_bytes: u64,
}

/// A cache that memguard knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CacheFigures {
    /// Its name.
    pub name: String,
    /// Bytes that it holds.
    pub bytes: u64,
    /// Bytes that it may hold; none where only its entries are bounded.
    pub max_bytes: Option<u64>,
    /// Entries.
    pub entries: u64,
    /// Most entries.
    pub max_entries: Option<u64>,
}

/// `MaxListenersExceededWarning`, or another warning of Node's that has to do with memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListenerWarning {
    /// Class of the emitter: `Server`, `AbortSignal`.
    pub emitter: String,
    /// The event.
    pub event: String,
    /// Listeners when it was told.
    pub count: u64,
    /// The stack of the call, as Node printed it.
    pub stack: Option<String>,
}

/// A kind of handle or request of the event loop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HandleFigures {
    /// `TCPSocketWrap`, `Timeout`, …
    pub kind: String,
    /// How many there were when the growth began.
    pub before: u64,
    /// How many there are.
    pub now: u64,
}

/// One frame of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Frame {
    /// Name of the function; empty for an anonymous one.
    pub function: String,
    /// Path or URL of the script, as V8 has it.
    pub script: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// A place in the source where what is alive was allocated, as the sampling profiler saw it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AllocationSite {
    /// The stack, the place itself first.
    pub stack: Vec<Frame>,
    /// Bytes that were allocated there while sampling was on and are still alive, estimated from samples.
    pub live_bytes: u64,
    /// The same in objects.
    pub live_count: u64,
    /// Bytes that were allocated there in all, where that is known.
    pub allocated_bytes: Option<u64>,
}

/// A call of a tree of calls, as wide as what was allocated in it and below: a box of a flame graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AllocationCall {
    /// Place of the caller in the list; none for the first, which stands for all calls.
    pub parent: Option<u32>,
    /// The function.
    pub frame: Frame,
    /// Bytes that it allocated itself.
    pub own_bytes: u64,
    /// Bytes that it and what it called allocated.
    pub total_bytes: u64,
}

/// How the heaps came to be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// The heap walker in a forked child.
    #[default]
    Walk,
    /// The same, where there was no memory for a graph: objects were counted by class.
    Count,
    /// The heap walker of another process, which stopped this one.
    Inspect,
    /// V8's generator in a forked child.
    Fork,
    /// V8's generator in place: the process stood still.
    Blocking,
    /// Snapshot files.
    Files,
    /// Samples of allocations alone: no heap was looked at.
    Sampling,
}

/// One look at the heap and its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Look {
    /// When.
    pub at: Moment,
    /// How.
    pub method: Method,
    /// How long the process stood still for it, in ms.
    pub pause_ms: Option<f64>,
    /// How long it took until the heap was known, in ms.
    pub took_ms: Option<f64>,
}

/// How much was allocated in all by a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Allocated {
    /// When: the moment of a look.
    pub at: Moment,
    /// Bytes, from whatever beginning.
    pub bytes: u64,
}

/// Everything that is known beside the heap. Whatever is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Context {
    /// Now.
    pub now: Moment,
    /// The process.
    pub process: ProcessInfo,
    /// The curves, oldest first: some hundred points are plenty.
    pub series: Vec<MemoryPoint>,
    /// What the trend room says of them.
    pub trend: Trend,
    /// The allocator.
    pub allocator: Option<AllocatorFigures>,
    /// The same at the looks before, oldest first.
    pub allocator_before: Vec<AllocatorFigures>,
    /// Caches that memguard knows.
    pub caches: Vec<CacheFigures>,
    /// Warnings about listeners.
    pub listener_warnings: Vec<ListenerWarning>,
    /// Handles by kind.
    pub handles: Vec<HandleFigures>,
    /// Where what is alive was allocated, most bytes first.
    pub allocation_sites: Vec<AllocationSite>,
    /// The calls that lead there, callers before callees.
    pub allocation_calls: Vec<AllocationCall>,
    /// The looks at the heap, oldest first; that at the newest heap last.
    pub looks: Vec<Look>,
    /// What was allocated by each look, the one at hand last: a measure of the work that was done in between.
    pub allocated: Vec<Allocated>,
    /// Addresses of the heap's young pages, the objects' ids being addresses; none where that is not known.
    #[serde(skip)]
    pub young: Vec<std::ops::Range<u64>>,
    /// The growth was brought about on purpose, as by a test: it is told however small it is beside the heap.
    pub provoked: bool,
    /// Sources and source maps may be read from disk, for places and excerpts.
    pub read_sources: bool,
    /// What could not be had, each in a sentence: it is repeated in the report.
    pub missing: Vec<String>,
}
