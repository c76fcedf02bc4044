//! Hard rules, through the judge.

use super::support::*;
use crate::{Event, Figure, Judge, Level, Metric, Reading, Threshold};

fn feed(judge: &mut Judge, readings: &[(u64, f64)]) -> Vec<Event> {
    readings
        .iter()
        .flat_map(|(at, used)| judge.observe(&heap(*at, *used)))
        .collect()
}

/// A name, readings as (seconds, bytes of 1000), and what is to be said.
type Case = (&'static str, &'static [(u64, f64)], &'static [&'static str]);

#[test]
fn cases() {
    let cases: &[Case] = &[
        ("two are not enough", &[(0, 900.0), (1, 900.0)], &[]),
        (
            "three are",
            &[(0, 900.0), (1, 900.0), (2, 900.0)],
            &["calm→warn"],
        ),
        (
            "equal is not over",
            &[(0, 850.0), (1, 850.0), (2, 850.0)],
            &[],
        ),
        (
            "one below begins anew",
            &[(0, 900.0), (1, 900.0), (2, 850.0), (3, 900.0), (4, 900.0)],
            &[],
        ),
        (
            "older than the window does not count",
            &[(0, 900.0), (1, 900.0), (301, 900.0)],
            &[],
        ),
        (
            "just within the window",
            &[(0, 900.0), (150, 900.0), (300, 900.0)],
            &["calm→warn"],
        ),
        (
            "straight to critical",
            &[(0, 960.0), (1, 960.0), (2, 960.0)],
            &["calm→critical"],
        ),
        (
            "critical counts by itself",
            &[(0, 900.0), (1, 960.0), (2, 960.0), (3, 960.0)],
            &["calm→warn", "warn→critical"],
        ),
        (
            "an escalation is told at once, a reminder after the cool-down",
            &[
                (0, 900.0),
                (1, 900.0),
                (2, 900.0),
                (3, 900.0),
                (4, 960.0),
                (5, 960.0),
                (6, 960.0),
                (605, 960.0),
                (606, 960.0),
                (607, 960.0),
            ],
            &["calm→warn", "warn→critical", "still critical"],
        ),
        (
            "between threshold and hysteresis nothing changes",
            &[
                (0, 900.0),
                (1, 900.0),
                (2, 900.0),
                (3, 810.0),
                (4, 840.0),
                (5, 820.0),
                (6, 808.0),
            ],
            &["calm→warn"],
        ),
        (
            "three below it are a recovery",
            &[
                (0, 900.0),
                (1, 900.0),
                (2, 900.0),
                (3, 807.0),
                (4, 807.0),
                (5, 807.0),
            ],
            &["calm→warn", "warn→calm"],
        ),
        (
            "three in a row, that is",
            &[
                (0, 900.0),
                (1, 900.0),
                (2, 900.0),
                (3, 800.0),
                (4, 800.0),
                (5, 810.0),
                (6, 800.0),
                (7, 800.0),
            ],
            &["calm→warn"],
        ),
        (
            "down by way of warn",
            &[
                (0, 960.0),
                (1, 960.0),
                (2, 960.0),
                (3, 880.0),
                (4, 880.0),
                (5, 880.0),
                (6, 1.0),
                (7, 1.0),
                (8, 1.0),
            ],
            &["calm→critical", "critical→warn", "warn→calm"],
        ),
        (
            "down at once",
            &[
                (0, 960.0),
                (1, 960.0),
                (2, 960.0),
                (3, 1.0),
                (4, 1.0),
                (5, 1.0),
            ],
            &["calm→critical", "critical→calm"],
        ),
        (
            "what flaps within the cool-down is told once, and its end once",
            &[
                (0, 900.0),
                (1, 900.0),
                (2, 900.0),
                (3, 1.0),
                (4, 1.0),
                (5, 1.0),
                (6, 900.0),
                (7, 900.0),
                (8, 900.0),
                (9, 1.0),
                (10, 1.0),
                (11, 1.0),
            ],
            &["calm→warn", "warn→calm"],
        ),
    ];
    for (name, readings, expected) in cases {
        let mut judge = heap_judge();
        let readings: Vec<_> = readings
            .iter()
            .map(|(at, used)| (at * SECOND, *used))
            .collect();
        assert_eq!(shorts(&feed(&mut judge, &readings)), *expected, "{name}");
    }
}

