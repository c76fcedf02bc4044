//! The forecast over simulated hours.

use proptest::prelude::*;

use super::support::{GB, HOUR, MB, MINUTE, Noise, SECOND};
use crate::{ForecastConfig, ForecastLevel, Forecaster, LimitReading, Outlook};

const LIMIT: f64 = 2.0 * GB;

/// What is held, by the hour.
type Shape = Box<dyn FnMut(f64) -> f64>;

/// A process whose live heap is a function of the hour, under a collector that lets garbage grow to a third of it.
struct Process<F: FnMut(f64) -> f64> {
    held: F,
    garbage: f64,
    live: Option<(f64, u64)>,
    at_ms: u64,
}

impl<F: FnMut(f64) -> f64> Process<F> {
    fn new(held: F) -> Self {
        Self {
            held,
            garbage: 0.0,
            live: None,
            at_ms: 0,
        }
    }

    fn next(&mut self, step: u64) -> LimitReading {
        self.at_ms += step;
        let held = (self.held)(self.at_ms as f64 / HOUR as f64);
        self.garbage += 0.4 * MB * step as f64 / SECOND as f64;
        if self.garbage > held / 3.0 || held + self.garbage > 0.99 * LIMIT {
            self.garbage = 0.0;
            self.live = Some((held, self.at_ms));
        }
        LimitReading {
            at_ms: self.at_ms,
            used: held + self.garbage,
            live: self.live,
            limit: LIMIT,
            grace: 0.0,
        }
    }

    /// Changes of level with the hour, and the last outlook.
    fn run(&mut self, hours: f64) -> (Vec<(f64, ForecastLevel)>, Outlook) {
        let mut forecaster = Forecaster::new(ForecastConfig::default()).unwrap();
        let mut changes = Vec::new();
        while (self.at_ms as f64) < hours * HOUR as f64 {
            let reading = self.next(10 * SECOND);
            if reading.used >= LIMIT {
                break;
            }
            if forecaster.observe(&reading).is_some() {
                changes.push((self.at_ms as f64 / HOUR as f64, forecaster.level()));
            }
        }
        (changes, forecaster.outlook().unwrap())
    }
}

#[test]
fn a_steady_leak_is_watched_then_acted_on_and_its_end_is_told() {
    let fills_in = 8.0;
    let mut leak = Process::new(|hour| 200.0 * MB + (LIMIT - 200.0 * MB) * hour / fills_in);
    let (changes, outlook) = leak.run(7.75);
    let first = |level| changes.iter().find(|(_, at)| *at == level).map(|it| it.0);
    let watched = first(ForecastLevel::Watch).unwrap();
    assert!((6.5..7.75).contains(&watched), "{changes:?}");
    assert!(first(ForecastLevel::Act).is_some(), "{changes:?}");
    assert!(outlook.growing && outlook.probability.unwrap() > 0.8);
    let told = outlook.time_to_limit_ms.unwrap();
    let truth = 0.25 * HOUR as f64;
    assert!((told - truth).abs() < 8.0 * MINUTE as f64, "{told}");
    let [Some(early), Some(late)] = outlook.time_to_limit_interval.unwrap() else {
        panic!("{outlook:?}");
    };
    assert!(early <= truth && truth <= late, "{early} to {late}");
    let rate = (LIMIT - 200.0 * MB) / fills_in;
    assert!((outlook.growth_bytes_per_hour / rate - 1.0).abs() < 0.1);
}

#[test]
fn what_is_no_leak_stays_calm() {
    let day = |hour: f64| 0.5 - 0.5 * (hour / 24.0 * std::f64::consts::TAU).cos();
    let mut noise = Noise(7);
    let mut shapes: Vec<(&str, Shape)> = vec![
        (
            "steady",
            Box::new(move |_| 900.0 * MB + 20.0 * MB * noise.next()),
        ),
        (
            "warm-up",
            Box::new(|hour: f64| 1200.0 * MB * (1.0 - (-hour * 3.0).exp())),
        ),
        (
            "days and nights",
            Box::new(move |hour| 300.0 * MB + 1000.0 * MB * day(hour)),
        ),
        (
            "batch job",
            Box::new(|hour: f64| {
                300.0 * MB
                    + 600.0
                        * MB
                        * (hour % 2.0 / 0.7).min(1.0)
                        * f64::from(u8::from(hour % 2.0 < 0.7))
            }),
        ),
        (
            "saw-tooth",
            Box::new(|hour: f64| 200.0 * MB + 900.0 * MB * (hour / 3.0).fract()),
        ),
        (
            "steps",
            Box::new(|hour: f64| if hour < 9.0 { 400.0 * MB } else { 1100.0 * MB }),
        ),
        (
            "cache",
            Box::new(|hour: f64| 200.0 * MB + 1000.0 * MB * (hour / 12.0).min(1.0).sqrt()),
        ),
    ];
    for (name, shape) in &mut shapes {
        let (changes, _) = Process::new(shape).run(48.0);
        assert!(changes.is_empty(), "{name}: {changes:?}");
    }
}

