//! The parent's side of a child: waits for it, watches its memory and its time, and tells how it ended.

use std::ffi::CStr;
use std::fmt::Write as _;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::{Duration, Instant};

use super::black_box::{BlackBox, COUNTERS, MOST_FRAMES, Reason, phase};
use super::maps::Region;
use super::{page_size, unshare};
use crate::{Ended, Failure, Outcome, Timings, Unshare, Verdict, Vital};

/// How often the child's memory is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long a child may stay stopped.
const STOPPED: Duration = Duration::from_secs(5);
/// What the child gets beyond its time to end itself, with a word about where.
const GRACE: Duration = Duration::from_secs(5);
/// How much of its last words is kept.
const PRINTED: usize = 2048;

/// A child under way. Dropping it without [`Forked::wait`] leaves a zombie.
pub struct Forked {
    pub(super) pid: i32,
    pub(super) proc_root: PathBuf,
    pub(super) black_box: BlackBox,
    pub(super) output: Option<OwnedFd>,
    pub(super) timings: Timings,
    pub(super) busy: usize,
    pub(super) kept: Vec<Region>,
    pub(super) v8s: Vec<Region>,
    pub(super) wall: Duration,
    pub(super) memory_limit: Option<u64>,
    pub(super) start: Instant,
}

/// What the kernel says of a child.
enum State {
    Runs,
    Stopped,
    Continued,
    Ended(i32, Usage),
    /// Somebody else has reaped it.
    Gone,
}

#[derive(Default)]
struct Usage {
    cpu_ms: u64,
    peak_bytes: u64,
}

impl Forked {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// How long the parent stood still for it.
    #[must_use]
    pub fn timings(&self) -> Timings {
        self.timings
    }

    /// V8's workers that were busy nevertheless: each may have been in the middle of something that the child waits
    /// for.
    #[must_use]
    pub fn busy_workers(&self) -> usize {
        self.busy
    }

    /// Makes the parent's own copies of V8's pages, about `most` bytes of those that are wanted: so JavaScript need
    /// not wait for each when it writes there. Some ten milliseconds for a young generation, tenths of a second for 256 MB; not on the
    /// thread that forked. For a child that does not write itself, only where this process does: one that is idle needs no copies.
    pub fn unshare(&self, wanted: Unshare, most: usize) {
        if most > 0 && (wanted == Unshare::All || unshare::is_written_to()) {
            unshare::unshare(&self.proc_root, &self.v8s, wanted, most);
        }
    }

