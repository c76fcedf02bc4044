//! The verdict where heaps were compared.

use memguard_trend::format_bytes;

use super::{Figures, Malloced, sentence, verdict};
use crate::context::Context;
use crate::investigate::Candidate;
use crate::report::{Evidence, HeapSize, Suspect, Verdict, VerdictClass};

/// The verdict of figures and heaps together. Suspects of growth that turned out to be none are left out.
pub(crate) fn with_heaps(
    context: &Context,
    heaps: &[HeapSize],
    candidates: &[Candidate],
    suspects: Vec<Suspect>,
) -> (Verdict, Vec<Suspect>) {
    let mut verdict = verdict(context);
    if heaps.len() < 2 {
        return (verdict, suspects);
    }
    verdict.evidence.push(sizes(heaps));
    let first = candidates.iter().find(|candidate| candidate.is_suspect());
    let (Some(suspect), Some(candidate)) = (suspects.first(), first) else {
        // Nobody keeps more and more: whatever the curve says, it is no leak of JavaScript.
        let by_heap = matches!(verdict.class, VerdictClass::JsLeak | VerdictClass::External);
        if let (true, Some(confidence)) = (by_heap, Malloced::of(context).confidence()) {
            verdict.class = VerdictClass::Native;
            verdict.confidence = confidence;
            verdict.sentence = sentence(verdict.class, confidence, &Figures::of(context));
        } else if by_heap {
            verdict.class = VerdictClass::Unknown;
            verdict.confidence = 0.4;
            verdict.sentence = "Memory grew, but no object keeps more and more of others: what grew was on its way out.".to_owned();
        }
        return (verdict, suspects);
    };
    verdict.evidence.extend(steps(suspect, candidate));
    verdict.confidence = candidate.confidence;
    let figures = Figures::of(context);
    // Who does not know the holder cannot exclude the cache that figures speak of.
    let is_in_doubt = candidate.is_slowing() || !suspect.knows_holder();
    let cache_grows =
        candidate.bounded || matches!(verdict.class, VerdictClass::CacheFilling) && is_in_doubt;
    verdict.class = if candidate.is_passing() {
        VerdictClass::Load
    } else if cache_grows {
        VerdictClass::CacheFilling
    } else if candidate.external {
        VerdictClass::External
    } else {
        VerdictClass::JsLeak
    };
    verdict.sentence = match verdict.class {
        VerdictClass::JsLeak | VerdictClass::External if !suspect.knows_holder() => format!(
            "There are ever more {}: {} more in {} from look to look, {} an hour; who keeps them is not known ({:.0} % sure).",
            suspect.class,
            suspect.count_delta.max(0),
            format_bytes(suspect.size_delta.max(0) as f64),
            format_bytes(suspect.bytes_per_hour),
            100.0 * verdict.confidence
        ),
        VerdictClass::JsLeak | VerdictClass::External => format!(
            "{} keeps growing: {} more of {} in {} from look to look, {} an hour ({:.0} % sure).",
            suspect
                .accumulation
                .name
                .as_deref()
                .unwrap_or(&suspect.accumulation.class),
            suspect.count_delta.max(0),
            suspect.class,
            format_bytes(suspect.size_delta.max(0) as f64),
            format_bytes(suspect.bytes_per_hour),
            100.0 * verdict.confidence
        ),
        class => sentence(class, verdict.confidence, &figures),
    };
    (verdict, suspects)
}

fn sizes(heaps: &[HeapSize]) -> Evidence {
    let list: Vec<String> = heaps
        .iter()
        .map(|heap| format_bytes(heap.size as f64))
        .collect();
    let grew = heaps.last().map(|heap| heap.size) > heaps.first().map(|heap| heap.size);
    Evidence {
        kind: "heaps".into(),
        text: format!("live objects when looked at: {}", list.join(" → ")),
        weight: if grew { 0.3 } else { -0.3 },
    }
}

fn steps(suspect: &Suspect, candidate: &Candidate) -> Vec<Evidence> {
    let sizes: Vec<String> = suspect
        .sizes
        .iter()
        .map(|size| format_bytes(*size as f64))
        .collect();
    let mut evidence = vec![Evidence {
        kind: "suspectGrows".into(),
        text: format!(
            "{}{}: {}; it grew in each of the last {} steps",
            suspect.class,
            if suspect.knows_holder() {
                format!(" held by {}", suspect.words)
            } else {
                String::new()
            },
            sizes.join(" → "),
            suspect.growing_steps
        ),
        weight: (0.3 * suspect.growing_steps as f64).min(0.9),
    }];
    if let Some(kept) = suspect.kept_share {
        evidence.push(Evidence {
            kind: "survivors".into(),
            text: format!(
                "{:.0} % of the objects that were there when it began are still there",
                100.0 * kept
            ),
            weight: if candidate.is_passing() { -0.9 } else { 0.5 },
        });
    }
    if suspect.growing_steps >= 2 {
        evidence.push(Evidence {
            kind: "pace".into(),
            text: format!(
                "the last step was {:.0} % as fast as those before",
                100.0 * candidate.pace
            ),
            weight: if candidate.is_slowing() { -0.5 } else { 0.3 },
        });
    }
    if candidate.bounded {
        evidence.push(Evidence {
            kind: "bounded".into(),
            text: "it hangs in a cache that throws out what is too much".into(),
            weight: -0.6,
        });
    }
    evidence
}