#[test]
fn hours_and_minutes_agree() {
    let fill = |hour: f64| 200.0 * MB + (LIMIT - 200.0 * MB) * hour / 5.0;
    let levels = |pace: u64| {
        let config = ForecastConfig {
            pace: pace as f64,
            ..ForecastConfig::default()
        };
        let mut forecaster = Forecaster::new(config).unwrap();
        let mut process = Process::new(fill);
        let mut changes = Vec::new();
        loop {
            let slow = process.next(36 * SECOND);
            if slow.used >= LIMIT {
                return changes;
            }
            let reading = LimitReading {
                at_ms: slow.at_ms / pace,
                live: slow.live.map(|(live, at)| (live, at / pace)),
                ..slow
            };
            if forecaster.observe(&reading).is_some() {
                changes.push((slow.at_ms / MINUTE, forecaster.level()));
            }
        }
    };
    let hours = levels(1);
    assert!(!hours.is_empty());
    assert_eq!(levels(60), hours);
    assert_eq!(levels(180), hours);
}

#[test]
fn the_same_readings_give_the_same_answers() {
    let run = || {
        let mut noise = Noise(3);
        Process::new(move |hour| 300.0 * MB + 200.0 * MB * hour + 40.0 * MB * noise.next()).run(9.0)
    };
    assert_eq!(run(), run());
}

#[test]
fn nothing_is_said_before_there_is_enough_to_go_by() {
    let mut forecaster = Forecaster::new(ForecastConfig::default()).unwrap();
    assert_eq!(forecaster.outlook(), None);
    let mut leak = Process::new(|hour| 200.0 * MB + 3000.0 * MB * hour);
    while leak.at_ms < 14 * MINUTE {
        assert_eq!(forecaster.observe(&leak.next(10 * SECOND)), None);
    }
    let outlook = forecaster.outlook().unwrap();
    assert_eq!(outlook.probability, None);
    assert_eq!(outlook.time_to_limit_ms, None);
    assert_eq!(outlook.level_bytes, leak.live.unwrap().0);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let refused = |config: ForecastConfig| Forecaster::new(config).unwrap_err().to_string();
    let base = ForecastConfig::default();
    assert!(refused(ForecastConfig { pace: 0.0, ..base }).contains("'pace': 0 "));
    assert!(
        refused(ForecastConfig {
            pace: f64::NAN,
            ..base
        })
        .contains("'pace': NaN")
    );
    assert!(refused(ForecastConfig { act: 1.0, ..base }).contains("'forecastAct': 1 "));
    assert!(refused(ForecastConfig { watch: 0.9, ..base }).contains("'forecastWatch': 0.9 "));
}

/// Figures that a broken host may hand over.
fn any_figure() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-1.0),
        Just(0.0),
        Just(f64::MAX),
        0.0..1e13
    ]
}

proptest! {
    #[test]
    fn no_reading_is_too_wild(
        readings in prop::collection::vec(
            (any::<u64>(), any_figure(), prop::option::of((any_figure(), any::<u64>())), any_figure(), any_figure()),
            0..200,
        )
    ) {
        let mut forecaster = Forecaster::new(ForecastConfig { pace: 1000.0, ..ForecastConfig::default() }).unwrap();
        for (at_ms, used, live, limit, grace) in readings {
            forecaster.observe(&LimitReading { at_ms, used, live, limit, grace });
            if let Some(outlook) = forecaster.outlook() {
                prop_assert!(outlook.probability.is_none_or(|it| (0.0..=1.0).contains(&it)));
                prop_assert!(outlook.level_bytes.is_finite());
            }
        }
    }
}
