//! Estimators that a few wild points do not move: the slope of Theil and Sen (Sen, "Estimates of the regression
//! coefficient based on Kendall's tau", JASA 63, 1968) and the trend test of Mann and Kendall, both from the same pairs.

/// What the pairs of a window say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Trend {
    /// Median of the pairs' slopes, per horizon; 0 with fewer than three points.
    pub slope: f64,
    /// Their quartiles.
    pub slope_low: f64,
    /// The upper one.
    pub slope_high: f64,
    /// Mann–Kendall's z: beyond ±1.64 a trend is significant at 5 %.
    pub z: f64,
    /// Robust standard deviation of what the line leaves over.
    pub spread: f64,
    /// The line's value at the end of the window.
    pub end: f64,
}

/// At least so many points make a trend.
const ENOUGH: usize = 3;

/// Quadratic in the number of points: meant for at most some fifty.
pub(crate) fn trend(at: &[f64], level: &[f64]) -> Trend {
    let n = at.len().min(level.len());
    if n < ENOUGH {
        return Trend::default();
    }
    let mut slopes = Vec::with_capacity(n * (n - 1) / 2);
    let mut concordant = 0_i64;
    for i in 0..n {
        for j in i + 1..n {
            let rise = level[j] - level[i];
            let run = at[j] - at[i];
            if run > 0.0 {
                slopes.push(rise / run);
            }
            concordant += i64::from(rise > 0.0) - i64::from(rise < 0.0);
        }
    }
    if slopes.is_empty() {
        return Trend::default();
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let slope = quantile(&slopes, 0.5);
    let mut left: Vec<f64> = (0..n).map(|i| level[i] - slope * at[i]).collect();
    let intercept = median(&mut left);
    left.iter_mut().for_each(|it| *it = (*it - intercept).abs());
    let pairs = n as f64;
    let variance = pairs * (pairs - 1.0) * (2.0 * pairs + 5.0) / 18.0;
    Trend {
        slope,
        slope_low: quantile(&slopes, 0.25),
        slope_high: quantile(&slopes, 0.75),
        z: (concordant - concordant.signum()) as f64 / variance.sqrt(),
        spread: 1.4826 * median(&mut left),
        end: intercept + slope * at[n - 1],
    }
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    quantile(values, 0.5)
}

/// By linear interpolation between neighbours; of sorted values.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = share * last as f64;
    let below = place as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}
