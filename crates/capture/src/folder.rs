//! A folder of snapshots that several processes share.
//!
//! A capture takes two steps under the folder's lock: [`Folder::begin`] reserves a place, and
//! [`Pending::commit`] gives the whole, synced file its name after retention has made way. In between, the
//! file lies under a temporary name that carries its owner, so that others know to leave it alone, and to
//! remove it once the owner is dead.

mod pending;
mod scan;
mod state;

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

pub use pending::{Committed, Pending};
use scan::Scan;
pub use scan::{Sweep, list};
pub use state::cooldown_left_ms;

use crate::error::Error;
use crate::headroom::LastCapture;
use crate::info::SnapshotInfo;
use crate::lock::{self, FolderLock};
use crate::names::{Compression, SnapshotName, state_file};
use crate::owner::Owner;
use crate::platform;
use crate::retention::{Incoming, Refusal, RetentionPolicy, Rule, Situation, Standing, plan};

/// The longest that a call waits for the folder's lock, unless [`Folder::with_lock_wait`] says otherwise.
pub const LOCK_WAIT: Duration = Duration::from_secs(2);

/// The time in milliseconds since 1970.
#[must_use]
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| {
            u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
        })
}

/// What a capture needs from the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The time, in milliseconds since 1970: it goes into the name.
    pub now_ms: u64,
    /// Used heap as a percentage of its limit: it goes into the name.
    pub pct: u16,
    /// Expected size of the file in bytes ([`Cost::disk_bytes`](crate::headroom::Cost::disk_bytes)).
    pub expected_bytes: u64,
    /// The least time since the last capture of this app in milliseconds; 0 for none.
    pub cooldown_ms: u64,
    /// How the file will be compressed: it goes into the name.
    pub compression: Compression,
}

/// A snapshot that retention has deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deleted {
    /// Where it was.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Why it went.
    pub rule: Rule,
}

/// Disk space as a capture sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskRoom {
    /// Free bytes, counting what retention may delete; `None` where unknown.
    pub free_bytes: Option<u64>,
    /// Bytes that must stay free: the policy's reserve and captures under way.
    pub reserved_bytes: u64,
}

/// A snapshot folder in use by this process.
///
/// All handles of one process on one folder, from whatever thread, count as the same owner; it is released
/// with the last of them and the last [`Pending`]. Every method may be called from any thread. Methods that
/// take the folder's lock wait for it at most [`LOCK_WAIT`]; they hold it for one reading of the folder and
/// a few renames, so a wait is rare, but on a slow disk do not call them on a thread that must not stand.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    policy: RetentionPolicy,
    app: String,
    lock_wait: Duration,
    owner: Mutex<Arc<Owner>>,
    found: Sweep,
}

impl Folder {
    /// Opens `dir`, creating it (for this user alone) when missing, and removes what dead processes have left
    /// behind. `app` is the key of the cool-down and of the calibration: the same for all processes and
    /// restarts of one app.
    ///
    /// # Errors
    /// [`Error::Dir`] when the folder cannot be created or written, [`Error::NoDisk`] when the disk has no
    /// room for an empty file, [`Error::Busy`] when the lock cannot be had.
    pub fn open(dir: &Path, policy: RetentionPolicy, app: &str) -> Result<Self, Error> {
        let (dir, owner, found) = enter(dir, LOCK_WAIT)?;
        let owner = Mutex::new(owner);
        Ok(Self {
            dir,
            policy,
            app: app.to_owned(),
            lock_wait: LOCK_WAIT,
            owner,
            found,
        })
    }

    /// Waits for the folder's lock at most this long.
    #[must_use]
    pub fn with_lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// The folder, as an absolute path without links.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What dead processes had left behind when the folder was opened. An interrupted capture says that the
    /// last run died while it took a snapshot, perhaps of it.
    #[must_use]
    pub fn found_at_open(&self) -> Sweep {
        self.found
    }

    /// The retention policy.
    #[must_use]
    pub fn policy(&self) -> &RetentionPolicy {
        &self.policy
    }

    /// Changes the retention policy; it is applied with the next capture or [`prune`](Self::prune).
    pub fn set_policy(&mut self, policy: RetentionPolicy) {
        self.policy = policy;
    }

