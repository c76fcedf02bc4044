//! Every setting that can be wrong, and what is said of it.

use super::support::rule;
use crate::{BaselineConfig, Error, GcConfig, Judge, JudgeConfig, Metric, Threshold};

#[test]
fn defaults_are_valid() {
    assert_eq!(JudgeConfig::default().validate(), Ok(()));
    assert_eq!(
        serde_json::from_str::<JudgeConfig>("{}").unwrap(),
        JudgeConfig::default()
    );
    let json = serde_json::to_string(&JudgeConfig::default()).unwrap();
    assert_eq!(
        serde_json::from_str::<JudgeConfig>(&json).unwrap(),
        JudgeConfig::default()
    );
}

#[test]
fn each_wrong_setting_is_named_with_its_value_and_what_was_expected() {
    type Change = fn(&mut JudgeConfig);
    let cases: &[(Change, &str, &str, &str)] = &[
        (|c| c.violations = 0, "violations", "0", "1 to 100"),
        (|c| c.violations = 101, "violations", "101", "1 to 100"),
        (|c| c.window_ms = 0, "windowMs", "0", "1 to 604800000"),
        (|c| c.hysteresis = -0.1, "hysteresis", "-0.1", "0.0 to 0.5"),
        (|c| c.hysteresis = 0.6, "hysteresis", "0.6", "0.0 to 0.5"),
        (
            |c| c.hysteresis = f64::NAN,
            "hysteresis",
            "NaN",
            "0.0 to 0.5",
        ),
        (|c| c.recover_after = 0, "recoverAfter", "0", "1 to 100"),
        (
            |c| c.cooldown_ms = u64::MAX,
            "cooldownMs",
            "18446744073709551615",
            "0 to 604800000",
        ),
        (
            |c| c.warmup_ms = u64::MAX,
            "warmupMs",
            "18446744073709551615",
            "0 to 604800000",
        ),
        (
            |c| c.rules[0].id.clear(),
            "rules[0].id",
            "",
            "a name of 1 to 64 bytes",
        ),
        (
            |c| c.rules.push(c.rules[0].clone()),
            "rules[1].id",
            "heapThreshold",
            "an id that no other rule has",
        ),
        (
            |c| c.rules = vec![c.rules[0].clone(); 65],
            "rules",
            "65",
            "at most 64 rules",
        ),
        (
            |c| c.rules[0].warn = None,
            "rules[0]",
            "heapThreshold",
            "a threshold for warn, critical or both",
        ),
        (
            |c| c.rules[0].warn = Some(Threshold::Ratio(0.0)),
            "rules[0].warn",
            "0",
            "a ratio over 0 and at most 1",
        ),
        (
            |c| c.rules[0].warn = Some(Threshold::Ratio(85.0)),
            "rules[0].warn",
            "85",
            "a ratio over 0 and at most 1",
        ),
        (
            |c| c.rules[0].warn = Some(Threshold::Ratio(f64::NAN)),
            "rules[0].warn",
            "NaN",
            "a ratio over 0 and at most 1",
        ),
        (
            |c| c.rules[0].critical = Some(Threshold::Bytes(0)),
            "rules[0].critical",
            "0",
            "more than 0 bytes",
        ),
        (
            |c| c.rules[0].critical = Some(Threshold::Ratio(0.85)),
            "rules[0].warn",
            "0.85",
            "less than critical, which is 0.85",
        ),
        (
            |c| {
                c.rules[0] = rule(
                    "rss",
                    Metric::Rss,
                    Some(Threshold::Bytes(9)),
                    Some(Threshold::Bytes(8)),
                )
            },
            "rules[0].warn",
            "9",
            "less than critical, which is 8",
        ),
        (
            |c| c.rules[0] = rule("psi", Metric::Pressure, Some(Threshold::Bytes(9)), None),
            "rules[0].warn",
            "9",
            "a ratio, as pressure has no bytes",
        ),
        (
            |c| gc(c).near_limit = 0.0,
            "gc.nearLimit",
            "0.0",
            "over 0 and at most 1.0",
        ),
        (
            |c| gc(c).time_ratio = 1.5,
            "gc.timeRatio",
            "1.5",
            "0.0 to 1.0",
        ),
        (
            |c| gc(c).futile_near_limit = 2.0,
            "gc.futileNearLimit",
            "2.0",
            "over 0 and at most 1.0",
        ),
        (
            |c| gc(c).futile_recovery = -1.0,
            "gc.futileRecovery",
            "-1.0",
            "0.0 to 1.0",
        ),
        (
            |c| gc(c).futile_interval_ms = u64::MAX,
            "gc.futileIntervalMs",
            "18446744073709551615",
            "0 to 86400000",
        ),
        (|c| gc(c).warn_after = 0, "gc.warnAfter", "0", "1 to 100"),
        (
            |c| gc(c).critical_after = 101,
            "gc.criticalAfter",
            "101",
            "1 to 100",
        ),
        (
            |c| gc(c).warn_after = 3,
            "gc.warnAfter",
            "3",
            "less than criticalAfter, which is 3",
        ),
        (
            |c| baseline(c).metrics.clear(),
            "baseline.metrics",
            "0",
            "1 to 4 metrics",
        ),
        (
            |c| baseline(c).metrics = Metric::ALL[..5].to_vec(),
            "baseline.metrics",
            "5",
            "1 to 4 metrics",
        ),
        (
            |c| baseline(c).metrics = vec![Metric::Rss; 2],
            "baseline.metrics[1]",
            "rss",
            "each metric once",
        ),
        (
            |c| baseline(c).min_days = 8,
            "baseline.minDays",
            "8",
            "1 to 7",
        ),
        (
            |c| baseline(c).deviations = 21.0,
            "baseline.deviations",
            "21.0",
            "0.0 to 20.0",
        ),
        (
            |c| baseline(c).relative_margin = f64::INFINITY,
            "baseline.relativeMargin",
            "inf",
            "0.0 to 10.0",
        ),
        (
            |c| baseline(c).margin_ratio = 2.0,
            "baseline.marginRatio",
            "2.0",
            "0.0 to 1.0",
        ),
        (
            |c| baseline(c).sustain_ms = u64::MAX,
            "baseline.sustainMs",
            "18446744073709551615",
            "0 to 86400000",
        ),
        (
            |c| baseline(c).quarantine_ms = u64::MAX,
            "baseline.quarantineMs",
            "18446744073709551615",
            "0 to 604800000",
        ),
    ];
    for (change, option, value, expected) in cases {
        let mut config = JudgeConfig::default();
        change(&mut config);
        let error = config.validate().expect_err(option);
        let Error::InvalidOption {
            option: o,
            value: v,
            expected: e,
        } = &error
        else {
            panic!("{error:?}")
        };
        assert_eq!(
            (o.as_str(), v.as_str(), e.as_str()),
            (*option, *value, *expected)
        );
        assert_eq!(error.code(), "ERR_MEMGUARD_INVALID_ARG");
        assert_eq!(Judge::new(config).map(|_| ()), Err(error));
    }
}

