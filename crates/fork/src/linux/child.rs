//! The child, from the fork to its end.

use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use super::black_box::{self, Page, Reason, exit, phase};
use super::{Prepared, burden, descriptors, signals};
use crate::Limits;

/// What the work in a child can tell and ask.
pub struct Child<'a> {
    page: &'a Page,
    proc_root: &'a Path,
}

impl Child<'_> {
    /// Tells how far the work is, for the report of a failure: any number.
    pub fn phase(&self, number: u32) {
        self.page
            .phase
            .store(phase::WORK.saturating_add(number), Relaxed);
    }

    /// Tells how many bytes were written in all.
    pub fn wrote(&self, bytes: u64) {
        self.page.written_bytes.store(bytes, Relaxed);
    }

    /// How long the parent stood still, in microseconds; 0 as long as it does.
    #[must_use]
    pub fn pause_us(&self) -> u64 {
        self.page.pause_us.load(Relaxed)
    }

    /// Whether the parent is gone.
    #[must_use]
    pub fn is_orphan(&self) -> bool {
        signals::is_orphan()
    }

    /// Memory that the child has for itself now, in bytes: what it allocated, and its copies of what it inherited.
    /// Noted for [`Ended::memory_bytes`](crate::Ended::memory_bytes). Walks page tables: once or twice is enough.
    #[must_use]
    pub fn own_memory_bytes(&self) -> Option<u64> {
        let bytes = burden::own_bytes(self.proc_root)?;
        self.page.own_bytes.fetch_max(bytes, Relaxed);
        Some(bytes)
    }

    /// Processor time that the child has taken so far, the kernel's work for it included, in microseconds.
    #[must_use]
    pub fn cpu_us(&self) -> u64 {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: it fills the struct.
        unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
        let part = |value, scale: u64| u64::try_from(value).unwrap_or(0).saturating_mul(scale);
        part(time.tv_sec, 1_000_000) + part(time.tv_nsec, 1) / 1_000
    }

    /// Gives memory that has been freed back to the system, and from the first time on that of blocks from 64 KB on as soon as
    /// they are freed. For work in steps, each with large columns of its own: what is free in the child and is not given back
    /// counts against the container's limit all the same. A millisecond for some 10 MB; with glibc only, others do so by themselves.
    pub fn give_back_memory(&self) {
        burden::give_back_memory();
    }
}

/// # Safety
/// Right after a fork, in the child, with all signals blocked.
pub unsafe fn run(
    prepared: &Prepared,
    parent: i32,
    limits: &Limits,
    work: impl FnOnce(&Child<'_>) -> Result<Vec<u8>, Vec<u8>>,
) -> ! {
    let page = prepared.black_box.page();
    let proc_root = prepared.proc_root.as_path();
    black_box::become_child(page);
    let done = |number| page.phase.store(number, Relaxed);
    // SAFETY: this is the child, for all of these. The limits come last, since making a symbol table writable counts
    // as data.
    unsafe {
        signals::take_over(parent, limits.wall, limits.orphan);
        done(phase::SIGNALS);
        let output = prepared.output.as_ref().map(AsRawFd::as_raw_fd);
        descriptors::give_back(proc_root, &limits.keep_fds, output);
        done(phase::DESCRIPTORS);
        burden::step_back(proc_root, limits.priority);
        done(phase::PRIORITY);
        prepared.slots.replace();
        done(phase::SLOTS);
        burden::bound(proc_root, limits);
        done(phase::LIMITS);
    }
    let child = Child { page, proc_root };
    child.phase(0);
    let reason = match catch_unwind(AssertUnwindSafe(|| work(&child))) {
        Ok(Ok(answer)) => {
            page.set_answer(&answer);
            Reason::Done
        }
        Ok(Err(answer)) => {
            page.set_answer(&answer);
            Reason::WorkFailed
        }
        Err(_) => Reason::Panic,
    };
    exit(reason)
}
