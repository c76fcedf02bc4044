//! GC effectiveness, against V8's own figures and against made-up programs.

use super::support::{HOUR, MB, MINUTE, SECOND, alert, recovery, short, shorts};
use crate::{AlertKind, Event, Judge, JudgeConfig, Level, MajorGc, Reading};

const LIMIT: u64 = 64 << 20;

fn judge() -> Judge {
    Judge::new(JudgeConfig {
        rules: Vec::new(),
        baseline: None,
        ..JudgeConfig::default()
    })
    .unwrap()
}

fn gc(at_ms: u64, duration_ms: f64, before_mb: f64, after_mb: f64) -> MajorGc {
    let bytes = |mb: f64| (mb * MB) as u64;
    MajorGc {
        at_ms,
        duration_ms,
        used_before: bytes(before_mb),
        used_after: bytes(after_mb),
        limit: LIMIT,
    }
}

/// (end ms, used before MB, after MB, pause ms, incremental marking ms, V8's average mutator utilisation)
type Trace = &'static [(u64, f64, f64, f64, f64, f64)];

/// What `--trace-gc` said of all major GCs of a leaking program with `--max-old-space-size=64`, up to its abort.
/// Node 20: a steady leak, "Reached heap limit".
const NODE_20: Trace = &[
    (274, 9.2, 8.5, 1.43, 7.3, 1.0),
    (528, 15.2, 14.6, 0.85, 5.4, 0.976),
    (1049, 28.0, 26.7, 16.2, 0.0, 0.971),
    (1557, 40.5, 39.5, 2.99, 17.3, 0.965),
    (1635, 41.4, 40.5, 21.36, 0.4, 0.929),
    (2146, 54.8, 53.2, 1.71, 20.4, 0.947),
    (2393, 60.4, 58.9, 7.05, 19.9, 0.926),
    (2737, 67.8, 66.6, 22.48, 28.3, 0.888),
];
const NODE_22: Trace = &[
    (258, 10.0, 9.7, 1.27, 4.0, 0.984),
    (523, 16.8, 16.1, 3.76, 5.3, 0.976),
    (1075, 30.0, 28.8, 15.05, 3.0, 0.97),
    (1597, 43.0, 42.1, 1.97, 12.8, 0.971),
    (1741, 46.1, 45.3, 4.93, 14.3, 0.952),
    (2242, 60.2, 56.5, 39.01, 0.0, 0.933),
    (2359, 59.0, 58.6, 17.45, 18.9, 0.879),
    (2450, 60.8, 60.5, 4.92, 15.5, 0.853),
    (2514, 61.6, 61.5, 9.14, 18.2, 0.787),
];
/// Node 26: the same leak, ended by the last resort.
const NODE_26: Trace = &[
    (223, 9.6, 9.0, 3.29, 0.0, 0.985),
    (483, 15.9, 15.5, 1.09, 5.4, 0.98),
    (1015, 29.3, 28.8, 2.11, 3.6, 0.987),
    (1069, 30.1, 29.8, 5.3, 8.0, 0.958),
    (1181, 32.8, 32.4, 8.85, 8.6, 0.925),
    (1200, 32.9, 31.8, 1.69, 10.2, 0.87),
    (2173, 60.7, 56.0, 45.15, 0.0, 0.946),
    (3197, 84.6, 80.3, 85.87, 0.0, 0.926),
    (3228, 80.3, 80.3, 31.36, 0.0, 0.891),
    (3269, 80.3, 80.3, 40.74, 0.0, 0.809),
    (3309, 80.3, 80.3, 39.9, 0.0, 0.686),
    (3343, 80.3, 80.3, 33.88, 0.0, 0.547),
    (3385, 80.3, 80.3, 41.9, 0.0, 0.363),
    (3425, 80.3, 80.3, 39.75, 0.0, 0.222),
    (3457, 80.3, 80.3, 32.0, 0.0, 0.137),
    (3499, 80.3, 80.3, 42.45, 0.0, 0.069),
];

#[test]
fn keeps_the_average_that_v8_keeps() {
    for trace in [NODE_20, NODE_22, NODE_26] {
        let mut judge = judge();
        for (i, (at, before, after, pause, marking, average)) in trace.iter().enumerate() {
            judge.observe_major_gc(&gc(*at, pause + marking, *before, *after));
            // V8 counts from the start of the process and we from the first GC: that halves with each.
            if i >= 4 {
                let ours = 1.0 - judge.state().gc.unwrap().time_ratio.unwrap();
                assert!(
                    (ours - average).abs() < 0.03,
                    "at {at} ms: {ours} and V8's {average}"
                );
            }
        }
    }
}

