//! A capture under way.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Deleted, Scan, make_way, write_temp};
use crate::error::Error;
use crate::info::{Metadata, Method, SideCar, SnapshotInfo};
use crate::lock;
use crate::names::{Compression, SnapshotName};
use crate::owner::Owner;
use crate::platform::{self, Resident};
use crate::retention::{Incoming, RetentionPolicy};
use crate::shape::{self, Defect, Shape};

/// A place in the folder for a snapshot that is being taken. Dropping it gives the place back and removes
/// the temporary file.
///
/// The writer writes to [`temp_path`](Self::temp_path), which exists already, empty and private; it may
/// truncate it, append to it or write it from another process. It must be done before
/// [`commit`](Self::commit).
#[derive(Debug)]
pub struct Pending {
    pub(super) dir: PathBuf,
    pub(super) policy: RetentionPolicy,
    pub(super) app: String,
    pub(super) lock_wait: Duration,
    pub(super) name: SnapshotName,
    /// `None` once the file has its final name.
    pub(super) temp: Option<PathBuf>,
    /// What had to make way for it before it was begun.
    pub(super) deleted: Vec<Deleted>,
    pub(super) owner: Arc<Owner>,
    pub(super) begun: Instant,
    pub(super) resident: Option<Resident>,
}

/// A snapshot that is whole, on disk and in its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Committed {
    /// The snapshot.
    pub snapshot: SnapshotInfo,
    /// What retention has deleted to make way for it, from its beginning on.
    pub deleted: Vec<Deleted>,
}

impl Pending {
    /// Where the snapshot is to be written.
    #[must_use]
    pub fn temp_path(&self) -> &Path {
        self.temp.as_deref().unwrap_or(&self.dir)
    }

    /// What must stay free on the folder's disk, in bytes.
    #[must_use]
    pub fn disk_reserve_bytes(&self) -> u64 {
        self.policy.min_free_disk_bytes
    }

    /// The file whose lock says that this process lives, and its descriptor where the system has such. A forked child
    /// that finishes this capture keeps the descriptor, so that nobody takes the capture for a dead one's when the
    /// parent dies; it removes the file when it is done and the parent is gone.
    #[must_use]
    pub fn owner_file(&self) -> (&Path, Option<i32>) {
        self.owner.file()
    }

    /// Checks that the snapshot is whole, syncs it, makes way for it and gives it its name.
    ///
    /// Takes as long as the disk needs to write the file out (hundreds of megabytes), so do not call it on
    /// a thread that must not stand. If another process has stopped while it held the folder's lock, the
    /// commit goes on without the lock after the usual wait: its place is reserved and what it may delete
    /// stays deletable, so nothing is exceeded, and a snapshot that was paid for is not thrown away.
    ///
    /// # Errors
    /// [`Error::Incomplete`], [`Error::NoDisk`], [`Error::BudgetFull`] when the file became larger than was
    /// expected and does not fit, [`Error::Dir`], [`Error::Io`]. The temporary file is gone in any case.
    pub fn commit(self, metadata: Metadata) -> Result<Committed, Error> {
        let (shape, size_bytes) = self.check_and_sync(None)?;
        self.commit_checked(metadata, shape, size_bytes)
    }

    /// The same for a file that was compressed while it was written: `plain` is what went into the compressor, as
    /// [`ShapeMeter`](crate::ShapeMeter) has seen it.
    ///
    /// # Errors
    /// As for [`commit`](Self::commit).
    pub fn commit_compressed(self, metadata: Metadata, plain: Shape) -> Result<Committed, Error> {
        let (shape, size_bytes) = self.check_and_sync(Some(plain))?;
        self.commit_checked(metadata, shape, size_bytes)
    }

    /// Replaces what was written by what `compress` makes of it: it reads the first file and writes the second.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::NoDisk`].
    pub fn rewrite<T>(
        &mut self,
        compress: impl FnOnce(File, File) -> io::Result<T>,
    ) -> Result<T, Error> {
        let from = self.temp_path().to_owned();
        let to = self.dir.join(self.owner.snapshot_temp_name(0));
        let rewrite = || {
            let source = File::open(&from)?;
            let target =
                platform::private(OpenOptions::new().write(true).create_new(true)).open(&to)?;
            compress(source, target)
        };
        let made = rewrite().map_err(|error| {
            let _ = std::fs::remove_file(&to);
            Error::file("compress", &from, error)
        })?;
        let _ = std::fs::remove_file(&from);
        self.temp = Some(to);
        Ok(made)
    }

    fn commit_checked(
        mut self,
        metadata: Metadata,
        shape: Shape,
        size_bytes: u64,
    ) -> Result<Committed, Error> {
        let temp = self.temp_path().to_owned();
        let info = self.describe(metadata, shape, size_bytes);
        let side_car = self.write_side_car(&info)?;
        let result = self.publish(&temp, &side_car, size_bytes);
        let (name, made_way) = result.inspect_err(|_| {
            let _ = std::fs::remove_file(&side_car);
        })?;
        self.temp = None;
        let mut deleted = std::mem::take(&mut self.deleted);
        deleted.extend(made_way);
        // The files are in place: if their folder cannot be synced, only a power cut could tell.
        let _ = platform::sync_dir(&self.dir);
        let snapshot = SnapshotInfo {
            file: self.dir.join(name.to_string()),
            created_at_ms: name.created_at_ms,
            ..info
        };
        Ok(Committed { snapshot, deleted })
    }

    /// Gives the place back and removes the temporary file.
    pub fn abort(self) {
        drop(self);
    }

