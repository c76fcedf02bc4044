//! What a forecast says.

use serde::{Deserialize, Serialize};

use super::ForecastLevel;

/// Where one limit is headed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outlook {
    /// Calm, watch or act; it holds where probabilities flicker.
    pub level: ForecastLevel,
    /// That the limit is reached within the horizon, calibrated on the programs of `eval/`. `None` while less than half a
    /// horizon was seen.
    pub probability: Option<f64>,
    /// How far is looked ahead, in ms.
    pub horizon_ms: u64,
    /// The level now, in bytes: the live heap, or what is used of a limit that knows no garbage.
    pub level_bytes: f64,
    /// The limit, in bytes.
    pub limit_bytes: f64,
    /// Whether the level grows: a trend over one horizon or three that is not chance (Mann–Kendall, 5 %).
    pub growing: bool,
    /// Growth in bytes an hour: the greater of the median slopes (Theil–Sen) over one and three horizons.
    pub growth_bytes_per_hour: f64,
    /// The quartiles of the pairs' slopes, widened to cover what is not seen.
    pub growth_interval: [f64; 2],
    /// When the limit is reached if it goes on like this, in ms from now; `None` when it does not grow or lies beyond a
    /// hundred horizons.
    pub time_to_limit_ms: Option<f64>,
    /// Between when and when, in ms; the later is `None` when it may as well never be.
    pub time_to_limit_interval: Option<[Option<f64>; 2]>,
    /// What the outlook rests on, in ms.
    pub observed_ms: u64,
    /// When it was made, on the readings' clock.
    pub at_ms: u64,
}
