//! From a week of hours to one threshold.

use serde::Serialize;

use crate::baseline::week::Week;
use crate::{BaselineConfig, Metric};

/// Makes the MAD of normally distributed values their standard deviation.
const MAD_TO_SIGMA: f64 = 1.4826;
const WEEK_DAYS: u32 = 7;

/// What is usual for an hour of the day, in the unit that is learned (bytes or a ratio).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usual {
    /// The hour of the day, local time.
    pub hour: u8,
    /// From how many days the hour is known, at most 7.
    pub days: u32,
    /// Median over the days of the hour's median.
    pub median: f64,
    /// The highest that a day's high quantile was, the neighbouring hours included.
    pub highest: f64,
    /// Over this it is unusual.
    pub threshold: f64,
}

/// Complexity: a few hundred steps, done once an hour.
pub(super) fn usual(
    week: &Week,
    metric: Metric,
    epoch_hour: i32,
    config: &BaselineConfig,
) -> Option<Usual> {
    let hour = epoch_hour.rem_euclid(24);
    // Of each day that knows the hour itself: (day, high of three hours, median of the hour).
    let day_of = |epoch_hour: i32| epoch_hour.div_euclid(24);
    let own = week.at(hour).map(|own| {
        (
            day_of(own.epoch_hour),
            f64::from(own.high),
            f64::from(own.median),
        )
    });
    let mut days: Vec<(i32, f64, f64)> = own.collect();
    for neighbour in [-1, 1] {
        for summary in week.at(hour + neighbour) {
            let day = day_of(summary.epoch_hour.saturating_sub(neighbour));
            if let Some((_, high, _)) = days.iter_mut().find(|(known, ..)| *known == day) {
                *high = high.max(f64::from(summary.high));
            }
        }
    }
    let known = days.len() as u32;
    if known < config.min_days.max(1) {
        return None;
    }
    let highs = sorted(days.iter().map(|(_, high, _)| *high));
    let medians = sorted(days.iter().map(|(.., median)| *median));
    let center = middle(&highs);
    let mad = middle(&sorted(highs.iter().map(|high| (high - center).abs())));
    // Days that differ wildly say little; they may at most double what is usual.
    let spread = (config.deviations * MAD_TO_SIGMA * mad).min(center);
    let highest = highs[highs.len() - 1];
    let regular = if highs.len() >= 4 {
        highs[highs.len() - 2]
    } else {
        highest
    };
    let base = regular.max(center + spread);
    let least = if metric.learned_as_ratio() {
        config.margin_ratio
    } else {
        config.margin_bytes as f64
    };
    let share = config.relative_margin * f64::from(WEEK_DAYS) / f64::from(known);
    Some(Usual {
        hour: hour as u8,
        days: known,
        median: middle(&medians),
        highest,
        threshold: base + least.max(share * base),
    })
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The median of sorted values, of which there is at least one.
fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[half]
    } else {
        f64::midpoint(sorted[half - 1], sorted[half])
    }
}
