//! Where old objects were: what a later census of the same process is compared with, by address.
//!
//! V8 seldom moves an old object. So an old object at an address where one of the same process began before is, as a rule, the
//! same one: it survived. One where none began is new among the old: promoted from the young generation, or allocated old. Where
//! V8 has compacted a page in between, its objects count as new; pages are named by their address, so nothing
//! is mistaken for a survivor but what took a dead object's very place.
//!
//! Memory: a bit for each word of an old page up to its last object, 1/64 of the old generation at most.

use crate::elf::{u32_at, u64_at};
use crate::walker::Walker;

const MAGIC: u64 = u64::from_le_bytes(*b"mgaddr\x01\0");
const HEADER_BYTES: usize = 16;
const PAGE_HEADER_BYTES: usize = 16;
/// A page has at most 2^34 bytes.
const MOST_CELLS: usize = 1 << 25;

/// Addresses of old objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressSet {
    /// By address of their first object.
    pages: Vec<Page>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Page {
    start: u64,
    /// A bit for each word.
    cells: Box<[u64]>,
}

impl AddressSet {
    /// The old objects that were marked.
    pub(crate) fn of(walker: &Walker<'_, '_>) -> Self {
        let mut pages = Vec::new();
        for (index, chunk) in walker.heap.chunks().iter().enumerate() {
            let cells = walker.marks.page(index);
            let used = cells
                .iter()
                .rposition(|&cell| cell != 0)
                .map_or(0, |last| last + 1);
            if used > 0 && !chunk.page.is_young() {
                let cells = cells.get(..used).unwrap_or(&[]).into();
                let start = chunk.page.start;
                pages.push(Page { start, cells });
            }
        }
        pages.sort_unstable_by_key(|page| page.start);
        Self { pages }
    }

    /// The bits of the page whose objects begin at `start`.
    pub(crate) fn page(&self, start: u64) -> &[u64] {
        let found = self.pages.binary_search_by_key(&start, |page| page.start);
        found
            .ok()
            .and_then(|at| self.pages.get(at))
            .map_or(&[], |page| &page.cells)
    }

    /// Whether an object began at this address.
    #[must_use]
    pub fn contains(&self, address: u64) -> bool {
        let after = self.pages.partition_point(|page| page.start <= address);
        let page = after.checked_sub(1).and_then(|at| self.pages.get(at));
        page.is_some_and(|page| {
            let word = (address - page.start) / 8;
            let cell = usize::try_from(word / 64).unwrap_or(usize::MAX);
            address.is_multiple_of(8)
                && page
                    .cells
                    .get(cell)
                    .is_some_and(|bits| bits >> (word % 64) & 1 == 1)
        })
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        let cells = self.pages.iter().flat_map(|page| page.cells.iter());
        cells.map(|cell| u64::from(cell.count_ones())).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// What it takes in memory, and as bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let pages = self.pages.iter();
        HEADER_BYTES
            + pages
                .map(|page| PAGE_HEADER_BYTES + page.cells.len() * 8)
                .sum::<usize>()
    }

    /// As bytes, for another process of the same build.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size());
        bytes.extend(MAGIC.to_le_bytes());
        bytes.extend((self.pages.len() as u64).to_le_bytes());
        for page in &self.pages {
            bytes.extend(page.start.to_le_bytes());
            bytes.extend((page.cells.len() as u64).to_le_bytes());
            for cell in &page.cells {
                bytes.extend(cell.to_le_bytes());
            }
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_BYTES)?;
        if u64_at(header, 0) != MAGIC || u32_at(header, 12) != 0 {
            return None;
        }
        let mut rest = bytes.get(HEADER_BYTES..)?;
        let mut pages: Vec<Page> = Vec::new();
        for _ in 0..u32_at(header, 8) {
            let head = rest.get(..PAGE_HEADER_BYTES)?;
            let start = u64_at(head, 0);
            let count = usize::try_from(u64_at(head, 8)).ok()?;
            if count > MOST_CELLS || pages.last().is_some_and(|last| last.start >= start) {
                return None;
            }
            let end = PAGE_HEADER_BYTES + count * 8;
            let cells = rest.get(PAGE_HEADER_BYTES..end)?;
            let cells = cells.chunks_exact(8).map(|cell| u64_at(cell, 0)).collect();
            pages.push(Page { start, cells });
            rest = rest.get(end..)?;
        }
        rest.is_empty().then_some(Self { pages })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> AddressSet {
        let page = |start, cells: &[u64]| Page {
            start,
            cells: cells.into(),
        };
        AddressSet {
            pages: vec![page(0x4_0010, &[1, 1 << 63]), page(0x8_0010, &[0b1011])],
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = set().to_bytes();
        assert_eq!(bytes.len(), set().size());
        let back = AddressSet::from_bytes(&bytes).unwrap();
        assert_eq!(back, set());
        assert_eq!(back.len(), 5);
        assert!(back.contains(0x4_0010) && back.contains(0x4_0010 + 127 * 8));
        assert!(!back.contains(0x4_0010 + 8) && !back.contains(0x4_0014) && !back.contains(8));
        assert_eq!(back.page(0x8_0010), [0b1011]);
        assert_eq!(back.page(0xc_0010), [0_u64; 0]);
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let bytes = set().to_bytes();
        for length in 0..bytes.len() {
            assert_eq!(AddressSet::from_bytes(&bytes[..length]), None, "{length}");
        }
        for at in [0, 8, 12, 24, 28] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            assert_eq!(AddressSet::from_bytes(&damaged), None, "{at}");
        }
        let mut unsorted = bytes;
        unsorted[16 + 2] = 0x0f;
        assert_eq!(AddressSet::from_bytes(&unsorted), None);
    }
}
