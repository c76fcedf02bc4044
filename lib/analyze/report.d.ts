// What reports say. Sizes are bytes, shares 0 to 1, lines and columns begin with 1.

/** Rows of a list that may have been cut. */
export interface Listing<T> {
  /** How many rows there are, those that are not in `rows` included. */
  total: number;
  /** The first of them, most important first. */
  rows: T[];
}

/** A place in a script. */
export interface SourceLocation {
  /** V8's number of the script, which means nothing outside of the snapshot. */
  scriptId: number;
  /** Path or URL of the script, where the snapshot tells it: `/app/server.js`, `node:events`. */
  script: string | null;
  /** Line, from 1. */
  line: number;
  /** Column, from 1. */
  column: number;
}

/** Where the graph came from, and what its side-car tells. */
export interface SourceInfo {
  /** The file, as the user gave it; none for a stream or a live heap. */
  file: string | null;
  /** Size of the file in bytes. */
  sizeBytes: number | null;
  /** When it was taken, in milliseconds since 1970. */
  createdAtMs: number | null;
  /** Process id. */
  pid: number | null;
  /** Machine or container. */
  host: string | null;
  /** The app, as its guard was told. */
  app: string | null;
  /** `process.version` of the process. */
  nodeVersion: string | null;
}

/** One object. */
export interface ObjectRef {
  /** The object's id in the snapshot, as DevTools shows it after `@`. */
  id: number;
  /** Its class as DevTools groups it: `LogEntry`, `(string)`, `Function`. */
  class: string;
  /** What to call it in a sentence: `LogEntry`, `function handler`, `"GET /index…"`. */
  name: string;
  /** Shallow size in bytes. */
  shallowSize: number;
  /** Retained size in bytes: what would be freed with it. */
  retainedSize: number;
  /** Steps from a global object; none when only V8's own roots lead to it. */
  distance: number | null;
  /** Where its function or its class's constructor stands. */
  location: SourceLocation | null;
}

/** One step of a path from the root. */
export interface PathStep {
  /**
   * How the object before holds this one: `.requestLog`, `[0]`, `context .cache`, `key`, `value`. None for
   * the first.
   */
  edge: string | null;
  /** The object. V8's inner objects (tables, backing stores, feedback) are left out where they say nothing. */
  object: ObjectRef;
  /** How many of V8's inner objects were left out before this one. */
  skipped: number;
  /** Whether the growth, or the matter asked for, hangs on this step: the holder is the step before. */
  suspect: boolean;
}

/** A chain of references from a root to an object. */
export interface RetainingPath {
  /**
   * The chain in one line:
   * `Server → ._events → Object → .request → function h [p3.js:5:39] → context .requestLog → Object`.
   */
  text: string;
  /** Its steps, the root first. */
  steps: PathStep[];
  /** Number of references, with those to objects that were left out. */
  length: number;
}

/** What is in a heap. */
export interface HeapReport {
  /** The snapshot. */
  source: SourceInfo;
  /** Sizes and counts of the whole heap. */
  totals: Totals;
  /** Classes by retained size, as DevTools' Summary view has them. */
  classes: Listing<ClassRow>;
  /** The largest dominators as a tree in preorder; the first row is the whole heap. */
  dominators: DominatorNode[];
  /** What looks wasteful, foreign or grown. */
  insights: Insights;
}

/** Sizes and counts of a heap. */
export interface Totals {
  /** Objects. */
  nodes: number;
  /** References. */
  edges: number;
  /** Distinct strings of the file: names and string contents. */
  strings: number;
  /** Bytes of all objects, external memory that V8 counts included: DevTools' "Total". */
  size: number;
  /** By kind of node, largest first. */
  types: TypeRow[];
}

/** All objects of one kind. */
export interface TypeRow {
  /** V8's kind: `object`, `string`, `closure`, `code`, `array`, `native`, `hidden`, … */
  kind: string;
  /** Objects. */
  count: number;
  /** Their shallow size in bytes. */
  size: number;
  /** Share of the whole heap. */
  share: number;
}

