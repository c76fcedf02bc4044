//! `memguard diff`: what grew between two or three snapshots, and who holds it.

use serde::{Deserialize, Serialize};

use super::{Listing, RetainingPath, SourceInfo, SourceLocation};

/// What objects of two snapshots are matched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DiffBy {
    /// Object ids, as in DevTools' Comparison view: only for snapshots of one process, taken in place.
    Ids,
    /// Class and way to the root: for forked snapshots, other processes, pods, releases.
    Signature,
}

/// What grew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiffReport {
    /// The snapshots, oldest first: two or three.
    pub snapshots: Vec<SourceInfo>,
    /// By what they were compared, and why.
    pub comparison: Comparison,
    /// Sizes and counts of each snapshot.
    pub totals: Vec<HeapTotals>,
    /// Classes by change of size: between the first snapshot and the last.
    pub classes: Listing<ClassDelta>,
    /// Growth by retention signature: who holds what grew.
    pub growth: Growth,
    /// For three snapshots: what came between the first two and is alive in the third.
    pub survivors: Option<Survivors>,
}

/// By what was compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// What class rows were counted by.
    pub by: DiffBy,
    /// Whether the caller asked for it, so that evidence was not heeded.
    pub forced: bool,
    /// Why, in a sentence.
    pub reason: String,
    /// What the files themselves say, for each pair of neighbours.
    pub evidence: Vec<IdEvidence>,
}

/// How well the object ids of two snapshots agree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdEvidence {
    /// Ids of JavaScript objects in both.
    pub common: u64,
    /// Of these, with the same kind and name in both.
    pub agreeing: u64,
    /// `agreeing / common`: near 1 for snapshots of one process; 0 when nothing is common.
    pub agreement: f64,
    /// Share of the smaller snapshot's ids that is in both.
    pub overlap: f64,
    /// Objects of the newer whose id the older could have given out but does not have: in one process there
    /// are next to none, since ids grow.
    pub impossible: u64,
}

/// Size of a heap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeapTotals {
    /// Objects.
    pub nodes: u64,
    /// References.
    pub edges: u64,
    /// Bytes.
    pub size: u64,
}

/// One class in the first and in the last snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassDelta {
    /// The class's name.
    pub name: String,
    /// Where its constructor stands.
    pub location: Option<SourceLocation>,
    /// Objects in the first.
    pub count_before: u64,
    /// Objects in the last.
    pub count_after: u64,
    /// Objects that came. By signature: only the net change is known, and one of `added` and `removed` is 0.
    pub added_count: u64,
    /// Objects that went.
    pub removed_count: u64,
    /// `addedCount - removedCount`.
    pub count_delta: i64,
    /// Bytes that came.
    pub added_size: u64,
    /// Bytes that went.
    pub removed_size: u64,
    /// `addedSize - removedSize`.
    pub size_delta: i64,
    /// Retained size in the first, in bytes.
    pub retained_before: u64,
    /// Retained size in the last, in bytes.
    pub retained_after: u64,
    /// `retainedAfter - retainedBefore`.
    pub retained_delta: i64,
}

/// Growth by retention signature.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Growth {
    /// Bytes by which the heap grew from the first snapshot to the last; negative when it shrank.
    pub size_delta: i64,
    /// Bytes of all that grew, what shrank not taken off.
    pub grown_size: u64,
    /// Bytes of all that shrank.
    pub shrunk_size: u64,
    /// What grew, largest first; of three heaps by the smaller of the two steps, so that what grows all the time comes before
    /// what grew once. What only moved comes last. No byte is in two rows.
    pub clusters: Listing<GrowthCluster>,
}

/// How something grew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GrowthKind {
    /// There are more objects.
    MoreObjects,
    /// As many objects as before are larger.
    LargerObjects,
}

/// Something that grew, and who holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrowthCluster {
    /// Hash of the retention signature, 16 hexadecimal digits: the same leak has the same in another process,
    /// pod or release.
    pub signature: String,
    /// The signature in words, folded: `function h → context .requestLog → Object → [key] → LogEntry`.
    pub words: String,
    /// Class of what grew: `LogEntry`.
    pub class: String,
    /// Who holds it: the object below which the growth fans out (MAT's accumulation point).
    pub holder: String,
    /// How it grew.
    pub kind: GrowthKind,
    /// Objects in each snapshot.
    pub counts: Vec<u64>,
    /// Bytes in each snapshot, with everything that hangs below them alone.
    pub sizes: Vec<u64>,
    /// Holders in each snapshot: 1 for a global list, many for a list in each session.
    pub holders: Vec<u64>,
    /// Change of count from the first to the last.
    pub count_delta: i64,
    /// Change of size from the first to the last, in bytes.
    pub size_delta: i64,
    /// Share of all that grew (of [`Growth::grown_size`]).
    pub share: f64,
    /// Whether it grew from each snapshot to the next, in bytes and, where its objects became more, in these.
    pub steady: bool,
    /// Whether the class as a whole did not grow: as many objects have gone elsewhere, this is but another way
    /// to them.
    pub moved: bool,
    /// What it is made of, by class: bytes that each contributed to the growth, largest first.
    pub contents: Listing<ContentRow>,
    /// The way to one of the objects in the last snapshot, with the suspect step marked.
    pub example: Option<RetainingPath>,
    /// The nearest place in the program's source on that way: where it is kept.
    pub location: Option<SourceLocation>,
}

/// What a cluster is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentRow {
    /// Class.
    pub class: String,
    /// Change of count.
    pub count_delta: i64,
    /// Change of size in bytes.
    pub size_delta: i64,
}

/// What came between the first two of three snapshots and is alive in the third.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Survivors {
    /// By what they are known: ids name the very objects; signatures tell what grew in both steps.
    pub by: DiffBy,
    /// Objects in all.
    pub count: u64,
    /// Their shallow size in bytes.
    pub size: u64,
    /// By class, largest first.
    pub classes: Listing<SurvivorRow>,
}

/// Survivors of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SurvivorRow {
    /// Class.
    pub name: String,
    /// Where its constructor stands.
    pub location: Option<SourceLocation>,
    /// Objects.
    pub count: u64,
    /// Shallow size in bytes.
    pub size: u64,
    /// Retained size in bytes in the third snapshot, each byte counted once.
    pub retained_size: u64,
    /// The way to one of them.
    pub example: Option<RetainingPath>,
}
