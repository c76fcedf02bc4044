//! V8's statistics structures: their layout, and the check that the layout is the real one.

use std::ffi::c_char;

/// `v8::HeapStatistics` as Node 18 to 26 lay it out, with room behind it for fields that a later
/// V8 may add (26 added the first).
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct RawHeapStatistics {
    pub total_heap_size: usize,
    pub total_heap_size_executable: usize,
    pub total_physical_size: usize,
    pub total_available_size: usize,
    pub used_heap_size: usize,
    pub heap_size_limit: usize,
    pub malloced_memory: usize,
    pub external_memory: usize,
    pub peak_malloced_memory: usize,
    /// A C++ `bool` and its padding: never read.
    does_zap_garbage: usize,
    number_of_native_contexts: usize,
    number_of_detached_contexts: usize,
    total_global_handles_size: usize,
    used_global_handles_size: usize,
    /// Node 26 on; stays zero before.
    pub total_allocated_bytes: u64,
    spare: [usize; 17],
}

impl RawHeapStatistics {
    pub(crate) const ZERO: Self = Self {
        total_heap_size: 0,
        total_heap_size_executable: 0,
        total_physical_size: 0,
        total_available_size: 0,
        used_heap_size: 0,
        heap_size_limit: 0,
        malloced_memory: 0,
        external_memory: 0,
        peak_malloced_memory: 0,
        does_zap_garbage: 0,
        number_of_native_contexts: 0,
        number_of_detached_contexts: 0,
        total_global_handles_size: 0,
        used_global_handles_size: 0,
        total_allocated_bytes: 0,
        spare: [0; 17],
    };
}

/// `v8::HeapSpaceStatistics`, likewise.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct RawSpaceStatistics {
    pub name: *const c_char,
    pub size: usize,
    pub used: usize,
    pub available: usize,
    pub physical: usize,
    spare: [usize; 11],
}

impl RawSpaceStatistics {
    pub(crate) const ZERO: Self = Self {
        name: std::ptr::null(),
        size: 0,
        used: 0,
        available: 0,
        physical: 0,
        spare: [0; 11],
    };
}

/// The figures of one isolate's heap, in bytes, as `v8.getHeapStatistics()` names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeapStatistics {
    /// `total_heap_size`: memory that V8 has committed for the heap.
    pub total: u64,
    /// `used_heap_size`: objects, live or not yet collected.
    pub used: u64,
    /// `heap_size_limit`: old space and three times the semi-space, *not* the point of death.
    pub limit: u64,
    /// `malloced_memory`: V8's own allocations outside of the heap.
    pub malloced: u64,
    /// `external_memory`: what objects of the heap hold outside of it.
    pub external: u64,
    /// All bytes that were ever allocated in the heap, where V8 counts them (Node 26 on).
    pub allocated_ever: Option<u64>,
}

impl From<RawHeapStatistics> for HeapStatistics {
    fn from(raw: RawHeapStatistics) -> Self {
        Self {
            total: raw.total_heap_size as u64,
            used: raw.used_heap_size as u64,
            limit: raw.heap_size_limit as u64,
            malloced: raw.malloced_memory as u64,
            external: raw.external_memory as u64,
            allocated_ever: (raw.total_allocated_bytes > 0).then_some(raw.total_allocated_bytes),
        }
    }
}

/// The figures of one space of a heap, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpaceStatistics {
    /// Whether this is V8's `new_space`, the nursery.
    pub is_new_space: bool,
    /// Used and available bytes together: for the new space, what is filled between two scavenges.
    pub capacity: u64,
}

/// What JavaScript saw from `v8.getHeapStatistics()` a moment ago, to check a native reading by.
#[derive(Clone, Copy, Debug)]
pub struct ReportedHeapStatistics {
    /// `total_heap_size`
    pub total: u64,
    /// `used_heap_size`
    pub used: u64,
    /// `heap_size_limit`
    pub limit: u64,
    /// `external_memory`
    pub external: u64,
}

/// Whether a native reading is of the same structure that Node reads.
///
/// The limit does not move by itself, so it must agree to the byte; the others may have moved by
/// what was allocated in between, at most a few pages.
pub fn layout_matches(read: &HeapStatistics, reported: &ReportedHeapStatistics) -> bool {
    const SLACK: u64 = 8 << 20;
    read.limit == reported.limit
        && read.limit > 0
        && read.used > 0
        && read.total.abs_diff(reported.total) <= SLACK
        && read.used.abs_diff(reported.used) <= SLACK
        && read.external.abs_diff(reported.external) <= SLACK
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORTED: ReportedHeapStatistics = ReportedHeapStatistics {
        total: 60 << 20,
        used: 50 << 20,
        limit: 4144 << 20,
        external: 2 << 20,
    };

    fn read(used: u64, limit: u64) -> HeapStatistics {
        HeapStatistics {
            total: 60 << 20,
            used,
            limit,
            external: 2 << 20,
            ..HeapStatistics::default()
        }
    }

    #[test]
    fn a_reading_of_the_same_moment_matches() {
        assert!(layout_matches(
            &read((50 << 20) + 4096, 4144 << 20),
            &REPORTED
        ));
    }

    #[test]
    fn a_shifted_layout_does_not_match() {
        assert!(!layout_matches(&read(4144 << 20, 50 << 20), &REPORTED));
        assert!(!layout_matches(&read(0, 4144 << 20), &REPORTED));
        assert!(!layout_matches(&HeapStatistics::default(), &REPORTED));
    }

    #[test]
    fn the_raw_layout_is_that_of_v8() {
        assert_eq!(std::mem::offset_of!(RawHeapStatistics, heap_size_limit), 40);
        assert_eq!(std::mem::offset_of!(RawHeapStatistics, external_memory), 56);
        assert_eq!(
            std::mem::offset_of!(RawHeapStatistics, total_allocated_bytes),
            112
        );
        assert_eq!(size_of::<RawHeapStatistics>(), 256);
        assert_eq!(size_of::<RawSpaceStatistics>(), 128);
    }
}
