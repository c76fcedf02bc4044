//! Our own memory, frozen by a fork.

use std::fs;
use std::path::{Path, PathBuf};

use super::{MemorySource, Region, RegionKind, ThreadState, maps, region_of, unreadable};
use crate::error::WalkError;

/// The memory of this process. To be used in a forked child alone, where nothing but the walker runs: the heap is
/// looked at in place, so nothing of it is copied.
#[derive(Debug)]
pub struct OwnMemory {
    regions: Vec<Region>,
    threads: Vec<ThreadState>,
}

impl OwnMemory {
    /// Lists the mappings of this process.
    ///
    /// # Safety
    /// From here on until the value is dropped, no other thread may run, and what is mapped now must stay mapped and
    /// readable: that is so in the child of a `fork` as long as it neither runs JavaScript nor unmaps memory that
    /// was there before.
    ///
    /// # Errors
    /// [`WalkError::Io`] without `/proc/self/maps`.
    pub unsafe fn frozen() -> Result<Self, WalkError> {
        let path = Path::new("/proc/self/maps");
        let text = fs::read_to_string(path).map_err(|source| WalkError::Io {
            what: "read the list of mappings",
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            regions: maps::parse(&text),
            threads: Vec::new(),
        })
    }

    /// Says where the stack of the thread that was forked is at, so that it counts as a (conservative) root.
    #[must_use]
    pub fn with_stack_pointer(mut self, stack_pointer: u64) -> Self {
        let tid = std::process::id();
        self.threads = vec![ThreadState {
            tid,
            stack_pointer,
            registers: Vec::new(),
        }];
        self
    }
}

impl MemorySource for OwnMemory {
    fn describe(&self) -> String {
        "this process".to_owned()
    }

    fn regions(&self) -> &[Region] {
        &self.regions
    }

    fn read(&self, address: u64, out: &mut [u8]) -> Result<(), WalkError> {
        let bytes = self
            .view(address, out.len())
            .ok_or_else(|| unreadable(address, out.len()))?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn view(&self, address: u64, length: usize) -> Option<&[u8]> {
        let region = region_of(&self.regions, address)
            .filter(|r| r.readable && r.contains(address, length as u64))?;
        // Files may have been cut short since: touching such a page is SIGBUS.
        if matches!(region.kind, RegionKind::File(_) | RegionKind::Kernel) && region.writable {
            return None;
        }
        let start = usize::try_from(address).ok()?;
        // SAFETY: the range lies in one readable mapping of this process, which stays as it is while `self` lives
        // (the contract of `frozen`), and nobody writes to it meanwhile. The address is not null: no mapping is at 0.
        Some(unsafe {
            std::slice::from_raw_parts(std::ptr::with_exposed_provenance(start), length)
        })
    }

    fn threads(&self) -> &[ThreadState] {
        &self.threads
    }

    fn executables(&self) -> Vec<PathBuf> {
        vec![PathBuf::from("/proc/self/exe")]
    }
}
