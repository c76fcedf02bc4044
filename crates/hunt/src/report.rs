//! What a hunt tells, as data.

use memguard_heap_graph::report::RetainingPath;
use serde::{Deserialize, Serialize};

use crate::context::{AllocationCall, AllocationSite, Look, Moment, ProcessInfo};

/// The form of [`LeakReport`], for those who store it.
pub const SCHEMA: &str = "memguard.leak/1";

/// What kind of growth it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum VerdictClass {
    /// Objects of JavaScript are kept and become more.
    JsLeak,
    /// A cache with a bound that it has not reached, or something that fills ever more slowly.
    CacheFilling,
    /// Memory outside of the heap that objects keep alive: Buffers, ArrayBuffers, what addons report.
    External,
    /// Resident memory that V8 knows nothing of.
    Native,
    /// Memory that the allocator keeps after a peak.
    Fragmentation,
    /// Memory that goes with the load.
    Load,
    /// Nothing grows.
    None,
    /// Something grows, but by none of these, or too little was seen.
    #[default]
    Unknown,
}

impl VerdictClass {
    /// What it is called in sentences: `JavaScript leak`, `allocator fragmentation`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::JsLeak => "JavaScript leak",
            Self::CacheFilling => "cache growing to its bound",
            Self::External => "external memory",
            Self::Native => "native memory",
            Self::Fragmentation => "allocator fragmentation",
            Self::Load => "legitimate load",
            Self::None => "no growth",
            Self::Unknown => "unknown growth",
        }
    }

    /// Whether it is something that has to be mended in the program.
    #[must_use]
    pub const fn is_leak(self) -> bool {
        matches!(self, Self::JsLeak | Self::External | Self::Native)
    }
}

/// A fact that speaks for or against something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// A stable name: `liveHeapGrows`, `arenaFree`.
    pub kind: String,
    /// For a person.
    pub text: String,
    /// How much it says: above 0 for the verdict, below against it; −1 to 1.
    pub weight: f64,
}

/// What kind of growth it is, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The kind.
    pub class: VerdictClass,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// For a person, with the figures that decided it.
    pub sentence: String,
    /// All that was looked at.
    pub evidence: Vec<Evidence>,
}

/// A cure: what to do, and what that looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cure {
    /// A paragraph.
    pub text: String,
    /// A sketch of it in JavaScript (or shell, where it is a setting).
    pub code: Option<String>,
}

/// Patterns of leaks that are known by name.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// A Map, Set or object that is filled by key and never emptied.
    UnboundedCache,
    /// Sessions, connections or requests by id that are never taken out.
    SessionMap,
    /// An array that is only ever pushed to: a log, a queue, a list of everything.
    UnboundedArray,
    /// Variables of a closure that outlives its use.
    Closure,
    /// Timers that are never cleared.
    Timer,
    /// Listeners that are never removed.
    EventListener,
    /// Listeners of an AbortSignal (or EventTarget) that lives long.
    AbortSignal,
    /// Streams, sockets, servers that are not closed.
    UnclosedStream,
    /// Promises that are never settled, or reactions that pile up on one (`Promise.race`).
    Promise,
    /// A context of AsyncLocalStorage that is kept by what it started.
    AsyncContext,
    /// Code that is compiled again and again: `new Function`, templates, schemas.
    CompiledCode,
    /// Something on the global object.
    Global,
    /// State of a module that grows.
    ModuleState,
    /// Slices that keep their whole Buffer.
    BufferSlice,
    /// ArrayBuffers and other memory outside of the heap.
    ExternalMemory,
    /// Memory that V8 knows nothing of.
    NativeMemory,
    /// Worker threads, ports and what they hold.
    Worker,
    /// A linked list that only grows at one end.
    LinkedList,
    /// Objects that register with a FinalizationRegistry, or are kept in weak structures by their values.
    Finalization,
    /// Text that is concatenated or cut from a large one.
    Text,
    /// None of these.
    #[default]
    Unknown,
}

impl Pattern {
    /// Every pattern that has a name.
    pub const ALL: [Self; 21] = [
        Self::UnboundedCache,
        Self::SessionMap,
        Self::UnboundedArray,
        Self::Closure,
        Self::Timer,
        Self::EventListener,
        Self::AbortSignal,
        Self::UnclosedStream,
        Self::Promise,
        Self::AsyncContext,
        Self::CompiledCode,
        Self::Global,
        Self::ModuleState,
        Self::BufferSlice,
        Self::ExternalMemory,
        Self::NativeMemory,
        Self::Worker,
        Self::LinkedList,
        Self::Finalization,
        Self::Text,
        Self::Unknown,
    ];
}

/// A pattern that was recognised.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PatternMatch {
    /// Which.
    pub pattern: Pattern,
    /// What it is called in sentences.
    pub title: String,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// Why, each in a sentence.
    pub evidence: Vec<String>,
}

/// A place in the source as it was written: through the source map, where there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodePlace {
    /// Path or URL.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// Function or class that stands there.
    pub function: Option<String>,
    /// Where it is in the code that runs, when a source map led from there to here.
    pub generated: Option<GeneratedPlace>,
    /// The code that runs looks minified, and no source map says where it came from.
    pub minified: bool,
    /// Why a source map that was named could not be used.
    pub source_map_error: Option<String>,
    /// The line itself, where the source could be read.
    pub excerpt: Option<String>,
}

