//! What the forecaster was asked, moment by moment, and what the right answer was.

use memguard_trend::study::{COUNT, Model};
use memguard_trend::{ForecastConfig, ForecastLevel, Forecaster, LimitReading};

use super::program::{Origin, Program};

/// One question to the model.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Which program.
    pub program: usize,
    /// When, in horizons since the start.
    pub at: f64,
    /// What was asked.
    pub features: [f64; COUNT],
    /// What the model answered.
    pub probability: f64,
    /// Horizons from here to the failure; `None` if there is none.
    pub left: Option<f64>,
    /// How much it counts in training.
    pub weight: f64,
}

impl Decision {
    /// Whether the limit is reached within the horizon: 1 or 0.
    pub fn label(&self) -> f64 {
        f64::from(u8::from(self.is_positive()))
    }

    /// Whether the limit is reached within the horizon.
    pub fn is_positive(&self) -> bool {
        self.left.is_some_and(|left| left <= 1.0)
    }
}

/// The answers at every tenth of a horizon: there are more when something is going on, which would count twice.
pub fn evenly(answers: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut next = 0.0;
    answers
        .filter(|(at, _)| {
            let due = *at >= next;
            if due {
                next = at + 0.098;
            }
            due
        })
        .collect()
}

/// What a forecaster said of one program.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// All its decisions.
    pub decisions: Vec<Decision>,
    /// From when to when, in horizons, it was at watch or above; and at act.
    pub watch: Vec<(f64, f64)>,
    /// See `watch`.
    pub act: Vec<(f64, f64)>,
    /// At decisions of a failing program above calm: the true time left, and expected, earliest and latest, in horizons.
    pub times: Vec<(f64, [Option<f64>; 3])>,
}

/// Programs of real processes are few and simulated ones many.
const REAL_WEIGHT: f64 = 3.0;

/// Runs a program under a forecaster with a model.
pub fn track(
    index: usize,
    program: &Program,
    model: &Model,
    config: ForecastConfig,
) -> Option<Track> {
    let horizon = program.horizon_ms();
    let config = ForecastConfig {
        pace: program.pace,
        ..config
    };
    let mut forecaster = Forecaster::with_model(config, model.clone()).ok()?;
    let mut track = Track::default();
    let mut decided = None;
    let failed = program.failed_at_ms.map(|at| at as f64 / horizon);
    let weight = if program.origin == Origin::Simulated {
        1.0
    } else {
        REAL_WEIGHT
    };
    for row in &program.rows {
        forecaster.observe(&LimitReading {
            at_ms: row.at_ms,
            used: row.used,
            live: row.live,
            limit: program.limit,
            grace: program.grace,
        });
        let at = row.at_ms as f64 / horizon;
        extend(
            &mut track.watch,
            at,
            forecaster.level() >= ForecastLevel::Watch,
        );
        extend(&mut track.act, at, forecaster.level() == ForecastLevel::Act);
        let Some((when, features, probability)) = forecaster.decision() else {
            continue;
        };
        if decided.replace(when) == Some(when) {
            continue;
        }
        let left = failed.map(|failed| failed - at);
        if let (Some(left), Some(outlook)) = (left, forecaster.outlook())
            && outlook.level > ForecastLevel::Calm
        {
            let [early, late] = outlook.time_to_limit_interval.unwrap_or_default();
            let times = [outlook.time_to_limit_ms, early, late];
            track
                .times
                .push((left, times.map(|it| it.map(|ms| ms / horizon))));
        }
        track.decisions.push(Decision {
            program: index,
            at,
            features,
            probability,
            left,
            weight,
        });
    }
    Some(track)
}

/// Stretches in which something was so; a gap ends one.
fn extend(stretches: &mut Vec<(f64, f64)>, at: f64, is_so: bool) {
    match stretches.last_mut() {
        Some(last) if last.1.is_infinite() && !is_so => last.1 = at,
        Some(last) if last.1.is_infinite() => {}
        _ if is_so => stretches.push((at, f64::INFINITY)),
        _ => {}
    }
}
