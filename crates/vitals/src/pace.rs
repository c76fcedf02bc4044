//! How soon to look again: seldom when calm, often when memory is short or grows fast.
//!
//! Pure: readings and their times in, milliseconds out; simulated weeks run in milliseconds.
//!
//! The rule, from a study of recorded leaks: for a horizon of 30 minutes a reading every 10 s loses
//! nothing; more is needed only against fast ramps. So the interval is the calm one until the use
//! of the effective limit passes 70 %, or the limit would be reached within five minutes at the
//! rate of two rises in a row (one rise is enough when it would take only three readings more: used
//! heap is a saw-tooth, but a ramp as steep as that leaves no time to make sure), or the kernel
//! reports rising pressure, or somebody watches live. It is then the fast one, until two minutes
//! have passed without any of these.

use serde::Serialize;

/// The intervals and thresholds of a [`Pace`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PaceOptions {
    /// Interval when all is calm. Default 10 s.
    pub calm_ms: u64,
    /// Interval when something is going on. Default 500 ms.
    pub fast_ms: u64,
    /// The slowest interval the user accepts (`checkInterval`). Default 60 s: it then never bites,
    /// since calm is faster. Below `fast_ms` it is the interval always.
    pub slowest_ms: u64,
    /// Use of the effective limit above which the pace is fast. Default 0.7.
    pub high_ratio: f64,
    /// Fast when the limit would be reached within this time at the rate between the last
    /// readings. Default 5 min.
    pub time_to_limit_ms: u64,
    /// `some avg10` above which the pace is fast if it also rises. Default 0.01 (1 % of the time
    /// stalled).
    pub pressure: f64,
    /// Quiet time after which the pace is calm again. Default 2 min.
    pub quiet_ms: u64,
}

impl Default for PaceOptions {
    fn default() -> Self {
        Self {
            calm_ms: 10_000,
            fast_ms: 500,
            slowest_ms: 60_000,
            high_ratio: 0.7,
            time_to_limit_ms: 300_000,
            pressure: 0.01,
            quiet_ms: 120_000,
        }
    }
}

impl PaceOptions {
    /// The defaults with the user's `checkInterval` as the slowest.
    pub fn with_slowest(slowest_ms: u64) -> Self {
        Self {
            slowest_ms: slowest_ms.max(1),
            ..Self::default()
        }
    }
}

/// What a [`Pace`] looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PaceInput {
    /// Monotonic time of the reading.
    pub at_ms: u64,
    /// Use of the effective limit; `None` when no limit is known.
    pub ratio: Option<f64>,
    /// `some avg10` of the memory pressure, 0 to 1.
    pub some_avg10: Option<f64>,
    /// Somebody watches (a live report, a running measurement): fast as long as it is true.
    pub live: bool,
}

/// Why the pace is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PaceReason {
    /// Nothing is going on.
    Calm,
    /// Somebody watches.
    Live,
    /// Use of the effective limit is high.
    HighUse,
    /// The limit would be reached soon at the present rate.
    FastRise,
    /// Memory pressure rises.
    Pressure,
    /// One of these was true less than the quiet time ago.
    Settling,
}

/// Decides the sampling interval.
#[derive(Clone, Debug)]
pub struct Pace {
    options: PaceOptions,
    last: Option<PaceInput>,
    steep_rises: u32,
    busy_until_ms: u64,
    reason: PaceReason,
}

impl Pace {
    /// A calm pace.
    pub fn new(options: PaceOptions) -> Self {
        Self {
            options,
            last: None,
            steep_rises: 0,
            busy_until_ms: 0,
            reason: PaceReason::Calm,
        }
    }

    /// Milliseconds until the next reading, after this one.
    pub fn next(&mut self, input: PaceInput) -> u64 {
        let cause = self.cause(&input);
        if cause.is_some() {
            self.busy_until_ms = input.at_ms.saturating_add(self.options.quiet_ms);
        }
        let busy = cause.is_some() || input.at_ms < self.busy_until_ms;
        self.reason = cause.unwrap_or(if busy {
            PaceReason::Settling
        } else {
            PaceReason::Calm
        });
        self.last = Some(input);
        self.interval_ms(busy)
    }

    /// Why the last interval was what it was.
    pub fn reason(&self) -> PaceReason {
        self.reason
    }

    fn interval_ms(&self, busy: bool) -> u64 {
        let options = &self.options;
        let wanted = if busy {
            options.fast_ms
        } else {
            options.calm_ms
        };
        wanted.min(options.slowest_ms).max(1)
    }

    fn cause(&mut self, input: &PaceInput) -> Option<PaceReason> {
        let rises_fast = self.rises_fast(input);
        if input.live {
            Some(PaceReason::Live)
        } else if input.ratio.is_some_and(|r| r > self.options.high_ratio) {
            Some(PaceReason::HighUse)
        } else if rises_fast {
            Some(PaceReason::FastRise)
        } else if self.pressure_rises(input) {
            Some(PaceReason::Pressure)
        } else {
            None
        }
    }

    fn rises_fast(&mut self, input: &PaceInput) -> bool {
        let last = self.last.unwrap_or_default();
        let (Some(before), Some(now)) = (last.ratio, input.ratio) else {
            self.steep_rises = 0;
            return false;
        };
        let elapsed = input.at_ms.saturating_sub(last.at_ms) as f64;
        let risen = now - before;
        if elapsed == 0.0 || risen <= 0.0 {
            self.steep_rises = 0;
            return false;
        }
        let time_to_limit = (1.0 - now).max(0.0) * elapsed / risen;
        if time_to_limit >= self.options.time_to_limit_ms as f64 {
            self.steep_rises = 0;
            return false;
        }
        self.steep_rises = self.steep_rises.saturating_add(1);
        self.steep_rises >= 2 || time_to_limit < 3.0 * self.options.calm_ms as f64
    }

    fn pressure_rises(&self, input: &PaceInput) -> bool {
        let before = self.last.and_then(|last| last.some_avg10);
        match (before, input.some_avg10) {
            (Some(before), Some(now)) => now > self.options.pressure && now > before,
            _ => false,
        }
    }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
