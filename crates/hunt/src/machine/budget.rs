//! What hunts may cost in a day.

use serde::{Deserialize, Serialize};

use super::Settings;

const DAY_MS: u64 = 24 * 60 * 60_000;

/// What was spent since the day began. A day is as long as `pace` makes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spent {
    began_ms: u64,
    looks: u32,
    reports: u32,
    cpu_ms: u64,
}

impl Spent {
    fn renew(&mut self, settings: &Settings, now: u64) {
        if now.saturating_sub(self.began_ms) >= settings.paced(DAY_MS) {
            *self = Self {
                began_ms: now,
                ..Self::default()
            };
        }
    }

    /// Whether another look is within the budget, and counts it.
    pub(super) fn look(&mut self, settings: &Settings, now: u64) -> bool {
        self.renew(settings, now);
        // What looks cost does not shrink with the pace: the day's share does.
        let cpu_left = DAY_MS as f64 * settings.cpu_share - self.cpu_ms as f64;
        let within = self.looks < settings.looks_per_day && cpu_left > 0.0;
        self.looks += u32::from(within);
        within
    }

    pub(super) fn cpu(&mut self, cpu_ms: u64) {
        self.cpu_ms = self.cpu_ms.saturating_add(cpu_ms);
    }

    /// Whether another report is within the budget, and counts it.
    pub(super) fn report(&mut self, settings: &Settings, now: u64) -> bool {
        self.renew(settings, now);
        let within = self.reports < settings.reports_per_day;
        self.reports += u32::from(within);
        within
    }
}
