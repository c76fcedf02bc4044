//! What can be judged: metrics, their figures, and thresholds on them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A figure of a process or isolate that a rule can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Metric {
    /// Used bytes of the V8 heap, of V8's `heap_size_limit`: the ratio behind `heapThreshold`.
    HeapUsed,
    /// Used bytes of the V8 heap, of the bytes that V8 has reserved for it (`heapTotal`).
    HeapUsedOfTotal,
    /// Used bytes right after a major GC, of the old-space limit at which V8 really aborts.
    LiveHeap,
    /// Use of the limit that is nearest (heap, cgroup, rlimit, machine); the figure names it.
    EffectiveUse,
    /// Resident set size of the process.
    Rss,
    /// Memory outside of the heap that V8 accounts for (`external`).
    External,
    /// Bytes of `ArrayBuffer`s and `SharedArrayBuffer`s, Node's `Buffer`s among them.
    ArrayBuffers,
    /// Memory charged to the control group, of its limit.
    CgroupUse,
    /// Share of time in which some task waited for memory (PSI `some avg10`), from 0 to 1.
    Pressure,
}

impl Metric {
    /// Every metric, in the order of declaration.
    pub const ALL: [Metric; 9] = [
        Metric::HeapUsed,
        Metric::HeapUsedOfTotal,
        Metric::LiveHeap,
        Metric::EffectiveUse,
        Metric::Rss,
        Metric::External,
        Metric::ArrayBuffers,
        Metric::CgroupUse,
        Metric::Pressure,
    ];

    /// The name as it stands in a sentence: "heap used", "RSS", …
    pub const fn label(self) -> &'static str {
        match self {
            Metric::HeapUsed | Metric::HeapUsedOfTotal => "heap used",
            Metric::LiveHeap => "live heap",
            Metric::EffectiveUse => "memory",
            Metric::Rss => "RSS",
            Metric::External => "external memory",
            Metric::ArrayBuffers => "array buffers",
            Metric::CgroupUse => "cgroup memory",
            Metric::Pressure => "memory pressure",
        }
    }

    /// The name in JavaScript and in rule ids: `heapUsed`, `rss`, …
    pub const fn name(self) -> &'static str {
        match self {
            Metric::HeapUsed => "heapUsed",
            Metric::HeapUsedOfTotal => "heapUsedOfTotal",
            Metric::LiveHeap => "liveHeap",
            Metric::EffectiveUse => "effectiveUse",
            Metric::Rss => "rss",
            Metric::External => "external",
            Metric::ArrayBuffers => "arrayBuffers",
            Metric::CgroupUse => "cgroupUse",
            Metric::Pressure => "pressure",
        }
    }

    /// Whether the value is a ratio by itself and has no bytes.
    pub const fn is_ratio(self) -> bool {
        matches!(self, Metric::Pressure)
    }

    /// Position in arrays over all metrics.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// Whether the baseline learns the ratio rather than bytes: where the thing that it is a part of moves.
    pub(crate) const fn learned_as_ratio(self) -> bool {
        matches!(
            self,
            Metric::HeapUsedOfTotal | Metric::EffectiveUse | Metric::CgroupUse | Metric::Pressure
        )
    }
}

/// Where a level begins. A reading violates it when it is *over* it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Threshold {
    /// Share of what the figure is a part of, over 0 and at most 1.
    Ratio(f64),
    /// Absolute size in bytes.
    Bytes(u64),
}

impl Threshold {
    /// The threshold in the unit of the figure's value, if the figure has what is needed.
    pub(crate) fn resolve(self, metric: Metric, figure: &Figure) -> Option<f64> {
        match self {
            Threshold::Bytes(bytes) => Some(bytes as f64),
            Threshold::Ratio(ratio) if metric.is_ratio() => Some(ratio),
            Threshold::Ratio(ratio) => figure.whole().map(|whole| ratio * whole),
        }
    }
}

/// One measured value, with what it is a part of.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Bytes, or a ratio for [`Metric::Pressure`]. Anything that is not a finite number ≥ 0 counts as missing.
    pub value: f64,
    /// What the value is a part of, in the same unit; ratio thresholds need it.
    pub of: Option<f64>,
    /// What `of` is called in sentences: "heap limit", "cgroup limit", …
    pub of_name: Option<Cow<'static, str>>,
    /// When it was measured, on the clock of [`Reading::at_ms`](crate::Reading::at_ms), where that is not the
    /// moment of the reading. Readings that repeat a figure of the same time tell little new: it is judged again
    /// only after `windowMs ÷ violations`, not with each of them. Set it for [`Metric::LiveHeap`], which is as old
    /// as the last major GC.
    pub measured_at_ms: Option<u64>,
}

impl Figure {
    /// A value by itself.
    pub const fn new(value: f64) -> Self {
        Self {
            value,
            of: None,
            of_name: None,
            measured_at_ms: None,
        }
    }

    /// The same value as a part of something that has a name.
    #[must_use]
    pub fn of(mut self, whole: f64, name: impl Into<Cow<'static, str>>) -> Self {
        self.of = Some(whole);
        self.of_name = Some(name.into());
        self
    }

    /// The same value, measured at another moment than that of the reading.
    #[must_use]
    pub const fn measured_at(mut self, at_ms: u64) -> Self {
        self.measured_at_ms = Some(at_ms);
        self
    }

    /// Value ÷ `of`, where there is a sensible `of`.
    pub fn ratio(&self) -> Option<f64> {
        self.whole().map(|whole| self.value / whole)
    }

    pub(crate) fn is_sane(&self) -> bool {
        self.value.is_finite() && self.value >= 0.0
    }

    fn whole(&self) -> Option<f64> {
        self.of.filter(|of| of.is_finite() && *of > 0.0)
    }
}
