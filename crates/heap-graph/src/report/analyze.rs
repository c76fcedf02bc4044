//! `memguard analyze`: what is in a heap.

use serde::{Deserialize, Serialize};

use super::{Listing, ObjectRef, SourceInfo, SourceLocation};

/// What is in a heap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnalyzeReport {
    /// The snapshot.
    pub source: SourceInfo,
    /// Sizes and counts of the whole heap.
    pub totals: Totals,
    /// Classes by retained size, as DevTools' Summary view has them.
    pub classes: Listing<ClassRow>,
    /// The largest dominators as a tree in preorder; the first row is the whole heap.
    pub dominators: Vec<DominatorNode>,
    /// What looks wasteful, foreign or grown.
    pub insights: Insights,
}

/// Sizes and counts of a heap.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Objects.
    pub nodes: u64,
    /// References.
    pub edges: u64,
    /// Distinct strings of the file: names and string contents.
    pub strings: u64,
    /// Bytes of all objects, external memory that V8 counts included: DevTools' "Total".
    pub size: u64,
    /// By kind of node, largest first.
    pub types: Vec<TypeRow>,
}

/// All objects of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeRow {
    /// V8's kind: `object`, `string`, `closure`, `code`, `array`, `native`, `hidden`, …
    pub kind: String,
    /// Objects.
    pub count: u64,
    /// Their shallow size in bytes.
    pub size: u64,
    /// Share of the whole heap.
    pub share: f64,
}

/// One class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassRow {
    /// The class's name: `LogEntry`, `{id, url}`, `(string)`.
    pub name: String,
    /// Where its constructor stands, for classes of the program.
    pub location: Option<SourceLocation>,
    /// Objects.
    pub count: u64,
    /// Shallow size of all in bytes.
    pub shallow_size: u64,
    /// Retained size of all in bytes, each byte counted once.
    pub retained_size: u64,
    /// Share of the heap that is retained.
    pub retained_share: f64,
    /// The smallest distance of any; none when only V8's own roots lead to them.
    pub distance: Option<u32>,
}

/// A row of the dominator tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DominatorNode {
    /// The row of the dominator, by its place in the list; none for the first.
    pub parent: Option<u32>,
    /// Depth in this tree, 0 for the first.
    pub depth: u32,
    /// How the dominator holds it, where it does so itself.
    pub edge: Option<String>,
    /// The object; of a group of equals (`groupCount` > 1), the largest.
    pub object: ObjectRef,
    /// How many objects the row stands for: many equal children of one dominator are one row.
    pub group_count: u64,
    /// Retained size of all of them in bytes.
    pub retained_size: u64,
    /// Share of the whole heap.
    pub share: f64,
    /// Objects directly below that are in no row, being too small.
    pub hidden_children: u64,
    /// Retained size of these in bytes.
    pub hidden_size: u64,
}

/// What looks wasteful, foreign or grown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Insights {
    /// Strings of the same content, by bytes that could be saved.
    pub duplicate_strings: Listing<DuplicateString>,
    /// Bytes that all duplicate strings could save.
    pub duplicate_string_bytes: u64,
    /// Room in arrays, maps and sets that nothing uses.
    pub wasted_capacity: WastedCapacity,
    /// Memory outside of V8's heap that its objects hold.
    pub external: ExternalMemory,
    /// Packages by the bytes that their functions and module state retain.
    pub packages: Listing<PackageRow>,
    /// Scripts by the same.
    pub modules: Listing<ModuleRow>,
    /// Collections that look like caches, logs or listener lists without a bound.
    pub collections: Listing<Collection>,
    /// Nodes detached from a document, and other things whose native part is gone.
    pub detached: Listing<DetachedRow>,
}

/// Strings of the same content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DuplicateString {
    /// The content, cut to some 100 characters.
    pub value: String,
    /// Objects of this content.
    pub count: u64,
    /// Bytes of all.
    pub size: u64,
    /// Bytes of all but one.
    pub wasted: u64,
    /// Who holds most of them: class and reference, `LogEntry.url`.
    pub held_by: Option<String>,
}

