//! Days of readings in a fixed, small amount of memory.
//!
//! Four tiers of rings. Raw readings go into the first; each coarser tier takes the mean of a fixed
//! span of time, and its minimum and maximum where those matter (a peak of RSS, a trough of the
//! live heap must not vanish in a mean). What falls off a tier's end is still in the next one.
//!
//! | tier | span of a point | points | reaches back |
//! |---|---|---|---|
//! | 0 | one reading | 600 | 5 min at 500 ms, 100 min at 10 s |
//! | 1 | 10 s | 720 | 2 h |
//! | 2 | 1 min | 1,440 | 24 h |
//! | 3 | 15 min | 1,344 | 14 days |
//!
//! # Memory
//! A point is [`RAW_POINT_BYTES`] (48) or [`MERGED_POINT_BYTES`] (120) bytes: sizes are kept as
//! `f32` of kilobytes, exact to a sixteen-millionth of their value. The default rings take 438 KB
//! when all are full, after two weeks, and grow by 64 points until then: 18 KB after a minute, 135
//! KB after two hours, 296 KB after a day of calm.

mod columns;
mod ring;

use serde::Serialize;

use crate::sample::Sample;
pub use columns::Points;
use ring::{Merger, Ring};

/// Number of figures a point carries.
pub const FIGURES: usize = 9;

/// Bytes of a raw point: its time and one `f32` a figure.
pub const RAW_POINT_BYTES: usize = size_of::<Raw>();

/// Bytes of a merged point: its time, and mean, minimum and maximum of each figure.
pub const MERGED_POINT_BYTES: usize = size_of::<ring::Merged>();

/// The figures that are kept of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[repr(usize)]
pub enum Figure {
    /// Resident set size, bytes.
    Rss,
    /// Used heap of all isolates together, bytes.
    HeapUsed,
    /// Total heap of all isolates together, bytes.
    HeapTotal,
    /// External memory of all isolates together, bytes.
    External,
    /// Array buffers of all isolates together, bytes.
    ArrayBuffers,
    /// Live heap of the main thread after its last major collection, bytes.
    LiveHeap,
    /// Working set of the cgroup, bytes.
    CgroupWorkingSet,
    /// Use of the effective limit, a ratio.
    LimitRatio,
    /// Memory pressure, `some avg10`, a ratio.
    Pressure,
}

/// All figures, in the order of their columns.
pub const ALL_FIGURES: [Figure; FIGURES] = [
    Figure::Rss,
    Figure::HeapUsed,
    Figure::HeapTotal,
    Figure::External,
    Figure::ArrayBuffers,
    Figure::LiveHeap,
    Figure::CgroupWorkingSet,
    Figure::LimitRatio,
    Figure::Pressure,
];

impl Figure {
    /// Whether the figure is a size, which is stored in kilobytes.
    fn is_bytes(self) -> bool {
        !matches!(self, Self::LimitRatio | Self::Pressure)
    }
}

/// One reading's figures; a figure that isn't known is NaN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw {
    pub at_ms: u64,
    pub values: [f32; FIGURES],
}

/// Span and capacity of each tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryOptions {
    /// Readings kept as they are.
    pub raw_points: usize,
    /// Coarser tiers, finest first: milliseconds of a point, and number of points.
    pub tiers: Vec<(u64, usize)>,
}

impl Default for HistoryOptions {
    fn default() -> Self {
        Self {
            raw_points: 600,
            tiers: vec![(10_000, 720), (60_000, 1440), (900_000, 1344)],
        }
    }
}

/// The readings of the past, bounded.
///
/// Not synchronised: it belongs to the thread that samples, or behind the caller's lock.
#[derive(Debug)]
pub struct History {
    raw: Ring<Raw>,
    tiers: Vec<Merger>,
}

impl Default for History {
    fn default() -> Self {
        Self::new(&HistoryOptions::default())
    }
}

