//! GC effectiveness: mark-compacts that give back little near the heap limit.
//!
//! V8 counts a mark-compact as ineffective when it leaves at least 80 % of the maximal old generation in use while
//! the mutator (the program) got less than 40 % of the time, and aborts the process at the fourth in a row
//! ("Ineffective mark-compacts near heap limit": `Heap::IsIneffectiveMarkCompact` and
//! `Heap::CheckIneffectiveMarkCompact` in V8's `src/heap/heap.cc`). The share of time is a running average that
//! halves the weight of the past with each GC (`GCTracer::RecordMutatorUtilization` in `src/heap/gc-tracer.cc`).
//!
//! The same is done here from the outside, and sooner, since at the fourth it is too late. An observer sees the
//! pauses only, not the incremental marking between them that V8 adds, and most processes never come to the fourth:
//! a steady leak has three to five major GCs between 80 % and its end, each of which takes a few per cent of the
//! time, and in a fast one the average is still low when the end comes. Hence two more ways to be ineffective:
//! * near the limit, the time since the last GC alone was spent as badly (the last resort: one GC after another);
//! * very near the limit, soon after the last, next to nothing recovered, and less than half of what the heap had
//!   grown. The growth is asked for because V8 runs GCs in pairs when a process falls idle, of which the second has
//!   nothing to do.

use crate::event::{Alert, AlertKind, GcFigures, Level, Recovery};
use crate::{Event, GcConfig, JudgeConfig, MajorGc, Metric, Threshold, sentence};

/// Id of this judgement in events.
pub(crate) const GC_RULE: &str = "gcEffectiveness";

/// A running average as V8 keeps it: each new value counts as much as all before it.
#[derive(Clone, Copy, Debug)]
struct Shares {
    gc_ms: f64,
    mutator_ms: f64,
}

impl Shares {
    fn gc_ratio(self) -> f64 {
        let total = self.gc_ms + self.mutator_ms;
        if total > 0.0 { self.gc_ms / total } else { 0.0 }
    }
}

/// Sums over the present run of ineffective GCs.
#[derive(Clone, Debug, Default)]
struct Run {
    count: u32,
    /// End of the GC before the first.
    from_ms: u64,
    began_ms: u64,
    gc_ms: f64,
    before: f64,
    recovered: f64,
    /// Live heap after the last few, for the alert.
    values: Vec<f64>,
}

const KEPT_VALUES: usize = 16;

#[derive(Clone, Debug, Default)]
pub(crate) struct GcJudge {
    level: Level,
    shares: Option<Shares>,
    last: Option<MajorGc>,
    run: Run,
    effective_in_a_row: u32,
    raised_at_ms: u64,
    spoke_at_ms: [Option<u64>; 2],
    heard: bool,
}

impl GcJudge {
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    pub(crate) fn live_ratio(&self) -> Option<f64> {
        self.last
            .map(|gc| ratio(gc.used_after as f64, gc.limit as f64))
    }

    pub(crate) fn time_ratio(&self) -> Option<f64> {
        self.shares.map(Shares::gc_ratio)
    }

    pub(crate) fn ineffective(&self) -> Option<GcFigures> {
        let last = self.last.filter(|_| self.run.count > 0)?;
        let span_ms = last.at_ms.saturating_sub(self.run.from_ms) as f64;
        Some(GcFigures {
            count: self.run.count,
            recovered_ratio: ratio(self.run.recovered, self.run.before),
            time_ratio: ratio(self.run.gc_ms, span_ms.max(self.run.gc_ms)),
        })
    }

    pub(crate) fn observe(
        &mut self,
        gc: &MajorGc,
        config: &GcConfig,
        pace: &JudgeConfig,
    ) -> Option<Event> {
        if gc.limit == 0 || !(gc.duration_ms.is_finite() && gc.duration_ms >= 0.0) {
            return None;
        }
        let previous = self.last.replace(*gc)?;
        if gc.at_ms < previous.at_ms {
            // The clock stepped back: how much time the program had is unknown, and a run has no length.
            self.run = Run::default();
            return None;
        }
        let mutator_ms = ((gc.at_ms - previous.at_ms) as f64 - gc.duration_ms).max(0.0);
        let shares = match self.shares {
            None => Shares {
                gc_ms: gc.duration_ms,
                mutator_ms,
            },
            Some(before) => Shares {
                gc_ms: (before.gc_ms + gc.duration_ms) / 2.0,
                mutator_ms: (before.mutator_ms + mutator_ms) / 2.0,
            },
        };
        self.shares = Some(shares);
        let just_now = ratio(gc.duration_ms, gc.duration_ms + mutator_ms);
        if is_ineffective(gc, &previous, shares.gc_ratio().max(just_now), config) {
            self.extend_run(gc, previous.at_ms);
            self.raise(gc, config, pace)
        } else {
            self.run = Run::default();
            self.effective_in_a_row = self.effective_in_a_row.saturating_add(1);
            if self.effective_in_a_row >= pace.recover_after {
                self.recover(gc.at_ms)
            } else {
                None
            }
        }
    }

