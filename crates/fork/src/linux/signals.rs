//! The child's signals: its own handlers for crashes, its own watch over its time, nothing of the parent's.
//!
//! libuv's handler in the child would write into the pipe that the parent reads, so all is reset before any signal is let
//! in again.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use super::black_box::{Reason, current, exit, exit_here};

const STACK: usize = 256 * 1024;
const CRASHES: [c_int; 7] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
    libc::SIGFPE,
    libc::SIGSYS,
];

/// Blocks all signals of this thread for as long as it lives.
pub struct Blocked(libc::sigset_t);

impl Blocked {
    pub fn new() -> Self {
        let mut all = std::mem::MaybeUninit::uninit();
        let mut before = std::mem::MaybeUninit::uninit();
        // SAFETY: both sets are filled before they are read: one by sigfillset, the other by pthread_sigmask.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::sigemptyset(before.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            Self(before.assume_init())
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: the mask that was in force before.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut())
        };
    }
}

static PARENT: AtomicI32 = AtomicI32::new(0);
static DEADLINE_MS: AtomicI64 = AtomicI64::new(i64::MAX);
static ORPHAN_MS: AtomicI64 = AtomicI64::new(0);
static ORPHAN_DEADLINE_MS: AtomicI64 = AtomicI64::new(i64::MAX);
/// Crashes so far: a crash while one is being described ends the child at once.
static CRASHED: AtomicUsize = AtomicUsize::new(0);

/// Takes the child's signals over, and lets them in.
///
/// # Safety
/// In a forked child only, with all signals blocked.
pub unsafe fn take_over(parent: i32, wall: Duration, orphan: Duration) {
    PARENT.store(parent, Relaxed);
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
    DEADLINE_MS.store(now_ms().saturating_add(millis(wall)), Relaxed);
    ORPHAN_MS.store(millis(orphan), Relaxed);
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: the default action, or none, for every signal that has one; others are refused.
        unsafe {
            let action = match signal {
                // What is written to nobody, or beyond a limit, is an error of the write.
                libc::SIGPIPE | libc::SIGXFSZ => libc::SIG_IGN,
                _ => libc::SIG_DFL,
            };
            libc::signal(signal, action);
        }
    }
    // SAFETY: a new stack that is never freed, and handlers that touch atomics only before they end the process.
    unsafe {
        let stack = libc::mmap(
            std::ptr::null_mut(),
            STACK,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if stack != libc::MAP_FAILED {
            let alternate = libc::stack_t {
                ss_sp: stack,
                ss_flags: 0,
                ss_size: STACK,
            };
            libc::sigaltstack(&raw const alternate, std::ptr::null_mut());
        }
        for signal in CRASHES {
            handle(signal, crashed as *const () as usize, libc::SA_NODEFER);
        }
        handle(libc::SIGXCPU, out_of_cpu as *const () as usize, 0);
        handle(libc::SIGALRM, tick as *const () as usize, libc::SA_RESTART);
        // How often the child looks at the clock and for its parent.
        let second = libc::timeval {
            tv_sec: 1,
            tv_usec: 0,
        };
        let timer = libc::itimerval {
            it_interval: second,
            it_value: second,
        };
        libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut());
        let mut none = std::mem::MaybeUninit::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
    }
}

/// # Safety
/// `handler` is a handler with three arguments that may run on the alternate stack at any time.
unsafe fn handle(signal: c_int, handler: usize, flags: c_int) {
    // SAFETY: all-zero bytes are a valid action, of which the needed fields are set.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | flags;
    // SAFETY: by the caller's word about the handler.
    unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
}

unsafe extern "C" fn crashed(signal: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    if CRASHED.fetch_add(1, Relaxed) == 0
        && let Some(page) = current()
    {
        page.give_reason(Reason::Signal);
        page.signal.store(signal, Relaxed);
        // SAFETY: the kernel's description of the signal; for one that is no fault the field means nothing.
        page.fault
            .store(unsafe { (*info).si_addr() } as usize, Relaxed);
        page.trace();
    }
    exit(Reason::Signal)
}

unsafe extern "C" fn out_of_cpu(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    exit_here(Reason::Cpu)
}

unsafe extern "C" fn tick(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    let now = now_ms();
    if now >= DEADLINE_MS.load(Relaxed) {
        exit_here(Reason::Time);
    }
    if is_orphan() {
        let deadline = now.saturating_add(ORPHAN_MS.load(Relaxed));
        let known = ORPHAN_DEADLINE_MS
            .fetch_min(deadline, Relaxed)
            .min(deadline);
        if now >= known {
            exit_here(Reason::Orphan);
        }
    }
}

/// Whether the child's parent is gone.
pub fn is_orphan() -> bool {
    // SAFETY: it only answers.
    unsafe { libc::getppid() != PARENT.load(Relaxed) }
}

/// Milliseconds of a clock that is never set.
fn now_ms() -> i64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: it fills the struct; allowed in signal handlers.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}
