//! Allocation profiles and tables of a census on disk: beside the snapshots, under the same numbers and ages, or where the caller
//! wants them.
//!
//! `profile-2026-11-21T09-54-34.123Z-live.heapprofile` is a whole one, `.memguard-profile-<pid>-<n>.tmp` one that is being
//! written; `census-2026-11-21T09-54-34.123Z-limit.json` a table. They are small (some hundred kilobytes) and cost nothing to take again, so no locks and no owners: the newest
//! are kept, whoever made them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use crate::names::timestamp;
use crate::platform;

/// Files of one kind.
struct Series {
    prefix: &'static str,
    suffix: &'static str,
    temp_prefix: &'static str,
    /// For messages.
    what: &'static str,
}

const PROFILES: Series = Series {
    prefix: "profile-",
    suffix: ".heapprofile",
    temp_prefix: ".memguard-profile-",
    what: "an allocation profile",
};
const CENSUSES: Series = Series {
    prefix: "census-",
    suffix: ".json",
    temp_prefix: ".memguard-census-",
    what: "a census",
};
/// A temporary file that is older was left by a process that is dead.
const TEMP_KEPT: Duration = Duration::from_secs(3600);
/// Names that are tried when one is taken.
const ATTEMPTS: u64 = 1000;

/// What becomes of profiles in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfilePolicy {
    /// The most of them; the oldest go.
    pub max_count: u64,
    /// The oldest, in milliseconds.
    pub max_age_ms: Option<u64>,
    /// What must stay free on the disk, in bytes.
    pub min_free_disk_bytes: u64,
}

/// Why a profile could not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileFileError {
    /// The disk is fuller than it may be.
    #[error(
        "There is no disk space for {what} in {}: {free_bytes} bytes are free, and {reserved_bytes} stay reserved.",
        path.display()
    )]
    NoDisk {
        /// What was to be written.
        what: &'static str,
        /// The folder.
        path: PathBuf,
        /// What is free.
        free_bytes: u64,
        /// What must stay free.
        reserved_bytes: u64,
    },
    /// Any failure of the file system.
    #[error("Could not {action} {}: {source}.", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl ProfileFileError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoDisk { .. } => "ERR_MEMGUARD_PROFILE_NO_DISK",
            Self::Io { .. } => "ERR_MEMGUARD_PROFILE_IO",
        }
    }

    fn io<'p>(action: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> Self + 'p {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Keeps a profile in a folder, which is made if it is not there, and deletes what the policy no longer allows. `kind` is a
/// word for the name. Answers the file. Blocks for the disk.
///
/// # Errors
/// When the disk is too full, or the file system fails; nothing half-written is left then.
pub fn keep(
    dir: &Path,
    kind: &str,
    now_ms: u64,
    policy: &ProfilePolicy,
    contents: &[u8],
) -> Result<PathBuf, ProfileFileError> {
    keep_in(&PROFILES, dir, kind, now_ms, policy, contents)
}

/// [`keep`] for the table of a census: `kind` says on what occasion it was taken.
///
/// # Errors
/// As there.
pub fn keep_census(
    dir: &Path,
    kind: &str,
    now_ms: u64,
    policy: &ProfilePolicy,
    contents: &[u8],
) -> Result<PathBuf, ProfileFileError> {
    keep_in(&CENSUSES, dir, kind, now_ms, policy, contents)
}

fn keep_in(
    series: &Series,
    dir: &Path,
    kind: &str,
    now_ms: u64,
    policy: &ProfilePolicy,
    contents: &[u8],
) -> Result<PathBuf, ProfileFileError> {
    platform::create_private_dir(dir).map_err(ProfileFileError::io("make", dir))?;
    let free_bytes = platform::disk_free(dir).unwrap_or(u64::MAX);
    if free_bytes
        < policy
            .min_free_disk_bytes
            .saturating_add(contents.len() as u64)
    {
        return Err(ProfileFileError::NoDisk {
            what: series.what,
            path: dir.to_owned(),
            free_bytes,
            reserved_bytes: policy.min_free_disk_bytes,
        });
    }
    let temp = Temp::write(temp_in(series, dir), contents)?;
    for later in 0..ATTEMPTS {
        let Series { prefix, suffix, .. } = series;
        let name = format!("{prefix}{}-{kind}{suffix}", timestamp(now_ms + later));
        let file = dir.join(name);
        match platform::rename_new(&temp.0, &file) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(ProfileFileError::io("rename", &file)(error)),
            Ok(()) => {
                // That the name survives a power cut is not worth an error.
                let _ = platform::sync_dir(dir);
                prune(series, dir, policy, &file);
                return Ok(file);
            }
        }
    }
    let taken = io::Error::from(io::ErrorKind::AlreadyExists);
    Err(ProfileFileError::io("name a file in", dir)(taken))
}

