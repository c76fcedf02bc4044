//! Where a judge stands, for reports.

use serde::Serialize;

use crate::{AlertKind, GcFigures, Level, Metric, Threshold};

/// Everything a report says about the judgement.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JudgeState {
    /// The highest level of all rules.
    pub level: Level,
    /// The hard rules in the order of the settings, then the dynamic ones.
    pub rules: Vec<RuleState>,
    /// GC effectiveness, unless it is turned off.
    pub gc: Option<GcState>,
    /// What the baseline knows, unless it is turned off.
    pub baseline: Option<BaselineState>,
}

/// Where one rule stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleState {
    /// The rule's id.
    pub rule: String,
    /// Hard or dynamic.
    pub kind: AlertKind,
    /// What is judged.
    pub metric: Metric,
    /// The rule's level.
    pub level: Level,
    /// The last value, in bytes (a ratio for `pressure`); `None` when nothing was ever measured.
    pub value: Option<f64>,
    /// What it is a part of.
    pub of: Option<f64>,
    /// What `of` is called.
    pub of_name: Option<String>,
    /// Value ÷ `of`; the value itself for `pressure`.
    pub ratio: Option<f64>,
    /// Where warn begins. `None` for a dynamic rule that has none at this hour.
    pub warn: Option<Threshold>,
    /// Where critical begins.
    pub critical: Option<Threshold>,
    /// Consecutive violations of warn that count so far.
    pub warn_violations: u32,
    /// Consecutive violations of critical that count so far.
    pub critical_violations: u32,
    /// How many it takes.
    pub needed: u32,
    /// Since when the rule is above calm, on the readings' monotonic clock.
    pub raised_at_ms: Option<u64>,
}

/// Where GC effectiveness stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GcState {
    /// Its level.
    pub level: Level,
    /// Share of recent time that went into major GCs, by V8's running average; `None` before the second GC.
    pub time_ratio: Option<f64>,
    /// Live heap ÷ limit after the last major GC.
    pub live_ratio: Option<f64>,
    /// The present run of ineffective GCs, if there is one.
    pub ineffective: Option<GcFigures>,
}

/// What a baseline knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BaselineState {
    /// Hours that are believed, over all metrics.
    pub hours: u32,
    /// Hours that wait for the end of their quarantine, over all metrics.
    pub pending_hours: u32,
    /// Days from which the best known hour is known, 0 to 7.
    pub days: u32,
    /// Whether it is learning now: past warm-up, calm, and calm long enough after the last alarm.
    pub learning: bool,
}
