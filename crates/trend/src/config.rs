//! Settings of a judge, and what is wrong with them.

use std::fmt::Debug;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::{Error, Metric, Threshold};

const WEEK_MS: u64 = 7 * 86_400_000;
const MAX_RULES: usize = 64;
const MAX_ID_BYTES: usize = 64;
/// A baseline is a few KB; more metrics than this would make it something else.
const MAX_BASELINE_METRICS: usize = 4;

/// Hard thresholds on one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Name of the rule in events, unique among the rules. Up to 64 bytes.
    pub id: String,
    /// What is judged.
    pub metric: Metric,
    /// Over this a reading counts for warn.
    #[serde(default)]
    pub warn: Option<Threshold>,
    /// Over this a reading counts for critical. Must be above `warn`.
    #[serde(default)]
    pub critical: Option<Threshold>,
}

/// Settings of a [`Judge`](crate::Judge). Check with [`JudgeConfig::validate`]; the judge does it too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct JudgeConfig {
    /// The hard thresholds. Default: `heapThreshold`, used heap over 85 % of its limit.
    pub rules: Vec<Rule>,
    /// How many consecutive readings must violate a threshold, 1 to 100. Default 3.
    pub violations: u32,
    /// Violations older than this, in ms, no longer count. Default 5 min. Readings further apart than
    /// [`JudgeConfig::max_interval_ms`] can never raise an alert.
    pub window_ms: u64,
    /// Share of the threshold by which a value must have fallen below it before the level goes down, 0 to 0.5.
    /// Default 0.05: a threshold of 85 % is left at 80.75 %.
    pub hysteresis: f64,
    /// How many consecutive readings must be that low, 1 to 100. Default 3.
    pub recover_after: u32,
    /// The same rule speaks of the same level again only after this many ms. Default 10 min.
    pub cooldown_ms: u64,
    /// Age in ms up to which a process is warming up: nothing is learned and no dynamic threshold holds. Hard
    /// thresholds hold from the first reading. Default 5 min.
    pub warmup_ms: u64,
    /// GC effectiveness; `None` turns it off. Default on.
    pub gc: Option<GcConfig>,
    /// Dynamic thresholds from a learned baseline; `None` turns them off. Default on.
    pub baseline: Option<BaselineConfig>,
}

impl Default for JudgeConfig {
    fn default() -> Self {
        Self {
            rules: vec![Rule {
                id: "heapThreshold".to_owned(),
                metric: Metric::HeapUsed,
                warn: Some(Threshold::Ratio(0.85)),
                critical: None,
            }],
            violations: 3,
            window_ms: 300_000,
            hysteresis: 0.05,
            recover_after: 3,
            cooldown_ms: 600_000,
            warmup_ms: 300_000,
            gc: Some(GcConfig::default()),
            baseline: Some(BaselineConfig::default()),
        }
    }
}

/// When major GCs count as ineffective. See [`MajorGc`](crate::MajorGc).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GcConfig {
    /// Live heap ÷ old-space limit from which a GC is near the limit, over 0 and at most 1. Default 0.8, as in V8.
    pub near_limit: f64,
    /// Share of time in major GCs from which a GC near the limit is ineffective, whatever it recovers. Default 0.6,
    /// as in V8.
    pub time_ratio: f64,
    /// Live heap ÷ limit from which a GC can also be futile, over 0 and at most 1. Default 0.9.
    pub futile_near_limit: f64,
    /// Share of the used heap below which a GC is futile if, besides, it recovers less than half of the growth since
    /// the last. Default 0.05.
    pub futile_recovery: f64,
    /// Only a GC within this many ms of the last can be futile, up to a day. Default 30 s.
    pub futile_interval_ms: u64,
    /// How many ineffective GCs in a row are a warning. Default 2.
    pub warn_after: u32,
    /// How many in a row are critical. Default 3; V8 aborts the process at 4.
    pub critical_after: u32,
}

impl Default for GcConfig {
    fn default() -> Self {
        Self {
            near_limit: 0.8,
            time_ratio: 0.6,
            futile_near_limit: 0.9,
            futile_recovery: 0.05,
            futile_interval_ms: 30_000,
            warn_after: 2,
            critical_after: 3,
        }
    }
}

