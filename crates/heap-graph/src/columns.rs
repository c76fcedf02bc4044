//! Columns that several threads fill at once: the one place with `unsafe` in this crate.
//!
//! A column is allocated as zeroes without touching it, so that what a file merely claims to hold costs address
//! space, never memory, and the threads that fill it share the page faults.

use std::alloc::{Layout, alloc_zeroed};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32};

/// There is no memory for a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfMemory {
    pub(crate) bytes: u64,
}

/// A number for which all bytes zero is a value.
pub(crate) trait Number: Copy {}

impl Number for u8 {}
impl Number for u16 {}
impl Number for u32 {}
impl Number for u64 {}
impl Number for i32 {}

/// A number with an atomic twin of the same size and alignment.
pub(crate) trait Cell: Number {
    type Atomic: Sync;
    fn as_atomic(slice: &mut [Self]) -> &[Self::Atomic];
}

impl Cell for u32 {
    type Atomic = AtomicU32;

    fn as_atomic(slice: &mut [Self]) -> &[AtomicU32] {
        // SAFETY: `AtomicU32` has the size and bit validity of `u32`, and its alignment is 4 on every platform that has
        // it, as is that of `u32` in a slice on those that we build for (asserted below). The exclusive borrow lasts
        // as long as the result, so nothing reads or writes the numbers in any other way meanwhile.
        unsafe { &*(std::ptr::from_mut(slice) as *const [AtomicU32]) }
    }
}

impl Cell for u16 {
    type Atomic = AtomicU16;

    fn as_atomic(slice: &mut [Self]) -> &[AtomicU16] {
        // SAFETY: as for `u32` above; both have size and alignment 2 (asserted below).
        unsafe { &*(std::ptr::from_mut(slice) as *const [AtomicU16]) }
    }
}

impl Cell for u8 {
    type Atomic = AtomicU8;

    fn as_atomic(slice: &mut [Self]) -> &[AtomicU8] {
        // SAFETY: as for `u32` above; both have size and alignment 1.
        unsafe { &*(std::ptr::from_mut(slice) as *const [AtomicU8]) }
    }
}

const _: () = assert!(align_of::<AtomicU32>() == align_of::<u32>());
const _: () = assert!(align_of::<AtomicU16>() == align_of::<u16>());

/// A column of zeroes.
pub(crate) fn zeroed<T: Number>(count: usize) -> Result<Vec<T>, OutOfMemory> {
    let refused = OutOfMemory {
        bytes: (count as u64).saturating_mul(size_of::<T>() as u64),
    };
    if count == 0 {
        return Ok(Vec::new());
    }
    let layout = Layout::array::<T>(count).map_err(|_| refused)?;
    // SAFETY: the layout is not of size zero: the count is not, and every `Number` has at least one byte.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        return Err(refused);
    }
    // SAFETY: allocated just now by the global allocator with the layout of `count` of `T`, all of them zero,
    // which is a value of every `Number`; nothing else owns it.
    Ok(unsafe { Vec::from_raw_parts(start.cast::<T>(), count, count) })
}

/// An empty list with room for so many numbers.
pub(crate) fn with_room<T: Number>(count: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut list = zeroed(count)?;
    list.clear();
    Ok(list)
}

/// Columns that have been done with, for others to be made in: their pages are there already, and what is given back to the
/// allocator may not be given back to the system.
#[derive(Default)]
pub(crate) struct Spare(Vec<Vec<u32>>);

impl Spare {
    pub(crate) fn keep(&mut self, column: Vec<u32>) {
        self.0.push(column);
    }

    /// An empty list with room for so many numbers.
    pub(crate) fn with_room(&mut self, count: usize) -> Result<Vec<u32>, OutOfMemory> {
        self.take(count).map_or_else(|| with_room(count), Ok)
    }

    /// A column of zeroes.
    pub(crate) fn zeroed(&mut self, count: usize) -> Result<Vec<u32>, OutOfMemory> {
        let Some(mut list) = self.take(count) else {
            return zeroed(count);
        };
        list.resize(count, 0);
        Ok(list)
    }

    fn take(&mut self, count: usize) -> Option<Vec<u32>> {
        let fits = |column: &Vec<u32>| column.capacity() >= count;
        let at = self.0.iter().position(fits)?;
        let mut list = self.0.swap_remove(at);
        list.clear();
        Some(list)
    }
}

/// Asks the processor to have an element at hand soon: for walks that know a few steps ahead where they will be. Changes nothing
/// else, on any index.
#[inline(always)]
pub(crate) fn prefetch<T: Number>(column: &[T], at: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let place = column.as_ptr().wrapping_add(at);
        // SAFETY: a prefetch neither reads nor faults, whatever the address, and SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    {
        let place = column.as_ptr().wrapping_add(at);
        // SAFETY: as above; the instruction is part of the base set and touches no register.
        unsafe {
            std::arch::asm!("prfm pldl1keep, [{0}]", in(reg) place, options(nostack, preserves_flags, readonly));
        }
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = (column, at);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn threads_fill_one_column() {
        let mut column = zeroed::<u32>(1000).unwrap();
        let cells = u32::as_atomic(&mut column);
        std::thread::scope(|scope| {
            for half in 0..2 {
                scope.spawn(move || {
                    for at in (half..1000).step_by(2) {
                        cells[at].store(at as u32, Ordering::Relaxed);
                    }
                });
            }
        });
        assert!(
            column
                .iter()
                .enumerate()
                .all(|(at, &value)| at as u32 == value)
        );
        let mut bytes = zeroed::<u8>(3).unwrap();
        u8::as_atomic(&mut bytes)[1].store(7, Ordering::Relaxed);
        assert_eq!(bytes, [0, 7, 0]);
    }

    #[test]
    fn spare_columns_are_used_again_when_they_are_large_enough() {
        let mut spare = Spare::default();
        spare.keep(vec![7; 10]);
        let place = spare.0[0].as_ptr();
        assert_eq!(spare.zeroed(11).unwrap(), [0; 11]);
        let column = spare.zeroed(9).unwrap();
        assert_eq!((column.as_ptr(), column.as_slice()), (place, &[0; 9][..]));
        spare.keep(column);
        let list = spare.with_room(10).unwrap();
        assert_eq!((list.as_ptr(), list.len()), (place, 0));
        assert_eq!(spare.with_room(10).unwrap().capacity(), 10);
    }

    #[test]
    #[cfg_attr(miri, ignore = "it ends the program rather than refuse memory")]
    fn too_much_is_an_error() {
        assert!(zeroed::<u32>(usize::MAX / 2).is_err());
        assert!(zeroed::<u32>(usize::MAX / 16).is_err());
    }
}
