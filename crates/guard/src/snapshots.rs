//! Heap snapshots of this process: by what method, is there room, where do they go, what is kept.
//!
//! The capture crate knows folders and costs, the fork crate how a frozen copy of the process is made, the vitals what
//! is left; this room joins them. What blocks for the disk runs on a pool thread, never on a JavaScript thread; what
//! must be done on the isolate's thread, and says so, takes as long as the process stands still.

#[cfg(not(feature = "test-hooks"))]
#[path = "snapshots/no_faults.rs"]
pub(crate) mod faults;
#[cfg(feature = "test-hooks")]
pub mod faults;
mod forked;
mod method;
mod place;
pub(crate) mod room;
mod stages;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memguard_capture::headroom::{
    Code, Cost, Decision, HeapFacts, LastCapture, Room, decide, estimate, needed_memory_bytes,
};
use memguard_capture::{
    Committed, Compression, Error, Folder, Ids, Metadata, Method, Request, RetentionPolicy, Sweep,
    now_ms,
};
use memguard_heap_graph::redact::{Redact, RedactKey};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

type Folders = HashMap<(PathBuf, String), Arc<Folder>>;

/// Folders that are open, by path and app. One is open from its first capture until the guard stops.
static FOLDERS: Mutex<Option<Folders>> = Mutex::new(None);
/// Captures under way, by ticket.
static UNDER_WAY: Tickets<UnderWay> = Tickets::new();

use crate::children::{self, Kept, Tickets};
pub use crate::children::{ForkError, Patience, Started};
pub use forked::{Finished, fork, prepare_again};
pub use method::Wish;
pub use place::Target;

use crate::children::Ready;
use place::Place;
use room::memory_room;

struct UnderWay {
    place: Place,
    memory_bytes: u64,
    /// Taken though it may not fit: no bound but what the machine has.
    is_forced: bool,
    /// What is kept from the child.
    kept: Kept,
    compression: Compression,
    /// What is replaced, and the key of the hashes.
    redaction: Option<(Redact, RedactKey)>,
    /// How it is taken.
    method: Method,
    /// Ready to be forked; `None` where it will be written by this process.
    ready: Option<Ready>,
}

/// Where snapshots go and how many are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotFolder {
    /// The folder; made when the first snapshot is taken.
    pub dir: PathBuf,
    /// The app whose cool-down counts.
    pub app: String,
    /// The most snapshots.
    pub max_count: u64,
    /// The most bytes of them.
    pub max_bytes: Option<u64>,
    /// The oldest, in milliseconds.
    pub max_age_ms: Option<u64>,
    /// What must stay free on the disk.
    pub min_free_disk_bytes: u64,
}

/// A wish for a snapshot.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotRequest {
    /// Where to.
    pub folder: SnapshotFolder,
    /// Used heap as a percentage of its limit, for the name.
    pub pct: f64,
    /// Used heap in bytes.
    pub heap_used_bytes: u64,
    /// The part of it in V8's large object spaces.
    pub large_object_bytes: u64,
    /// Node's major version.
    pub node_line: u32,
    /// The least time since this app's last snapshot; 0 for none.
    pub cooldown_ms: u64,
    /// The longest pause that is allowed.
    pub max_pause_ms: Option<u64>,
    /// Take it though it may cost the process its life.
    pub force: bool,
    /// By what method.
    #[serde(default)]
    pub method: Wish,
    /// Where the snapshot goes.
    #[serde(default)]
    pub to: Target,
    /// What is replaced by hashes before anything is written: by a forked child alone.
    #[serde(default)]
    pub redact: Option<Redaction>,
    /// How it is compressed.
    #[serde(default)]
    pub compression: Compression,
}

impl SnapshotRequest {
    /// V8 writing by itself would write everything.
    fn wish(&self) -> Wish {
        match (self.redact, self.method) {
            (Some(_), Wish::Auto) => Wish::Child,
            (Some(_), Wish::Blocking) => Wish::Fork,
            (_, wish) => wish,
        }
    }

    fn redaction(&self) -> Result<Option<(Redact, RedactKey)>, Error> {
        let key = |mode| match RedactKey::random() {
            Ok(key) => Ok((mode, key)),
            Err(error) => {
                let reason = error.to_string();
                Err(Error::Fork { reason })
            }
        };
        self.redact.map(|mode| key(mode.into())).transpose()
    }
}

