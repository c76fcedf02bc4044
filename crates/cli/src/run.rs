//! What is measured of a program under load: figures of requests, curves of memory, and what these say.
//!
//! JavaScript measures and writes down, this judges. `load`, `ci` and `hunt` keep what they measured in the same
//! form, so that `compare-runs` can set any two against each other.

use std::collections::BTreeMap;

use memguard_trend::curve::{Course, Curve, Point, Tolerance};
use serde::{Deserialize, Serialize};

const HOUR_MS: f64 = 3_600_000.0;
const THOUSAND: f64 = 1_000.0;

/// What came of requests. Latencies are of those that were answered with a status below 400.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoadFigures {
    /// What was asked.
    pub(crate) urls: Vec<String>,
    /// By what method.
    pub(crate) method: String,
    /// Requests under way at once, at most.
    pub(crate) concurrency: u32,
    /// Requests a second that were due; none where each caller waits for its answer.
    pub(crate) rate: Option<f64>,
    /// A request is given up after so long.
    pub(crate) timeout_ms: u64,
    /// For how long it was measured.
    pub(crate) duration_ms: f64,
    /// Requests answered with a status below 400.
    pub(crate) succeeded: u64,
    /// All others.
    pub(crate) failed: u64,
    /// Answers by status.
    pub(crate) statuses: BTreeMap<String, u64>,
    /// Failures without an answer, by Node's code of the error.
    pub(crate) errors: BTreeMap<String, u64>,
    /// Requests that took too long.
    pub(crate) timeouts: u64,
    /// Requests that were due by the rate and never sent, because too many were under way.
    pub(crate) unsent: u64,
    /// Bytes of bodies received.
    pub(crate) bytes: u64,
    /// Succeeded ones.
    pub(crate) requests_per_second: f64,
    /// With a rate, from when a request was due; else from when it was sent. None where none succeeded.
    pub(crate) latency_ms: Option<Latency>,
    /// How late the generator itself was, at its 99th percentile.
    pub(crate) generator_delay_ms: f64,
    /// Second by second, or coarser where it took long.
    pub(crate) timeline: Vec<Row>,
}

/// How long answers took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) min: f64,
    pub(crate) avg: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    /// When it ended.
    pub(crate) at_ms: f64,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) avg_ms: Option<f64>,
    pub(crate) max_ms: Option<f64>,
}

/// Memory of a process over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Memory {
    pub(crate) pid: u32,
    /// What was started, or what the process calls itself.
    pub(crate) title: Option<String>,
    /// Where its heap ends, in bytes.
    #[serde(default)]
    pub(crate) heap_limit_bytes: Option<u64>,
    pub(crate) samples: Vec<Sample>,
    /// What each part of it does: filled in here.
    #[serde(default)]
    pub(crate) growth: Vec<PartGrowth>,
}

/// Memory at one moment, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sample {
    /// Since the measurement began.
    pub(crate) at_ms: f64,
    /// Requests answered by then.
    pub(crate) requests: u64,
    pub(crate) rss_bytes: Option<u64>,
    /// After a collection of all garbage, or counted in the heap itself.
    pub(crate) live_heap_bytes: Option<u64>,
    /// Outside of the heap, held by its objects.
    pub(crate) external_bytes: Option<u64>,
    /// Which measurement of several it belongs to; 0 is the warm-up.
    #[serde(default = "first")]
    pub(crate) window: u32,
}

fn first() -> u32 {
    1
}

/// A part of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Part {
    LiveHeap,
    External,
    Rss,
}

impl Part {
    pub(crate) const ALL: [Self; 3] = [Self::LiveHeap, Self::External, Self::Rss];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::LiveHeap => "live heap",
            Self::External => "external memory",
            Self::Rss => "RSS",
        }
    }

    pub(crate) fn of(self, sample: &Sample) -> Option<u64> {
        match self {
            Self::LiveHeap => sample.live_heap_bytes,
            Self::External => sample.external_bytes,
            Self::Rss => sample.rss_bytes,
        }
    }
}

