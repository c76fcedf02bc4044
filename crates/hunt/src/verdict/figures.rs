//! Which part of memory grows, by the trend room's word or, without it, by the points themselves.

use memguard_trend::{Part, format_bytes};

use crate::context::{Context, MemoryPoint};
use crate::report::Evidence;

const PARTS: [Part; 3] = [Part::LiveHeap, Part::External, Part::Rest];
/// Growth over all points below this share of the resident set is none.
const NEGLIGIBLE: f64 = 0.02;
/// Mann–Kendall's z from which on a trend is no chance.
const SIGNIFICANT: f64 = 1.645;

/// How each part of memory grows.
pub(crate) struct Figures {
    per_hour: [f64; 3],
    grown: [f64; 3],
    /// How sure it is that it grows at all, 0 to 1.
    pub(super) surety: f64,
    pub(super) slowing: bool,
    pub(super) points: usize,
}

impl Figures {
    pub(crate) fn of(context: &Context) -> Self {
        let hours = span_hours(&context.series);
        let mut figures = Self {
            per_hour: [0.0; 3],
            grown: [0.0; 3],
            surety: 0.0,
            slowing: false,
            points: context.series.len(),
        };
        if context.trend.growing.is_empty() && context.trend.verdict.is_none() {
            figures.by_points(&context.series, hours);
            return figures;
        }
        for growth in &context.trend.growing {
            if let Some(at) = PARTS.iter().position(|part| *part == growth.part) {
                figures.per_hour[at] = growth.per_hour;
                figures.grown[at] = growth.per_hour * hours;
                figures.surety = figures.surety.max((growth.z / 4.0).clamp(0.3, 1.0));
                figures.slowing |= growth.slowing;
            }
        }
        figures
    }

    /// Mann–Kendall's test and Theil–Sen's slope of each part.
    fn by_points(&mut self, series: &[MemoryPoint], hours: f64) {
        if series.len() < 4 || hours <= 0.0 {
            return;
        }
        let rss = series.last().map_or(0.0, |point| point.rss_bytes as f64);
        for (at, part) in PARTS.iter().enumerate() {
            let levels: Vec<(f64, f64)> = thinned(series)
                .map(|point| (point.at_ms as f64 / 3.6e6, level(point, *part)))
                .collect();
            let (slope, z) = slope(&levels);
            if z > SIGNIFICANT && slope * hours > NEGLIGIBLE * rss {
                self.per_hour[at] = slope;
                self.grown[at] = slope * hours;
                self.surety = self.surety.max((z / 4.0).clamp(0.3, 1.0));
            }
        }
    }

    pub(super) fn grows(&self) -> bool {
        self.per_hour.iter().any(|rate| *rate > 0.0)
    }

    pub(crate) fn per_hour(&self, part: Part) -> f64 {
        PARTS
            .iter()
            .position(|known| *known == part)
            .map_or(0.0, |at| self.per_hour[at])
    }

    pub(super) fn grown(&self, part: Part) -> f64 {
        PARTS
            .iter()
            .position(|known| *known == part)
            .map_or(0.0, |at| self.grown[at])
    }

    /// A part's share of all growth.
    pub(super) fn share(&self, part: Part) -> f64 {
        let whole: f64 = self.per_hour.iter().sum();
        if whole > 0.0 {
            self.per_hour(part) / whole
        } else {
            0.0
        }
    }

    pub(super) fn evidence(&self) -> Vec<Evidence> {
        let names = [
            ("liveHeapGrows", "the live heap after collections"),
            ("externalGrows", "external memory"),
            ("restGrows", "resident memory that is neither"),
        ];
        names
            .into_iter()
            .zip(PARTS)
            .map(|((kind, name), part)| {
                let rate = self.per_hour(part);
                let text = if rate > 0.0 {
                    format!(
                        "{name} grows by {}/h, {:.0} % of all growth",
                        format_bytes(rate),
                        100.0 * self.share(part)
                    )
                } else {
                    format!("{name} does not grow beyond chance")
                };
                Evidence {
                    kind: kind.into(),
                    text,
                    weight: if rate > 0.0 { self.share(part) } else { -0.5 },
                }
            })
            .collect()
    }
}

fn span_hours(series: &[MemoryPoint]) -> f64 {
    match (series.first(), series.last()) {
        (Some(first), Some(last)) => last.at_ms.saturating_sub(first.at_ms) as f64 / 3.6e6,
        _ => 0.0,
    }
}

fn level(point: &MemoryPoint, part: Part) -> f64 {
    match part {
        Part::LiveHeap => point.live_heap_bytes.unwrap_or(point.heap_used_bytes) as f64,
        Part::External => point.external_bytes as f64,
        _ => point
            .rss_bytes
            .saturating_sub(point.heap_total_bytes)
            .saturating_sub(point.external_bytes) as f64,
    }
}

/// At most some fifty points: pairs are what it costs.
fn thinned(series: &[MemoryPoint]) -> impl Iterator<Item = &MemoryPoint> {
    const MOST: usize = 48;
    series.iter().step_by(series.len().div_ceil(MOST).max(1))
}

/// Theil–Sen's slope and Mann–Kendall's z.
fn slope(points: &[(f64, f64)]) -> (f64, f64) {
    let mut slopes = Vec::new();
    let mut sign = 0_i64;
    for (at, a) in points.iter().enumerate() {
        for b in &points[at + 1..] {
            if b.0 > a.0 {
                slopes.push((b.1 - a.1) / (b.0 - a.0));
            }
            sign += i64::from(b.1 > a.1) - i64::from(b.1 < a.1);
        }
    }
    if slopes.is_empty() {
        return (0.0, 0.0);
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let n = points.len() as f64;
    let variance = n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
    let z = (sign - sign.signum()) as f64 / variance.sqrt().max(1e-9);
    (slopes[slopes.len() / 2], z)
}