fn gc(config: &mut JudgeConfig) -> &mut GcConfig {
    config.gc.as_mut().unwrap()
}

fn baseline(config: &mut JudgeConfig) -> &mut BaselineConfig {
    config.baseline.as_mut().unwrap()
}

#[test]
fn unknown_settings_are_errors() {
    for json in [
        r#"{ "violation": 3 }"#,
        r#"{ "rules": [{ "id": "a", "metric": "rss", "warm": { "bytes": 1 } }] }"#,
        r#"{ "rules": [{ "id": "a", "metric": "rrs", "warn": { "bytes": 1 } }] }"#,
        r#"{ "rules": [{ "id": "a", "metric": "rss", "warn": { "percent": 1 } }] }"#,
        r#"{ "gc": { "nearlimit": 0.8 } }"#,
        r#"{ "baseline": { "days": 3 } }"#,
    ] {
        assert!(serde_json::from_str::<JudgeConfig>(json).is_err(), "{json}");
    }
    let json =
        r#"{ "rules": [{ "id": "a", "metric": "rss", "warn": { "bytes": 1 } }], "gc": null }"#;
    let config: JudgeConfig = serde_json::from_str(json).unwrap();
    assert_eq!(
        config.rules,
        [rule("a", Metric::Rss, Some(Threshold::Bytes(1)), None)]
    );
    assert_eq!(config.gc, None);
}

#[test]
fn tells_the_slowest_interval_that_can_still_alarm() {
    let config = |violations: u32, window_ms: u64| JudgeConfig {
        violations,
        window_ms,
        ..JudgeConfig::default()
    };
    assert_eq!(config(3, 300_000).max_interval_ms(), 150_000);
    assert_eq!(config(1, 300_000).max_interval_ms(), u64::MAX);
}
