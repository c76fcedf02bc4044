//! Settings of a forecast, and what is wrong with them.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Half an hour: the horizon at a pace of 1.
const HORIZON_MS: f64 = 1_800_000.0;

/// Settings of a [`Forecaster`](super::Forecaster).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ForecastConfig {
    /// How many times faster all of it runs: every time constant is divided by it, the horizon of half an hour first. 0.01
    /// to 10,000, default 1. At 180 a program's ten seconds are taken for half an hour.
    pub pace: f64,
    /// Probability from which on the level is [`Watch`](super::Outlook::level), over 0 and less than `act`. Default 0.3.
    pub watch: f64,
    /// Probability from which on it is `Act`, less than 1. Default 0.8.
    pub act: f64,
}

impl Default for ForecastConfig {
    fn default() -> Self {
        Self {
            pace: 1.0,
            watch: 0.3,
            act: 0.8,
        }
    }
}

impl ForecastConfig {
    /// How far is looked ahead, in ms.
    pub fn horizon_ms(&self) -> u64 {
        ((HORIZON_MS / self.pace) as u64).max(1)
    }

    /// Finds the first setting that is out of range or contradicts another.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] with the option's path, its value and what was expected.
    pub fn validate(&self) -> Result<(), Error> {
        let wrong = |option: &str, value: f64, expected: String| Error::InvalidOption {
            option: option.to_owned(),
            value: value.to_string(),
            expected,
        };
        if !(0.01..=10_000.0).contains(&self.pace) {
            return Err(wrong("pace", self.pace, "0.01 to 10000".to_owned()));
        }
        if !(self.act > 0.0 && self.act < 1.0) {
            let expected = "a probability over 0 and less than 1".to_owned();
            return Err(wrong("forecastAct", self.act, expected));
        }
        if !(self.watch > 0.0 && self.watch < self.act) {
            let expected = format!(
                "a probability over 0 and less than act, which is {}",
                self.act
            );
            return Err(wrong("forecastWatch", self.watch, expected));
        }
        Ok(())
    }
}
