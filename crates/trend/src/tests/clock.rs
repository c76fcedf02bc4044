//! Clocks that jump.

use super::support::{HOUR, MINUTE, MONDAY, SECOND};
use crate::clock::{ForwardClock, WallClock};

#[test]
fn time_only_goes_forward() {
    let mut clock = ForwardClock::default();
    let times = [100, 150, 40, 60, 1_000].map(|raw| clock.advance(raw));
    assert_eq!(times, [100, 150, 150, 170, 1_110]);
    assert_eq!(clock.now(), 1_110);
}

#[test]
fn even_time_is_credible_and_a_jump_is_not_for_an_hour() {
    let mut wall = WallClock::default();
    for minute in 0..600 {
        // 0.5 s an hour of slewing.
        assert!(!wall.observe(minute * MINUTE, MONDAY + minute * MINUTE + minute * 8));
        assert!(wall.is_credible(minute * MINUTE));
    }
    let jumped = 600 * MINUTE;
    assert!(wall.observe(jumped, MONDAY + jumped + 3 * HOUR));
    assert!(!wall.is_credible(jumped));
    assert!(!wall.observe(
        jumped + 59 * MINUTE,
        MONDAY + jumped + 3 * HOUR + 59 * MINUTE
    ));
    assert!(!wall.is_credible(jumped + 59 * MINUTE));
    assert!(wall.is_credible(jumped + 60 * MINUTE));
}

#[test]
fn a_suspended_machine_and_nonsense_are_jumps() {
    let mut wall = WallClock::default();
    assert!(!wall.observe(0, MONDAY));
    assert!(
        wall.observe(SECOND, MONDAY + 8 * HOUR),
        "monotonic time stood still, wall time did not"
    );
    assert!(wall.observe(2 * SECOND, 0));
    assert!(wall.observe(3 * SECOND, u64::MAX));
}