/// What is replaced by hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redaction {
    /// Contents of strings, and numbers.
    Strings,
    /// And names of properties, classes and functions.
    All,
}

impl From<Redaction> for Redact {
    fn from(redaction: Redaction) -> Self {
        match redaction {
            Redaction::Strings => Self::Strings,
            Redaction::All => Self::All,
        }
    }
}

/// A snapshot that may be written now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Begun {
    /// For [`commit`] or [`abort`].
    pub ticket: u32,
    /// Where V8 shall write it; `None` for a stream.
    pub temp_path: Option<PathBuf>,
    /// Where a stream is read; whoever gets it closes it.
    pub read_fd: Option<i32>,
    /// What it was estimated to cost.
    pub cost: Cost,
    /// How it will be taken: call [`fork`], or write it and call [`commit`].
    pub method: Method,
    /// Why no better one.
    pub method_reason: Option<String>,
}

/// What is known when it was written.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnapshotFacts {
    /// Why: `alert`, `signal`, `api`.
    pub reason: String,
    /// The alert's level.
    pub level: Option<String>,
    /// `process.version`.
    pub node_version: String,
    /// `worker_threads.threadId`.
    pub thread_id: u32,
    /// How long JavaScript stood still.
    pub pause_ms: f64,
    /// Used heap right before.
    pub heap_used_bytes: u64,
    /// External memory right before.
    pub external_bytes: u64,
    /// Why no better method.
    #[serde(default)]
    pub method_reason: Option<String>,
    /// How many children failed before.
    #[serde(default)]
    pub retries: u32,
}

impl SnapshotFacts {
    fn into_metadata(self, method: Method, ids: Ids) -> Metadata {
        Metadata {
            level: self.level,
            node_version: Some(self.node_version),
            thread_id: Some(self.thread_id),
            pause_ms: Some(self.pause_ms),
            heap_used_bytes: Some(self.heap_used_bytes),
            external_bytes: Some(self.external_bytes),
            method_reason: self.method_reason,
            retries: (method != Method::Blocking || self.retries > 0).then_some(self.retries),
            ..Metadata::new(method, ids, self.reason)
        }
    }
}

/// What a snapshot would be like now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Whether there is room, and the cost.
    #[serde(flatten)]
    pub decision: Decision,
    /// By what method it would be taken.
    pub method: Method,
    /// Why no better one.
    pub method_reason: Option<String>,
}

/// Whether there would be memory for a snapshot now, by what method it would be taken, and what it would cost.
/// Touches no file of the folder.
///
/// # Errors
/// It was to be forked, which cannot be.
pub fn plan(request: &SnapshotRequest) -> Result<Plan, Error> {
    let room = Room {
        memory: memory_room(taken_bytes()),
        max_pause_ms: request.max_pause_ms,
        ..Room::default()
    };
    let Chosen {
        decision,
        method,
        method_reason,
    } = Chosen::of(request, None, &room)?;
    Ok(Plan {
        decision,
        method,
        method_reason,
    })
}

/// A method, and whether there is room for it.
struct Chosen {
    decision: Decision,
    method: Method,
    method_reason: Option<String>,
}

impl Chosen {
    /// The best method that can be had, or, where there is no memory for V8's generator but for a walk, that.
    fn of(
        request: &SnapshotRequest,
        last: Option<LastCapture>,
        room: &Room,
    ) -> Result<Self, Error> {
        let (method, method_reason) = method::choose(request.wish())?;
        let decide_for = |method| {
            let mut cost = estimate(&facts(request, last));
            method::adjust(&mut cost, method, request.heap_used_bytes);
            shrink(&mut cost, request.compression);
            decide(&cost, room, &request.folder.dir)
        };
        let decision = decide_for(method);
        let is_too_large = matches!(decision.code, Code::NoMemory | Code::MemoryUnknown);
        let may_walk = is_too_large
            && method != Method::Walk
            && !request.force
            && request.wish().may_step_down()
            && method::why_not_walk().is_none();
        if may_walk {
            let walked = decide_for(Method::Walk);
            if walked.allowed {
                return Ok(Self {
                    decision: walked,
                    method: Method::Walk,
                    method_reason: Some(decision.reason),
                });
            }
        }
        Ok(Self {
            decision,
            method,
            method_reason,
        })
    }
}

