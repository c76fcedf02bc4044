//! What the child has in place of functions that wait for other threads: it has none.
//!
//! A wait that somebody would have to end ends the child, with a word about where; one with a time limit is over at
//! once. Locks of threads that were not copied are passed over: their holders never come back, and what they guard is
//! read by nobody else.

use std::ffi::{c_int, c_long, c_void};
use std::sync::atomic::{AtomicU32, Ordering};

use super::black_box::{Counter, Reason, current, exit_here};

/// The address of the replacement of the function of this name.
pub fn replacement(name: &[u8]) -> Option<usize> {
    Some(match name {
        b"pthread_cond_signal" | b"pthread_cond_broadcast" => condition_wake as *const () as usize,
        b"pthread_cond_wait" => condition_wait as *const () as usize,
        b"pthread_cond_timedwait" | b"pthread_cond_clockwait" => {
            condition_timed_wait as *const () as usize
        }
        b"pthread_mutex_lock" => mutex_lock as *const () as usize,
        b"pthread_rwlock_rdlock" => read_lock as *const () as usize,
        b"pthread_rwlock_wrlock" => write_lock as *const () as usize,
        b"pthread_join" => join as *const () as usize,
        b"pthread_create" => create as *const () as usize,
        b"sem_wait" => semaphore_wait as *const () as usize,
        b"sem_timedwait" | b"sem_clockwait" => semaphore_timed_wait as *const () as usize,
        b"epoll_wait" | b"epoll_pwait" => poll as *const () as usize,
        b"syscall" => system_call as *const () as usize,
        _ => return None,
    })
}

fn count(counter: Counter) -> u32 {
    current().map_or(0, |page| page.count(counter))
}

fn set_errno(number: c_int) {
    // SAFETY: the C library's own errno of this thread.
    unsafe { *libc::__errno_location() = number };
}

unsafe extern "C" fn condition_wake(_: *mut c_void) -> c_int {
    count(Counter::Woken);
    0
}

unsafe extern "C" fn condition_wait(_: *mut c_void, _: *mut c_void) -> c_int {
    exit_here(Reason::ConditionWait)
}

/// `pthread_cond_clockwait` has one argument more, which is not looked at either.
unsafe extern "C" fn condition_timed_wait(
    _: *mut c_void,
    _: *mut c_void,
    _: *const c_void,
) -> c_int {
    count(Counter::TimedWait);
    libc::ETIMEDOUT
}

unsafe extern "C" fn mutex_lock(mutex: *mut libc::pthread_mutex_t) -> c_int {
    count(Counter::Lock);
    // SAFETY: the caller's mutex, as it would have given it to the real function.
    if unsafe { libc::pthread_mutex_trylock(mutex) } != 0 {
        count(Counter::BusyLock);
    }
    0
}

unsafe extern "C" fn read_lock(lock: *mut libc::pthread_rwlock_t) -> c_int {
    count(Counter::ReadWriteLock);
    // SAFETY: the caller's lock.
    unsafe { libc::pthread_rwlock_tryrdlock(lock) };
    0
}

unsafe extern "C" fn write_lock(lock: *mut libc::pthread_rwlock_t) -> c_int {
    count(Counter::ReadWriteLock);
    // SAFETY: the caller's lock.
    unsafe { libc::pthread_rwlock_trywrlock(lock) };
    0
}

unsafe extern "C" fn join(_: libc::pthread_t, _: *mut *mut c_void) -> c_int {
    count(Counter::Join);
    0
}

unsafe extern "C" fn create(
    _: *mut libc::pthread_t,
    _: *const libc::pthread_attr_t,
    _: *const c_void,
    _: *mut c_void,
) -> c_int {
    count(Counter::Create);
    libc::EAGAIN
}

unsafe extern "C" fn semaphore_wait(semaphore: *mut libc::sem_t) -> c_int {
    count(Counter::Semaphore);
    // SAFETY: the caller's semaphore.
    if unsafe { libc::sem_trywait(semaphore) } == 0 {
        return 0;
    }
    exit_here(Reason::SemaphoreWait)
}

unsafe extern "C" fn semaphore_timed_wait(semaphore: *mut libc::sem_t, _: *const c_void) -> c_int {
    count(Counter::Semaphore);
    // SAFETY: the caller's semaphore.
    if unsafe { libc::sem_trywait(semaphore) } == 0 {
        return 0;
    }
    set_errno(libc::ETIMEDOUT);
    -1
}

unsafe extern "C" fn poll(_: c_int, _: *mut c_void, _: c_int, _: c_int) -> c_int {
    count(Counter::Poll);
    0
}

/// V8's locks and conditions call the kernel's futex directly from Node 24 on (they are Abseil's there). All that is
/// not a futex wait goes through.
unsafe extern "C" fn system_call(
    number: c_long,
    first: usize,
    second: usize,
    third: usize,
    fourth: usize,
    fifth: usize,
    sixth: usize,
) -> c_long {
    const COMMAND: usize = 0x7f;
    if number == libc::SYS_futex {
        let command = c_int::try_from(second & COMMAND).unwrap_or(-1);
        let is_wait = matches!(command, libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET);
        if is_wait || command == libc::FUTEX_LOCK_PI {
            count(Counter::Futex);
            // SAFETY: the caller's futex word, which the kernel would read in the same way.
            let value = unsafe { (*(first as *const AtomicU32)).load(Ordering::SeqCst) };
            if is_wait && value != third as u32 {
                set_errno(libc::EAGAIN);
                return -1;
            }
            if fourth != 0 {
                set_errno(libc::ETIMEDOUT);
                return -1;
            }
            exit_here(Reason::FutexWait);
        }
    }
    // SAFETY: the caller's call as it was; registers that a call does not use are not looked at.
    unsafe { libc::syscall(number, first, second, third, fourth, fifth, sixth) }
}
