//! A bounded cache outside of V8's heap, shared by the threads of a process. Keys and values are bytes.
//!
//! # Memory
//! All memory is mapped from the system as it is needed, counted in a budget *before* it is mapped, and unmapped when
//! it is given back, so `max_bytes` bounds what is held at any moment: keys, values, tables, ghosts, free room.
//! Entries lie in *cells*; a page holds cells of one size, and there are four sizes for each doubling. An entry is found
//! through its slot, so cells move: when one size needs a page and another has one's worth of free cells, these are
//! drawn together, which bounds fragmentation to about a page for each size and shard. Entries above half a page have
//! a mapping of their own. An entry takes
//!
//! ```text
//! 4 + key + value, rounded up to a cell, + 40 slot + 4 word + 4 bucket + 8 ghosts
//! ```
//!
//! and of a cell at most a fifth is not used, a third of those above a quarter of a page.
//!
//! # Why not another way
//! - *A `SharedArrayBuffer` that JavaScript reads by itself*: threads would have to be handed it, a name could not find
//!   it; a lookup in it costs as much as the call (some 400 ns with a string key); and what JavaScript may write, Rust
//!   may not trust. Only the words below are shared with it.
//! - *moka, quick_cache*: they bound the sum of weights, not memory; each value is an allocation of its own whose
//!   overhead and fragmentation nobody counts.
//!
//! # Copies in JavaScript
//! A thread keeps deserialised copies of what it read. Each slot has a *word* in memory that JavaScript sees: a version
//! that changes whenever the slot's entry does, also when the slot is used anew, and a bit that says that it was used.
//! A copy is current while the version is what it was under the lock that the copy was made under. The version has 31
//! bits: a copy would be mistaken for current after exactly 2³¹ changes of its slot between two looks at it.
//!
//! # Threads
//! A few shards with a lock each; never are two locks held, and none while JavaScript runs or while more than half a page is
//! copied. Nothing is bound to a thread: one that ends leaves nothing behind but its `Arc`s, which its environment's
//! cleanup drops.
//!
//! # What it does not do
//! It does not outlive the process, is not shared between processes, and knows nothing of what the bytes mean.

mod arena;
mod budget;
mod cache;
mod classes;
mod clock;
mod counters;
mod error;
mod geometry;
mod ghosts;
mod index;
mod large;
mod queues;
mod region;
mod registry;
mod shard;
mod slots;

pub use cache::{Cache, Lookup, MAX_KEY_BYTES, Meta, Stats};
pub use counters::Counters;
pub use error::Error;
pub use large::Large;
pub use registry::{open, open_by_id};
pub use slots::Words;