/// What room is unused in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CapacityKind {
    /// Elements of an array or of an object's integer keys.
    Array,
    /// Table of a `Map`.
    Map,
    /// Table of a `Set`.
    Set,
    /// Properties of an object in dictionary mode.
    Properties,
}

/// Room that nothing uses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WastedCapacity {
    /// Bytes in all.
    pub bytes: u64,
    /// Empty collections whose store takes room nevertheless.
    pub empty_count: u64,
    /// Bytes of these.
    pub empty_bytes: u64,
    /// The largest.
    pub rows: Listing<WastedRow>,
}

/// A collection with unused room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WastedRow {
    /// What kind of store.
    pub kind: CapacityKind,
    /// The collection.
    pub object: ObjectRef,
    /// Slots that hold a reference. Small integers and floating-point numbers leave no reference behind in a
    /// snapshot, so stores without any reference are not judged.
    pub used: u64,
    /// Slots that there are.
    pub capacity: u64,
    /// Bytes of the unused.
    pub wasted: u64,
    /// Who holds it, in words.
    pub held_by: Option<String>,
}

/// Memory outside of V8's heap that its objects hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalMemory {
    /// Bytes in all, as the snapshot counts them.
    pub bytes: u64,
    /// Stores of `ArrayBuffer` and `Buffer`.
    pub array_buffer_bytes: u64,
    /// External strings, such as sources built into Node.
    pub string_bytes: u64,
    /// By class of the native object, largest first.
    pub rows: Listing<ExternalRow>,
}

/// One class of external memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalRow {
    /// The native object's class.
    pub name: String,
    /// Objects.
    pub count: u64,
    /// Bytes.
    pub size: u64,
    /// Who holds most of it, in words.
    pub held_by: Option<String>,
}

/// One script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleRow {
    /// Its path or URL.
    pub script: String,
    /// The package it belongs to; `node` for Node's own, none for the program itself.
    pub package: Option<String>,
    /// Functions that live.
    pub functions: u64,
    /// Bytes of code, source text and metadata.
    pub code_size: u64,
    /// Bytes that the script's functions and their contexts retain, each byte counted once.
    pub retained_size: u64,
    /// Objects whose constructor stands in it.
    pub instances: u64,
    /// Their shallow size in bytes.
    pub instance_size: u64,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageRow {
    /// Its name; `node` for Node's own scripts, `(app)` for what is in no package.
    pub name: String,
    /// Scripts.
    pub modules: u64,
    /// Functions that live.
    pub functions: u64,
    /// Bytes of code, source text and metadata.
    pub code_size: u64,
    /// Bytes that its functions and their contexts retain, each byte counted once.
    pub retained_size: u64,
    /// Shallow size of objects whose constructor stands in it, in bytes.
    pub instance_size: u64,
}

/// Why a collection is in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CollectionReason {
    /// It retains a large share of the heap.
    Dominant,
    /// It has many entries.
    ManyEntries,
    /// An object used as a dictionary with many keys.
    Dictionary,
    /// Many listeners of one event.
    Listeners,
    /// A long chain of objects of one class.
    LinkedList,
}

/// A collection that looks as if it had no bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Collection {
    /// Why it is here.
    pub reason: CollectionReason,
    /// The collection.
    pub object: ObjectRef,
    /// Entries that hold a reference.
    pub entries: u64,
    /// Class of most entries.
    pub entry_class: Option<String>,
    /// Share of the heap that it retains.
    pub share: f64,
    /// The way to it, in words.
    pub path: Option<String>,
}

/// Detached things of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DetachedRow {
    /// Their class: `Detached HTMLDivElement`.
    pub name: String,
    /// Objects.
    pub count: u64,
    /// Retained size in bytes, each byte counted once.
    pub retained_size: u64,
    /// The way to the largest, in words.
    pub path: Option<String>,
}
