//! From probabilities to a level that holds: twice in a row raises, several times well below lowers.

use serde::{Deserialize, Serialize};

/// How near the end is held to be.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum ForecastLevel {
    /// Nothing points to a limit being reached.
    #[default]
    Calm,
    /// Likely enough to be looked at.
    Watch,
    /// Likely enough to be acted on.
    Act,
}

impl ForecastLevel {
    /// The name in JavaScript: `calm`, `watch`, `act`.
    pub const fn name(self) -> &'static str {
        match self {
            ForecastLevel::Calm => "calm",
            ForecastLevel::Watch => "watch",
            ForecastLevel::Act => "act",
        }
    }
}

/// Decisions in a row that raise a level.
const RAISE_AFTER: u32 = 2;
/// Decisions in a row that lower it, and how far below its probability they must be.
const LOWER_AFTER: u32 = 3;
const LOWER_BELOW: f64 = 0.5;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ladder {
    level: ForecastLevel,
    watch: Rung,
    act: Rung,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rung {
    on: bool,
    count: u32,
}

impl Ladder {
    pub(crate) fn level(&self) -> ForecastLevel {
        self.level
    }

    /// Takes a decision's probability; answers the level before, if it has changed.
    pub(crate) fn step(&mut self, probability: f64, watch: f64, act: f64) -> Option<ForecastLevel> {
        let before = self.level;
        let act = self.act.step(probability, act);
        let watch = self.watch.step(probability, watch);
        self.level = match (watch, act) {
            (_, true) => ForecastLevel::Act,
            (true, false) => ForecastLevel::Watch,
            (false, false) => ForecastLevel::Calm,
        };
        (self.level != before).then_some(before)
    }
}

impl Rung {
    fn step(&mut self, probability: f64, threshold: f64) -> bool {
        let (counts, needed) = if self.on {
            (probability < threshold * LOWER_BELOW, LOWER_AFTER)
        } else {
            (probability >= threshold, RAISE_AFTER)
        };
        self.count = if counts { self.count + 1 } else { 0 };
        if self.count >= needed {
            self.on = !self.on;
            self.count = 0;
        }
        self.on
    }
}