/** One class. */
export interface ClassRow {
  /** The class's name: `LogEntry`, `{id, url}`, `(string)`. */
  name: string;
  /** Where its constructor stands, for classes of the program. */
  location: SourceLocation | null;
  /** Objects. */
  count: number;
  /** Shallow size of all in bytes. */
  shallowSize: number;
  /** Retained size of all in bytes, each byte counted once. */
  retainedSize: number;
  /** Share of the heap that is retained. */
  retainedShare: number;
  /** The smallest distance of any; none when only V8's own roots lead to them. */
  distance: number | null;
}

/** A row of the dominator tree. */
export interface DominatorNode {
  /** The row of the dominator, by its place in the list; none for the first. */
  parent: number | null;
  /** Depth in this tree, 0 for the first. */
  depth: number;
  /** How the dominator holds it, where it does so itself. */
  edge: string | null;
  /** The object; of a group of equals (`groupCount` > 1), the largest. */
  object: ObjectRef;
  /** How many objects the row stands for: many equal children of one dominator are one row. */
  groupCount: number;
  /** Retained size of all of them in bytes. */
  retainedSize: number;
  /** Share of the whole heap. */
  share: number;
  /** Objects directly below that are in no row, being too small. */
  hiddenChildren: number;
  /** Retained size of these in bytes. */
  hiddenSize: number;
}

/** What looks wasteful, foreign or grown. */
export interface Insights {
  /** Strings of the same content, by bytes that could be saved. */
  duplicateStrings: Listing<DuplicateString>;
  /** Bytes that all duplicate strings could save. */
  duplicateStringBytes: number;
  /** Room in arrays, maps and sets that nothing uses. */
  wastedCapacity: WastedCapacity;
  /** Memory outside of V8's heap that its objects hold. */
  external: ExternalMemory;
  /** Packages by the bytes that their functions and module state retain. */
  packages: Listing<PackageRow>;
  /** Scripts by the same. */
  modules: Listing<ModuleRow>;
  /** Collections that look like caches, logs or listener lists without a bound. */
  collections: Listing<Collection>;
  /** Nodes detached from a document, and other things whose native part is gone. */
  detached: Listing<DetachedRow>;
}

/** Strings of the same content. */
export interface DuplicateString {
  /** The content, cut to some 100 characters. */
  value: string;
  /** Objects of this content. */
  count: number;
  /** Bytes of all. */
  size: number;
  /** Bytes of all but one. */
  wasted: number;
  /** Who holds most of them: class and reference, `LogEntry.url`. */
  heldBy: string | null;
}

/**
 * What room is unused in.
 * 
 * - `array`: Elements of an array or of an object's integer keys.
 * - `map`: Table of a `Map`.
 * - `set`: Table of a `Set`.
 * - `properties`: Properties of an object in dictionary mode.
 */
export type CapacityKind = 'array' | 'map' | 'set' | 'properties';

/** Room that nothing uses. */
export interface WastedCapacity {
  /** Bytes in all. */
  bytes: number;
  /** Empty collections whose store takes room nevertheless. */
  emptyCount: number;
  /** Bytes of these. */
  emptyBytes: number;
  /** The largest. */
  rows: Listing<WastedRow>;
}

/** A collection with unused room. */
export interface WastedRow {
  /** What kind of store. */
  kind: CapacityKind;
  /** The collection. */
  object: ObjectRef;
  /**
   * Slots that hold a reference. Small integers and floating-point numbers leave no reference behind in a
   * snapshot, so stores without any reference are not judged.
   */
  used: number;
  /** Slots that there are. */
  capacity: number;
  /** Bytes of the unused. */
  wasted: number;
  /** Who holds it, in words. */
  heldBy: string | null;
}

/** Memory outside of V8's heap that its objects hold. */
export interface ExternalMemory {
  /** Bytes in all, as the snapshot counts them. */
  bytes: number;
  /** Stores of `ArrayBuffer` and `Buffer`. */
  arrayBufferBytes: number;
  /** External strings, such as sources built into Node. */
  stringBytes: number;
  /** By class of the native object, largest first. */
  rows: Listing<ExternalRow>;
}

/** One class of external memory. */
export interface ExternalRow {
  /** The native object's class. */
  name: string;
  /** Objects. */
  count: number;
  /** Bytes. */
  size: number;
  /** Who holds most of it, in words. */
  heldBy: string | null;
}

