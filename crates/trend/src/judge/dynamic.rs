//! The dynamic rule of one metric: the same state machine against what is usual for the hour.

use crate::baseline::Lookup;
use crate::judge::watched::Watched;
use crate::machine::Pace;
use crate::{Event, Figure, Level, Metric, Reading, Threshold};

/// A rule whose threshold is learned.
#[derive(Clone, Debug)]
pub(super) struct Dynamic {
    pub(super) watched: Watched,
}

impl Dynamic {
    pub(super) fn new(metric: Metric) -> Self {
        Self {
            watched: Watched::dynamic(metric),
        }
    }

    pub(super) fn metric(&self) -> Metric {
        self.watched.rule.metric
    }

    /// Judges against what is usual, but never above where a hard threshold of the same metric begins: from there
    /// on that one speaks.
    pub(super) fn judge(
        &mut self,
        now: u64,
        reading: &Reading,
        found: Lookup,
        hard: &[Watched],
        pace: &Pace,
    ) -> Option<Event> {
        let usual = match found {
            Lookup::NoTime => return None,
            Lookup::Unknown => {
                self.watched.rule.warn = None;
                return self.watched.release(
                    now,
                    "nothing is known any more of what is usual at this hour",
                );
            }
            Lookup::Known(usual) => usual,
        };
        let metric = self.metric();
        let figure = self.watched.take_new(now, reading, pace)?;
        let threshold = in_unit(metric, usual.threshold);
        let learned = threshold.resolve(metric, &figure)?;
        let hard = least_hard(metric, &figure, hard);
        let event = if learned < hard {
            self.watched.rule.warn = Some(threshold);
            let change = self
                .watched
                .machine
                .step(now, figure.value, Some(learned), None, pace);
            change.map(|change| self.watched.event(now, &figure, change, Some(&usual)))
        } else if self.watched.machine.level() > Level::Calm {
            self.watched.rule.warn = None;
            self.watched
                .release(now, "from here on a hard threshold holds")
        } else {
            self.watched.rule.warn = None;
            self.watched.machine.restart_counting();
            None
        };
        self.watched.last = Some(figure);
        event
    }
}

/// A learned value as a threshold.
fn in_unit(metric: Metric, value: f64) -> Threshold {
    if metric.learned_as_ratio() {
        Threshold::Ratio(value)
    } else {
        Threshold::Bytes(value as u64)
    }
}

/// The lowest hard threshold of a metric, in the unit of the figure's value.
fn least_hard(metric: Metric, figure: &Figure, rules: &[Watched]) -> f64 {
    rules
        .iter()
        .filter(|watched| watched.rule.metric == metric)
        .flat_map(|watched| [watched.rule.warn, watched.rule.critical])
        .flatten()
        .filter_map(|threshold| threshold.resolve(metric, figure))
        .fold(f64::INFINITY, f64::min)
}