    /// Ends an episode when there were no major GCs for a window: the load has gone, and they with it.
    pub(crate) fn tick(&mut self, at_ms: u64, window_ms: u64) -> Option<Event> {
        let last = self.last.as_mut()?;
        if at_ms.saturating_add(window_ms) < last.at_ms {
            // The clock stepped back by more than a GC can be late.
            last.at_ms = at_ms;
            self.run = Run::default();
        }
        if at_ms.saturating_sub(last.at_ms) <= window_ms {
            return None;
        }
        self.run = Run::default();
        self.recover(at_ms)
    }

    pub(crate) fn release(&mut self, at_ms: u64) -> Option<Event> {
        self.run = Run::default();
        self.recover(at_ms)
    }

    fn extend_run(&mut self, gc: &MajorGc, previous_end_ms: u64) {
        if self.run.count == 0 {
            self.run.from_ms = previous_end_ms;
            self.run.began_ms = gc.at_ms;
        }
        self.effective_in_a_row = 0;
        self.run.count = self.run.count.saturating_add(1);
        self.run.gc_ms += gc.duration_ms;
        self.run.before += gc.used_before as f64;
        self.run.recovered += gc.used_before.saturating_sub(gc.used_after) as f64;
        if self.run.values.len() == KEPT_VALUES {
            self.run.values.remove(0);
        }
        self.run.values.push(gc.used_after as f64);
    }

    fn raise(&mut self, gc: &MajorGc, config: &GcConfig, pace: &JudgeConfig) -> Option<Event> {
        let (level, slot) = match self.run.count {
            count if count >= config.critical_after => (Level::Critical, 1),
            count if count >= config.warn_after => (Level::Warn, 0),
            _ => return None,
        };
        let previous_level = self.level;
        if previous_level == Level::Calm {
            self.raised_at_ms = gc.at_ms;
        }
        // A level is left by recovery only, not by a run that starts anew.
        self.level = self.level.max(level);
        let quiet = |at: u64| at <= gc.at_ms && gc.at_ms - at < pace.cooldown_ms;
        if level < self.level || self.spoke_at_ms[slot].is_some_and(quiet) {
            return None;
        }
        self.spoke_at_ms[..=slot].fill(Some(gc.at_ms));
        self.heard = true;
        let figures = self.ineffective()?;
        let live = ratio(gc.used_after as f64, gc.limit as f64);
        Some(Event::Alert(Alert {
            level,
            previous_level,
            kind: AlertKind::GcEffectiveness,
            rule: GC_RULE.to_owned(),
            metric: Metric::LiveHeap,
            value: gc.used_after as f64,
            of: Some(gc.limit as f64),
            of_name: Some("old-space limit".to_owned()),
            ratio: Some(live),
            threshold: Threshold::Ratio(config.near_limit),
            violations: figures.count,
            window_ms: gc.at_ms - self.run.began_ms,
            first_violation_at_ms: self.run.began_ms,
            at_ms: gc.at_ms,
            values: self.run.values.clone(),
            gc: Some(figures),
            sentence: sentence::ineffective_gc(live, &figures),
        }))
    }

    fn recover(&mut self, at_ms: u64) -> Option<Event> {
        let previous_level = std::mem::take(&mut self.level);
        let heard = std::mem::take(&mut self.heard);
        if !heard || previous_level == Level::Calm {
            return None;
        }
        let last = self.last?;
        let lasted_ms = at_ms.saturating_sub(self.raised_at_ms);
        let figure =
            crate::Figure::new(last.used_after as f64).of(last.limit as f64, "old-space limit");
        Some(Event::Recovered(Recovery {
            level: Level::Calm,
            previous_level,
            kind: AlertKind::GcEffectiveness,
            rule: GC_RULE.to_owned(),
            metric: Metric::LiveHeap,
            value: Some(figure.value),
            of: figure.of,
            of_name: Some("old-space limit".to_owned()),
            ratio: figure.ratio(),
            lasted_ms,
            at_ms,
            sentence: sentence::lowered(
                Metric::LiveHeap,
                &figure,
                "major GCs are effective again",
                lasted_ms,
            ),
        }))
    }
}

fn is_ineffective(gc: &MajorGc, previous: &MajorGc, time_ratio: f64, config: &GcConfig) -> bool {
    let live = ratio(gc.used_after as f64, gc.limit as f64);
    let (before, after) = (gc.used_before, gc.used_after);
    let recovered = before.saturating_sub(after) as f64;
    let grown = before.saturating_sub(previous.used_after) as f64;
    let is_futile = live >= config.futile_near_limit
        && gc.at_ms - previous.at_ms <= config.futile_interval_ms
        && recovered < config.futile_recovery * before as f64
        && recovered < grown / 2.0;
    is_futile || (live >= config.near_limit && time_ratio >= config.time_ratio)
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