/// How a baseline is learned and what is made of it. See [`Baseline`](crate::Baseline).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BaselineConfig {
    /// What is learned, 1 to 4 metrics. Default live heap and RSS.
    pub metrics: Vec<Metric>,
    /// From how many days an hour must be known before its threshold holds, 1 to 7. Default 3.
    pub min_days: u32,
    /// How many robust standard deviations (1.4826 × MAD over the days) above the median a value must be, 0 to 20.
    /// Default 4.
    pub deviations: f64,
    /// Share by which it must be above anyway when the week is known, 0 to 10; with fewer days it widens to
    /// `relativeMargin × 7 ÷ days`. Default 0.3.
    pub relative_margin: f64,
    /// Bytes by which it must be above anyway. Default 32 MB.
    pub margin_bytes: u64,
    /// The same for metrics that are ratios (pressure, cgroup use, …), 0 to 1. Default 0.05.
    pub margin_ratio: f64,
    /// How long, in ms, every reading must have been above before it is an alert. Default 5 min: a spike is not
    /// another level.
    pub sustain_ms: u64,
    /// How long, in ms, a process must have stayed calm after an hour before that hour is believed, up to a week.
    /// Default 24 h.
    pub quarantine_ms: u64,
}

impl Default for BaselineConfig {
    fn default() -> Self {
        Self {
            metrics: vec![Metric::LiveHeap, Metric::Rss],
            min_days: 3,
            deviations: 4.0,
            relative_margin: 0.3,
            margin_bytes: 32 << 20,
            margin_ratio: 0.05,
            sustain_ms: 300_000,
            quarantine_ms: 86_400_000,
        }
    }
}

impl JudgeConfig {
    /// The longest interval between readings, in ms, with which `violations` of them still fall within the window.
    /// A sampler that is slower than this makes every rule mute; with one violation any interval will do.
    pub fn max_interval_ms(&self) -> u64 {
        match self.violations {
            0 | 1 => u64::MAX,
            violations => self.window_ms / u64::from(violations - 1),
        }
    }

    /// Finds the first setting that is out of range or contradicts another.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] with the option's path, its value and what was expected.
    pub fn validate(&self) -> Result<(), Error> {
        within("violations", self.violations, 1..=100)?;
        within("windowMs", self.window_ms, 1..=WEEK_MS)?;
        within("hysteresis", self.hysteresis, 0.0..=0.5)?;
        within("recoverAfter", self.recover_after, 1..=100)?;
        within("cooldownMs", self.cooldown_ms, 0..=WEEK_MS)?;
        within("warmupMs", self.warmup_ms, 0..=WEEK_MS)?;
        self.validate_rules()?;
        self.gc.as_ref().map_or(Ok(()), GcConfig::validate)?;
        self.baseline
            .as_ref()
            .map_or(Ok(()), BaselineConfig::validate)
    }

    fn validate_rules(&self) -> Result<(), Error> {
        if self.rules.len() > MAX_RULES {
            return Err(invalid(
                "rules",
                self.rules.len(),
                format!("at most {MAX_RULES} rules"),
            ));
        }
        for (i, rule) in self.rules.iter().enumerate() {
            let at = format!("rules[{i}]");
            if rule.id.is_empty() || rule.id.len() > MAX_ID_BYTES {
                return Err(invalid(
                    format!("{at}.id"),
                    &rule.id,
                    format!("a name of 1 to {MAX_ID_BYTES} bytes"),
                ));
            }
            if self.rules[..i].iter().any(|other| other.id == rule.id) {
                return Err(invalid(
                    format!("{at}.id"),
                    &rule.id,
                    "an id that no other rule has",
                ));
            }
            rule.validate(&at)?;
        }
        Ok(())
    }
}

