//! Who uses a folder, and whether they still live.
//!
//! Every process that has a folder open keeps a file in it locked. The lock goes with the process, on
//! whatever way it dies, and is seen by every process on the same kernel, also across process-id
//! namespaces, where ids mean nothing. Host, boot, namespace, process id and start time stand in the file
//! as further evidence for file systems that only pretend to lock.
//!
//! Limits: on a network file system without working locks, a process on another machine cannot be told from
//! a dead one when locking pretends to succeed; where locking says that it is not supported, files of other
//! machines are left alone. Give each machine a folder of its own there.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::error::Error;
use crate::names::OwnerId;
use crate::platform;

/// This process as a user of one folder; all its handles on that folder share it.
#[derive(Debug)]
pub struct Owner {
    id: OwnerId,
    path: PathBuf,
    counter: AtomicU64,
    /// Holds the lock. `None` only while dropping: the file is closed before it is deleted.
    file: Option<File>,
}

/// Owners of this process by folder. Entries of closed folders are removed with the next opening.
static OWNERS: Mutex<Vec<(PathBuf, Weak<Owner>)>> = Mutex::new(Vec::new());

impl Owner {
    /// The owner of this process for `dir`, an absolute path without links. Call it under the folder's lock.
    pub fn of_this_process(dir: &Path) -> Result<Arc<Self>, Error> {
        let mut owners = OWNERS.lock().unwrap_or_else(PoisonError::into_inner);
        owners.retain(|(_, owner)| owner.strong_count() > 0);
        let known = owners
            .iter()
            .find(|(known, _)| known == dir)
            .and_then(|(_, owner)| owner.upgrade());
        if let Some(owner) = known.filter(|owner| owner.is_valid()) {
            return Ok(owner);
        }
        let owner = Arc::new(Self::create(dir)?);
        owners.retain(|(known, _)| known != dir);
        owners.push((dir.to_owned(), Arc::downgrade(&owner)));
        Ok(owner)
    }

    fn create(dir: &Path) -> Result<Self, Error> {
        let pid = std::process::id();
        let start_time = platform::process_start(pid).unwrap_or(0);
        loop {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "any 32 random bits will do"
            )]
            let nonce = RandomState::new().hash_one(pid) as u32;
            let id = OwnerId {
                pid,
                start_time,
                nonce,
            };
            let path = dir.join(id.lock_file());
            let opened =
                platform::private(OpenOptions::new().read(true).write(true).create_new(true))
                    .open(&path);
            let mut file = match opened {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened.map_err(|error| Error::io("create", &path, error))?,
            };
            // The text is evidence only, so a full disk may do without it.
            let _ = file.write_all(platform::scope().as_bytes());
            let _ = file.try_lock();
            return Ok(Self {
                id,
                path,
                counter: AtomicU64::new(0),
                file: Some(file),
            });
        }
    }

    /// Its name.
    pub fn id(&self) -> OwnerId {
        self.id
    }

    /// The locked file, and its descriptor.
    pub fn file(&self) -> (&Path, Option<i32>) {
        (
            &self.path,
            self.file.as_ref().and_then(platform::descriptor),
        )
    }

    /// A new name for a snapshot that is being written.
    pub fn snapshot_temp_name(&self, reserved_bytes: u64) -> String {
        self.id
            .snapshot_temp(self.counter.fetch_add(1, Ordering::Relaxed), reserved_bytes)
    }

    /// A new name for any other file that is being written.
    pub fn json_temp_name(&self) -> String {
        self.id
            .json_temp(self.counter.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether the file is still in place and this is still the process that made it, not a forked child.
    pub fn is_valid(&self) -> bool {
        self.id.pid == std::process::id() && self.path.symlink_metadata().is_ok()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // A forked child holds the lock with its parent and must not release it.
        if self.id.pid == std::process::id() {
            drop(self.file.take());
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Tells living owners from dead ones. Valid only as long as the folder's lock is held.
#[derive(Debug)]
pub struct Census<'a> {
    dir: &'a Path,
    scope: String,
    known: HashMap<OwnerId, bool>,
}

impl<'a> Census<'a> {
    /// A census of the users of `dir` that knows only `own` to live.
    pub fn new(dir: &'a Path, own: OwnerId) -> Self {
        Self {
            dir,
            scope: platform::scope(),
            known: HashMap::from([(own, true)]),
        }
    }

    /// Whether the process behind `id` has the folder open. When in doubt, it has.
    pub fn is_alive(&mut self, id: OwnerId) -> bool {
        let Self { dir, scope, known } = self;
        *known
            .entry(id)
            .or_insert_with(|| probe(&dir.join(id.lock_file()), id, scope))
    }
}

fn probe(path: &Path, id: OwnerId, scope: &str) -> bool {
    let opened = platform::cautious(OpenOptions::new().read(true).write(true)).open(path);
    let mut file = match opened {
        Err(error) => return error.kind() != io::ErrorKind::NotFound,
        Ok(file) => file,
    };
    let locks_work = match file.try_lock() {
        Err(TryLockError::WouldBlock) => return true,
        Err(TryLockError::Error(_)) => false,
        Ok(()) => true,
    };
    let mut written = String::new();
    let _ = (&mut file).take(4096).read_to_string(&mut written);
    let same_scope = !scope.is_empty() && written == scope;
    match platform::process_start(id.pid) {
        // It runs although nothing is locked: the locks of this file system mean nothing.
        Some(start_time) if same_scope && start_time == id.start_time => true,
        _ => !locks_work && !same_scope,
    }
}
