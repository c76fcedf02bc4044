//! Which `malloc` the process really uses, and what it says of itself.

use serde::Serialize;

/// The implementation behind `malloc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Allocator {
    /// glibc's: arenas for threads, mapped chunks for what is large.
    Glibc,
    /// musl's (Alpine), or another libc's.
    OtherLibc,
    /// The system's own, on macOS and Windows.
    System,
    /// The libc is glibc, but its `malloc` is not in use: jemalloc, mimalloc or tcmalloc, preloaded
    /// or linked in.
    Replaced,
}

/// What glibc's `mallinfo2` says, over all arenas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MallocFigures {
    /// Memory taken from the system for arenas, whether in use or free.
    pub arena_bytes: u64,
    /// The part of it that is handed out.
    pub in_use_bytes: u64,
    /// The part of it that is free and kept: fragmentation.
    pub free_bytes: u64,
    /// Large allocations, each in a mapping of its own (from 128 KB on, adapted upwards).
    pub mapped_bytes: u64,
    /// Number of these.
    pub mapped_count: u64,
}

/// The setting that bounds glibc's arenas is in the environment.
///
/// Reads `MALLOC_ARENA_MAX` and `GLIBC_TUNABLES`.
pub fn arena_max_set() -> bool {
    std::env::var_os("MALLOC_ARENA_MAX").is_some_and(|value| !value.is_empty())
        || std::env::var("GLIBC_TUNABLES")
            .is_ok_and(|tunables| tunables.contains("glibc.malloc.arena_max="))
}

#[cfg(not(target_os = "linux"))]
/// The implementation behind `malloc`.
pub fn allocator() -> Allocator {
    Allocator::System
}

#[cfg(not(target_os = "linux"))]
/// What `malloc` says of itself: nothing on this system.
pub fn malloc_figures() -> Option<MallocFigures> {
    None
}

#[cfg(not(target_os = "linux"))]
/// How many arenas `malloc` has: not known on this system.
pub fn arenas() -> Option<u32> {
    None
}