impl Rule {
    fn validate(&self, at: &str) -> Result<(), Error> {
        for (name, threshold) in [("warn", self.warn), ("critical", self.critical)] {
            let option = format!("{at}.{name}");
            match threshold {
                None => {}
                Some(Threshold::Ratio(ratio)) if ratio > 0.0 && ratio <= 1.0 => {}
                Some(Threshold::Ratio(ratio)) => {
                    return Err(invalid(option, ratio, "a ratio over 0 and at most 1"));
                }
                Some(Threshold::Bytes(bytes)) if self.metric.is_ratio() => {
                    return Err(invalid(
                        option,
                        bytes,
                        format!("a ratio, as {} has no bytes", self.metric.name()),
                    ));
                }
                Some(Threshold::Bytes(0)) => return Err(invalid(option, 0, "more than 0 bytes")),
                Some(Threshold::Bytes(_)) => {}
            }
        }
        let ordered = match (self.warn, self.critical) {
            (None, None) => {
                return Err(invalid(
                    at,
                    &self.id,
                    "a threshold for warn, critical or both",
                ));
            }
            (Some(Threshold::Ratio(warn)), Some(Threshold::Ratio(critical))) => warn < critical,
            (Some(Threshold::Bytes(warn)), Some(Threshold::Bytes(critical))) => warn < critical,
            // A ratio and a size can only be compared when the whole is known.
            _ => true,
        };
        if ordered {
            return Ok(());
        }
        let value = |threshold: Option<Threshold>| match threshold {
            Some(Threshold::Ratio(ratio)) => ratio.to_string(),
            Some(Threshold::Bytes(bytes)) => bytes.to_string(),
            None => String::new(),
        };
        let expected = format!("less than critical, which is {}", value(self.critical));
        Err(Error::InvalidOption {
            option: format!("{at}.warn"),
            value: value(self.warn),
            expected,
        })
    }
}

impl GcConfig {
    fn validate(&self) -> Result<(), Error> {
        within("gc.nearLimit", self.near_limit, f64::MIN_POSITIVE..=1.0)?;
        within("gc.timeRatio", self.time_ratio, 0.0..=1.0)?;
        within(
            "gc.futileNearLimit",
            self.futile_near_limit,
            f64::MIN_POSITIVE..=1.0,
        )?;
        within("gc.futileRecovery", self.futile_recovery, 0.0..=1.0)?;
        within(
            "gc.futileIntervalMs",
            self.futile_interval_ms,
            0..=86_400_000,
        )?;
        within("gc.warnAfter", self.warn_after, 1..=100)?;
        within("gc.criticalAfter", self.critical_after, 1..=100)?;
        if self.warn_after >= self.critical_after {
            let expected = format!("less than criticalAfter, which is {}", self.critical_after);
            return Err(invalid("gc.warnAfter", self.warn_after, expected));
        }
        Ok(())
    }
}

impl BaselineConfig {
    fn validate(&self) -> Result<(), Error> {
        if self.metrics.is_empty() || self.metrics.len() > MAX_BASELINE_METRICS {
            let expected = format!("1 to {MAX_BASELINE_METRICS} metrics");
            return Err(invalid("baseline.metrics", self.metrics.len(), expected));
        }
        for (i, metric) in self.metrics.iter().enumerate() {
            if self.metrics[..i].contains(metric) {
                return Err(invalid(
                    format!("baseline.metrics[{i}]"),
                    metric.name(),
                    "each metric once",
                ));
            }
        }
        within("baseline.minDays", self.min_days, 1..=7)?;
        within("baseline.deviations", self.deviations, 0.0..=20.0)?;
        within("baseline.relativeMargin", self.relative_margin, 0.0..=10.0)?;
        within("baseline.marginRatio", self.margin_ratio, 0.0..=1.0)?;
        within("baseline.sustainMs", self.sustain_ms, 0..=86_400_000)?;
        within("baseline.quarantineMs", self.quarantine_ms, 0..=WEEK_MS)
    }
}

fn within<T: PartialOrd + Debug>(
    option: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), Error> {
    // NaN is in no range.
    if range.contains(&value) {
        return Ok(());
    }
    // The least positive number stands for "over 0", and nobody wants to read its 300 digits.
    let start = format!("{:?}", range.start());
    let expected = match start.strip_prefix("2.2250738585072014e-308") {
        Some(_) => format!("over 0 and at most {:?}", range.end()),
        None => format!("{start} to {:?}", range.end()),
    };
    Err(Error::InvalidOption {
        option: option.to_owned(),
        value: format!("{value:?}"),
        expected,
    })
}

fn invalid(option: impl Into<String>, value: impl ToString, expected: impl Into<String>) -> Error {
    Error::InvalidOption {
        option: option.into(),
        value: value.to_string(),
        expected: expected.into(),
    }
}
