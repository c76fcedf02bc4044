//! The parent's own copies of its pages, made on a thread that has time.
//!
//! After a fork all pages are shared, and the first write to each copies it, on the thread that writes: some 5 µs that
//! JavaScript would wait. A collection of the young generation alone writes to ten thousand pages at once. Here the
//! kernel is asked to make the copies beforehand (`MADV_POPULATE_WRITE`, Linux 5.14), as if each page had been written to, but
//! nothing is. Where the child writes to these pages too it costs no memory that would not be taken anyway: whoever comes second finds a page
//! that is shared no more. Where it only reads, what is young is copied and nothing else.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use super::chunks::{Memory, parts};
use super::maps::Region;
use super::{page_size, regions};
use crate::Unshare;

/// `pagemap`: the page is there; and nobody else has it.
const PRESENT: u64 = 1 << 63;
const EXCLUSIVE: u64 = 1 << 56;

/// Whether this process writes to its memory, by its page faults: right after a fork the first write to each page is one. Looks at a few
/// moments, 25 ms in all, but for the first one, in which the call that forked comes to its end.
pub fn is_written_to() -> bool {
    const MOMENT: Duration = Duration::from_millis(5);
    const MOMENTS: usize = 4;
    /// Of a server with 200 requests a second it was 12 in each moment, of one that is idle none.
    const FAULTS: libc::c_long = 6;
    std::thread::sleep(MOMENT);
    let mut before = faults();
    (0..MOMENTS).any(|_| {
        std::thread::sleep(MOMENT);
        let now = faults();
        std::mem::replace(&mut before, now) + FAULTS <= now
    })
}

/// Page faults of this process so far, without those that had to wait for a disk.
fn faults() -> libc::c_long {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: it fills the place; all-zero bytes are valid as well.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    usage.ru_minflt
}

/// Copies what this process shares with its child of these regions, about `most` bytes of it, a chunk at a time: as long as that takes, no
/// other thread can map memory. What the next collection of the young generation writes to comes first. Stops where the kernel does not
/// offer it. Answers how many bytes were copied.
pub fn unshare(proc_root: &Path, v8s: &[Region], wanted: Unshare, most: usize) -> usize {
    let Ok(pagemap) = File::open(proc_root.join("self/pagemap")) else {
        return 0;
    };
    let memory = Memory::open(proc_root);
    let (mut young, mut old) = (Vec::new(), Vec::new());
    for part in v8s.iter().flat_map(parts) {
        match memory.as_ref().and_then(|memory| memory.chunk(part.start)) {
            Some(chunk) if chunk.is_young() => young.push(part),
            chunk => old.push((part, chunk)),
        }
    }
    let heads = old.iter().filter_map(|(_, chunk)| chunk.as_ref());
    let referring = memory
        .iter()
        .flat_map(|memory| heads.clone().flat_map(|chunk| memory.referring(chunk)))
        .map(|part| whole_pages(&part));
    let rest = old.iter().map(|(part, _)| part.clone());
    let rest = rest.filter(|_| wanted == Unshare::All);
    let mut done = 0;
    for part in young.into_iter().chain(referring).chain(rest) {
        for run in shared(&pagemap, &part) {
            if done >= most || !regions::advise_one(&run, libc::MADV_POPULATE_WRITE) {
                return done;
            }
            done += run.len();
        }
    }
    done
}

