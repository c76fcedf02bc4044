//! Children in which something goes wrong, made by a plain fork: what they do about it, and what their parent hears.

use std::ffi::{c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::black_box::{BlackBox, Counter, Page, Reason, become_child};
use super::reaper::Forked;
#[cfg(target_env = "gnu")]
use super::regions::{self, Inventory};
use super::{burden, fakes, signals};
use crate::{Ended, Failure, Limits, Outcome, PrepareOptions, Timings, Verdict};

/// Longer than anything here takes on a machine that others use as well.
const LONG: Duration = Duration::from_secs(60);

/// Forks; the child does `work`, and if that comes back, ends well with the answer.
fn fork(black_box: BlackBox, work: impl FnOnce(&Page) -> u8) -> Forked {
    // SAFETY: the child runs `work` and ends; the C library keeps `malloc` whole in it.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let page = black_box.page();
        become_child(page);
        page.set_answer(&[work(page)]);
        super::black_box::exit(Reason::Done);
    }
    Forked {
        pid,
        proc_root: PathBuf::from("/proc"),
        black_box,
        output: None,
        timings: Timings::default(),
        busy: 0,
        kept: Vec::new(),
        v8s: Vec::new(),
        wall: LONG,
        memory_limit: None,
        start: Instant::now(),
    }
}

/// Forks and waits.
fn end_of(work: impl FnOnce(&Page) -> u8) -> Ended {
    fork(BlackBox::new().unwrap(), work).wait(&mut |_| Verdict::GoOn)
}

fn failure(ended: &Ended) -> Failure {
    match &ended.outcome {
        Outcome::Failed { failure, .. } => *failure,
        Outcome::Done => panic!("it came to its end: {ended:?}"),
    }
}

/// The replacement of a function of the C library.
fn fake(name: &str) -> usize {
    fakes::replacement(name.as_bytes()).unwrap()
}

type One = unsafe extern "C" fn(*mut c_void) -> c_int;
type Two = unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int;
type Three = unsafe extern "C" fn(*mut c_void, *mut c_void, *const c_void) -> c_int;
type Call = unsafe extern "C" fn(libc::c_long, usize, usize, usize, usize, usize, usize) -> i64;

/// # Safety
/// The replaced function has this type.
unsafe fn as_function<T: Copy>(name: &str) -> T {
    let address = fake(name);
    // SAFETY: by the caller's word; a function pointer is an address.
    unsafe { std::mem::transmute_copy(&address) }
}

#[test]
fn waits_that_nobody_would_end_end_the_child() {
    let condition = end_of(|_| {
        // SAFETY: what it is given is not looked at.
        unsafe { as_function::<Two>("pthread_cond_wait")(null_mut(), null_mut()) };
        0
    });
    assert_eq!(failure(&condition), Failure::DeadThread);
    let Outcome::Failed { detail, .. } = &condition.outcome else {
        panic!("{condition:?}");
    };
    assert!(detail.contains("; in "), "no back trace: {detail}");

    let semaphore = end_of(|_| {
        // SAFETY: all-zero bytes are a semaphore at zero.
        let mut semaphore: libc::sem_t = unsafe { std::mem::zeroed() };
        // SAFETY: a semaphore.
        unsafe { as_function::<One>("sem_wait")((&raw mut semaphore).cast()) };
        0
    });
    assert_eq!(failure(&semaphore), Failure::DeadThread);

    let futex = end_of(|_| {
        let word = AtomicU32::new(7);
        futex(&word, libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, 7, 0);
        0
    });
    assert_eq!(failure(&futex), Failure::DeadThread);
}

fn futex(word: &AtomicU32, command: c_int, value: usize, time: usize) -> (i64, i32) {
    let address = word.as_ptr() as usize;
    // SAFETY: a futex word that outlives the call.
    let answer = unsafe {
        as_function::<Call>("syscall")(
            libc::SYS_futex,
            address,
            command as usize,
            value,
            time,
            0,
            0,
        )
    };
    let error = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    (answer, error)
}

