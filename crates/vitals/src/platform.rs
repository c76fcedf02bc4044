//! Where the figures come from: one file per operating system behind one trait.
//!
//! A platform opens what it needs once, reads it again and again without allocating, and gives all
//! of it back when it is dropped. It never fails as a whole: what is missing or denied makes that
//! figure `None`, and a [`Capability`] says why.

use serde::Serialize;

use crate::sample::OsReading;

#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(any(target_os = "macos", target_os = "windows"))]
mod portable;
#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
mod unknown;
#[cfg(target_os = "windows")]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::Linux as Native;
#[cfg(target_os = "macos")]
pub(crate) use macos::MacOs as Native;
#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
pub(crate) use unknown::Unknown as Native;
#[cfg(target_os = "windows")]
pub(crate) use windows::Windows as Native;

/// Whether one source of figures works here, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capability {
    /// Stable name, such as `cgroup` or `memoryPressure`.
    pub name: &'static str,
    /// Whether figures can be had.
    pub available: bool,
    /// Why not; empty when available.
    pub reason: String,
}

impl Capability {
    /// A source that works.
    pub fn yes(name: &'static str) -> Self {
        Self {
            name,
            available: true,
            reason: String::new(),
        }
    }

    /// A source that doesn't, and why.
    pub fn no(name: &'static str, reason: impl Into<String>) -> Self {
        Self {
            name,
            available: false,
            reason: reason.into(),
        }
    }
}

/// One operating system's way to the figures.
pub trait Platform: Send {
    /// Reads everything once. Blocks for microseconds, never waits.
    fn read(&mut self) -> OsReading;

    /// Makes the next reading read everything anew, limits and dear figures included.
    fn expire(&mut self) {}

    /// What works here and what doesn't. Costs a few allocations: for reports, not for each tick.
    fn capabilities(&self) -> Vec<Capability>;

    /// Path and kind of the limits, for people: the group whose limit counts, if any.
    fn limit_names(&self) -> LimitNames {
        LimitNames::default()
    }
}

/// What the cgroup limits in an [`OsReading`] are called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitNames {
    /// File that carries the kill limit, such as `/sys/fs/cgroup/memory.max`.
    pub cgroup: Option<String>,
    /// File that carries the throttling limit.
    pub cgroup_high: Option<String>,
}
