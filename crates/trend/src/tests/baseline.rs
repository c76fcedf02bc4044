//! What is learned, what is not, and what is made of it.

use super::support::*;
use crate::baseline::{Baseline, BaselineKey, Origin, RunEnd};
use crate::{BaselineConfig, Figure, Judge, JudgeConfig, Level, Metric, Reading, Threshold};

fn config() -> JudgeConfig {
    let baseline = BaselineConfig {
        metrics: vec![Metric::Rss],
        ..BaselineConfig::default()
    };
    JudgeConfig {
        rules: vec![rule(
            "rss",
            Metric::Rss,
            Some(Threshold::Bytes(2 << 30)),
            None,
        )],
        baseline: Some(baseline),
        ..JudgeConfig::default()
    }
}

/// A process that was started on Monday at 00:00, with RSS as given by the hour since then.
struct Plain {
    judge: Judge,
    age: u64,
    started_wall: u64,
}

impl Plain {
    fn new(judge: Judge) -> Self {
        Self {
            judge,
            age: 0,
            started_wall: MONDAY,
        }
    }

    /// One reading a minute for so many hours; whatever is said.
    fn hours(&mut self, hours: u64, rss_mb: impl FnMut(u64) -> f64) -> Vec<String> {
        self.minutes(hours * 60, rss_mb)
    }

    fn minutes(&mut self, minutes: u64, mut rss_mb: impl FnMut(u64) -> f64) -> Vec<String> {
        let mut said = Vec::new();
        for _ in 0..minutes {
            let mut reading =
                Reading::at(self.age).with(Metric::Rss, Figure::new(rss_mb(self.age / HOUR) * MB));
            reading.wall_ms = self.started_wall + self.age;
            reading.age_ms = self.age;
            said.extend(shorts(&self.judge.observe(&reading)));
            self.age += MINUTE;
        }
        said
    }

    fn learned(&self) -> (u32, u32) {
        let state = self.judge.state().baseline.unwrap();
        (state.hours, state.pending_hours)
    }

    fn threshold_mb(&self) -> Option<f64> {
        let wall = self.started_wall + self.age;
        let usual = self
            .judge
            .baseline()
            .usual(Metric::Rss, wall, 0, &BaselineConfig::default());
        usual.map(|usual| usual.threshold / MB)
    }
}

fn fresh() -> Plain {
    Plain::new(Judge::new(config()).unwrap())
}

#[test]
fn an_hour_is_pending_for_a_day_and_then_believed() {
    let mut process = fresh();
    assert_eq!(process.hours(24, |_| 300.0), [""; 0]);
    assert_eq!(
        process.learned(),
        (0, 23),
        "the hour in progress is not one yet"
    );
    process.hours(2, |_| 300.0);
    assert_eq!(process.learned(), (1, 24));
    process.hours(24 * 12, |_| 300.0);
    assert_eq!(process.learned(), (168, 24), "a week is all that it keeps");
}

#[test]
fn the_margin_narrows_as_the_week_fills() {
    let mut process = fresh();
    let mut thresholds = Vec::new();
    for _ in 0..9 {
        process.hours(24, |_| 300.0);
        thresholds.push(process.threshold_mb().map(f64::round));
    }
    let expected = [
        None,
        None,
        None,
        Some(510.0),
        Some(458.0),
        Some(426.0),
        Some(405.0),
        Some(390.0),
        Some(390.0),
    ];
    assert_eq!(
        thresholds, expected,
        "30 % × 7 ÷ days, from the third day that is believed"
    );
}

#[test]
fn a_new_level_is_told_when_it_lasts_and_a_spike_is_not() {
    let mut process = fresh();
    process.hours(24 * 8, |_| 300.0);
    let mut minute = 0;
    let said = process.hours(2, |_| {
        minute += 1;
        if minute % 10 < 4 { 900.0 } else { 300.0 }
    });
    assert_eq!(said, [""; 0], "four minutes of every ten");
    assert_eq!(process.hours(1, |_| 500.0)[0], "calm→warn");
    assert_eq!(process.judge.level(), Level::Warn);
    let state = process.judge.state();
    let dynamic = state
        .rules
        .iter()
        .find(|rule| rule.rule == "baseline:rss")
        .unwrap();
    assert_eq!(dynamic.warn, Some(Threshold::Bytes(390 << 20)));
    assert_eq!(process.hours(1, |_| 300.0), ["warn→calm"]);
}

