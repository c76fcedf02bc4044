//! Comparing counts of classes: where there is no memory for a graph, what grows is known, and who keeps it is not.

use super::{Candidate, MOST_SUSPECTS, Told, accumulation, candidate, report};
use crate::classes::{ClassKind, ClassRow, ClassTable};
use crate::context::{AllocationSite, Context};
use crate::cures;
use crate::places::Places;
use crate::report::{
    AccumulationPoint, ContentGrowth, HeapSize, LeakReport, Pattern, PatternMatch, Suspect,
};
use crate::verdict;

/// What is held of a suspect where its holder is not known: a cache that fills looks the same.
const WITHOUT_HOLDER: f64 = 0.8;
/// Below this part of what grows most, a class of the program is no reason for the growth.
const LEAST_PART: f64 = 0.1;
/// Fewer remembered objects say nothing.
const LEAST_OLD: u64 = 12;
/// Classes that grew with a suspect.
const MOST_CONTENTS: usize = 8;

/// Finds which classes grew since the earlier tables, oldest first. `context.missing` says why there is no graph.
#[must_use]
pub fn investigate_classes(
    earlier: &[&ClassTable],
    now: &ClassTable,
    context: &Context,
) -> LeakReport {
    let tables: Vec<&ClassTable> = earlier.iter().copied().chain([now]).collect();
    let heaps: Vec<HeapSize> = tables.iter().map(|table| table.size).collect();
    let mut places = Places::new(context.read_sources);
    let mut missing = context.missing.clone();
    missing.push(
        "Objects were counted by class alone: what grows is known, and who keeps it is not."
            .to_owned(),
    );
    let work = super::work(&heaps, context);
    let mut classes: Vec<Class<'_>> = now
        .rows
        .iter()
        .filter(|row| row.kind != ClassKind::Internal)
        .filter_map(|row| Class::of(row, &tables, &heaps, &work))
        .collect();
    rank(&mut classes, &heaps, context.provoked);
    let told: Vec<&Class<'_>> = classes
        .iter()
        .filter(|class| class.candidate.is_suspect())
        .take(MOST_SUSPECTS)
        .collect();
    let suspects = told
        .iter()
        .map(|class| tell(class, &classes, &mut places, context))
        .collect();
    let candidates: Vec<Candidate> = told.iter().map(|class| class.candidate.clone()).collect();
    let (verdict, suspects) = verdict::with_heaps(context, &heaps, &candidates, suspects);
    let told = Told {
        verdict,
        suspects,
        heaps,
        missing,
    };
    report(told, context, &mut places)
}

/// A class that became more.
struct Class<'t> {
    row: &'t ClassRow,
    counts: Vec<u64>,
    sizes: Vec<u64>,
    candidate: Candidate,
    /// 0 for what is told first.
    tier: u8,
}

impl<'t> Class<'t> {
    /// None where it did not grow, or was too small to be counted before.
    fn of(
        row: &'t ClassRow,
        tables: &[&ClassTable],
        heaps: &[HeapSize],
        work: &[Option<u64>],
    ) -> Option<Self> {
        let rows: Vec<Option<&ClassRow>> = tables.iter().map(|table| table.of(row)).collect();
        let is_known = |(table, found): (&&ClassTable, &Option<&ClassRow>)| {
            found.is_some() || row.bytes > table.most_unlisted()
        };
        if !tables.iter().zip(&rows).all(is_known) {
            return None;
        }
        let counts: Vec<u64> = rows
            .iter()
            .map(|row| row.map_or(0, |it| it.count))
            .collect();
        let sizes: Vec<u64> = rows
            .iter()
            .map(|row| row.map_or(0, |it| it.bytes))
            .collect();
        let mut candidate = Candidate::measured(0, &counts, &sizes, heaps, work);
        let first = tables.len() - 1 - candidate.growing_steps;
        candidate.kept = kept(&rows[first..]);
        candidate.external = row.kind == ClassKind::Object && is_buffer(&row.name);
        (candidate.growing_steps > 0).then_some(Self {
            row,
            counts,
            sizes,
            candidate,
            tier: 0,
        })
    }

    fn count_delta(&self) -> i64 {
        delta(&self.counts)
    }

    fn size_delta(&self) -> i64 {
        delta(&self.sizes)
    }
}

fn is_buffer(name: &str) -> bool {
    matches!(name, "ArrayBuffer" | "SharedArrayBuffer")
}

fn delta(levels: &[u64]) -> i64 {
    let of = |level: Option<&u64>| level.copied().unwrap_or_default() as i64;
    of(levels.last()) - of(levels.first())
}

/// The share of old objects of one table that were there in the next, the best of all.
fn kept(rows: &[Option<&ClassRow>]) -> Option<f64> {
    rows.windows(2)
        .filter_map(|pair| {
            let (before, after) = (pair[0]?, pair[1]?);
            let survived = after.survived?;
            (before.old >= LEAST_OLD).then(|| (survived as f64 / before.old as f64).min(1.0))
        })
        .max_by(f64::total_cmp)
}

