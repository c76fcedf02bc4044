//! Node-API bindings of memguard: conversions only, every feature lives in its own crate.
//!
//! Structures cross the border as JSON text: sizes are u64 here and numbers there, which Node-API's own
//! conversion would make BigInts. Every export catches panics, and every error carries its code.

mod cache;
mod capture;
mod census;
mod cli;
mod curve;
mod error;
mod guard;
mod heap;
mod hunt;
mod json;
mod looks;
mod profile;
mod task;
#[cfg(feature = "test-hooks")]
mod test_hooks;
mod vitals;