#[test]
fn says_what_was_usual() {
    let mut process = fresh();
    process.hours(
        24 * 8 + 14,
        |hour| if hour % 24 == 14 { 320.0 } else { 300.0 },
    );
    let mut sentence = String::new();
    for _ in 0..10 {
        process.age += MINUTE;
        let mut reading = Reading::at(process.age).with(Metric::Rss, Figure::new(610.0 * MB));
        (reading.wall_ms, reading.age_ms) = (MONDAY + process.age, process.age);
        for event in process.judge.observe(&reading) {
            sentence = alert(&event).sentence.clone();
        }
    }
    assert_eq!(
        sentence,
        "RSS 610 MB is above what is usual between 14:00 and 15:00 (320 MB, up to 320 MB on 7 days): \
         over 416 MB in 3 of 3 readings within 2 min, and so for 5 min"
    );
}

#[test]
fn neighbouring_hours_are_usual_too() {
    let mut process = fresh();
    let day = |hour: u64| if hour % 24 == 9 { 600.0 } else { 300.0 };
    process.hours(24 * 8 + 8, day);
    // The work of 9 o'clock begins at 8 and ends at 11.
    assert_eq!(process.hours(3, |_| 600.0), [""; 0]);
    assert_eq!(process.hours(1, |_| 600.0)[0], "calm→warn");
}

#[test]
fn one_odd_day_does_not_hide_the_next_and_a_weekend_makes_no_alarm_of_monday() {
    let mut process = fresh();
    let odd = |hour: u64| if hour / 24 == 2 { 1_200.0 } else { 300.0 };
    assert_eq!(process.hours(24 * 8 + 12, odd), [""; 0]);
    let with_odd = process.threshold_mb().unwrap();
    assert!((389.0..392.0).contains(&with_odd), "{with_odd}");

    let mut process = fresh();
    let week = |hour: u64| if hour / 24 % 7 >= 5 { 150.0 } else { 400.0 };
    assert_eq!(process.hours(24 * 28, week), [""; 0]);
}

#[test]
fn warm_up_is_neither_learned_nor_judged() {
    let mut process = fresh();
    process.hours(24 * 8, |_| 300.0);
    let learned = process.judge.baseline().clone();
    // A restart: the first five minutes are far above what is usual, the rest is not.
    let mut process = Plain {
        judge: Judge::with_baseline(config(), learned).unwrap(),
        age: 0,
        started_wall: MONDAY + 8 * DAY,
    };
    let mut minute = 0;
    let said = process.hours(1, |_| {
        minute += 1;
        if minute <= 5 { 1_500.0 } else { 300.0 }
    });
    assert_eq!(said, [""; 0]);
}

#[test]
fn a_dynamic_threshold_is_never_above_a_hard_one() {
    let mut hard_below = config();
    hard_below.rules[0].warn = Some(Threshold::Bytes(350 << 20));
    let mut process = Plain::new(Judge::new(hard_below).unwrap());
    process.hours(24 * 8, |_| 300.0);
    assert!(process.threshold_mb().unwrap() > 350.0);
    let said = process.hours(1, |_| 500.0);
    assert_eq!(
        said.len(),
        6,
        "the hard rule and its reminders, and nobody else: {said:?}"
    );
    let state = process.judge.state();
    let dynamic = state
        .rules
        .iter()
        .find(|rule| rule.rule == "baseline:rss")
        .unwrap();
    assert_eq!((dynamic.warn, dynamic.level), (None, Level::Calm));
}

#[test]
fn an_alarm_throws_away_what_is_pending_and_stops_the_learning_for_a_day() {
    let mut process = fresh();
    process.hours(30, |_| 300.0);
    assert_eq!(process.learned(), (5, 24));
    process.hours(1, |_| 3_000.0);
    assert_eq!(
        process.learned(),
        (6, 0),
        "what was believed until then stays"
    );
    process.hours(23, |_| 300.0);
    assert!(!process.judge.state().baseline.unwrap().learning);
    assert_eq!(process.learned(), (6, 0));
    process.hours(3, |_| 300.0);
    assert_eq!(
        process.learned(),
        (6, 1),
        "a day of calm later it learns again"
    );
}

