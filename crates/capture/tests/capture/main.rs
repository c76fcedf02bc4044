//! The folder as its users see it: one process, many processes, full disks.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed test panics"
)]

mod disk;
mod folder;
mod owners;
mod processes;
mod support;
