//! The state machine against an oracle that looks at the whole history each time.

use proptest::prelude::*;

use crate::Level;
use crate::machine::{Change, Machine, Pace};

const WARN: f64 = 80.0;
const CRITICAL: f64 = 95.0;

/// Keeps every reading and every word, and derives all else from them.
#[derive(Default)]
struct Oracle {
    readings: Vec<(u64, f64)>,
    spoken: Vec<(u64, Level)>,
    level: Level,
    heard: bool,
    raised_at: u64,
}

impl Oracle {
    fn step(&mut self, now: u64, value: f64, pace: &Pace) -> Option<Change> {
        self.readings.push((now, value));
        let met = |threshold: f64| {
            let n = pace.violations as usize;
            let last: Vec<_> = self.readings.iter().rev().take(n).collect();
            last.len() == n
                && last
                    .iter()
                    .all(|(at, value)| *value > threshold && now - at <= pace.window_ms)
        };
        let low = |threshold: f64| {
            let n = pace.recover_after as usize;
            let bound = threshold * (1.0 - pace.hysteresis);
            let last: Vec<_> = self.readings.iter().rev().take(n).collect();
            last.len() == n && last.iter().all(|(_, value)| *value <= bound)
        };
        let reached = if met(CRITICAL) {
            Level::Critical
        } else if met(WARN) {
            Level::Warn
        } else {
            Level::Calm
        };
        let previous = self.level;
        if reached > Level::Calm && reached >= previous {
            self.level = reached;
            if previous == Level::Calm {
                self.raised_at = now;
            }
            let heard_of_late =
                |(at, level): &(u64, Level)| *level >= reached && now - at < pace.cooldown_ms;
            if self.spoken.iter().any(heard_of_late) {
                return None;
            }
            self.spoken.push((now, reached));
            self.heard = true;
            return Some(Change::Raised {
                level: reached,
                previous,
            });
        }
        let target = match previous {
            Level::Critical if low(CRITICAL) && !low(WARN) => Level::Warn,
            Level::Critical if low(CRITICAL) => Level::Calm,
            Level::Warn if low(WARN) => Level::Calm,
            _ => return None,
        };
        self.level = target;
        if target == Level::Calm {
            let heard = std::mem::take(&mut self.heard);
            return heard.then_some(Change::Recovered {
                previous,
                since_ms: self.raised_at,
            });
        }
        self.heard.then_some(Change::Eased)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn says_what_the_whole_history_says(
        violations in 1u32..6,
        recover_after in 1u32..5,
        window_ms in 1u64..60,
        cooldown_ms in 0u64..200,
        hysteresis in prop_oneof![Just(0.0), Just(0.05), Just(0.2)],
        steps in prop::collection::vec((0u64..15, prop_oneof![60.0..100.0f64, Just(80.0), Just(95.0), Just(76.0)]), 1..150),
    ) {
        let pace = Pace { violations, window_ms, hysteresis, recover_after, cooldown_ms, sustain_ms: 0 };
        let (mut machine, mut oracle) = (Machine::default(), Oracle::default());
        let mut now = 1_000;
        for (elapsed, value) in steps {
            now += elapsed;
            let change = machine.step(now, value, Some(WARN), Some(CRITICAL), &pace);
            prop_assert_eq!(change, oracle.step(now, value, &pace));
            prop_assert_eq!(machine.level(), oracle.level);
        }
    }

    #[test]
    fn never_speaks_of_a_level_twice_within_the_cooldown(
        steps in prop::collection::vec((0u64..15, 60.0..100.0f64), 1..300),
    ) {
        let pace = Pace { violations: 2, window_ms: 60, hysteresis: 0.05, recover_after: 2, cooldown_ms: 100, sustain_ms: 0 };
        let mut machine = Machine::default();
        let mut now = 0;
        let mut spoken: Vec<(u64, Level)> = Vec::new();
        let mut open = 0i32;
        for (elapsed, value) in steps {
            now += elapsed;
            match machine.step(now, value, Some(WARN), Some(CRITICAL), &pace) {
                Some(Change::Raised { level, .. }) => {
                    prop_assert!(spoken.iter().all(|(at, other)| *other != level || now - at >= 100));
                    spoken.push((now, level));
                    open = 1;
                }
                Some(Change::Recovered { .. }) => {
                    prop_assert_eq!(open, 1, "recovered from what was never said");
                    open = 0;
                }
                _ => {}
            }
        }
    }
}

#[test]
fn sustained_means_every_reading_for_as_long() {
    let pace = Pace {
        violations: 2,
        window_ms: 50,
        hysteresis: 0.0,
        recover_after: 1,
        cooldown_ms: 0,
        sustain_ms: 100,
    };
    let mut machine = Machine::default();
    let raised = |machine: &mut Machine, now: u64, value: f64| {
        machine.step(now, value, Some(WARN), None, &pace).is_some()
    };
    assert!((0..10).all(|i| !raised(&mut machine, i * 10, 90.0)));
    assert!(raised(&mut machine, 100, 90.0), "100 ms without a gap");

    let mut machine = Machine::default();
    assert!((0..10).all(|i| !raised(&mut machine, i * 10, 90.0)));
    assert!(!raised(&mut machine, 95, 70.0), "one dip begins it anew");
    assert!((10..19).all(|i| !raised(&mut machine, i * 10, 90.0)));
    assert!(
        !raised(&mut machine, 1_000, 90.0),
        "a gap longer than the window does, too"
    );
}

#[test]
fn holds_no_more_violations_than_it_needs() {
    let pace = Pace {
        violations: 3,
        window_ms: 1_000_000,
        hysteresis: 0.0,
        recover_after: 1,
        cooldown_ms: 0,
        sustain_ms: 0,
    };
    let mut machine = Machine::default();
    for now in 0..10_000 {
        machine.step(now, 90.0, Some(WARN), Some(CRITICAL), &pace);
    }
    assert_eq!(machine.streak(Level::Warn).len(), 3);
    assert_eq!(machine.streak(Level::Warn).began_ms(), 0);
}
