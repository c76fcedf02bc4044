//! Memory that changes its protection, or goes away, between the listing of the mappings and the reading of them.
//!
//! The private memory of a real process is planted in another one, at the same addresses, which then protects and unprotects the
//! heap's pages in a loop, as V8 does with pages of code, but all of them and without an end. A program of its own: what it forks inherits
//! the files that other tests of the same process are writing.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails panics"
)]

#[allow(dead_code, reason = "of what all tests share it needs a part")]
#[path = "live/support.rs"]
mod support;

use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use memguard_heap_walk::{MemoryImage, MemorySource, Metadata, OwnMemory, Page, ProcessMemory};

use support::{Program, image_of, walk};

/// So many walks at most; most of them meet memory that has just been protected.
const WALKS: usize = 60;

/// What the process with the planted memory is to do.
mod order {
    pub const REST: i32 = 0;
    pub const PROTECT: i32 = 1;
    pub const WALK_ITSELF: i32 = 2;
}

/// Shared with that process.
#[derive(Default)]
struct Board {
    order: AtomicI32,
    /// The order that it is at: behind by some microseconds.
    at: AtomicI32,
    rounds: AtomicU64,
    planted: AtomicU64,
    /// What it found when it walked itself; an error's code is told by its length alone, negative.
    found: AtomicI32,
}

/// A process that has another one's private memory.
struct Plant {
    pid: i32,
    board: &'static Board,
}

impl Plant {
    fn of(image: &MemoryImage, pages: &[Page], metadata: &Metadata) -> Self {
        let (length, rights) = (size_of::<Board>(), libc::PROT_READ | libc::PROT_WRITE);
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping.
        let board = unsafe { libc::mmap(ptr::null_mut(), length, rights, flags, -1, 0) };
        assert_ne!(board, libc::MAP_FAILED);
        // SAFETY: a page of zeroes that is never unmapped: atomics that are zero.
        let board: &Board = unsafe { &*board.cast::<Board>() };
        // SAFETY: the child makes system calls, copies memory, and allocates with the C library, which keeps that whole over a fork.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0);
        if pid == 0 {
            // SAFETY: ends with the thread of the test.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            serve(board, image, pages, metadata);
        }
        let plant = Self { pid, board };
        plant.order(order::REST);
        plant
    }

    fn order(&self, order: i32) {
        self.board.order.store(order, SeqCst);
        let begun = Instant::now();
        while self.board.at.load(SeqCst) != order + 1 {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does nothing");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        // SAFETY: a child of ours that has not been waited for.
        unsafe {
            libc::kill(self.pid, libc::SIGKILL);
            libc::waitpid(self.pid, ptr::null_mut(), 0);
        }
    }
}

/// The life of the process with the planted memory.
fn serve(board: &Board, image: &MemoryImage, pages: &[Page], metadata: &Metadata) -> ! {
    for region in image.regions() {
        let length = usize::try_from(region.end - region.start).unwrap_or(0);
        let Some(bytes) = image.view(region.start, length) else {
            continue;
        };
        if plant(region.start, bytes) {
            board.planted.fetch_add(1, SeqCst);
        }
    }
    let mut round = 0;
    loop {
        let order = board.order.load(SeqCst);
        if order == order::PROTECT {
            round += 1;
            protect(pages, |at| (at + round).is_multiple_of(3), libc::PROT_NONE);
            board.rounds.fetch_add(1, SeqCst);
            protect(pages, |_| true, libc::PROT_READ | libc::PROT_WRITE);
        } else if board.at.load(SeqCst) != order + 1 && order == order::WALK_ITSELF {
            protect(pages, |at| at.is_multiple_of(3), libc::PROT_NONE);
            // SAFETY: this process has one thread, which unmaps nothing and protects nothing meanwhile.
            let own = unsafe { OwnMemory::frozen() };
            let found = own.and_then(|own| walk(&own, metadata));
            let found = found.map_or_else(
                |error| -(error.code().len() as i32),
                |count| i32::try_from(count).unwrap_or(i32::MAX),
            );
            board.found.store(found, SeqCst);
        }
        board.at.store(order + 1, SeqCst);
        if order != order::PROTECT {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Maps bytes at an address of their own; false where something else is.
fn plant(start: u64, bytes: &[u8]) -> bool {
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    let place = ptr::without_provenance_mut(start as usize);
    // SAFETY: a new mapping where none is.
    let mapped = unsafe { libc::mmap(place, bytes.len(), rights, flags, -1, 0) };
    if mapped == libc::MAP_FAILED {
        return false;
    }
    // SAFETY: the mapping made just now has room for them.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), mapped.cast(), bytes.len()) };
    true
}

fn protect(pages: &[Page], which: impl Fn(usize) -> bool, rights: i32) {
    for (_, page) in pages.iter().enumerate().filter(|&(at, _)| which(at)) {
        let range = page.range();
        let place = ptr::without_provenance_mut(range.start as usize);
        // SAFETY: memory that was planted, of which nothing of this program's lives; what is not there is an error of the call.
        unsafe { libc::mprotect(place, (range.end - range.start) as usize, rights) };
    }
}

#[test]
fn memory_that_changes_its_protection_ends_in_figures_or_in_errors() {
    let (plant, metadata, right) = (0..5)
        .find_map(|_| {
            let node = Program::start("holders.js");
            let metadata = Metadata::read(Path::new(&format!("/proc/{}/exe", node.pid()))).unwrap();
            let (image, pages) = image_of(&node, &metadata);
            let right = walk(&image, &metadata).unwrap();
            let plant = Plant::of(&image, &pages, &metadata);
            // Its addresses were drawn by lot, and may be taken here.
            let is_whole = plant.board.planted.load(SeqCst) == image.regions().len() as u64;
            is_whole.then_some((plant, metadata, right))
        })
        .expect("all of a process's memory can be planted");
    let pid = u32::try_from(plant.pid).unwrap();
    let walk_it = || walk(&ProcessMemory::open(pid)?, &metadata);
    // What were mappings of their own are one here where they touch, so that some more words may pass for roots.
    let of_image = right;
    let right = walk_it().unwrap();
    assert!(
        right.abs_diff(of_image) < of_image / 50,
        "{right}, {of_image}"
    );

    plant.order(order::PROTECT);
    let (mut refused, mut less) = (0, 0);
    for _ in 0..WALKS {
        match walk_it() {
            Ok(found) => {
                assert!(found <= right, "{found} objects of {right}");
                less += usize::from(found < right);
            }
            Err(error) => {
                refused += 1;
                assert!(error.code().starts_with("ERR_MEMGUARD_CENSUS_"), "{error}");
                assert!(!error.to_string().is_empty());
            }
        }
        if refused + less > 5 {
            break;
        }
    }
    let rounds = plant.board.rounds.load(SeqCst);
    assert!(
        refused + less > 0 && rounds > 0,
        "{refused} refused, {less} less, {rounds} rounds"
    );

    // Once it is over, another try has it all.
    plant.order(order::REST);
    assert_eq!(walk_it().unwrap(), right, "at rest again");

    // The same in place, as a forked child looks at its own memory: what cannot be read is left out.
    plant.order(order::WALK_ITSELF);
    let found = i64::from(plant.board.found.load(SeqCst));
    assert!(
        found != 0 && found < right as i64,
        "{found} objects of {right}"
    );
}
