//! Our own memory, frozen by a fork.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{MemorySource, Region, RegionKind, ThreadState, maps};
use crate::error::WalkError;

/// The memory of this process. To be used in a forked child alone, where nothing but the walker runs: the heap is
/// looked at in place, so nothing of it is copied.
#[derive(Debug)]
pub struct OwnMemory {
    regions: Vec<Region>,
    threads: Vec<ThreadState>,
    /// The list itself lies in one of the mappings that it lists, which would be gone if it were dropped.
    _list: Vec<u8>,
}

/// What the list of mappings has room for at first: some thousand of them.
const LIST_BYTES: usize = 256 << 10;

impl OwnMemory {
    /// Lists the mappings of this process.
    ///
    /// # Safety
    /// From here on until the value is dropped, no other thread may run, and what is mapped now must stay mapped and
    /// readable: that is so in the child of a `fork` as long as it neither runs JavaScript nor unmaps memory that
    /// was there before.
    ///
    /// # Errors
    /// [`WalkError::Io`] without `/proc/self/maps`.
    pub unsafe fn frozen() -> Result<Self, WalkError> {
        let path = Path::new("/proc/self/maps");
        let list = list(path).map_err(|source| WalkError::Io {
            what: "read the list of mappings",
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            regions: maps::parse(&String::from_utf8_lossy(&list)),
            threads: Vec::new(),
            _list: list,
        })
    }

    /// Takes the heap away when it has been walked: no memory of its own, but the tables that say where it is, which the kernel made for this
    /// child and counts as well; V8's pages lie so far apart that these are 4 to 8 KB for each of 256 KB.
    ///
    /// # Safety
    /// In a child that has been forked for the walk, which neither reads these pages any more (no [`OwnMemory`] is left that could) nor runs
    /// JavaScript. Each range holds pages of V8's heap and nothing else.
    pub unsafe fn unmap(pages: &[Range<u64>]) {
        for page in pages {
            let length = page.end.saturating_sub(page.start);
            let (Ok(start), Ok(length)) = (usize::try_from(page.start), usize::try_from(length))
            else {
                continue;
            };
            // SAFETY: memory that nobody looks at any more, by the contract of this function. What cannot be unmapped stays.
            unsafe { libc::munmap(std::ptr::without_provenance_mut(start), length) };
        }
    }

    /// Says where the stack of the thread that was forked is at, so that it counts as a (conservative) root.
    #[must_use]
    pub fn with_stack_pointer(mut self, stack_pointer: u64) -> Self {
        let tid = std::process::id();
        self.threads = vec![ThreadState {
            tid,
            stack_pointer,
            registers: Vec::new(),
        }];
        self
    }
}

