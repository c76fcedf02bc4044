//! Training without seeing the test: models for each group of families from all others, their calibration, and the one
//! that is shipped, from all.

use std::collections::BTreeSet;

use memguard_trend::ForecastConfig;
use memguard_trend::study::Model;

use super::boost::grow;
use super::decisions::{Decision, Track, track};
use super::logistic::{Logistic, platt};
use super::program::{Origin, Program};

/// Groups of families.
const FOLDS: usize = 6;

/// What came of it.
pub struct Study {
    /// One a program: what the forecaster said with a model that never saw the family.
    pub tracks: Vec<Track>,
    /// One a program: the same for the logistic regression, at each decision.
    pub logistic: Vec<Vec<(f64, f64)>>,
    /// From all programs but the foreign ones.
    pub shipped: Model,
}

/// A model that asks every question and decides nothing.
fn asking() -> Model {
    Model {
        trees: Vec::new().into(),
        bias: -6.0,
        scale: 1.0,
        shift: 0.0,
    }
}

/// Runs all programs under a forecaster, on as many threads as there are.
pub fn tracks(programs: &[Program], model: impl Fn(&Program) -> Model + Sync) -> Vec<Track> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut tracks: Vec<(usize, Track)> = std::thread::scope(|scope| {
        let model = &model;
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope.spawn(move || {
                    let mine = programs.iter().enumerate().skip(worker).step_by(threads);
                    mine.map(|(index, program)| {
                        let track =
                            track(index, program, &model(program), ForecastConfig::default());
                        (index, track.unwrap_or_default())
                    })
                    .collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect()
    });
    tracks.sort_by_key(|(index, _)| *index);
    tracks.into_iter().map(|(_, track)| track).collect()
}

/// Trains and tests.
pub fn run(programs: &[Program]) -> Study {
    let families: BTreeSet<&str> = programs
        .iter()
        .map(|program| program.family.as_str())
        .collect();
    let fold = |program: &Program| {
        families
            .iter()
            .position(|it| *it == program.family)
            .unwrap_or_default()
            % FOLDS
    };
    let asked = tracks(programs, |_| asking());
    let all: Vec<&Decision> = asked.iter().flat_map(|track| &track.decisions).collect();
    let is_own = |decision: &Decision| {
        !matches!(
            programs[decision.program].origin,
            Origin::Foreign | Origin::Slowed
        )
    };
    let own: Vec<&Decision> = all.iter().copied().filter(|it| is_own(it)).collect();
    let others = |test: usize| -> Vec<&Decision> {
        own.iter()
            .copied()
            .filter(|it| fold(&programs[it.program]) != test)
            .collect()
    };
    // One a fold, and the last from everything.
    let (mut models, logistics): (Vec<Model>, Vec<Logistic>) = std::thread::scope(|scope| {
        let (others, own) = (&others, &own);
        let workers: Vec<_> = (0..=FOLDS)
            .map(|test| {
                scope.spawn(move || {
                    let train = if test == FOLDS {
                        own.clone()
                    } else {
                        others(test)
                    };
                    (grow(&train), Logistic::fit(&train))
                })
            })
            .collect();
        workers
            .into_iter()
            .filter_map(|worker| worker.join().ok())
            .unzip()
    });
    // Scores of decisions that a model did not see.
    let unseen: Vec<(usize, (f64, f64, f64))> = own
        .iter()
        .map(|it| {
            let fold = fold(&programs[it.program]);
            (
                fold,
                (models[fold].score(&it.features), it.label(), it.weight),
            )
        })
        .collect();
    for (test, model) in models.iter_mut().enumerate() {
        let held: Vec<_> = unseen
            .iter()
            .filter(|(fold, _)| *fold != test)
            .map(|(_, score)| *score)
            .collect();
        (model.scale, model.shift) = platt(&held);
    }
    let which = |program: &Program| {
        if program.origin == Origin::Foreign {
            FOLDS
        } else {
            fold(program)
        }
    };
    let tested = tracks(programs, |program| models[which(program)].clone());
    let logistic = asked
        .iter()
        .zip(programs)
        .map(|(track, program)| {
            let model = &logistics[which(program)];
            track
                .decisions
                .iter()
                .map(|it| (it.at, model.probability(&it.features)))
                .collect()
        })
        .collect();
    Study {
        tracks: tested,
        logistic,
        shipped: models.swap_remove(FOLDS),
    }
}
