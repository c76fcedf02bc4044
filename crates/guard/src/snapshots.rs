//! Heap snapshots of this process: is there room, where do they go, what is kept.
//!
//! The capture crate knows folders and costs, the vitals know what is left; this room joins them.
//! Everything here blocks for the disk and runs on a pool thread, never on a JavaScript thread.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use memguard_capture::headroom::{
    Cost, Decision, HeapFacts, MemoryRoom, Room, decide, estimate, needed_memory_bytes,
};
use memguard_capture::{
    Committed, Error, Folder, Ids, Metadata, Method, Pending, Request, RetentionPolicy, Sweep,
    now_ms,
};
use memguard_vitals::{OsReading, Vitals};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

type Folders = HashMap<(PathBuf, String), Arc<Folder>>;

/// Folders that are open, by path and app. One is open from its first capture until the guard stops.
static FOLDERS: Mutex<Option<Folders>> = Mutex::new(None);
/// Captures under way, by ticket.
static UNDER_WAY: Mutex<Option<HashMap<u32, UnderWay>>> = Mutex::new(None);
static NEXT_TICKET: AtomicU32 = AtomicU32::new(1);

struct UnderWay {
    pending: Pending,
    memory_bytes: u64,
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
}

/// A snapshot that may be written now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Begun {
    /// For [`commit`] or [`abort`].
    pub ticket: u32,
    /// Where V8 shall write it.
    pub temp_path: PathBuf,
    /// What it was estimated to cost.
    pub cost: Cost,
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
}

/// Whether there would be memory for a snapshot now, and what it would cost. Touches no file of the folder.
pub fn plan(request: &SnapshotRequest) -> Decision {
    let facts = HeapFacts {
        heap_used_bytes: request.heap_used_bytes,
        large_object_bytes: request.large_object_bytes,
        node_major: Some(request.node_line),
        ..HeapFacts::default()
    };
    let room = Room {
        memory: memory_room(),
        max_pause_ms: request.max_pause_ms,
        ..Room::default()
    };
    decide(&estimate(&facts), &room, &request.folder.dir)
}

/// Checks the room and reserves a place.
///
/// # Errors
/// Why it must not be: no memory, no disk, cool-down, budget, folder.
pub fn begin(request: &SnapshotRequest) -> Result<Begun, Error> {
    let folder = open(&request.folder)?;
    let cost = estimate(&HeapFacts {
        heap_used_bytes: request.heap_used_bytes,
        large_object_bytes: request.large_object_bytes,
        node_major: Some(request.node_line),
        last: folder.last_capture(),
        ..HeapFacts::default()
    });
    if !request.force {
        let disk = folder.disk_room()?;
        let room = Room {
            memory: memory_room(),
            disk_free_bytes: disk.free_bytes,
            disk_reserved_bytes: disk.reserved_bytes,
            max_pause_ms: request.max_pause_ms,
        };
        decide(&cost, &room, folder.dir()).into_result()?;
    }
    let pending = folder.begin(&Request {
        now_ms: now_ms(),
        pct: request.pct.round().clamp(0.0, 999.0) as u16,
        expected_bytes: cost.disk_bytes,
        cooldown_ms: request.cooldown_ms,
    })?;
    let ticket = NEXT_TICKET.fetch_add(1, Ordering::Relaxed);
    let temp_path = pending.temp_path().to_owned();
    let memory_bytes = needed_memory_bytes(&cost);
    UNDER_WAY.lock().get_or_insert_default().insert(
        ticket,
        UnderWay {
            pending,
            memory_bytes,
        },
    );
    Ok(Begun {
        ticket,
        temp_path,
        cost,
    })
}

