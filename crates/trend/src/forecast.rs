//! Where memory is headed: whether a limit will be reached within the next half hour, when, and why.
//!
//! # Method
//! A [`Forecaster`] watches one limit. It keeps the live heap after major GCs (or, where those are unknown or too few, the
//! lower envelope of what was used) in blocks of time, up to nine horizons back. Every tenth of a horizon it estimates
//! slopes and trends over four windows by pairs of points (Theil–Sen, Mann–Kendall), makes of them numbers without a
//! unit (growth ÷ what is left, noise ÷ what is left, the height of earlier peaks, how often the level fell back), and asks
//! a small model for the probability. Peaks that were seen before and saw-teeth that always fell back are why a batch
//! job, a day's load or a cache that fills is no leak.
//!
//! Twice in a row at or above `watch` or `act` raises the level; three times below half of it lowers it. That a limit is
//! all but reached is no forecast: the thresholds of a [`Judge`](crate::Judge) say so.
//!
//! # Time
//! Every time constant is divided by one number, [`ForecastConfig::pace`].
//!
//! # Cost
//! A reading costs some hundred instructions; a decision, each three minutes and only when a twentieth of the limit is in
//! use, some tens of thousands. A forecaster holds about 5 KB.

mod config;
mod features;
mod ladder;
mod makeup;
mod model;
mod outlook;
mod robust;
mod sentence;
mod series;

pub use config::ForecastConfig;
pub use ladder::ForecastLevel;
pub use makeup::{Growth, Makeup, MakeupReading, Part, Verdict};
pub use outlook::Outlook;
pub(crate) use robust::{median, quantile};
pub use sentence::sentence as forecast_sentence;

use crate::clock::ForwardClock;
use ladder::Ladder;
use model::Model;
use series::Series;

/// The parts of a forecast, number by number, for its evaluation and training.
#[cfg(feature = "study")]
pub mod study {
    pub use super::features::{COUNT, NAMES};
    pub use super::model::{LEAVES, Model, SPLITS, Tree};
}

/// What was measured of one limit at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitReading {
    /// Monotonic time in ms.
    pub at_ms: u64,
    /// Bytes used.
    pub used: f64,
    /// Bytes live after the last major GC and when that was; `None` where there is no such thing.
    pub live: Option<(f64, u64)>,
    /// The limit in bytes: from here on the end may come.
    pub limit: f64,
    /// By how many bytes more the limit may be exceeded before it must come: V8 gives up somewhere in the last nursery's
    /// worth of its old space. 0 where a limit is a limit.
    pub grace: f64,
}

/// Foresees whether one limit is reached. Deterministic: readings in, outlooks out.
#[derive(Clone, Debug)]
pub struct Forecaster {
    config: ForecastConfig,
    model: Model,
    clock: ForwardClock,
    series: Series,
    ladder: Ladder,
    began_ms: Option<u64>,
    decided_ms: u64,
    limit: f64,
    grace: f64,
    last: Option<Decision>,
}

#[derive(Clone, Copy, Debug)]
struct Decision {
    probability: f64,
    /// Share of the limit.
    level: f64,
}

/// Decisions to a horizon, and when something is going on.
const CALM_DECISIONS: u64 = 10;
const BUSY_DECISIONS: u64 = 20;
/// Below this share of a limit the model is not asked: who fills all the rest within a horizon is above it in a minute or
/// two.
const NEGLIGIBLE: f64 = 0.05;
/// From these on something is going on.
const BUSY_PROBABILITY: f64 = 0.15;
const BUSY_LEVEL: f64 = 0.75;
/// Mann–Kendall's z from which a trend is no chance: 5 %, one-sided.
const SIGNIFICANT: f64 = 1.645;
/// Beyond so many horizons no time is told.
const FARTHEST: f64 = 100.0;
/// By how much the quartiles of the slopes are widened, so that the interval holds four of five ends.
const WIDER: f64 = 1.5;

impl Forecaster {
    /// Watches a limit with the model of this release.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption): see [`ForecastConfig::validate`].
    pub fn new(config: ForecastConfig) -> Result<Self, crate::Error> {
        Self::with(config, Model::shipped())
    }

    /// The same with another model.
    ///
    /// # Errors
    /// As for [`Forecaster::new`].
    #[cfg(feature = "study")]
    pub fn with_model(config: ForecastConfig, model: Model) -> Result<Self, crate::Error> {
        Self::with(config, model)
    }

    fn with(config: ForecastConfig, model: Model) -> Result<Self, crate::Error> {
        config.validate()?;
        Ok(Self {
            series: Series::new(config.horizon_ms()),
            config,
            model,
            clock: ForwardClock::default(),
            ladder: Ladder::default(),
            began_ms: None,
            decided_ms: 0,
            limit: 0.0,
            grace: 0.0,
            last: None,
        })
    }

