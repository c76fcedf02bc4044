//! Tables of events and what follows from them.

use super::*;

const MINUTE: u64 = 60_000;
const MB: u64 = 1 << 20;

/// A machine with the time of its clock.
struct Bench {
    settings: Settings,
    state: State,
    now: u64,
    told: Vec<(u64, Action)>,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            state: State::default(),
            now: 0,
            told: Vec::new(),
        }
    }

    fn event(&mut self, event: Event) -> Vec<Action> {
        let (state, actions) = step(&self.settings, &self.state, &event, self.now);
        self.state = state;
        self.told
            .extend(actions.iter().map(|action| (self.now / MINUTE, *action)));
        actions
    }

    /// Lets `minutes` pass, a tick each half minute, answering looks by `look`. The level grows by `growth` bytes a minute.
    fn run(&mut self, minutes: u64, growth: u64, look: impl Fn(u32) -> Option<Found>) {
        for _ in 0..2 * minutes {
            self.now += MINUTE / 2;
            let seen = Observation {
                uptime_ms: self.now,
                growing: growth > 0,
                level_bytes: 50 * MB + growth * (self.now / MINUTE),
                ..Observation::default()
            };
            for action in self.event(Event::Tick(seen)) {
                if let Action::Look { number, .. } = action {
                    self.event(Event::Looked {
                        cpu_ms: 200,
                        level_bytes: seen.level_bytes,
                        found: look(number),
                    });
                }
            }
        }
    }

    fn looks(&self) -> Vec<u64> {
        self.minutes(|action| matches!(action, Action::Look { .. }))
    }

    fn minutes(&self, is: impl Fn(&Action) -> bool) -> Vec<u64> {
        self.told
            .iter()
            .filter(|(_, action)| is(action))
            .map(|(minute, _)| *minute)
            .collect()
    }
}

fn leak(number: u32) -> Option<Found> {
    (number > 1).then_some(Found {
        leak: true,
        confidence: 0.8,
        unsettled: number < 3,
        ..Found::default()
    })
}

#[test]
fn growth_that_goes_on_is_told_after_three_looks() {
    let mut bench = Bench::new(Settings::default());
    bench.run(60, 2 * MB, leak);
    assert_eq!(bench.looks()[..3], [10, 18, 26], "{:?}", bench.told);
    assert_eq!(bench.minutes(|it| *it == Action::Announce), [26]);
    assert_eq!(bench.minutes(|it| *it == Action::Confirm), [34]);
    assert_eq!(bench.state.stage, Stage::CoolingDown);
    assert_eq!(bench.minutes(|it| *it == Action::StartSampling).len(), 1);
    assert_eq!(bench.minutes(|it| *it == Action::StopSampling).len(), 1);
}

#[test]
fn a_fast_pace_runs_the_very_same_logic() {
    let mut slow = Bench::new(Settings::default());
    slow.run(120, 2 * MB, leak);
    let settings = Settings {
        pace: 60.0,
        ..Settings::default()
    };
    let mut state = State::default();
    let mut told = Vec::new();
    for tick in 1..=240_u64 {
        // What was half a minute is half a second.
        let now = tick * 500;
        let seen = Observation {
            uptime_ms: now,
            growing: true,
            level_bytes: 50 * MB + 2 * MB * (tick / 2),
            ..Observation::default()
        };
        let mut events = vec![Event::Tick(seen)];
        while let Some(event) = events.pop() {
            let (next, actions) = step(&settings, &state, &event, now);
            state = next;
            for action in actions {
                told.push((now / 1000, action));
                if let Action::Look { number, .. } = action {
                    events.push(Event::Looked {
                        cpu_ms: 200,
                        level_bytes: seen.level_bytes,
                        found: leak(number),
                    });
                }
            }
        }
    }
    assert_eq!(told, slow.told);
}

#[test]
fn a_calm_process_is_looked_at_ever_more_seldom() {
    let mut bench = Bench::new(Settings::default());
    bench.run(16 * 60, 0, |_| Some(Found::default()));
    let looks = bench.looks();
    assert_eq!(looks[..4], [10, 25, 40, 55]);
    let waits: Vec<u64> = looks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.windows(2).all(|pair| pair[1] >= pair[0]), "{waits:?}");
    assert_eq!(waits.last(), Some(&240));
    assert!(bench.minutes(|it| *it == Action::Announce).is_empty());
    assert_eq!(bench.state.stage, Stage::Calm);
}

#[test]
fn a_leak_that_no_curve_shows_is_found_by_the_patrol() {
    let mut bench = Bench::new(Settings::default());
    bench.run(120, 0, leak);
    // What the second look sees is followed up sooner than the patrol would.
    assert_eq!(bench.looks()[..3], [10, 25, 36]);
    assert_eq!(bench.minutes(|it| *it == Action::Announce), [36]);
}

