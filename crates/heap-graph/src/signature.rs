//! Retention signatures: what an object is called by the way in which it is held.
//!
//! Object ids mean nothing outside of one process, and even there not in a forked snapshot. What does mean something
//! everywhere is *how* an object is held: `function h [server.js] → context .requestLog → Object → [key] → LogEntry`. All objects that
//! are held alike are one entry, so two heaps are compared by subtracting entries.
//!
//! # Definition
//! 1. **Way.** Each object has one way from a root: that of fewest *source words* (see [`RetainerTree`](crate::retainers::RetainerTree)). Ties are
//!    decided by names, never by ids or order.
//! 2. **Parts.** Backing stores, scopes, shapes, code, boxed numbers and the halves of concatenated strings belong to the
//!    object that holds them.
//! 3. **Names.** An object is called by its class, a reference by its property, variable or link. Array elements and
//!    entries of collections are `[*]`, keys that are data are `[key]`, digits and hashes in names are `#`, minified
//!    names are `?`, scripts lose their folder. Places with many properties of one class are dictionaries,
//!    whose keys are all `[key]`.
//! 4. **Cycles.** A sequence of at most eight names that comes twice continues at the first: a linked list of a million
//!    is one entry.
//! 5. **Depth.** Ways end after 64 names; the *signature*, which is hashed, has the last names back to the nearest
//!    function of the program, at most twelve. So it does not depend on how that function is reached.
//!
//! # Cost
//! One search over the graph, at most 13 bytes a node while it lasts, and some 60 bytes for each entry: a few ten thousand in
//! most programs, four million at most.

mod collect;
mod fold;
mod growth;
mod hash;
mod labels;
mod names;
mod trie;
mod ways;

pub(crate) use collect::{Collected, Collection, UNREACHED};
pub(crate) use fold::script as script_in_signatures;
pub(crate) use growth::{Cluster, GrowthMap, signature, signature_way};
pub(crate) use hash::{NumberHash, chain, hash_text};
pub(crate) use labels::{Labels, Link, NodeLabel, Role, is_part};
pub(crate) use names::{Name, Names};
pub(crate) use trie::Entry;
pub use ways::{NOWHERE, WayPlace, Ways};
