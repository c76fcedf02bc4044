//! What grew, and whether it is what makes memory grow.

use memguard_heap_graph::Snapshot;
use memguard_heap_graph::report::GrowthCluster;

use super::survivors::Kept;
use crate::report::HeapSize;

/// Growth over the whole window below this share of the heap is no leak worth telling.
const LEAST_SHARE_OF_HEAP: f64 = 0.01;
/// And below so many bytes.
const LEAST_BYTES: u64 = 48 << 10;
/// Below this share of all that grows all the time it explains nothing.
const LEAST_SHARE: f64 = 0.04;
/// When fewer of the objects stayed than this, others took their place: it is passing through.
const PASSING: f64 = 0.35;
/// The last step, against the mean of those before: below it growth slows down.
const SLOWING: f64 = 0.7;
/// So many steps it takes: what fills up to a bound, or until it is worked off, looks the same for a while.
pub(super) const PATIENT_STEPS: usize = 3;
/// Unless it has grown by this share of the heap.
const LARGE: f64 = 0.2;
/// A fall of less than this share is none.
const NOISE: f64 = 0.03;
/// Less work than this share of what it was explains no more.
const LEAST_WORK: f64 = 0.25;
/// Below it growth is all but over.
const ENDING: f64 = 0.25;

/// A place that grew, measured.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// Which row of the growth it is.
    pub(super) number: usize,
    /// Steps in a row, up to the last, in which it grew.
    pub(crate) growing_steps: usize,
    /// Bytes over these steps.
    pub(crate) bytes: u64,
    /// The smallest of these steps, as many times as there are: what it grows by all the time.
    pub(super) lasting: u64,
    pub(crate) bytes_per_hour: f64,
    pub(crate) count_per_hour: f64,
    /// The last step's rate against those before.
    pub(crate) pace: f64,
    /// Share of the objects of one of these heaps, the best, that are still there.
    pub(crate) kept: Option<f64>,
    /// Share of all that grows all the time.
    pub(crate) share: f64,
    /// It is a good part of the heap by now: there is no time for another look.
    pub(super) is_large: bool,
    /// It was larger before than when it began to grow.
    shrank: bool,
    moved: bool,
    machinery: bool,
    pub(crate) external: bool,
    pub(crate) bounded: bool,
    pub(crate) confidence: f64,
}

impl Candidate {
    pub(super) fn of(
        number: usize,
        row: &GrowthCluster,
        heaps: &[HeapSize],
        work: &[Option<u64>],
        kept: &Kept,
        now: &Snapshot<'_>,
    ) -> Self {
        let measured = Self::measured(number, &row.counts, &row.sizes, heaps, work);
        let first = heaps.len() - 1 - measured.growing_steps;
        Self {
            kept: kept.since(first, number),
            moved: row.moved,
            machinery: is_machinery(row),
            external: is_external(row),
            bounded: is_bounded(row, now),
            ..measured
        }
    }

    /// By counts and bytes alone, one of each for each heap.
    pub(super) fn measured(
        number: usize,
        counts: &[u64],
        sizes: &[u64],
        heaps: &[HeapSize],
        work: &[Option<u64>],
    ) -> Self {
        let steps: Vec<(f64, i64)> = heaps
            .windows(2)
            .zip(sizes.windows(2))
            .map(|(heaps, sizes)| {
                let hours = heaps[1].at.hours_since(&heaps[0].at);
                (hours, sizes[1] as i64 - sizes[0] as i64)
            })
            .collect();
        let more_objects = counts.last() > counts.first();
        let count_steps: Vec<bool> = counts
            .windows(2)
            .map(|pair| !more_objects || pair[1] > pair[0])
            .collect();
        let growing_steps = steps
            .iter()
            .zip(&count_steps)
            .rev()
            .take_while(|((_, bytes), more)| *bytes > 0 && **more)
            .count();
        let growing = &steps[steps.len() - growing_steps..];
        let bytes: i64 = growing.iter().map(|(_, bytes)| bytes).sum();
        let hours: f64 = growing.iter().map(|(hours, _)| hours).sum();
        let least = growing.iter().map(|(_, bytes)| *bytes).min().unwrap_or(0);
        let first = heaps.len() - 1 - growing_steps;
        let count = counts.last().copied().unwrap_or_default() as i64
            - counts.get(first).copied().unwrap_or_default() as i64;
        let per_hour = |amount: i64| {
            if hours > 0.0 {
                amount as f64 / hours
            } else {
                0.0
            }
        };
        Self {
            number,
            growing_steps,
            bytes: bytes.max(0) as u64,
            lasting: (least.max(0) as u64).saturating_mul(growing_steps as u64),
            bytes_per_hour: per_hour(bytes),
            count_per_hour: per_hour(count),
            pace: pace(growing) / idleness(growing, &work[steps.len() - growing_steps..]),
            kept: None,
            share: 0.0,
            is_large: is_large(
                bytes.max(0) as u64,
                heaps.last().map_or(0, |heap| heap.size),
            ),
            shrank: has_shrunk(sizes),
            moved: false,
            machinery: false,
            external: false,
            bounded: false,
            confidence: 0.0,
        }
    }

