//! Whether a curve grows: one question asked of a whole measurement at once, for tests, load runs and hunts.
//!
//! # Method
//! The slope is the median of the slopes of all pairs of points (Theil–Sen), its interval the one of Sen, "Estimates of the
//! regression coefficient based on Kendall's tau", JASA 63, 1968, section 3; the test is Mann's and Kendall's, with the
//! variance corrected for ties. A single wild point moves none of them.
//!
//! Alone they are too easily convinced: memory that was filled once, a cache that warms up and code that gets compiled
//! rise significantly too. So a curve [grows](Course::Grows) only where the growth is no chance, where even its lower bound
//! comes to more than a [`Tolerance`], and where the second half goes on as the first began.
//!
//! # Cost
//! Quadratic in the number of points: meant for some dozens, and at most [`MOST_POINTS`] are taken.

use serde::{Deserialize, Serialize};

use crate::forecast::{median, quantile};

/// Curves of more points are thinned to so many, by the lowest of each few neighbours.
pub const MOST_POINTS: usize = 240;
/// With fewer, no trend can be significant at 1 %.
pub const FEWEST_POINTS: usize = 6;
/// Mann–Kendall's z beyond which growth is no chance: 1 %, one-sided.
const SIGNIFICANT: f64 = 2.326;
/// Of the interval: 95 %, two-sided.
const INTERVAL_Z: f64 = 1.96;
/// What the second half must reach of the first one's slope to go on growing.
const GOES_ON: f64 = 0.3;

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When, in any unit: milliseconds, requests, iterations.
    pub at: f64,
    /// What was measured, in bytes.
    pub value: f64,
}

/// Growth that is none: whichever of both is more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Tolerance {
    /// Over the whole curve, in bytes.
    pub bytes: f64,
    /// Over the whole curve, as a share of the level in its middle.
    pub share: f64,
    /// Per unit of `at`, in bytes.
    pub slope: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            bytes: 64.0 * 1024.0,
            share: 0.0,
            slope: 0.0,
        }
    }
}

/// Where a curve goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Course {
    /// It grows, by more than is tolerated and without an end in sight.
    Grows,
    /// It grew, but less and less: a warm-up, a cache that fills.
    Slows,
    /// It does not grow.
    Flat,
    /// Too few points.
    Unknown,
}

/// What a curve does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Curve {
    /// Where it goes.
    pub course: Course,
    /// Points that were given.
    pub points: usize,
    /// Median of the pairs' slopes: bytes per unit of `at`.
    pub slope: f64,
    /// Its interval of 95 %.
    pub slope_interval: [f64; 2],
    /// Mann–Kendall's z: beyond 2.33 growth is no chance at 1 %.
    pub z: f64,
    /// The slope of the first half.
    pub early_slope: f64,
    /// The slope of the second half.
    pub late_slope: f64,
    /// From the first point to the last, in units of `at`.
    pub span: f64,
    /// What the line says of the first point.
    pub first: f64,
    /// What it says of the last.
    pub last: f64,
    /// What was tolerated over the whole curve, in bytes.
    pub tolerated: f64,
}

impl Curve {
    /// Judges a curve. Points that are no numbers are left out; time may not run backwards.
    #[must_use]
    pub fn of(points: &[Point], tolerance: &Tolerance) -> Self {
        let points = thinned(points);
        let whole = Slopes::of(&points);
        let middle = points.len() / 2;
        let early = Slopes::of(&points[..(middle + 1).min(points.len())]);
        let late = Slopes::of(&points[middle..]);
        let span = match (points.first(), points.last()) {
            (Some(first), Some(last)) => last.at - first.at,
            _ => 0.0,
        };
        let (first, last) = whole.line(&points);
        let mut values: Vec<f64> = points.iter().map(|point| point.value).collect();
        let tolerated = tolerance
            .bytes
            .max(tolerance.share * median(&mut values))
            .max(tolerance.slope * span);
        let mut curve = Self {
            course: Course::Unknown,
            points: points.len(),
            slope: whole.slope,
            slope_interval: whole.interval,
            z: whole.z,
            early_slope: early.slope,
            late_slope: late.slope,
            span,
            first,
            last,
            tolerated,
        };
        curve.course = curve.judged();
        curve
    }

