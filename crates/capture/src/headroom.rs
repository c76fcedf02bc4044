//! What a heap snapshot will cost, and whether there is room for it.
//!
//! V8 builds a graph of the whole heap in memory before it writes a byte, so the number of objects sets the
//! cost, not their size: a heap of many small objects needs 15 to 19 times its own size, a heap of large
//! strings or buffers next to nothing. The model, per heap node: memory and file size by Node line, CPU time
//! by Node line. The number of nodes is estimated from the bytes (42 per node, small objects) until the
//! first snapshot has counted them; from then on its real figures are used.
//!
//! Pure functions; nothing is read here.

mod cost;
mod decision;

pub use cost::{Basis, Cost, HeapFacts, LastCapture, Range, estimate};
pub use decision::{Code, Decision, MemoryRoom, Room, decide, needed_memory_bytes};
