//! What a judge answers with.

use serde::Serialize;

use crate::{Metric, Threshold};

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Nothing to say.
    #[default]
    Calm,
    /// Worth a look.
    Warn,
    /// Worth an action.
    Critical,
}

impl Level {
    /// The name in JavaScript: `calm`, `warn`, `critical`.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Calm => "calm",
            Level::Warn => "warn",
            Level::Critical => "critical",
        }
    }
}

/// Which kind of judgement an alert comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AlertKind {
    /// A hard threshold of a rule.
    Threshold,
    /// The dynamic threshold learned for this hour of the day.
    Baseline,
    /// Mark-compacts near the heap limit that recover little.
    GcEffectiveness,
}

/// Something happened. Serialised with a `type` of `alert`, `eased` or `recovered`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Event {
    /// A level was reached, or lasts longer than the cool-down.
    Alert(Alert),
    /// A rule that was critical is at warn now: better, not good.
    Eased(Recovery),
    /// A rule that had given an alert is calm again.
    Recovered(Recovery),
}

/// Why, in figures and in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// The level that was reached.
    pub level: Level,
    /// The level before this reading; the same as `level` when the alert is a reminder after the cool-down.
    pub previous_level: Level,
    /// Which kind of judgement it comes from.
    pub kind: AlertKind,
    /// The rule's id; `baseline:<metric>` and `gcEffectiveness` for those that are no rules of the settings.
    pub rule: String,
    /// What was measured.
    pub metric: Metric,
    /// The last value, in bytes (a ratio for `pressure`).
    pub value: f64,
    /// What it is a part of, in the same unit.
    pub of: Option<f64>,
    /// What `of` is called.
    pub of_name: Option<String>,
    /// Value ÷ `of`; the value itself for `pressure`.
    pub ratio: Option<f64>,
    /// The threshold that the value is over.
    pub threshold: Threshold,
    /// How many consecutive readings (or GCs) over the threshold the alert rests on.
    pub violations: u32,
    /// Time from the first to the last of these, in ms.
    pub window_ms: u64,
    /// When the unbroken run of violations began, on the readings' monotonic clock. Earlier than the window when
    /// it has been going on for longer.
    pub first_violation_at_ms: u64,
    /// When the last of them was seen: now.
    pub at_ms: u64,
    /// The values of these readings, oldest first.
    pub values: Vec<f64>,
    /// What the GC did, for [`AlertKind::GcEffectiveness`].
    pub gc: Option<GcFigures>,
    /// All of this for a person.
    pub sentence: String,
}

/// What a run of ineffective major GCs did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GcFigures {
    /// How many in a row.
    pub count: u32,
    /// Share of the used heap that they gave back.
    pub recovered_ratio: f64,
    /// Share of the time that they took.
    pub time_ratio: f64,
}

/// A rule's level went down.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// The level now.
    pub level: Level,
    /// The level before.
    pub previous_level: Level,
    /// Which kind of judgement it was.
    pub kind: AlertKind,
    /// The rule's id.
    pub rule: String,
    /// What is measured.
    pub metric: Metric,
    /// The last value; absent when the rule ended without one (it was removed, or nothing is measured any more).
    pub value: Option<f64>,
    /// What it is a part of.
    pub of: Option<f64>,
    /// What `of` is called.
    pub of_name: Option<String>,
    /// Value ÷ `of`; the value itself for `pressure`.
    pub ratio: Option<f64>,
    /// How long the rule was above calm, in ms.
    pub lasted_ms: u64,
    /// When, on the readings' monotonic clock.
    pub at_ms: u64,
    /// All of this for a person.
    pub sentence: String,
}