    fn judged(&self) -> Course {
        if self.points < FEWEST_POINTS {
            return Course::Unknown;
        }
        let grew = self.z > SIGNIFICANT && self.slope_interval[0] * self.span > self.tolerated;
        if !grew {
            return Course::Flat;
        }
        // Half of the growth of half of the time, with the same room for noise.
        let goes_on = self.late_slope > GOES_ON * self.early_slope
            && self.late_slope * self.span > self.tolerated;
        if goes_on {
            Course::Grows
        } else {
            Course::Slows
        }
    }
}

/// What pairs of points say.
#[derive(Default)]
struct Slopes {
    slope: f64,
    interval: [f64; 2],
    z: f64,
}

impl Slopes {
    fn of(points: &[Point]) -> Self {
        let n = points.len();
        let mut slopes = Vec::with_capacity(n * n.saturating_sub(1) / 2);
        let mut concordant = 0.0;
        for (place, one) in points.iter().enumerate() {
            for other in &points[place + 1..] {
                let (rise, run) = (other.value - one.value, other.at - one.at);
                if run > 0.0 {
                    slopes.push(rise / run);
                    concordant += f64::from(rise > 0.0) - f64::from(rise < 0.0);
                }
            }
        }
        if slopes.is_empty() {
            return Self::default();
        }
        slopes.sort_unstable_by(f64::total_cmp);
        let deviation = variance(points).sqrt();
        let last = slopes.len() - 1;
        let reach = INTERVAL_Z * deviation;
        let rank = |place: f64| slopes[(place.max(0.0) as usize).min(last)];
        let pairs = slopes.len() as f64;
        Self {
            slope: quantile(&slopes, 0.5),
            interval: [
                rank(((pairs - reach) / 2.0).floor() - 1.0),
                rank(((pairs + reach) / 2.0).ceil()),
            ],
            z: if deviation > 0.0 && concordant != 0.0 {
                (concordant - f64::signum(concordant)) / deviation
            } else {
                0.0
            },
        }
    }

    /// The line's values at the first and the last point.
    fn line(&self, points: &[Point]) -> (f64, f64) {
        let mut left: Vec<f64> = points
            .iter()
            .map(|point| point.value - self.slope * point.at)
            .collect();
        let intercept = median(&mut left);
        let value = |point: Option<&Point>| {
            point.map_or(0.0, |point| (intercept + self.slope * point.at).max(0.0))
        };
        (value(points.first()), value(points.last()))
    }
}

/// Of Kendall's S without a trend, with ties among the values (Kendall, "Rank Correlation Methods", 1970).
fn variance(points: &[Point]) -> f64 {
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut values: Vec<f64> = points.iter().map(|point| point.value).collect();
    values.sort_unstable_by(f64::total_cmp);
    let ties: f64 = values
        .chunk_by(|a, b| a == b)
        .map(|tie| term(tie.len() as f64))
        .sum();
    (term(points.len() as f64) - ties) / 18.0
}

