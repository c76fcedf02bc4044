//! Forked children of this process, whatever they are for: one at a time, prepared by a thread that may wait, watched and
//! reaped by another.

mod tickets;
mod told;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use memguard_capture::headroom::MemoryRoom;
use memguard_fork::{
    Child, Forked, Limits, PrepareOptions, Prepared, Priority, Timings, Verdict, Vital,
};
use memguard_vitals::Vitals;
use serde::Serialize;

use crate::snapshots::faults::simulated;
use crate::snapshots::room;
use crate::thread;

pub(crate) use tickets::Tickets;
pub(crate) use told::Told;

/// Left free for the app while a child runs: below that the child is killed.
const RESERVE_BYTES: u64 = 32 << 20;
/// More than a young generation, and what a server writes to in the seconds that a child lives.
const MOST_UNSHARED: usize = 256 << 20;
/// And this part of what memory is left.
const UNSHARED_PART: u64 = 8;
/// With less than this left, a copy may be what ends the child.
const LEAST_TO_UNSHARE: u64 = 128 << 20;

/// What to do while V8's workers are in the middle of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Answer so at once: the caller comes again.
    ComeAgain,
    /// Wait a little and then fork whatever they do: the caller has come often enough.
    Pressed,
    /// Wait for longer: at the heap's limit they sweep, and there will be no other moment.
    AtTheLimit,
}

impl Patience {
    /// Of a caller that comes again until it is pressed.
    #[must_use]
    pub fn of_caller(pressed: bool) -> Self {
        if pressed {
            Self::Pressed
        } else {
            Self::ComeAgain
        }
    }

    pub(crate) fn idle_wait(self) -> Duration {
        Duration::from_millis(match self {
            Self::ComeAgain => 3,
            Self::Pressed => 25,
            Self::AtTheLimit => 1000,
        })
    }

    /// Its child's share of the processors.
    pub(crate) fn priority(self) -> Priority {
        match self {
            Self::AtTheLimit => Priority::Low,
            Self::ComeAgain | Self::Pressed => Priority::Idle,
        }
    }
}

/// What a child is not given, since it has no use for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is given all: another one failed.
    Nothing,
    /// Large buffers.
    Buffers,
    /// And the half of V8's young generation that is empty until the next collection: for a walk between two collections.
    BuffersAndEmptyHalf,
}

/// One fork at a time in this process: the marks of the memory must not be read while another changes them.
static UNDER_WAY: AtomicBool = AtomicBool::new(false);

/// Whether a child lives, or is about to.
pub(crate) fn is_under_way() -> bool {
    UNDER_WAY.load(Ordering::Acquire)
}

/// The right to fork; given back when dropped.
pub(crate) struct Turn;

impl Turn {
    fn take() -> Option<Self> {
        UNDER_WAY
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
            .then_some(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        UNDER_WAY.store(false, Ordering::Release);
    }
}

/// Why there was no fork.
#[derive(Debug)]
pub enum ForkError {
    /// Another is under way.
    Busy,
    /// No such ticket, or it is not to be forked.
    NoTicket,
    /// The system refused.
    Refused(memguard_fork::Error),
    /// No thread for its reaper.
    NoThread(std::io::Error),
    /// V8 is not to be had on this thread.
    NoIsolate,
    /// V8's workers are in the middle of something: a child would wait for them. The ticket is still good.
    WorkersBusy,
}

impl std::fmt::Display for ForkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy => f.write_str("another capture is under way"),
            Self::NoTicket => f.write_str("the capture is not known"),
            Self::Refused(error) => error.fmt(f),
            Self::NoThread(error) => write!(f, "no thread could be started: {error}"),
            Self::WorkersBusy => f.write_str("V8's workers are busy"),
            Self::NoIsolate => f.write_str("V8 cannot be reached on this thread"),
        }
    }
}

/// Everything that a fork needs, made by a thread that may wait.
pub(crate) struct Ready {
    prepared: Prepared,
    reaper: Reaper,
}

/// The thread that waits for the child, and the right to have one.
pub(crate) struct Reaper {
    jobs: Sender<Job>,
    turn: Turn,
}

type Job = Box<dyn FnOnce() + Send>;

impl Ready {
    /// Takes the turn, and gets everything ready.
    pub(crate) fn prepare(kept: Kept) -> Result<Self, ForkError> {
        let turn = Turn::take().ok_or(ForkError::Busy)?;
        let options = PrepareOptions {
            keep_buffers: kept != Kept::Nothing,
            keep_empty_half: kept == Kept::BuffersAndEmptyHalf,
            ..simulated(PrepareOptions::default())
        };
        let prepared = memguard_fork::prepare(&options).map_err(ForkError::Refused)?;
        // Started before the fork, so that no child is ever left without one.
        let (jobs, inbox) = channel::<Job>();
        let reap = move || {
            if let Ok(job) = inbox.recv() {
                job();
            }
        };
        thread::start("reaper", reap, || ()).map_err(ForkError::NoThread)?;
        let reaper = Reaper { jobs, turn };
        Ok(Self { prepared, reaper })
    }

