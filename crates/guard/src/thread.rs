//! Threads of our own (the sampler, a child's reaper): of low priority, deaf to signals.

use std::io::Write;
use std::thread::Builder;

/// Added to the thread's niceness. It must still get its turn on a machine that is busy collecting
/// garbage, which is when it is needed: idle priority would be too low.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Starts `body` on a thread of its own, called `name` where it fails, or answers why that could not be.
///
/// A panic of `body` ends the thread and nothing else; `failed` is told of it.
pub(crate) fn start(
    name: &'static str,
    body: impl FnOnce() + Send + 'static,
    failed: impl FnOnce() + Send + 'static,
) -> std::io::Result<()> {
    let guarded = move || {
        lower_priority();
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err() {
            failed();
            let _ = writeln!(
                std::io::stderr(),
                "memguard: the {name} failed and has stopped; the process is not affected"
            );
        }
    };
    let signals = block_signals();
    let started = Builder::new()
        .name("memguard".to_owned())
        .stack_size(256 << 10)
        .spawn(guarded);
    restore_signals(signals);
    started.map(drop)
}

#[cfg(target_os = "linux")]
fn lower_priority() {
    // On Linux a thread's id in place of the process's lowers this thread alone. Refused: it stays as it is.
    let thread = rustix::thread::gettid();
    let now = rustix::process::getpriority_process(Some(thread)).unwrap_or(0);
    let _ = rustix::process::setpriority_process(Some(thread), (now + NICENESS).min(19));
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(unix)]
type Signals = Option<libc::sigset_t>;

/// Blocks all signals, which the new thread inherits: none of the app's signals must be handled on it.
#[cfg(unix)]
fn block_signals() -> Signals {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigfillset initialises the set that it is given.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: `all` is initialised, and pthread_sigmask writes the earlier mask to `before`.
    let failed =
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
    // SAFETY: written by pthread_sigmask when it succeeded.
    (failed == 0).then(|| unsafe { before.assume_init() })
}

#[cfg(unix)]
fn restore_signals(signals: Signals) {
    if let Some(before) = signals {
        // SAFETY: `before` is the mask that this thread had.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut())
        };
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
fn block_signals() -> Signals {
    Signals
}

#[cfg(not(unix))]
fn restore_signals(_: Signals) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::sync::mpsc;

    #[test]
    fn the_thread_is_named_nice_and_deaf_to_signals() {
        let (send, receive) = mpsc::channel();
        super::start(
            "test",
            move || {
                let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
                let status = fs::read_to_string("/proc/thread-self/status").unwrap();
                send.send((stat, status)).unwrap();
            },
            || {},
        )
        .unwrap();
        let (stat, status) = receive.recv().unwrap();
        assert!(stat.contains("(memguard)"));
        let nice: i32 = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .nth(16)
            .unwrap()
            .parse()
            .unwrap();
        assert!(nice >= super::NICENESS.min(19), "niceness {nice}");
        let blocked = status
            .lines()
            .find(|line| line.starts_with("SigBlk"))
            .unwrap();
        assert!(blocked.ends_with("fffffffe7ffbfeff"), "{blocked}");
    }

    #[test]
    fn a_panic_stays_in_the_thread() {
        let (send, receive) = mpsc::channel();
        super::start(
            "test",
            || panic!("expected by the test"),
            move || send.send("failed").unwrap(),
        )
        .unwrap();
        assert_eq!(receive.recv(), Ok("failed"));
    }
}
