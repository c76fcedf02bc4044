//! V8's sampled allocation profiles, and what can be said of them.
//!
//! V8 samples allocations: on average one byte in every `sampling interval` is the one at which an object is noted down
//! with its stack, so that a large object is likelier to be seen than a small one. Each sample is scaled by the
//! inverse of its chance (a Poisson process over bytes), hence sums of many samples are unbiased and those of few are
//! not worth much: every figure here comes with the number of samples it rests on, and a relative error of one over
//! its root.
//!
//! A profile is a tree of calls ([`Profile`], read by [`read`] from what V8's inspector hands out, which is also the
//! `.heapprofile` of Chrome DevTools). From it follow
//! - [`sites`]: functions by what they allocate themselves, and the app's own functions by what they cause,
//! - [`flame`]: a flame graph, pruned to what can be drawn,
//! - [`compare`]: what one profile allocates more than another,
//! - [`evidence`](sites::evidence): the sites that a leak report quotes.
//!
//! [`requests`] is about allocation by route: which kinds of requests leave live heap behind.
//!
//! Everything is pure: bytes and figures in, reports out; no clock, no file, no thread. Reading takes memory in
//! proportion to the input, a tree that is deeper than [`MOST_DEPTH`] is refused.

pub mod compare;
mod error;
pub mod flame;
mod model;
mod reader;
pub mod report;
pub mod requests;
pub mod sites;
#[cfg(test)]
mod tests;

pub use error::ProfileError;
pub use model::{Frame, Meta, Mode, Node, Origin, Profile};
pub use reader::{MOST_DEPTH, read};