#[test]
fn warns_of_every_recorded_end_from_the_pauses_alone() {
    for (trace, expected) in [
        (NODE_20, &[(2737, "calm→warn")][..]),
        (NODE_22, &[(2450, "calm→warn"), (2514, "warn→critical")]),
        (NODE_26, &[(3269, "calm→warn"), (3309, "warn→critical")]),
    ] {
        let mut judge = judge();
        let mut said = Vec::new();
        for (at, before, after, pause, ..) in trace {
            let events = judge.observe_major_gc(&gc(*at, *pause, *before, *after));
            said.extend(events.iter().map(|event| (*at, short(event))));
        }
        let expected: Vec<_> = expected
            .iter()
            .map(|(at, word)| (*at, (*word).to_owned()))
            .collect();
        assert_eq!(said, expected);
    }
}

#[test]
fn says_what_the_gcs_did() {
    let mut judge = judge();
    let mut events = Vec::new();
    // A GC of 78 ms every 100 ms that gives back 1.2 % of 62 MB.
    for i in 0..5 {
        events.extend(judge.observe_major_gc(&gc(1_000 + i * 100, 78.0, 62.0, 62.0 * 0.988)));
    }
    let alert = alert(&events[1]);
    assert_eq!(
        (alert.kind, alert.level),
        (AlertKind::GcEffectiveness, Level::Critical)
    );
    assert_eq!(
        alert.sentence,
        "heap limit near (96 %), the last 3 major GCs recovered 1.2 % and took 78 % of the time"
    );
    assert_eq!(
        (
            alert.violations,
            alert.window_ms,
            alert.first_violation_at_ms
        ),
        (3, 200, 1_100)
    );
    let json = serde_json::to_value(&events[1]).unwrap();
    assert_eq!(json["kind"], "gcEffectiveness");
    assert_eq!(json["gc"]["count"], 3);
    assert!((json["gc"]["timeRatio"].as_f64().unwrap() - 0.78).abs() < 0.001);
    assert_eq!(judge.state().gc.unwrap().ineffective.unwrap().count, 4);
}

#[test]
fn healthy_programs_are_none_of_its_business() {
    // (name, interval ms, pause ms, live MB, garbage MB)
    let cases = [
        ("full of garbage, far from the limit", 100, 90.0, 30.0, 10.0),
        (
            "near the limit, GCs rare and cheap",
            60_000,
            40.0,
            54.0,
            6.0,
        ),
        (
            "near the limit and busy, but the GCs recover what was allocated",
            500,
            60.0,
            58.0,
            2.0,
        ),
        ("a large steady heap that is idle", 600_000, 80.0, 61.0, 0.5),
    ];
    for (name, interval, pause, live, garbage) in cases {
        let mut judge = judge();
        for i in 0..1_000 {
            let events = judge.observe_major_gc(&gc(i * interval, pause, live + garbage, live));
            assert_eq!(events, [], "{name}");
        }
    }
}

#[test]
fn gcs_in_pairs_after_work_are_not_futile() {
    // V8's memory reducer: when a process falls idle, up to three GCs, the later ones with nothing to do.
    let mut judge = judge();
    let mut said = Vec::new();
    for minute in 0..100 {
        let at = minute * 10 * MINUTE;
        said.extend(judge.observe_major_gc(&gc(at, 30.0, 63.0, 59.0)));
        said.extend(judge.observe_major_gc(&gc(at + 8 * SECOND, 30.0, 59.1, 59.0)));
        said.extend(judge.observe_major_gc(&gc(at + 9 * SECOND, 30.0, 59.0, 59.0)));
    }
    assert_eq!(said, []);
}

#[test]
fn rations_its_words_and_recovers() {
    let mut judge = judge();
    let mut said: Vec<(u64, Event)> = Vec::new();
    let mut at = 0;
    let mut run = |judge: &mut Judge, at: &mut u64, n: u64, after: f64| {
        for _ in 0..n {
            *at += SECOND;
            let event = judge.observe_major_gc(&gc(*at, 800.0, 62.0, after));
            said.extend(event.into_iter().map(|event| (*at, event)));
        }
    };
    run(&mut judge, &mut at, 700, 61.0);
    run(&mut judge, &mut at, 3, 20.0);
    run(&mut judge, &mut at, 3, 61.0);
    let words: Vec<_> = said
        .iter()
        .map(|(at, event)| (at / SECOND, short(event)))
        .collect();
    let expected = [
        (3, "calm→warn"),
        (4, "warn→critical"),
        (604, "still critical"),
        (703, "critical→calm"),
    ];
    assert_eq!(
        words,
        expected.map(|(at, word)| (at, word.to_owned())),
        "within the cool-down it says nothing"
    );
    assert_eq!(judge.level(), Level::Critical, "but it knows");
    let recovery = recovery(&said[3].1);
    assert_eq!(
        recovery.sentence,
        "live heap 20.0 MB is 31 % of the 64.0 MB old-space limit: major GCs are effective again after 12 min"
    );
}

