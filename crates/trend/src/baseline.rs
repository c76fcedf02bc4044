//! What is usual for this hour of the day, learned from calm runs only.
//!
//! # Learning
//! Each hour of local time is summed up as a median and a high quantile (95 %) of 30-second maxima, per metric.
//! An hour goes through three states, because a leak must never become the baseline:
//! 1. *pending*: just learned; any level above calm throws all of it away, and nothing is learned until the process
//!    has been calm for the length of the quarantine again;
//! 2. *provisional*: the process stayed calm for the quarantine (a day) after it. It is used for judging in this
//!    run, and written to disk as what it is;
//! 3. *trusted*: the run ended well ([`Baseline::commit`]). What is loaded after a run that did not end well is
//!    without the provisional hours of that run.
//!
//! # Judging
//! For an hour, each known day gives the highest of the high quantiles of this hour and its two neighbours. Over
//! the days, the base is the greater of median + k × 1.4826 × MAD (Rousseeuw and Croux, "Alternatives to the median
//! absolute deviation", JASA 88, 1993) and the second highest day (the highest, while there are fewer than four), so
//! that a weekend doesn't make Monday an alarm and one odd day doesn't hide the next. The threshold is the base
//! plus a margin that narrows as the week fills up.
//!
//! # Memory
//! For a metric 24 hours × 7 days × 20 bytes, 3.4 KB; 1 KB for the hour in progress and 24 bytes for each pending
//! one. Stored, an hour has 14 bytes.

mod codec;
mod hour;
mod usual;
mod week;

use crate::baseline::hour::HourSketch;
use crate::baseline::week::{State, Summary, Week};
use crate::clock::{HOUR_MS, WallClock};
use crate::state::BaselineState;
use crate::{BaselineConfig, Error, Metric, Reading};

pub use usual::Usual;

/// What a baseline is the baseline of: another app, release, Node line or limit has another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BaselineKey {
    /// Name of the app (and of the isolate, where there are several).
    pub app: String,
    /// The app's version.
    pub version: String,
    /// Node's release line: its major version.
    pub node_line: u32,
    /// The limit in bytes that the process runs under.
    pub limit: u64,
}

/// How the run ended that wrote the bytes, as far as the caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Only the bytes tell: hours of a run that was never committed are dropped.
    Unknown,
    /// It was stopped from outside while healthy (a deploy, SIGTERM): its calm hours count although it had no time
    /// to commit them. Not to be said of a process that may have died of memory.
    Stopped,
}

/// Where a restored baseline comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the bytes.
    Stored,
    /// The bytes belong to this other key: it starts anew.
    OtherKey(BaselineKey),
}

/// A baseline from stored bytes.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The baseline, empty when the bytes were another key's.
    pub baseline: Baseline,
    /// Which of the two it is.
    pub origin: Origin,
}

/// What one metric was like, hour by hour. Lives in a [`Judge`](crate::Judge), which teaches it.
#[derive(Clone, Debug)]
pub struct Baseline {
    key: BaselineKey,
    learned: Vec<Learned>,
    wall: WallClock,
    /// When the process was last above calm, unless it has been calm for a quarantine since.
    alarmed_at_ms: Option<u64>,
    learning: bool,
}

/// All about one metric.
#[derive(Clone, Debug)]
struct Learned {
    metric: Metric,
    sketch: HourSketch,
    pending: Vec<Pending>,
    week: Week,
    /// What is usual for which hour; emptied whenever `week` changes.
    cache: Option<(i32, Option<Usual>)>,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    ended_at_ms: u64,
    summary: Summary,
}

impl Learned {
    fn new(metric: Metric) -> Self {
        Self {
            metric,
            sketch: HourSketch::default(),
            pending: Vec::new(),
            week: Week::default(),
            cache: None,
        }
    }
}

impl Baseline {
    /// A baseline that knows nothing yet.
    pub fn new(key: BaselineKey) -> Self {
        Self {
            key,
            learned: Vec::new(),
            wall: WallClock::default(),
            alarmed_at_ms: None,
            learning: false,
        }
    }

