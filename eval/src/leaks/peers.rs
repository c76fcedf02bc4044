//! What simpler rules say of the same run.

use super::program::Figures;

/// Share of the heap limit in the rule of the tutorials.
const THRESHOLD: f64 = 0.85;
/// Collections in a row in memwatch's rule.
const GROWING: u32 = 5;
/// Before this part of nothing a regression is not asked, in points.
const LEAST_POINTS: usize = 40;

/// What simpler rules say of the same run.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    /// Used heap above 85 % of its limit.
    pub threshold: bool,
    /// The live heap grew over five major collections in a row (node-memwatch).
    pub memwatch: bool,
    /// A line through the used heap rises, with R² above 0.7, by a tenth over the run.
    pub regression: bool,
    last_live: Option<(u64, u64)>,
    growing: u32,
    used: Vec<(f64, f64)>,
}

impl Peers {
    pub(super) fn observe(&mut self, figures: &Figures) {
        self.threshold |= figures.heap_used as f64 > THRESHOLD * figures.heap_limit as f64;
        if let Some((live, at)) = figures.live.zip(figures.live_at_ms)
            && self.last_live.is_none_or(|(_, before)| at > before)
        {
            let grew = self.last_live.is_some_and(|(before, _)| live > before);
            self.growing = if grew { self.growing + 1 } else { 0 };
            self.memwatch |= self.growing >= GROWING;
            self.last_live = Some((live, at));
        }
        self.used
            .push((figures.at_ms as f64 / 1e3, figures.heap_used as f64));
        self.regression |= self.used.len() >= LEAST_POINTS
            && self.used.len().is_multiple_of(8)
            && rises(&self.used);
    }
}

/// Ordinary least squares.
fn rises(points: &[(f64, f64)]) -> bool {
    let n = points.len() as f64;
    let (x, y) = points
        .iter()
        .fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    let (x, y) = (x / n, y / n);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for point in points {
        let (dx, dy) = (point.0 - x, point.1 - y);
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
    }
    if xx == 0.0 || yy == 0.0 {
        return false;
    }
    let slope = xy / xx;
    let r2 = xy * xy / (xx * yy);
    let span = points.last().map_or(0.0, |last| last.0 - points[0].0);
    r2 > 0.7 && slope * span > 0.1 * y
}
