use super::*;

fn input(at_ms: u64, ratio: f64) -> PaceInput {
    PaceInput {
        at_ms,
        ratio: Some(ratio),
        some_avg10: Some(0.0),
        live: false,
    }
}

/// Lets time pass at the pace itself, `ratio` being a function of time; gives the number of
/// readings and the share of them that were fast.
fn simulate(pace: &mut Pace, length_ms: u64, ratio: impl Fn(u64) -> f64) -> (u64, u64) {
    let (mut at, mut readings, mut fast) = (0, 0, 0);
    while at < length_ms {
        let wait = pace.next(input(at, ratio(at)));
        readings += 1;
        fast += u64::from(wait <= 500);
        at += wait;
    }
    (readings, fast)
}

const DAY: u64 = 86_400_000;

#[test]
fn a_calm_week_takes_a_reading_every_ten_seconds() {
    let mut pace = Pace::new(PaceOptions::default());
    // A wave over the day, and a small saw-tooth.
    let ratio = |at: u64| {
        let wave = (at as f64 / DAY as f64 * std::f64::consts::TAU).sin();
        0.4 + 0.15 * wave + 0.01 * ((at / 10_000) % 7) as f64
    };
    let (readings, fast) = simulate(&mut pace, 7 * DAY, ratio);
    assert_eq!(readings, 7 * DAY / 10_000);
    assert_eq!(fast, 0);
}

#[test]
fn high_use_is_watched_closely_until_two_quiet_minutes_have_passed() {
    let mut pace = Pace::new(PaceOptions::default());
    assert_eq!(pace.next(input(0, 0.5)), 10_000);
    assert_eq!(pace.next(input(10_000, 0.71)), 500);
    assert_eq!(pace.reason(), PaceReason::HighUse);
    assert_eq!(pace.next(input(10_500, 0.5)), 500);
    assert_eq!(pace.reason(), PaceReason::Settling);
    assert_eq!(pace.next(input(129_999, 0.5)), 500);
    assert_eq!(pace.next(input(130_000, 0.5)), 10_000);
    assert_eq!(pace.reason(), PaceReason::Calm);
}

#[test]
fn two_steep_rises_in_a_row_or_one_that_is_nearly_a_wall() {
    let mut pace = Pace::new(PaceOptions::default());
    assert_eq!(pace.next(input(0, 0.10)), 10_000);
    // 90 % left at 4 % in 10 s: the limit is 215 s away.
    assert_eq!(pace.next(input(10_000, 0.14)), 10_000);
    assert_eq!(pace.next(input(20_000, 0.18)), 500);
    assert_eq!(pace.reason(), PaceReason::FastRise);

    let mut pace = Pace::new(PaceOptions::default());
    pace.next(input(0, 0.10));
    assert_eq!(pace.next(input(10_000, 0.60)), 500, "8 s from the limit");

    let mut saw_tooth = Pace::new(PaceOptions::default());
    for i in 0..1_000u64 {
        let ratio = 0.2 + 0.06 * (i % 2) as f64;
        assert_eq!(saw_tooth.next(input(i * 10_000, ratio)), 10_000);
    }
}

#[test]
fn rising_pressure_and_a_watcher_make_it_fast() {
    let mut pace = Pace::new(PaceOptions::default());
    let pressed = |at, some| PaceInput {
        some_avg10: Some(some),
        ..input(at, 0.3)
    };
    assert_eq!(pace.next(pressed(0, 0.05)), 10_000, "not known to rise");
    assert_eq!(pace.next(pressed(10_000, 0.04)), 10_000, "it falls");
    assert_eq!(pace.next(pressed(20_000, 0.08)), 500);
    assert_eq!(pace.reason(), PaceReason::Pressure);

    let mut pace = Pace::new(PaceOptions::default());
    let live = PaceInput {
        live: true,
        ..input(0, 0.1)
    };
    assert_eq!(pace.next(live), 500);
    assert_eq!(pace.reason(), PaceReason::Live);
}

#[test]
fn the_check_interval_is_the_slowest() {
    for (slowest, calm, fast) in [
        (60_000, 10_000, 500),
        (5_000, 5_000, 500),
        (200, 200, 200),
        (0, 1, 1),
    ] {
        let mut pace = Pace::new(PaceOptions::with_slowest(slowest));
        assert_eq!(pace.next(input(0, 0.1)), calm);
        assert_eq!(pace.next(input(10_000, 0.9)), fast);
    }
}

#[test]
fn unknown_and_absurd_figures_keep_it_calm() {
    let mut pace = Pace::new(PaceOptions::default());
    let nothing = PaceInput::default();
    assert_eq!(pace.next(nothing), 10_000);
    assert_eq!(pace.next(nothing), 10_000, "time that stands still");
    assert_eq!(pace.next(input(5, f64::NAN)), 10_000);
    assert_eq!(pace.next(input(3, f64::NAN)), 10_000, "time that goes back");
    assert_eq!(pace.next(input(u64::MAX, 2.0)), 500);
}
