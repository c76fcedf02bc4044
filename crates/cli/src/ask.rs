//! Questions about heaps as JavaScript asks them: options in, a report or a failure out, both as plain data.

use memguard_heap_graph::diff::DiffOptions;
use memguard_heap_graph::insights::{ReportOptions, analyze};
use memguard_heap_graph::report::{AnalyzeReport, DiffBy, DiffReport};
use serde::{Deserialize, Serialize};

use crate::heap::{Heap, HeapError, HeapOptions, HeapSource, compare};

/// What `analyze()` takes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AnalyzeRequest {
    /// Threads; 0 for as many as there are.
    pub threads: usize,
    /// Most classes.
    pub classes: Option<usize>,
    /// Most rows of the dominators' tree.
    pub dominators: Option<usize>,
    /// Most rows of each other list.
    pub rows: Option<usize>,
}

/// What `compare()` takes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CompareRequest {
    /// Threads; 0 for as many as there are.
    pub threads: usize,
    /// What objects are matched by; what the files say decides where nobody does.
    pub by: Option<DiffBy>,
    /// Most classes.
    pub classes: Option<usize>,
    /// Most rows of growth by who holds it.
    pub clusters: Option<usize>,
    /// Growth of fewer bytes is not told.
    pub min_bytes: Option<u64>,
}

/// What came of a question.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer<R> {
    /// The report.
    Report(R),
    /// Why there is none.
    Failure(Failure),
}

/// Why there is no report.
#[derive(Debug, Serialize)]
pub struct Failure {
    /// The error's stable code.
    pub code: &'static str,
    /// What people read.
    pub message: String,
    /// Where in the snapshot, in bytes from its start.
    pub offset: Option<u64>,
}

impl<R> From<Result<R, HeapError>> for Answer<R> {
    fn from(result: Result<R, HeapError>) -> Self {
        match result {
            Ok(report) => Self::Report(report),
            Err(error) => Self::Failure(Failure {
                code: error.code(),
                message: error.to_string(),
                offset: error.offset(),
            }),
        }
    }
}

/// What is in a heap. Blocks until it is known.
#[must_use]
pub fn ask_what_is_in(
    source: HeapSource,
    request: &AnalyzeRequest,
    options: &HeapOptions,
) -> Answer<AnalyzeReport> {
    let mut limits = ReportOptions::default();
    limits.classes = request.classes.unwrap_or(limits.classes);
    limits.dominators = request.dominators.unwrap_or(limits.dominators);
    limits.rows = request.rows.unwrap_or(limits.rows);
    Heap::read(source, options)
        .and_then(|heap| Ok(analyze(&heap.analyze(options)?, &limits)?))
        .into()
}

/// What grew between two or three heaps, the oldest first. Blocks until it is known.
#[must_use]
pub fn ask_what_grew(
    sources: Vec<HeapSource>,
    request: &CompareRequest,
    options: &HeapOptions,
) -> Answer<DiffReport> {
    let mut how = DiffOptions::default();
    how.by = request.by;
    how.classes = request.classes.unwrap_or(how.classes);
    how.clusters = request.clusters.unwrap_or(how.clusters);
    how.min_bytes = request.min_bytes.unwrap_or(how.min_bytes);
    how.analyze = options.analyze();
    compare(sources, how, options).into()
}
