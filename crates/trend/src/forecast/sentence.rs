//! A forecast for a person.

use super::{Outlook, Verdict};
use crate::{format_bytes, format_duration, format_percent};

/// One sentence: how full, how fast, when, how likely, and what it is. `what` is measured ("live heap", "RSS"), `limit` is
/// what the limit is called ("old-space limit").
pub fn sentence(what: &str, limit: &str, outlook: &Outlook, verdict: Verdict) -> String {
    let full = format!(
        "{what} {} is {} of the {} {limit}",
        format_bytes(outlook.level_bytes),
        format_percent(outlook.level_bytes / outlook.limit_bytes),
        format_bytes(outlook.limit_bytes),
    );
    let Some(probability) = outlook.probability else {
        return format!(
            "{full}; too little was seen to say more ({} of {})",
            format_duration(outlook.observed_ms),
            format_duration(outlook.horizon_ms / 2),
        );
    };
    let odds = format!(
        "{} likely to reach it within {}",
        format_percent(probability),
        format_duration(outlook.horizon_ms)
    );
    if !outlook.growing {
        return format!("{full} and does not grow: {odds}");
    }
    let rate = format!(
        "grows by {} an hour",
        format_bytes(outlook.growth_bytes_per_hour)
    );
    let when = outlook.time_to_limit_ms.map_or(String::new(), |ms| {
        format!(
            " and reaches it in about {}{}",
            format_duration(ms as u64),
            interval(outlook)
        )
    });
    format!("{full}, {rate}{when}: {odds}; {}", explain(verdict))
}

fn interval(outlook: &Outlook) -> String {
    match outlook.time_to_limit_interval {
        Some([Some(early), Some(late)]) => format!(
            " ({} to {})",
            format_duration(early as u64),
            format_duration(late as u64)
        ),
        Some([Some(early), None]) => {
            format!(" ({} at the earliest)", format_duration(early as u64))
        }
        _ => String::new(),
    }
}

fn explain(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::None => "none of its parts grows for certain",
        Verdict::JsHeap => "live JavaScript objects grow",
        Verdict::External => "memory outside of the heap (Buffers, ArrayBuffers) grows",
        Verdict::Native => "memory that V8 knows nothing of grows (native code, threads, mappings)",
        Verdict::Fragmentation => {
            "memory that V8 knows nothing of grows less and less, as an allocator's leftovers do"
        }
        Verdict::CacheFilling => "it becomes slower or is a cache with room left: it may well stop",
        Verdict::Load => "it goes with the load, and came down with it before",
        Verdict::Unknown => "what grows cannot be told from figures",
    }
}