/// Publishes a snapshot that was written; `None` for a ticket that is not known.
///
/// # Errors
/// It is not whole, or has no place; nothing of it is left then.
pub fn commit(ticket: u32, facts: SnapshotFacts) -> Result<Option<Committed>, Error> {
    let Some(under_way) = take(ticket) else {
        return Ok(None);
    };
    let metadata = Metadata {
        level: facts.level,
        node_version: Some(facts.node_version),
        thread_id: Some(facts.thread_id),
        pause_ms: Some(facts.pause_ms),
        heap_used_bytes: Some(facts.heap_used_bytes),
        external_bytes: Some(facts.external_bytes),
        ..Metadata::new(Method::Blocking, Ids::Process, facts.reason)
    };
    under_way.pending.commit(metadata).map(Some)
}

/// Gives up a snapshot; its temporary file is deleted.
pub fn abort(ticket: u32) {
    if let Some(under_way) = take(ticket) {
        under_way.pending.abort();
    }
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
    folder.prune(now_ms())?;
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

fn take(ticket: u32) -> Option<UnderWay> {
    UNDER_WAY.lock().as_mut()?.remove(&ticket)
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

/// What is left before the nearest limit, less what captures under way will take.
fn memory_room() -> Option<MemoryRoom> {
    let mut room = nearest_room(&Vitals::open().read())?;
    let taken: u64 = UNDER_WAY
        .lock()
        .as_ref()
        .map_or(0, |all| all.values().map(|one| one.memory_bytes).sum());
    room.available_bytes = room.available_bytes.saturating_sub(taken);
    Some(room)
}

fn nearest_room(reading: &OsReading) -> Option<MemoryRoom> {
    let left = |limit: Option<u64>, used: Option<u64>| Some(limit?.saturating_sub(used?));
    let cgroup = reading.cgroup.as_ref();
    let process = &reading.process;
    [
        (
            cgroup.and_then(|it| {
                left(
                    it.limit_bytes,
                    it.limit_used_bytes.or(Some(it.working_set_bytes)),
                )
            }),
            "the cgroup limit",
        ),
        (
            left(reading.rlimits.address_space_bytes, process.virtual_bytes),
            "RLIMIT_AS",
        ),
        (
            left(reading.rlimits.data_bytes, process.data_bytes),
            "RLIMIT_DATA",
        ),
        (
            reading.machine.map(|machine| machine.available_bytes),
            "the machine's memory",
        ),
    ]
    .into_iter()
    .filter_map(|(available, name)| Some((available?, name)))
    .min_by_key(|(available, _)| *available)
    .map(|(available_bytes, name)| MemoryRoom {
        available_bytes,
        limited_by: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use memguard_vitals::{CgroupFigures, CgroupVersion, MachineFigures};

    const CGROUP: CgroupFigures = CgroupFigures {
        version: CgroupVersion::V2,
        usage_bytes: 900,
        working_set_bytes: 700,
        limit_bytes: Some(1000),
        limit_used_bytes: None,
        high_bytes: None,
        high_used_bytes: None,
        swap_bytes: None,
        swap_limit_bytes: None,
        oom_kills: None,
        oom_group: None,
    };

    #[test]
    fn the_least_room_counts_and_is_named() {
        let reading = OsReading {
            cgroup: Some(CGROUP),
            machine: Some(MachineFigures {
                total_bytes: 8000,
                available_bytes: 5000,
                swap_total_bytes: None,
            }),
            ..OsReading::default()
        };
        let room = nearest_room(&reading).unwrap();
        assert_eq!(
            (room.available_bytes, room.limited_by.as_str()),
            (300, "the cgroup limit")
        );
    }

    #[test]
    fn where_nothing_is_known_nothing_is_claimed() {
        assert_eq!(nearest_room(&OsReading::default()), None);
    }

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
        };
        let begun = begin(&request).unwrap();
        let text = r#"{"snapshot":{"meta":{},"node_count":0,"edge_count":0},"nodes":[],"edges":[],"strings":[]}"#;
        std::fs::write(&begun.temp_path, text).unwrap();
        let facts = SnapshotFacts {
            reason: "api".to_owned(),
            level: None,
            node_version: "v22.1.0".to_owned(),
            thread_id: 0,
            pause_ms: 12.0,
            heap_used_bytes: 1 << 20,
            external_bytes: 0,
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
        assert!(!again.temp_path.exists());
        close(&folder);
    }
}