/// Judges all, and sorts them: classes of the program before those that they are made of.
fn rank(classes: &mut [Class<'_>], heaps: &[HeapSize], provoked: bool) {
    let heap = heaps.last().map_or(0, |heap| heap.size);
    let stays = |class: &&Class<'_>| !class.candidate.is_passing();
    let bytes: u64 = classes
        .iter()
        .filter(stays)
        .map(|class| class.candidate.lasting)
        .sum();
    let objects: i64 = classes
        .iter()
        .filter(stays)
        .map(|class| class.count_delta().max(0))
        .sum();
    // What is large may hang on what is small: the growth as a whole has to be worth telling, or a hurry, not that of each class.
    let is_told = provoked || !candidate::is_lost(bytes, heap);
    let is_large = candidate::is_large(bytes, heap);
    for class in classes.iter_mut() {
        class.candidate.is_large |= is_large;
        // What passes through is no part of what stays.
        let part = |part: f64, whole: f64| {
            let is_passing = class.candidate.is_passing();
            let whole = if is_passing { whole + part } else { whole };
            if whole > 0.0 { part / whole } else { 0.0 }
        };
        let by_bytes = part(class.candidate.lasting as f64, bytes as f64);
        let by_count = part(class.count_delta().max(0) as f64, objects as f64);
        class.candidate.share = by_bytes.max(by_count);
        class.candidate.judge(heap, is_told);
        class.candidate.confidence *= WITHOUT_HOLDER;
    }
    let most = classes
        .iter()
        .filter(stays)
        .map(|class| class.candidate.share)
        .fold(0.0, f64::max);
    for class in classes.iter_mut() {
        let is_a_good_part = class.candidate.share >= LEAST_PART * most;
        class.tier = match class.row.kind {
            _ if class.candidate.is_passing() => 3,
            _ if is_a_good_part && class.row.is_of_the_program() => 0,
            ClassKind::Object | ClassKind::Closure if is_a_good_part => 1,
            _ => 2,
        };
    }
    classes.sort_by(|a, b| {
        let weight = |class: &Class<'_>| class.candidate.confidence * class.candidate.share;
        a.tier
            .cmp(&b.tier)
            .then_with(|| weight(b).total_cmp(&weight(a)))
            .then_with(|| b.size_delta().cmp(&a.size_delta()))
            .then_with(|| a.row.name.cmp(&b.row.name))
    });
}

/// One suspect with what is known of it.
fn tell(
    class: &Class<'_>,
    classes: &[Class<'_>],
    places: &mut Places,
    context: &Context,
) -> Suspect {
    let Class { row, candidate, .. } = class;
    let own = row.place.as_ref().filter(|_| row.is_of_the_program());
    let born_at =
        own.map(|place| places.at(&place.script, place.line, place.column, Some(&row.name)));
    let pattern = pattern_of(row);
    let with_it = classes
        .iter()
        .filter(|other| !std::ptr::eq(*other, class) && other.size_delta() > 0)
        .take(MOST_CONTENTS);
    Suspect {
        signature: verdict::hash(&format!("{:?} {}", row.kind, row.name)),
        class: row.name.clone(),
        contents: with_it
            .map(|other| ContentGrowth {
                class: other.row.name.clone(),
                count_delta: other.count_delta(),
                size_delta: other.size_delta(),
            })
            .collect(),
        counts: class.counts.clone(),
        sizes: class.sizes.clone(),
        count_delta: class.count_delta(),
        size_delta: class.size_delta(),
        count_per_hour: candidate.count_per_hour,
        bytes_per_hour: candidate.bytes_per_hour,
        share: candidate.share,
        steady: candidate.growing_steps + 1 >= class.sizes.len(),
        growing_steps: candidate.growing_steps,
        unsettled: candidate.unsettled(),
        kept_share: candidate.kept,
        external_delta: if candidate.external {
            class.size_delta().max(0)
        } else {
            0
        },
        words: row.name.clone(),
        path: None,
        accumulation: AccumulationPoint::default(),
        kept_at: None,
        library_at: None,
        allocation: allocation(class, context, places),
        born_at,
        cure: cures::without_holder(&row.name),
        pattern,
        also: Vec::new(),
        confidence: candidate.confidence,
    }
}

/// What a class says by itself of the pattern: next to nothing.
fn pattern_of(row: &ClassRow) -> PatternMatch {
    let pattern = match row.kind {
        ClassKind::Object if is_buffer(&row.name) => Pattern::ExternalMemory,
        _ => Pattern::Unknown,
    };
    PatternMatch {
        pattern,
        title: crate::patterns::title(pattern).to_owned(),
        confidence: if pattern == Pattern::Unknown {
            0.0
        } else {
            0.5
        },
        evidence: Vec::new(),
    }
}

/// The site that made it, as far as can be guessed: the largest of the file that its class stands in, else the largest of all.
fn allocation(class: &Class<'_>, context: &Context, places: &mut Places) -> Option<AllocationSite> {
    let file = class.row.place.as_ref().map(|place| place.script.as_str());
    let fits = |site: &&AllocationSite| {
        site.stack
            .iter()
            .any(|frame| Some(frame.script.as_str()) == file)
    };
    let sites = &context.allocation_sites;
    let site = sites.iter().find(fits).or_else(|| sites.first())?;
    Some(accumulation::mapped(site, places))
}

#[cfg(test)]
mod tests;
