//! Which kinds of requests leave live heap behind.
//!
//! How much one request leaves behind cannot be seen: others run beside it, and what is garbage is known only after the next
//! major collection. What can be seen is by how much the live heap grew from one major collection to the next, and how many
//! requests of each route were served meanwhile. Over many such windows with different mixes, a linear model tells the
//! routes apart: growth = Σ requests × bytes left by one + time × background + noise.
//!
//! Ordinary least squares by normal equations, kept up window by window with exponential forgetting; no coefficient may be
//! negative (coordinate descent: Franc, Hlaváč, Navara 2005). The standard error of each comes from the inverse of the normal
//! matrix, and grows beyond all bounds where two routes only ever come together: then nothing is suspected, which is the truth.
//!
//! Memory: (routes + 1)² numbers. A window costs as much; an estimate its one and a half power.

use serde::Serialize;

/// More routes than that are counted together by the caller.
pub const MOST_ROUTES: usize = 100;
/// What a window weighs after another has come.
const MEMORY: f64 = 0.995;
/// Windows below which nothing is said.
const LEAST_WINDOWS: u32 = 10;
/// How many standard errors away from nothing a suspicion has to be.
const DEVIATIONS: f64 = 4.0;
/// What a route must have left behind in all before it is worth a word, in bytes.
const LEAST_BYTES: f64 = 1e6;
/// Rounds of coordinate descent: far more than a diagonally strong system needs.
const ROUNDS: usize = 500;

/// Growth of the live heap and requests, window by window.
#[derive(Debug, Clone, Default)]
pub struct RouteLeaks {
    /// The normal matrix by rows; column 0 is time.
    normal: Vec<Vec<f64>>,
    /// Columns times growth.
    target: Vec<f64>,
    growth_squared: f64,
    /// Sum of weights.
    weight: f64,
    windows: u32,
    /// Requests of each route in all.
    requests: Vec<f64>,
}

/// What one request of a route leaves behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteEstimate {
    /// Live bytes that one request leaves behind.
    pub bytes_per_request: f64,
    /// Standard error; none while too little was seen or the route cannot be told from others.
    pub error_bytes: Option<f64>,
    /// Whether it is far from nothing, and much in all.
    pub suspected: bool,
}

impl RouteLeaks {
    /// One window from a major collection to the next: seconds, requests by route (routes keep their index, later
    /// windows may have more), and by how many bytes the live heap grew.
    pub fn observe(&mut self, seconds: f64, requests: &[f64], growth_bytes: f64) {
        let finite = |value: &f64| value.is_finite() && *value >= 0.0;
        let sound = growth_bytes.is_finite() && finite(&seconds) && requests.iter().all(finite);
        if !sound || requests.len() > MOST_ROUTES {
            return;
        }
        self.widen(requests.len() + 1);
        for (sum, count) in self.requests.iter_mut().zip(requests) {
            *sum += count;
        }
        let column = |at: usize| match at {
            0 => seconds,
            at => requests.get(at - 1).copied().unwrap_or(0.0),
        };
        for (at, row) in self.normal.iter_mut().enumerate() {
            for (other, cell) in row.iter_mut().enumerate() {
                *cell = *cell * MEMORY + column(at) * column(other);
            }
            self.target[at] = self.target[at] * MEMORY + column(at) * growth_bytes;
        }
        self.growth_squared = self.growth_squared * MEMORY + growth_bytes * growth_bytes;
        self.weight = self.weight * MEMORY + 1.0;
        self.windows += 1;
    }

    fn widen(&mut self, columns: usize) {
        let columns = columns.max(self.normal.len());
        for row in &mut self.normal {
            row.resize(columns, 0.0);
        }
        self.normal.resize_with(columns, || vec![0.0; columns]);
        self.target.resize(columns, 0.0);
        self.requests.resize(columns.saturating_sub(1), 0.0);
    }

    /// How many windows were seen.
    #[must_use]
    pub fn windows(&self) -> u32 {
        self.windows
    }

