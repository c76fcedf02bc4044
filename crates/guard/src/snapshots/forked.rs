//! A snapshot that a forked child takes, publishes, and tells of.
//!
//! The child does all of it, so that a snapshot comes to its end although the parent dies meanwhile: V8 writes, or our own walk
//! where there is no memory for V8's generator, the text goes through its stages to its place, the file gets its name and side-car. The parent's reaper hears of it.

use memguard_capture::{Committed, Compression, Error, Ids, Method};
use memguard_fork::{Child, Ended, Failure, Forked, Limits, Outcome, Unshare};
use memguard_heap_graph::redact::{Redact, RedactKey, Redactor};
use memguard_v8_api::Isolate;
use serde::Serialize;

use super::place::Place;
use super::stages::{Meter, Text};
use super::{SnapshotFacts, UNDER_WAY, UnderWay};
use crate::census::{self, Here};
use crate::children::{ForkError, Kept, Patience, Ready, Started, Told, Turn, Watch, ms};
use crate::generator;

/// The least that a child is given: less would not even hold an empty heap's snapshot.
const LEAST_BYTES: u64 = 128 << 20;
/// How many deleted files a child tells of by name.
const MOST_DELETED: usize = 100;

/// What the reaper gets.
struct Job {
    ticket: u32,
    forked: Forked,
    under_way: UnderWay,
    done: Done,
}

/// Called on the reaper's thread when the child has ended.
type Done = Box<dyn FnOnce(Finished) + Send>;

/// How a forked capture ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    /// What is in the folder now; `None` where it failed, or went elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed: Option<serde_json::Value>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// Processor time of the child, in milliseconds.
    pub cpu_ms: u64,
    /// Its life, in milliseconds.
    pub wall_ms: u64,
    /// Memory of its own at the peak, in bytes.
    pub memory_bytes: Option<u64>,
}

/// Why a child failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A stable code.
    pub code: String,
    /// In words.
    pub message: String,
    /// In a word.
    pub failure: &'static str,
    /// Whether another child could fare better; the ticket is still good for it then.
    pub is_worth_retrying: bool,
    /// Whether this process may write the snapshot itself; the ticket is still good for it then.
    pub may_block: bool,
}

/// Gets a capture ready for another attempt.
///
/// # Errors
/// The ticket is not known, or the system refuses.
pub fn prepare_again(ticket: u32) -> Result<(), ForkError> {
    let mut under_way = UNDER_WAY.take(ticket).ok_or(ForkError::NoTicket)?;
    // Gives the turn back, if it still has it.
    under_way.ready = None;
    let ready = Ready::prepare(under_way.kept);
    let result = ready.map(|ready| under_way.ready = Some(ready));
    UNDER_WAY.put(ticket, under_way);
    result
}

/// Forks this process; the child takes the snapshot of this thread's isolate. `done` is called on another thread when it
/// has ended. What happens while V8's workers are busy is a matter of `patience`.
///
/// # Errors
/// There is no child; the ticket is still good.
///
/// # Safety
/// On the isolate's thread; the library stays loaded.
pub unsafe fn fork(
    ticket: u32,
    facts: SnapshotFacts,
    patience: Patience,
    done: Done,
) -> Result<Started, ForkError> {
    let Some(isolate) = Isolate::current() else {
        return Err(ForkError::NoIsolate);
    };
    let mut under_way = UNDER_WAY.take(ticket).ok_or(ForkError::NoTicket)?;
    if patience == Patience::ComeAgain && !under_way.ready.as_ref().is_none_or(Ready::is_idle) {
        UNDER_WAY.put(ticket, under_way);
        return Err(ForkError::WorkersBusy);
    }
    let Some(ready) = under_way.ready.take() else {
        UNDER_WAY.put(ticket, under_way);
        return Err(ForkError::NoTicket);
    };
    let limits = Limits {
        idle_wait: patience.idle_wait(),
        memory_bytes: under_way.child_bytes(),
        keep_fds: under_way.place.keep_fds(),
        priority: patience.priority(),
        ..Limits::default()
    };
    let mut place = Some(under_way.place);
    let redaction = under_way.redaction.take();
    let stages = Stages {
        method: under_way.method,
        compression: under_way.compression,
        redaction: redaction.as_ref(),
    };
    // SAFETY: passed on from the caller; the child's work touches this thread's isolate and files of its own.
    let forked = unsafe {
        ready.fork(limits, |child| {
            work(child, isolate, &mut place, &stages, facts)
        })
    };
    let Some(place) = place else {
        // Only the child takes it.
        return Err(ForkError::NoTicket);
    };
    under_way.place = place;
    under_way.redaction = redaction;
    let (forked, reaper) = match forked {
        Ok(forked) => forked,
        Err(error) => {
            UNDER_WAY.put(ticket, under_way);
            return Err(error);
        }
    };
    let started = Started::of(&forked);
    let job = Job {
        ticket,
        forked,
        under_way,
        done,
    };
    reaper.hand_over(|turn| job.reap(turn));
    Ok(started)
}

impl UnderWay {
    /// What its child may take, in bytes: twice the estimate, since what really is there is watched besides.
    fn child_bytes(&self) -> Option<u64> {
        let wanted = self.memory_bytes.saturating_mul(2).max(LEAST_BYTES);
        (!self.is_forced).then_some(wanted)
    }
}

/// Who writes the text, and what it goes through.
struct Stages<'a> {
    method: Method,
    compression: Compression,
    redaction: Option<&'a (Redact, RedactKey)>,
}

