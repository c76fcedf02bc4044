//! V8's pages: recognised by their headers.
//!
//! V8 takes memory in pieces of 256 KB, aligned to 256 KB; an object that is larger than half of that gets a page of
//! its own, as long as need be. The header of a page knows its size, its heap, its owner (the space) and where its
//! objects begin and end. Three layouts are in use; which one it is, is told by the words themselves: a page knows
//! its own address, its objects lie within it, and hundreds of pages name the same heap.
//!
//! | | Node 18, 20 | 22 | 24, 26 |
//! |---|---|---|---|
//! | in the page | size 0, flags 8, heap 16, start 24, end 32, owner 64 | flags 0, page 8, size 16, heap 24, start 32, end 40, owner 72 | flags 0, metadata 8 |
//! | in the metadata | | | page 8, size 16, end 56, heap 64, start 72, owner 80 |
//!
//! Read-only pages, which all heaps share, name no heap and, on 24 and 26, neither their own address nor their size.

use std::ops::Range;

use crate::elf::u64_at;
use crate::error::WalkError;
use crate::source::{MemorySource, Region};

/// Pages begin at multiples of this.
pub(crate) const PAGE_SIZE: u64 = 1 << PAGE_BITS;
/// The logarithm of [`PAGE_SIZE`].
pub(crate) const PAGE_BITS: u32 = 18;
/// No page is larger than the longest array that V8 allows (2^27 words), with room to spare.
const MAX_PAGE_SIZE: u64 = 1 << 34;
const HEADER_BYTES: usize = 96;
const SYSTEM_PAGE: u64 = 4_096;
/// User space ends here on all 64-bit systems that Node runs on (with 48 bits; more must be asked for).
const ADDRESS_LIMIT: u64 = 1 << 47;

/// The flags of a page that are alike in all versions.
const FROM_PAGE: u64 = 1 << 3;
const TO_PAGE: u64 = 1 << 4;

/// How the header of a page is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PageLayout {
    /// Node 18 and 20: the size comes first.
    SizeFirst,
    /// Node 22: flags, then the page's own address.
    FlagsFirst,
    /// Node 24 and 26: flags, and a pointer to the rest.
    Outside,
}

/// One page of V8's heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its address.
    pub address: u64,
    /// Where its objects begin.
    pub start: u64,
    /// Where its objects end.
    pub end: u64,
    /// V8's flags.
    pub flags: u64,
    /// The heap that it belongs to; 0 for pages that all heaps share (read-only ones).
    pub heap: u64,
    /// The space that it belongs to, as an address of V8.
    pub owner: u64,
}

impl Page {
    /// Where it lies in memory, in whole pages of the system's.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.address..self.end.next_multiple_of(SYSTEM_PAGE)
    }

    /// Whether its objects are young (in the semi-space or the young large-object space).
    #[must_use]
    pub fn is_young(&self) -> bool {
        self.flags & (FROM_PAGE | TO_PAGE) != 0
    }

    /// Whether it is longer than others, and so holds one large object.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.end - self.address > PAGE_SIZE
    }
}

/// All pages of a process, of all its heaps.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    pub(crate) layout: PageLayout,
    /// By address.
    pub(crate) pages: Vec<Page>,
}