    /// Of those that were there at the look before, no more can have stayed than are old now.
    pub(super) fn stayed_at_most(&mut self, old: f64, row: &GrowthCluster) {
        if let [.., before, after] = row.counts[..]
            && before > 0
        {
            let most = (old * after as f64 / before as f64).min(1.0);
            self.kept = Some(self.kept.map_or(most, |kept| kept.min(most)));
        }
    }

    /// Whether it is worth telling.
    pub(crate) fn is_suspect(&self) -> bool {
        self.confidence > 0.1
    }

    /// Whether more looks may change what is held of it.
    pub(crate) fn unsettled(&self) -> bool {
        let steps = self.steps_that_count();
        steps < 2 || (steps < PATIENT_STEPS && !self.is_large) || self.is_slowing()
    }

    /// What was larger once goes up and down: looks may have met it on its way up by chance, which one more is to exclude.
    fn steps_that_count(&self) -> usize {
        self.growing_steps - usize::from(self.shrank && self.growing_steps > 1)
    }

    pub(crate) fn is_slowing(&self) -> bool {
        self.growing_steps >= 2 && self.pace < SLOWING
    }

    pub(crate) fn is_passing(&self) -> bool {
        self.kept.is_some_and(|kept| kept < PASSING)
    }

    /// How sure it is that this is what makes memory grow.
    pub(super) fn judge(&mut self, heap: u64, provoked: bool) {
        let is_small = self.share < LEAST_SHARE || (is_lost(self.bytes, heap) && !provoked);
        if self.moved || self.machinery || is_small || self.growing_steps == 0 {
            self.confidence = 0.0;
            return;
        }
        let by_steps = match self.steps_that_count() {
            1 => 0.45,
            2 => 0.75,
            3 => 0.85,
            _ => 0.92,
        };
        let by_kept = match self.kept {
            Some(kept) if kept < PASSING => 0.3,
            Some(kept) if kept > 0.8 => 1.1,
            _ => 1.0,
        };
        let by_pace = match self.pace {
            _ if self.growing_steps < 2 => 1.0,
            pace if pace < ENDING => 0.5,
            pace if pace < SLOWING => 0.85,
            _ => 1.0,
        };
        let by_share = if self.share < 0.15 { 0.9 } else { 1.0 };
        self.confidence = f64::min(0.97, by_steps * by_kept * by_pace * by_share);
    }
}

/// Whether growth is a good part of the heap.
pub(super) fn is_large(bytes: u64, heap: u64) -> bool {
    bytes as f64 >= LARGE * heap as f64
}

/// Whether growth is no leak worth telling beside the heap.
pub(super) fn is_lost(bytes: u64, heap: u64) -> bool {
    bytes < LEAST_BYTES || (bytes as f64) < LEAST_SHARE_OF_HEAP * heap as f64
}

/// Judges all, with what each is a share of, and sorts them: the surest first, and of those the largest.
pub(super) fn rank(candidates: &mut [Candidate], heaps: &[HeapSize], provoked: bool) {
    let counts = |candidate: &&mut Candidate| !candidate.moved && !candidate.machinery;
    let longest = candidates
        .iter_mut()
        .filter(counts)
        .map(|candidate| candidate.growing_steps)
        .max()
        .unwrap_or(0);
    let weight = |candidate: &Candidate| {
        if candidate.growing_steps == longest || candidate.growing_steps >= 2 {
            candidate.lasting
        } else {
            0
        }
    };
    let whole: u64 = candidates
        .iter()
        .filter(|candidate| !candidate.moved && !candidate.machinery && !candidate.is_passing())
        .map(weight)
        .sum();
    let heap = heaps.last().map_or(0, |heap| heap.size);
    for candidate in candidates.iter_mut() {
        let part = weight(candidate);
        // What passes through is no part of what stays.
        let whole = if candidate.is_passing() {
            whole + part
        } else {
            whole
        };
        candidate.share = if whole == 0 {
            0.0
        } else {
            (part as f64 / whole as f64).min(1.0)
        };
        candidate.judge(heap, provoked);
    }
    candidates.sort_by(|a, b| {
        // However large, what passes through comes after what stays.
        let rank = |candidate: &Candidate| candidate.confidence * candidate.lasting as f64;
        a.is_passing()
            .cmp(&b.is_passing())
            .then_with(|| rank(b).total_cmp(&rank(a)))
            .then_with(|| b.bytes.cmp(&a.bytes))
            .then_with(|| a.number.cmp(&b.number))
    });
}

