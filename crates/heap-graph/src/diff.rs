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
use crate::report::{DiffBy, DiffReport, HeapTotals, IdEvidence, Listing};
use crate::signature::{Collection, Ways};
use crate::snapshot::Snapshot;
use classes::Oldest;
use evidence::Ids;
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

impl DiffOptions {
    fn limits(&self) -> Limits {
        Limits {
            clusters: self.clusters,
            contents: self.contents,
            min_bytes: self.min_bytes,
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

/// Compares two or three heaps, the oldest first, that are in memory together: as [`Differ`] does, which needs but one of
/// them at a time.
///
/// # Errors
/// When there are not two or three, when it was cancelled, and when there is no memory for it.
pub fn diff(snapshots: &[&Snapshot<'_>], options: &DiffOptions) -> Result<DiffReport, DiffError> {
    let (Some((newest, older)), 2..=3) = (snapshots.split_last(), snapshots.len()) else {
        return Err(DiffError::Count {
            found: snapshots.len(),
        });
    };
    let mut differ = Differ::new(options.clone());
    for snapshot in older {
        differ.add(snapshot)?;
    }
    differ.finish(newest)
}

/// Compares heaps that come one after the other, the oldest first. Of each but the newest it keeps what the comparison needs,
/// so that their graphs can go before the next one is read.
///
/// Keeps 16 bytes an object, to know it again, and of the oldest heap some 25 bytes a node and its strings besides; together
/// half of what the heap itself takes with its analysis. While it searches for ways it takes 17 bytes a node of one heap at a time.
///
/// ```
/// use memguard_heap_graph::diff::{DiffOptions, Differ};
/// use memguard_heap_graph::{AnalyzeOptions, EdgeKind, GraphBuilder, NodeKind, Snapshot};
///
/// let heap = |users: u64| {
///     let mut builder = GraphBuilder::new();
///     let root = builder.node(NodeKind::Synthetic, "", 1, 0);
///     for user in 0..users {
///         let user = builder.node(NodeKind::Object, "User", 3 + 2 * user, 24);
///         builder.edge(root, EdgeKind::Element, 1, user);
///     }
///     builder.finish()
/// };
/// let mut differ = Differ::new(DiffOptions::default());
/// differ.add(&Snapshot::of(&heap(100)?, &AnalyzeOptions::default())?)?;
/// let report = differ.finish(&Snapshot::of(&heap(300)?, &AnalyzeOptions::default())?)?;
/// assert_eq!(report.classes.rows[0].count_delta, 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Differ {
    options: DiffOptions,
    collection: Collection,
    earlier: Vec<Earlier>,
    oldest: Option<Oldest>,
    evidence: Vec<IdEvidence>,
}

impl std::fmt::Debug for Differ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Differ")
            .field("options", &self.options)
            .field("earlier", &self.earlier.len())
            .finish_non_exhaustive()
    }
}

/// What is kept of each heap but the newest.
struct Earlier {
    provenance: Provenance,
    totals: HeapTotals,
    ids: Ids,
}

impl Differ {
    /// Nothing has been compared yet.
    #[must_use]
    pub fn new(options: DiffOptions) -> Self {
        Self {
            options,
            collection: Collection::new(),
            earlier: Vec::new(),
            oldest: None,
            evidence: Vec::new(),
        }
    }

    /// Takes a heap that is older than those to come: one, or two.
    ///
    /// # Errors
    /// When there are too many, when it was cancelled, and when there is no memory for it.
    pub fn add(&mut self, snapshot: &Snapshot<'_>) -> Result<(), DiffError> {
        if self.earlier.len() == 2 {
            return Err(DiffError::Count { found: 4 });
        }
        // Only the newest's ways are looked at again.
        drop(self.collection.add(snapshot));
        self.check(snapshot)?;
        let ids = self.compare_ids(snapshot);
        if self.oldest.is_none() {
            self.oldest = Some(Oldest::of(snapshot)?);
        }
        self.earlier.push(Earlier {
            provenance: snapshot.provenance().clone(),
            totals: totals(snapshot),
            ids,
        });
        Ok(())
    }

    /// Takes the newest heap, and tells what grew.
    ///
    /// # Errors
    /// When there was none before it, when it was cancelled, and when there is no memory for it.
    pub fn finish(mut self, newest: &Snapshot<'_>) -> Result<DiffReport, DiffError> {
        let Some(oldest) = self.oldest.take() else {
            return Err(DiffError::Count { found: 1 });
        };
        let mut ids = self.compare_ids(newest);
        let provenances = self.earlier.iter().map(|earlier| &earlier.provenance);
        let provenances: Vec<_> = provenances.chain([newest.provenance()]).collect();
        let evidence = std::mem::take(&mut self.evidence);
        let comparison = evidence::decide(self.options.by, &provenances, evidence);
        if self.earlier.len() < 2 || comparison.by != DiffBy::Ids {
            // Nobody asks what became of the objects between.
            ids = Ids::new();
            self.earlier
                .iter_mut()
                .for_each(|earlier| earlier.ids = Ids::new());
        }

        let limits = self.options.limits();
        let collection = std::mem::replace(&mut self.collection, Collection::new());
        let (growth, tree) = growth::growth(collection, newest, &limits);
        self.check(newest)?;
        let survivors = match (comparison.by, self.earlier.as_slice()) {
            (DiffBy::Ids, [first, second]) => Some(survivors::by_ids(
                [&first.ids, &second.ids, &ids],
                newest,
                &tree,
                self.options.classes,
            )),
            (DiffBy::Signature, [_, _]) => Some(survivors::by_signature(&growth)),
            _ => None,
        };
        drop((ids, tree));
        let classes = oldest.deltas(newest, comparison.by, &self.options.analyze)?;
        let (mut sources, mut sums) = (Vec::new(), Vec::new());
        for earlier in self.earlier {
            sources.push(earlier.provenance.source);
            sums.push(earlier.totals);
        }
        sources.push(newest.source());
        sums.push(totals(newest));
        Ok(DiffReport {
            snapshots: sources,
            comparison,
            totals: sums,
            classes: Listing::cut(classes, self.options.classes),
            growth,
            survivors,
        })
    }

    /// The ids of the next heap, and what they say about those of the heap before.
    fn compare_ids(&mut self, next: &Snapshot<'_>) -> Ids {
        let ids = evidence::sorted_ids(next.graph());
        if let Some(last) = self.earlier.last() {
            self.evidence.push(evidence::compare(&last.ids, &ids));
        }
        ids
    }

    fn check(&self, snapshot: &Snapshot<'_>) -> Result<(), AnalyzeError> {
        if snapshot.cancel().is_cancelled() || self.options.analyze.cancel.is_cancelled() {
            return Err(AnalyzeError::Cancelled);
        }
        Ok(())
    }
}

/// What grew since heaps of which only the [`Ways`] were kept, the oldest first: by signature, as [`diff`] tells it.
///
/// Of `options` those count that are about growth. When the snapshot's signal is raised the answer is not whole.
#[must_use]
pub fn growth_since(earlier: &[&Ways], newest: &Snapshot<'_>, options: &DiffOptions) -> Grown {
    growth::since(earlier, newest, &options.limits())
}

fn totals(snapshot: &Snapshot<'_>) -> HeapTotals {
    HeapTotals {
        nodes: snapshot.graph().node_count() as u64,
        edges: snapshot.graph().edge_count() as u64,
        size: snapshot.analysis().total_size(),
    }
}
