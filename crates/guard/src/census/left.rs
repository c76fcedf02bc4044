//! A census that a process leaves behind: its child writes the table into the snapshot folder by itself, so that it is there whatever
//! becomes of the process.

use std::path::PathBuf;
use std::time::Duration;

use memguard_capture::profiles::ProfilePolicy;
use memguard_fork::{Limits, Outcome};
use memguard_v8_api::Isolate;
use serde::Serialize;

use super::child::{Here, leave};
use super::request::CensusRequest;
use super::run::{KEPT_PART, LEAST_BYTES, check_room, of_fork};
use super::{CensusError, support};
use crate::children::{ForkError, Kept, Patience, Ready, Started, Told, Watch};

/// Rows of the table.
const CLASSES: usize = 200;

/// What is left behind, and where.
pub(crate) struct Left {
    /// The folder.
    pub(crate) dir: PathBuf,
    /// How many are kept there.
    pub(crate) policy: ProfilePolicy,
    /// A word for the name.
    pub(crate) occasion: String,
    /// Used heap in bytes.
    pub(crate) heap_used_bytes: u64,
    /// Written into the table besides.
    pub(crate) moment: Moment,
}

/// When it was, and why there is no more than this.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Moment {
    pub(crate) created_at_ms: u64,
    pub(crate) node_version: String,
    pub(crate) thread_id: u32,
    pub(crate) limit_bytes: usize,
    pub(crate) no_snapshot: NoSnapshot,
}

/// Why there is no snapshot.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NoSnapshot {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Left {
    pub(super) fn request(&self) -> CensusRequest {
        CensusRequest::of_table(self.heap_used_bytes, CLASSES)
    }
}

/// Checks whether there is room for a census, and prepares a fork.
///
/// # Errors
/// Why it cannot be had.
pub(crate) fn prepare(heap_used_bytes: u64) -> Result<Ready, CensusError> {
    support()?;
    check_room(CensusRequest::of_table(heap_used_bytes, CLASSES).bytes())?;
    Ready::prepare(Kept::Buffers).map_err(of_fork)
}

/// Forks this process; the child leaves the census behind. `done` is told the file on another thread.
///
/// # Errors
/// There is no child.
///
/// # Safety
/// On the isolate's thread; the library stays loaded.
pub(crate) unsafe fn fork(
    ready: Ready,
    left: Left,
    done: impl FnOnce(Result<PathBuf, CensusError>) + Send + 'static,
) -> Result<Started, CensusError> {
    let isolate = Isolate::current().ok_or_else(|| of_fork(ForkError::NoIsolate))?;
    let here = Here::of(isolate);
    let patience = Patience::AtTheLimit;
    let limits = Limits {
        idle_wait: patience.idle_wait(),
        memory_bytes: Some(left.request().bytes().saturating_mul(2).max(LEAST_BYTES)),
        wall: Duration::from_secs(120),
        priority: patience.priority(),
        ..Limits::default()
    };
    // SAFETY: passed on from the caller; the child's work reads memory, and writes to a file of its own.
    let forked = unsafe {
        ready.fork(limits, |child| {
            leave(child, here, &left)
                .map(|file| file.to_string_lossy().into_owned().into_bytes())
                .map_err(CensusError::into_answer)
        })
    };
    let (forked, reaper) = forked.map_err(of_fork)?;
    let started = Started::of(&forked);
    reaper.hand_over(move |turn| {
        let mut watch = Watch::keeping(KEPT_PART);
        let ended = forked.wait(&mut |vital| watch.look(vital));
        drop(turn);
        done(match ended.outcome {
            Outcome::Done => Ok(String::from_utf8_lossy(&ended.answer).into_owned().into()),
            Outcome::Failed { failure, detail } => {
                let told = Told::read(failure, &ended.answer).map(|told| told.message);
                Err(CensusError::new(
                    "ERR_MEMGUARD_CENSUS_FORK",
                    told.unwrap_or_else(|| format!("{failure} ({detail})")),
                ))
            }
        });
    });
    Ok(started)
}