#[test]
fn an_alert_that_the_cooldown_held_back_comes_when_it_is_over() {
    let mut judge = heap_judge();
    let mut said = Vec::new();
    for minute in 0..25u64 {
        let used = if (3..6).contains(&minute) { 1.0 } else { 900.0 };
        said.extend(
            judge
                .observe(&heap(minute * MINUTE, used))
                .into_iter()
                .map(|event| (minute, short(&event))),
        );
    }
    let expected = [
        (2, "calm→warn"),
        (5, "warn→calm"),
        (12, "still warn"),
        (22, "still warn"),
    ];
    assert_eq!(
        said,
        expected.map(|(minute, word)| (minute, word.to_owned()))
    );
}

#[test]
fn an_alert_gives_its_reasons() {
    let mut judge = Judge::new(hard(vec![rule(
        "heapThreshold",
        Metric::HeapUsed,
        Some(Threshold::Ratio(0.85)),
        None,
    )]))
    .unwrap();
    let readings = [3.45, 3.48, 3.5].map(|gb| Figure::new(gb * GB).of(4.0 * GB, "heap limit"));
    let mut events = Vec::new();
    for (i, figure) in readings.into_iter().enumerate() {
        events.extend(
            judge.observe(&Reading::at(70_000 + i as u64 * 750).with(Metric::HeapUsed, figure)),
        );
    }
    let [event] = &events[..] else {
        panic!("{events:?}")
    };
    let alert = alert(event);
    assert_eq!(
        alert.sentence,
        "heap used 3.5 GB is 88 % of the 4.0 GB heap limit: over 85 % in 3 of 3 readings within 1.5 s"
    );
    assert_eq!(
        (alert.level, alert.previous_level),
        (Level::Warn, Level::Calm)
    );
    assert_eq!(
        (
            alert.violations,
            alert.window_ms,
            alert.first_violation_at_ms,
            alert.at_ms
        ),
        (3, 1_500, 70_000, 71_500)
    );
    assert_eq!(alert.values, [3.45 * GB, 3.48 * GB, 3.5 * GB]);
    assert_eq!(alert.ratio, Some(0.875));

    let json = serde_json::to_value(event).unwrap();
    assert_eq!(json["type"], "alert");
    assert_eq!(json["level"], "warn");
    assert_eq!(json["previousLevel"], "calm");
    assert_eq!(json["kind"], "threshold");
    assert_eq!(json["rule"], "heapThreshold");
    assert_eq!(json["metric"], "heapUsed");
    assert_eq!(json["ofName"], "heap limit");
    assert_eq!(json["threshold"], serde_json::json!({ "ratio": 0.85 }));
    assert_eq!(json["firstViolationAtMs"], 70_000);
    assert_eq!(json["gc"], serde_json::Value::Null);
}

#[test]
fn sentences_by_metric() {
    let cases: &[(Metric, Threshold, Figure, &str)] = &[
        (
            Metric::Rss,
            Threshold::Bytes(400 << 20),
            Figure::new(512.0 * MB),
            "RSS is 512 MB: over 400 MB in 3 of 3 readings within 20 s",
        ),
        (
            Metric::Rss,
            Threshold::Bytes(400 << 20),
            Figure::new(400.0 * MB + 5_000.0),
            "RSS is 409604.9 KB: over 409600.0 KB in 3 of 3 readings within 20 s",
        ),
        (
            Metric::EffectiveUse,
            Threshold::Ratio(0.9),
            Figure::new(470.0 * MB).of(512.0 * MB, "cgroup limit"),
            "memory 470 MB is 92 % of the 512 MB cgroup limit: over 90 % in 3 of 3 readings within 20 s",
        ),
        (
            Metric::HeapUsedOfTotal,
            Threshold::Ratio(0.9),
            Figure {
                of: Some(100.0 * MB),
                ..Figure::new(90.04 * MB)
            },
            "heap used 90.0 MB is 90.04 % of the 100 MB heap total: over 90.00 % in 3 of 3 readings within 20 s",
        ),
        (
            Metric::Pressure,
            Threshold::Ratio(0.2),
            Figure::new(0.231),
            "memory pressure: tasks waited for memory 23 % of the time: over 20 % in 3 of 3 readings within 20 s",
        ),
    ];
    for (metric, threshold, figure, expected) in cases {
        let mut judge = Judge::new(hard(vec![rule("r", *metric, Some(*threshold), None)])).unwrap();
        let events: Vec<_> = (0..3)
            .flat_map(|i| {
                judge.observe(&Reading::at(i * 10 * SECOND).with(*metric, figure.clone()))
            })
            .collect();
        assert_eq!(events.len(), 1, "{metric:?}");
        assert_eq!(alert(&events[0]).sentence, *expected);
    }
}