#[cfg(target_os = "linux")]
pub use linux::{allocator, arenas, malloc_figures};

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::{CStr, c_char, c_int, c_void};
    use std::ptr::null_mut;

    use super::{Allocator, MallocFigures};

    /// glibc's `struct mallinfo2` (since 2.33).
    #[repr(C)]
    struct MallInfo2 {
        arena: usize,
        ordblks: usize,
        smblks: usize,
        hblks: usize,
        hblkhd: usize,
        usmblks: usize,
        fsmblks: usize,
        uordblks: usize,
        fordblks: usize,
        keepcost: usize,
    }

    /// Small enough for an arena, too large for a thread's cache, unlikely in size.
    const PROBE_BYTES: usize = 90_112;

    fn symbol(name: &CStr) -> Option<*mut c_void> {
        // SAFETY: the name is a C string; looking a symbol up has no precondition besides, and a
        // missing one is null.
        let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        (!address.is_null()).then_some(address)
    }

    fn mallinfo2() -> Option<extern "C" fn() -> MallInfo2> {
        let address = symbol(c"mallinfo2")?;
        // SAFETY: glibc alone exports this name, declares it `struct mallinfo2 mallinfo2(void)`,
        // and the structure has had this layout since it was added.
        Some(unsafe { std::mem::transmute::<*mut c_void, extern "C" fn() -> MallInfo2>(address) })
    }

    /// The implementation behind `malloc`.
    ///
    /// Told by what it does, since its address tells nothing (in a Node binary that is linked to a
    /// fixed address, `malloc` is an entry of the binary's own jump table): a block is taken
    /// from `malloc`, and glibc's statistics must show it. On glibc before 2.33, which has no
    /// usable statistics, glibc's own is taken for granted unless `LD_PRELOAD` is set.
    pub fn allocator() -> Allocator {
        if symbol(c"gnu_get_libc_version").is_none() {
            return Allocator::OtherLibc;
        }
        let ours = match mallinfo2() {
            // Another thread may free as much in between: it won't three times over.
            Some(mallinfo2) => (0..3).any(|_| shows_in(mallinfo2)),
            None => std::env::var_os("LD_PRELOAD").is_none_or(|value| value.is_empty()),
        };
        if ours {
            Allocator::Glibc
        } else {
            Allocator::Replaced
        }
    }

    fn shows_in(mallinfo2: extern "C" fn() -> MallInfo2) -> bool {
        let in_use = || {
            let info = mallinfo2();
            info.uordblks.wrapping_add(info.hblkhd)
        };
        let before = in_use();
        // SAFETY: any size may be asked for; the result is null or a block that is only freed
        // again.
        let block = unsafe { libc::malloc(PROBE_BYTES) };
        // The optimiser may drop an allocation that nobody looks at.
        let block = std::hint::black_box(block);
        let after = in_use();
        // SAFETY: the block is from `malloc`, or null, and is not used again.
        unsafe { libc::free(block) };
        !block.is_null() && after >= before.saturating_add(PROBE_BYTES)
    }

    /// What glibc's malloc says of itself, where it is in use and new enough (2.33).
    ///
    /// Takes each arena's lock for a moment: for reports, not for each tick.
    pub fn malloc_figures() -> Option<MallocFigures> {
        if allocator() != Allocator::Glibc {
            return None;
        }
        let info = mallinfo2()?();
        Some(MallocFigures {
            arena_bytes: info.arena as u64,
            in_use_bytes: info.uordblks as u64,
            free_bytes: info.fordblks as u64,
            mapped_bytes: info.hblkhd as u64,
            mapped_count: info.hblks as u64,
        })
    }

    /// How many arenas glibc's `malloc` has: one, and one more for each thread that met a lock, up to eight a core unless
    /// `MALLOC_ARENA_MAX` says otherwise. Reads `malloc_info`, which lists them.
    ///
    /// Takes each arena's lock for a moment, and walks what is free: for reports, off the main thread.
    pub fn arenas() -> Option<u32> {
        if allocator() != Allocator::Glibc {
            return None;
        }
        let address = symbol(c"malloc_info")?;
        // SAFETY: glibc declares it `int malloc_info(int options, FILE *stream)`, and has done so since 2.10.
        let malloc_info = unsafe {
            std::mem::transmute::<*mut c_void, extern "C" fn(c_int, *mut libc::FILE) -> c_int>(
                address,
            )
        };
        let mut text: *mut c_char = null_mut();
        let mut length = 0;
        // SAFETY: both outlive the stream, which is closed below and not used after that.
        let stream = unsafe { libc::open_memstream(&raw mut text, &raw mut length) };
        if stream.is_null() {
            return None;
        }
        let told = malloc_info(0, stream);
        // SAFETY: the stream is open, and closed once.
        let closed = unsafe { libc::fclose(stream) };
        if text.is_null() {
            return None;
        }
        // SAFETY: a closed memory stream leaves a block of `length` bytes that is the caller's.
        let listed = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), length) };
        let count = listed
            .windows(HEAP_TAG.len())
            .filter(|window| *window == HEAP_TAG)
            .count();
        // SAFETY: the block is from `malloc`, and is not used again.
        unsafe { libc::free(text.cast()) };
        (told == 0 && closed == 0 && count > 0).then_some(count as u32)
    }

    /// What begins an arena in the list of `malloc_info`.
    const HEAP_TAG: &[u8] = b"<heap nr=";
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn arenas_are_counted_where_the_allocator_is_known() {
        match allocator() {
            Allocator::Glibc => {
                let held: Vec<Vec<u8>> = (0..64).map(|_| vec![1; 1000]).collect();
                assert!(arenas().is_some_and(|count| (1..10_000).contains(&count)));
                assert_eq!(held.len(), 64);
            }
            _ => assert_eq!(arenas(), None),
        }
    }
}