    /// Takes a reading. Answers the level before it, when it has changed. What is no number, or no limit, is left out.
    pub fn observe(&mut self, reading: &LimitReading) -> Option<ForecastLevel> {
        let sane = |value: f64| value.is_finite() && value >= 0.0;
        if !sane(reading.used) || !sane(reading.limit) || reading.limit == 0.0 {
            return None;
        }
        let now = self.clock.advance(reading.at_ms);
        // The reading's clock may have stepped back; the age of the live heap has not.
        let live = reading
            .live
            .filter(|(live, _)| sane(*live))
            .map(|(live, at)| (live, now.saturating_sub(reading.at_ms.saturating_sub(at))));
        self.limit = reading.limit;
        self.grace = if sane(reading.grace) {
            reading.grace
        } else {
            0.0
        };
        self.series.push(now, reading.used, live);
        let began = *self.began_ms.get_or_insert(now);
        let horizon = self.config.horizon_ms();
        let age = now - began;
        if age < horizon / 2 || now - self.decided_ms < self.step_ms() {
            return None;
        }
        self.decided_ms = now;
        let level = self.series.level()? / self.limit;
        let probability = if level < NEGLIGIBLE {
            self.model.least()
        } else {
            self.model.probability(&self.features(now)?)
        };
        self.last = Some(Decision { probability, level });
        self.ladder
            .step(probability, self.config.watch, self.config.act)
    }

    fn features(&self, now: u64) -> Option<[f64; features::COUNT]> {
        let age = now.saturating_sub(self.began_ms?) as f64 / self.config.horizon_ms() as f64;
        features::features(&self.series, self.limit, self.grace, age)
    }

    fn step_ms(&self) -> u64 {
        let busy = self
            .last
            .is_some_and(|last| last.probability >= BUSY_PROBABILITY || last.level >= BUSY_LEVEL);
        self.config.horizon_ms() / if busy { BUSY_DECISIONS } else { CALM_DECISIONS }
    }

    /// How near the end is held to be.
    pub fn level(&self) -> ForecastLevel {
        self.ladder.level()
    }

    /// Where the limit is headed, as of the last decision; `None` before the first reading.
    pub fn outlook(&self) -> Option<Outlook> {
        let began = self.began_ms?;
        let now = self.clock.now();
        let horizon = self.config.horizon_ms() as f64;
        let level = self.series.level()?;
        let mut outlook = Outlook {
            level: self.ladder.level(),
            probability: None,
            horizon_ms: self.config.horizon_ms(),
            level_bytes: level,
            limit_bytes: self.limit,
            growing: false,
            growth_bytes_per_hour: 0.0,
            growth_interval: [0.0; 2],
            time_to_limit_ms: None,
            time_to_limit_interval: None,
            observed_ms: now - began,
            at_ms: now,
        };
        let Some(Decision { probability, .. }) = self.last else {
            return Some(outlook);
        };
        let ([_, one, three, _], _) = features::trends(&self.series, self.limit);
        let slope = one.slope.max(three.slope);
        let low = one.slope_low.min(three.slope_low) / WIDER;
        let high = one.slope_high.max(three.slope_high) * WIDER;
        let per_hour = self.limit * 3_600_000.0 / horizon;
        outlook.probability = Some(probability);
        outlook.growing = slope > 0.0 && one.z.max(three.z) > SIGNIFICANT;
        outlook.growth_bytes_per_hour = slope * per_hour;
        outlook.growth_interval = [low * per_hour, high * per_hour];
        let since = self.series.since_live().unwrap_or_default();
        // The end may come at the limit, and must come when the grace is used up.
        let reach = |slope: f64, grace: f64| {
            let left = 1.0 + grace * self.grace / self.limit - level / self.limit;
            let horizons = (left.max(0.0) / slope - since).max(0.0);
            (slope > 0.0 && horizons <= FARTHEST).then_some(horizons * horizon)
        };
        if outlook.growing {
            outlook.time_to_limit_ms = reach(slope, 0.5);
            outlook.time_to_limit_interval = outlook
                .time_to_limit_ms
                .map(|_| [reach(high, 0.0), reach(low, 1.0)]);
        }
        Some(outlook)
    }

    /// When the last decision was made, what the model was or would have been asked, and its answer. To be called before the
    /// next reading.
    #[cfg(feature = "study")]
    pub fn decision(&self) -> Option<(u64, [f64; study::COUNT], f64)> {
        let last = self.last?;
        Some((
            self.decided_ms,
            self.features(self.decided_ms)?,
            last.probability,
        ))
    }
}
