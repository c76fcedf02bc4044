//! One look at a heap, however it came to be known.

use std::path::Path;

use memguard_heap_graph::{AnalyzeOptions, ReadOptions, Snapshot, read_file};
use memguard_hunt::machine::Found;
use memguard_hunt::{
    ClassTable, Context, Digest, LeakReport, found, from_figures, investigate, investigate_classes,
};
use serde::Serialize;

/// What a hunt gets of a look.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The report, where there was something to compare with.
    pub report: Option<LeakReport>,
    /// Its gist.
    pub found: Option<Found>,
    /// Objects were counted by class alone.
    pub by_class: bool,
}

/// Why a file could not be looked at.
#[derive(Clone, Debug)]
pub struct LookError {
    /// A stable code.
    pub code: &'static str,
    /// In words.
    pub message: String,
}

/// What is there, and, from the second look on, what grew. The digest is for the looks to come.
pub(crate) fn look(
    snapshot: &Snapshot<'_>,
    context: &Context,
    compare: bool,
    earlier: &[Digest],
) -> (Seen, Digest) {
    let digest = Digest::of(snapshot, context.now);
    let report = (compare && !earlier.is_empty()).then(|| {
        let earlier: Vec<&Digest> = earlier.iter().collect();
        investigate(&earlier, snapshot, context)
    });
    (Seen::of(report), digest)
}

/// How many of which class became more, from the second look on, where there is no memory for a graph: `why`.
pub(crate) fn look_at_classes(
    now: &ClassTable,
    context: &Context,
    why: &str,
    compare: bool,
    earlier: &[ClassTable],
) -> Seen {
    let report = (compare && !earlier.is_empty()).then(|| {
        let earlier: Vec<&ClassTable> = earlier.iter().collect();
        let mut context = context.clone();
        let sentence = format!("There was no memory for a graph of the heap: {why}.");
        context.missing.push(sentence);
        investigate_classes(&earlier, now, &context)
    });
    Seen {
        by_class: true,
        ..Seen::of(report)
    }
}

/// Looks at a snapshot that V8 has written, in place of a heap. Takes about a third of the file in memory.
///
/// # Errors
/// It cannot be read, or is none.
pub fn look_at_file(
    hunt: u32,
    file: &Path,
    context: &Context,
    compare: bool,
) -> Result<Seen, LookError> {
    let mut read = ReadOptions::default();
    read.threads = 1;
    let mut analyze = AnalyzeOptions::default();
    analyze.threads = 1;
    let graph = read_file(file, &read).map_err(|error| LookError {
        code: error.code(),
        message: error.to_string(),
    })?;
    let snapshot = Snapshot::of(&graph, &analyze).map_err(|error| LookError {
        code: error.code(),
        message: error.to_string(),
    })?;
    let (seen, digest) = look(
        &snapshot,
        context,
        compare,
        &super::digests(hunt, super::Way::File),
    );
    super::remember(hunt, digest, super::Way::File);
    Ok(seen)
}

/// What can be said where no heap can be looked at: by figures, and by samples of what was allocated.
#[must_use]
pub fn look_at_figures(context: &Context) -> Seen {
    Seen::of(Some(from_figures(context)))
}

impl Seen {
    fn of(report: Option<LeakReport>) -> Self {
        Self {
            found: report.as_ref().map(found),
            report,
            by_class: false,
        }
    }
}