#[test]
fn what_is_large_is_told_early_where_a_limit_is_near_or_somebody_asks() {
    let large = |early| {
        move |number: u32| {
            (number > 1).then_some(Found {
                leak: true,
                confidence: 0.8,
                unsettled: number < 3,
                early: early && number < 4,
            })
        }
    };
    for (early, minute) in [(false, 26), (true, 34)] {
        let mut bench = Bench::new(Settings::default());
        bench.run(60, 2 * MB, large(early));
        assert_eq!(bench.minutes(|it| *it == Action::Announce), [minute]);
    }
    let mut asked = Bench::new(Settings::default());
    asked.event(Event::Asked(Observation::default()));
    for number in 1..=3 {
        asked.event(Event::Looked {
            cpu_ms: 1,
            level_bytes: MB,
            found: large(true)(number),
        });
    }
    assert_eq!(asked.minutes(|it| *it == Action::Announce).len(), 1);
}

#[test]
fn what_only_looks_suspect_and_never_settle_is_left_to_the_patrol() {
    let doubtful = Found {
        leak: true,
        confidence: 0.6,
        unsettled: true,
        ..Found::default()
    };
    let mut bench = Bench::new(Settings::default());
    bench.run(24 * 60, 0, |number| (number > 1).then_some(doubtful));
    assert!(bench.minutes(|it| *it == Action::Announce).is_empty());
    let given_up = bench.minutes(|it| {
        matches!(
            it,
            Action::Dismiss {
                reason: Reason::NotSure
            }
        )
    });
    assert_eq!(given_up.len(), 1);
    assert_eq!(bench.state.stage, Stage::Calm);
    let after: Vec<u64> = bench
        .looks()
        .into_iter()
        .filter(|at| *at > given_up[0])
        .collect();
    assert!(after.len() < 12, "{after:?}");
}

#[test]
fn nothing_is_told_while_it_is_not_settled_or_not_sure() {
    for found in [
        Found {
            leak: true,
            confidence: 0.9,
            unsettled: true,
            ..Found::default()
        },
        Found {
            leak: true,
            confidence: 0.4,
            unsettled: false,
            ..Found::default()
        },
        Found {
            leak: false,
            confidence: 0.9,
            unsettled: false,
            ..Found::default()
        },
    ] {
        let mut bench = Bench::new(Settings::default());
        bench.run(180, 2 * MB, |number| (number > 1).then_some(found));
        assert!(
            bench.minutes(|it| *it == Action::Announce).is_empty(),
            "{found:?}"
        );
    }
}

#[test]
fn a_report_whose_growth_ends_is_retracted() {
    let mut bench = Bench::new(Settings::default());
    bench.run(27, 2 * MB, leak);
    assert_eq!(bench.state.stage, Stage::Verifying);
    bench.run(180, 0, |_| Some(Found::default()));
    assert_eq!(bench.minutes(|it| *it == Action::Retract).len(), 1);
}

#[test]
fn growth_that_ended_soon_after_its_report_is_retracted_all_the_same() {
    let mut bench = Bench::new(Settings::default());
    bench.run(27, 2 * MB, leak);
    assert_eq!(bench.state.stage, Stage::Verifying);
    // The next look meets the little that still came: growth, and much slower.
    let slowing = Found {
        unsettled: true,
        ..leak(4).unwrap()
    };
    bench.run(130, 0, |_| Some(slowing));
    let ended = |action: &Action| matches!(action, Action::Confirm | Action::Retract);
    assert_eq!(bench.looks().len(), 4);
    assert!(bench.minutes(ended).is_empty(), "{:?}", bench.told);
    bench.run(130, 0, |_| Some(Found::default()));
    assert_eq!(bench.minutes(|it| *it == Action::Retract).len(), 1);
    assert_eq!(bench.minutes(|it| *it == Action::Confirm).len(), 0);
}

#[test]
fn a_busy_process_and_one_without_room_are_left_alone() {
    for (busy, no_room) in [(true, false), (false, true)] {
        let mut bench = Bench::new(Settings::default());
        for minute in 0..90 {
            bench.now = minute * MINUTE;
            bench.event(Event::Tick(Observation {
                uptime_ms: bench.now,
                growing: true,
                level_bytes: minute * MB,
                busy,
                no_room,
            }));
        }
        assert!(bench.looks().is_empty());
        bench.run(5, 2 * MB, leak);
        assert_eq!(bench.looks().len(), 1, "when it is over");
    }
}

#[test]
fn budgets_hold() {
    let few = Settings {
        looks_per_day: 4,
        ..Settings::default()
    };
    let mut bench = Bench::new(few);
    bench.run(20 * 60, 2 * MB, |_| Some(Found::default()));
    assert_eq!(bench.looks().len(), 4);
    bench.run(5 * 60, 2 * MB, |_| Some(Found::default()));
    assert_eq!(bench.looks().len(), 8, "a new day");

    let costly = Settings {
        cpu_share: 2.0 * 200.0 / 86_400_000.0,
        ..Settings::default()
    };
    let mut bench = Bench::new(costly);
    bench.run(20 * 60, 2 * MB, |_| Some(Found::default()));
    assert_eq!(bench.looks().len(), 2);
}

