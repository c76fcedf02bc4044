//! Forks a running V8 process, so that work can be done on a frozen copy of its memory while it goes on.
//!
//! The process stands still for the fork alone: a millisecond or so, and some 30 ms for each GB of 4 KB pages that the
//! child is to see. The child is a copy-on-write image of this moment, has one thread, and may call V8.
//!
//! # What stands in the way, and what is done
//! - V8 marks its memory `MADV_DONTFORK`: the marks are taken back for the moment of the fork, and put back
//!   ([`prepare`] reads them on a thread that may wait, the fork completes them by what was mapped since).
//! - V8 hands work to threads that the child does not have. The fork waits a little until they are idle; in the
//!   child, waits for them end it or answer at once (every waiting function that is called through a symbol table is
//!   replaced there, futexes included).
//! - The child would hold the parent's sockets, ring its event loops and answer its signals: it gives back all
//!   descriptors but those it is to keep, and resets all signals.
//! - The child can fail. It tells why in a page that it shares with its parent, is bounded in memory, processor and wall
//!   time, is the first that the kernel takes when memory runs out, and is reaped by its own process id.
//!
//! # What the parent risks
//! Nothing is ever changed in the parent but the fork marks of V8's memory (and, for the moment of the fork, of large
//! buffers that the child does not need). A failed child costs the copy that it did not make.
//!
//! Linux only: elsewhere [`prepare`] answers why not.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;
mod outcome;
mod settings;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Child, Forked, Prepared, give_back_free_memory, learn, prepare, support};
#[cfg(target_os = "linux")]
pub use linux::{Child, Forked, Prepared, give_back_free_memory, learn, prepare, support};
pub use outcome::{Ended, Failure, Outcome, Timings, Verdict, Vital};
pub use settings::{Error, Limits, PrepareOptions, Priority, Unshare};
