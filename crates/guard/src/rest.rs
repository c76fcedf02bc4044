//! Whether an isolate's thread has rested since it last answered.
//!
//! Waking an idle event loop costs its thread 100 to 300 µs (a context switch, cold caches): many
//! times the reading that it is woken for, and twice a second while memory is tight. But a thread
//! that has not run has changed nothing on its heap, so what it said last still holds, and its CPU
//! clock, which another thread can read for a microsecond, tells that it has not run.

/// A thread that used less CPU than this since its answer has rested: what it does after the
/// answer to fall asleep again stays below it, and little can be allocated in it.
const REST_US: u64 = 250;
/// How long an answer holds at most: what is counted outside of the heap (array buffers) is
/// asked for at the calm pace.
const HOLDS_US: u64 = 9_500_000;

/// Keeps account of one thread.
pub(crate) struct Rest {
    clock: Option<ThreadClock>,
    asked: bool,
    answered: Option<Answer>,
}

#[derive(Clone, Copy)]
struct Answer {
    at_us: u64,
    cpu_us: u64,
}

impl Rest {
    /// Of the calling thread.
    pub(crate) fn of_this_thread() -> Self {
        Self::of(ThreadClock::of_this_thread())
    }

    /// Of a thread whose clock is not to be had: it never counts as resting.
    pub(crate) fn unknown() -> Self {
        Self::of(None)
    }

    fn of(clock: Option<ThreadClock>) -> Self {
        Self {
            clock,
            asked: false,
            answered: None,
        }
    }

    /// Whether the last answer still holds.
    pub(crate) fn holds(&self, now_us: u64) -> bool {
        self.answered.is_some_and(|answer| {
            now_us.saturating_sub(answer.at_us) < HOLDS_US
                && self
                    .cpu_us()
                    .is_some_and(|cpu| cpu.saturating_sub(answer.cpu_us) < REST_US)
        })
    }

    /// The thread is being asked.
    pub(crate) fn asked(&mut self) {
        self.asked = true;
    }

    /// The thread has no question open; counts once after it was asked.
    pub(crate) fn answered(&mut self, now_us: u64) {
        if std::mem::take(&mut self.asked) {
            self.answered = self.cpu_us().map(|cpu_us| Answer {
                at_us: now_us,
                cpu_us,
            });
        }
    }

    fn cpu_us(&self) -> Option<u64> {
        self.clock.as_ref()?.now_us()
    }
}

/// The CPU clock of a thread, readable from any other.
#[cfg(target_os = "linux")]
struct ThreadClock(libc::clockid_t);

#[cfg(target_os = "linux")]
impl ThreadClock {
    fn of_this_thread() -> Option<Self> {
        let mut clock = 0;
        // SAFETY: the calling thread is alive, and `clock` is written to only.
        let failed = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) };
        (failed == 0).then_some(Self(clock))
    }

    /// Microseconds, or `None` when the thread has ended.
    fn now_us(&self) -> Option<u64> {
        let mut time = std::mem::MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: the kernel checks the clock's number, and writes `time` when it succeeds.
        let failed = unsafe { libc::clock_gettime(self.0, time.as_mut_ptr()) };
        if failed != 0 {
            return None;
        }
        // SAFETY: written, since it did not fail.
        let time = unsafe { time.assume_init() };
        Some(time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000)
    }
}

#[cfg(not(target_os = "linux"))]
struct ThreadClock;

#[cfg(not(target_os = "linux"))]
impl ThreadClock {
    fn of_this_thread() -> Option<Self> {
        None
    }

    fn now_us(&self) -> Option<u64> {
        None
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    /// A thread that works for as long as it is told to, and answers.
    struct Worker {
        work: mpsc::Sender<Duration>,
        done: mpsc::Receiver<()>,
        rest: Rest,
    }

    impl Worker {
        fn start() -> Self {
            let (work, orders) = mpsc::channel::<Duration>();
            let (report, done) = mpsc::channel();
            let (hand, clock) = mpsc::channel();
            std::thread::spawn(move || {
                hand.send(Rest::of_this_thread()).unwrap();
                for time in orders {
                    let start = Instant::now();
                    while start.elapsed() < time {}
                    report.send(()).unwrap();
                }
            });
            Self {
                work,
                done,
                rest: clock.recv().unwrap(),
            }
        }

        fn work(&self, ms: u64) {
            self.work.send(Duration::from_millis(ms)).unwrap();
            self.done.recv().unwrap();
        }

        fn answer(&mut self, now_us: u64) {
            self.rest.asked();
            self.work(0);
            // The thread needs a moment to fall asleep again.
            std::thread::sleep(Duration::from_millis(20));
            self.rest.answered(now_us);
        }
    }

    #[test]
    fn an_answer_holds_while_the_thread_sleeps() {
        let mut worker = Worker::start();
        assert!(!worker.rest.holds(0), "it was never asked");
        worker.answer(1000);
        assert!(worker.rest.holds(2000));
        worker.work(50);
        assert!(!worker.rest.holds(2000), "it has worked");
        worker.rest.answered(3000);
        assert!(!worker.rest.holds(3000), "it was not asked again");
        worker.answer(4000);
        assert!(worker.rest.holds(5000));
        assert!(!worker.rest.holds(4000 + HOLDS_US), "too long ago");
    }

    #[test]
    fn a_thread_that_ended_or_is_unknown_does_not_rest() {
        let mut worker = Worker::start();
        worker.answer(0);
        let Worker { work, done, rest } = worker;
        drop(work);
        assert!(done.recv().is_err());
        let start = Instant::now();
        while rest.holds(0) && start.elapsed() < Duration::from_secs(10) {
            std::thread::yield_now();
        }
        assert!(!rest.holds(0));
        let mut unknown = Rest::unknown();
        unknown.asked();
        unknown.answered(0);
        assert!(!unknown.holds(0));
    }
}
