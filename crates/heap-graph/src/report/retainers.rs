//! `memguard retainers`: who holds certain objects.

use serde::{Deserialize, Serialize};

use super::{Listing, ObjectRef, RetainingPath, SourceInfo, SourceLocation};

/// Who holds the objects that were asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetainersReport {
    /// The snapshot.
    pub source: SourceInfo,
    /// What was asked for, as a filter: `class = LogEntry`.
    pub target: String,
    /// Objects that match.
    pub count: u64,
    /// Their shallow size in bytes.
    pub shallow_size: u64,
    /// Their retained size in bytes, each byte counted once.
    pub retained_size: u64,
    /// The way to one of them that is shortest in source words.
    pub shortest: Option<RetainingPath>,
    /// The ways to all of them by signature, those with most retained bytes first.
    pub clusters: Listing<PathCluster>,
    /// For a single object: everything that holds it, nearest to the root first, each with its own way.
    pub holders: Listing<RetainingPath>,
    /// Objects that nothing but weak references leads to.
    pub unreachable: u64,
}

/// Objects that hang at the same place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathCluster {
    /// Hash of the retention signature, as in a diff.
    pub signature: String,
    /// The signature in words.
    pub words: String,
    /// Objects.
    pub count: u64,
    /// Their shallow size in bytes.
    pub shallow_size: u64,
    /// Their retained size in bytes, each byte counted once.
    pub retained_size: u64,
    /// The largest.
    pub largest: ObjectRef,
    /// The way to it.
    pub example: RetainingPath,
    /// The nearest place in the program's source on that way.
    pub location: Option<SourceLocation>,
}