/** One script. */
export interface ModuleRow {
  /** Its path or URL. */
  script: string;
  /** The package it belongs to; `node` for Node's own, none for the program itself. */
  package: string | null;
  /** Functions that live. */
  functions: number;
  /** Bytes of code, source text and metadata. */
  codeSize: number;
  /** Bytes that the script's functions and their contexts retain, each byte counted once. */
  retainedSize: number;
  /** Objects whose constructor stands in it. */
  instances: number;
  /** Their shallow size in bytes. */
  instanceSize: number;
}

/** One package. */
export interface PackageRow {
  /** Its name; `node` for Node's own scripts, `(app)` for what is in no package. */
  name: string;
  /** Scripts. */
  modules: number;
  /** Functions that live. */
  functions: number;
  /** Bytes of code, source text and metadata. */
  codeSize: number;
  /** Bytes that its functions and their contexts retain, each byte counted once. */
  retainedSize: number;
  /** Shallow size of objects whose constructor stands in it, in bytes. */
  instanceSize: number;
}

/**
 * Why a collection is in the list.
 * 
 * - `dominant`: It retains a large share of the heap.
 * - `manyEntries`: It has many entries.
 * - `dictionary`: An object used as a dictionary with many keys.
 * - `listeners`: Many listeners of one event.
 * - `linkedList`: A long chain of objects of one class.
 */
export type CollectionReason = 'dominant' | 'manyEntries' | 'dictionary' | 'listeners' | 'linkedList';

/** A collection that looks as if it had no bound. */
export interface Collection {
  /** Why it is here. */
  reason: CollectionReason;
  /** The collection. */
  object: ObjectRef;
  /** Entries that hold a reference. */
  entries: number;
  /** Class of most entries. */
  entryClass: string | null;
  /** Share of the heap that it retains. */
  share: number;
  /** The way to it, in words. */
  path: string | null;
}

/** Detached things of one class. */
export interface DetachedRow {
  /** Their class: `Detached HTMLDivElement`. */
  name: string;
  /** Objects. */
  count: number;
  /** Retained size in bytes, each byte counted once. */
  retainedSize: number;
  /** The way to the largest, in words. */
  path: string | null;
}

/**
 * What objects of two snapshots are matched by.
 * 
 * - `ids`: Object ids, as in DevTools' Comparison view: only for snapshots of one process, taken in place.
 * - `signature`: Class and way to the root: for forked snapshots, other processes, pods, releases.
 */
export type DiffBy = 'ids' | 'signature';

/** What grew. */
export interface HeapDiff {
  /** The snapshots, oldest first: two or three. */
  snapshots: SourceInfo[];
  /** By what they were compared, and why. */
  comparison: Comparison;
  /** Sizes and counts of each snapshot. */
  totals: HeapTotals[];
  /** Classes by change of size: between the first snapshot and the last. */
  classes: Listing<ClassDelta>;
  /** Growth by retention signature: who holds what grew. */
  growth: Growth;
  /** For three snapshots: what came between the first two and is alive in the third. */
  survivors: Survivors | null;
}

/** By what was compared. */
export interface Comparison {
  /** What class rows were counted by. */
  by: DiffBy;
  /** Whether the caller asked for it, so that evidence was not heeded. */
  forced: boolean;
  /** Why, in a sentence. */
  reason: string;
  /** What the files themselves say, for each pair of neighbours. */
  evidence: IdEvidence[];
}

/** How well the object ids of two snapshots agree. */
export interface IdEvidence {
  /** Ids of JavaScript objects in both. */
  common: number;
  /** Of these, with the same kind and name in both. */
  agreeing: number;
  /** `agreeing / common`: near 1 for snapshots of one process; 0 when nothing is common. */
  agreement: number;
  /** Share of the smaller snapshot's ids that is in both. */
  overlap: number;
  /**
   * Objects of the newer whose id the older could have given out but does not have: in one process there
   * are next to none, since ids grow.
   */
  impossible: number;
}

/** Size of a heap. */
export interface HeapTotals {
  /** Objects. */
  nodes: number;
  /** References. */
  edges: number;
  /** Bytes. */
  size: number;
}