    /// What is in the file, by itself or by the word of who compressed it, and how large it is.
    fn check_and_sync(&self, plain: Option<Shape>) -> Result<(Shape, u64), Error> {
        let temp = self.temp_path();
        let mut file = platform::cautious(OpenOptions::new().read(true).write(true))
            .open(temp)
            .map_err(|error| Error::io("open", temp, error))?;
        let read = match plain {
            None => shape::read(&mut file),
            Some(plain) => shape::begins_as(&mut file, self.name.compression).map(|()| plain),
        };
        let shape = read.map_err(|defect| match defect {
            Defect::Io(error) => Error::io("read", temp, error),
            Defect::Content(problem, size_bytes) => Error::Incomplete {
                path: temp.to_owned(),
                problem: problem.to_owned(),
                size_bytes,
                free_bytes: platform::disk_free(&self.dir).ok(),
            },
        })?;
        platform::make_private(&file).map_err(|error| Error::io("make private", temp, error))?;
        file.sync_all()
            .map_err(|error| Error::io("sync", temp, error))?;
        let metadata = file
            .metadata()
            .map_err(|error| Error::io("read", temp, error))?;
        Ok((shape, metadata.len()))
    }

    fn describe(&self, metadata: Metadata, shape: Shape, size_bytes: u64) -> SnapshotInfo {
        let is_compressed = self.name.compression != Compression::None;
        SnapshotInfo {
            file: self.dir.join(self.name.to_string()),
            size_bytes,
            compression: self.name.compression,
            uncompressed_bytes: is_compressed.then_some(shape.size_bytes),
            created_at_ms: self.name.created_at_ms,
            pct: self.name.pct,
            method: metadata.method,
            ids: metadata.ids,
            reason: Some(metadata.reason),
            level: metadata.level,
            app: Some(self.app.clone()),
            pid: Some(self.owner.id().pid),
            host: Some(platform::host()),
            owner: Some(self.owner.id().to_string()),
            thread_id: metadata.thread_id,
            node_version: metadata.node_version,
            pause_ms: metadata.pause_ms,
            heap_used_bytes: metadata.heap_used_bytes,
            external_bytes: metadata.external_bytes,
            memory_growth_bytes: metadata.memory_growth_bytes.or_else(|| {
                // Only then is it this process that has grown.
                (metadata.method == Method::Blocking).then(|| self.memory_growth())?
            }),
            method_reason: metadata.method_reason,
            duration_ms: metadata
                .duration_ms
                .or_else(|| u64::try_from(self.begun.elapsed().as_millis()).ok()),
            retries: metadata.retries,
            node_count: Some(shape.node_count),
            edge_count: Some(shape.edge_count),
            side_car: SideCar::Ok,
            extra: metadata.extra,
        }
    }

    /// How far the resident set has grown above what it was at the beginning. Where an earlier peak was
    /// higher than any since, the growth is not known.
    fn memory_growth(&self) -> Option<u64> {
        let (before, now) = (self.resident?, platform::resident()?);
        (now.peak_bytes > before.peak_bytes).then(|| now.peak_bytes - before.rss_bytes)
    }

    fn write_side_car(&self, info: &SnapshotInfo) -> Result<PathBuf, Error> {
        let content = info.to_side_car().map_err(|error| Error::Io {
            action: "write the side-car of",
            path: info.file.clone(),
            source: io::Error::other(error),
        })?;
        write_temp(&self.dir, &self.owner, &content)
    }

    fn publish(
        &self,
        temp: &Path,
        side_car: &Path,
        size_bytes: u64,
    ) -> Result<(SnapshotName, Vec<Deleted>), Error> {
        let lock = match lock::acquire(&self.dir, self.lock_wait) {
            Ok(lock) => Some(lock),
            Err(Error::Busy { .. }) => None,
            Err(error) => return Err(error),
        };
        let mut scan = Scan::read(&self.dir, &self.owner, Some(temp), lock.is_some())?;
        let elapsed_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or_default();
        let now_ms = self.name.created_at_ms.saturating_add(elapsed_ms);
        let deleted = make_way(
            &self.dir,
            &self.policy,
            &mut scan,
            Incoming::Written(size_bytes),
            now_ms,
            |_| true,
        )?;
        Ok((self.rename(temp, side_car)?, deleted))
    }

    /// The side-car goes first, so that a snapshot is never seen without its owner.
    fn rename(&self, temp: &Path, side_car: &Path) -> Result<SnapshotName, Error> {
        let mut name = self.name;
        for _ in 0..NAME_TRIES {
            let to_side_car = self.dir.join(name.side_car());
            let to = self.dir.join(name.to_string());
            if is_taken(platform::rename_new(side_car, &to_side_car), &to_side_car)? {
                name = name.next();
                continue;
            }
            match is_taken(platform::rename_new(temp, &to), &to) {
                Ok(false) => return Ok(name),
                outcome => {
                    // Back with it: the other snapshot must not get our metadata.
                    let _ = std::fs::rename(&to_side_car, side_car);
                    outcome?;
                    name = name.next();
                }
            }
        }
        let path = self.dir.join(name.to_string());
        Err(Error::Io {
            action: "find a free name near",
            path,
            source: io::ErrorKind::AlreadyExists.into(),
        })
    }
}

/// More captures than this never share a millisecond.
const NAME_TRIES: usize = 100_000;

fn is_taken(renamed: io::Result<()>, to: &Path) -> Result<bool, Error> {
    match renamed {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(true),
        Err(error) => Err(Error::io("rename", to, error)),
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(temp) = self.temp.take() {
            let _ = std::fs::remove_file(temp);
        }
    }
}