/// Reads the list with no memory asked for or given back meanwhile: the kernel tells it piece by piece, and what is mapped in
/// between would be told wrongly.
fn list(path: &Path) -> io::Result<Vec<u8>> {
    let mut room = LIST_BYTES;
    loop {
        let mut list = vec![0; room];
        let mut file = File::open(path)?;
        let mut length = 0;
        loop {
            match file.read(&mut list[length..]) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // A read into no room at all answers nothing, as at the end.
        if length < room {
            list.truncate(length);
            return Ok(list);
        }
        drop(list);
        room *= 2;
    }
}

impl MemorySource for OwnMemory {
    fn describe(&self) -> String {
        "this process".to_owned()
    }

    fn regions(&self) -> &[Region] {
        &self.regions
    }

    fn view(&self, address: u64, length: usize) -> Option<&[u8]> {
        let end = address.checked_add(length as u64)?;
        let mut next = self.regions.partition_point(|it| it.end <= address);
        let mut reached = address;
        // A page of V8's may be several mappings, one behind the other: its code can be run, its header cannot.
        loop {
            let region = self.regions.get(next).filter(|it| it.start <= reached)?;
            // Files may have been cut short since: touching such a page is SIGBUS.
            let is_shared_file =
                matches!(region.kind, RegionKind::File(_) | RegionKind::Kernel) && region.writable;
            if !region.readable || is_shared_file {
                return None;
            }
            reached = region.end;
            if reached >= end {
                break;
            }
            next += 1;
        }
        let start = usize::try_from(address).ok()?;
        // SAFETY: the range lies in readable mappings of this process that follow one another without a gap, which stay as they are
        // while `self` lives (the contract of `frozen`), and nobody writes to them meanwhile. The address is not null: no mapping is at 0.
        Some(unsafe {
            std::slice::from_raw_parts(std::ptr::with_exposed_provenance(start), length)
        })
    }

    fn threads(&self) -> &[ThreadState] {
        &self.threads
    }

    fn executables(&self) -> Vec<PathBuf> {
        // Debian has Node.js in a library.
        let is_library = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("libnode") || name.starts_with("libv8")
        };
        let mut files = vec![PathBuf::from("/proc/self/exe")];
        for region in &self.regions {
            if let RegionKind::File(path) = &region.kind
                && is_library(path)
                && !files.contains(path)
            {
                files.push(path.clone());
            }
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::super::region_of;
    use super::*;

    /// In a child, since only there nothing else runs. 0: all as it should be; else the number of the check.
    fn checks(text: &str) -> i32 {
        // SAFETY: the child of a fork has one thread, and this one unmaps nothing.
        let Ok(own) = (unsafe { OwnMemory::frozen() }) else {
            return 1;
        };
        let address = text.as_ptr() as u64;
        if own.view(address, text.len()) != Some(text.as_bytes()) {
            return 2;
        }
        let mut copy = vec![0; text.len()];
        if own.read(address, &mut copy).is_err() || copy != text.as_bytes() {
            return 3;
        }
        // The first page is never mapped, and a mapping never ends where the address space does.
        if own.view(8, 8).is_some() || own.view(u64::MAX - 8, 8).is_some() {
            return 4;
        }
        let end = region_of(own.regions(), address).map_or(0, |region| region.end);
        if own.view(end - 4, 1 << 40).is_some() {
            return 5;
        }
        0
    }

    /// Reads the ends of all memory that is listed: what is not there ends the child.
    fn reads_all_that_is_listed() -> i32 {
        // SAFETY: as above.
        let Ok(own) = (unsafe { OwnMemory::frozen() }) else {
            return 1;
        };
        let readable = |region: &&Region| region.readable && region.kind == RegionKind::Anonymous;
        let mut sum = 0_u8;
        for region in own.regions().iter().filter(readable) {
            for end in [region.start, region.end - 1] {
                let Some(byte) = own.view(end, 1) else {
                    return 2;
                };
                sum = sum.wrapping_add(std::hint::black_box(byte[0]));
            }
        }
        std::hint::black_box(sum);
        0
    }

    fn in_a_child(check: impl FnOnce() -> i32) {
        // SAFETY: the child makes system calls and calls `malloc`, which the C library keeps whole over a fork, and ends by `_exit`.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let found = check();
            // SAFETY: ends the child without the handlers of the test's process.
            unsafe { libc::_exit(found) };
        }
        let mut status = 0;
        // SAFETY: a child of ours, and room for the answer.
        let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        assert_eq!(
            (waited, libc::WIFEXITED(status), libc::WEXITSTATUS(status)),
            (pid, true, 0)
        );
    }

    #[test]
    fn a_child_reads_what_its_parent_had_and_nothing_else() {
        let text = String::from("on the heap, before the fork");
        in_a_child(|| checks(&text));
    }

    #[test]
    fn all_that_is_listed_is_there_however_long_the_list() {
        const PAGE: usize = 4_096;
        const PAGES: usize = 10_000;
        // SAFETY: new memory, which nobody else has.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                PAGES * PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(start, libc::MAP_FAILED);
        for page in (0..PAGES).step_by(2) {
            // SAFETY: a page of this memory, which nothing refers to.
            let done =
                unsafe { libc::mprotect(start.byte_add(page * PAGE), PAGE, libc::PROT_NONE) };
            assert_eq!(done, 0);
        }
        in_a_child(reads_all_that_is_listed);
        // SAFETY: this memory, as a whole.
        unsafe { libc::munmap(start, PAGES * PAGE) };
    }
}
