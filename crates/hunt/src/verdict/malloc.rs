//! What `malloc` itself says: whether what it has handed out becomes more from look to look, or what it keeps as free is much.

use memguard_trend::format_bytes;

use crate::context::{AllocatorFigures, Context};
use crate::report::Evidence;

/// A step of fewer bytes is none.
const LEAST_STEP: i64 = 64 << 10;
/// Growth of fewer bytes is none.
const LEAST_GROWTH: i64 = 4 << 20;
/// And below this share of the resident set.
const LEAST_SHARE: f64 = 0.02;
/// The last step, against the mean of those before: below it growth comes to an end.
const SLOWING: f64 = 0.5;
/// What is free and kept is no matter below so many bytes.
const LEAST_FREE: u64 = 32 << 20;
/// And below this share of the resident set.
const LEAST_FREE_SHARE: f64 = 0.3;

/// Memory that was handed out and that V8 knows nothing of, from look to look.
pub(super) struct Malloced {
    levels: Vec<i64>,
    /// Steps in a row, up to the last, in which it grew.
    steps: usize,
}

impl Malloced {
    pub(super) fn of(context: &Context) -> Self {
        let readings = context.allocator_before.iter().chain(&context.allocator);
        let levels: Vec<i64> = readings
            .filter(|figures| figures.arena_bytes > 0)
            .map(handed_out)
            .collect();
        let mut malloced = Self { levels, steps: 0 };
        malloced.steps = malloced
            .deltas()
            .rev()
            .take_while(|delta| *delta >= LEAST_STEP)
            .count();
        if malloced.is_small(context) || malloced.is_ending() {
            malloced.steps = 0;
        }
        malloced
    }

    fn deltas(&self) -> impl DoubleEndedIterator<Item = i64> {
        self.levels.windows(2).map(|pair| pair[1] - pair[0])
    }

    fn grown(&self) -> i64 {
        self.deltas().rev().take(self.steps).sum()
    }

    fn is_small(&self, context: &Context) -> bool {
        let resident = context.series.last().map_or(0, |point| point.rss_bytes);
        let grown = self.grown();
        grown < LEAST_GROWTH || (grown as f64) < LEAST_SHARE * resident as f64
    }

    fn is_ending(&self) -> bool {
        let Some(last) = self.deltas().next_back().filter(|_| self.steps >= 2) else {
            return false;
        };
        let mean = (self.grown() - last) as f64 / (self.steps - 1) as f64;
        (last as f64) < SLOWING * mean
    }

    /// How sure it is that this leaks; none where it does not grow all the time.
    pub(super) fn confidence(&self) -> Option<f64> {
        match self.steps {
            0 | 1 => None,
            2 => Some(0.45),
            3 => Some(0.7),
            _ => Some(0.8),
        }
    }

    pub(super) fn evidence(&self) -> Option<Evidence> {
        self.confidence()?;
        let first = self.levels.len() - 1 - self.steps;
        let levels: Vec<String> = self.levels[first..]
            .iter()
            .map(|level| format_bytes(*level as f64))
            .collect();
        Some(Evidence {
            kind: "mallocGrows".into(),
            text: format!(
                "malloc has handed out more at each look, external memory left out: {}",
                levels.join(" → ")
            ),
            weight: (0.3 * self.steps as f64).min(0.9),
        })
    }
}

fn handed_out(figures: &AllocatorFigures) -> i64 {
    let all = figures.in_use_bytes.saturating_add(figures.mapped_bytes);
    all as i64 - figures.external_bytes as i64
}

/// Whether a good part of the resident set is what `malloc` keeps as free, whatever the curves do.
pub(super) fn keeps_much(context: &Context) -> bool {
    let resident = context.series.last().map_or(0, |point| point.rss_bytes);
    context.allocator.as_ref().is_some_and(|figures| {
        figures.free_bytes >= LEAST_FREE
            && figures.free_bytes as f64 >= LEAST_FREE_SHARE * resident as f64
            && resident > 0
    })
}
