//! One reading of a folder: its snapshots, whose they are, what is under way, and what is litter.

use std::collections::HashSet;
use std::fs::{DirEntry, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::error::Error;
use crate::info::{MAX_SIDE_CAR, SnapshotInfo};
use crate::names::{Kind, SnapshotName};
use crate::owner::{Census, Owner};
use crate::platform;
use crate::retention::{Candidate, Standing, UnderWay};

/// The state of an app that has not captured for so long is of no use to any cool-down.
const STATE_KEPT: Duration = Duration::from_secs(90 * 86_400);

/// What was removed because its process is dead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sweep {
    /// Snapshots that were being written when their process died: it was killed during a capture, perhaps
    /// by it.
    pub interrupted_captures: u64,
    /// Other files.
    pub other_files: u64,
    /// Bytes that were freed.
    pub freed_bytes: u64,
}

/// The folder as it was read under its lock.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Whole snapshots, as retention sees them.
    pub files: Vec<Candidate>,
    /// Their names, in the same order.
    pub names: Vec<SnapshotName>,
    /// Captures of living processes, our own included.
    pub under_way: UnderWay,
    /// What was removed on the way.
    pub swept: Sweep,
}

impl Scan {
    /// Reads the folder and removes what dead processes have left behind. Needs the folder's lock.
    pub fn tidy(dir: &Path, owner: &Owner) -> Result<Self, Error> {
        Self::read(dir, owner, None, true)
    }

    /// Reads the folder. The temporary file `except` is not counted as under way. Litter is removed only
    /// with `sweep`, which needs the folder's lock: without it, an owner that is just arriving may look dead.
    pub fn read(
        dir: &Path,
        owner: &Owner,
        except: Option<&Path>,
        sweep: bool,
    ) -> Result<Self, Error> {
        let mut scan = Self::default();
        let mut census = Census::new(dir, owner.id());
        let mut litter = Vec::new();
        let (mut whole, mut side_cars) = (HashSet::new(), Vec::new());
        for entry in entries(dir)? {
            let Some(kind) = entry.file_name().to_str().and_then(Kind::of) else {
                continue;
            };
            let Some(metadata) = entry.metadata().ok().filter(std::fs::Metadata::is_file) else {
                continue;
            };
            let size_bytes = metadata.len();
            match kind {
                Kind::Snapshot(name) => {
                    whole.insert(name);
                    let info = read_info(dir, name, size_bytes);
                    let standing = match info.owner_id() {
                        Some(id) if id == owner.id() => Standing::Mine,
                        Some(id) if census.is_alive(id) => Standing::Living,
                        _ => Standing::Orphan,
                    };
                    scan.names.push(name);
                    scan.files.push(Candidate {
                        created_at_ms: name.created_at_ms,
                        size_bytes,
                        standing,
                    });
                }
                Kind::SideCar(name) => side_cars.push((name, size_bytes)),
                Kind::SnapshotTemp { .. } if except == Some(&*entry.path()) => {}
                Kind::SnapshotTemp {
                    owner,
                    reserved_bytes,
                } if census.is_alive(owner) => {
                    let under_way = &mut scan.under_way;
                    under_way.files += 1;
                    under_way.bytes = under_way
                        .bytes
                        .saturating_add(size_bytes.max(reserved_bytes));
                    under_way.unwritten_bytes = under_way
                        .unwritten_bytes
                        .saturating_add(reserved_bytes.saturating_sub(size_bytes));
                }
                Kind::SnapshotTemp { .. } => litter.push((entry.path(), size_bytes, true)),
                Kind::JsonTemp { owner } | Kind::Owner(owner) if census.is_alive(owner) => {}
                Kind::JsonTemp { .. } | Kind::Owner(_) => {
                    litter.push((entry.path(), size_bytes, false))
                }
                Kind::State => {
                    let age = metadata
                        .modified()
                        .ok()
                        .and_then(|modified| modified.elapsed().ok());
                    if age.is_some_and(|age| age > STATE_KEPT) {
                        litter.push((entry.path(), size_bytes, false));
                    }
                }
            }
        }
        // Only the lock's holder publishes snapshots, so a side-car alone is what a crash has left.
        let lone = side_cars
            .into_iter()
            .filter(|(name, _)| !whole.contains(name));
        litter
            .extend(lone.map(|(name, size_bytes)| (dir.join(name.side_car()), size_bytes, false)));
        if sweep {
            scan.swept = remove(&litter);
        }
        Ok(scan)
    }

    /// Forgets the files at these indices.
    pub fn forget(&mut self, gone: &HashSet<usize>) {
        let mut index = 0;
        self.files.retain(|_| {
            index += 1;
            !gone.contains(&(index - 1))
        });
        index = 0;
        self.names.retain(|_| {
            index += 1;
            !gone.contains(&(index - 1))
        });
    }
}

/// Removes litter; what cannot be removed is tried again with the next sweep.
fn remove(litter: &[(PathBuf, u64, bool)]) -> Sweep {
    let mut swept = Sweep::default();
    for (path, size_bytes, is_capture) in litter {
        if std::fs::remove_file(path).is_ok() {
            swept.interrupted_captures += u64::from(*is_capture);
            swept.other_files += u64::from(!*is_capture);
            swept.freed_bytes += size_bytes;
        }
    }
    swept
}

/// All whole snapshots in `dir`, newest first, for whoever only looks: nothing is created, locked or removed.
///
/// # Errors
/// [`Error::Dir`] or [`Error::Io`] when the folder cannot be read.
pub fn list(dir: &Path) -> Result<Vec<SnapshotInfo>, Error> {
    let mut names = Vec::new();
    for entry in entries(dir)? {
        if let Some(Kind::Snapshot(name)) = entry.file_name().to_str().and_then(Kind::of)
            && let Some(metadata) = entry.metadata().ok().filter(std::fs::Metadata::is_file)
        {
            names.push((name, metadata.len()));
        }
    }
    names.sort_by_key(|&(name, _)| std::cmp::Reverse(name));
    Ok(names
        .into_iter()
        .map(|(name, size_bytes)| read_info(dir, name, size_bytes))
        .collect())
}

fn entries(dir: &Path) -> Result<Vec<DirEntry>, Error> {
    let read = || std::fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>();
    read().map_err(|error| Error::io("read", dir, error))
}

fn read_info(dir: &Path, name: SnapshotName, size_bytes: u64) -> SnapshotInfo {
    let path = dir.join(name.side_car());
    let there = path.symlink_metadata().is_ok();
    let content = there.then(|| read_small(&path).unwrap_or_default());
    SnapshotInfo::read(dir, name, size_bytes, content.as_deref())
}

/// Reads a file that ought to be small and plain; `None` when it is not.
pub(super) fn read_small(path: &Path) -> Option<Vec<u8>> {
    let mut file = platform::cautious(OpenOptions::new().read(true))
        .open(path)
        .ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > MAX_SIDE_CAR {
        return None;
    }
    let mut content = Vec::new();
    (&mut file)
        .take(MAX_SIDE_CAR)
        .read_to_end(&mut content)
        .ok()?;
    Some(content)
}
