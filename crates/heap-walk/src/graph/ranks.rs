//! The number of an object, found by counting the marks before it.

use memguard_heap_graph::NodeIndex;

use crate::walker::{Walker, untag};

/// Cells of 64 marks between two counts: what lies between is counted when somebody asks, in as many instructions.
const CELLS: usize = 4;

/// For each page, how many objects were marked before each 256 words of it: 4 bytes for 2,048 of the pages reached.
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
                let cells = walker.marks.page(page).chunks(CELLS);
                cells
                    .map(|cells| {
                        let before = next;
                        next = next.saturating_add(ones(cells));
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
        let cells = walker.marks.page(page);
        let cell = *cells.get(at >> 6)?;
        let bit = 1_u64 << (at & 63);
        if cell & bit == 0 {
            return None;
        }
        let block = (at >> 6) / CELLS;
        let before = *self.pages.get(page)?.get(block)?;
        let between = cells.get(block * CELLS..at >> 6)?;
        Some(NodeIndex(
            before + ones(between) + (cell & (bit - 1)).count_ones(),
        ))
    }
}

#[inline]
fn ones(cells: &[u64]) -> u32 {
    cells.iter().map(|cell| cell.count_ones()).sum()
}
