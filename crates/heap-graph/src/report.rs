//! What an analysis says, as data: one type per report, for renderers, for `--json` and for JavaScript.
//!
//! Everything here is plain values with serde, in camelCase as JSON. Sizes are bytes, shares are 0 to 1,
//! lines and columns are 1-based. Lists that were cut say how long they are ([`Listing`]), names that were
//! cut end in `…`. A report holds no reference to the graph it came from, and the same graph and options give the
//! same report, byte for byte.
//!
//! Trees are flat, in preorder with `parent` and `depth`, so that neither a renderer nor a parser of the JSON
//! needs recursion.

mod analyze;
mod common;
mod diff;
mod query;
mod retainers;
#[cfg(test)]
mod tests;

pub use analyze::{
    AnalyzeReport, CapacityKind, ClassRow, Collection, CollectionReason, DetachedRow,
    DominatorNode, DuplicateString, ExternalMemory, ExternalRow, Insights, ModuleRow, PackageRow,
    Totals, TypeRow, WastedCapacity, WastedRow,
};
pub use common::{Listing, ObjectRef, PathStep, RetainingPath, SourceInfo, SourceLocation};
pub use diff::{
    ClassDelta, Comparison, ContentRow, DiffBy, DiffReport, Growth, GrowthCluster, GrowthKind,
    HeapTotals, IdEvidence, SurvivorRow, Survivors,
};
pub use query::QueryReport;
pub use retainers::{PathCluster, RetainersReport};
