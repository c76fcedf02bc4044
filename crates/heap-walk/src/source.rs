//! Where the bytes of a heap come from: another process, our own (frozen by a fork), a core file, or a test.
//!
//! The walker knows a process as a list of regions and a way to read them. It never writes, and it never trusts an
//! address that it finds: what can't be read is an error, not a fault.

mod core_file;
mod image;
mod maps;
mod own;
mod process;
mod stop;

use std::path::PathBuf;

pub use core_file::CoreFile;
pub use image::MemoryImage;
pub use own::OwnMemory;
pub use process::ProcessMemory;
pub use stop::StoppedProcess;

use crate::error::WalkError;

/// What a mapping is, as far as the census cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegionKind {
    /// Private memory of the allocator or of V8.
    Anonymous,
    /// The `brk` heap.
    Heap,
    /// The stack of the first thread.
    Stack,
    /// A mapped file.
    File(PathBuf),
    /// The kernel's own (`[vdso]`, `[vvar]`): never read.
    Kernel,
}

/// A mapping of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub start: u64,
    /// One beyond the last address.
    pub end: u64,
    /// It may be read.
    pub readable: bool,
    /// It may be written.
    pub writable: bool,
    /// What it is.
    pub kind: RegionKind,
}

impl Region {
    /// Whether all of `length` bytes from `address` lie in this region.
    #[must_use]
    pub fn contains(&self, address: u64, length: u64) -> bool {
        address >= self.start
            && address
                .checked_add(length)
                .is_some_and(|end| end <= self.end)
    }
}

/// The state of a thread: what its stack and registers may still hold on to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadState {
    /// Its id.
    pub tid: u32,
    /// Where its stack is at.
    pub stack_pointer: u64,
    /// Its general registers, in the kernel's order.
    pub registers: Vec<u64>,
}

/// Memory that can be read and does not change while it is.
pub trait MemorySource {
    /// What is being read, for messages: `process 1234`, `core.1234`.
    fn describe(&self) -> String;

    /// All mappings, ascending, not overlapping.
    fn regions(&self) -> &[Region];

    /// Reads exactly `out.len()` bytes. A source that has no [`view`](Self::view) must bring its own.
    ///
    /// # Errors
    /// [`WalkError::Unreadable`] when any of them is not there; `out` may have been written in part.
    fn read(&self, address: u64, out: &mut [u8]) -> Result<(), WalkError> {
        let bytes = self
            .view(address, out.len())
            .ok_or_else(|| unreadable(address, out.len()))?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    /// The bytes themselves where they can be looked at in place, without a copy.
    fn view(&self, _address: u64, _length: usize) -> Option<&[u8]> {
        None
    }

    /// The threads whose stacks may hold objects. Empty when it is not known.
    fn threads(&self) -> &[ThreadState] {
        &[]
    }

    /// ELF files that may export V8's metadata, the likeliest first.
    fn executables(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for region in self.regions() {
            if let RegionKind::File(path) = &region.kind
                && !files.contains(path)
            {
                files.push(path.clone());
            }
        }
        files
    }
}

/// Finds the region that an address lies in.
pub(crate) fn region_of(regions: &[Region], address: u64) -> Option<&Region> {
    let after = regions.partition_point(|r| r.start <= address);
    regions[..after].last().filter(|r| address < r.end)
}

/// An error for memory that is not there.
pub(crate) fn unreadable(address: u64, length: usize) -> WalkError {
    WalkError::Unreadable {
        address,
        length,
        source: std::io::Error::from_raw_os_error(libc::EFAULT),
    }
}