    /// Reserves a place for a capture, before its cost is paid.
    ///
    /// Checks cool-down, budget and free disk; deletes old snapshots now only where the disk needs it or
    /// they are too old, all others when the new one is whole. From here on the cool-down runs, even if the
    /// process does not survive the capture.
    ///
    /// # Errors
    /// [`Error::Cooldown`], [`Error::BudgetFull`], [`Error::NoDisk`], [`Error::Busy`], [`Error::Dir`],
    /// [`Error::Io`].
    pub fn begin(&self, request: &Request) -> Result<Pending, Error> {
        let (_lock, owner) = self.lock()?;
        if request.cooldown_ms > 0 {
            let left_ms = self.cooldown_left_unlocked(request.now_ms, request.cooldown_ms);
            if left_ms > 0 {
                let (app, cooldown_ms) = (self.app.clone(), request.cooldown_ms);
                return Err(Error::Cooldown {
                    app,
                    left_ms,
                    cooldown_ms,
                });
            }
        }
        let mut scan = Scan::tidy(&self.dir, &owner)?;
        let incoming = Incoming::Expected(request.expected_bytes);
        let deleted = self.make_way(&mut scan, incoming, request.now_ms, |rules| {
            rules.contains(&Rule::Disk)
        })?;
        self.write_state(&owner, request.now_ms)?;

        let temp = self
            .dir
            .join(owner.snapshot_temp_name(request.expected_bytes));
        platform::private(OpenOptions::new().write(true).create_new(true))
            .open(&temp)
            .map_err(|error| Error::io("create", &temp, error))?;
        Ok(Pending {
            dir: self.dir.clone(),
            policy: self.policy.clone(),
            app: self.app.clone(),
            lock_wait: self.lock_wait,
            name: SnapshotName::new(request.now_ms, request.pct).compressed(request.compression),
            temp: Some(temp),
            deleted,
            owner,
            begun: Instant::now(),
            resident: platform::resident(),
        })
    }

    /// All whole snapshots, newest first. Reads each side-car; does not wait for the lock.
    ///
    /// # Errors
    /// [`Error::Dir`] or [`Error::Io`] when the folder cannot be read.
    pub fn list(&self) -> Result<Vec<SnapshotInfo>, Error> {
        list(&self.dir)
    }

    /// Applies the retention policy now and removes what dead processes have left behind.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Dir`], [`Error::Io`].
    pub fn prune(&self, now_ms: u64) -> Result<Vec<Deleted>, Error> {
        let (_lock, owner) = self.lock()?;
        let mut scan = Scan::tidy(&self.dir, &owner)?;
        self.make_way(&mut scan, Incoming::Nothing, now_ms, |_| true)
    }

    /// Removes what dead processes have left behind: temporary files, side-cars without a snapshot, owner
    /// files. What belongs to a living process stays.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Dir`], [`Error::Io`].
    pub fn sweep(&self) -> Result<Sweep, Error> {
        let (_lock, owner) = self.lock()?;
        Ok(Scan::tidy(&self.dir, &owner)?.swept)
    }

    /// When this app last began a capture in this folder, in milliseconds since 1970, whatever process did
    /// it and whether or not its file still exists. `None` when there is no trace of one.
    #[must_use]
    pub fn last_capture_ms(&self) -> Option<u64> {
        self.capture_times().max()
    }

    /// Milliseconds until the next capture is allowed; see [`cooldown_left_ms`] for clocks set back.
    #[must_use]
    pub fn cooldown_left_ms(&self, now_ms: u64, cooldown_ms: u64) -> u64 {
        self.cooldown_left_unlocked(now_ms, cooldown_ms)
    }

    /// Disk space for [`headroom::decide`](crate::headroom::decide): what is free, what retention could
    /// free, and what is spoken for. Reads the folder once.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Dir`], [`Error::Io`].
    pub fn disk_room(&self) -> Result<DiskRoom, Error> {
        let (_lock, owner) = self.lock()?;
        let scan = Scan::tidy(&self.dir, &owner)?;
        let deletable = scan
            .files
            .iter()
            .filter(|file| file.standing != Standing::Living)
            .fold(0_u64, |sum, file| sum.saturating_add(file.size_bytes));
        Ok(DiskRoom {
            free_bytes: platform::disk_free(&self.dir)
                .ok()
                .map(|free| free.saturating_add(deletable)),
            reserved_bytes: self
                .policy
                .min_free_disk_bytes
                .saturating_add(scan.under_way.unwritten_bytes),
        })
    }

    /// What the newest capture of this app has really cost, for
    /// [`HeapFacts::last`](crate::headroom::HeapFacts::last).
    #[must_use]
    pub fn last_capture(&self) -> Option<LastCapture> {
        let snapshots = self.list().ok()?;
        snapshots
            .iter()
            .filter(|info| info.app.as_deref() == Some(&self.app))
            .find_map(LastCapture::from_info)
    }

    /// Releases this handle. The owner's lock goes with the last handle of the process on this folder.
    pub fn close(self) {
        drop(self);
    }

    /// Locks the folder, and makes it again if somebody has removed it or this process's owner file.
    fn lock(&self) -> Result<(FolderLock, Arc<Owner>), Error> {
        let mut owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        if !owner.is_valid() {
            *owner = enter(&self.dir, self.lock_wait)?.1;
        }
        let current = Arc::clone(&owner);
        drop(owner);
        Ok((lock::acquire(&self.dir, self.lock_wait)?, current))
    }

    fn capture_times(&self) -> impl Iterator<Item = u64> {
        let files = self.list().unwrap_or_default();
        let app = &self.app;
        files
            .into_iter()
            .filter(move |info| info.app.as_ref() == Some(app))
            .map(|info| info.created_at_ms)
            .chain(state::read(&self.dir.join(state_file(app)), app))
    }

