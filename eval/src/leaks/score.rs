//! What was found, against the truth.

use memguard_hunt::LeakReport;

use super::case::{Case, Mode};
use super::run::Outcome;

/// What was found, against the truth.
#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    /// A leak was told.
    pub told: bool,
    /// What grows was named.
    pub class: bool,
    /// Who holds it was named.
    pub retainer: bool,
    /// Its pattern was named.
    pub pattern: bool,
    /// Its file was named.
    pub file: bool,
}

impl Score {
    pub(super) fn of(outcome: &Outcome) -> Self {
        let Some((_, report)) = &outcome.report else {
            return Self::default();
        };
        if outcome.job.mode != Mode::Bad {
            return Self {
                told: true,
                ..Self::default()
            };
        }
        let case = &outcome.job.case;
        Self {
            told: true,
            class: class(case, report),
            retainer: retainer(case, report),
            pattern: pattern(case, report),
            file: file(case, report),
        }
    }
}

/// Words of a text: names as they stand in a source.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !(sign.is_alphanumeric() || sign == '_' || sign == '$'))
}

/// The first suspect's class and what it is made of.
fn class(case: &Case, report: &LeakReport) -> bool {
    let Some(suspect) = report.suspects.first() else {
        return false;
    };
    let mut named = std::iter::once(suspect.class.as_str()).chain(
        suspect
            .contents
            .iter()
            .take(4)
            .map(|content| content.class.as_str()),
    );
    named.any(|named| {
        case.classes
            .iter()
            .any(|class| named == class || words(named).any(|word| word == class))
    })
}

/// The first suspect's way.
fn retainer(case: &Case, report: &LeakReport) -> bool {
    let Some(suspect) = report.suspects.first() else {
        return false;
    };
    let path = suspect.path.as_ref().map_or("", |path| path.text.as_str());
    let name = suspect.accumulation.name.as_deref().unwrap_or_default();
    case.retainers.iter().any(|retainer| {
        words(path)
            .chain(words(&suspect.words))
            .chain([name])
            .any(|word| word == retainer)
    })
}

fn pattern(case: &Case, report: &LeakReport) -> bool {
    let Some(suspect) = report.suspects.first() else {
        return false;
    };
    let Ok(value) = serde_json::to_value(suspect.pattern.pattern) else {
        return false;
    };
    let mut meant = std::iter::once(&case.pattern).chain(&case.patterns_ok);
    value
        .as_str()
        .is_some_and(|told| meant.any(|pattern| names(pattern).contains(&told)))
}

/// What the hunt calls a pattern: corpora have names of their own for some.
fn names(pattern: &str) -> Vec<&str> {
    match pattern {
        "map-of-sessions" => vec!["session-map"],
        "global-array" => vec!["unbounded-array", "global"],
        "native/external" => vec!["external-memory", "native-memory"],
        own => vec![own],
    }
}

/// The places of the first suspect, and the scripts on its way.
fn file(case: &Case, report: &LeakReport) -> bool {
    let Some(suspect) = report.suspects.first() else {
        return false;
    };
    let mut files: Vec<&str> = [&suspect.kept_at, &suspect.library_at, &suspect.born_at]
        .into_iter()
        .flatten()
        .map(|place| place.file.as_str())
        .collect();
    if let Some(path) = &suspect.path {
        files.extend(
            path.steps
                .iter()
                .filter_map(|step| step.object.location.as_ref()?.script.as_deref()),
        );
    }
    case.file
        .iter()
        .chain(&case.files_ok)
        .any(|wanted| files.iter().any(|file| file.contains(wanted.as_str())))
}
