//! What a judge is fed with.

use crate::{Figure, Metric};

/// What was known of a process or isolate at one moment.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Monotonic time in ms, from any origin. A step backwards is taken as no time having passed.
    pub at_ms: u64,
    /// Unix time in ms: tells the hour of the day for the baseline, nothing else.
    pub wall_ms: u64,
    /// Local time minus UTC, in minutes.
    pub utc_offset_minutes: i32,
    /// How long the process (or isolate) has been running, in ms: warm-up is left out of the baseline.
    pub age_ms: u64,
    figures: [Option<Figure>; Metric::ALL.len()],
}

impl Reading {
    /// A reading without figures; wall time and age are those of a process started at 0 on the monotonic clock.
    pub fn at(at_ms: u64) -> Self {
        Self {
            at_ms,
            wall_ms: at_ms,
            age_ms: at_ms,
            ..Self::default()
        }
    }

    /// The same reading at this unix time and distance of local time from UTC.
    #[must_use]
    pub const fn wall(mut self, wall_ms: u64, utc_offset_minutes: i32) -> Self {
        self.wall_ms = wall_ms;
        self.utc_offset_minutes = utc_offset_minutes;
        self
    }

    /// The same reading of a process (or isolate) that has been running for so long.
    #[must_use]
    pub const fn age(mut self, age_ms: u64) -> Self {
        self.age_ms = age_ms;
        self
    }

    /// The same reading with one figure more.
    #[must_use]
    pub fn with(mut self, metric: Metric, figure: Figure) -> Self {
        self.set(metric, figure);
        self
    }

    /// Sets or replaces a figure.
    pub fn set(&mut self, metric: Metric, figure: Figure) {
        self.figures[metric.index()] = Some(figure);
    }

    /// The figure, unless it is missing or not a finite number ≥ 0.
    pub fn get(&self, metric: Metric) -> Option<&Figure> {
        self.figures[metric.index()]
            .as_ref()
            .filter(|figure| figure.is_sane())
    }
}

/// One finished major GC (mark-compact) of one isolate. Leave out those that were asked for (a forced GC, the several
/// that V8 does before a heap snapshot): one after another recovers nothing, and says nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MajorGc {
    /// When it ended, on the clock of [`Reading::at_ms`].
    pub at_ms: u64,
    /// How long the isolate stood still for it, in ms.
    pub duration_ms: f64,
    /// Used bytes of the heap before.
    pub used_before: u64,
    /// Used bytes of the heap after: the live heap.
    pub used_after: u64,
    /// Old-space limit in bytes at that moment; 0 when unknown (then nothing is judged).
    pub limit: u64,
}