    /// Whether none of V8's workers does anything now. Some microseconds.
    pub(crate) fn is_idle(&self) -> bool {
        self.prepared.is_idle()
    }

    /// Forks; see [`Prepared::fork`]. Whoever gets the child hands it over to the reaper.
    ///
    /// # Safety
    /// As for [`Prepared::fork`].
    pub(crate) unsafe fn fork(
        self,
        limits: Limits,
        work: impl FnOnce(&Child<'_>) -> Result<Vec<u8>, Vec<u8>>,
    ) -> Result<(Forked, Reaper), ForkError> {
        // SAFETY: passed on from the caller.
        let forked = unsafe { self.prepared.fork(limits, work) };
        let forked = forked.map_err(ForkError::Refused)?;
        Ok((forked, self.reaper))
    }
}

impl Reaper {
    /// Has the thread wait for the child, which `job` does. It gives the turn back before it tells anybody of the end.
    pub(crate) fn hand_over(self, job: impl FnOnce(Turn) + Send + 'static) {
        let Self { jobs, turn } = self;
        if let Err(unsent) = jobs.send(Box::new(move || job(turn))) {
            // The thread cannot have ended before its job came; should it, this one reaps rather than leave a zombie.
            (unsent.0)();
        }
    }
}

impl Started {
    pub(crate) fn of(forked: &Forked) -> Self {
        Self {
            pid: forked.pid(),
            pause_ms: ms(forked.timings().total_us),
            parts: forked.timings().into(),
            busy_workers: forked.busy_workers(),
        }
    }
}

/// What the parent knows right after the fork.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The child.
    pub pid: i32,
    /// How long the process stood still.
    pub pause_ms: f64,
    /// And what for.
    pub parts: Parts,
    /// V8's workers that were busy nevertheless.
    pub busy_workers: usize,
}

/// The parts of a pause, in milliseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Parts {
    /// Waiting for V8's workers.
    pub idle_ms: f64,
    /// Completing the list of regions.
    pub maps_ms: f64,
    /// Marks of the memory.
    pub marks_ms: f64,
    /// The fork.
    pub fork_ms: f64,
}

impl From<Timings> for Parts {
    fn from(timings: Timings) -> Self {
        Self {
            idle_ms: ms(timings.idle_us),
            maps_ms: ms(timings.maps_us),
            marks_ms: ms(timings.marks_us),
            fork_ms: ms(timings.fork_us),
        }
    }
}

pub(crate) fn ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}

/// Looks after what is left of the memory while a child runs.
pub(crate) struct Watch {
    vitals: Vitals,
    reserve_bytes: u64,
}

impl Watch {
    /// Half of what is left is kept for the process.
    pub(crate) fn new() -> Self {
        Self::keeping(2)
    }

    /// For a child whose needs are small and known: only this part of what is left is kept.
    pub(crate) fn keeping(part: u64) -> Self {
        let mut vitals = Vitals::open();
        let left = room::nearest(&vitals.read()).map_or(u64::MAX, |room| room.available_bytes);
        Self {
            vitals,
            reserve_bytes: RESERVE_BYTES.min(left / part),
        }
    }

    /// How much of the heap the process may copy for itself right away, beside what the child will take in bytes.
    pub(crate) fn unshared_bytes(&mut self, taken: u64) -> usize {
        let left = room::nearest(&self.vitals.read()).map_or(u64::MAX, |room| room.available_bytes);
        if left < LEAST_TO_UNSHARE {
            return 0;
        }
        let part = left.saturating_sub(taken) / UNSHARED_PART;
        usize::try_from(part).map_or(MOST_UNSHARED, |bytes| bytes.min(MOST_UNSHARED))
    }

    pub(crate) fn look(&mut self, _: &Vital) -> Verdict {
        if self.shortage().is_none() {
            return Verdict::GoOn;
        }
        // What is file cache is read every few seconds only, and a file that was read since looks like memory in use.
        self.vitals.expire();
        match self.shortage() {
            Some(room) => Verdict::Kill(format!(
                "only {} MB were left before {} is reached",
                room.available_bytes >> 20,
                room.limited_by
            )),
            None => Verdict::GoOn,
        }
    }

    /// The nearest limit, where too little is left before it.
    fn shortage(&mut self) -> Option<MemoryRoom> {
        room::nearest(&self.vitals.read()).filter(|room| room.available_bytes < self.reserve_bytes)
    }
}
