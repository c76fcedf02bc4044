//! Other settings while running.

use super::support::*;
use crate::{
    BaselineConfig, Figure, GcConfig, Judge, JudgeConfig, Level, MajorGc, Metric, Reading,
    Threshold,
};

fn alarmed(level: Level) -> Judge {
    let mut judge = heap_judge();
    let used = if level == Level::Critical {
        960.0
    } else {
        900.0
    };
    for at in 0..3 {
        judge.observe(&heap(at, used));
    }
    assert_eq!(judge.level(), level);
    judge
}

fn with(warn: Option<f64>, critical: Option<f64>) -> JudgeConfig {
    let ratio = |value: Option<f64>| value.map(Threshold::Ratio);
    hard(vec![rule(
        "heap",
        Metric::HeapUsed,
        ratio(warn),
        ratio(critical),
    )])
}

#[test]
fn the_same_rule_keeps_its_count_and_another_threshold_starts_anew() {
    let mut judge = heap_judge();
    judge.observe(&heap(0, 900.0));
    judge.observe(&heap(1, 900.0));
    judge
        .reconfigure(JudgeConfig {
            cooldown_ms: 1,
            ..with(Some(0.85), Some(0.95))
        })
        .unwrap();
    assert_eq!(judge.observe(&heap(2, 900.0)).len(), 1);

    let mut judge = heap_judge();
    judge.observe(&heap(0, 900.0));
    judge.observe(&heap(1, 900.0));
    judge.reconfigure(with(Some(0.8), Some(0.95))).unwrap();
    assert_eq!(judge.observe(&heap(2, 900.0)), []);
    judge.observe(&heap(3, 900.0));
    assert_eq!(judge.observe(&heap(4, 900.0)).len(), 1);
}

#[test]
fn a_level_stays_while_it_has_a_threshold_and_is_not_told_twice() {
    let mut judge = alarmed(Level::Warn);
    assert_eq!(judge.reconfigure(with(Some(0.8), None)).unwrap(), []);
    assert_eq!(judge.level(), Level::Warn);
    assert_eq!(
        (3..20)
            .flat_map(|at| judge.observe(&heap(at, 900.0)))
            .count(),
        0,
        "the cool-down goes on"
    );
    let events: Vec<_> = (20..23)
        .flat_map(|at| judge.observe(&heap(at, 1.0)))
        .collect();
    assert_eq!(shorts(&events), ["warn→calm"]);

    let mut judge = alarmed(Level::Critical);
    assert_eq!(judge.reconfigure(with(Some(0.85), None)).unwrap(), []);
    assert_eq!(judge.level(), Level::Warn);
}

#[test]
fn a_rule_that_goes_recovers() {
    for (level, next) in [
        (Level::Warn, hard(Vec::new())),
        (Level::Critical, hard(Vec::new())),
        (Level::Warn, with(None, Some(0.95))),
        (
            Level::Critical,
            hard(vec![rule(
                "heap",
                Metric::Rss,
                Some(Threshold::Bytes(1)),
                None,
            )]),
        ),
    ] {
        let mut judge = alarmed(level);
        let events = judge.reconfigure(next).unwrap();
        assert_eq!(shorts(&events), [format!("{}→calm", level.name())]);
        assert!(
            recovery(&events[0])
                .sentence
                .starts_with("heap used: no longer watched, after ")
        );
        assert_eq!(judge.level(), Level::Calm);
    }
}

#[test]
fn a_wrong_setting_changes_nothing() {
    let mut judge = alarmed(Level::Warn);
    let before = judge.clone();
    assert!(judge.reconfigure(with(Some(0.95), Some(0.85))).is_err());
    assert_eq!(judge.state(), before.state());
    assert_eq!(judge.config(), before.config());
}

#[test]
fn gc_and_baseline_can_be_turned_off_and_on() {
    let on = JudgeConfig {
        rules: Vec::new(),
        ..JudgeConfig::default()
    };
    let mut judge = Judge::new(on.clone()).unwrap();
    for i in 0..4 {
        let gc = MajorGc {
            at_ms: i * 100,
            duration_ms: 95.0,
            used_before: 99,
            used_after: 98,
            limit: 100,
        };
        judge.observe_major_gc(&gc);
    }
    assert_eq!(judge.level(), Level::Critical);
    let events = judge
        .reconfigure(JudgeConfig {
            gc: None,
            ..on.clone()
        })
        .unwrap();
    assert_eq!(shorts(&events), ["critical→calm"]);
    judge
        .reconfigure(JudgeConfig {
            gc: Some(GcConfig::default()),
            ..on.clone()
        })
        .unwrap();
    assert_eq!(judge.state().gc.unwrap().level, Level::Calm);

    let mut server = Server::new(3, MONDAY);
    server.run(&mut judge, 5 * DAY, MINUTE);
    let learned = judge.state().baseline.unwrap();
    assert!(learned.hours > 100);
    judge
        .reconfigure(JudgeConfig {
            baseline: None,
            ..on.clone()
        })
        .unwrap();
    assert_eq!(judge.state().baseline, None);
    judge.reconfigure(on.clone()).unwrap();
    assert_eq!(
        judge.state().baseline.unwrap().hours,
        learned.hours,
        "what was learned is kept"
    );
    let rss = BaselineConfig {
        metrics: vec![Metric::Rss],
        ..BaselineConfig::default()
    };
    judge
        .reconfigure(JudgeConfig {
            baseline: Some(rss),
            ..on
        })
        .unwrap();
    assert_eq!(judge.state().baseline.unwrap().hours * 2, learned.hours);
    assert_eq!(judge.state().rules.len(), 1);
}

#[test]
fn a_dynamic_alarm_ends_with_its_rule() {
    let baseline = BaselineConfig {
        metrics: vec![Metric::Rss],
        min_days: 1,
        ..BaselineConfig::default()
    };
    let config = JudgeConfig {
        rules: Vec::new(),
        baseline: Some(baseline),
        ..JudgeConfig::default()
    };
    let mut judge = Judge::new(config.clone()).unwrap();
    let mut said = Vec::new();
    for minute in 0..60 * 73 {
        let rss = if minute < 60 * 72 { 300.0 } else { 3_000.0 };
        let mut reading = Reading::at(minute * MINUTE).with(Metric::Rss, Figure::new(rss * MB));
        reading.wall_ms = MONDAY + minute * MINUTE;
        said.extend(judge.observe(&reading));
    }
    assert_eq!(short(&said[0]), "calm→warn");
    let events = judge
        .reconfigure(JudgeConfig {
            baseline: None,
            ..config
        })
        .unwrap();
    assert_eq!(shorts(&events), ["warn→calm"]);
}
