//! Weeks of a server with day and night, weekends, batches and noise.

use super::support::*;
use crate::baseline::{Baseline, BaselineKey, RunEnd};
use crate::{AlertKind, Event, Judge, JudgeConfig, Metric, Threshold};

fn config() -> JudgeConfig {
    JudgeConfig {
        rules: vec![
            rule(
                "heapThreshold",
                Metric::HeapUsed,
                Some(Threshold::Ratio(0.85)),
                None,
            ),
            rule(
                "liveHeap",
                Metric::LiveHeap,
                Some(Threshold::Ratio(0.85)),
                Some(Threshold::Ratio(0.92)),
            ),
        ],
        ..JudgeConfig::default()
    }
}

fn kinds(said: &[(u64, Event)]) -> Vec<(u64, AlertKind, String)> {
    let kind = |event: &Event| match event {
        Event::Alert(alert) => alert.kind,
        Event::Eased(recovery) | Event::Recovered(recovery) => recovery.kind,
    };
    said.iter()
        .map(|(age, event)| (*age, kind(event), short(event)))
        .collect()
}

#[test]
fn four_healthy_weeks_are_silent_whatever_day_they_begin_on() {
    for day in 0..7 {
        let mut judge = Judge::new(config()).unwrap();
        let mut server = Server::new(day + 1, MONDAY + day * DAY + day * 3 * HOUR);
        let said = server.run(&mut judge, 28 * DAY, MINUTE);
        assert_eq!(kinds(&said), [], "begun on day {day}");
        assert!(judge.state().baseline.unwrap().hours >= 2 * 167);
    }
}

#[test]
fn fast_sampling_makes_no_difference_to_a_healthy_week() {
    let mut judge = Judge::new(config()).unwrap();
    let said = Server::new(11, MONDAY).run(&mut judge, 7 * DAY, 2 * SECOND);
    assert_eq!(kinds(&said), []);
}

#[test]
fn a_leak_on_day_five_is_told_days_before_a_hard_threshold() {
    for seed in 1..6 {
        let mut judge = Judge::new(config()).unwrap();
        let leak = 4 * DAY + 10 * HOUR;
        // 40 MB an hour against a limit of 4 GB: the hard threshold is some three days away.
        let said =
            Server::new(seed, MONDAY)
                .leaking(leak, 40.0 * MB)
                .run(&mut judge, 8 * DAY, MINUTE);
        let (first, event) = &said[0];
        assert_eq!(
            alert(event).kind,
            AlertKind::Baseline,
            "{}",
            alert(event).sentence
        );
        assert!(
            (leak..leak + 12 * HOUR).contains(first),
            "first told {} h after it began",
            (first - leak) / HOUR
        );
        let hard = said
            .iter()
            .find(|(_, event)| matches!(event, Event::Alert(a) if a.kind == AlertKind::Threshold));
        let (hard, _) = hard.expect("the hard thresholds still hold");
        assert!(hard - first > DAY, "{} h earlier", (hard - first) / HOUR);
    }
}

#[test]
fn reminders_of_a_leak_keep_to_the_cooldown() {
    let mut judge = Judge::new(config()).unwrap();
    let said = Server::new(2, MONDAY)
        .leaking(4 * DAY, 40.0 * MB)
        .run(&mut judge, 7 * DAY, MINUTE);
    for metric in [Metric::Rss, Metric::LiveHeap] {
        let times: Vec<u64> = said
            .iter()
            .filter(|(_, event)| matches!(event, Event::Alert(a) if a.metric == metric && a.kind == AlertKind::Baseline))
            .map(|(age, _)| *age)
            .collect();
        assert!(times.len() > 2, "{metric:?}: {times:?}");
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 600_000));
    }
}

#[test]
fn a_restart_goes_on_with_what_was_learned_and_never_with_a_leak() {
    let key = BaselineKey {
        app: "shop".into(),
        version: "1".into(),
        node_line: 22,
        limit: HEAP_LIMIT as u64,
    };
    // A healthy week, shut down well.
    let mut judge = Judge::with_baseline(config(), Baseline::new(key.clone())).unwrap();
    assert_eq!(
        kinds(&Server::new(1, MONDAY).run(&mut judge, 7 * DAY, MINUTE)),
        []
    );
    judge.commit_baseline();
    let healthy = judge.baseline().to_bytes();

    // A leak too slow for an alarm within the day, saved on the way, and then the process is gone.
    let restored = Baseline::from_bytes(&healthy, &key, RunEnd::Unknown)
        .unwrap()
        .baseline;
    let mut judge = Judge::with_baseline(config(), restored).unwrap();
    let mut slow = Server::new(2, MONDAY + 7 * DAY).leaking(0, 1.0 * MB);
    assert_eq!(kinds(&slow.run(&mut judge, 2 * DAY, MINUTE)), []);
    assert!(judge.state().baseline.unwrap().pending_hours > 0);
    let saved_by_the_leak = judge.baseline().to_bytes();

    // The next run judges by the healthy week: it tells of a leak on its first day.
    let restored = Baseline::from_bytes(&saved_by_the_leak, &key, RunEnd::Unknown)
        .unwrap()
        .baseline;
    let of = |baseline: &Baseline, hour: u64| {
        baseline.usual(
            Metric::Rss,
            MONDAY + 9 * DAY + hour * HOUR,
            0,
            config().baseline.as_ref().unwrap(),
        )
    };
    let first = Baseline::from_bytes(&healthy, &key, RunEnd::Unknown)
        .unwrap()
        .baseline;
    for hour in 0..24 {
        let (before, after) = (of(&first, hour).unwrap(), of(&restored, hour).unwrap());
        assert!(
            after.threshold <= before.threshold * 1.4,
            "days have aged out, and that is all"
        );
        assert!(
            after.highest <= before.highest,
            "nothing of the leak at {hour}:00"
        );
    }
    let mut judge = Judge::with_baseline(config(), restored).unwrap();
    let said = Server::new(3, MONDAY + 9 * DAY)
        .leaking(0, 60.0 * MB)
        .run(&mut judge, DAY, MINUTE);
    assert_eq!(alert(&said[0].1).kind, AlertKind::Baseline);
    assert!(said[0].0 < 12 * HOUR, "{} h", said[0].0 / HOUR);
}

#[test]
fn the_same_trace_gives_the_same_words() {
    let run = || {
        let mut judge = Judge::new(config()).unwrap();
        Server::new(5, MONDAY)
            .leaking(4 * DAY, 60.0 * MB)
            .run(&mut judge, 6 * DAY, MINUTE)
    };
    assert_eq!(run(), run());
}
