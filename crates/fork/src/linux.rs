//! Linux: how the process is forked.

mod black_box;
mod burden;
mod child;
mod chunks;
mod descriptors;
mod fakes;
mod maps;
mod reaper;
mod regions;
mod signals;
mod slots;
#[cfg(test)]
mod tests;
mod unshare;
mod workers;

use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

pub use child::Child;
pub use reaper::Forked;

use crate::{Error, Limits, PrepareOptions, Timings};
use black_box::BlackBox;
use regions::{Inventory, Unreadable};
use signals::Blocked;
use slots::Slots;
use workers::Workers;

/// The size of a page of memory: 4 KB, but 16 or 64 KB on some arm64 systems.
fn page_size() -> usize {
    static SIZE: OnceLock<usize> = OnceLock::new();
    *SIZE.get_or_init(|| {
        // SAFETY: it only answers.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(size).unwrap_or(4096)
    })
}

/// Learns V8's workers while they are idle, on a thread of its own that is gone in a millisecond. To be called early
/// in the life of the process, once.
pub fn learn() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // The app's signals are not for that thread, which inherits the mask.
        let _blocked = Blocked::new();
        // Where no thread can be had, the first fork learns.
        let _ = std::thread::Builder::new()
            .name("memguard-learn".to_owned())
            .stack_size(64 * 1024)
            .spawn(|| workers::learn(Path::new("/proc")));
    });
}

/// Gives memory that `malloc` keeps for later back to the system: what was freed, in whole pages. A millisecond for some 10 MB, in which
/// other threads may wait for it; with glibc only, others do so by themselves.
pub fn give_back_free_memory() {
    burden::trim();
}

/// Whether this process can be forked, as far as can be told without trying. Reads some files of `/proc`, and no
/// page tables.
///
/// # Errors
/// Why it cannot.
pub fn support() -> Result<(), Error> {
    let maps = std::fs::read("/proc/self/maps").map_err(|error| no_proc(&error))?;
    if let Some(device) = maps::mappings(&maps).find_map(|it| regions::device(it.name)) {
        return Err(Error::Device(device));
    }
    static HAS_SLOTS: OnceLock<bool> = OnceLock::new();
    if *HAS_SLOTS.get_or_init(|| Slots::find().count() > 0) {
        Ok(())
    } else {
        Err(no_slots())
    }
}

fn no_proc(error: &io::Error) -> Error {
    Error::Unsupported(format!(
        "/proc/self, which tells what a fork would leave out, cannot be read: {error}"
    ))
}

fn no_slots() -> Error {
    Error::Unsupported(
        "this Node calls the C library in a way that cannot be redirected in a child (a static build)"
            .to_owned(),
    )
}

/// Everything that can be found out before the process has to stand still. Good for some seconds: the fork completes
/// it, but what is found by then takes longer.
pub struct Prepared {
    proc_root: PathBuf,
    inventory: Inventory,
    slots: Slots,
    workers: Workers,
    maps: File,
    black_box: BlackBox,
    output: Option<OwnedFd>,
}

/// Prepares a fork. Takes some 15 ms for each GB of resident memory, so not for a thread that must not wait.
///
/// # Errors
/// What the system does not offer.
pub fn prepare(options: &PrepareOptions) -> Result<Prepared, Error> {
    let root = &options.proc_root;
    let inventory = Inventory::read(options).map_err(|problem| match problem {
        Unreadable::Io(error) => no_proc(&error),
        Unreadable::NoFlags => Error::Unsupported(
            "this kernel does not tell which memory a fork leaves out".to_owned(),
        ),
        Unreadable::Device(device) => Error::Device(device),
    })?;
    let slots = Slots::find();
    if slots.count() == 0 {
        return Err(no_slots());
    }
    let maps = File::open(root.join("self/maps")).map_err(|error| no_proc(&error))?;
    let black_box = BlackBox::new().map_err(|source| Error::Refused {
        action: "map a page for the child",
        source,
    })?;
    // SAFETY: a new descriptor or an error.
    let output = unsafe { libc::memfd_create(c"memguard-child".as_ptr(), libc::MFD_CLOEXEC) };
    Ok(Prepared {
        proc_root: root.clone(),
        inventory,
        slots,
        workers: Workers::open(root),
        maps,
        black_box,
        // SAFETY: just made, and owned by nobody else.
        output: (output >= 0).then(|| unsafe { OwnedFd::from_raw_fd(output) }),
    })
}