    /// Waits until the child has ended, and reaps it by its own id. Twenty times a second `watch` decides whether it
    /// may go on. For a thread that has nothing else to do.
    pub fn wait(self, watch: &mut dyn FnMut(&Vital) -> Verdict) -> Ended {
        let statm = File::open(self.proc_root.join(format!("{}/statm", self.pid))).ok();
        let handle = process_handle(self.pid);
        let inherited_bytes = statm.as_ref().and_then(resident).unwrap_or(0);
        let mut peak_bytes = inherited_bytes;
        let mut stopped: Option<Instant> = None;
        let mut killed: Option<(Failure, String)> = None;
        let (status, usage) = loop {
            match state(self.pid) {
                State::Ended(status, usage) => break (Some(status), usage),
                State::Gone => break (None, Usage::default()),
                State::Stopped => stopped = stopped.or_else(|| Some(Instant::now())),
                State::Continued => stopped = None,
                State::Runs => {}
            }
            if let Some(resident_bytes) = statm.as_ref().and_then(resident) {
                peak_bytes = peak_bytes.max(resident_bytes);
                if killed.is_none() {
                    let vital = Vital {
                        resident_bytes,
                        inherited_bytes,
                    };
                    if let Verdict::Kill(why) = watch(&vital) {
                        killed = Some((Failure::Memory, why));
                    }
                }
            }
            if killed.is_none() {
                if stopped.is_some_and(|since| since.elapsed() > STOPPED) {
                    killed = Some((Failure::Stopped, String::new()));
                } else if self.start.elapsed() > self.wall + GRACE {
                    killed = Some((Failure::Time, String::new()));
                }
            }
            if killed.is_some() {
                // SAFETY: nobody else reaps it, so the id is still the child's.
                unsafe { libc::kill(self.pid, libc::SIGKILL) };
            }
            wait_a_little(handle.as_ref());
        };
        let page = self.black_box.page();
        let peak_bytes = peak_bytes.max(usage.peak_bytes);
        let grown = peak_bytes.saturating_sub(inherited_bytes);
        let memory = page.own_bytes.load(Relaxed).max(grown);
        let printed = self.printed();
        Ended {
            outcome: self.outcome(status, killed, &printed),
            cpu_ms: usage.cpu_ms,
            wall_ms: u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX),
            memory_bytes: (memory > 0).then_some(memory),
            answer: page.answer(),
            printed,
        }
    }

    fn outcome(
        &self,
        status: Option<i32>,
        killed: Option<(Failure, String)>,
        printed: &str,
    ) -> Outcome {
        let page = self.black_box.page();
        let reason = Reason::from_raw(page.reason.load(Acquire));
        let exited_well = status.is_none_or(|it| libc::WIFEXITED(it) && libc::WEXITSTATUS(it) == 0);
        if reason == Reason::Done && exited_well {
            return Outcome::Done;
        }
        let (failure, why) =
            killed.unwrap_or_else(|| (self.failure(status, reason, printed), String::new()));
        Outcome::Failed {
            failure,
            detail: self.detail(status, &why, printed),
        }
    }

    fn failure(&self, status: Option<i32>, reason: Reason, printed: &str) -> Failure {
        let page = self.black_box.page();
        match reason {
            Reason::WorkFailed => Failure::Work,
            Reason::Panic => Failure::Panic,
            Reason::ConditionWait | Reason::FutexWait | Reason::SemaphoreWait => {
                Failure::DeadThread
            }
            Reason::Cpu => Failure::Cpu,
            Reason::Time => Failure::Time,
            Reason::Orphan => Failure::Orphan,
            Reason::Signal => {
                let fault = page.fault.load(Relaxed);
                let is_fault = matches!(page.signal.load(Relaxed), libc::SIGSEGV | libc::SIGBUS);
                if is_fault && self.kept.iter().any(|region| region.contains(&fault)) {
                    Failure::KeptBuffer
                } else if self.memory_limit.is_some() && tells_of_memory(printed) {
                    Failure::Memory
                } else {
                    Failure::Crash
                }
            }
            Reason::None | Reason::Done => match status.map(|it| libc::WTERMSIG(it)) {
                Some(libc::SIGKILL) => Failure::Killed,
                Some(libc::SIGXCPU) => Failure::Cpu,
                Some(signal) if signal > 0 => Failure::Killed,
                _ => Failure::Unknown,
            },
        }
    }

    /// One line for people: what was known when it ended.
    fn detail(&self, status: Option<i32>, why: &str, printed: &str) -> String {
        let page = self.black_box.page();
        let mut text = String::new();
        if !why.is_empty() {
            let _ = write!(text, "{why}; ");
        }
        let at = page.phase.load(Relaxed);
        let _ = match at {
            phase::FORKED => write!(text, "right after the fork"),
            phase::SIGNALS..phase::WORK => write!(text, "while it was made ready (step {at})"),
            _ => write!(text, "at its work (step {})", at - phase::WORK),
        };
        let signal = page.signal.load(Relaxed);
        if signal != 0 {
            let fault = page.fault.load(Relaxed);
            let _ = write!(text, ", signal {signal} at {fault:#x}");
        } else if let Some(signal) = status.filter(|it| libc::WIFSIGNALED(*it)) {
            let _ = write!(text, ", signal {}", libc::WTERMSIG(signal));
        }
        if self.busy > 0 {
            let _ = write!(text, ", {} of V8's workers were busy", self.busy);
        }
        let counts: Vec<_> = COUNTERS
            .iter()
            .zip(&page.counters)
            .filter_map(|(name, count)| match count.load(Relaxed) {
                0 => None,
                count => Some(format!("{count} {name}")),
            })
            .collect();
        if !counts.is_empty() {
            let _ = write!(text, ", {}", counts.join(", "));
        }
        let frames = (page.frame_count.load(Relaxed) as usize).min(MOST_FRAMES);
        if frames > 0 {
            let names: Vec<_> = page.frames[..frames]
                .iter()
                .map(|address| name_of(address.load(Relaxed)))
                .collect();
            let _ = write!(text, "; in {}", names.join(" < "));
        }
        if !printed.is_empty() {
            let _ = write!(text, "; it said: {}", printed.replace('\n', " | "));
        }
        text
    }

    /// The end of what it wrote to its standard error.
    fn printed(&self) -> String {
        let Some(output) = &self.output else {
            return String::new();
        };
        let Ok(file) = output.try_clone().map(File::from) else {
            return String::new();
        };
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let mut text = vec![0; PRINTED];
        let from = length.saturating_sub(PRINTED as u64);
        let read = file.read_at(&mut text, from).unwrap_or(0);
        text.truncate(read);
        String::from_utf8_lossy(&text).trim().to_owned()
    }
}

