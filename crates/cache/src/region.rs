//! Memory from the operating system, counted in a budget.

use std::sync::Arc;

use memmap2::{MmapMut, MmapRaw};

use crate::budget::Budget;

/// What a region costs beside its pages: its own fields and its places in the lists that hold it.
const OVERHEAD: u64 = 192;

/// A private mapping of zeroes, unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Region {
    map: MmapRaw,
    /// Dropped after the mapping: fields are dropped in the order of their declaration.
    charge: Charge,
}

/// A part of a budget that is in use.
#[derive(Debug)]
struct Charge {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.give(self.bytes);
    }
}

/// Why there is no region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The budget is spent: giving something up helps.
    Budget,
    /// The system refused.
    System,
}

impl Region {
    /// At least `bytes`, rounded up to the system's pages.
    pub(crate) fn new(budget: &Arc<Budget>, bytes: usize) -> Result<Self, Refusal> {
        let bytes = round_up(bytes.max(1));
        if !budget.take(cost(bytes)) {
            return Err(Refusal::Budget);
        }
        let charge = Charge {
            budget: Arc::clone(budget),
            bytes: cost(bytes),
        };
        match MmapMut::map_anon(bytes) {
            Ok(map) => Ok(Self {
                map: map.into(),
                charge,
            }),
            Err(_) => Err(Refusal::System),
        }
    }

    /// The first byte. Reading and writing through it is bounded by `len`, and ordered by whoever owns the region.
    pub(crate) fn base(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// What the region takes from the budget.
    pub(crate) fn cost(&self) -> u64 {
        self.charge.bytes
    }
}

fn cost(bytes: usize) -> u64 {
    bytes as u64 + OVERHEAD
}

fn round_up(bytes: usize) -> usize {
    bytes.next_multiple_of(system_page())
}

#[cfg(unix)]
pub(crate) fn system_page() -> usize {
    rustix::param::page_size()
}

#[cfg(not(unix))]
pub(crate) fn system_page() -> usize {
    4096
}
