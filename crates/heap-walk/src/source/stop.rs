//! Stopping another process for a moment, unseen by it and by its parent.
//!
//! By `ptrace(PTRACE_SEIZE)` and `PTRACE_INTERRUPT`, thread by thread: unlike SIGSTOP, no shell or supervisor is told,
//! no system call of the process fails, and should *we* die, the kernel lets it go on by itself.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::{Duration, Instant};
use std::{fs, io, mem, ptr};

use super::ThreadState;
use crate::error::WalkError;

/// A thread that sits in an uninterruptible system call stops when that returns: usually at once.
const PATIENCE: Duration = Duration::from_millis(2_000);

/// What `PTRACE_GETREGSET` calls the general registers.
const NT_PRSTATUS: usize = 1;

/// Where the stack pointer stands among the registers.
#[cfg(target_arch = "x86_64")]
pub(super) const STACK_POINTER_INDEX: usize = 19;
#[cfg(target_arch = "aarch64")]
pub(super) const STACK_POINTER_INDEX: usize = 31;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) const STACK_POINTER_INDEX: usize = usize::MAX;

/// A process of which all threads are stopped, until this is dropped.
///
/// The kernel ties the right to trace to the thread that asked for it, so the value can't be sent to another one.
#[derive(Debug)]
pub struct StoppedProcess {
    pid: u32,
    /// Threads that are ours to let go, and the signal each was about to be given.
    held: BTreeMap<u32, i32>,
    threads: Vec<ThreadState>,
    since: Instant,
    not_send: PhantomData<*const ()>,
}

impl StoppedProcess {
    /// Stops all threads of a process.
    ///
    /// # Errors
    /// [`WalkError::NoProcess`], [`WalkError::NotPermitted`] (also when another debugger has it), or
    /// [`WalkError::DidNotStop`]; the process then goes on as before.
    pub fn stop(pid: u32) -> Result<Self, WalkError> {
        let mut stopped = Self {
            pid,
            held: BTreeMap::new(),
            threads: Vec::new(),
            since: Instant::now(),
            not_send: PhantomData,
        };
        // A thread that is not stopped yet may start another one: repeat until a round finds none.
        loop {
            let mut new = Vec::new();
            for tid in stopped.list()? {
                if !stopped.held.contains_key(&tid) && stopped.seize(tid)? {
                    new.push(tid);
                }
            }
            if new.is_empty() {
                break;
            }
            for tid in new {
                stopped.wait(tid)?;
            }
        }
        if stopped.held.is_empty() {
            return Err(WalkError::NoProcess { pid });
        }
        stopped.threads = stopped.held.keys().map(|&tid| registers(tid)).collect();
        Ok(stopped)
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its threads as they were stopped.
    #[must_use]
    pub fn threads(&self) -> &[ThreadState] {
        &self.threads
    }

    /// Lets the process go on; says how long it stood still.
    #[must_use = "dropping it lets the process go on, too: this is for the time it took"]
    pub fn resume(mut self) -> Duration {
        self.let_go();
        self.since.elapsed()
    }

    fn list(&self) -> Result<Vec<u32>, WalkError> {
        let pid = self.pid;
        let entries = fs::read_dir(format!("/proc/{pid}/task")).map_err(|source| {
            if source.kind() == io::ErrorKind::PermissionDenied {
                WalkError::NotPermitted { pid, source }
            } else {
                WalkError::NoProcess { pid }
            }
        })?;
        Ok(entries
            .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
            .collect())
    }

    /// False when the thread has ended meanwhile.
    fn seize(&mut self, tid: u32) -> Result<bool, WalkError> {
        if let Err(source) = trace(libc::PTRACE_SEIZE, tid, 0) {
            return match source.raw_os_error() {
                Some(libc::ESRCH) => Ok(false),
                _ => Err(WalkError::NotPermitted {
                    pid: self.pid,
                    source,
                }),
            };
        }
        self.held.insert(tid, 0);
        // Fails only when the thread is gone, which the wait then sees.
        let _ = trace(libc::PTRACE_INTERRUPT, tid, 0);
        Ok(true)
    }

    fn wait(&mut self, tid: u32) -> Result<(), WalkError> {
        let deadline = Instant::now() + PATIENCE;
        let id = i32::try_from(tid).unwrap_or(-1);
        loop {
            let mut status = 0;
            // SAFETY: `status` is ours; with WNOHANG the call does not block.
            let found = unsafe { libc::waitpid(id, &mut status, libc::__WALL | libc::WNOHANG) };
            if found == id && libc::WIFSTOPPED(status) {
                // Stopped on the way to a signal: it must get that signal when it goes on. PTRACE_EVENT_STOP is our
                // own doing (or a group stop, which lasts by itself).
                let signal = libc::WSTOPSIG(status);
                let ours = status >> 16 == libc::PTRACE_EVENT_STOP;
                self.held.insert(tid, if ours { 0 } else { signal });
                return Ok(());
            }
            let gone = found == id || (found < 0 && last_error() != libc::EINTR);
            if gone {
                self.held.remove(&tid);
                return Ok(());
            }
            if Instant::now() >= deadline {
                let waited_ms = u64::try_from(PATIENCE.as_millis()).unwrap_or(0);
                return Err(WalkError::DidNotStop {
                    pid: self.pid,
                    waited_ms,
                });
            }
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    fn let_go(&mut self) {
        for (tid, signal) in mem::take(&mut self.held) {
            // Fails only when the thread was killed meanwhile.
            let _ = trace(
                libc::PTRACE_DETACH,
                tid,
                usize::try_from(signal).unwrap_or(0),
            );
        }
    }
}

impl Drop for StoppedProcess {
    fn drop(&mut self) {
        self.let_go();
    }
}

fn last_error() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// What the C library takes for a kind of request.
#[cfg(target_env = "musl")]
type Request = libc::c_int;
#[cfg(not(target_env = "musl"))]
type Request = libc::c_uint;

fn trace(request: Request, tid: u32, data: usize) -> io::Result<()> {
    let tid = i32::try_from(tid).unwrap_or(-1);
    let (address, data) = (ptr::null_mut::<libc::c_void>(), data as *mut libc::c_void);
    // SAFETY: SEIZE, INTERRUPT and DETACH read no memory of ours: address is unused and data a number.
    let result = unsafe { libc::ptrace(request, tid, address, data) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn registers(tid: u32) -> ThreadState {
    let mut words = [0_u64; 64];
    let mut into = libc::iovec {
        iov_base: words.as_mut_ptr().cast(),
        iov_len: mem::size_of_val(&words),
    };
    let id = i32::try_from(tid).unwrap_or(-1);
    // SAFETY: `into` describes `words`, which is ours during the call; the kernel writes at most its length.
    let result = unsafe {
        libc::ptrace(
            libc::PTRACE_GETREGSET as _,
            id,
            NT_PRSTATUS,
            ptr::from_mut(&mut into),
        )
    };
    let count = if result < 0 {
        0
    } else {
        (into.iov_len / 8).min(words.len())
    };
    let registers = words[..count].to_vec();
    let stack_pointer = registers.get(STACK_POINTER_INDEX).copied().unwrap_or(0);
    ThreadState {
        tid,
        stack_pointer,
        registers,
    }
}
