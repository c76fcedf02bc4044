//! A logistic regression on the same features, and Platt's calibration, which is one of a single feature: both by
//! Newton's method.

use memguard_trend::study::COUNT;

use super::decisions::Decision;

/// Weights of standardised features; the last is the constant.
#[derive(Clone, Debug)]
pub struct Logistic {
    mean: [f64; COUNT],
    deviation: [f64; COUNT],
    weights: Vec<f64>,
}

const RIDGE: f64 = 3.0;
const ROUNDS: usize = 12;

impl Logistic {
    /// Fits it.
    pub fn fit(decisions: &[&Decision]) -> Self {
        let all: f64 = decisions.iter().map(|it| it.weight).sum();
        let moment = |of: &dyn Fn(&Decision, usize) -> f64| -> [f64; COUNT] {
            std::array::from_fn(|feature| {
                decisions
                    .iter()
                    .map(|it| it.weight * of(it, feature))
                    .sum::<f64>()
                    / all
            })
        };
        let mean = moment(&|it, feature| it.features[feature]);
        let variance = moment(&|it, feature| (it.features[feature] - mean[feature]).powi(2));
        let deviation = variance.map(|variance| variance.sqrt().max(1e-6));
        let mut fitted = Self {
            mean,
            deviation,
            weights: Vec::new(),
        };
        let rows: Vec<(Vec<f64>, f64, f64)> = decisions
            .iter()
            .map(|it| (fitted.standard(&it.features), it.label(), it.weight))
            .collect();
        fitted.weights = newton(&rows, RIDGE);
        fitted
    }

    /// The probability that the limit is reached within the horizon.
    pub fn probability(&self, features: &[f64; COUNT]) -> f64 {
        sigmoid(dot(&self.weights, &self.standard(features)))
    }

    fn standard(&self, features: &[f64; COUNT]) -> Vec<f64> {
        let scaled = (0..COUNT).map(|i| (features[i] - self.mean[i]) / self.deviation[i]);
        scaled.chain([1.0]).collect()
    }
}

/// Scale and shift that turn log-odds into calibrated ones. Pairs of score, label and weight.
pub fn platt(scores: &[(f64, f64, f64)]) -> (f64, f64) {
    let rows: Vec<_> = scores
        .iter()
        .map(|(score, label, weight)| (vec![*score, 1.0], *label, *weight))
        .collect();
    match newton(&rows, 1e-3)[..] {
        [scale, shift] => (scale, shift),
        _ => (1.0, 0.0),
    }
}

fn newton(rows: &[(Vec<f64>, f64, f64)], ridge: f64) -> Vec<f64> {
    let width = rows.first().map_or(0, |(row, _, _)| row.len());
    let mut weights = vec![0.0; width];
    for _ in 0..ROUNDS {
        let mut gradient: Vec<f64> = weights.iter().map(|weight| -ridge * weight).collect();
        let mut curvature = vec![vec![0.0; width]; width];
        for (i, row) in curvature.iter_mut().enumerate() {
            row[i] = ridge + 1e-9;
        }
        for (row, label, weight) in rows {
            let p = sigmoid(dot(&weights, row));
            let steep = weight * (p * (1.0 - p)).max(1e-9);
            for i in 0..width {
                gradient[i] += weight * (label - p) * row[i];
                for j in 0..=i {
                    curvature[i][j] += steep * row[i] * row[j];
                }
            }
        }
        let step = solve(curvature, gradient);
        weights
            .iter_mut()
            .zip(&step)
            .for_each(|(weight, step)| *weight += step);
    }
    weights
}

/// Cholesky, of the lower half.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let before: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            a[i][j] = if i == j {
                (a[i][i] - before).max(1e-12).sqrt()
            } else {
                (a[i][j] - before) / a[j][j]
            };
        }
    }
    for i in 0..n {
        let before: f64 = (0..i).map(|k| a[i][k] * b[k]).sum();
        b[i] = (b[i] - before) / a[i][i];
    }
    for i in (0..n).rev() {
        let after: f64 = (i + 1..n).map(|k| a[k][i] * b[k]).sum();
        b[i] = (b[i] - after) / a[i][i];
    }
    b
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
