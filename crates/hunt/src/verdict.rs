//! What kind of growth it is, and how sure that is.
//!
//! Figures alone tell which part of memory grows: the live heap after collections, external memory, or what is resident
//! and neither. Heaps tell whether somebody keeps more and more. Where both are known the heaps decide about
//! JavaScript, and figures about the rest. It is never a leak of JavaScript where the heap is flat.

mod figures;
mod heaps;
mod malloc;
#[cfg(test)]
mod tests;

use memguard_trend::{Part, Verdict as TrendVerdict, format_bytes};

use crate::context::{AllocatorFigures, Context};
use crate::report::{Evidence, Verdict, VerdictClass};
use figures::Figures;
pub(crate) use heaps::with_heaps;
use malloc::Malloced;

/// What kind of growth it is, from figures alone: needs no heap.
#[must_use]
pub fn verdict(context: &Context) -> Verdict {
    let figures = Figures::of(context);
    let mut evidence = figures.evidence();
    allocator(context.allocator.as_ref(), &mut evidence);
    let malloced = Malloced::of(context);
    evidence.extend(malloced.evidence());
    caches(context, &mut evidence);
    let (class, confidence) = decide(context, &figures, &malloced);
    Verdict {
        class,
        confidence,
        sentence: sentence(class, confidence, &figures),
        evidence,
    }
}

/// The signature of a verdict without a suspect: one ticket for each kind.
pub(crate) fn signature(class: VerdictClass) -> String {
    hash(class.title())
}

/// A signature of what has no way to it. FNV-1a, as retention signatures are made of.
pub(crate) fn hash(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn decide(context: &Context, figures: &Figures, malloced: &Malloced) -> (VerdictClass, f64) {
    let share = |part| figures.share(part);
    let by_trend = context.trend.verdict.unwrap_or(TrendVerdict::Unknown);
    let slowing = figures.slowing;
    match by_trend {
        TrendVerdict::Load => return (VerdictClass::Load, 0.7),
        TrendVerdict::CacheFilling => {
            let known = room_of_caches(context) > 0;
            return (VerdictClass::CacheFilling, if known { 0.8 } else { 0.55 });
        }
        _ => {}
    }
    if !figures.grows() {
        if let Some(confidence) = malloced.confidence() {
            return (VerdictClass::Native, confidence);
        }
        if malloc::keeps_much(context) {
            return (VerdictClass::Fragmentation, 0.6);
        }
        let class = match by_trend {
            TrendVerdict::None => VerdictClass::None,
            _ if figures.points < 3 => VerdictClass::Unknown,
            _ => VerdictClass::None,
        };
        return (class, if figures.points < 3 { 0.2 } else { 0.7 });
    }
    let (heap, external, rest) = (
        share(Part::LiveHeap),
        share(Part::External),
        share(Part::Rest),
    );
    if heap >= external && heap >= rest {
        let confidence = 0.5 + 0.35 * heap * figures.surety;
        return if slowing {
            (VerdictClass::CacheFilling, 0.5)
        } else {
            (VerdictClass::JsLeak, confidence)
        };
    }
    if external >= rest {
        return (
            VerdictClass::External,
            0.5 + 0.35 * external * figures.surety,
        );
    }
    if is_kept_by_allocator(context, figures) {
        return (VerdictClass::Fragmentation, 0.75);
    }
    match by_trend {
        TrendVerdict::Fragmentation => (VerdictClass::Fragmentation, 0.6),
        _ => {
            let by_curve = 0.45 + 0.3 * rest * figures.surety;
            let by_malloc = malloced.confidence().unwrap_or_default();
            (VerdictClass::Native, by_curve.max(by_malloc))
        }
    }
}

/// Whether what grew outside of V8's sight is what `malloc` keeps after it was given back.
fn is_kept_by_allocator(context: &Context, figures: &Figures) -> bool {
    context.allocator.as_ref().is_some_and(|allocator| {
        let free = allocator.free_bytes as f64;
        free > 0.5 * figures.grown(Part::Rest).max(1.0)
            && free > 0.3 * allocator.arena_bytes.max(1) as f64
    })
}

fn allocator(figures: Option<&AllocatorFigures>, evidence: &mut Vec<Evidence>) {
    let Some(figures) = figures else { return };
    let name = figures.allocator.as_deref().unwrap_or("malloc");
    if figures.arena_bytes > 0 {
        let free = figures.free_bytes as f64 / figures.arena_bytes as f64;
        let arenas = figures
            .arenas
            .map(|arenas| format!(" in {arenas} arenas"))
            .unwrap_or_default();
        evidence.push(Evidence {
            kind: "arenaFree".into(),
            text: format!(
                "{name} holds {}{arenas}, {} of it free ({:.0} %); MALLOC_ARENA_MAX is {}",
                format_bytes(figures.arena_bytes as f64),
                format_bytes(figures.free_bytes as f64),
                100.0 * free,
                if figures.arena_max_set {
                    "set"
                } else {
                    "not set"
                }
            ),
            weight: if free > 0.3 { 0.6 } else { -0.4 },
        });
    }
}

fn caches(context: &Context, evidence: &mut Vec<Evidence>) {
    for cache in context.caches.iter().filter(|cache| has_room(cache)) {
        let most = match (cache.max_bytes, cache.max_entries) {
            (Some(bytes), _) => format!("at most {}", format_bytes(bytes as f64)),
            (None, Some(entries)) => format!("at most {entries} entries"),
            (None, None) => continue,
        };
        evidence.push(Evidence {
            kind: "cacheRoom".into(),
            text: format!(
                "the cache {} holds {} in {} entries, {most}",
                cache.name,
                format_bytes(cache.bytes as f64),
                cache.entries
            ),
            weight: 0.3,
        });
    }
}

fn has_room(cache: &crate::context::CacheFigures) -> bool {
    cache.max_bytes.is_some_and(|most| cache.bytes < most)
        || cache.max_entries.is_some_and(|most| cache.entries < most)
}

fn room_of_caches(context: &Context) -> usize {
    context
        .caches
        .iter()
        .filter(|cache| has_room(cache))
        .count()
}

pub(crate) fn sentence(class: VerdictClass, confidence: f64, figures: &Figures) -> String {
    let sure = format!("{:.0} % sure", confidence * 100.0);
    let rate = |part| format!("{}/h", format_bytes(figures.per_hour(part)));
    match class {
        VerdictClass::JsLeak => format!(
            "The live heap grows by {} and no cache or load explains it ({sure}).",
            rate(Part::LiveHeap)
        ),
        VerdictClass::CacheFilling => format!(
            "Something fills, more slowly than it did or up to a bound that it has not reached: no leak as far as can be seen ({sure})."
        ),
        VerdictClass::External => format!(
            "Memory outside of the heap that objects keep grows by {} ({sure}).",
            rate(Part::External)
        ),
        VerdictClass::Native => format!(
            "Resident memory that V8 knows nothing of grows by {}; the heap does not ({sure}).",
            rate(Part::Rest)
        ),
        VerdictClass::Fragmentation => format!(
            "Resident memory grew, but the allocator holds most of it as free: the heap is flat, nothing leaks in JavaScript ({sure})."
        ),
        VerdictClass::Load => format!("Memory goes up and down with the load ({sure})."),
        VerdictClass::None => format!("Nothing grows beyond chance ({sure})."),
        VerdictClass::Unknown => {
            "Too little was seen to say what grows, or whether anything does.".to_owned()
        }
    }
}
