//! A few pages that parent and child share: what the child is doing, and why it failed.
//!
//! Everything in it is an atomic or a byte area that is published by an atomic length, since it is written by signal
//! handlers, and read by another process while that happens.

use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::Acquire,
    Ordering::Relaxed, Ordering::Release,
};

/// How far the child is. Work may count on from [`phase::WORK`].
pub mod phase {
    pub const FORKED: u32 = 0;
    pub const SIGNALS: u32 = 1;
    pub const DESCRIPTORS: u32 = 2;
    pub const PRIORITY: u32 = 3;
    pub const SLOTS: u32 = 4;
    pub const LIMITS: u32 = 5;
    pub const WORK: u32 = 16;
}

/// Why a child ended itself.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Reason {
    None = 0,
    Done,
    WorkFailed,
    Panic,
    ConditionWait,
    FutexWait,
    SemaphoreWait,
    Signal,
    Cpu,
    Time,
    Orphan,
}

impl Reason {
    pub fn from_raw(raw: u32) -> Self {
        [
            Self::None,
            Self::Done,
            Self::WorkFailed,
            Self::Panic,
            Self::ConditionWait,
            Self::FutexWait,
            Self::SemaphoreWait,
            Self::Signal,
            Self::Cpu,
            Self::Time,
            Self::Orphan,
        ]
        .into_iter()
        .find(|reason| *reason as u32 == raw)
        .unwrap_or(Self::None)
    }
}

/// What the replaced functions count.
#[derive(Clone, Copy)]
#[repr(usize)]
pub enum Counter {
    Woken,
    TimedWait,
    Lock,
    BusyLock,
    Semaphore,
    Join,
    ReadWriteLock,
    Poll,
    Create,
    Futex,
}

pub const COUNTERS: [&str; 10] = [
    "wake-ups",
    "timed waits",
    "locks",
    "locks of dead threads",
    "semaphores",
    "joins",
    "read-write locks",
    "polls",
    "threads refused",
    "futex calls",
];

pub const MOST_FRAMES: usize = 48;
const ANSWER: usize = 64 * 1024;

/// The layout of the shared pages.
#[repr(C)]
pub struct Page {
    pub phase: AtomicU32,
    pub reason: AtomicU32,
    pub signal: AtomicI32,
    pub fault: AtomicUsize,
    pub counters: [AtomicU32; COUNTERS.len()],
    pub frame_count: AtomicU32,
    pub frames: [AtomicUsize; MOST_FRAMES],
    pub written_bytes: AtomicU64,
    pub pause_us: AtomicU64,
    pub own_bytes: AtomicU64,
    answer_len: AtomicU32,
    answer: [AtomicU8; ANSWER],
}

impl Page {
    pub fn count(&self, counter: Counter) -> u32 {
        self.counters[counter as usize].fetch_add(1, Relaxed)
    }

    /// Keeps as much of `bytes` as there is room for; answers whether that was all.
    pub fn set_answer(&self, bytes: &[u8]) -> bool {
        for (place, byte) in self.answer.iter().zip(bytes) {
            place.store(*byte, Relaxed);
        }
        let length = bytes.len().min(ANSWER);
        self.answer_len.store(length as u32, Release);
        length == bytes.len()
    }

    pub fn answer(&self) -> Vec<u8> {
        let length = (self.answer_len.load(Acquire) as usize).min(ANSWER);
        self.answer[..length]
            .iter()
            .map(|byte| byte.load(Relaxed))
            .collect()
    }

    /// Notes the first reason; later ones are its consequences.
    pub fn give_reason(&self, reason: Reason) {
        let _ = self
            .reason
            .compare_exchange(Reason::None as u32, reason as u32, Release, Relaxed);
    }

    /// Notes where the caller is. Safe in a signal handler as far as the unwinder is: a second fault ends the child.
    pub fn trace(&self) {
        unsafe extern "C" fn frame(context: *mut Context, page: *mut libc::c_void) -> i32 {
            // SAFETY: `page` is the page that `trace` handed over, which is mapped until the process ends.
            let page = unsafe { &*page.cast::<Page>() };
            let at = page.frame_count.load(Relaxed) as usize;
            let Some(place) = page.frames.get(at) else {
                return END_OF_STACK;
            };
            // SAFETY: called by the unwinder with its own context.
            place.store(unsafe { _Unwind_GetIP(context) }, Relaxed);
            page.frame_count.store(at as u32 + 1, Relaxed);
            CONTINUE
        }
        if self.frame_count.load(Relaxed) > 0 {
            return;
        }
        let page = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the unwinder that Rust links in walks this thread's stack; the callback does not unwind.
        unsafe { _Unwind_Backtrace(frame, page) };
    }
}

#[repr(C)]
struct Context {
    _private: [u8; 0],
}

const CONTINUE: i32 = 0;
const END_OF_STACK: i32 = 5;

// The Itanium C++ ABI's unwinder, which Rust's own panics use: it is linked into every Rust program on Linux.
unsafe extern "C" {
    fn _Unwind_Backtrace(
        callback: unsafe extern "C" fn(*mut Context, *mut libc::c_void) -> i32,
        data: *mut libc::c_void,
    ) -> i32;
    fn _Unwind_GetIP(context: *mut Context) -> usize;
}

/// The shared pages as the parent owns them; unmapped when dropped.
pub struct BlackBox(NonNull<Page>);

// SAFETY: the page consists of atomics alone and is mapped until the owner drops it.
unsafe impl Send for BlackBox {}
// SAFETY: as above.
unsafe impl Sync for BlackBox {}

impl BlackBox {
    pub fn new() -> std::io::Result<Self> {
        // SAFETY: a new shared mapping of nothing; all-zero bytes are a valid `Page`.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size_of::<Page>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        NonNull::new(address.cast())
            .map(Self)
            .ok_or_else(|| std::io::ErrorKind::OutOfMemory.into())
    }

    pub fn page(&self) -> &Page {
        // SAFETY: mapped by `new` with the size of a `Page`, unmapped by `drop` only.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for BlackBox {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this size; nobody borrows it any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<Page>()) };
    }
}

/// The page of the child that this process is; null in every other process.
static CURRENT: AtomicPtr<Page> = AtomicPtr::new(std::ptr::null_mut());

/// Declares this process a child. Its page is never unmapped.
pub fn become_child(page: &Page) {
    CURRENT.store(std::ptr::from_ref(page).cast_mut(), Release);
}

/// The child's page, for signal handlers and replaced functions.
pub fn current() -> Option<&'static Page> {
    let page = CURRENT.load(Acquire);
    // SAFETY: set by `become_child` only, in a process that never unmaps it.
    unsafe { page.as_ref() }
}

/// Ends the child at once, with nothing of the parent's exit handlers run.
pub fn exit(reason: Reason) -> ! {
    if let Some(page) = current() {
        page.give_reason(reason);
    }
    let code = if reason == Reason::Done { 0 } else { 1 };
    // SAFETY: ends the process; no handler of the parent's runs.
    unsafe { libc::_exit(code) }
}

/// Notes where the child is, and ends it.
pub fn exit_here(reason: Reason) -> ! {
    if let Some(page) = current() {
        page.give_reason(reason);
        page.trace();
    }
    exit(reason)
}
