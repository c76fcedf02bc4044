//! How patient and how frugal a hunt is.

use serde::{Deserialize, Serialize};

const MINUTE: u64 = 60_000;

/// How patient and how frugal a hunt is. Times are in ms, before they are divided by `pace`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Divides every time: 1 in production; 60 makes seconds of minutes.
    pub pace: f64,
    /// No look before the process is so old. Default 10 minutes.
    pub warm_up_ms: u64,
    /// Growth must have gone on for so long to be heeded. Default 3 minutes.
    pub suspicion_ms: u64,
    /// Between two looks at growth at least so long. Default 8 minutes.
    pub min_wait_ms: u64,
    /// Between two looks at growth at most so long, however little it was. Default 15 minutes.
    pub max_wait_ms: u64,
    /// Without growth in the curve a look now and then, the first after so long, each after twice the time, up to four
    /// hours; 0 for none. Default 15 minutes.
    pub patrol_ms: u64,
    /// For a look before `max_wait_ms` the level must have grown by so many bytes. Default 256 KB.
    pub min_growth_bytes: u64,
    /// And by this share of what it was. Default 2 %.
    pub min_growth_share: f64,
    /// Looks before something is told. Default 3.
    pub looks: u32,
    /// From this confidence on a report is told. Default 0.5.
    pub confidence: f64,
    /// After a report no other for so long. Default an hour.
    pub cool_down_ms: u64,
    /// How long a report waits for the growth to go on before it is retracted. Default two hours.
    pub verify_ms: u64,
    /// Most reports a day, those that only confirm not counted. Default 6.
    pub reports_per_day: u32,
    /// Most looks a day. Default 60.
    pub looks_per_day: u32,
    /// Share of one core that looks may take over a day. Default 0.5 %.
    pub cpu_share: f64,
    /// A look that is not answered for so long has failed. Default 15 minutes; not divided by `pace`.
    pub look_timeout_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pace: 1.0,
            warm_up_ms: 10 * MINUTE,
            suspicion_ms: 3 * MINUTE,
            min_wait_ms: 8 * MINUTE,
            max_wait_ms: 15 * MINUTE,
            patrol_ms: 15 * MINUTE,
            min_growth_bytes: 256 << 10,
            min_growth_share: 0.02,
            looks: 3,
            confidence: 0.5,
            cool_down_ms: 60 * MINUTE,
            verify_ms: 120 * MINUTE,
            reports_per_day: 6,
            looks_per_day: 60,
            cpu_share: 0.005,
            look_timeout_ms: 15 * MINUTE,
        }
    }
}

/// A setting that makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("Invalid option {option}: {value}. Expected {expected}.")]
pub struct SettingsError {
    /// Its name.
    pub option: &'static str,
    /// Its value.
    pub value: String,
    /// What it may be.
    pub expected: &'static str,
}

impl SettingsError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "ERR_MEMGUARD_INVALID_ARG"
    }
}

impl Settings {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// [`SettingsError`] names the first that does not.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let error = |option, value: String, expected| {
            Err(SettingsError {
                option,
                value,
                expected,
            })
        };
        if !(self.pace.is_finite() && (1e-3..=1e5).contains(&self.pace)) {
            return error(
                "pace",
                self.pace.to_string(),
                "a number from 0.001 to 100000",
            );
        }
        if !share(self.confidence) {
            return error(
                "confidence",
                self.confidence.to_string(),
                "a number from 0 to 1",
            );
        }
        if !(self.min_growth_share.is_finite() && self.min_growth_share >= 0.0) {
            return error(
                "minGrowthShare",
                self.min_growth_share.to_string(),
                "a number of at least 0",
            );
        }
        if !share(self.cpu_share) || self.cpu_share == 0.0 {
            return error(
                "cpuShare",
                self.cpu_share.to_string(),
                "a number above 0 and up to 1",
            );
        }
        if self.looks < 2 {
            return error("looks", self.looks.to_string(), "at least 2");
        }
        if self.max_wait_ms < self.min_wait_ms {
            return error(
                "maxWaitMs",
                self.max_wait_ms.to_string(),
                "no less than minWaitMs",
            );
        }
        Ok(())
    }

    /// A time constant as long as `pace` makes it.
    pub(super) fn paced(&self, ms: u64) -> u64 {
        (ms as f64 / self.pace.max(1e-3)) as u64
    }
}
