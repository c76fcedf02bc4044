//! One reading of everything: the process, its cgroup, the machine and every isolate.
//!
//! All sizes are bytes, all durations milliseconds, all ratios are between 0 and 1.
//! A figure that could not be read is `None` (`null` in JavaScript), never 0.

use serde::Serialize;

use crate::limits::EffectiveLimit;

/// Everything that is known of the process's memory at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Monotonic milliseconds since the process started.
    pub at_ms: u64,
    /// Milliseconds since the Unix epoch, by the wall clock, which may jump.
    pub wall_ms: u64,
    /// The process as the operating system sees it.
    pub process: ProcessFigures,
    /// The control group that bounds the process's memory, where there is one.
    pub cgroup: Option<CgroupFigures>,
    /// How long tasks stall for want of memory: of the cgroup where the kernel says, else of the
    /// machine.
    pub pressure: Option<Pressure>,
    /// The machine's memory.
    pub machine: Option<MachineFigures>,
    /// One row an isolate; the main thread's first.
    pub isolates: Vec<IsolateFigures>,
    /// The nearest limit; `None` only where not one limit is known.
    pub limit: Option<EffectiveLimit>,
}

/// What the operating system alone says at one moment. `Copy`, so that a reading costs no
/// allocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OsReading {
    /// Monotonic milliseconds since the process started.
    pub at_ms: u64,
    /// Milliseconds since the Unix epoch.
    pub wall_ms: u64,
    /// The process.
    pub process: ProcessFigures,
    /// Its cgroup.
    pub cgroup: Option<CgroupFigures>,
    /// Memory pressure.
    pub pressure: Option<Pressure>,
    /// The machine.
    pub machine: Option<MachineFigures>,
    /// Limits set by `setrlimit` (`ulimit`).
    pub rlimits: ResourceLimits,
}

/// The process as the operating system sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessFigures {
    /// Resident set size: memory of the process that is in RAM, shared pages included. 0 only
    /// where even this can't be read.
    pub rss_bytes: u64,
    /// Address space in use, resident or not. V8 reserves much more than it uses.
    pub virtual_bytes: Option<u64>,
    /// Data segment and private writable mappings: what `RLIMIT_DATA` is charged with.
    pub data_bytes: Option<u64>,
    /// Memory of the process in swap; up to 5 s old.
    pub swap_bytes: Option<u64>,
    /// Threads of the process, V8's and libuv's included; on Linux up to 5 s old.
    pub threads: Option<u32>,
    /// CPU time consumed since the start, user and system together; on Linux up to 5 s old.
    pub cpu_ms: Option<u64>,
    /// Page faults since the start that had to wait for a disk; on Linux up to 5 s old.
    pub major_faults: Option<u64>,
}

/// Which of the kernel's two cgroup interfaces bounds the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CgroupVersion {
    /// The memory controller has a hierarchy of its own (also in "hybrid" systems).
    V1,
    /// The unified hierarchy.
    V2,
}

/// Memory of the control group: of all processes in it, and the page cache they caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CgroupFigures {
    /// Version of the interface that was read.
    pub version: CgroupVersion,
    /// Everything charged, page cache included (`memory.current`, `memory.usage_in_bytes`).
    pub usage_bytes: u64,
    /// Usage minus the inactive file cache, which the kernel drops before it kills: what
    /// Kubernetes calls the working set and judges evictions by. Equal to the usage where
    /// `memory.stat` can't be read.
    pub working_set_bytes: u64,
    /// The limit above which the kernel kills, the smallest of the group and its visible
    /// ancestors; `None` is "unlimited".
    pub limit_bytes: Option<u64>,
    /// Usage of the group that carries `limit_bytes`: the ancestor's, when it is the ancestor that
    /// is the tightest. Inactive file cache is taken off as in `working_set_bytes`.
    pub limit_used_bytes: Option<u64>,
    /// File cache in active use of the group that carries `limit_bytes`: part of `limit_used_bytes`, though the kernel
    /// drops it too before it kills. On Linux up to 5 s old, as the inactive file cache is.
    #[serde(skip)]
    pub limit_active_file_bytes: Option<u64>,
    /// The limit above which the kernel throttles and reclaims instead of killing (`memory.high`,
    /// v2 only).
    pub high_bytes: Option<u64>,
    /// Usage of the group that carries `high_bytes`.
    pub high_used_bytes: Option<u64>,
    /// Swap used by the group.
    pub swap_bytes: Option<u64>,
    /// The most swap the group may use beyond its memory limit; `None` is "unlimited" or unknown.
    pub swap_limit_bytes: Option<u64>,
    /// Processes the kernel has killed in the group because its limit was reached, since the group
    /// exists.
    pub oom_kills: Option<u64>,
    /// `memory.oom.group`: one process over the limit takes all of the group with it (v2 only).
    pub oom_group: Option<bool>,
}