/// In the child.
fn work(
    child: &Child<'_>,
    isolate: Isolate,
    place: &mut Option<Place>,
    stages: &Stages<'_>,
    facts: SnapshotFacts,
) -> Result<Vec<u8>, Vec<u8>> {
    let Some(place) = place.take() else {
        return Err(Vec::new());
    };
    match capture(child, isolate, place, stages, facts) {
        Ok(None) => Ok(Vec::new()),
        Ok(Some(mut committed)) => {
            committed.deleted.truncate(MOST_DELETED);
            Ok(serde_json::to_vec(&committed).unwrap_or_default())
        }
        Err(error) => {
            let told = Told {
                code: error.code().to_owned(),
                message: error.to_string(),
            };
            Err(told.into_answer())
        }
    }
}

/// In the child: takes the snapshot and publishes it.
fn capture(
    child: &Child<'_>,
    isolate: Isolate,
    place: Place,
    stages: &Stages<'_>,
    facts: SnapshotFacts,
) -> Result<Option<Committed>, Error> {
    const TAKING: u32 = 1;
    const WRITING: u32 = 2;
    const PUBLISHING: u32 = 3;
    const DONE: u32 = 4;

    let method = stages.method;
    if method != Method::Walk {
        // SAFETY: this thread's isolate; the process ends before this library could go.
        unsafe { generator::raise_in_child(isolate) };
    }
    child.phase(TAKING);
    super::faults::simulated_fault(child);
    let meter = Meter::new(place.open()?, child, &place);
    let failed = |error| place.error("write", error);
    let mut text = Text::new(meter, stages.compression).map_err(failed)?;
    let write = |to: &mut dyn std::io::Write| {
        let writing = &mut || child.phase(WRITING);
        if method == Method::Walk {
            return census::write_snapshot(child, Here::of(isolate), to, writing);
        }
        // SAFETY: by the contract of `fork`, this thread is the isolate's; V8 is at rest, or asks for a higher limit
        // between two collections.
        unsafe { isolate.write_heap_snapshot(to, writing) }
    };
    let written = match stages.redaction {
        None => write(&mut text),
        Some((mode, key)) => {
            let mut redactor = Redactor::new(&mut text, *mode, key);
            write(&mut redactor)
                .and_then(|()| redactor.finish().map(drop).map_err(std::io::Error::from))
        }
    };
    let shape = written.and_then(|()| text.finish()).map_err(failed)?;
    child.phase(PUBLISHING);
    let mut metadata = SnapshotFacts {
        pause_ms: ms(child.pause_us()),
        ..facts
    }
    .into_metadata(method, Ids::None);
    metadata.memory_growth_bytes = child.own_memory_bytes();
    let owner = place.owner_file();
    // What was not compressed is looked at as it lies on the disk.
    let plain = (stages.compression != Compression::None).then_some(shape);
    let committed = place.publish(metadata, plain)?;
    child.phase(DONE);
    if let Some(owner) = owner.filter(|_| child.is_orphan()) {
        // The parent's last trace in the folder.
        let _ = std::fs::remove_file(owner);
    }
    Ok(committed)
}

impl Job {
    fn reap(self, turn: Turn) {
        let Self {
            ticket,
            forked,
            mut under_way,
            done,
        } = self;
        let mut watch = Watch::new();
        // A walk writes to nothing: what it does not copy itself is copied for the next collection alone.
        let (wanted, taken) = match under_way.method {
            Method::Walk => (Unshare::Young, under_way.memory_bytes),
            _ => (Unshare::All, 0),
        };
        forked.unshare(wanted, watch.unshared_bytes(taken));
        let ended = forked.wait(&mut |vital| watch.look(vital));
        let finished = Finished::of(&ended, &under_way);
        let goes_on = finished
            .error
            .as_ref()
            .is_some_and(|problem| problem.is_worth_retrying || problem.may_block);
        if goes_on {
            // Whether or not one of them was missed: the next child gets them all.
            under_way.kept = Kept::Nothing;
            UNDER_WAY.put(ticket, under_way);
        } else {
            drop(under_way);
        }
        drop(turn);
        done(finished);
    }
}

impl Finished {
    fn of(ended: &Ended, under_way: &UnderWay) -> Self {
        let finished = Self {
            committed: None,
            error: None,
            cpu_ms: ended.cpu_ms,
            wall_ms: ended.wall_ms,
            memory_bytes: ended.memory_bytes,
        };
        match &ended.outcome {
            Outcome::Done => Self {
                committed: serde_json::from_slice(&ended.answer).ok(),
                ..finished
            },
            Outcome::Failed { failure, detail } => Self {
                error: Some(Problem::of(*failure, detail, &ended.answer, under_way)),
                ..finished
            },
        }
    }
}

impl Problem {
    fn of(failure: Failure, detail: &str, answer: &[u8], under_way: &UnderWay) -> Self {
        // What was written to a stream cannot be taken back.
        let anew = under_way.place.can_start_over();
        let told = Told::read(failure, answer).unwrap_or_else(|| Told {
            code: match failure {
                Failure::Memory => "ERR_MEMGUARD_SNAPSHOT_NO_MEMORY",
                _ => "ERR_MEMGUARD_SNAPSHOT_FORK",
            }
            .to_owned(),
            message: format!(
                "the child that was to take the heap snapshot failed: {failure} ({detail})"
            ),
        });
        // A heap that could not be walked may still be written by V8; on a full disk neither helps.
        let could_not_walk = under_way.method == Method::Walk
            && failure == Failure::Work
            && told.code != "ERR_MEMGUARD_SNAPSHOT_NO_DISK";
        Self {
            code: told.code,
            message: told.message,
            failure: failure.name(),
            is_worth_retrying: anew && failure.is_worth_retrying(),
            may_block: anew
                && (could_not_walk
                    || matches!(
                        failure,
                        Failure::DeadThread
                            | Failure::Crash
                            | Failure::KeptBuffer
                            | Failure::Panic
                            | Failure::Unknown
                    )),
        }
    }
}
