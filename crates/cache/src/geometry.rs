//! How a bound is divided.

use crate::error::Error;
use crate::region::system_page;

const LEAST: u64 = 1 << 20;
const MOST: u64 = 1 << 40;
const LEAST_PAGE: u64 = 16 << 10;
const COMMON_PAGE: u64 = 256 << 10;
/// Pages and large values that a cache may have: a process may have 65,530 mappings on Linux.
const MOST_PAGES: u64 = 16 << 10;

/// Sizes that follow from a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Bytes of a page of cells. Values larger than half of it have a mapping of their own.
    pub(crate) page: usize,
    /// Parts with a lock each, a power of two.
    pub(crate) shards: usize,
    /// Slots, words and buckets that are taken at once, a power of two.
    pub(crate) per_chunk: usize,
    /// Bytes of key and value, at most.
    pub(crate) max_entry: usize,
}

impl Geometry {
    pub(crate) fn of(bound: u64) -> Result<Self, Error> {
        if !(LEAST..=MOST).contains(&bound) {
            return Err(Error::Bound {
                given: bound,
                least: LEAST,
                most: MOST,
            });
        }
        let floor = |bytes: u64| 1_u64 << bytes.ilog2();
        let page = floor(bound / 1024)
            .clamp(LEAST_PAGE, COMMON_PAGE)
            .max(floor(bound / MOST_PAGES))
            .max(system_page() as u64) as usize;
        let shards = match bound {
            0x4000_0000.. => 8,
            0x1000_0000.. => 4,
            0x0400_0000.. => 2,
            _ => 1,
        };
        Ok(Self {
            page,
            shards,
            per_chunk: (page / 64).max(1024),
            // Views of older values may hold as much again.
            max_entry: (bound / 4).min(1 << 30) as usize,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_bounded_at_any_size() {
        for bits in 20..=40 {
            let bound = 1_u64 << bits;
            let geometry = Geometry::of(bound).unwrap();
            assert!(geometry.page.is_power_of_two() && geometry.per_chunk.is_power_of_two());
            assert!(bound / geometry.page as u64 <= MOST_PAGES);
            assert!(geometry.shards * geometry.page * 8 <= bound as usize);
        }
        assert!(Geometry::of(LEAST - 1).is_err());
        assert!(Geometry::of(MOST + 1).is_err());
    }
}
