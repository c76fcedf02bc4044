//! Time that only goes forward, from clocks that may not.

/// A monotonic clock made of readings of one that is supposed to be: a step backwards counts as no time, and time
/// goes on from there.
#[derive(Clone, Debug, Default)]
pub(crate) struct ForwardClock {
    raw: Option<u64>,
    now: u64,
}

impl ForwardClock {
    /// Takes a reading of the underlying clock and returns the time. They are the same unless it ever stepped back.
    pub(crate) fn advance(&mut self, raw_ms: u64) -> u64 {
        self.now = match self.raw {
            None => raw_ms,
            Some(before) => self.now.saturating_add(raw_ms.saturating_sub(before)),
        };
        self.raw = Some(raw_ms);
        self.now
    }

    pub(crate) fn now(&self) -> u64 {
        self.now
    }
}

const MINUTE_MS: u64 = 60_000;
pub(crate) const HOUR_MS: u64 = 60 * MINUTE_MS;

/// How long wall time must run evenly after a jump before it is believed again.
const SETTLE_MS: u64 = HOUR_MS;

/// Watches wall time against monotonic time, so that a jump (NTP, a suspended machine, an operator) is known as one.
#[derive(Clone, Debug, Default)]
pub(crate) struct WallClock {
    last: Option<(u64, u64)>,
    even_since: u64,
    jumped: bool,
}

impl WallClock {
    /// Takes both clocks and says whether wall time has just jumped.
    pub(crate) fn observe(&mut self, now_ms: u64, wall_ms: u64) -> bool {
        let Some((now_before, wall_before)) = self.last.replace((now_ms, wall_ms)) else {
            self.even_since = now_ms;
            return false;
        };
        let elapsed = now_ms - now_before;
        let difference =
            (i128::from(wall_ms) - i128::from(wall_before) - i128::from(elapsed)).unsigned_abs();
        // Slewing by NTP stays below 0.05 %; what is allowed here is far from an hour in either direction.
        let jumped = difference > u128::from(MINUTE_MS.max(elapsed / 100));
        if jumped {
            self.jumped = true;
            self.even_since = now_ms;
        }
        jumped
    }

    /// Whether the hour of the day can be believed: there was no jump of late.
    pub(crate) fn is_credible(&self, now_ms: u64) -> bool {
        !self.jumped || self.has_run_evenly(now_ms)
    }

    /// Whether wall time has run evenly for long enough to throw away what is old by it.
    pub(crate) fn has_run_evenly(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.even_since) >= SETTLE_MS
    }
}