/// What can be judged of the points given, and not too many of them.
fn thinned(points: &[Point]) -> Vec<Point> {
    let mut latest = f64::NEG_INFINITY;
    let sane: Vec<Point> = points
        .iter()
        .copied()
        .filter(|point| {
            let taken = point.at.is_finite() && point.value.is_finite() && point.at >= latest;
            if taken {
                latest = point.at;
            }
            taken
        })
        .collect();
    let group = sane.len().div_ceil(MOST_POINTS).max(1);
    sane.chunks(group)
        .filter_map(|few| {
            few.iter()
                .copied()
                .min_by(|a, b| a.value.total_cmp(&b.value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: f64 = 1_048_576.0;

    /// A noise that repeats itself in every run: uniform in −1 to 1.
    fn noise(seed: &mut u64) -> f64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*seed >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
    }

    fn curve(count: usize, value: impl Fn(f64, f64) -> f64, seed: u64) -> Curve {
        let mut seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let points: Vec<Point> = (0..count)
            .map(|at| Point {
                at: at as f64,
                value: value(at as f64, noise(&mut seed)),
            })
            .collect();
        Curve::of(&points, &Tolerance::default())
    }

    #[test]
    fn a_line_is_found_exactly() {
        let line = curve(20, |at, _| 10.0 * MB + 20_000.0 * at, 1);
        assert_eq!(line.course, Course::Grows);
        assert!((line.slope - 20_000.0).abs() < 1e-6);
        assert_eq!(line.slope_interval, [line.slope; 2]);
        assert!((line.last - line.first - 19.0 * 20_000.0).abs() < 1e-3);
    }

    #[test]
    fn intervals_of_noisy_lines_hold_the_slope_as_often_as_they_say() {
        let held = (0..400)
            .filter(|&seed| {
                let it = curve(
                    20,
                    |at, noise| 5.0 * MB + 9_000.0 * at + 80_000.0 * noise,
                    seed,
                );
                it.slope_interval[0] <= 9_000.0 && 9_000.0 <= it.slope_interval[1]
            })
            .count();
        assert!((368..=397).contains(&held), "{held} of 400");
    }

    #[test]
    fn noise_is_flat() {
        let wrong = (0..1000)
            .filter(|&seed| {
                curve(20, |_, noise| 30.0 * MB + MB * noise, seed).course == Course::Grows
            })
            .count();
        assert!(wrong <= 5, "{wrong} of 1000");
    }

    #[test]
    fn warm_up_steps_and_teeth_do_not_grow() {
        for seed in 0..50 {
            let warm =
                |at: f64, noise: f64| 20.0 * MB - 8.0 * MB * (-at / 3.0).exp() + 9_000.0 * noise;
            assert_ne!(curve(20, warm, seed).course, Course::Grows, "{seed}");
            for step in [4.0, 10.0, 16.0] {
                let one = |at: f64, noise: f64| {
                    MB * if at < step { 12.0 } else { 20.0 } + 9_000.0 * noise
                };
                assert_ne!(curve(20, one, seed).course, Course::Grows, "{seed} {step}");
            }
            let teeth = |at: f64, noise: f64| 10.0 * MB + MB * (at % 7.0) + 9_000.0 * noise;
            assert_ne!(curve(24, teeth, seed).course, Course::Grows, "{seed}");
        }
    }

    #[test]
    fn a_leak_below_noise_and_outliers_is_seen() {
        for seed in 0..50 {
            let leak = |at: f64, noise: f64| {
                30.0 * MB
                    + 100_000.0 * at
                    + 150_000.0 * noise
                    + if at == 7.0 { 40.0 * MB } else { 0.0 }
            };
            assert_eq!(curve(24, leak, seed).course, Course::Grows, "{seed}");
        }
    }

    #[test]
    fn what_is_tolerated_does_not_grow() {
        let points: Vec<Point> = (0..20)
            .map(|at| Point {
                at: f64::from(at),
                value: 10.0 * MB + 1_000.0 * f64::from(at),
            })
            .collect();
        let course = |tolerance| Curve::of(&points, &tolerance).course;
        let none = Tolerance {
            bytes: 0.0,
            share: 0.0,
            slope: 0.0,
        };
        assert_eq!(course(none), Course::Grows);
        assert_eq!(
            course(Tolerance {
                bytes: 20_000.0,
                ..none
            }),
            Course::Flat
        );
        assert_eq!(
            course(Tolerance {
                share: 0.01,
                ..none
            }),
            Course::Flat
        );
        assert_eq!(
            course(Tolerance {
                slope: 1_000.0,
                ..none
            }),
            Course::Flat
        );
        assert_eq!(
            course(Tolerance {
                slope: 999.0,
                ..none
            }),
            Course::Grows
        );
    }

    #[test]
    fn nonsense_is_survived() {
        assert_eq!(
            Curve::of(&[], &Tolerance::default()).course,
            Course::Unknown
        );
        let mad: Vec<Point> = [f64::NAN, f64::INFINITY, 1.0, 1.0, 0.0, -5.0]
            .into_iter()
            .flat_map(|at| [f64::NAN, 1.0, 1e300].map(|value| Point { at, value }))
            .collect();
        let curve = Curve::of(&mad, &Tolerance::default());
        assert_eq!(curve.course, Course::Unknown);
        assert_eq!(curve.span, 0.0);
        let many: Vec<Point> = (0..100_000)
            .map(|at| Point {
                at: f64::from(at),
                value: 1e6 + 10.0 * f64::from(at),
            })
            .collect();
        let curve = Curve::of(&many, &Tolerance::default());
        assert!(curve.points <= MOST_POINTS);
        assert_eq!(curve.course, Course::Grows);
    }
}
