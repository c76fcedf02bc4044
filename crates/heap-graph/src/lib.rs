//! Reads V8 heap snapshots of any size into a compact graph, and answers what is in them.

mod analysis;
mod builder;
mod columns;
pub mod compress;
mod control;
pub mod diff;
pub mod insights;
mod model;
mod parser;
pub mod query;
pub mod redact;
pub mod report;
pub mod retainers;
pub mod signature;
#[cfg(test)]
mod sketch;
mod snapshot;

pub use analysis::{
    Aggregate, Aggregates, Analysis, AnalyzeError, AnalyzeOptions, ClassId, ClassKey, Classes,
    Interface, Interfaces, Members, Retainer, SYSTEM_DISTANCE, Statistics, UNREACHED,
};
pub use builder::{BuildError, EdgeStamp, GraphBuilder, NewLabel, PlaceId};
pub use control::{CancelSignal, Phase, Progress, ProgressListener};
pub use model::{
    Detachedness, Edge, EdgeIndex, EdgeKind, EdgeLabel, HeapGraph, Location, MAX_EDGES, MAX_NODES,
    Node, NodeIndex, NodeKind, StringId,
};
pub use parser::{ReadError, ReadOptions, read, read_file};
pub use snapshot::Snapshot;
