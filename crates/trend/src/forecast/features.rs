//! What a forecast looks at: numbers without a unit, in horizons of time and shares of what is left to the limit.

use super::robust::{Trend, trend};
use super::series::Series;

/// How many features there are.
pub const COUNT: usize = 35;

/// Their names, for tables.
#[cfg(feature = "study")]
pub const NAMES: [&str; COUNT] = [
    "level",
    "ln left",
    "used",
    "peak 3H", //
    "growth H/3",
    "growth H",
    "growth 3H",
    "growth 9H", //
    "reach H/3",
    "reach H",
    "reach 3H",
    "reach both", //
    "z H/3",
    "z H",
    "z 3H",
    "z 9H", //
    "low growth H",
    "low growth 3H",
    "high growth H", //
    "noise H",
    "noise 3H",
    "sure H",
    "sure 3H", //
    "novelty",
    "below old peak",
    "deepest fall",
    "relapses", //
    "young",
    "age",
    "no live",
    "since live", //
    "level × z",
    "novel reach",
    "bend",
    "grace",
];

/// Windows in horizons.
pub(crate) const WINDOWS: [f64; 4] = [0.34, 1.0, 3.0, 9.0];
/// The least that counts as left, as a share of the limit.
const LEAST_LEFT: f64 = 0.01;

/// Slopes and trends over the four windows, levels as shares of the limit, and whether any of them is of live heaps.
pub(crate) fn trends(series: &Series, limit: f64) -> ([Trend; 4], bool) {
    let mut live = false;
    let trends = WINDOWS.map(|horizons| {
        let mut window = series.window(horizons);
        window.level.iter_mut().for_each(|level| *level /= limit);
        live |= window.live;
        trend(&window.at, &window.level)
    });
    (trends, live)
}

/// `None` while nothing was measured. `grace` is what lies between the limit and its last byte, `age` is in horizons.
pub(crate) fn features(series: &Series, limit: f64, grace: f64, age: f64) -> Option<[f64; COUNT]> {
    let level = series.level()? / limit;
    let used = series.low()? / limit;
    let left = (1.0 - level).max(LEAST_LEFT);
    let (trends, live) = trends(series, limit);
    let [_, one, three, _] = trends;
    let growth = trends.map(|trend| (trend.slope / left).clamp(-1.0, 4.0));
    let reach = growth.map(|growth| sigmoid(5.0 * (growth - 0.9)));
    let z = trends.map(|trend| trend.z.clamp(-4.0, 4.0));
    let sure = |trend: &Trend| {
        let doubt = trend.spread + 0.5 * (trend.slope_high - trend.slope_low) + 0.02;
        ((trend.slope - left) / doubt).clamp(-6.0, 4.0)
    };
    let past = series.past();
    let old_peak = past.peak.map_or(0.0, |peak| peak / limit);
    let novelty = if past.peak.is_some() {
        ((level - old_peak) / left).clamp(-2.0, 2.0)
    } else {
        0.0
    };
    let both = reach[1].min(reach[2]);
    Some([
        level.min(1.2),
        left.ln(),
        used.min(1.2),
        (series.highest(3.0) / limit).min(1.2),
        growth[0],
        growth[1],
        growth[2],
        growth[3],
        reach[0],
        reach[1],
        reach[2],
        both,
        z[0],
        z[1],
        z[2],
        z[3],
        (one.slope_low / left).clamp(-1.0, 4.0),
        (three.slope_low / left).clamp(-1.0, 4.0),
        (one.slope_high / left).clamp(-1.0, 4.0),
        (one.spread / left).min(2.0),
        (three.spread / left).min(2.0),
        sure(&one),
        sure(&three),
        novelty,
        f64::from(u8::from(level < 0.97 * old_peak)),
        (past.deepest / limit / left).min(3.0),
        f64::from(past.relapses.min(20)).ln_1p(),
        f64::from(u8::from(age < 1.0)),
        age.clamp(0.05, 20.0).ln(),
        f64::from(u8::from(!live)),
        series.since_live().map_or(3.0, |since| since.min(3.0)),
        level * z[2],
        both * novelty.max(0.0),
        growth[0] - growth[2],
        (grace / limit).min(0.3),
    ])
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
