//! What is shipped, on what is recorded. The constants were trained on these traces, so this says nothing of how good they
//! are elsewhere (`npm run eval -- forecast` does): it says when a change makes them worse.

use std::path::Path;

use memguard_trend::ForecastConfig;
use memguard_trend::study::Model;

use super::program::{Origin, Program};
use super::score::{Said, Score};
use super::{boost, decisions, logistic, simulate, study, traces};

fn recorded(folder: &str, origin: Origin) -> Vec<Program> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("forecast/traces");
    traces::load(&root.join(folder), origin).unwrap()
}

/// The scores of watching and acting.
fn scores(programs: &[Program]) -> [Score; 2] {
    let tracks = study::tracks(programs, |_| Model::shipped());
    let config = ForecastConfig::default();
    let mut scores = [Score::default(), Score::default()];
    for (program, track) in programs.iter().zip(&tracks) {
        let answers: Vec<_> = track
            .decisions
            .iter()
            .map(|it| (it.at, it.probability))
            .collect();
        for (score, (threshold, alarms)) in scores
            .iter_mut()
            .zip([(config.watch, &track.watch), (config.act, &track.act)])
        {
            let said = Said {
                answers: answers.clone(),
                alarms: alarms.clone(),
            };
            score.add(program, &said, threshold);
        }
    }
    scores
}

#[test]
fn real_ends_are_foreseen_and_acting_is_seldom_in_vain() {
    let programs = recorded("own", Origin::Recorded);
    assert!(programs.len() > 100);
    let [watch, act] = scores(&programs);
    assert!(watch.failures > 45, "{watch:?}");
    assert!(watch.recall() > 0.85, "{watch:?}");
    assert!(watch.false_per_day() < 1.5, "{watch:?}");
    assert!(act.precision() > 0.9, "{act:?}");
    assert!(act.false_per_day() < 0.2, "{act:?}");
    assert!(act.recall() > 0.25, "{act:?}");
    assert!(watch.brier() < 0.06, "{}", watch.brier());
}

#[test]
fn healthy_programs_with_npm_packages_raise_no_alarm() {
    let programs = recorded("npm", Origin::Foreign);
    let [watch, act] = scores(&programs);
    assert_eq!(watch.false_healthy, 0, "{watch:?}");
    assert_eq!(act.false_alarms, 0, "{act:?}");
    assert_eq!(watch.foreseen, watch.failures);
}

#[test]
fn simulations_are_the_same_each_time_and_some_of_each_kind_end() {
    let programs = simulate::programs(2, 1);
    let again = simulate::programs(2, 1);
    let ends =
        |programs: &[Program]| -> Vec<_> { programs.iter().map(|it| it.failed_at_ms).collect() };
    assert_eq!(ends(&programs), ends(&again));
    let failed = |leaking: bool| {
        programs
            .iter()
            .filter(|it| it.leaking == leaking && it.failed_at_ms.is_some())
            .count()
    };
    assert!(failed(true) > 5);
    assert_eq!(failed(false), 0);
}

#[test]
fn trees_and_regression_learn_what_is_there_to_learn() {
    let mut chance = super::chance::Chance::new(5);
    let all: Vec<decisions::Decision> = (0..4000)
        .map(|program| {
            let mut features = [0.0; memguard_trend::study::COUNT];
            features.fill_with(|| chance.even());
            // One question and a bend that no line can follow.
            let odds = if features[3].abs() > 0.5 { 3.0 } else { -3.0 } + 2.0 * features[7];
            let fails = chance.next() < 1.0 / (1.0 + f64::exp(-odds));
            decisions::Decision {
                program,
                at: 1.0,
                features,
                probability: 0.0,
                left: fails.then_some(0.5),
                weight: 1.0,
            }
        })
        .collect();
    let (train, test): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.program % 2 == 0);
    let right = |says: &dyn Fn(&decisions::Decision) -> f64| {
        let right = test
            .iter()
            .filter(|it| (says(it) > 0.5) == it.is_positive());
        right.count() as f64 / test.len() as f64
    };
    let trees = boost::grow(&train);
    assert_eq!(trees, boost::grow(&train));
    assert!(right(&|it| trees.probability(&it.features)) > 0.88);
    let line = logistic::Logistic::fit(&train);
    let by_line = right(&|it| line.probability(&it.features));
    assert!((0.5..0.8).contains(&by_line), "{by_line}");
    let (scale, shift) = logistic::platt(&[
        (0.0, 0.0, 1.0),
        (0.0, 1.0, 1.0),
        (4.0, 1.0, 9.0),
        (4.0, 0.0, 1.0),
    ]);
    assert!(shift.abs() < 0.05 && (scale - 9_f64.ln() / 4.0).abs() < 0.05);
}