/// What is no growth, part by part, over one measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tolerances {
    pub(crate) live_heap: Tolerance,
    pub(crate) external: Tolerance,
    pub(crate) rss: Tolerance,
}

impl Default for Tolerances {
    fn default() -> Self {
        let of = |bytes: u32, share| Tolerance {
            bytes: f64::from(bytes),
            share,
            slope: 0.0,
        };
        Self {
            live_heap: of(256 << 10, 0.01),
            external: of(1 << 20, 0.02),
            // What allocators keep, compiled code, stacks: it settles later than anything else.
            rss: of(16 << 20, 0.1),
        }
    }
}

impl Tolerances {
    pub(crate) fn of(&self, part: Part) -> &Tolerance {
        match part {
            Part::LiveHeap => &self.live_heap,
            Part::External => &self.external,
            Part::Rss => &self.rss,
        }
    }
}

/// What a part of memory does. Intervals are of 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartGrowth {
    pub(crate) part: Part,
    pub(crate) course: Course,
    /// From the line's first value to its last.
    pub(crate) first_bytes: f64,
    pub(crate) last_bytes: f64,
    pub(crate) bytes_per_hour: f64,
    pub(crate) bytes_per_hour_interval: [f64; 2],
    /// None where there were no requests.
    pub(crate) bytes_per_1000_requests: Option<f64>,
    pub(crate) bytes_per_1000_requests_interval: Option<[f64; 2]>,
    /// Mann–Kendall's z.
    pub(crate) z: f64,
    pub(crate) points: usize,
    /// What would have been tolerated, in bytes over the measurement.
    pub(crate) tolerated_bytes: f64,
}

impl Memory {
    /// Judges what was measured after the warm-up, in the last measurement.
    pub(crate) fn judge(&mut self, tolerances: &Tolerances) {
        self.growth = Part::ALL
            .into_iter()
            .filter_map(|part| self.growth_of(part, tolerances))
            .collect();
    }

    fn growth_of(&self, part: Part, tolerances: &Tolerances) -> Option<PartGrowth> {
        let points = |at: fn(&Sample) -> f64| -> Vec<Point> {
            self.measured()
                .filter_map(|sample| {
                    let value = part.of(sample)? as f64;
                    Some(Point {
                        at: at(sample),
                        value,
                    })
                })
                .collect()
        };
        let by_time = points(|sample| sample.at_ms);
        if by_time.is_empty() {
            return None;
        }
        let curve = Curve::of(&by_time, tolerances.of(part));
        let by_requests = points(|sample| sample.requests as f64);
        let asked = by_requests.last().is_some_and(|last| last.at > 0.0);
        let requests = asked.then(|| Curve::of(&by_requests, tolerances.of(part)));
        Some(PartGrowth {
            part,
            course: curve.course,
            first_bytes: curve.first,
            last_bytes: curve.last,
            bytes_per_hour: curve.slope * HOUR_MS,
            bytes_per_hour_interval: curve.slope_interval.map(|slope| slope * HOUR_MS),
            bytes_per_1000_requests: requests.map(|curve| curve.slope * THOUSAND),
            bytes_per_1000_requests_interval: requests
                .map(|curve| curve.slope_interval.map(|slope| slope * THOUSAND)),
            z: curve.z,
            points: curve.points,
            tolerated_bytes: curve.tolerated,
        })
    }

    /// Samples of the last measurement.
    pub(crate) fn measured(&self) -> impl Iterator<Item = &Sample> {
        let last = self.samples.iter().map(|sample| sample.window).max();
        self.samples
            .iter()
            .filter(move |sample| Some(sample.window) == last && sample.window > 0)
    }

    /// The growth of a part.
    pub(crate) fn part(&self, part: Part) -> Option<&PartGrowth> {
        self.growth.iter().find(|growth| growth.part == part)
    }
}

/// What any file of a run has, as far as runs are compared.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    pub(crate) schema: String,
    #[serde(default)]
    pub(crate) load: Option<LoadFigures>,
    #[serde(default)]
    pub(crate) memory: Option<Memory>,
}