/// Finds all pages.
///
/// Reads 96 bytes at every multiple of 256 KB in readable memory, and as much again for each page where the header
/// is outside.
///
/// # Errors
/// [`WalkError::NoHeap`] when nothing looks like a page.
pub(crate) fn find(source: &dyn MemorySource) -> Result<Pages, WalkError> {
    let mut found: [Vec<Page>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    for region in source.regions().iter().filter(|r| r.readable) {
        for address in candidates(region) {
            let mut header = [0; HEADER_BYTES];
            if source.read(address, &mut header).is_err() {
                continue;
            }
            if let Some(page) = size_first(address, &header) {
                found[0].push(page);
            } else if let Some(page) = flags_first(address, &header) {
                found[1].push(page);
            } else if let Some(page) = outside(source, address, &header) {
                found[2].push(page);
            }
        }
    }
    let layouts = [
        PageLayout::SizeFirst,
        PageLayout::FlagsFirst,
        PageLayout::Outside,
    ];
    let Some((layout, mut pages)) = layouts
        .into_iter()
        .zip(found)
        .max_by_key(|(_, pages)| pages.len())
    else {
        return Err(no_pages());
    };
    keep_plausible(&mut pages);
    if pages.is_empty() {
        return Err(no_pages());
    }
    Ok(Pages { layout, pages })
}

fn no_pages() -> WalkError {
    WalkError::NoHeap {
        why: "nothing in its memory looks like a page of V8".to_owned(),
    }
}

fn candidates(region: &Region) -> impl Iterator<Item = u64> {
    let first = region.start.next_multiple_of(PAGE_SIZE);
    let last = region
        .end
        .saturating_sub(HEADER_BYTES as u64)
        .min(ADDRESS_LIMIT);
    let step = usize::try_from(PAGE_SIZE).unwrap_or(1);
    (first..=last.max(first))
        .step_by(step)
        .filter(move |&a| a <= last)
}

fn size_first(address: u64, header: &[u8]) -> Option<Page> {
    let word = |at| u64_at(header, at);
    let size = word(0);
    let page = Page {
        address,
        start: word(24),
        end: word(32),
        flags: word(8),
        heap: word(16),
        owner: word(64),
    };
    (plausible_size(size) && is_sound(&page, size)).then_some(page)
}

fn flags_first(address: u64, header: &[u8]) -> Option<Page> {
    let word = |at| u64_at(header, at);
    let page = Page {
        address,
        start: word(32),
        end: word(40),
        flags: word(0),
        heap: word(24),
        owner: word(72),
    };
    (word(8) == address && is_sound(&page, word(16))).then_some(page)
}

fn outside(source: &dyn MemorySource, address: u64, header: &[u8]) -> Option<Page> {
    let at = u64_at(header, 8);
    let mut metadata = [0; HEADER_BYTES];
    let pointer = at.is_multiple_of(8) && at > PAGE_SIZE && at < ADDRESS_LIMIT;
    if !pointer || source.read(at, &mut metadata).is_err() {
        return None;
    }
    let word = |at| u64_at(&metadata, at);
    let page = Page {
        address,
        start: word(72),
        end: word(56),
        flags: u64_at(header, 0),
        heap: word(64),
        owner: word(80),
    };
    let shared = word(8) == 0 && page.heap == 0 && page.start < address + 0x100;
    let size = if shared { PAGE_SIZE } else { word(16) };
    ((word(8) == address || shared) && is_sound(&page, size)).then_some(page)
}

fn plausible_size(size: u64) -> bool {
    (4_096..MAX_PAGE_SIZE).contains(&size) && size.is_multiple_of(4_096)
}

fn is_sound(page: &Page, size: u64) -> bool {
    let within = page.address.saturating_add(size.min(MAX_PAGE_SIZE));
    page.start.is_multiple_of(8)
        && page.start > page.address
        && page.start < page.address + (PAGE_SIZE >> 2)
        && page.end > page.start
        && page.end <= within
        && page.heap.is_multiple_of(8)
        && page.heap < ADDRESS_LIMIT
}

/// A heap has many pages: what names a heap that next to no other page names is no page. And no page begins within
/// another one.
fn keep_plausible(pages: &mut Vec<Page>) {
    let heaps: Vec<u64> = pages.iter().map(|p| p.heap).collect();
    let known = |heap: u64| heap == 0 || heaps.iter().filter(|&&h| h == heap).count() >= 3;
    let mut cache: Vec<(u64, bool)> = Vec::new();
    let mut end = 0;
    pages.retain(|page| {
        let keep = match cache.iter().find(|(heap, _)| *heap == page.heap) {
            Some(&(_, keep)) => keep,
            None => {
                let keep = known(page.heap);
                cache.push((page.heap, keep));
                keep
            }
        };
        let keep = keep && page.address >= end;
        if keep {
            end = page.end;
        }
        keep
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{MemoryImage, RegionKind};

    const BASE: u64 = 0x7f00_0000_0000;
    const HEAP: u64 = 0x55aa_0000_1000;

    fn header(words: &[(usize, u64)]) -> Vec<u8> {
        let mut bytes = vec![0; PAGE_SIZE as usize];
        for &(at, word) in words {
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Five pages of a layout, and what is no page: noise, and a page of a heap that has no others.
    fn memory(layout: PageLayout) -> MemoryImage {
        let mut image = MemoryImage::new();
        for number in 0..6_u64 {
            let address = BASE + number * 2 * PAGE_SIZE;
            let (start, end) = (address + 0x1140, address + PAGE_SIZE);
            let heap = if number == 5 { HEAP + 64 } else { HEAP };
            let bytes = match layout {
                PageLayout::SizeFirst => header(&[
                    (0, PAGE_SIZE),
                    (16, heap),
                    (24, start),
                    (32, end),
                    (64, 7 << 4),
                ]),
                PageLayout::FlagsFirst => header(&[
                    (8, address),
                    (16, PAGE_SIZE),
                    (24, heap),
                    (32, start),
                    (40, end),
                ]),
                PageLayout::Outside => {
                    let metadata = 0x1000_0000 + number * 4_096;
                    let start = address + 0x10;
                    let words = [
                        (8, address),
                        (16, PAGE_SIZE),
                        (56, end),
                        (64, heap),
                        (72, start),
                    ];
                    let mut outside = header(&words);
                    outside.truncate(4_096);
                    image.add(metadata, RegionKind::Anonymous, outside);
                    header(&[(0, 1 << 4), (8, metadata)])
                }
            };
            image.add(address, RegionKind::Anonymous, bytes);
        }
        let noise = (0..PAGE_SIZE).map(|i| (i * 37 % 251) as u8).collect();
        image.add(BASE + 100 * PAGE_SIZE, RegionKind::Anonymous, noise);
        image
    }

    #[test]
    fn pages_of_all_layouts_are_recognised_and_nothing_else() {
        for layout in [
            PageLayout::SizeFirst,
            PageLayout::FlagsFirst,
            PageLayout::Outside,
        ] {
            let found = find(&memory(layout)).unwrap();
            assert_eq!(found.layout, layout);
            let addresses: Vec<u64> = found.pages.iter().map(|p| p.address).collect();
            let expected: Vec<u64> = (0..5).map(|n| BASE + n * 2 * PAGE_SIZE).collect();
            assert_eq!(addresses, expected, "{layout:?}");
            assert!(found.pages.iter().all(|p| p.heap == HEAP && !p.is_large()));
        }
    }

    #[test]
    fn memory_without_pages_is_no_heap() {
        let mut image = MemoryImage::new();
        assert_eq!(
            find(&image).unwrap_err().code(),
            "ERR_MEMGUARD_CENSUS_NO_HEAP"
        );
        image.add(
            BASE,
            RegionKind::Anonymous,
            vec![0xff; 3 * PAGE_SIZE as usize],
        );
        assert_eq!(
            find(&image).unwrap_err().code(),
            "ERR_MEMGUARD_CENSUS_NO_HEAP"
        );
    }
}
