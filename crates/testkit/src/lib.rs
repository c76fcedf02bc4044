//! Tiny heap snapshots for tests, so that no test needs a file of V8's: written by hand ([`Heap`]), at random from a
//! seed ([`random_heap`]), in the layout of any V8 ([`Layout`]), and damaged ([`Mutator`]).
//!
//! ```
//! use memguard_testkit::Heap;
//!
//! let mut heap = Heap::new();
//! let global = heap.global();
//! let cache = heap.object("Cache", 32);
//! heap.property(global, "cache", cache);
//! let text = heap.to_json();
//! assert!(text.starts_with(b"{\"snapshot\""));
//! ```

mod damage;
mod heap;
mod layout;
mod random;

pub use damage::Mutator;
pub use heap::{Heap, NodeRef};
pub use layout::Layout;
pub use random::{Random, random_heap};
