//! What a heap snapshot will cost, and whether there is room for it.
//!
//! V8 builds a graph of the whole heap in memory before it writes a byte, so objects and references set
//! the cost. The first estimate takes the whole used heap for the costliest kind of objects that was seen;
//! from then on the figures in the side-car of the last capture of the same app are used: its counts, its
//! file, its pause, and how far the resident set really grew.
//!
//! Pure functions; nothing is read here.

mod cost;
mod decision;

pub use cost::{Basis, Cost, HeapFacts, LastCapture, Range, estimate};
pub use decision::{Code, Decision, MemoryRoom, Room, decide, needed_memory_bytes};

#[cfg(test)]
mod tests;
