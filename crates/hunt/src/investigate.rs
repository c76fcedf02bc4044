//! Comparing a heap with the digests of earlier ones.

mod accumulation;
mod candidate;
mod classes;
mod keeper;
mod sentence;
mod survivors;
#[cfg(test)]
mod tests;

use memguard_heap_graph::Snapshot;
use memguard_heap_graph::diff::{DiffOptions, growth_since};

use crate::context::{AllocationCall, AllocationSite, Context};
use crate::cures;
use crate::digest::Digest;
use crate::machine::Found;
use crate::patterns::{self, Case};
use crate::places::Places;
use crate::report::{
    Cure, HeapSize, HowFound, LeakForecast, LeakReport, SCHEMA, Suspect, Verdict, VerdictClass,
};
use crate::verdict;
pub(crate) use candidate::{Candidate, external_delta};
pub use classes::investigate_classes;

/// Most suspects of a report.
const MOST_SUSPECTS: usize = 5;
/// Most places that are looked at.
const MOST_CANDIDATES: usize = 40;
/// Growth of fewer bytes is none.
const LEAST_BYTES: u64 = 8 << 10;
/// A native leak that is less sure than this is looked at again.
const SETTLED: f64 = 0.6;
/// Allocation sites that a report repeats.
const MOST_SITES: usize = 10;
/// Calls that it repeats. A caller stands before its callees, so that none is cut off from the rest.
const MOST_CALLS: usize = 400;

/// Finds what grew since the earlier looks, oldest first, and tells all that is known of it.
///
/// Meant for the forked child, at idle priority, or for the command. A few searches over the graph: about 60 bytes a node
/// while it lasts. Without earlier digests nothing is compared, there are no suspects, and the report says so.
#[must_use]
pub fn investigate(earlier: &[&Digest], now: &Snapshot<'_>, context: &Context) -> LeakReport {
    let newest = HeapSize {
        at: context.now,
        size: now.analysis().total_size(),
        objects: now.graph().node_count() as u64,
    };
    let heaps: Vec<HeapSize> = earlier
        .iter()
        .map(|digest| digest.size())
        .chain([newest])
        .collect();
    let mut places = Places::new(context.read_sources);
    let (candidates, suspects) = if earlier.is_empty() {
        (Vec::new(), Vec::new())
    } else {
        suspects(earlier, now, &heaps, context, &mut places)
    };
    let (verdict, suspects) = verdict::with_heaps(context, &heaps, &candidates, suspects);
    let mut missing = context.missing.clone();
    if earlier.is_empty() {
        missing.push("There was no earlier look at the heap to compare with.".to_owned());
    }
    let told = Told {
        verdict,
        suspects,
        heaps,
        missing,
    };
    report(told, context, &mut places)
}

/// What can be said without any heap: by figures, and by samples of what was allocated. Says itself that no heap was looked at.
#[must_use]
pub fn from_figures(context: &Context) -> LeakReport {
    let mut missing = context.missing.clone();
    missing.push(
        "No heap was looked at: what grows is told by figures, and who keeps it is not known."
            .to_owned(),
    );
    let told = Told {
        verdict: verdict::verdict(context),
        suspects: Vec::new(),
        heaps: Vec::new(),
        missing,
    };
    report(told, context, &mut Places::new(context.read_sources))
}

/// What was found.
struct Told {
    verdict: Verdict,
    suspects: Vec<Suspect>,
    heaps: Vec<HeapSize>,
    missing: Vec<String>,
}

/// The report of what was found, with what is known beside it.
fn report(told: Told, context: &Context, places: &mut Places) -> LeakReport {
    let Told {
        verdict,
        suspects,
        heaps,
        missing,
    } = told;
    let first = suspects.first();
    let forecast = forecast(context, &heaps);
    LeakReport {
        schema: SCHEMA.to_owned(),
        signature: match first {
            Some(suspect) => suspect.signature.clone(),
            None => verdict::signature(verdict.class),
        },
        at: context.now,
        process: context.process.clone(),
        summary: sentence::summary(&verdict, first, forecast.as_ref()),
        cure: match first {
            Some(_) => None,
            None => cures::of_verdict(verdict.class, context),
        },
        verdict,
        forecast,
        allocation_sites: sites(context, places),
        allocation_calls: calls(context, places),
        how: HowFound {
            looks: context.looks.clone(),
            heaps,
            missing,
        },
        suspects,
    }
}

/// The gist of a report, for the [`machine`](crate::machine).
#[must_use]
pub fn found(report: &LeakReport) -> Found {
    let verdict = &report.verdict;
    let is_near = report.forecast.as_ref().is_some_and(is_near);
    // What no heap shows, nor `malloc`, but a curve alone, is told when somebody asks, or when no heap could be looked at and
    // there is no time left for one.
    let is_native = verdict.class == VerdictClass::Native
        && verdict.evidence.iter().any(|it| it.kind == "mallocGrows");
    let is_last_word = is_near && report.how.heaps.is_empty();
    let is_told = is_native || is_last_word || !report.suspects.is_empty();
    Found {
        leak: verdict.class.is_leak() && is_told,
        confidence: verdict.confidence,
        unsettled: match report.suspects.first() {
            Some(suspect) => suspect.unsettled,
            None => is_native && !is_last_word && verdict.confidence < SETTLED,
        },
        early: report
            .suspects
            .first()
            .is_some_and(|suspect| suspect.growing_steps < candidate::PATIENT_STEPS)
            && !is_near,
    }
}

