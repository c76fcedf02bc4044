//! The parent's own copies of its pages, made on a thread that has time.
//!
//! After a fork all pages are shared, and the first write to each copies it, on the thread that writes: some 5 µs that
//! JavaScript would wait. A collection of the young generation alone writes to ten thousand pages at once. Here the
//! kernel is asked to make the copies beforehand (`MADV_POPULATE_WRITE`, Linux 5.14), as if each page had been written to, but
//! nothing is. It costs no memory that would not be taken anyway: the child's collector writes to these pages too, and
//! whoever comes second finds a page that is shared no more.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::maps::Region;
use super::{page_size, regions};

/// How much at a time: as long as that takes, no other thread can map memory.
const PIECE: usize = 256 << 10;
/// `pagemap`: the page is there; and nobody else has it.
const PRESENT: u64 = 1 << 63;
const EXCLUSIVE: u64 = 1 << 56;

/// Copies what this process shares with its child of these regions, the young generation first, and about `most` bytes. Stops
/// where the kernel does not offer it. Answers how many bytes were copied.
pub fn unshare(proc_root: &Path, v8s: &[Region], most: usize) -> usize {
    let Ok(pagemap) = File::open(proc_root.join("self/pagemap")) else {
        return 0;
    };
    let (young, old): (Vec<_>, Vec<_>) = v8s.iter().partition(|region| looks_young(region));
    let mut done = 0;
    for region in young.into_iter().chain(old) {
        for start in region.clone().step_by(PIECE) {
            let piece = start..region.end.min(start + PIECE);
            for run in shared(&pagemap, &piece) {
                if done >= most || !regions::advise_one(&run, libc::MADV_POPULATE_WRITE) {
                    return done;
                }
                done += run.len();
            }
        }
    }
    done
}

/// By a bit that V8 keeps in the head of each chunk of its heap. Only the order hangs on it.
fn looks_young(region: &Region) -> bool {
    const FROM_OR_TO_SPACE: usize = 0b11 << 3;
    /// Older lines have the chunk's size before its flags.
    const CHUNK: usize = 256 << 10;
    regions::peek(region.start).is_some_and(|[first, second]| {
        let flags = if first == CHUNK { second } else { first };
        flags & FROM_OR_TO_SPACE != 0
    })
}

/// The runs of pages in `piece` that are there and shared.
fn shared(pagemap: &File, piece: &Region) -> Vec<Region> {
    const WORD: usize = size_of::<u64>();
    let page = page_size();
    let mut words = vec![0; piece.len() / page * WORD];
    let at = (piece.start / page * WORD) as u64;
    if pagemap.read_exact_at(&mut words, at).is_err() {
        return Vec::new();
    }
    let mut runs: Vec<Region> = Vec::new();
    for (index, word) in words.as_chunks::<WORD>().0.iter().enumerate() {
        if u64::from_ne_bytes(*word) & (PRESENT | EXCLUSIVE) != PRESENT {
            continue;
        }
        let start = piece.start + index * page;
        match runs.last_mut() {
            Some(last) if last.end == start => last.end += page,
            _ => runs.push(start..start + page),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_with_a_child_is_shared_no_more_and_what_was_never_touched_stays_so() {
        let page = page_size();
        let length = 64 * page;
        let mut pages = vec![0_u8; length + page];
        let start = (pages.as_mut_ptr() as usize).next_multiple_of(page);
        let region = start..start + length;
        // Every page but the last ten.
        let first = start - pages.as_ptr() as usize;
        for index in 0..54 {
            pages[first + index * page] = 7;
        }
        let pagemap = File::open("/proc/self/pagemap").unwrap();
        assert_eq!(shared(&pagemap, &region), []);
        // SAFETY: the child waits for its end, and does nothing else.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: as above.
            unsafe {
                libc::pause();
                libc::_exit(0);
            }
        }
        let before = shared(&pagemap, &region);
        let done = unshare(
            Path::new("/proc"),
            std::slice::from_ref(&region),
            usize::MAX,
        );
        let after = shared(&pagemap, &region);
        // SAFETY: this test's own child.
        unsafe {
            libc::kill(child, libc::SIGKILL);
            libc::waitpid(child, std::ptr::null_mut(), 0);
        }
        assert_eq!(before.iter().map(Region::len).sum::<usize>(), 54 * page);
        if done > 0 {
            // The look at the first page may have copied that one.
            assert!(done == 54 * page || done == 53 * page, "{done}");
            assert_eq!(after, []);
        }
        assert_eq!(pages.iter().filter(|byte| **byte == 7).count(), 54);
    }
}
