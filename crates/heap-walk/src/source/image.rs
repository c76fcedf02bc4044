//! Memory made by hand, for tests.

use super::{MemorySource, Region, RegionKind, ThreadState};

/// A memory whose every byte was put there by hand, or copied out of another source.
#[derive(Clone, Debug, Default)]
pub struct MemoryImage {
    regions: Vec<Region>,
    bytes: Vec<Vec<u8>>,
    threads: Vec<ThreadState>,
}

impl MemoryImage {
    /// An empty memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a readable, writable region. A region that overlaps one already there is left out.
    pub fn add(&mut self, start: u64, kind: RegionKind, bytes: Vec<u8>) {
        self.insert(start, kind, bytes, true);
    }

    /// Adds a region that can only be read.
    pub fn add_read_only(&mut self, start: u64, kind: RegionKind, bytes: Vec<u8>) {
        self.insert(start, kind, bytes, false);
    }

    fn insert(&mut self, start: u64, kind: RegionKind, bytes: Vec<u8>, writable: bool) {
        let end = start + bytes.len() as u64;
        let at = self.regions.partition_point(|r| r.start < start);
        let before = at.checked_sub(1).and_then(|i| self.regions.get(i));
        if before.is_some_and(|r| r.end > start)
            || self.regions.get(at).is_some_and(|r| r.start < end)
        {
            return;
        }
        let region = Region {
            start,
            end,
            readable: true,
            writable,
            kind,
        };
        self.regions.insert(at, region);
        self.bytes.insert(at, bytes);
    }

    /// Adds a thread.
    pub fn add_thread(&mut self, thread: ThreadState) {
        self.threads.push(thread);
    }

    /// The bytes from an address to the end of its region, to be changed.
    pub fn bytes_mut(&mut self, address: u64) -> Option<&mut [u8]> {
        let at = self.index_of(address)?;
        let into = usize::try_from(address - self.regions[at].start).ok()?;
        self.bytes[at].get_mut(into..)
    }

    fn index_of(&self, address: u64) -> Option<usize> {
        let at = self
            .regions
            .partition_point(|r| r.start <= address)
            .checked_sub(1)?;
        (address < self.regions[at].end).then_some(at)
    }
}

impl MemorySource for MemoryImage {
    fn describe(&self) -> String {
        "a memory made by hand".to_owned()
    }

    fn regions(&self) -> &[Region] {
        &self.regions
    }

    fn view(&self, address: u64, length: usize) -> Option<&[u8]> {
        let at = self.index_of(address)?;
        let into = usize::try_from(address - self.regions[at].start).ok()?;
        self.bytes[at].get(into..into.checked_add(length)?)
    }

    fn threads(&self) -> &[ThreadState] {
        &self.threads
    }
}