#[test]
fn a_run_that_starts_anew_does_not_talk_a_critical_level_down() {
    let mut judge = judge();
    let mut at = 0;
    let mut said = Vec::new();
    let mut run = |n: u64, after: f64| {
        for _ in 0..n {
            at += SECOND;
            said.extend(shorts(&judge.observe_major_gc(&gc(at, 800.0, 62.0, after))));
        }
    };
    run(602, 61.0);
    // One good GC, and the cool-down of the first warning ends.
    run(1, 20.0);
    run(20, 61.0);
    assert_eq!(said, ["calm→warn", "warn→critical", "still critical"]);
}

#[test]
fn recovers_after_three_effective_gcs_in_a_row() {
    let mut judge = judge();
    let mut at = 0;
    let mut run = |judge: &mut Judge, n: u64, after: f64| {
        for _ in 0..n {
            at += SECOND;
            judge.observe_major_gc(&gc(at, 800.0, 62.0, after));
        }
        judge.level()
    };
    assert_eq!(run(&mut judge, 5, 61.0), Level::Critical);
    assert_eq!(run(&mut judge, 2, 20.0), Level::Critical);
    assert_eq!(run(&mut judge, 1, 61.0), Level::Critical);
    assert_eq!(run(&mut judge, 2, 20.0), Level::Critical);
    assert_eq!(run(&mut judge, 1, 20.0), Level::Calm);
}

#[test]
fn recovers_when_no_more_gcs_come() {
    let mut judge = judge();
    let mut at = 0;
    while judge.level() < Level::Critical {
        at += 100;
        judge.observe_major_gc(&gc(at, 90.0, 62.0, 61.5));
    }
    assert_eq!(judge.observe(&Reading::at(at + 300_000)), []);
    let events = judge.observe(&Reading::at(at + 300_001));
    assert_eq!(short(&events[0]), "critical→calm");
    assert_eq!(judge.level(), Level::Calm);
}

#[test]
fn clocks_limits_and_durations_may_be_nonsense() {
    let mut judge = judge();
    let bad = |at_ms: u64, duration_ms: f64, limit: u64| MajorGc {
        at_ms,
        duration_ms,
        used_before: 1,
        used_after: 1,
        limit,
    };
    for gc in [
        bad(0, 1.0, 0),
        bad(5, f64::NAN, 10),
        bad(5, -1.0, 10),
        bad(u64::MAX, f64::INFINITY, 10),
        bad(u64::MAX, 1e300, 10),
        bad(0, 0.0, 10),
        bad(0, 0.0, 10),
        bad(u64::MAX, 0.0, u64::MAX),
    ] {
        assert_eq!(judge.observe_major_gc(&gc), []);
    }
    // A step back in the middle of a run.
    for at in [1_000, 1_100, 500, 600, 700] {
        judge.observe_major_gc(&gc(at, 95.0, 62.0, 61.9));
    }
    let far = gc(100 * HOUR, 900.0, 62.0, 61.0);
    judge.observe_major_gc(&far);
    for i in 1..5 {
        judge.observe_major_gc(&MajorGc {
            at_ms: far.at_ms + i * 1_000,
            ..far
        });
    }
    assert_eq!(judge.level(), Level::Critical);
    judge.observe(&Reading::at(0));
    judge.observe(&Reading::at(300_001));
    assert_eq!(
        judge.level(),
        Level::Calm,
        "a clock that stepped back does not keep the alarm for a hundred hours"
    );
}

#[test]
fn can_be_turned_off() {
    let config = JudgeConfig {
        rules: Vec::new(),
        gc: None,
        ..JudgeConfig::default()
    };
    let mut judge = Judge::new(config).unwrap();
    for i in 0..10 {
        assert_eq!(judge.observe_major_gc(&gc(i * 100, 99.0, 63.0, 63.0)), []);
    }
    assert_eq!(judge.state().gc, None);
}
