//! The bytes of one heap: its pages, and how an address finds its page.

mod dispatch;
pub(crate) mod pages;

use std::borrow::Cow;

use dispatch::DispatchTable;
use pages::{PAGE_BITS, PAGE_SIZE, Pages};
pub use pages::{Page, PageLayout};

use crate::elf::{u16_at, u32_at, u64_at};
use crate::error::WalkError;
use crate::source::{MemorySource, region_of};

/// Which page an address is on: a hash table of the 256 KB pieces of pages, a word each and at most a quarter full, so that a
/// look-up is nearly always one load. V8's pages are strewn over all of the address space: a table with a level for each part of
/// an address would take up to half as much as the heap, where this takes some kilobytes that stay in the processor's cache.
#[derive(Debug)]
struct SlotTable {
    /// The piece's number above 32 bits, that of the page below.
    entries: Vec<u64>,
    used: usize,
    /// What of a hash is left out.
    shift: u32,
}

const NO_PAGE: u64 = u64::MAX;
const LEAST_BITS: u32 = 8;

impl SlotTable {
    fn new() -> Self {
        Self::with_bits(LEAST_BITS)
    }

    fn with_bits(bits: u32) -> Self {
        Self {
            entries: vec![NO_PAGE; 1 << bits],
            used: 0,
            shift: u64::BITS - bits,
        }
    }

    #[inline]
    fn first(&self, slot: u64) -> usize {
        // Fibonacci hashing: D. Knuth, The Art of Computer Programming 3, 6.4.
        (slot.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    fn set(&mut self, address: u64, page: u32) {
        if (self.used + 1) * 4 > self.entries.len() {
            let bits = u64::BITS - self.shift + 1;
            let before = std::mem::replace(self, Self::with_bits(bits));
            for entry in before.entries.into_iter().filter(|&it| it != NO_PAGE) {
                self.put(entry);
            }
        }
        self.put((address >> PAGE_BITS) << 32 | u64::from(page));
    }

    fn put(&mut self, entry: u64) {
        let mut at = self.first(entry >> 32);
        while self.entries[at] != NO_PAGE {
            if self.entries[at] >> 32 == entry >> 32 {
                self.entries[at] = entry;
                return;
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
        self.entries[at] = entry;
        self.used += 1;
    }

    #[inline]
    fn get(&self, address: u64) -> Option<u32> {
        let slot = address >> PAGE_BITS;
        let mut at = self.first(slot);
        loop {
            let entry = *self.entries.get(at)?;
            if entry >> 32 == slot {
                return Some(entry as u32);
            }
            if entry == NO_PAGE {
                return None;
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
    }
}

/// A page and the bytes of its objects, from `page.start` to `page.end`.
#[derive(Debug)]
pub(crate) struct Chunk<'m> {
    pub(crate) page: Page,
    bytes: Cow<'m, [u8]>,
}

impl Chunk<'_> {
    /// Words that this chunk has room for.
    pub(crate) fn words(&self) -> usize {
        self.bytes.len() / 8
    }

    /// The offset of an address among the bytes. Wraps for an address before the start: no read will succeed then.
    #[inline]
    pub(crate) fn offset(&self, address: u64) -> usize {
        address.wrapping_sub(self.page.start) as usize
    }

    /// The bytes from an offset on, `length` of them.
    #[inline]
    pub(crate) fn slice(&self, offset: usize, length: usize) -> Option<&[u8]> {
        self.bytes.get(offset..offset.checked_add(length)?)
    }
}

/// The pages of one heap, readable in place or copied.
///
/// Memory: where the source can be looked at in place, some 150 bytes per page; else a copy of the heap.
#[derive(Debug)]
pub struct Heap<'m> {
    chunks: Vec<Chunk<'m>>,
    table: SlotTable,
    layout: PageLayout,
    dispatch: DispatchTable<'m>,
}

impl<'m> Heap<'m> {
    /// Takes the pages of one heap, and those that all heaps share.
    pub(crate) fn load(source: &'m dyn MemorySource, pages: &Pages, heap: u64) -> Self {
        let mut loaded = Self {
            chunks: Vec::new(),
            table: SlotTable::new(),
            layout: pages.layout,
            dispatch: DispatchTable::default(),
        };
        let shared = |page: &Page| page.heap == heap || page.heap == 0;
        for page in pages.pages.iter().filter(|p| shared(p)) {
            let Ok(index) = u32::try_from(loaded.chunks.len()) else {
                break;
            };
            let bytes = load_page(source, page);
            if bytes.is_empty() {
                continue;
            }
            let mut address = page.address;
            while address < page.end {
                loaded.table.set(address, index);
                address += PAGE_SIZE;
            }
            loaded.chunks.push(Chunk { page: *page, bytes });
        }
        loaded
    }

    /// The same with the table that functions name their code by, where V8 has one.
    pub(crate) fn with_dispatch_table(mut self, source: &'m dyn MemorySource) -> Self {
        self.dispatch = DispatchTable::find(source);
        self
    }

    /// The code that a handle of a function leads to.
    #[inline]
    pub(crate) fn code_of_handle(&self, handle: u32) -> Option<u64> {
        self.dispatch.code(handle)
    }

    /// How the headers of its pages are laid out.
    #[must_use]
    pub fn page_layout(&self) -> PageLayout {
        self.layout
    }

    /// Its pages.
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.chunks.iter().map(|c| &c.page)
    }

    pub(crate) fn chunks(&self) -> &[Chunk<'m>] {
        &self.chunks
    }

    /// The page that an address is on, by its index.
    #[inline]
    pub(crate) fn chunk_index(&self, address: u64) -> Option<usize> {
        let index = self.table.get(address)? as usize;
        let chunk = self.chunks.get(index)?;
        (chunk.offset(address) < chunk.bytes.len()).then_some(index)
    }

    /// The same, of an address that may be beyond the bytes of that page.
    #[inline]
    pub(crate) fn page_number(&self, address: u64) -> Option<usize> {
        self.table.get(address).map(|index| index as usize)
    }

    /// Bytes of the heap; `None` where they are not all on one page.
    #[inline]
    pub(crate) fn bytes(&self, address: u64, length: usize) -> Option<&[u8]> {
        let chunk = self.chunks.get(self.table.get(address)? as usize)?;
        chunk.slice(chunk.offset(address), length)
    }

    #[inline]
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        self.bytes(address, 8).map(|b| u64_at(b, 0))
    }

    #[inline]
    pub(crate) fn u32(&self, address: u64) -> Option<u32> {
        self.bytes(address, 4).map(|b| u32_at(b, 0))
    }

    #[inline]
    pub(crate) fn u16(&self, address: u64) -> Option<u16> {
        self.bytes(address, 2).map(|b| u16_at(b, 0))
    }

    #[inline]
    pub(crate) fn u8(&self, address: u64) -> Option<u8> {
        self.bytes(address, 1)?.first().copied()
    }
}

/// The bytes of a page's objects. Pieces that can't be read (guard pages among the code, protected read-only pages)
/// are zero: no object begins there.
fn load_page<'m>(source: &'m dyn MemorySource, page: &Page) -> Cow<'m, [u8]> {
    let Ok(length) = usize::try_from(page.end - page.start) else {
        return Cow::Borrowed(&[]);
    };
    if let Some(bytes) = source.view(page.start, length) {
        return Cow::Borrowed(bytes);
    }
    let mut bytes = vec![0; length];
    let mut address = page.start;
    while address < page.end {
        let Some(region) = region_of(source.regions(), address) else {
            // A hole in the mappings: on to the next one.
            let next = source.regions().partition_point(|r| r.start <= address);
            match source.regions().get(next) {
                Some(region) if region.start < page.end => address = region.start,
                _ => break,
            }
            continue;
        };
        let end = region.end.min(page.end);
        let (from, to) = ((address - page.start) as usize, (end - page.start) as usize);
        if region.readable && source.read(address, &mut bytes[from..to]).is_err() {
            // Freed or protected since the mappings were listed: what can't be read is not there.
            bytes[from..to].fill(0);
        }
        address = end;
    }
    Cow::Owned(bytes)
}