/// The rate of the last step against the mean rate of those before; 1 where there is nothing to compare.
fn pace(growing: &[(f64, i64)]) -> f64 {
    let Some(((hours, bytes), before)) = growing.split_last() else {
        return 1.0;
    };
    let (hours_before, bytes_before) = before.iter().fold((0.0, 0), |(hours, bytes), step| {
        (hours + step.0, bytes + step.1)
    });
    let rate = |hours: f64, bytes: i64| {
        if hours > 0.0 {
            bytes as f64 / hours
        } else {
            bytes as f64
        }
    };
    let was = rate(hours_before, bytes_before);
    if before.is_empty() || was <= 0.0 {
        return 1.0;
    }
    rate(*hours, *bytes) / was
}

/// Growth that goes with the work does not slow down because there is less work: the rate of allocation in the last step
/// against that of those before, 1 at most.
fn idleness(growing: &[(f64, i64)], work: &[Option<u64>]) -> f64 {
    let rate = |steps: &[(f64, i64)], work: &[Option<u64>]| {
        let hours: f64 = steps.iter().map(|(hours, _)| hours).sum();
        let bytes: u64 = work.iter().copied().sum::<Option<u64>>()?;
        (hours > 0.0 && bytes > 0).then(|| bytes as f64 / hours)
    };
    let Some(last) = growing.len().checked_sub(1).filter(|last| *last > 0) else {
        return 1.0;
    };
    let rates = rate(&growing[last..], &work[last..]).zip(rate(&growing[..last], &work[..last]));
    rates.map_or(1.0, |(now, before)| (now / before).clamp(LEAST_WORK, 1.0))
}

/// Whether it was larger in one look than in the next, by more than chance.
fn has_shrunk(sizes: &[u64]) -> bool {
    sizes
        .windows(2)
        .any(|pair| (pair[1] as f64) < (1.0 - NOISE) * pair[0] as f64)
}

/// V8's own: code, feedback, shapes, which grow while a program warms up.
fn is_machinery(row: &GrowthCluster) -> bool {
    matches!(
        row.class.as_str(),
        "(system)" | "(compiled code)" | "(hidden)" | "(object shape)" | "(small)"
    ) || row.words.ends_with("(system)")
        || hangs_on_v8_itself(row)
        || is_of_the_moment(row)
}

/// Whether a call that is under way holds it by itself: the look, mostly. What it holds by way of somebody's variables may well be kept.
fn is_of_the_moment(row: &GrowthCluster) -> bool {
    const DIRECTLY: usize = 3;
    row.example.as_ref().is_some_and(|path| {
        path.steps.len() <= DIRECTLY
            && path.steps.first().is_some_and(|step| {
                let root = step.object.name.as_str();
                root.starts_with("(Stack") || root.starts_with("(Handle scope")
            })
    })
}

/// Whether what grows are values that no object of the program holds: V8's tables of names and numbers.
fn hangs_on_v8_itself(row: &GrowthCluster) -> bool {
    let is_value = row.class.starts_with('(') || matches!(row.class.as_str(), "string" | "symbol");
    // `(GC roots)`, `(Isolate)`, `(Handle scope)`.
    let is_root = |name: &str| name.starts_with('(');
    is_value
        && row
            .example
            .as_ref()
            .and_then(|path| path.steps.split_last())
            .is_none_or(|(_, holders)| holders.iter().all(|step| is_root(&step.object.name)))
}

/// Whether most of it lies outside of the heap.
fn is_external(row: &GrowthCluster) -> bool {
    2 * external_delta(row) > row.size_delta
}

/// Bytes outside of the heap among the growth: those of ArrayBuffers, but for the objects themselves.
pub(crate) fn external_delta(row: &GrowthCluster) -> i64 {
    const OBJECT: i64 = 96;
    row.contents
        .rows
        .iter()
        .filter(|content| matches!(content.class.as_str(), "ArrayBuffer" | "SharedArrayBuffer"))
        .map(|content| content.size_delta - OBJECT * content.count_delta)
        .sum::<i64>()
        .max(0)
}

/// Classes of caches that have a bound by their nature.
const BOUNDED: [&str; 9] = [
    "LRUCache",
    "LRUMap",
    "LRU",
    "Lru",
    "LruCache",
    "LruMap",
    "QuickLRU",
    "TTLCache",
    "SharedCache",
];

/// Whether it hangs in a cache that will throw out what is too much.
fn is_bounded(row: &GrowthCluster, _now: &Snapshot<'_>) -> bool {
    row.example.as_ref().is_some_and(|path| {
        path.steps
            .iter()
            .rev()
            .take(6)
            .any(|step| BOUNDED.contains(&step.object.class.as_str()))
    })
}