#[test]
fn a_recovery_gives_its_figures() {
    let mut judge = heap_judge();
    let events = feed(
        &mut judge,
        &[
            (0, 900.0),
            (1_000, 900.0),
            (2_000, 900.0),
            (60_000, 500.0),
            (61_000, 500.0),
            (62_000, 500.0),
        ],
    );
    let recovery = recovery(&events[1]);
    assert_eq!(
        recovery.sentence,
        "heap used 500 B is 50 % of the 1000 B heap limit: calm again after 1 min"
    );
    assert_eq!(
        (recovery.previous_level, recovery.level),
        (Level::Warn, Level::Calm)
    );
    assert_eq!((recovery.lasted_ms, recovery.ratio), (60_000, Some(0.5)));
}

#[test]
fn a_missing_figure_neither_violates_nor_resets_nor_recovers() {
    let nothing = [
        Reading::at(0),
        Reading::at(0).with(
            Metric::HeapUsed,
            Figure::new(f64::NAN).of(1000.0, "heap limit"),
        ),
        Reading::at(0).with(
            Metric::HeapUsed,
            Figure::new(f64::INFINITY).of(1000.0, "heap limit"),
        ),
        Reading::at(0).with(Metric::HeapUsed, Figure::new(-1.0).of(1000.0, "heap limit")),
        Reading::at(0).with(Metric::HeapUsed, Figure::new(990.0)),
        Reading::at(0).with(Metric::HeapUsed, Figure::new(990.0).of(0.0, "heap limit")),
        Reading::at(0).with(
            Metric::HeapUsed,
            Figure::new(990.0).of(f64::NAN, "heap limit"),
        ),
    ];
    for missing in nothing {
        let mut judge = heap_judge();
        let mut at = 0;
        let mut observe = |used: Option<f64>| {
            at += SECOND;
            let mut reading = used.map_or_else(|| missing.clone(), |used| heap(at, used));
            reading.at_ms = at;
            shorts(&judge.observe(&reading))
        };
        let none: [String; 0] = [];
        assert_eq!(observe(Some(900.0)), none);
        assert_eq!(observe(None), none);
        assert_eq!(observe(Some(900.0)), none);
        assert_eq!(observe(None), none);
        assert_eq!(observe(Some(900.0)), ["calm→warn"]);
        assert_eq!(observe(Some(1.0)), none);
        assert_eq!(observe(None), none);
        assert_eq!(observe(Some(1.0)), none);
        assert_eq!(observe(None), none);
        assert_eq!(observe(Some(1.0)), ["warn→calm"]);
    }
}

#[test]
fn a_figure_measured_once_is_not_counted_with_every_reading() {
    let live = rule("live", Metric::LiveHeap, Some(Threshold::Ratio(0.9)), None);
    let reading = |at: u64, measured: u64| {
        Reading::at(at).with(
            Metric::LiveHeap,
            Figure::new(95.0)
                .of(100.0, "old-space limit")
                .measured_at(measured),
        )
    };
    let mut judge = Judge::new(hard(vec![live.clone()])).unwrap();
    let first = (0..400).find(|half| !judge.observe(&reading(half * 500, 0)).is_empty());
    assert_eq!(
        first, None,
        "200 s of a high live heap after one GC are not yet an alert"
    );
    let first = (400..1_000).find(|half| !judge.observe(&reading(half * 500, 0)).is_empty());
    assert_eq!(
        first,
        Some(400),
        "but it counts once every 100 s while no later GC says otherwise"
    );

    let mut judge = Judge::new(hard(vec![live])).unwrap();
    let first = (0..400).find(|half| !judge.observe(&reading(half * 500, half / 4)).is_empty());
    assert_eq!(first, Some(8), "three GCs are three violations");
}

