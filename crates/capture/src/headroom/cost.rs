//! The cost model: everything is proportional to the used heap, with factors by Node line until a capture
//! of the same app has shown the real ones.
//!
//! Measured with `v8.writeHeapSnapshot` on Node 18 to 26, heaps of 3 to 360 MB: records of strings and
//! arrays cost 9 to 10 times the used heap in memory, arrays of references 11, maps of small objects 13 to
//! 18, arrays of numbers under 1. Strings and buffers of a megabyte each lie outside of the used heap and
//! cost nothing measurable.

use serde::Serialize;

use crate::info::{Method, SnapshotInfo};

/// The fewest heap bytes per node that were seen: maps of small objects.
const HEAP_BYTES_PER_NODE: u64 = 42;
/// An empty Node process has a heap of about this size.
const LEAST_HEAP: u64 = 4 << 20;
/// The most memory per node that was seen on any line, with up to [`EDGES_PER_NODE`] references each.
const MEMORY_PER_NODE: u64 = 910;
const EDGES_PER_NODE: u64 = 3;
/// Memory for each reference beyond that; arrays of references have two for each element.
const MEMORY_PER_EDGE: u64 = 46;
/// The same for the elements of large arrays, by their bytes.
const MEMORY_PER_LARGE_BYTE: u64 = 12;
/// The file, in hundredths of the used heap: small objects, and large arrays of references.
const FILE_PERCENT: u64 = 190;
const FILE_PERCENT_LARGE: u64 = 420;
/// What a measured growth per node must lie between to be believed.
const PLAUSIBLE_PER_NODE: std::ops::RangeInclusive<u64> = 150..=50_000;
/// A heap can fill with another kind of object since it was measured, so a measurement lowers the estimate
/// to this part of what the size alone says, and no further.
const TRUST_DOWN_TO: u64 = 3;

/// What the model knows of a Node line.
struct Line {
    /// Extra memory in hundredths of the used heap.
    memory_percent: u64,
    /// CPU time in milliseconds per MB of used heap, low and high.
    cpu_ms_per_mb: (u64, u64),
}

fn line(major: Option<u32>) -> Line {
    let (memory_percent, cpu_ms_per_mb) = match major {
        Some(..=18) => (1730, (60, 260)),
        Some(19..=22) => (1660, (35, 90)),
        Some(23..=24) => (1560, (35, 90)),
        _ => (1860, (35, 90)),
    };
    Line {
        memory_percent,
        cpu_ms_per_mb,
    }
}

/// What an earlier capture of the same app has really cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LastCapture {
    /// Objects in the snapshot.
    pub node_count: u64,
    /// References in the snapshot.
    pub edge_count: u64,
    /// Used heap right before it, in bytes.
    pub heap_used_bytes: u64,
    /// Size of the file in bytes, before compression.
    pub file_bytes: u64,
    /// How long the process stood still, in milliseconds.
    pub pause_ms: Option<f64>,
    /// How far the resident set grew, in bytes.
    pub memory_growth_bytes: Option<u64>,
    /// Node's major version.
    pub node_major: Option<u32>,
}

impl LastCapture {
    /// From a side-car; `None` when it lacks the figures.
    #[must_use]
    pub fn from_info(info: &SnapshotInfo) -> Option<Self> {
        Some(Self {
            node_count: info.node_count.filter(|&count| count > 0)?,
            edge_count: info.edge_count?,
            heap_used_bytes: info.heap_used_bytes.filter(|&bytes| bytes > 0)?,
            file_bytes: info.uncompressed_bytes.unwrap_or(info.size_bytes),
            pause_ms: info
                .pause_ms
                // A forked child's says nothing of how long V8 takes.
                .filter(|_| !matches!(info.method, Method::Fork | Method::Walk))
                .filter(|pause| pause.is_finite() && *pause > 0.0),
            // A walk takes a fraction of what V8's generator does.
            memory_growth_bytes: info
                .memory_growth_bytes
                .filter(|_| info.method != Method::Walk),
            node_major: info.node_version.as_deref().and_then(node_major),
        })
    }
}

/// The major version in `v20.20.2`.
fn node_major(version: &str) -> Option<u32> {
    version
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// What is known of the heap before a capture.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HeapFacts {
    /// Used heap in bytes (`process.memoryUsage().heapUsed`).
    pub heap_used_bytes: u64,
    /// The part of it in V8's large object spaces (mostly the elements of large arrays), in bytes; 0 where
    /// unknown.
    pub large_object_bytes: u64,
    /// Objects in the heap now, where they have been counted.
    pub object_count: Option<u64>,
    /// Node's major version.
    pub node_major: Option<u32>,
    /// What the last capture of this app has cost.
    pub last: Option<LastCapture>,
}

/// What an estimate rests on, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Basis {
    /// The size of the heap alone.
    HeapSize,
    /// A count of its objects, or the last snapshot's density of objects.
    ObjectCount,
    /// What the last snapshot on this Node line has really taken.
    Measured,
}