#[test]
fn waits_with_a_limit_are_over_at_once_and_all_other_calls_go_through() {
    let ended = end_of(|page| {
        let word = AtomicU32::new(7);
        let moment = libc::timespec {
            tv_sec: 3600,
            tv_nsec: 0,
        };
        let time = &raw const moment as usize;
        let mut good = 0;
        good += u8::from(futex(&word, libc::FUTEX_WAIT, 7, time) == (-1, libc::ETIMEDOUT));
        good += u8::from(futex(&word, libc::FUTEX_WAIT_BITSET, 8, 0) == (-1, libc::EAGAIN));
        good += u8::from(futex(&word, libc::FUTEX_WAKE, 1, 0).0 == 0);
        // SAFETY: a call without arguments.
        let id = unsafe { as_function::<Call>("syscall")(libc::SYS_getpid, 0, 0, 0, 0, 0, 0) };
        good += u8::from(id == i64::from(std::process::id()));
        // SAFETY: what it is given is not looked at.
        let waited = unsafe {
            as_function::<Three>("pthread_cond_timedwait")(
                null_mut(),
                null_mut(),
                (&raw const moment).cast(),
            )
        };
        good += u8::from(waited == libc::ETIMEDOUT);
        // SAFETY: all-zero bytes are a semaphore at zero.
        let mut semaphore: libc::sem_t = unsafe { std::mem::zeroed() };
        // SAFETY: a semaphore, and a moment that is not looked at.
        let waited =
            unsafe { as_function::<Two>("sem_timedwait")((&raw mut semaphore).cast(), null_mut()) };
        good += u8::from(waited == -1);
        good += u8::from(page.counters[Counter::Futex as usize].load(Relaxed) == 2);
        good
    });
    assert_eq!(
        (ended.outcome, &ended.answer[..]),
        (Outcome::Done, &[7][..])
    );
}

#[test]
fn locks_of_threads_that_are_gone_are_passed_over() {
    let ended = end_of(|page| {
        let mut mutex = libc::PTHREAD_MUTEX_INITIALIZER;
        let mut lock = libc::PTHREAD_RWLOCK_INITIALIZER;
        let mut good = 0;
        // SAFETY: a mutex and a lock of this child's own, taken once and then, by the replacements, again.
        unsafe {
            libc::pthread_mutex_lock(&raw mut mutex);
            good +=
                u8::from(as_function::<One>("pthread_mutex_lock")((&raw mut mutex).cast()) == 0);
            libc::pthread_rwlock_wrlock(&raw mut lock);
            for name in ["pthread_rwlock_rdlock", "pthread_rwlock_wrlock"] {
                good += u8::from(as_function::<One>(name)((&raw mut lock).cast()) == 0);
            }
        }
        good += u8::from(page.counters[Counter::BusyLock as usize].load(Relaxed) == 1);
        good
    });
    assert_eq!(
        (ended.outcome, &ended.answer[..]),
        (Outcome::Done, &[4][..])
    );
}

#[test]
fn no_thread_is_made_joined_or_woken_and_no_event_awaited() {
    let ended = end_of(|_| {
        let mut good = 0;
        // SAFETY: what they are given is not looked at.
        unsafe {
            let create: unsafe extern "C" fn(
                *mut c_void,
                *mut c_void,
                *mut c_void,
                *mut c_void,
            ) -> c_int = as_function("pthread_create");
            good +=
                u8::from(create(null_mut(), null_mut(), null_mut(), null_mut()) == libc::EAGAIN);
            good += u8::from(as_function::<Two>("pthread_join")(null_mut(), null_mut()) == 0);
            good += u8::from(as_function::<One>("pthread_cond_signal")(null_mut()) == 0);
            good += u8::from(as_function::<One>("pthread_cond_broadcast")(null_mut()) == 0);
            let poll: unsafe extern "C" fn(c_int, *mut c_void, c_int, c_int) -> c_int =
                as_function("epoll_wait");
            good += u8::from(poll(-1, null_mut(), 1, -1) == 0);
        }
        good
    });
    assert_eq!(
        (ended.outcome, &ended.answer[..]),
        (Outcome::Done, &[5][..])
    );
}

#[test]
#[cfg(target_env = "gnu")]
fn a_large_buffer_that_the_child_does_not_have_can_be_freed_there() {
    let block = vec![1_u8; 48 << 20];
    let inside = block.as_ptr() as usize + (1 << 20);
    let inventory = Inventory::read(&PrepareOptions::default()).unwrap();
    let plan = inventory.plan(&std::fs::read("/proc/self/maps").unwrap());
    assert!(plan.keep.iter().any(|region| region.contains(&inside)));
    regions::advise(&plan.keep, libc::MADV_DONTFORK);
    let forked = fork(BlackBox::new().unwrap(), |_| {
        let is_there = regions::peek(inside).is_some();
        drop(block);
        u8::from(is_there)
    });
    regions::advise(&plan.keep, libc::MADV_DOFORK);
    let ended = forked.wait(&mut |_| Verdict::GoOn);
    assert_eq!(
        (ended.outcome, &ended.answer[..]),
        (Outcome::Done, &[0][..])
    );
}

