//! What is in a heap, on one page: totals, classes, dominators, and what looks wasteful, foreign or grown.

mod capacity;
mod collections;
mod context;
mod detached;
mod dominators;
mod external;
mod modules;
mod strings;
#[cfg(test)]
mod tests;
mod totals;

use crate::analysis::AnalyzeError;
use crate::report::{AnalyzeReport, Insights};
use crate::snapshot::Snapshot;
use context::Context;

/// How much to tell.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReportOptions {
    /// Most classes.
    pub classes: usize,
    /// Most rows of the dominators' tree.
    pub dominators: usize,
    /// Most rows of each other list.
    pub rows: usize,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            classes: 100,
            dominators: 150,
            rows: 20,
        }
    }
}

/// Tells what is in a heap. Some passes over nodes and edges and one search for ways; at most 13 bytes a node while it lasts.
///
/// # Errors
/// When the signal that the snapshot was made with was raised.
pub fn analyze(
    snapshot: &Snapshot<'_>,
    options: &ReportOptions,
) -> Result<AnalyzeReport, AnalyzeError> {
    let dominators = dominators::tree(snapshot, options.dominators)?;
    let context = Context::of(snapshot, options.rows);
    let (duplicate_strings, duplicate_string_bytes) = strings::duplicates(&context);
    let (packages, modules) = modules::owners(&context);
    snapshot.whole(AnalyzeReport {
        source: snapshot.source(),
        totals: totals::totals(snapshot),
        classes: totals::classes(snapshot, options.classes),
        dominators,
        insights: Insights {
            duplicate_strings,
            duplicate_string_bytes,
            wasted_capacity: capacity::wasted(&context),
            external: external::external(&context),
            packages,
            modules,
            collections: collections::suspicious(&context),
            detached: detached::detached(&context),
        },
    })
}