#[test]
fn ratio_and_bytes_may_be_mixed() {
    let mixed = rule(
        "rss",
        Metric::Rss,
        Some(Threshold::Bytes(500)),
        Some(Threshold::Ratio(0.9)),
    );
    let mut judge = Judge::new(hard(vec![mixed])).unwrap();
    let reading = |at: u64, value: f64, of: Option<f64>| {
        Reading::at(at).with(
            Metric::Rss,
            Figure {
                of,
                ..Figure::new(value)
            },
        )
    };
    let mut events = Vec::new();
    for i in 0..3 {
        events.extend(judge.observe(&reading(i, 950.0, None)));
    }
    assert_eq!(
        shorts(&events),
        ["calm→warn"],
        "without a whole the ratio can't be judged, the bytes can"
    );
    for i in 3..6 {
        events.extend(judge.observe(&reading(i, 950.0, Some(1000.0))));
    }
    assert_eq!(shorts(&events), ["calm→warn", "warn→critical"]);
}

#[test]
fn the_clock_may_do_what_it_likes() {
    let mut judge = heap_judge();
    let events = feed(&mut judge, &[(5_000_000, 900.0), (10, 900.0), (20, 900.0)]);
    assert_eq!(shorts(&events), ["calm→warn"], "a step back is no time");
    assert_eq!(
        feed(&mut judge, &[(500_000, 900.0)]),
        [],
        "the cool-down goes on from there"
    );
    assert_eq!(
        shorts(&feed(
            &mut judge,
            &[(600_010, 900.0), (600_020, 900.0), (600_030, 900.0)]
        )),
        ["still warn"]
    );
    let far = feed(&mut judge, &[(u64::MAX, 900.0), (0, 900.0), (1, 900.0)]);
    assert_eq!(
        shorts(&far),
        ["still warn"],
        "aeons later the cool-down is over"
    );

    let mut judge = heap_judge();
    let mut reading = heap(0, 900.0);
    for (at, wall) in [(0, u64::MAX), (1, 0), (2, 1_767_571_200_000)] {
        (reading.at_ms, reading.wall_ms, reading.utc_offset_minutes) = (at, wall, i32::MIN);
        judge.observe(&reading);
    }
    assert_eq!(
        judge.level(),
        Level::Warn,
        "wall time is nothing to a hard rule"
    );
}

#[test]
fn hard_rules_hold_from_the_first_reading() {
    let mut judge = heap_judge();
    assert_eq!(
        shorts(&feed(&mut judge, &[(0, 900.0), (1, 900.0), (2, 900.0)])),
        ["calm→warn"]
    );
}

#[test]
fn the_state_is_for_reports() {
    let mut judge = heap_judge();
    feed(&mut judge, &[(0, 900.0), (1_000, 960.0)]);
    let state = judge.state();
    let heap = &state.rules[0];
    assert_eq!(
        (heap.level, heap.value, heap.ratio),
        (Level::Calm, Some(960.0), Some(0.96))
    );
    assert_eq!(
        (heap.warn_violations, heap.critical_violations, heap.needed),
        (2, 1, 3)
    );
    assert_eq!(heap.raised_at_ms, None);
    feed(&mut judge, &[(2_000, 960.0)]);
    assert_eq!(judge.state().rules[0].raised_at_ms, Some(2_000));
    let json = serde_json::to_value(judge.state()).unwrap();
    assert_eq!(json["rules"][0]["criticalViolations"], 2);
    assert_eq!(json["level"], "warn");
}

#[test]
fn the_worst_rule_is_the_level() {
    let rules = vec![
        rule("rss", Metric::Rss, Some(Threshold::Bytes(10)), None),
        rule(
            "external",
            Metric::External,
            None,
            Some(Threshold::Bytes(10)),
        ),
    ];
    let mut judge = Judge::new(hard(rules)).unwrap();
    for i in 0..3 {
        judge.observe(&Reading::at(i).with(Metric::Rss, Figure::new(11.0)));
    }
    assert_eq!(judge.level(), Level::Warn);
    for i in 3..6 {
        judge.observe(&Reading::at(i).with(Metric::External, Figure::new(11.0)));
    }
    assert_eq!(judge.level(), Level::Critical);
    for i in 6..9 {
        judge.observe(&Reading::at(i).with(Metric::External, Figure::new(1.0)));
    }
    assert_eq!(judge.level(), Level::Warn);
}