/// Takes the child's signals over, as every child does.
fn guarded(wall: Duration, orphan: Duration) {
    // SAFETY: called in a forked child only, where nothing depends on its signals.
    unsafe { signals::take_over(libc::getppid(), wall, orphan) };
}

fn pause_for_ever() -> ! {
    loop {
        // SAFETY: it only waits.
        unsafe { libc::pause() };
    }
}

#[test]
fn a_child_ends_itself_when_its_time_is_over() {
    let ended = end_of(|_| {
        guarded(Duration::ZERO, LONG);
        pause_for_ever()
    });
    assert_eq!(failure(&ended), Failure::Time);
}

#[test]
fn a_child_ends_itself_when_its_parent_has_been_gone_for_too_long() {
    let black_box = BlackBox::new().unwrap();
    let parent = fork(BlackBox::new().unwrap(), |_| {
        // SAFETY: as in `fork`.
        if unsafe { libc::fork() } == 0 {
            become_child(black_box.page());
            guarded(LONG, Duration::ZERO);
            black_box.page().phase.store(1, Relaxed);
            pause_for_ever();
        }
        // The grandchild must know its parent before that goes.
        while black_box.page().phase.load(Relaxed) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        0
    });
    assert_eq!(parent.wait(&mut |_| Verdict::GoOn).outcome, Outcome::Done);
    let start = Instant::now();
    while black_box.page().reason.load(Relaxed) != Reason::Orphan as u32 {
        assert!(start.elapsed() < LONG, "it lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_child_ends_itself_when_it_took_too_much_processor_time() {
    let limits = Limits {
        cpu: Duration::from_secs(1),
        ..Limits::default()
    };
    let ended = end_of(|_| {
        guarded(LONG, LONG);
        // SAFETY: in a forked child.
        unsafe { burden::bound(Path::new("/proc"), &limits) };
        loop {
            std::hint::spin_loop();
        }
    });
    assert_eq!(failure(&ended), Failure::Cpu);
    assert!(ended.cpu_ms >= 500, "{}", ended.cpu_ms);
}

#[test]
fn a_crash_says_where() {
    let ended = end_of(|_| {
        guarded(LONG, LONG);
        // SAFETY: none: the fault is wanted.
        unsafe { std::ptr::write_volatile(8 as *mut u8, 1) };
        0
    });
    assert_eq!(failure(&ended), Failure::Crash);
    let Outcome::Failed { detail, .. } = ended.outcome else {
        panic!("checked above");
    };
    assert!(detail.contains("signal 11 at 0x8"), "{detail}");
    assert!(detail.contains("; in "), "no back trace: {detail}");
}

#[test]
fn a_child_that_must_not_go_on_is_killed_with_the_reason() {
    let forked = fork(BlackBox::new().unwrap(), |_| pause_for_ever());
    let ended = forked.wait(&mut |vital| {
        assert!(vital.resident_bytes > 0);
        Verdict::Kill("only 3 MB were left".to_owned())
    });
    assert_eq!(failure(&ended), Failure::Memory);
    let Outcome::Failed { detail, .. } = ended.outcome else {
        panic!("checked above");
    };
    assert!(detail.contains("only 3 MB were left"), "{detail}");
}

#[test]
fn a_child_that_does_not_hear_its_clock_is_killed() {
    let mut forked = fork(BlackBox::new().unwrap(), |_| pause_for_ever());
    forked.wall = Duration::ZERO;
    let ended = forked.wait(&mut |_| Verdict::GoOn);
    assert_eq!(failure(&ended), Failure::Time);
}

#[test]
fn a_child_that_somebody_else_has_reaped_is_known_by_its_page() {
    let forked = fork(BlackBox::new().unwrap(), |_| 42);
    // SAFETY: this test's own child.
    unsafe { libc::waitpid(forked.pid, null_mut(), 0) };
    let ended = forked.wait(&mut |_| Verdict::GoOn);
    assert_eq!(
        (ended.outcome, &ended.answer[..]),
        (Outcome::Done, &[42][..])
    );

    let forked = fork(BlackBox::new().unwrap(), |page| {
        page.give_reason(Reason::Panic);
        0
    });
    // SAFETY: as above.
    unsafe { libc::waitpid(forked.pid, null_mut(), 0) };
    assert_eq!(
        failure(&forked.wait(&mut |_| Verdict::GoOn)),
        Failure::Panic
    );
}
