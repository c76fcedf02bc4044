//! Points as columns of numbers: what goes to charts and over the wire.

use serde::Serialize;

use super::ring::{Merged, Sum};
use super::{ALL_FIGURES, FIGURES, Figure, Raw};

/// A piece of history, one column a figure, oldest point first. All columns are of the length of
/// `at_ms`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Points {
    /// Start of each point, milliseconds since the process started.
    pub at_ms: Vec<u64>,
    /// Names of the columns that follow, in order.
    pub figures: Vec<Figure>,
    /// Mean of each figure in each point; sizes in bytes; `null` when unknown.
    pub mean: Vec<Vec<Option<f64>>>,
    /// Minimum of each figure in each point.
    pub min: Vec<Vec<Option<f64>>>,
    /// Maximum of each figure in each point.
    pub max: Vec<Vec<Option<f64>>>,
}

impl Points {
    pub(super) fn of_raw<'a>(points: impl Iterator<Item = &'a Raw>, max_points: usize) -> Self {
        Self::of_merged(points.map(Merged::of), max_points)
    }

    pub(super) fn of_merged(points: impl Iterator<Item = Merged>, max_points: usize) -> Self {
        let points: Vec<Merged> = points.collect();
        if points.is_empty() || max_points == 0 {
            return Self::default();
        }
        let per_point = points.len().div_ceil(max_points);
        let mut columns = Self::with_capacity(points.len().div_ceil(per_point));
        for group in points.chunks(per_point) {
            let mut sum = Sum::new(group[0].at_ms);
            group.iter().for_each(|point| sum.add(point));
            columns.push(&sum.merged());
        }
        columns
    }

    /// The number of points.
    pub fn len(&self) -> usize {
        self.at_ms.len()
    }

    /// Whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.at_ms.is_empty()
    }

    /// Mean, minimum and maximum of one figure, point by point.
    pub fn column(&self, figure: Figure) -> impl Iterator<Item = [Option<f64>; 3]> {
        let i = figure as usize;
        (0..self.len()).map(move |p| [self.mean[i][p], self.min[i][p], self.max[i][p]])
    }

    fn with_capacity(points: usize) -> Self {
        let columns = || (0..FIGURES).map(|_| Vec::with_capacity(points)).collect();
        Self {
            at_ms: Vec::with_capacity(points),
            figures: ALL_FIGURES.to_vec(),
            mean: columns(),
            min: columns(),
            max: columns(),
        }
    }

    fn push(&mut self, point: &Merged) {
        self.at_ms.push(point.at_ms);
        for (i, figure) in ALL_FIGURES.into_iter().enumerate() {
            let unit = if figure.is_bytes() { 1024.0 } else { 1.0 };
            let known = |value: f32| (!value.is_nan()).then(|| f64::from(value) * unit);
            self.mean[i].push(known(point.mean[i]));
            self.min[i].push(known(point.min[i]));
            self.max[i].push(known(point.max[i]));
        }
    }
}