#[test]
fn an_alarm_elsewhere_counts_as_well() {
    let mut process = fresh();
    process.hours(30, |_| 300.0);
    process.judge.distrust_run();
    assert_eq!(process.learned().1, 0);
    process.hours(23, |_| 300.0);
    assert_eq!(process.learned().1, 0);
}

#[test]
fn an_ineffective_gc_is_an_alarm_too() {
    let mut process = fresh();
    process.hours(30, |_| 300.0);
    for i in 0..3 {
        let at_ms = process.age + i * 100;
        let gc = crate::MajorGc {
            at_ms,
            duration_ms: 95.0,
            used_before: 99,
            used_after: 98,
            limit: 100,
        };
        process.judge.observe_major_gc(&gc);
    }
    assert_eq!(process.learned(), (5, 0));
}

#[test]
fn only_a_good_end_makes_it_trusted() {
    let key = BaselineKey {
        app: "shop".into(),
        version: "1.2.3".into(),
        node_line: 20,
        limit: 1 << 30,
    };
    let start = || Plain::new(Judge::with_baseline(config(), Baseline::new(key.clone())).unwrap());
    let hours_after = |bytes: &[u8], end: RunEnd| {
        let restored = Baseline::from_bytes(bytes, &key, end).unwrap();
        assert_eq!(restored.origin, Origin::Stored);
        Judge::with_baseline(config(), restored.baseline)
            .unwrap()
            .state()
            .baseline
            .unwrap()
            .hours
    };

    let mut process = start();
    process.hours(72, |_| 300.0);
    assert_eq!(process.learned(), (47, 24));
    let saved_midway = process.judge.baseline().to_bytes();
    assert_eq!(
        hours_after(&saved_midway, RunEnd::Unknown),
        0,
        "it may have died of a leak"
    );
    assert_eq!(
        hours_after(&saved_midway, RunEnd::Stopped),
        47,
        "somebody knows that it did not"
    );
    process.judge.commit_baseline();
    assert_eq!(
        hours_after(&process.judge.baseline().to_bytes(), RunEnd::Unknown),
        72,
        "a clean shutdown"
    );

    let mut process = start();
    process.hours(72, |_| 300.0);
    process.hours(1, |_| 3_000.0);
    let saved_in_alarm = process.judge.baseline().to_bytes();
    assert_eq!(
        hours_after(&saved_in_alarm, RunEnd::Stopped),
        0,
        "a run that alarmed is not learned"
    );
    process.judge.commit_baseline();
    assert_eq!(
        hours_after(&process.judge.baseline().to_bytes(), RunEnd::Unknown),
        0,
        "nor when it ends well"
    );
}

#[test]
fn another_key_starts_anew() {
    let key = BaselineKey {
        app: "shop".into(),
        version: "1.2.3".into(),
        node_line: 20,
        limit: 1 << 30,
    };
    let mut process =
        Plain::new(Judge::with_baseline(config(), Baseline::new(key.clone())).unwrap());
    process.hours(72, |_| 300.0);
    process.judge.commit_baseline();
    let bytes = process.judge.baseline().to_bytes();
    for other in [
        BaselineKey {
            app: "shop2".into(),
            ..key.clone()
        },
        BaselineKey {
            version: "1.2.4".into(),
            ..key.clone()
        },
        BaselineKey {
            node_line: 22,
            ..key.clone()
        },
        BaselineKey {
            limit: 2 << 30,
            ..key.clone()
        },
    ] {
        let restored = Baseline::from_bytes(&bytes, &other, RunEnd::Unknown).unwrap();
        assert_eq!(restored.origin, Origin::OtherKey(key.clone()));
        assert_eq!(restored.baseline.key(), &other);
        assert_eq!(
            Judge::with_baseline(config(), restored.baseline)
                .unwrap()
                .state()
                .baseline
                .unwrap()
                .hours,
            0
        );
    }
}