fn whole_pages(part: &Region) -> Region {
    let page = page_size();
    part.start / page * page..part.end.next_multiple_of(page)
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
    use super::super::chunks::CHUNK;
    use super::*;

    /// New memory, at a multiple of a chunk's size.
    struct Memory {
        start: usize,
        length: usize,
    }

    impl Memory {
        fn of_chunks(count: usize) -> Self {
            let length = (count + 1) * CHUNK;
            // SAFETY: new memory, which nobody else has.
            let start = unsafe {
                libc::mmap(
                    std::ptr::null_mut(),
                    length,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                    -1,
                    0,
                )
            };
            assert_ne!(start, libc::MAP_FAILED);
            let start = start as usize;
            Self { start, length }
        }

        fn region(&self) -> Region {
            let start = self.start.next_multiple_of(CHUNK);
            start..start + self.length - CHUNK
        }

        fn write(&self, at: usize, words: &[usize]) {
            assert!(at + size_of_val(words) <= self.region().len());
            let to = (self.region().start + at) as *mut usize;
            // SAFETY: within this memory, aligned, and nothing refers to it.
            unsafe { std::ptr::copy_nonoverlapping(words.as_ptr(), to, words.len()) };
        }

        fn word(&self, at: usize) -> usize {
            assert!(at < self.region().len());
            // SAFETY: as above.
            unsafe { *((self.region().start + at) as *const usize) }
        }
    }

    impl Drop for Memory {
        fn drop(&mut self) {
            // SAFETY: this memory, as a whole.
            unsafe { libc::munmap(self.start as *mut libc::c_void, self.length) };
        }
    }

    /// What was shared with a child, what was unshared, and what is shared still, in pages.
    fn unshare_in_pages(region: &Region, wanted: Unshare) -> [usize; 3] {
        let pagemap = File::open("/proc/self/pagemap").unwrap();
        let pages = || {
            shared(&pagemap, region)
                .iter()
                .map(Region::len)
                .sum::<usize>()
                / page_size()
        };
        assert_eq!(pages(), 0);
        // SAFETY: the child waits for its end, and does nothing else.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: as above.
            unsafe {
                libc::pause();
                libc::_exit(0);
            }
        }
        let before = pages();
        let done = unshare(
            Path::new("/proc"),
            std::slice::from_ref(region),
            wanted,
            usize::MAX,
        );
        let after = pages();
        // SAFETY: this test's own child.
        unsafe {
            libc::kill(child, libc::SIGKILL);
            libc::waitpid(child, std::ptr::null_mut(), 0);
        }
        [before, done / page_size(), after]
    }

    #[test]
    fn what_is_shared_with_a_child_is_shared_no_more_and_what_was_never_touched_stays_so() {
        let memory = Memory::of_chunks(1);
        // Every page but the last ten.
        let count = CHUNK / page_size() - 10;
        for index in 0..count {
            memory.write(index * page_size(), &[7]);
        }
        let [before, done, after] = unshare_in_pages(&memory.region(), Unshare::All);
        assert_eq!(before, count);
        // Kernels before 5.14 do not offer it.
        assert!([(count, 0), (0, count)].contains(&(done, after)));
        assert!((0..count).all(|index| memory.word(index * page_size()) == 7));
    }

    #[test]
    fn what_the_next_collection_writes_to_is_unshared_and_nothing_else() {
        const BUCKET: usize = 8 << 10;
        const YOUNG: usize = 1 << 4;
        let memory = Memory::of_chunks(2);
        for at in (0..2 * CHUNK).step_by(page_size()) {
            memory.write(at, &[7]);
        }
        let start = memory.region().start;
        memory.write(0, &[YOUNG, start, CHUNK]);
        memory.write(CHUNK, &[0, start + CHUNK, CHUNK]);
        // In two parts of the old chunk something refers to what is young.
        let bucket = Box::new(0_usize);
        let mut slots = vec![0; 1 + CHUNK / BUCKET];
        for index in [5, 9] {
            slots[1 + index] = &raw const *bucket as usize;
        }
        memory.write(CHUNK + 13 * 8, &[&raw const slots[1] as usize]);
        let [before, done, after] = unshare_in_pages(&memory.region(), Unshare::Young);
        assert_eq!(before, 2 * CHUNK / page_size());
        let expected = (CHUNK + 3 * BUCKET.next_multiple_of(page_size())) / page_size();
        assert!(
            done == 0 || page_size() > BUCKET || done == expected,
            "{done}"
        );
        assert_eq!(done + after, before);
    }

    #[test]
    fn without_the_kernels_account_nothing_is_copied() {
        let memory = Memory::of_chunks(1);
        memory.write(0, &[7]);
        let v8s = [memory.region()];
        let nowhere = Path::new("/nonexistent");
        assert_eq!(unshare(nowhere, &v8s, Unshare::All, usize::MAX), 0);
    }
}