/// A range of milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Range {
    /// The lower end.
    pub low: u64,
    /// The upper end.
    pub high: u64,
}

/// What a capture will cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Objects in the heap.
    pub node_count: u64,
    /// Extra memory at the peak, in bytes. It goes back when the capture is done.
    pub memory_bytes: u64,
    /// Size of the file, in bytes.
    pub disk_bytes: u64,
    /// CPU time of the capture: the process stands still for at least that long, longer where it has to
    /// share the processor or is throttled.
    pub pause_ms: Range,
    /// What the estimate rests on.
    pub basis: Basis,
}

/// Estimates what a heap snapshot will cost. Pure and cheap.
///
/// What the heap has gained since the last capture is taken for small objects, which is what leaks are made
/// of; what it has lost, for objects like the rest.
#[must_use]
pub fn estimate(facts: &HeapFacts) -> Cost {
    let line = line(facts.node_major);
    let heap = facts.heap_used_bytes.max(LEAST_HEAP);
    let last = facts
        .last
        .filter(|last| last.heap_used_bytes > 0 && last.node_count > 0);
    let grown = last.map_or(heap, |last| heap.saturating_sub(last.heap_used_bytes));
    // A figure of the last capture, for the part of the heap that was there already.
    let known = |figure: &dyn Fn(&LastCapture) -> u64| {
        last.map_or(0, |last| {
            scale(
                figure(&last),
                heap.min(last.heap_used_bytes),
                last.heap_used_bytes,
            )
        })
    };

    let node_count = facts.object_count.unwrap_or_else(|| {
        known(&|last| last.node_count).saturating_add(grown / HEAP_BYTES_PER_NODE)
    });
    let large = facts.large_object_bytes.min(heap);
    let disk_bytes = if last.is_some() {
        known(&|last| last.file_bytes).saturating_add(percent(grown, FILE_PERCENT))
    } else {
        percent(heap - large, FILE_PERCENT).saturating_add(percent(large, FILE_PERCENT_LARGE))
    };
    let (memory_bytes, basis) = memory(facts, &line, heap);
    let pause = last
        .filter(|last| last.node_major == facts.node_major)
        .and_then(|last| last.pause_ms);
    let cpu = |per_mb: u64, part: u64| {
        let (measured, bytes) = match pause {
            Some(pause) => (percent(known(&|_| whole_ms(pause)), part), grown),
            None => (0, heap),
        };
        measured.saturating_add(scale(bytes, per_mb, 1 << 20))
    };
    let (low, high) = line.cpu_ms_per_mb;
    let pause_ms = Range {
        low: cpu(low, 67),
        high: cpu(high, 150),
    };
    Cost {
        node_count,
        memory_bytes,
        disk_bytes,
        pause_ms,
        basis,
    }
}

fn memory(facts: &HeapFacts, line: &Line, heap: u64) -> (u64, Basis) {
    let by_size = percent(heap, line.memory_percent);
    let since = |last: &LastCapture, memory: u64| {
        let grown = heap.saturating_sub(last.heap_used_bytes);
        scale(memory, heap.min(last.heap_used_bytes), last.heap_used_bytes)
            .saturating_add(percent(grown, line.memory_percent))
    };
    let last = facts
        .last
        .filter(|last| last.heap_used_bytes > 0 && last.node_count > 0);
    let measured = last
        .filter(|last| last.node_major == facts.node_major)
        .and_then(|last| {
            let growth = last.memory_growth_bytes?;
            PLAUSIBLE_PER_NODE
                .contains(&(growth / last.node_count))
                .then(|| since(&last, growth))
        });
    if let Some(measured) = measured {
        return (measured.max(by_size / TRUST_DOWN_TO), Basis::Measured);
    }
    let counted = match (facts.object_count, last) {
        (Some(count), _) => {
            let large = facts
                .large_object_bytes
                .saturating_mul(MEMORY_PER_LARGE_BYTE);
            count.saturating_mul(MEMORY_PER_NODE).saturating_add(large)
        }
        (None, Some(last)) => {
            let more_edges = last
                .edge_count
                .saturating_sub(last.node_count.saturating_mul(EDGES_PER_NODE));
            let memory = last.node_count.saturating_mul(MEMORY_PER_NODE);
            since(
                &last,
                memory.saturating_add(more_edges.saturating_mul(MEMORY_PER_EDGE)),
            )
        }
        (None, None) => return (by_size, Basis::HeapSize),
    };
    (counted.min(by_size), Basis::ObjectCount)
}

/// `value × numerator ÷ denominator` without overflow.
fn scale(value: u64, numerator: u64, denominator: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(numerator) / u128::from(denominator.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

fn percent(value: u64, percent: u64) -> u64 {
    scale(value, percent, 100)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a duration; `as` saturates and takes NaN for 0"
)]
fn whole_ms(ms: f64) -> u64 {
    ms.ceil() as u64
}
