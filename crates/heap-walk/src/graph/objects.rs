//! The marked objects, page by page.

use crate::elf::u64_at;
use crate::maps::MapInfo;
use crate::view::Object;
use crate::walker::{Bits, Walker};

/// A marked object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'h> {
    pub(super) address: u64,
    /// The number of its map.
    pub(super) map: u32,
    pub(super) info: MapInfo,
    /// What its page has from it on.
    pub(super) bytes: &'h [u8],
}

impl Found<'_> {
    pub(super) fn object(&self) -> Object {
        Object {
            address: self.address,
            map: self.info,
        }
    }
}

/// Shows each marked object, in the order of the addresses.
pub(super) fn for_each<'h>(walker: &Walker<'h, '_>, mut show: impl FnMut(&Found<'h>)) {
    for (page, chunk) in walker.heap.chunks().iter().enumerate() {
        let bytes = chunk.slice(0, chunk.words() * 8).unwrap_or(&[]);
        for (index, &cell) in walker.marks.page(page).iter().enumerate() {
            for bit in Bits(cell) {
                let offset = (index * 64 + bit as usize) * 8;
                let Some(bytes) = bytes.get(offset..).filter(|bytes| bytes.len() >= 8) else {
                    continue;
                };
                let Some(map) = walker.maps.known_index(u64_at(bytes, 0)) else {
                    continue;
                };
                let Some(&info) = walker.maps.info(map) else {
                    continue;
                };
                show(&Found {
                    address: chunk.page.start + offset as u64,
                    map,
                    info,
                    bytes,
                });
            }
        }
    }
}