    /// Reads what [`Baseline::to_bytes`] wrote. Bytes of another key are no error: the baseline starts anew.
    ///
    /// # Errors
    /// [`Error::CorruptBaseline`] and [`Error::BaselineVersion`], with the offset. The caller may go on with
    /// [`Baseline::new`]; nothing but learned hours is lost.
    pub fn from_bytes(bytes: &[u8], key: &BaselineKey, end: RunEnd) -> Result<Restored, Error> {
        let (stored_key, weeks) = codec::decode(bytes)?;
        let mut baseline = Self::new(key.clone());
        if stored_key != *key {
            return Ok(Restored {
                baseline,
                origin: Origin::OtherKey(stored_key),
            });
        }
        for (metric, mut week) in weeks {
            match end {
                RunEnd::Unknown => week.drop_provisional(),
                RunEnd::Stopped => week.trust_provisional(),
            }
            baseline.learned.push(Learned {
                week,
                ..Learned::new(metric)
            });
        }
        Ok(Restored {
            baseline,
            origin: Origin::Stored,
        })
    }

    /// The whole in a few KB, with a checksum. Pending hours are not part of it, nor the provisional ones of a run
    /// that has had an alarm.
    pub fn to_bytes(&self) -> Vec<u8> {
        let with_provisional = self.alarmed_at_ms.is_none();
        let weeks = self
            .learned
            .iter()
            .map(|learned| (learned.metric, &learned.week));
        codec::encode(&self.key, weeks, with_provisional)
    }

    /// Whose baseline it is.
    pub fn key(&self) -> &BaselineKey {
        &self.key
    }

    /// The run ends well: what it learned is trusted from now on, unless it had an alarm; then its hours are
    /// dropped. Call it at a clean shutdown, before [`Baseline::to_bytes`]. The hour in progress counts if enough of
    /// it was seen.
    pub fn commit(&mut self) {
        let alarmed = self.alarmed_at_ms.is_some();
        for learned in &mut self.learned {
            let last = learned.sketch.finish();
            if alarmed {
                learned.week.drop_provisional();
            } else {
                let pending = learned.pending.drain(..).map(|pending| pending.summary);
                for summary in pending.chain(last) {
                    learned.week.insert(summary, State::Trusted);
                }
                learned.week.trust_provisional();
            }
            learned.cache = None;
        }
    }

    /// What is usual for a metric at a moment, with the threshold that follows; `None` while too little is known.
    pub fn usual(
        &self,
        metric: Metric,
        wall_ms: u64,
        utc_offset_minutes: i32,
        config: &BaselineConfig,
    ) -> Option<Usual> {
        let hour = epoch_hour(wall_ms, utc_offset_minutes)?;
        let learned = self
            .learned
            .iter()
            .find(|learned| learned.metric == metric)?;
        usual::usual(&learned.week, metric, hour, config)
    }

    /// The same for a reading, from a cache that is as old as the hour. `None` also while wall time can't be
    /// believed.
    pub(crate) fn usual_now(
        &mut self,
        metric: Metric,
        now: u64,
        reading: &Reading,
        config: &BaselineConfig,
    ) -> Lookup {
        let Some(hour) = epoch_hour(reading.wall_ms, reading.utc_offset_minutes) else {
            return Lookup::NoTime;
        };
        if !self.wall.is_credible(now) {
            return Lookup::NoTime;
        }
        let Some(learned) = self
            .learned
            .iter_mut()
            .find(|learned| learned.metric == metric)
        else {
            return Lookup::Unknown;
        };
        let found = match learned.cache {
            Some((cached_hour, found)) if cached_hour == hour => found,
            _ => usual::usual(&learned.week, metric, hour, config),
        };
        learned.cache = Some((hour, found));
        found.map_or(Lookup::Unknown, Lookup::Known)
    }

    /// Another run begins, with its own clock: what belongs to the one before is only what it believed.
    pub(crate) fn begin_run(&mut self) {
        self.wall = WallClock::default();
        self.alarmed_at_ms = None;
        self.learning = false;
        for learned in &mut self.learned {
            learned.pending.clear();
            learned.sketch = HourSketch::default();
            learned.cache = None;
        }
    }