/// A place in the code that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GeneratedPlace {
    /// Path or URL.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// The object below which the growth fans out, as in Eclipse MAT.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccumulationPoint {
    /// What it is, in one word: `Map`, `Array`, `Server`.
    pub class: String,
    /// Its name in the source: `requestLog`, `sessions`, `_events`.
    pub name: Option<String>,
    /// The reference that what grows hangs on: `[*]`, `.next`, `context .entries`.
    pub edge: Option<String>,
    /// How many objects there are of its kind: 1 for a global list.
    pub count: u64,
    /// Entries that it has now, where they can be counted.
    pub entries: Option<u64>,
    /// Bytes that it retains.
    pub retained_bytes: u64,
    /// Its share of the whole heap.
    pub share: f64,
}

/// Something that grows, and who holds it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suspect {
    /// The leak's signature: the same in another process, pod or release. 16 hexadecimal digits.
    pub signature: String,
    /// What grows: `LogEntry`.
    pub class: String,
    /// What else is among it, most bytes first: classes with their growth in bytes.
    pub contents: Vec<ContentGrowth>,
    /// Objects in each heap, oldest first.
    pub counts: Vec<u64>,
    /// Bytes in each heap, with everything below.
    pub sizes: Vec<u64>,
    /// Objects more, from the first heap to the last.
    pub count_delta: i64,
    /// Bytes more.
    pub size_delta: i64,
    /// Objects an hour.
    pub count_per_hour: f64,
    /// Bytes an hour.
    pub bytes_per_hour: f64,
    /// Share of all that grew.
    pub share: f64,
    /// It grew from each heap to the next.
    pub steady: bool,
    /// Steps from heap to heap, up to the last, in which it grew without a pause.
    pub growing_steps: usize,
    /// More looks may change what is held of it: too few so far, or it slows down.
    pub unsettled: bool,
    /// Share of its objects at an earlier look (the one that has most left) that are still there; none where addresses tell
    /// nothing. What leaks stays; what comes and goes does not.
    pub kept_share: Option<f64>,
    /// Bytes outside of the heap among its growth.
    pub external_delta: i64,
    /// Who holds it, in source words: `requestLog → Array → LogEntry`; its class alone where that is not known.
    pub words: String,
    /// The way from the root to one of them, the suspect edge marked.
    pub path: Option<RetainingPath>,
    /// Where the growth fans out.
    pub accumulation: AccumulationPoint,
    /// Where it is kept: the declaration, function or class whose variable or property holds it. In the program's own source where
    /// anything there is known to lead to it.
    pub kept_at: Option<CodePlace>,
    /// Where that is inside of a library, when `kept_at` is in the program's own source.
    #[serde(default)]
    pub library_at: Option<CodePlace>,
    /// Where what grows was born: its class's constructor, its function, or where it was allocated.
    pub born_at: Option<CodePlace>,
    /// Where it was allocated, when the profiler saw it.
    pub allocation: Option<AllocationSite>,
    /// The pattern, with what speaks for it.
    pub pattern: PatternMatch,
    /// Other patterns that fit, best first.
    pub also: Vec<PatternMatch>,
    /// What to do.
    pub cure: Cure,
    /// How sure it is that this is what makes memory grow, 0 to 1.
    pub confidence: f64,
}

impl Suspect {
    /// Whether it is known who holds it: not where objects were counted by class alone.
    #[must_use]
    pub fn knows_holder(&self) -> bool {
        !self.accumulation.class.is_empty()
    }
}

/// A class among what grew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentGrowth {
    /// The class.
    pub class: String,
    /// Objects more.
    pub count_delta: i64,
    /// Bytes more.
    pub size_delta: i64,
}

/// Where memory is headed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeakForecast {
    /// Growth in bytes an hour: of the trend, or of the heaps where that is not known.
    pub growth_bytes_per_hour: f64,
    /// The limit.
    pub limit_bytes: Option<f64>,
    /// What it is called.
    pub limit_name: Option<String>,
    /// When it is reached if it goes on like this, in ms from now.
    pub time_to_limit_ms: Option<f64>,
    /// That it is reached within `horizon_ms`.
    pub probability: Option<f64>,
    /// The horizon of the probability, in ms: half an hour, divided by the pace.
    pub horizon_ms: Option<u64>,
}

/// A heap that was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeapSize {
    /// When.
    pub at: Moment,
    /// Bytes.
    pub size: u64,
    /// Objects.
    pub objects: u64,
}

/// How it was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HowFound {
    /// The looks at the heap and their pauses, oldest first.
    pub looks: Vec<Look>,
    /// The heaps that were compared, oldest first.
    pub heaps: Vec<HeapSize>,
    /// What could not be had, each in a sentence.
    pub missing: Vec<String>,
}

/// What a hunt found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeakReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// The leak's signature: that of the first suspect, or of the verdict where there is none. One leak has one, over pods,
    /// restarts and deploys.
    pub signature: String,
    /// When.
    pub at: Moment,
    /// The process.
    pub process: ProcessInfo,
    /// All of it in a sentence or two.
    pub summary: String,
    /// What kind of growth it is.
    pub verdict: Verdict,
    /// What grows, the likeliest culprit first.
    pub suspects: Vec<Suspect>,
    /// Where memory is headed.
    pub forecast: Option<LeakForecast>,
    /// What to do where no suspect says so: about native memory, fragmentation, load.
    pub cure: Option<Cure>,
    /// Where what is alive was allocated, most bytes first, places through source maps.
    pub allocation_sites: Vec<AllocationSite>,
    /// The calls that lead there, callers before callees, places through source maps.
    #[serde(default)]
    pub allocation_calls: Vec<AllocationCall>,
    /// How it was found.
    pub how: HowFound,
}

impl LeakReport {
    /// Whether a leak was found, with a confidence of at least a half.
    #[must_use]
    pub fn is_leak(&self) -> bool {
        self.verdict.class.is_leak() && self.verdict.confidence >= 0.5
    }
}
