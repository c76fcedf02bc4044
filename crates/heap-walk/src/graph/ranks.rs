//! The number of an object, found by counting the marks before it.

use memguard_heap_graph::NodeIndex;

use crate::walker::{Walker, untag};

/// For each page, how many objects were marked before each 64 words of it: 4 bytes for 512 of the pages reached.
#[derive(Debug)]
pub(super) struct Ranks {
    pages: Vec<Vec<u32>>,
}

impl Ranks {
    /// Counts the marks. The first object gets the number `first`.
    pub(super) fn new(walker: &Walker<'_, '_>, first: u32) -> Self {
        let mut next = first;
        let pages = (0..walker.heap.chunks().len())
            .map(|page| {
                walker
                    .marks
                    .page(page)
                    .iter()
                    .map(|cell| {
                        let before = next;
                        next = next.saturating_add(cell.count_ones());
                        before
                    })
                    .collect()
            })
            .collect();
        Self { pages }
    }

    /// The node of the object that a tagged word refers to; `None` when it wasn't marked.
    #[inline]
    pub(super) fn node(&self, walker: &Walker<'_, '_>, word: u64) -> Option<NodeIndex> {
        let address = untag(word)?;
        let page = walker.heap.chunk_index(address)?;
        let at = walker.heap.chunks().get(page)?.offset(address) / 8;
        let cell = *walker.marks.page(page).get(at >> 6)?;
        let before = *self.pages.get(page)?.get(at >> 6)?;
        let bit = 1_u64 << (at & 63);
        (cell & bit != 0).then(|| NodeIndex(before + (cell & (bit - 1)).count_ones()))
    }
}
