//! What differs between operating systems: file modes, folder sync, disk space, process identity.

#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

#[cfg(unix)]
pub use unix::*;
#[cfg(not(unix))]
pub use windows::*;

/// Memory of this process as the operating system counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resident {
    /// Resident set size in bytes.
    pub rss_bytes: u64,
    /// The highest it has been since the process began, in bytes.
    pub peak_bytes: u64,
}