/// Whether the limit is reached within the forecast's horizon.
fn is_near(forecast: &LeakForecast) -> bool {
    let left = forecast.time_to_limit_ms.zip(forecast.horizon_ms);
    left.is_some_and(|(left, horizon)| left <= horizon as f64)
}

/// What grew, the likeliest culprit first: as candidates, and told.
fn suspects(
    earlier: &[&Digest],
    now: &Snapshot<'_>,
    heaps: &[HeapSize],
    context: &Context,
    places: &mut Places,
) -> (Vec<Candidate>, Vec<Suspect>) {
    let ways: Vec<_> = earlier.iter().map(|digest| &digest.ways).collect();
    let mut options = DiffOptions::default();
    options.clusters = MOST_CANDIDATES;
    options.min_bytes = LEAST_BYTES;
    let grown = growth_since(&ways, now, &options);
    let kept = survivors::kept(earlier, now, &grown);
    let work = work(heaps, context);
    let mut candidates: Vec<Candidate> = grown
        .growth
        .clusters
        .rows
        .iter()
        .enumerate()
        .map(|(number, row)| Candidate::of(number, row, heaps, &work, &kept, now))
        .collect();
    let since = work.last().copied().flatten();
    let old = survivors::old_share(now, &grown, &context.young, since);
    for candidate in &mut candidates {
        let row = grown.growth.clusters.rows.get(candidate.number);
        let share = old.get(candidate.number).copied().flatten();
        if let Some((row, share)) = row.zip(share) {
            candidate.stayed_at_most(share, row);
        }
    }
    candidate::rank(&mut candidates, heaps, context.provoked);
    let told = candidates
        .iter()
        .filter(|candidate| candidate.is_suspect())
        .take(MOST_SUSPECTS)
        .filter_map(|candidate| {
            let row = grown.growth.clusters.rows.get(candidate.number)?;
            let example = grown.examples.get(candidate.number).copied().flatten();
            let case = Case::of(now, &grown, row, example, context);
            Some(tell(&case, candidate, places, context))
        })
        .collect();
    (candidates, told)
}

/// What was allocated between a heap and the next, where that is known of both.
fn work(heaps: &[HeapSize], context: &Context) -> Vec<Option<u64>> {
    let by = |heap: &HeapSize| {
        let known = context.allocated.iter();
        known.rev().find(|it| it.at == heap.at).map(|it| it.bytes)
    };
    heaps
        .windows(2)
        .map(|pair| by(&pair[1])?.checked_sub(by(&pair[0])?))
        .collect()
}

/// One suspect with all that is known of it.
fn tell(
    case: &Case<'_, '_>,
    candidate: &Candidate,
    places: &mut Places,
    context: &Context,
) -> Suspect {
    let row = case.row;
    let accumulation = accumulation::point(case);
    let mut patterns = patterns::recognise(case).into_iter();
    let pattern = patterns.next().unwrap_or_default();
    let (kept_at, library_at) = keeper::kept_at(case, places);
    let born_at = accumulation::born_at(case, places);
    let allocation = accumulation::allocation(case, context, places);
    let class = case.class();
    Suspect {
        signature: row.signature.clone(),
        contents: case.contents(),
        counts: row.counts.clone(),
        sizes: row.sizes.clone(),
        count_delta: row.count_delta,
        size_delta: row.size_delta,
        count_per_hour: candidate.count_per_hour,
        bytes_per_hour: candidate.bytes_per_hour,
        share: candidate.share,
        steady: candidate.growing_steps + 1 >= row.sizes.len(),
        growing_steps: candidate.growing_steps,
        unsettled: candidate.unsettled(),
        kept_share: candidate.kept,
        external_delta: case.external_delta(),
        words: case.words(),
        path: row.example.clone(),
        cure: cures::of_pattern(pattern.pattern, &class, &accumulation),
        class,
        accumulation,
        kept_at,
        library_at,
        born_at,
        allocation,
        pattern,
        also: patterns.take(3).collect(),
        confidence: candidate.confidence,
    }
}

/// Where memory is headed: by the trend, or by the heaps where that says nothing.
fn forecast(context: &Context, heaps: &[HeapSize]) -> Option<LeakForecast> {
    if let Some(outlook) = &context.trend.outlook {
        return Some(LeakForecast {
            growth_bytes_per_hour: outlook.growth_bytes_per_hour,
            limit_bytes: Some(outlook.limit_bytes),
            limit_name: context.trend.limit_name.clone(),
            time_to_limit_ms: outlook.time_to_limit_ms,
            probability: outlook.probability,
            horizon_ms: Some(outlook.horizon_ms),
        });
    }
    let (first, last) = (heaps.first()?, heaps.last()?);
    let hours = last.at.hours_since(&first.at);
    (hours > 0.0).then(|| LeakForecast {
        growth_bytes_per_hour: (last.size as f64 - first.size as f64) / hours,
        ..LeakForecast::default()
    })
}

fn sites(context: &Context, places: &mut Places) -> Vec<AllocationSite> {
    context
        .allocation_sites
        .iter()
        .take(MOST_SITES)
        .map(|site| accumulation::mapped(site, places))
        .collect()
}

fn calls(context: &Context, places: &mut Places) -> Vec<AllocationCall> {
    context
        .allocation_calls
        .iter()
        .take(MOST_CALLS)
        .map(|call| AllocationCall {
            frame: accumulation::mapped_frame(&call.frame, places),
            ..call.clone()
        })
        .collect()
}

/// What to do about growth that no suspect explains; none where nothing has to be done.
#[must_use]
pub fn advice(context: &Context) -> Option<Cure> {
    cures::of_verdict(verdict::verdict(context).class, context)
}
