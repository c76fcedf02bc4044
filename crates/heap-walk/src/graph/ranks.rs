//! The number of an object, found by counting the marks before it.

use memguard_heap_graph::NodeIndex;

use crate::heap::Heap;
use crate::walker::{Walker, untag};

/// For each page, how many objects were marked before each 64 words of it: 4 bytes for 512 of the pages reached.
#[derive(Debug)]
pub(super) struct Ranks<'w, 'm> {
    heap: &'w Heap<'m>,
    pages: Vec<RankedPage<'w>>,
    before: Vec<u32>,
}

/// What is to be known of a page to tell an object's number, in one place.
#[derive(Clone, Copy, Debug)]
struct RankedPage<'w> {
    start: u64,
    marks: &'w [u64],
    /// Where the counts of the page begin.
    counts: usize,
}

impl<'w, 'm> Ranks<'w, 'm> {
    /// Counts the marks. The first object gets the number `first`.
    pub(super) fn new(walker: &'w Walker<'_, 'm>, first: u32) -> Self {
        let chunks = walker.heap.chunks().iter().enumerate();
        let cells = chunks
            .clone()
            .map(|(page, _)| walker.marks.page(page).len());
        let mut before = Vec::with_capacity(cells.sum());
        let mut next = first;
        let pages = chunks
            .map(|(page, chunk)| {
                let marks = walker.marks.page(page);
                let counts = before.len();
                for cell in marks {
                    before.push(next);
                    next = next.saturating_add(cell.count_ones());
                }
                RankedPage {
                    start: chunk.page.start,
                    marks,
                    counts,
                }
            })
            .collect();
        Self {
            heap: walker.heap,
            pages,
            before,
        }
    }

    /// The node of the object that a tagged word refers to; `None` when it wasn't marked.
    #[inline]
    pub(super) fn node(&self, word: u64) -> Option<NodeIndex> {
        let address = untag(word)?;
        let page = self.pages.get(self.heap.page_number(address)?)?;
        // Before the page's first object this wraps, and is behind all of its marks.
        let at = (address.wrapping_sub(page.start) / 8) as usize;
        let cell = *page.marks.get(at >> 6)?;
        let bit = 1_u64 << (at & 63);
        if cell & bit == 0 {
            return None;
        }
        let before = *self.before.get(page.counts + (at >> 6))?;
        Some(NodeIndex(before + (cell & (bit - 1)).count_ones()))
    }
}