/// Checks the room, reserves a place, and prepares a fork.
///
/// # Errors
/// Why it must not be: no memory, no disk, cool-down, budget, folder; another is under way.
pub fn begin(request: &SnapshotRequest) -> Result<Begun, Error> {
    let redaction = request.redaction()?;
    let folder = match request.to {
        Target::Folder => Some(open(&request.folder)?),
        Target::Path(_) | Target::Stream => None,
    };
    let last = folder.as_ref().and_then(|folder| folder.last_capture());
    let judged = folder.as_ref().filter(|_| !request.force);
    let disk = judged.map(|it| it.disk_room()).transpose()?;
    let room = Room {
        memory: memory_room(taken_bytes()),
        disk_free_bytes: disk.and_then(|disk| disk.free_bytes),
        disk_reserved_bytes: disk.map_or(0, |disk| disk.reserved_bytes),
        max_pause_ms: request.max_pause_ms,
    };
    let Chosen {
        decision,
        method,
        method_reason,
    } = Chosen::of(request, last, &room)?;
    let cost = decision.cost;
    if !request.force {
        decision.into_result()?;
    }
    // Before a place is taken: where it cannot be forked after all, it is written by this process.
    let (ready, method, method_reason) = match method {
        Method::Fork | Method::Walk => match Ready::prepare(Kept::Buffers) {
            Ok(ready) => (Some(ready), method, method_reason),
            Err(ForkError::Busy) => return Err(Error::UnderWay),
            Err(error) if request.wish() != Wish::Auto || method == Method::Walk => {
                let reason = error.to_string();
                return Err(Error::Fork { reason });
            }
            Err(error) => (None, Method::Blocking, Some(error.to_string())),
        },
        method => (None, method, method_reason),
    };
    let place = match &folder {
        Some(folder) => Place::Folder(folder.begin(&Request {
            now_ms: now_ms(),
            pct: request.pct.round().clamp(0.0, 999.0) as u16,
            expected_bytes: cost.disk_bytes,
            cooldown_ms: request.cooldown_ms,
            compression: request.compression,
        })?),
        None => Place::of(&request.to)?,
    };
    let temp_path = place.temp_path().map(Path::to_owned);
    let read_fd = place.read_fd();
    let ticket = UNDER_WAY.issue(UnderWay {
        place,
        memory_bytes: needed_memory_bytes(&cost),
        is_forced: request.force,
        kept: Kept::Buffers,
        compression: request.compression,
        redaction,
        method,
        ready,
    });
    Ok(Begun {
        ticket,
        temp_path,
        read_fd,
        cost,
        method,
        method_reason,
    })
}

/// The file of a compressed snapshot: measured, a fifth of the text or less; reserved, a quarter.
fn shrink(cost: &mut Cost, compression: Compression) {
    if compression != Compression::None {
        cost.disk_bytes /= 4;
    }
}

fn facts(request: &SnapshotRequest, last: Option<LastCapture>) -> HeapFacts {
    HeapFacts {
        heap_used_bytes: request.heap_used_bytes,
        large_object_bytes: request.large_object_bytes,
        node_major: Some(request.node_line),
        last,
        ..HeapFacts::default()
    }
}

/// Publishes a snapshot that this process wrote; `None` for a ticket that is not known, or whose place is no folder.
///
/// # Errors
/// It is not whole, or has no place; nothing of it is left then.
pub fn commit(ticket: u32, facts: SnapshotFacts) -> Result<Option<Committed>, Error> {
    UNDER_WAY.take(ticket).map_or(Ok(None), |under_way| {
        let metadata = facts.into_metadata(Method::Blocking, Ids::Process);
        let UnderWay {
            mut place,
            compression,
            ..
        } = under_way;
        let plain = place.compress(compression)?;
        place.publish(metadata, plain)
    })
}

/// Gives up a snapshot; its temporary file is deleted.
pub fn abort(ticket: u32) {
    drop(UNDER_WAY.take(ticket));
}