    /// What each route leaves behind, by its index.
    #[must_use]
    pub fn estimates(&self) -> Vec<RouteEstimate> {
        let solved = self.solve();
        let errors = self.errors(&solved);
        (0..self.requests.len())
            .map(|route| {
                let bytes_per_request = solved[route + 1];
                let error_bytes = errors.as_ref().and_then(|errors| errors[route + 1]);
                let certain =
                    error_bytes.is_some_and(|error| bytes_per_request > DEVIATIONS * error);
                RouteEstimate {
                    bytes_per_request,
                    error_bytes,
                    suspected: certain && bytes_per_request * self.requests[route] >= LEAST_BYTES,
                }
            })
            .collect()
    }

    /// Least squares without negative coefficients.
    fn solve(&self) -> Vec<f64> {
        let mut solved = vec![0.0; self.normal.len()];
        for _ in 0..ROUNDS {
            let mut moved: f64 = 0.0;
            for at in 0..solved.len() {
                let row = &self.normal[at];
                if row[at] <= 0.0 {
                    continue;
                }
                let sum: f64 = row.iter().zip(&solved).map(|(a, b)| a * b).sum();
                let next = (solved[at] + (self.target[at] - sum) / row[at]).max(0.0);
                moved = moved.max((next - solved[at]).abs() / (1.0 + next));
                solved[at] = next;
            }
            if moved < 1e-9 {
                break;
            }
        }
        solved
    }

    /// Standard errors of the coefficients.
    fn errors(&self, solved: &[f64]) -> Option<Vec<Option<f64>>> {
        let used = self.normal.iter().enumerate();
        let used: Vec<usize> = used
            .filter(|(at, row)| row[*at] > 0.0)
            .map(|(at, _)| at)
            .collect();
        let free = self.weight - used.len() as f64;
        if self.windows < LEAST_WINDOWS || free < 3.0 {
            return None;
        }
        let explained: f64 = (0..solved.len())
            .map(|at| {
                let row = &self.normal[at];
                let sum: f64 = row.iter().zip(solved).map(|(a, b)| a * b).sum();
                solved[at] * (2.0 * self.target[at] - sum)
            })
            .sum();
        let noise = ((self.growth_squared - explained) / free).max(0.0);
        let diagonal = inverse_diagonal(&self.normal, &used);
        let mut errors = vec![None; solved.len()];
        for (place, at) in used.into_iter().enumerate() {
            errors[at] = diagonal[place].map(|inverse| (noise * inverse).sqrt());
        }
        Some(errors)
    }
}

/// The diagonal of the inverse of a symmetric matrix, by Cholesky's decomposition of it scaled to a unit diagonal; none
/// for a column that the others determine.
fn inverse_diagonal(matrix: &[Vec<f64>], used: &[usize]) -> Vec<Option<f64>> {
    /// What is left of a column beside the others, below which it is theirs.
    const SINGULAR: f64 = 1e-7;
    let count = used.len();
    let scale: Vec<f64> = used.iter().map(|&at| matrix[at][at].sqrt()).collect();
    let scaled = |a: usize, b: usize| matrix[used[a]][used[b]] / (scale[a] * scale[b]);
    // For each column: what is left of it once all the others are known is one over its place in the inverse.
    (0..count)
        .map(|last| {
            let order: Vec<usize> = (0..count).filter(|at| *at != last).chain([last]).collect();
            let mut factor = vec![vec![0.0; count]; count];
            for i in 0..count {
                for j in 0..=i {
                    let dot: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
                    let rest = scaled(order[i], order[j]) - dot;
                    factor[i][j] = match i == j {
                        true => rest.max(0.0).sqrt(),
                        false if factor[j][j] * factor[j][j] > SINGULAR => rest / factor[j][j],
                        false => 0.0,
                    };
                }
            }
            let left = factor[count - 1][count - 1].powi(2);
            (left > SINGULAR).then(|| 1.0 / (left * scale[last] * scale[last]))
        })
        .collect()
}