    fn cooldown_left_unlocked(&self, now_ms: u64, cooldown_ms: u64) -> u64 {
        self.capture_times()
            .map(|last_ms| cooldown_left_ms(last_ms, now_ms, cooldown_ms))
            .max()
            .unwrap_or(0)
    }

    fn write_state(&self, owner: &Owner, now_ms: u64) -> Result<(), Error> {
        let temp = write_temp(&self.dir, owner, &state::to_json(&self.app, now_ms))?;
        let path = self.dir.join(state_file(&self.app));
        std::fs::rename(&temp, &path).map_err(|error| {
            let _ = std::fs::remove_file(&temp);
            Error::io("rename", &path, error)
        })
    }

    fn make_way(
        &self,
        scan: &mut Scan,
        incoming: Incoming,
        now_ms: u64,
        act: impl Fn(&[Rule]) -> bool,
    ) -> Result<Vec<Deleted>, Error> {
        make_way(&self.dir, &self.policy, scan, incoming, now_ms, act)
    }
}

/// Makes the folder and an owner for this process.
fn enter(dir: &Path, wait: Duration) -> Result<(PathBuf, Arc<Owner>, Sweep), Error> {
    let refuse = |problem: &str, source| Error::Dir {
        path: dir.to_owned(),
        problem: problem.into(),
        source,
    };
    match std::fs::metadata(dir) {
        Ok(metadata) if !metadata.is_dir() => return Err(refuse("it is not a folder", None)),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Err(error) = platform::create_private_dir(dir) {
                return Err(match Error::io("create", dir, error) {
                    Error::Io { source, .. } => refuse("it could not be created", Some(source)),
                    sorted => sorted,
                });
            }
        }
        Err(error) => {
            return Err(match Error::io("look at", dir, error) {
                Error::Io { source, .. } => refuse("it could not be looked at", Some(source)),
                sorted => sorted,
            });
        }
    }
    let dir = dir
        .canonicalize()
        .map_err(|error| Error::io("look at", dir, error))?;
    let _lock = lock::acquire(&dir, wait)?;
    let owner = Owner::of_this_process(&dir)?;
    let found = Scan::tidy(&dir, &owner)?.swept;
    Ok((dir, owner, found))
}

/// Writes and syncs a temporary file; removes it when that fails.
fn write_temp(dir: &Path, owner: &Owner, content: &[u8]) -> Result<PathBuf, Error> {
    let path = dir.join(owner.json_temp_name());
    let write = || -> io::Result<()> {
        let mut file =
            platform::private(OpenOptions::new().write(true).create_new(true)).open(&path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    match write() {
        Ok(()) => Ok(path),
        Err(error) => {
            let _ = std::fs::remove_file(&path);
            Err(Error::io("write", &path, error))
        }
    }
}

/// Deletes what the plan says, where `act` says to carry it out now. A file that cannot be deleted counts as
/// somebody else's, and the plan is made anew without it.
fn make_way(
    dir: &Path,
    policy: &RetentionPolicy,
    scan: &mut Scan,
    incoming: Incoming,
    now_ms: u64,
    act: impl Fn(&[Rule]) -> bool,
) -> Result<Vec<Deleted>, Error> {
    let mut deleted = Vec::new();
    loop {
        let situation = Situation {
            files: &scan.files,
            under_way: scan.under_way,
            incoming,
            disk_free_bytes: platform::disk_free(dir).ok(),
            now_ms,
        };
        let victims = plan(policy, &situation).map_err(|refusal| refused(dir, refusal))?;
        let rules: Vec<Rule> = victims.iter().map(|victim| victim.rule).collect();
        let all = act(&rules);
        let (mut gone, mut stubborn) = (HashSet::new(), false);
        for victim in victims
            .iter()
            .filter(|victim| all || victim.rule == Rule::Age)
        {
            let name = scan.names[victim.index];
            let file = dir.join(name.to_string());
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    scan.files[victim.index].standing = Standing::Living;
                    stubborn = true;
                    break;
                }
                _ => {
                    // The snapshot first: a side-car alone is swept, a snapshot alone has lost its owner.
                    let _ = std::fs::remove_file(dir.join(name.side_car()));
                    gone.insert(victim.index);
                    let size_bytes = scan.files[victim.index].size_bytes;
                    deleted.push(Deleted {
                        file,
                        size_bytes,
                        rule: victim.rule,
                    });
                }
            }
        }
        scan.forget(&gone);
        if !stubborn {
            return Ok(deleted);
        }
    }
}

fn refused(dir: &Path, refusal: Refusal) -> Error {
    let path = dir.to_owned();
    match refusal {
        Refusal::Budget {
            limit,
            held_files,
            held_bytes,
        } => Error::BudgetFull {
            path,
            limit,
            held_files,
            held_bytes,
        },
        Refusal::Disk {
            needed_bytes,
            free_bytes,
            reserved_bytes,
        } => Error::NoDisk {
            path,
            needed_bytes: Some(needed_bytes),
            free_bytes: Some(free_bytes),
            reserved_bytes,
            source: None,
        },
    }
}