/// Writes a profile to a file of the caller's, in place of one that is there.
///
/// # Errors
/// When the file system fails; the file is as it was then.
pub fn write_to(file: &Path, contents: &[u8]) -> Result<(), ProfileFileError> {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}-{}.tmp", std::process::id(), next()));
    let temp = Temp::write(name.into(), contents)?;
    fs::rename(&temp.0, file).map_err(ProfileFileError::io("write", file))
}

fn next() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

fn temp_in(series: &Series, dir: &Path) -> PathBuf {
    dir.join(format!(
        "{}{}-{}.tmp",
        series.temp_prefix,
        std::process::id(),
        next()
    ))
}

/// A whole file under a name that does not last.
struct Temp(PathBuf);

impl Temp {
    fn write(path: PathBuf, contents: &[u8]) -> Result<Self, ProfileFileError> {
        let mut options = OpenOptions::new();
        let opened: io::Result<File> =
            platform::private(options.write(true).create_new(true)).open(&path);
        let mut file = opened.map_err(ProfileFileError::io("create", &path))?;
        let temp = Self(path);
        file.write_all(contents)
            .and_then(|()| file.sync_all())
            .map_err(ProfileFileError::io("write", &temp.0))?;
        Ok(temp)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        // Gone already when it was renamed.
        let _ = fs::remove_file(&self.0);
    }
}

/// Deletes those of a series beyond the policy, the newest excepted, and what dead processes left half-written.
fn prune(series: &Series, dir: &Path, policy: &ProfilePolicy, newest: &Path) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    let now = SystemTime::now();
    let age = |path: &Path| {
        let modified = fs::symlink_metadata(path).ok()?.modified().ok()?;
        now.duration_since(modified).ok()
    };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if name.starts_with(series.temp_prefix) && age(&path).is_some_and(|age| age > TEMP_KEPT) {
            let _ = fs::remove_file(&path);
        } else if name.starts_with(series.prefix) && name.ends_with(series.suffix) {
            found.push(path);
        }
    }
    // Names sort by time.
    found.sort();
    found.reverse();
    let oldest = policy.max_age_ms.map(Duration::from_millis);
    for (place, path) in found.iter().enumerate() {
        let is_old = oldest.is_some_and(|oldest| age(path).is_some_and(|age| age > oldest));
        if path != newest && (place as u64 >= policy.max_count || is_old) {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_254_874_123;
    const POLICY: ProfilePolicy = ProfilePolicy {
        max_count: 2,
        max_age_ms: None,
        min_free_disk_bytes: 0,
    };

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
        let mut names: Vec<String> = entries.map(|entry| name(entry).unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_newest_are_kept_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new");
        for at in 0..4 {
            keep(&dir, "live", NOW + at, &POLICY, b"{}").unwrap();
        }
        fs::write(dir.join("profile.heapprofile.bak"), "theirs").unwrap();
        let file = keep(&dir, "churn", NOW + 3, &POLICY, b"{\"head\":1}").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"{\"head\":1}");
        let expected = [
            "profile-2026-11-21T09-54-34.126Z-churn.heapprofile",
            "profile-2026-11-21T09-54-34.126Z-live.heapprofile",
            "profile.heapprofile.bak",
        ];
        // Of the same millisecond the newest stays, whatever its name.
        assert_eq!(names(&dir).len(), 3);
        assert!(
            names(&dir)
                .iter()
                .all(|name| expected.contains(&name.as_str())),
            "{:?}",
            names(&dir)
        );
        let table = keep_census(&dir, "limit", NOW, &POLICY, b"{}").unwrap();
        assert_eq!(
            (names(&dir).len(), table.file_name().unwrap().to_str()),
            (4, Some("census-2026-11-21T09-54-34.123Z-limit.json"))
        );
        let again = keep(&dir, "churn", NOW + 3, &POLICY, b"{}").unwrap();
        assert!(
            again.to_string_lossy().contains("34.127Z"),
            "a name that is taken is not replaced"
        );
    }

    #[test]
    fn a_full_disk_and_a_bad_place_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let greedy = ProfilePolicy {
            min_free_disk_bytes: u64::MAX,
            ..POLICY
        };
        let error = keep(folder.path(), "live", NOW, &greedy, b"{}").unwrap_err();
        assert_eq!(error.code(), "ERR_MEMGUARD_PROFILE_NO_DISK");
        let nowhere = folder.path().join("none").join("x.heapprofile");
        let error = write_to(&nowhere, b"{}").unwrap_err();
        assert_eq!(error.code(), "ERR_MEMGUARD_PROFILE_IO");
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_file_of_the_caller_s_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.heapprofile");
        write_to(&file, b"one").unwrap();
        write_to(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["own.heapprofile"]);
    }
}
