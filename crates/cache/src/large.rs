//! Entries with a region of their own: too large for a cell. They never change once written, so they are copied
//! without a lock and may be looked at by JavaScript in place; whoever holds one keeps its memory, which goes on
//! counting towards the bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use crate::budget::Budget;
use crate::region::{Refusal, Region};

/// A value and its key.
#[derive(Debug)]
pub struct Large {
    region: Region,
    value_len: usize,
    key_len: usize,
}

impl Large {
    pub(crate) fn new(budget: &Arc<Budget>, key: &[u8], value: &[u8]) -> Result<Self, Refusal> {
        let region = Region::new(budget, value.len() + key.len())?;
        // SAFETY: the region is at least as long as both, and nobody else knows of it yet.
        unsafe {
            std::ptr::copy_nonoverlapping(value.as_ptr(), region.base(), value.len());
            std::ptr::copy_nonoverlapping(key.as_ptr(), region.base().add(value.len()), key.len());
        }
        Ok(Self {
            region,
            value_len: value.len(),
            key_len: key.len(),
        })
    }

    pub(crate) fn key(&self) -> &[u8] {
        // SAFETY: within the region, initialised, and never written again: views show the value alone.
        unsafe { std::slice::from_raw_parts(self.region.base().add(self.value_len), self.key_len) }
    }

    /// Bytes of the value.
    pub fn value_len(&self) -> usize {
        self.value_len
    }

    /// The value's first byte, for a view in JavaScript that keeps `self` alive.
    pub fn as_ptr(&self) -> *mut u8 {
        self.region.base()
    }

    pub(crate) fn cost(&self) -> u64 {
        self.region.cost()
    }

    /// Copies the value out. `out` must be as long as it.
    ///
    /// By atomic loads: a thread that writes into its view, which it must not, gives others torn bytes, never
    /// undefined behaviour.
    pub(crate) fn copy_to(&self, out: &mut [u8]) {
        assert_eq!(out.len(), self.value_len);
        let base = self.region.base();
        let (words, rest) = out.as_chunks_mut::<8>();
        let whole = words.len();
        for (at, word) in words.iter_mut().enumerate() {
            // SAFETY: within the value; a region begins at a page, so every eighth byte is aligned.
            let from = unsafe { &*base.cast::<AtomicU64>().add(at) };
            *word = from.load(Relaxed).to_ne_bytes();
        }
        for (at, byte) in rest.iter_mut().enumerate() {
            // SAFETY: within the value.
            let from = unsafe { &*base.cast::<AtomicU8>().add(whole * 8 + at) };
            *byte = from.load(Relaxed);
        }
    }
}

/// The large entries of a shard, by number.
#[derive(Debug, Default)]
pub(crate) struct LargeTable {
    entries: Vec<Option<Arc<Large>>>,
    vacant: Vec<u32>,
}

impl LargeTable {
    pub(crate) fn add(&mut self, large: Arc<Large>) -> u32 {
        match self.vacant.pop() {
            Some(number) => {
                self.entries[number as usize] = Some(large);
                number
            }
            None => {
                self.entries.push(Some(large));
                self.entries.len() as u32 - 1
            }
        }
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Arc<Large>> {
        self.entries.get(number as usize)?.as_ref()
    }

    pub(crate) fn remove(&mut self, number: u32) {
        if self.entries[number as usize].take().is_some() {
            self.vacant.push(number);
        }
    }
}