#[test]
fn is_a_few_kilobytes() {
    let all = BaselineConfig {
        metrics: Metric::ALL[..4].to_vec(),
        ..BaselineConfig::default()
    };
    let mut judge = Judge::new(JudgeConfig {
        rules: Vec::new(),
        baseline: Some(all),
        ..JudgeConfig::default()
    })
    .unwrap();
    for minute in 0..60 * 24 * 10 {
        let mut reading = Reading::at(minute * MINUTE);
        reading.wall_ms = MONDAY + minute * MINUTE;
        for metric in Metric::ALL {
            reading.set(metric, Figure::new(1.0 * MB).of(2.0 * MB, "limit"));
        }
        judge.observe(&reading);
    }
    judge.commit_baseline();
    assert_eq!(judge.state().baseline.unwrap().hours, 4 * 168);
    let bytes = judge.baseline().to_bytes().len();
    assert!(bytes < 10 * 1024, "{bytes} bytes for four metrics");
}

#[test]
fn old_days_age_out() {
    let mut process = fresh();
    process.hours(24 * 5, |_| 300.0);
    process.judge.commit_baseline();
    let learned = process.judge.baseline().clone();
    // Two weeks off.
    let mut process = Plain {
        judge: Judge::with_baseline(config(), learned).unwrap(),
        age: 0,
        started_wall: MONDAY + 19 * DAY,
    };
    assert_eq!(process.learned().0, 120);
    process.hours(2, |_| 300.0);
    assert_eq!(process.learned().0, 0);
}

#[test]
fn a_jump_of_wall_time_forgets_and_teaches_nothing() {
    let mut process = fresh();
    process.hours(24 * 8, |_| 300.0);
    let before = process.learned();
    // The clock shows next year for half an hour.
    process.started_wall += 365 * DAY;
    for _ in 0..30 {
        let mut reading = Reading::at(process.age).with(Metric::Rss, Figure::new(300.0 * MB));
        (reading.wall_ms, reading.age_ms) = (process.started_wall + process.age, process.age);
        assert_eq!(process.judge.observe(&reading), []);
        process.age += MINUTE;
    }
    process.started_wall -= 365 * DAY;
    process.hours(3, |_| 300.0);
    assert!(process.learned().0 >= before.0, "nothing forgotten");
    assert!(process.learned().1 <= before.1);
    assert!(process.threshold_mb().is_some());
}

#[test]
fn ratios_are_learned_where_the_whole_moves() {
    let baseline = BaselineConfig {
        metrics: vec![Metric::EffectiveUse],
        min_days: 1,
        ..BaselineConfig::default()
    };
    let config = JudgeConfig {
        rules: Vec::new(),
        baseline: Some(baseline.clone()),
        ..JudgeConfig::default()
    };
    let mut judge = Judge::new(config).unwrap();
    for minute in 0..60 * 50 {
        // The nearest limit is now one thing, now another; the share is the same.
        let whole = if minute % 2 == 0 {
            512.0 * MB
        } else {
            4.0 * GB
        };
        let mut reading = Reading::at(minute * MINUTE);
        reading.wall_ms = MONDAY + minute * MINUTE;
        judge.observe(&reading.with(
            Metric::EffectiveUse,
            Figure::new(0.4 * whole).of(whole, "limit"),
        ));
    }
    let usual = judge
        .baseline()
        .usual(Metric::EffectiveUse, MONDAY + 2 * DAY, 0, &baseline)
        .unwrap();
    assert!((usual.median - 0.4).abs() < 1e-6, "{usual:?}");
}

#[test]
fn the_hour_is_local() {
    let mut process = fresh();
    process.hours(24 * 6, |hour| if hour % 24 == 12 { 600.0 } else { 300.0 });
    let usual = |offset: i32| {
        process.judge.baseline().usual(
            Metric::Rss,
            MONDAY + 6 * DAY + 12 * HOUR,
            offset,
            &BaselineConfig::default(),
        )
    };
    assert_eq!(usual(0).unwrap().hour, 12);
    assert_eq!(usual(-210).unwrap().hour, 8);
    assert_eq!(usual(345).unwrap().hour, 17);
}

