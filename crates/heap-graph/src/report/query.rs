//! `memguard query`: objects that a filter lets through.

use serde::{Deserialize, Serialize};

use super::{Listing, ObjectRef, SourceInfo};

/// Objects that match a filter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryReport {
    /// The snapshot.
    pub source: SourceInfo,
    /// The filter, as it was understood.
    pub filter: String,
    /// Objects that match.
    pub count: u64,
    /// Their shallow size in bytes.
    pub shallow_size: u64,
    /// The largest by retained size.
    pub objects: Listing<ObjectRef>,
}
