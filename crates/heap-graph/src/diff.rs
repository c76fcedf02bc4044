//! What grew between two or three heaps, and who holds it.
//!
//! # Two ways to compare
//! * **By ids**, as DevTools' Comparison view does: an object that has the same id in both is the same object. V8 keeps the
//!   ids of one process in a table of that process: in a forked snapshot the table dies with the child, and another
//!   process numbers anew.
//! * **By [signature](crate::signature)**: objects that are held alike. It works between any two heaps and tells who holds what grew. It
//!   cannot tell objects that stayed from others that took their place.
//!
//! Growth by signature is in every report; `by` decides what the rows by class are counted from. What decides it, unless
//! the caller does: side-cars that name two processes or a fork speak against ids, side-cars of one process for them,
//! as long as the files do not contradict.

mod classes;
mod evidence;
mod growth;
#[cfg(test)]
mod growth_tests;
mod provenance;
mod survivors;
#[cfg(test)]
mod tests;

pub use growth::Grown;
pub use provenance::{IdScope, Provenance};

use crate::analysis::{AnalyzeError, AnalyzeOptions};
use crate::report::{DiffBy, DiffReport, HeapTotals, Listing};
use crate::signature::Ways;
use crate::snapshot::Snapshot;
use growth::Limits;

/// How to compare.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DiffOptions {
    /// By what to count classes and survivors; side-cars and files decide where it is `None`.
    pub by: Option<DiffBy>,
    /// Most rows by class.
    pub classes: usize,
    /// Most rows of growth by signature.
    pub clusters: usize,
    /// Most classes that the contents of one such row tell.
    pub contents: usize,
    /// Growth of fewer bytes is not told; neither is that below a thousandth of all growth.
    pub min_bytes: u64,
    /// Threads, and the signal that ends the call.
    pub analyze: AnalyzeOptions,
}

impl Default for DiffOptions {
    fn default() -> Self {
        Self {
            by: None,
            classes: 100,
            clusters: 50,
            contents: 8,
            min_bytes: 1024,
            analyze: AnalyzeOptions::default(),
        }
    }
}

/// Why heaps could not be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// Not two or three of them.
    #[error("Expected two or three heaps to compare, the oldest first, and got {found}.")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// Classes could not be found anew.
    #[error(transparent)]
    Analyze(#[from] AnalyzeError),
}

impl DiffError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Count { .. } => "ERR_MEMGUARD_INVALID_ARG",
            Self::Analyze(error) => error.code(),
        }
    }
}

/// Compares two or three heaps, the oldest first.
///
/// Besides the heaps themselves it takes 16 bytes an object of each for ids, and while it searches for ways 28 bytes a node
/// of one at a time.
///
/// # Errors
/// When there are not two or three, when it was cancelled, and when there is no memory for it.
pub fn diff(snapshots: &[&Snapshot<'_>], options: &DiffOptions) -> Result<DiffReport, DiffError> {
    let (Some((newest, older)), 2..=3) = (snapshots.split_last(), snapshots.len()) else {
        return Err(DiffError::Count {
            found: snapshots.len(),
        });
    };
    let ids: Vec<evidence::Ids> = snapshots
        .iter()
        .map(|snapshot| evidence::sorted_ids(snapshot.graph()))
        .collect();
    let pairs = snapshots.windows(2).zip(ids.windows(2));
    let evidence = pairs
        .map(|(graphs, ids)| {
            evidence::compare((graphs[0].graph(), &ids[0]), (graphs[1].graph(), &ids[1]))
        })
        .collect();
    let provenances: Vec<&Provenance> = snapshots
        .iter()
        .map(|snapshot| snapshot.provenance())
        .collect();
    let comparison = evidence::decide(options.by, &provenances, evidence);

    let limits = Limits {
        clusters: options.clusters,
        contents: options.contents,
        min_bytes: options.min_bytes,
    };
    let (growth, tree) = growth::growth(older, newest, &limits);
    if snapshots
        .iter()
        .any(|snapshot| snapshot.cancel().is_cancelled())
        || options.analyze.cancel.is_cancelled()
    {
        return Err(AnalyzeError::Cancelled.into());
    }
    let survivors = match (comparison.by, ids.as_slice()) {
        (DiffBy::Ids, [first, second, third]) => Some(survivors::by_ids(
            [first, second, third],
            newest,
            &tree,
            options.classes,
        )),
        (DiffBy::Signature, [_, _, _]) => Some(survivors::by_signature(&growth)),
        _ => None,
    };
    drop((ids, tree));
    let classes = match older.first() {
        Some(oldest) => classes::class_deltas(oldest, newest, comparison.by, &options.analyze)?,
        None => Vec::new(),
    };
    Ok(DiffReport {
        snapshots: snapshots.iter().map(|snapshot| snapshot.source()).collect(),
        comparison,
        totals: snapshots.iter().map(|snapshot| totals(snapshot)).collect(),
        classes: Listing::cut(classes, options.classes),
        growth,
        survivors,
    })
}

/// What grew since heaps of which only the [`Ways`] were kept, the oldest first: by signature, as [`diff`] tells it.
///
/// Of `options` those count that are about growth. When the snapshot's signal is raised the answer is not whole.
#[must_use]
pub fn growth_since(earlier: &[&Ways], newest: &Snapshot<'_>, options: &DiffOptions) -> Grown {
    let limits = Limits {
        clusters: options.clusters,
        contents: options.contents,
        min_bytes: options.min_bytes,
    };
    growth::since(earlier, newest, &limits)
}

fn totals(snapshot: &Snapshot<'_>) -> HeapTotals {
    HeapTotals {
        nodes: snapshot.graph().node_count() as u64,
        edges: snapshot.graph().edge_count() as u64,
        size: snapshot.analysis().total_size(),
    }
}