#[test]
fn a_long_warm_up_is_one_for_the_baseline_alone() {
    let mut slow = config();
    slow.warmup_ms = 2 * HOUR;
    let mut process = Plain::new(Judge::new(slow.clone()).unwrap());
    process.hours(4, |_| 300.0);
    assert_eq!(
        process.learned(),
        (0, 1),
        "of four hours two are warm-up and one is in progress"
    );
    process.hours(24 * 8, |_| 300.0);

    let learned = process.judge.baseline().clone();
    let mut process = Plain {
        judge: Judge::with_baseline(slow, learned).unwrap(),
        age: 0,
        started_wall: MONDAY + 8 * DAY + 4 * HOUR,
    };
    assert_eq!(
        process.minutes(119, |_| 900.0),
        [""; 0],
        "nothing dynamic yet"
    );
    assert_eq!(
        process.hours(1, |_| 3_000.0)[0],
        "calm→warn",
        "hard thresholds hold all the time"
    );
}

#[test]
fn what_was_seen_by_a_wrong_clock_is_forgotten_when_it_is_set() {
    let mut process = fresh();
    process.started_wall = 0;
    process.minutes(50, |_| 300.0);
    process.started_wall = MONDAY;
    process.hours(4, |_| 300.0);
    assert_eq!(
        process.learned(),
        (0, 2),
        "the hours from 2 to 4; before that, time was not to be believed"
    );
}

#[test]
fn two_busy_days_a_week_are_usual() {
    let mut process = fresh();
    let week = |hour: u64| {
        if matches!(hour / 24 % 7, 0 | 3) {
            600.0
        } else {
            300.0
        }
    };
    assert_eq!(process.hours(24 * 8 + 12, week), [""; 0]);
    assert_eq!(process.threshold_mb().map(f64::round), Some(780.0));
}

/// What is known of Monday at 00:00, when one hour is enough.
fn first_hour(process: &Plain) -> Option<crate::Usual> {
    let config = BaselineConfig {
        min_days: 1,
        ..BaselineConfig::default()
    };
    process
        .judge
        .baseline()
        .usual(Metric::Rss, MONDAY, 0, &config)
}

#[test]
fn a_part_of_an_hour_counts_from_a_quarter_on() {
    for (minutes, counts) in [(4, false), (18, false), (25, true), (59, true)] {
        let mut process = fresh();
        process.minutes(minutes, |_| 300.0);
        process.judge.commit_baseline();
        assert_eq!(
            first_hour(&process).is_some(),
            counts,
            "{minutes} min, five of them warm-up"
        );
    }
}

#[test]
fn of_an_hour_with_a_restart_the_longer_part_counts() {
    for (first, expected) in [(37, 500.0), (23, 300.0)] {
        let mut process = fresh();
        process.minutes(first, |_| 500.0);
        process.judge.commit_baseline();
        let mut process = Plain {
            judge: Judge::with_baseline(config(), process.judge.baseline().clone()).unwrap(),
            age: 0,
            started_wall: MONDAY + first * MINUTE,
        };
        process.minutes(60 - first, |_| 300.0);
        process.judge.commit_baseline();
        assert_eq!(
            first_hour(&process).map(|usual| usual.median / MB),
            Some(expected)
        );
    }
}

#[test]
fn rare_spikes_are_not_what_an_hour_was_like() {
    let mut process = fresh();
    let mut minute = 0;
    process.hours(2, |_| {
        minute += 1;
        if minute % 30 == 0 { 900.0 } else { 300.0 }
    });
    process.judge.commit_baseline();
    assert_eq!(
        first_hour(&process).map(|usual| usual.highest / MB),
        Some(300.0)
    );
}

#[test]
fn days_that_differ_widen_what_is_usual() {
    let mut process = fresh();
    // 300 to 600 MB: the median is 450, the MAD 100, and the spread may at most double the median.
    let week = |hour: u64| 300.0 + 50.0 * (hour / 24 % 7) as f64;
    process.hours(24 * 8 + 12, week);
    assert_eq!(process.threshold_mb().map(f64::round), Some(900.0 * 1.3));
}

#[test]
fn what_was_learned_in_the_future_goes_when_the_clock_is_right() {
    let mut process = fresh();
    process.started_wall = MONDAY + 400 * DAY;
    process.hours(24, |_| 300.0);
    process.judge.commit_baseline();
    let mut process =
        Plain::new(Judge::with_baseline(config(), process.judge.baseline().clone()).unwrap());
    assert!(process.learned().0 > 0);
    process.hours(2, |_| 300.0);
    assert_eq!(process.learned().0, 0);
}