/// The heaps of a process: one for each isolate, that of the most pages first.
///
/// # Errors
/// [`WalkError::NoHeap`].
pub(crate) fn heaps(source: &dyn MemorySource) -> Result<(Pages, Vec<u64>), WalkError> {
    let pages = pages::find(source)?;
    let mut counts: Vec<(u64, usize)> = Vec::new();
    for page in pages.pages.iter().filter(|p| p.heap != 0) {
        match counts.iter_mut().find(|(heap, _)| *heap == page.heap) {
            Some((_, count)) => *count += 1,
            None => counts.push((page.heap, 1)),
        }
    }
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    Ok((pages, counts.into_iter().map(|(heap, _)| heap).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_found_and_nothing_else() {
        let mut table = SlotTable::new();
        // Strewn, each once: the factor is odd.
        let address = |page: u64| (page.wrapping_mul(2_654_435_761) & ((1 << 29) - 1)) << PAGE_BITS;
        for page in 0..5_000 {
            table.set(address(page), page as u32);
        }
        for page in 0..5_000 {
            assert_eq!(
                table.get(address(page) + page % PAGE_SIZE),
                Some(page as u32)
            );
        }
        assert_eq!(table.get(address(5_001)), None);
        assert_eq!(table.get(0), Some(0), "that of the first one");
        assert_eq!(table.get(u64::MAX), None);
        table.set(address(7), 9);
        assert_eq!(table.get(address(7)), Some(9));
    }
}
