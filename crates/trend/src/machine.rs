//! The state machine of one rule: N consecutive violations within a window raise, as many readings below the
//! hysteresis lower, a cool-down rations the speaking. It knows numbers only: no metric, no words.

use std::collections::VecDeque;

use crate::Level;

/// How many violations it takes, and so on: [`JudgeConfig`](crate::JudgeConfig), as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub violations: u32,
    pub window_ms: u64,
    pub hysteresis: f64,
    pub recover_after: u32,
    pub cooldown_ms: u64,
    /// How long the run of violations must have lasted besides.
    pub sustain_ms: u64,
}

impl Pace {
    /// After how long a figure that was measured once may count once more: as many as are needed fill the window.
    pub(crate) fn repeat_after_ms(&self) -> u64 {
        self.window_ms / u64::from(self.violations.max(1))
    }
}

/// What a step changed, where it is to be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Change {
    /// `level` was reached, or has lasted beyond the cool-down (then `previous == level`).
    Raised { level: Level, previous: Level },
    /// From critical to warn.
    Eased,
    /// To calm.
    Recovered { previous: Level, since_ms: u64 },
}

/// The last violations of one level, at most as many as are needed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streak {
    recent: VecDeque<(u64, f64)>,
    began_ms: u64,
    below: u32,
}

impl Streak {
    fn violate(&mut self, now_ms: u64, value: f64, pace: &Pace) {
        self.forget_old(now_ms, pace);
        if self.recent.is_empty() {
            self.began_ms = now_ms;
        }
        while self.recent.len() >= pace.violations as usize {
            self.recent.pop_front();
        }
        self.recent.push_back((now_ms, value));
        self.below = 0;
    }

    fn forget_old(&mut self, now_ms: u64, pace: &Pace) {
        while self
            .recent
            .front()
            .is_some_and(|(at, _)| now_ms - at > pace.window_ms)
        {
            self.recent.pop_front();
        }
    }

    fn is_met(&self, now_ms: u64, pace: &Pace) -> bool {
        self.recent.len() >= pace.violations as usize && now_ms - self.began_ms >= pace.sustain_ms
    }

    pub(crate) fn len(&self) -> u32 {
        self.recent.len() as u32
    }

    pub(crate) fn span_ms(&self) -> u64 {
        match (self.recent.front(), self.recent.back()) {
            (Some((first, _)), Some((last, _))) => last - first,
            _ => 0,
        }
    }

    pub(crate) fn began_ms(&self) -> u64 {
        self.began_ms
    }

    pub(crate) fn values(&self) -> Vec<f64> {
        self.recent.iter().map(|(_, value)| *value).collect()
    }
}

/// The state of one rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    level: Level,
    raised_at_ms: u64,
    streaks: [Streak; 2],
    spoke_at_ms: [Option<u64>; 2],
    /// Whether this episode was told to anyone: only then its end is worth telling.
    heard: bool,
}

const WARN: usize = 0;
const CRITICAL: usize = 1;

impl Machine {
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    pub(crate) fn raised_at_ms(&self) -> Option<u64> {
        (self.level > Level::Calm).then_some(self.raised_at_ms)
    }

    pub(crate) fn streak(&self, level: Level) -> &Streak {
        &self.streaks[if level == Level::Critical {
            CRITICAL
        } else {
            WARN
        }]
    }

    /// Takes the value of a new reading. A threshold that is `None` is not judged: no violation, no recovery.
    /// Times must not go backwards.
    pub(crate) fn step(
        &mut self,
        now_ms: u64,
        value: f64,
        warn: Option<f64>,
        critical: Option<f64>,
        pace: &Pace,
    ) -> Option<Change> {
        for (streak, threshold) in self.streaks.iter_mut().zip([warn, critical]) {
            let Some(threshold) = threshold else { continue };
            if value > threshold {
                streak.violate(now_ms, value, pace);
            } else {
                streak.recent.clear();
                let low = value <= threshold * (1.0 - pace.hysteresis);
                streak.below = if low {
                    streak.below.saturating_add(1)
                } else {
                    0
                };
            }
        }
        let met = if critical.is_some() && self.streaks[CRITICAL].is_met(now_ms, pace) {
            Level::Critical
        } else if warn.is_some() && self.streaks[WARN].is_met(now_ms, pace) {
            Level::Warn
        } else {
            Level::Calm
        };
        if met != Level::Calm && met >= self.level {
            self.raise(now_ms, met, pace)
        } else {
            self.lower(warn, pace)
        }
    }

    fn raise(&mut self, now_ms: u64, level: Level, pace: &Pace) -> Option<Change> {
        let previous = self.level;
        if previous == Level::Calm {
            self.raised_at_ms = now_ms;
        }
        self.level = level;
        let slot = if level == Level::Critical {
            CRITICAL
        } else {
            WARN
        };
        if self.spoke_at_ms[slot].is_some_and(|at| now_ms - at < pace.cooldown_ms) {
            return None;
        }
        // Who speaks of critical has said that it is more than warn.
        self.spoke_at_ms[..=slot].fill(Some(now_ms));
        self.heard = true;
        Some(Change::Raised { level, previous })
    }

    fn lower(&mut self, warn: Option<f64>, pace: &Pace) -> Option<Change> {
        let is_low = |streak: &Streak| streak.below >= pace.recover_after;
        let warn_is_over = warn.is_none() || is_low(&self.streaks[WARN]);
        match self.level {
            Level::Critical if is_low(&self.streaks[CRITICAL]) && !warn_is_over => {
                self.level = Level::Warn;
                self.heard.then_some(Change::Eased)
            }
            Level::Critical if is_low(&self.streaks[CRITICAL]) => self.release(),
            Level::Warn if warn.is_some() && warn_is_over => self.release(),
            _ => None,
        }
    }

    /// Ends the episode, whatever the values say: the rule is gone, or nothing can be judged any more.
    pub(crate) fn release(&mut self) -> Option<Change> {
        let previous = std::mem::take(&mut self.level);
        let heard = std::mem::take(&mut self.heard);
        let since_ms = self.raised_at_ms;
        (heard && previous > Level::Calm).then_some(Change::Recovered { previous, since_ms })
    }

    /// Forgets what was counted against thresholds that no longer hold; level and cool-down stay.
    pub(crate) fn restart_counting(&mut self) {
        self.streaks = Default::default();
    }

    /// Lowers the level to one that still has a threshold, without a word.
    pub(crate) fn cap(&mut self, level: Level) {
        self.level = self.level.min(level);
    }
}