/// Removes what captures of dead processes left behind, and what retention no longer allows.
/// A folder that does not exist is left so.
///
/// # Errors
/// The folder cannot be used.
pub fn tidy(settings: &SnapshotFolder) -> Result<Option<Sweep>, Error> {
    if !settings.dir.is_dir() {
        return Ok(None);
    }
    let folder = open(settings)?;
    let swept = folder.sweep()?;
    // A capture that is under way makes way for itself, and tells what went for it.
    if !children::is_under_way() {
        folder.prune(now_ms())?;
    }
    Ok(Some(swept))
}

/// Snapshots in a folder, newest first; none when it does not exist.
///
/// # Errors
/// The folder cannot be read.
pub fn list(dir: &Path) -> Result<Vec<memguard_capture::SnapshotInfo>, Error> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    memguard_capture::list(dir)
}

/// Closes a folder: its lock and descriptor are given back as soon as no capture needs them.
pub fn close(settings: &SnapshotFolder) {
    let key = (settings.dir.clone(), settings.app.clone());
    let closed = FOLDERS
        .lock()
        .as_mut()
        .and_then(|folders| folders.remove(&key));
    drop(closed);
}

/// Memory that captures under way will take.
fn taken_bytes() -> u64 {
    UNDER_WAY.sum(|one| one.memory_bytes)
}

fn open(settings: &SnapshotFolder) -> Result<Arc<Folder>, Error> {
    let policy = RetentionPolicy {
        max_count: settings.max_count,
        max_bytes: settings.max_bytes,
        max_age_ms: settings.max_age_ms,
        min_free_disk_bytes: settings.min_free_disk_bytes,
    };
    let key = (settings.dir.clone(), settings.app.clone());
    let known = FOLDERS
        .lock()
        .as_ref()
        .and_then(|folders| folders.get(&key).cloned());
    if let Some(folder) = known.filter(|folder| *folder.policy() == policy) {
        return Ok(folder);
    }
    // Opened outside of the lock: it may wait for another process.
    let folder = Arc::new(Folder::open(&settings.dir, policy, &settings.app)?);
    FOLDERS
        .lock()
        .get_or_insert_default()
        .insert(key, Arc::clone(&folder));
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_goes_from_wish_to_file_and_its_folder_can_be_closed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = SnapshotFolder {
            dir: dir.path().join("snapshots"),
            app: "shop".to_owned(),
            max_count: 2,
            max_bytes: None,
            max_age_ms: None,
            min_free_disk_bytes: 0,
        };
        assert!(tidy(&folder).unwrap().is_none());
        assert_eq!(list(&folder.dir).unwrap(), []);
        let request = SnapshotRequest {
            folder: folder.clone(),
            pct: 86.4,
            heap_used_bytes: 1 << 20,
            large_object_bytes: 0,
            node_line: 22,
            cooldown_ms: 60_000,
            max_pause_ms: None,
            force: true,
            method: Wish::Blocking,
            to: Target::Folder,
            redact: None,
            compression: Compression::None,
        };
        let begun = begin(&request).unwrap();
        let text = r#"{"snapshot":{"meta":{},"node_count":0,"edge_count":0},"nodes":[],"edges":[],"strings":[]}"#;
        std::fs::write(begun.temp_path.unwrap(), text).unwrap();
        let facts = SnapshotFacts {
            reason: "api".to_owned(),
            level: None,
            node_version: "v22.1.0".to_owned(),
            thread_id: 0,
            pause_ms: 12.0,
            heap_used_bytes: 1 << 20,
            external_bytes: 0,
            method_reason: None,
            retries: 0,
        };
        let committed = commit(begun.ticket, facts.clone()).unwrap().unwrap();
        assert_eq!(committed.snapshot.pct, 86);
        assert_eq!(list(&folder.dir).unwrap(), [committed.snapshot]);
        assert!(commit(begun.ticket, facts).unwrap().is_none());
        assert!(matches!(begin(&request), Err(Error::Cooldown { .. })));
        let again = begin(&SnapshotRequest {
            cooldown_ms: 0,
            ..request
        })
        .unwrap();
        abort(again.ticket);
        assert!(!again.temp_path.unwrap().exists());
        close(&folder);
    }
}