/// Pressure stall information: which part of the time tasks stood still because memory was short.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pressure {
    /// Whose pressure it is.
    pub scope: PressureScope,
    /// Part of the last 10 s in which at least one task stalled, 0 to 1.
    pub some_avg10: f64,
    /// The same over 60 s.
    pub some_avg60: f64,
    /// Part of the last 10 s in which all tasks stalled at once, 0 to 1.
    pub full_avg10: f64,
    /// The same over 60 s.
    pub full_avg60: f64,
}

/// Whose stalls a [`Pressure`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PressureScope {
    /// The control group's own.
    Cgroup,
    /// The whole machine's.
    Machine,
}

/// The machine's memory (the host's, when in a container).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MachineFigures {
    /// Memory in all.
    pub total_bytes: u64,
    /// What could be handed out without swapping, as the system estimates; up to 5 s old.
    pub available_bytes: u64,
    /// Swap in all, where known.
    pub swap_total_bytes: Option<u64>,
}

/// Soft limits set with `setrlimit`; `None` is "unlimited" or unknown on this system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceLimits {
    /// `RLIMIT_AS`: address space.
    pub address_space_bytes: Option<u64>,
    /// `RLIMIT_DATA`: data segment and private writable mappings.
    pub data_bytes: Option<u64>,
}

/// One V8 isolate: the main thread or a worker. Handed in by the caller; this crate reads no V8.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IsolateFigures {
    /// The guard's number of the isolate; 0 is the main thread.
    pub id: u32,
    /// `worker_threads.threadId`; 0 is the main thread.
    pub thread_id: u32,
    /// A name people know it by: `main`, or the worker's.
    pub name: String,
    /// Memory of JavaScript objects, dead ones included until the next collection
    /// (`used_heap_size`).
    pub heap_used_bytes: u64,
    /// Memory V8 holds for the heap (`total_heap_size`).
    pub heap_total_bytes: u64,
    /// V8's own `heap_size_limit`: old space plus three semi-spaces. **Not** where V8 gives up.
    pub heap_size_limit_bytes: u64,
    /// The old-space limit, at which V8 gives up; see [`crate::old_space`]. 0 is "unknown".
    pub old_space_limit_bytes: u64,
    /// Memory outside of the heap that objects keep alive (`external_memory`).
    pub external_bytes: u64,
    /// The part of `external_bytes` that are `ArrayBuffer`s and `Buffer`s.
    pub array_buffers_bytes: Option<u64>,
    /// The largest capacity that the nursery (new space) has had: what a scavenge may have to move to the old
    /// space. 0 is "unknown".
    pub nursery_bytes: u64,
    /// What V8 itself took by `malloc` for its own needs.
    pub malloced_bytes: u64,
    /// Used heap right after the last major collection: the live heap.
    pub live_heap_bytes: Option<u64>,
    /// When that collection ended ([`Sample::at_ms`]'s clock).
    pub live_heap_at_ms: Option<u64>,
    /// Bytes allocated per second, over the time since the previous reading.
    pub allocation_rate_bytes_per_s: Option<f64>,
    /// Collections since the isolate is watched.
    pub gc: GcFigures,
    /// How late the event loop ran its timers, as measured by the caller.
    pub event_loop_delay_ms: Option<f64>,
    /// When the isolate's figures were read ([`Sample::at_ms`]'s clock): they may be older than
    /// the sample.
    pub read_at_ms: u64,
}

/// Garbage collections since an isolate is watched; every figure only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GcFigures {
    /// Mark-compact collections of the whole heap.
    pub major_count: u64,
    /// Collections of the young generation.
    pub minor_count: u64,
    /// Steps of incremental marking, and other kinds.
    pub other_count: u64,
    /// Time the isolate stood still for major collections.
    pub major_ms: f64,
    /// Time the isolate stood still for minor collections.
    pub minor_ms: f64,
    /// Time the isolate stood still for the others.
    pub other_ms: f64,
}