impl Prepared {
    /// Whether none of V8's workers does anything now: a good moment to fork. Some microseconds.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.workers.busy() == 0
    }

    /// How much of V8's memory is marked, in bytes; how many slots and workers were found.
    #[must_use]
    pub fn facts(&self) -> (usize, usize, usize) {
        (
            self.inventory.marked_bytes(),
            self.slots.count(),
            self.workers.count(),
        )
    }

    /// Forks the process. `work` runs in the child, and never here; what it answers reaches the parent by
    /// [`Ended::answer`](crate::Ended::answer).
    ///
    /// In the child, `work` has one thread, may call V8 on the isolate of this thread as far as that is not in the middle of
    /// something, must not take a lock that another thread may have held, and must not return into JavaScript: the
    /// child ends with it.
    ///
    /// # Errors
    /// The kernel refused; nothing has changed then.
    ///
    /// # Safety
    /// The library that holds this code stays loaded. Whatever `work` uses was not in the middle of a change by
    /// another thread, or can bear it.
    pub unsafe fn fork(
        self,
        limits: Limits,
        work: impl FnOnce(&Child<'_>) -> Result<Vec<u8>, Vec<u8>>,
    ) -> Result<Forked, Error> {
        let start = Instant::now();
        let busy = self.workers.wait_until_idle(limits.idle_wait);
        let idle = Instant::now();
        let maps = read_from_start(&self.maps).map_err(|error| no_proc(&error))?;
        let plan = self.inventory.plan(&maps);
        // SAFETY: it only answers.
        let parent = unsafe { libc::getpid() };
        let planned = Instant::now();

        let blocked = Blocked::new();
        regions::advise(&plan.show, libc::MADV_DOFORK);
        regions::advise(&plan.keep, libc::MADV_DONTFORK);
        let shown = Instant::now();
        // SAFETY: the C library's own fork, whose handlers keep `malloc` whole in the child.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: this is the child, with all signals blocked.
            unsafe { child::run(&self, parent, &limits, work) }
        }
        let error = io::Error::last_os_error();
        let forked = Instant::now();
        regions::advise(&plan.mark, libc::MADV_DONTFORK);
        regions::advise(&plan.keep, libc::MADV_DOFORK);
        drop(blocked);
        let end = Instant::now();

        if pid < 0 {
            return Err(Error::Refused {
                action: "fork this process",
                source: error,
            });
        }
        let timings = Timings {
            idle_us: micros(start, idle),
            maps_us: micros(idle, planned),
            marks_us: micros(planned, shown) + micros(forked, end),
            fork_us: micros(shown, forked),
            total_us: micros(start, end),
        };
        let Self {
            black_box,
            output,
            proc_root,
            ..
        } = self;
        black_box
            .page()
            .pause_us
            .store(timings.total_us, std::sync::atomic::Ordering::Relaxed);
        Ok(Forked {
            pid,
            proc_root,
            black_box,
            output,
            timings,
            busy,
            kept: [plan.keep, plan.hide].concat(),
            v8s: plan.write,
            wall: limits.wall,
            memory_limit: limits.memory_bytes,
            start: forked,
        })
    }
}

fn micros(from: Instant, to: Instant) -> u64 {
    u64::try_from((to - from).as_micros()).unwrap_or(u64::MAX)
}

/// The kernel makes the text anew for each reader that starts over.
fn read_from_start(mut file: &File) -> io::Result<Vec<u8>> {
    use std::io::{Read, Seek};
    let mut text = Vec::with_capacity(128 * 1024);
    file.rewind()?;
    file.read_to_end(&mut text)?;
    Ok(text)
}
