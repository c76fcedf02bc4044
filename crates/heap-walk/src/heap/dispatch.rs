//! V8's dispatch table (13 and later, "leaptiering"): functions name their code by a handle, not by a reference.
//!
//! One table for all isolates lies outside of their heaps, in a reservation of 256 MB of which segments of 64 KB are in use: the
//! first can only be read, those after it can be written, the rest is not there yet. An entry has 16 bytes: where the code begins,
//! and its object, shifted by 16 bits above the number of parameters. Of the object's tag another bit is made, so it is put on
//! again. What a handle leads to counts only when it is code: a table that was taken for one by mistake changes nothing.

use std::borrow::Cow;

use crate::elf::u64_at;
use crate::source::{MemorySource, Region, RegionKind};

const SEGMENT: u64 = 64 << 10;
const RESERVATION: u64 = 256 << 20;
/// More functions than fit into this have no code here.
const MOST_BYTES: u64 = 64 << 20;
const ENTRY_BYTES: u64 = 16;
const HANDLE_SHIFT: u32 = 8;
const OBJECT_SHIFT: u32 = 16;

/// The table, in place or copied: 16 bytes for each function's code.
#[derive(Debug, Default)]
pub(crate) struct DispatchTable<'m> {
    base: u64,
    pieces: Vec<(u64, Cow<'m, [u8]>)>,
}

impl<'m> DispatchTable<'m> {
    /// Finds it by the regions that it lies in; empty where there is none.
    pub(crate) fn find(source: &'m dyn MemorySource) -> Self {
        let regions = source.regions();
        let Some(base) = regions.windows(2).find_map(base_of) else {
            return Self::default();
        };
        let mut pieces = Vec::new();
        let mut left = MOST_BYTES;
        let within = |region: &&Region| region.start >= base && region.start < base + RESERVATION;
        for region in regions.iter().filter(within) {
            let length = region.end.min(base + RESERVATION) - region.start;
            // Where it ends, or nothing is.
            if !region.readable || region.kind != RegionKind::Anonymous || length > left {
                break;
            }
            let size = usize::try_from(length).unwrap_or(0);
            let bytes = source
                .view(region.start, size)
                .map_or_else(|| copy(source, region.start, size), |it| Some(it.into()));
            if let Some(bytes) = bytes {
                left -= length;
                pieces.push((region.start, bytes));
            }
        }
        Self { base, pieces }
    }

    /// What a handle leads to, as a tagged word.
    #[inline]
    pub(crate) fn code(&self, handle: u32) -> Option<u64> {
        let at = self.base + u64::from(handle >> HANDLE_SHIFT) * ENTRY_BYTES + 8;
        let word = self.pieces.iter().find_map(|(start, bytes)| {
            let offset = usize::try_from(at.checked_sub(*start)?).ok()?;
            Some(u64_at(bytes.get(offset..offset + 8)?, 0))
        })?;
        let object = word >> OBJECT_SHIFT;
        (handle != 0 && object != 0).then_some(object | 1)
    }
}

fn copy<'m>(source: &dyn MemorySource, start: u64, size: usize) -> Option<Cow<'m, [u8]>> {
    let mut bytes = vec![0; size];
    source.read(start, &mut bytes).ok()?;
    Some(Cow::Owned(bytes))
}

/// A segment that can only be read, and others behind it that can be written.
fn base_of(pair: &[Region]) -> Option<u64> {
    let [first, second] = pair else { return None };
    let is_table = first.readable
        && !first.writable
        && first.kind == RegionKind::Anonymous
        && first.end - first.start == SEGMENT
        && second.readable
        && second.writable
        && second.kind == RegionKind::Anonymous
        && second.start == first.end
        && (second.end - second.start).is_multiple_of(SEGMENT);
    is_table.then_some(first.start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemoryImage;

    #[test]
    fn a_handle_leads_to_code() {
        let base = 0x7f00_0000_4000;
        let mut second = vec![0; 2 * SEGMENT as usize];
        let entry = (0x1234_5678_9abc_u64 << OBJECT_SHIFT) | 3;
        second[24..32].copy_from_slice(&entry.to_le_bytes());
        let first = vec![0; SEGMENT as usize];
        let mut image = MemoryImage::new();
        image.add(base + SEGMENT, RegionKind::Anonymous, second);
        assert!(DispatchTable::find(&image).pieces.is_empty());
        image.add_read_only(base, RegionKind::Anonymous, first);
        let table = DispatchTable::find(&image);
        let handle = ((SEGMENT / ENTRY_BYTES + 1) << HANDLE_SHIFT) as u32;
        assert_eq!(table.code(handle), Some(0x1234_5678_9abd));
        assert_eq!(table.code(0), None);
        assert_eq!(table.code(u32::MAX), None);
    }
}