/// V8, C++ and Rust each say it in their own words when memory cannot be had.
fn tells_of_memory(printed: &str) -> bool {
    ["out of memory", "bad_alloc", "memory allocation of"]
        .iter()
        .any(|words| printed.contains(words))
}

fn state(pid: i32) -> State {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    let flags = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
    // SAFETY: it waits for this child alone, and fills both places.
    let answer = unsafe { libc::wait4(pid, &raw mut status, flags, usage.as_mut_ptr()) };
    // SAFETY: all-zero bytes are valid as well.
    let usage = unsafe { usage.assume_init() };
    if answer < 0 {
        return State::Gone;
    }
    if answer == 0 {
        return State::Runs;
    }
    if libc::WIFSTOPPED(status) {
        return State::Stopped;
    }
    if libc::WIFCONTINUED(status) {
        return State::Continued;
    }
    let ms = |time: libc::timeval| time.tv_sec as u64 * 1000 + time.tv_usec as u64 / 1000;
    State::Ended(
        status,
        Usage {
            cpu_ms: ms(usage.ru_utime) + ms(usage.ru_stime),
            peak_bytes: usage.ru_maxrss as u64 * 1024,
        },
    )
}

/// A descriptor that can be waited for; `None` on kernels before 5.3.
fn process_handle(pid: i32) -> Option<OwnedFd> {
    // SAFETY: a new descriptor or an error.
    let handle = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let handle = i32::try_from(handle).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: just made, and owned by nobody else.
    Some(unsafe { OwnedFd::from_raw_fd(handle) })
}

fn wait_a_little(handle: Option<&OwnedFd>) {
    let Some(handle) = handle else {
        std::thread::sleep(LOOK);
        return;
    };
    let mut wanted = libc::pollfd {
        fd: handle.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one struct, which it fills.
    unsafe { libc::poll(&raw mut wanted, 1, LOOK.as_millis() as i32) };
}

fn resident(statm: &File) -> Option<u64> {
    let mut text = [0; 128];
    let length = statm.read_at(&mut text, 0).ok()?;
    let text = std::str::from_utf8(&text[..length]).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * page_size() as u64)
}

/// The function at an address, where its object exports it; both processes have the same objects at the same places.
fn name_of(address: usize) -> String {
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: any address may be asked for, and the answer has room.
    let found = unsafe { libc::dladdr(address as *const libc::c_void, info.as_mut_ptr()) } != 0;
    // SAFETY: all-zero bytes are valid as well.
    let info = unsafe { info.assume_init() };
    if found && !info.dli_sname.is_null() {
        // SAFETY: the loader's own name of the function.
        return unsafe { CStr::from_ptr(info.dli_sname) }
            .to_string_lossy()
            .into_owned();
    }
    format!("{address:#x}")
}