    /// Takes the clocks of a reading, before anything is asked or learned.
    pub(crate) fn tick(&mut self, now: u64, reading: &Reading) {
        let jumped = self.wall.observe(now, reading.wall_ms);
        let hour = epoch_hour(reading.wall_ms, reading.utc_offset_minutes);
        for learned in &mut self.learned {
            if jumped {
                learned.sketch = HourSketch::default();
            }
            if let Some(hour) = hour.filter(|_| self.wall.has_run_evenly(now)) {
                learned.forget_far(hour);
            }
        }
    }

    /// The process is above calm: nothing of what is not trusted yet may be learned.
    pub(crate) fn alarm(&mut self, now: u64) {
        self.alarmed_at_ms = Some(now);
        self.learning = false;
        for learned in &mut self.learned {
            learned.pending.clear();
            learned.sketch = HourSketch::default();
        }
    }

    /// The process is calm: learns from the reading, unless it is too young or was above calm of late.
    pub(crate) fn learn(
        &mut self,
        now: u64,
        reading: &Reading,
        warmup_ms: u64,
        config: &BaselineConfig,
    ) {
        if self
            .alarmed_at_ms
            .is_some_and(|at| now - at >= config.quarantine_ms)
        {
            self.alarmed_at_ms = None;
        }
        self.learning = self.alarmed_at_ms.is_none()
            && reading.age_ms >= warmup_ms
            && self.wall.is_credible(now);
        if !self.learning {
            return;
        }
        let Some(local_ms) = local_ms(reading.wall_ms, reading.utc_offset_minutes) else {
            return;
        };
        for learned in &mut self.learned {
            learned.believe_old(now, config.quarantine_ms);
            let figure = reading.get(learned.metric);
            let value = figure.and_then(|figure| match learned.metric {
                metric if metric.is_ratio() || !metric.learned_as_ratio() => Some(figure.value),
                _ => figure.ratio(),
            });
            let finished = value.and_then(|value| learned.sketch.add(local_ms, value));
            if let Some(summary) = finished {
                learned.pending.push(Pending {
                    ended_at_ms: now,
                    summary,
                });
            }
        }
    }

    /// Makes room for the metrics of the settings, and forgets the others.
    pub(crate) fn set_metrics(&mut self, metrics: &[Metric]) {
        self.learned
            .retain(|learned| metrics.contains(&learned.metric));
        for metric in metrics {
            if !self.learned.iter().any(|learned| learned.metric == *metric) {
                self.learned.push(Learned::new(*metric));
            }
        }
        for learned in &mut self.learned {
            learned.cache = None;
        }
    }

    pub(crate) fn state(&self) -> BaselineState {
        BaselineState {
            hours: self.learned.iter().map(|learned| learned.week.len()).sum(),
            pending_hours: self
                .learned
                .iter()
                .map(|learned| learned.pending.len() as u32)
                .sum(),
            days: self
                .learned
                .iter()
                .map(|learned| learned.week.days())
                .max()
                .unwrap_or_default(),
            learning: self.learning,
        }
    }
}

/// What the baseline says of a moment.
pub(crate) enum Lookup {
    /// The hour of the day is not known for sure: nothing can be said either way.
    NoTime,
    /// Too little is known of this hour.
    Unknown,
    /// This is usual.
    Known(Usual),
}

impl Learned {
    fn believe_old(&mut self, now: u64, quarantine_ms: u64) {
        let week = &mut self.week;
        let before = self.pending.len();
        self.pending.retain(|pending| {
            let old = now - pending.ended_at_ms >= quarantine_ms;
            if old {
                week.insert(pending.summary, State::Provisional);
            }
            !old
        });
        if self.pending.len() != before {
            self.cache = None;
        }
    }

    fn forget_far(&mut self, hour: i32) {
        if self.week.forget_far(hour) {
            self.cache = None;
        }
    }
}

fn local_ms(wall_ms: u64, utc_offset_minutes: i32) -> Option<u64> {
    u64::try_from(i128::from(wall_ms) + i128::from(utc_offset_minutes) * 60_000).ok()
}

/// Hours of local time since 1970.
fn epoch_hour(wall_ms: u64, utc_offset_minutes: i32) -> Option<i32> {
    i32::try_from(local_ms(wall_ms, utc_offset_minutes)? / HOUR_MS).ok()
}
