//! Readings and settings as no sane program would send them.

use proptest::prelude::*;

use crate::{
    Baseline, BaselineConfig, BaselineKey, Figure, GcConfig, Judge, JudgeConfig, MajorGc, Metric,
    Reading, Rule, RunEnd, Threshold,
};

fn any_time() -> impl Strategy<Value = u64> {
    prop_oneof![
        0u64..1_000,
        0u64..1_000_000_000,
        any::<u64>(),
        // The last hour that fits, and its neighbours.
        (0u64..3).prop_map(|i| (i32::MAX as u64 + i - 1) * 3_600_000),
    ]
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..2.0f64, 0.0..1e10f64, any::<f64>()]
}

fn any_metric() -> impl Strategy<Value = Metric> {
    prop::sample::select(Metric::ALL.to_vec())
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let figure = (
        any_metric(),
        any_value(),
        prop::option::of(any_value()),
        prop::option::of(any_time()),
    );
    (
        any_time(),
        any_time(),
        any::<i32>(),
        any_time(),
        prop::collection::vec(figure, 0..4),
    )
        .prop_map(|(at, wall, offset, age, figures)| {
            let reading = Reading::at(at).wall(wall, offset).age(age);
            figures
                .into_iter()
                .fold(reading, |reading, (metric, value, of, measured_at_ms)| {
                    reading.with(
                        metric,
                        Figure {
                            of,
                            measured_at_ms,
                            ..Figure::new(value)
                        },
                    )
                })
        })
}

fn any_gc() -> impl Strategy<Value = MajorGc> {
    (any_time(), any_value(), any_time(), any_time(), any_time()).prop_map(
        |(at_ms, duration_ms, used_before, used_after, limit)| MajorGc {
            at_ms,
            duration_ms,
            used_before,
            used_after,
            limit,
        },
    )
}

fn any_config() -> impl Strategy<Value = JudgeConfig> {
    let threshold = prop_oneof![
        (0.01..0.5f64).prop_map(Threshold::Ratio),
        (1u64..1_000_000).prop_map(Threshold::Bytes)
    ];
    let rule = (any_metric(), threshold);
    (
        prop::collection::vec(rule, 0..4),
        1u32..4,
        1u64..1_000_000,
        0u64..1_000_000,
        any::<bool>(),
        any_metric(),
    )
        .prop_map(
            |(rules, violations, window_ms, cooldown_ms, gc, learned)| JudgeConfig {
                rules: rules
                    .into_iter()
                    .enumerate()
                    .filter(|(_, (metric, threshold))| {
                        !metric.is_ratio() || matches!(threshold, Threshold::Ratio(_))
                    })
                    .map(|(i, (metric, warn))| Rule {
                        id: i.to_string(),
                        metric,
                        warn: Some(warn),
                        critical: None,
                    })
                    .collect(),
                violations,
                window_ms,
                cooldown_ms,
                warmup_ms: 0,
                gc: gc.then(GcConfig::default),
                baseline: Some(BaselineConfig {
                    metrics: vec![learned],
                    min_days: 1,
                    quarantine_ms: 0,
                    ..Default::default()
                }),
                ..JudgeConfig::default()
            },
        )
}

#[derive(Clone, Debug)]
enum Step {
    Read(Box<Reading>),
    Gc(MajorGc),
    Reconfigure(JudgeConfig),
    Commit,
    Restart,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any_reading().prop_map(|reading| Step::Read(Box::new(reading))),
        4 => any_gc().prop_map(Step::Gc),
        1 => any_config().prop_map(Step::Reconfigure),
        1 => Just(Step::Commit),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// It never panics (overflow checks are on in tests), and what it writes it can read.
    #[test]
    fn takes_anything(config in any_config(), steps in prop::collection::vec(any_step(), 1..80)) {
        let mut judge = Judge::new(config).unwrap();
        for step in steps {
            match step {
                Step::Read(reading) => drop(judge.observe(&reading)),
                Step::Gc(gc) => drop(judge.observe_major_gc(&gc)),
                Step::Reconfigure(config) => drop(judge.reconfigure(config).unwrap()),
                Step::Commit => judge.commit_baseline(),
                Step::Restart => {
                    let bytes = judge.baseline().to_bytes();
                    let restored = Baseline::from_bytes(&bytes, &BaselineKey::default(), RunEnd::Stopped).unwrap();
                    judge = Judge::with_baseline(judge.config().clone(), restored.baseline).unwrap();
                }
            }
            judge.state();
        }
    }

    /// An hour-long walk through such readings, dense enough for hours to be learned.
    #[test]
    fn learns_from_anything(
        config in any_config(),
        start in any_time(),
        values in prop::collection::vec(any_value(), 60..200),
    ) {
        let mut judge = Judge::new(JudgeConfig { rules: Vec::new(), ..config.clone() }).unwrap();
        let metric = config.baseline.unwrap().metrics[0];
        for (i, value) in values.into_iter().enumerate() {
            let at = i as u64 * 60_000;
            let reading = Reading::at(at).wall(start.saturating_add(at), 0);
            judge.observe(&reading.with(metric, Figure { of: Some(1.0), ..Figure::new(value) }));
        }
        judge.commit_baseline();
        let bytes = judge.baseline().to_bytes();
        let restored = Baseline::from_bytes(&bytes, &BaselineKey::default(), RunEnd::Unknown).unwrap();
        prop_assert_eq!(restored.baseline.to_bytes(), bytes);
    }
}