/** One class in the first and in the last snapshot. */
export interface ClassDelta {
  /** The class's name. */
  name: string;
  /** Where its constructor stands. */
  location: SourceLocation | null;
  /** Objects in the first. */
  countBefore: number;
  /** Objects in the last. */
  countAfter: number;
  /** Objects that came. By signature: only the net change is known, and one of `added` and `removed` is 0. */
  addedCount: number;
  /** Objects that went. */
  removedCount: number;
  /** `addedCount - removedCount`. */
  countDelta: number;
  /** Bytes that came. */
  addedSize: number;
  /** Bytes that went. */
  removedSize: number;
  /** `addedSize - removedSize`. */
  sizeDelta: number;
  /** Retained size in the first, in bytes. */
  retainedBefore: number;
  /** Retained size in the last, in bytes. */
  retainedAfter: number;
  /** `retainedAfter - retainedBefore`. */
  retainedDelta: number;
}

/** Growth by retention signature. */
export interface Growth {
  /** Bytes by which the heap grew from the first snapshot to the last; negative when it shrank. */
  sizeDelta: number;
  /** Bytes of all that grew, what shrank not taken off. */
  grownSize: number;
  /** Bytes of all that shrank. */
  shrunkSize: number;
  /**
   * What grew, largest first; of three heaps by the smaller of the two steps, so that what grows all the time comes before what
   * grew once. What only moved comes last. No byte is in two rows.
   */
  clusters: Listing<GrowthCluster>;
}

/**
 * How something grew.
 * 
 * - `moreObjects`: There are more objects.
 * - `largerObjects`: As many objects as before are larger.
 */
export type GrowthKind = 'moreObjects' | 'largerObjects';

/** Something that grew, and who holds it. */
export interface GrowthCluster {
  /**
   * Hash of the retention signature, 16 hexadecimal digits: the same leak has the same in another process,
   * pod or release.
   */
  signature: string;
  /** The signature in words, folded: `function h → context .requestLog → Object → [key] → LogEntry`. */
  words: string;
  /** Class of what grew: `LogEntry`. */
  class: string;
  /** Who holds it: the object below which the growth fans out (MAT's accumulation point). */
  holder: string;
  /** How it grew. */
  kind: GrowthKind;
  /** Objects in each snapshot. */
  counts: number[];
  /** Bytes in each snapshot, with everything that hangs below them alone. */
  sizes: number[];
  /** Holders in each snapshot: 1 for a global list, many for a list in each session. */
  holders: number[];
  /** Change of count from the first to the last. */
  countDelta: number;
  /** Change of size from the first to the last, in bytes. */
  sizeDelta: number;
  /** Share of all that grew (of `grownSize`). */
  share: number;
  /** Whether it grew from each snapshot to the next. */
  steady: boolean;
  /**
   * Whether the class as a whole did not grow: as many objects have gone elsewhere, this is but another way
   * to them.
   */
  moved: boolean;
  /** What it is made of, by class: bytes that each contributed to the growth, largest first. */
  contents: Listing<ContentRow>;
  /** The way to one of the objects in the last snapshot, with the suspect step marked. */
  example: RetainingPath | null;
  /** The nearest place in the program's source on that way: where it is kept. */
  location: SourceLocation | null;
}

/** What a cluster is made of. */
export interface ContentRow {
  /** Class. */
  class: string;
  /** Change of count. */
  countDelta: number;
  /** Change of size in bytes. */
  sizeDelta: number;
}

/** What came between the first two of three snapshots and is alive in the third. */
export interface Survivors {
  /** By what they are known: ids name the very objects; signatures tell what grew in both steps. */
  by: DiffBy;
  /** Objects in all. */
  count: number;
  /** Their shallow size in bytes. */
  size: number;
  /** By class, largest first. */
  classes: Listing<SurvivorRow>;
}

/** Survivors of one class. */
export interface SurvivorRow {
  /** Class. */
  name: string;
  /** Where its constructor stands. */
  location: SourceLocation | null;
  /** Objects. */
  count: number;
  /** Shallow size in bytes. */
  size: number;
  /** Retained size in bytes in the third snapshot, each byte counted once. */
  retainedSize: number;
  /** The way to one of them. */
  example: RetainingPath | null;
}