#[test]
fn looks_that_fail_are_tried_again_thrice() {
    let mut bench = Bench::new(Settings::default());
    for minute in 10..200 {
        bench.now = minute * MINUTE;
        let seen = Observation {
            uptime_ms: bench.now,
            growing: true,
            level_bytes: minute * MB,
            ..Observation::default()
        };
        let actions = bench.event(Event::Tick(seen));
        if actions.iter().any(|it| matches!(it, Action::Look { .. })) {
            bench.event(Event::LookFailed { retry: true });
        }
        if bench.state.stage == Stage::CoolingDown {
            break;
        }
    }
    assert_eq!(bench.looks().len(), 3);
    assert!(bench.told.iter().any(|(_, action)| *action
        == Action::Dismiss {
            reason: Reason::LooksFailed
        }));
}

#[test]
fn a_look_that_is_never_answered_has_failed() {
    let mut bench = Bench::new(Settings::default());
    let seen = Observation {
        uptime_ms: 10 * MINUTE,
        ..Observation::default()
    };
    bench.now = 10 * MINUTE;
    assert_eq!(bench.event(Event::Tick(seen)).len(), 1);
    bench.now += 14 * MINUTE;
    bench.event(Event::Tick(seen));
    assert!(bench.state.looking_since_ms.is_some());
    bench.now += MINUTE;
    bench.event(Event::Tick(seen));
    assert!(bench.state.looking_since_ms.is_none());
}

#[test]
fn who_asks_is_answered_after_two_looks_whatever_is_found() {
    let mut bench = Bench::new(Settings::default());
    bench.now = MINUTE;
    let actions = bench.event(Event::Asked(Observation::default()));
    assert!(matches!(
        actions[..],
        [
            Action::StartSampling,
            Action::Look {
                number: 1,
                investigate: false
            }
        ]
    ));
    bench.event(Event::Looked {
        cpu_ms: 1,
        level_bytes: 0,
        found: None,
    });
    bench.run(20, 0, |_| Some(Found::default()));
    assert_eq!(bench.minutes(|it| *it == Action::Announce).len(), 1);
    assert!(!bench.state.asked);
}

#[test]
fn a_state_outlives_a_restart_as_far_as_its_budget_goes() {
    let few = Settings {
        looks_per_day: 3,
        ..Settings::default()
    };
    let mut bench = Bench::new(few);
    bench.run(60, 2 * MB, |_| Some(Found::default()));
    assert_eq!(bench.looks().len(), 3);
    let json = serde_json::to_string(&bench.state).unwrap();
    bench.state = serde_json::from_str(&json).unwrap();
    bench.event(Event::Restarted);
    assert_eq!(bench.state.stage, Stage::Warming);
    bench.run(60, 2 * MB, |_| Some(Found::default()));
    assert_eq!(bench.looks().len(), 3);
}

#[test]
fn a_stopped_machine_does_nothing_more() {
    let mut bench = Bench::new(Settings::default());
    bench.run(12, 2 * MB, leak);
    let actions = bench.event(Event::Stopped);
    assert!(actions.contains(&Action::Dismiss {
        reason: Reason::Stopped
    }));
    bench.run(100, 2 * MB, leak);
    assert_eq!(bench.looks().len(), 1);
}

#[test]
fn a_clock_that_steps_back_harms_nothing() {
    let mut bench = Bench::new(Settings::default());
    bench.run(12, 2 * MB, leak);
    let (state, actions) = step(
        &bench.settings,
        &bench.state,
        &Event::Tick(Observation::default()),
        0,
    );
    assert!(actions.is_empty());
    assert_eq!(state.stage, Stage::Hunting);
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let valid = Settings::default();
    assert_eq!(valid.validate(), Ok(()));
    let cases: [(&str, Settings); 6] = [
        ("pace", Settings { pace: 0.0, ..valid }),
        (
            "pace",
            Settings {
                pace: f64::NAN,
                ..valid
            },
        ),
        (
            "confidence",
            Settings {
                confidence: 1.5,
                ..valid
            },
        ),
        ("looks", Settings { looks: 1, ..valid }),
        (
            "cpuShare",
            Settings {
                cpu_share: 0.0,
                ..valid
            },
        ),
        (
            "maxWaitMs",
            Settings {
                max_wait_ms: 1,
                ..valid
            },
        ),
    ];
    for (option, settings) in cases {
        let error = settings.validate().unwrap_err();
        assert_eq!(error.option, option);
        assert_eq!(error.code(), "ERR_MEMGUARD_INVALID_ARG");
    }
}

#[test]
fn who_asks_is_answered_whatever_was_spent_and_told_nothing_that_was_not_compared() {
    let mut bench = Bench::new(Settings {
        looks_per_day: 1,
        ..Settings::default()
    });
    bench.run(60, MB, |_| None);
    assert_eq!(bench.looks().len(), 1, "the day's look");
    bench.event(Event::Asked(Observation::default()));
    bench.event(Event::Looked {
        cpu_ms: 1,
        level_bytes: MB,
        found: None,
    });
    let announced = |bench: &Bench| bench.minutes(|action| *action == Action::Announce).len();
    assert_eq!((bench.looks().len(), announced(&bench)), (2, 0));
    bench.run(20, MB, |_| Some(Found::default()));
    assert_eq!(announced(&bench), 1);
}
