//! A report in a sentence or two.

use memguard_trend::{format_bytes, format_duration};

use crate::places::is_library;
use crate::report::{CodePlace, LeakForecast, Suspect, Verdict};

pub(super) fn summary(
    verdict: &Verdict,
    suspect: Option<&Suspect>,
    forecast: Option<&LeakForecast>,
) -> String {
    let Some(suspect) = suspect else {
        return verdict.sentence.clone();
    };
    let what = match suspect.count_delta {
        1.. => format!(
            "{} {} an hour ({}/h)",
            rounded(suspect.count_per_hour),
            suspect.class,
            format_bytes(suspect.bytes_per_hour)
        ),
        _ => format!(
            "{} of {} an hour",
            format_bytes(suspect.bytes_per_hour),
            suspect.class
        ),
    };
    let held = if suspect.knows_holder() {
        format!("held by {}", suspect.words)
    } else {
        "held by whom is not known".to_owned()
    };
    let place = place(suspect);
    let when = forecast
        .and_then(|forecast| forecast.time_to_limit_ms)
        .map(|ms| {
            format!(
                " The limit is reached in about {}.",
                format_duration(ms as u64)
            )
        })
        .unwrap_or_default();
    format!(
        "{}, {:.0} % sure: {what} more, {held}{place}.{when}",
        capitalised(verdict.class.title()),
        verdict.confidence * 100.0,
    )
}

/// Where it is kept. Where that is in a library, where in the program it was born is told as well.
fn place(suspect: &Suspect) -> String {
    let at = |place: &CodePlace| format!("{}:{}:{}", place.file, place.line, place.column);
    let is_own = |place: &&CodePlace| !is_library(&place.file);
    let kept = suspect.kept_at.as_ref();
    let born = suspect.born_at.as_ref().filter(is_own);
    match (kept, born) {
        (Some(kept), Some(born)) if is_library(&kept.file) => {
            format!(" at {}, born at {}", at(kept), at(born))
        }
        (Some(kept), _) => format!(" at {}", at(kept)),
        (None, _) => String::new(),
    }
}

/// Two significant digits: nobody knows more.
fn rounded(number: f64) -> String {
    let magnitude = number.abs().max(1.0).log10().floor() - 1.0;
    let unit = 10_f64.powf(magnitude.max(0.0));
    format!("{:.0}", (number / unit).round() * unit)
}

fn capitalised(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(signs).collect()
    })
}
