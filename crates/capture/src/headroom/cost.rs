//! The cost model.

use serde::Serialize;

use crate::info::SnapshotInfo;

/// Heap bytes per node where nothing better is known: small objects. Real heaps have larger ones, so this
/// errs on the side of more nodes.
const HEAP_BYTES_PER_NODE: u64 = 42;
/// A node without objects of the program already has some 60,000 nodes.
const LEAST_NODES: u64 = 60_000;
/// Large objects are arrays (a reference in 8 bytes becomes an edge of 32) or strings (next to nothing).
const LARGE_OBJECT_FACTOR: u64 = 4;
const FILE_BYTES_PER_NODE: u64 = 72;
/// How far a measured cost may be off from what is plausible before it is not believed.
const PLAUSIBLE_MEMORY_PER_NODE: std::ops::RangeInclusive<u64> = 150..=2_500;

/// What the model knows of a Node line, per heap node.
struct Line {
    memory_bytes: u64,
    /// CPU time in nanoseconds, low and high.
    cpu_ns: (u64, u64),
}

/// Measured with heaps of 0.6 to 8 million small objects of 2.4 references each.
fn line(major: Option<u32>) -> Line {
    match major {
        Some(..=18) => Line {
            memory_bytes: 710,
            cpu_ns: (9_000, 10_500),
        },
        Some(19..=22) => Line {
            memory_bytes: 690,
            cpu_ns: (2_700, 3_600),
        },
        Some(23..=24) => Line {
            memory_bytes: 640,
            cpu_ns: (2_700, 3_600),
        },
        _ => Line {
            memory_bytes: 790,
            cpu_ns: (2_700, 3_600),
        },
    }
}

/// What an earlier capture of the same app has really cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LastCapture {
    /// Objects in the snapshot.
    pub node_count: u64,
    /// Used heap right before it, in bytes.
    pub heap_used_bytes: u64,
    /// Size of the file in bytes.
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
            heap_used_bytes: info.heap_used_bytes.filter(|&bytes| bytes > 0)?,
            file_bytes: info.size_bytes,
            pause_ms: info
                .pause_ms
                .filter(|pause| pause.is_finite() && *pause > 0.0),
            memory_growth_bytes: info.memory_growth_bytes,
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
    /// The part of it in V8's large object spaces, in bytes; 0 where unknown.
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
#[must_use]
pub fn estimate(facts: &HeapFacts) -> Cost {
    let line = line(facts.node_major);
    let node_count = node_count(facts);
    let mut basis = if facts
        .object_count
        .or(facts.last.map(|last| last.node_count))
        .is_some()
    {
        Basis::ObjectCount
    } else {
        Basis::HeapSize
    };

    let same_line = facts
        .last
        .filter(|last| last.node_major == facts.node_major);
    let measured = same_line
        .and_then(|last| Some(last.memory_growth_bytes? / last.node_count))
        .filter(|per_node| PLAUSIBLE_MEMORY_PER_NODE.contains(per_node));
    let memory_per_node = measured.unwrap_or(line.memory_bytes);
    if measured.is_some() {
        basis = Basis::Measured;
    }
    let large = if basis == Basis::HeapSize {
        facts.large_object_bytes
    } else {
        0
    };
    let memory_bytes = node_count
        .saturating_mul(memory_per_node)
        .saturating_add(large.saturating_mul(LARGE_OBJECT_FACTOR));

    let file_per_node = facts.last.map_or(FILE_BYTES_PER_NODE, |last| {
        last.file_bytes.div_ceil(last.node_count)
    });
    let disk_bytes =
        with_margin(node_count.saturating_mul(file_per_node), 10).saturating_add(large);

    let (low, high) = same_line
        .and_then(|last| pause_per_node(&last))
        .unwrap_or(line.cpu_ns);
    let ms = |ns: u64| node_count.saturating_mul(ns) / 1_000_000;
    Cost {
        node_count,
        memory_bytes,
        disk_bytes,
        pause_ms: Range {
            low: ms(low),
            high: ms(high),
        },
        basis,
    }
}

/// The last count scaled to the heap of now: what the heap has lost was like the rest, what it has gained is
/// taken for small objects, which is what leaks are made of.
fn node_count(facts: &HeapFacts) -> u64 {
    if let Some(count) = facts.object_count {
        return count;
    }
    let small = facts
        .heap_used_bytes
        .saturating_sub(facts.large_object_bytes);
    let by_size = (small / HEAP_BYTES_PER_NODE).max(LEAST_NODES);
    let Some(last) = facts.last.filter(|last| last.heap_used_bytes > 0) else {
        return by_size;
    };
    let known = scale(
        last.node_count,
        facts.heap_used_bytes.min(last.heap_used_bytes),
        last.heap_used_bytes,
    );
    let grown = facts.heap_used_bytes.saturating_sub(last.heap_used_bytes) / HEAP_BYTES_PER_NODE;
    known.saturating_add(grown).max(LEAST_NODES)
}

/// `value × numerator ÷ denominator` without overflow.
fn scale(value: u64, numerator: u64, denominator: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(numerator) / u128::from(denominator.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

fn with_margin(value: u64, percent: u64) -> u64 {
    value.saturating_add(value / 100 * percent)
}

/// A third less to half more than last time, in nanoseconds per node.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a positive estimate with two digits; `as` saturates"
)]
fn pause_per_node(last: &LastCapture) -> Option<(u64, u64)> {
    let per_node = last.pause_ms? * 1e6 / last.node_count as f64;
    Some(((per_node * 0.67) as u64, (per_node * 1.5) as u64))
}
