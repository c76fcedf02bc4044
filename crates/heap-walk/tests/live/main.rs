//! The census of real Node.js processes.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails panics"
)]

mod builds;
mod census;
mod core;
mod damage;
mod graph;
mod metadata;
mod support;
mod workers;