impl History {
    /// An empty history; memory is taken as points come. Capacities of 0 count as 1.
    pub fn new(options: &HistoryOptions) -> Self {
        Self {
            raw: Ring::new(options.raw_points),
            tiers: options
                .tiers
                .iter()
                .map(|(span_ms, points)| Merger::new(*span_ms, *points))
                .collect(),
        }
    }

    /// Keeps a sample's figures. Costs well under a microsecond, and an allocation only while the
    /// rings still grow.
    pub fn push(&mut self, sample: &Sample) {
        self.push_raw(raw_of(sample));
    }

    pub(crate) fn push_raw(&mut self, raw: Raw) {
        for tier in &mut self.tiers {
            tier.push(&raw);
        }
        self.raw.push(raw);
    }

    /// Bytes of memory the rings hold now.
    pub fn memory_bytes(&self) -> usize {
        self.raw.memory_bytes() + self.tiers.iter().map(Merger::memory_bytes).sum::<usize>()
    }

    /// Bytes of memory the rings will hold when full.
    pub fn max_memory_bytes(&self) -> usize {
        self.raw.max_memory_bytes()
            + self
                .tiers
                .iter()
                .map(Merger::max_memory_bytes)
                .sum::<usize>()
    }

    /// The last `window_ms` milliseconds, in at most `max_points` points, oldest first.
    ///
    /// The finest tier that reaches back far enough is used, or else the one that reaches back
    /// farthest; neighbours are merged until the points fit. The end of the window is the last
    /// reading. `max_points` of 0 gives no points.
    pub fn points(&self, window_ms: u64, max_points: usize) -> Points {
        let Some(newest) = self.raw.last().map(|raw| raw.at_ms) else {
            return Points::default();
        };
        let from = newest.saturating_sub(window_ms);
        let reaches = |oldest: Option<u64>| oldest.is_some_and(|at| at <= from);
        let complete = |ring_full: bool, oldest| !ring_full || reaches(oldest);
        if complete(self.raw.is_full(), self.raw.first().map(|r| r.at_ms)) {
            return Points::of_raw(self.raw.iter().filter(|raw| raw.at_ms >= from), max_points);
        }
        let tier = self
            .tiers
            .iter()
            .find(|tier| complete(tier.is_full(), tier.first_ms()))
            .or_else(|| self.tiers.iter().max_by_key(|tier| tier.reach_ms()));
        match tier {
            Some(tier) => Points::of_merged(tier.iter(from), max_points),
            None => Points::of_raw(self.raw.iter().filter(|raw| raw.at_ms >= from), max_points),
        }
    }
}

fn raw_of(sample: &Sample) -> Raw {
    let sum = |figure: fn(&crate::IsolateFigures) -> u64| {
        size(
            sample
                .isolates
                .iter()
                .map(figure)
                .fold(0, u64::saturating_add),
        )
    };
    let unknown = f32::NAN;
    let main = sample.isolates.iter().find(|isolate| isolate.id == 0);
    let array_buffers = sample
        .isolates
        .iter()
        .filter_map(|isolate| isolate.array_buffers_bytes)
        .reduce(u64::saturating_add);
    Raw {
        at_ms: sample.at_ms,
        values: [
            size(sample.process.rss_bytes),
            sum(|i| i.heap_used_bytes),
            sum(|i| i.heap_total_bytes),
            sum(|i| i.external_bytes),
            array_buffers.map_or(unknown, size),
            main.and_then(|i| i.live_heap_bytes).map_or(unknown, size),
            sample.cgroup.map_or(unknown, |c| size(c.working_set_bytes)),
            sample
                .limit
                .as_ref()
                .map_or(unknown, |limit| limit.nearest.ratio as f32),
            sample.pressure.map_or(unknown, |p| p.some_avg10 as f32),
        ],
    }
}

/// Bytes as stored: kilobytes.
fn size(bytes: u64) -> f32 {
    (bytes as f64 / 1024.0) as f32
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
