//! What can go wrong with a capture, as data: each error knows its stable code, and its message is a
//! sentence with the path, the figures and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::retention::Limit;

/// Why a capture was refused or failed.
///
/// Nothing is left behind by a failed call: temporary files are removed before the error is returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The snapshot folder cannot be created, read or written.
    #[error(
        "The snapshot folder {} cannot be used: {problem}. Give a folder that this process may write to.",
        path.display()
    )]
    Dir {
        /// The folder, or the file in it that was refused.
        path: PathBuf,
        /// What is wrong with it, in words.
        problem: String,
        /// What the operating system said, where it said something.
        #[source]
        source: Option<io::Error>,
    },

    /// The capture would need more memory than there is.
    #[error(
        "A heap snapshot needs about {} of memory now, but only {} is left before {limited_by} is reached. \
         Raise that limit, or take the snapshot while the heap is smaller.",
        Bytes(*needed_bytes), Bytes(*available_bytes)
    )]
    NoMemory {
        /// Estimated extra memory in bytes, margin included.
        needed_bytes: u64,
        /// What may still be used, in bytes.
        available_bytes: u64,
        /// What sets the limit, in words (`the cgroup limit`).
        limited_by: String,
    },

    /// How much memory is left is not known, and the capture needs more than may be risked blindly.
    #[error(
        "A heap snapshot needs about {} of memory now, and how much is left could not be determined. \
         Force the snapshot if you know that there is room.",
        Bytes(*needed_bytes)
    )]
    MemoryUnknown {
        /// Estimated extra memory in bytes, margin included.
        needed_bytes: u64,
    },

    /// The disk is full, or would be.
    #[error(
        "There is no disk space for a heap snapshot in {}: {}{} {} stays reserved as free space. \
         Free some space, lower the reserve, or use another disk.",
        path.display(), Need(*needed_bytes, *free_bytes), Cause(source.as_ref()), Bytes(*reserved_bytes)
    )]
    NoDisk {
        /// The snapshot folder, or the file that could not be written.
        path: PathBuf,
        /// Expected size of the snapshot in bytes, where it was estimated.
        needed_bytes: Option<u64>,
        /// Free bytes on that disk, where known.
        free_bytes: Option<u64>,
        /// Bytes that are to stay free: the policy's reserve and captures already under way.
        reserved_bytes: u64,
        /// What the operating system said, where a write failed.
        #[source]
        source: Option<io::Error>,
    },

    /// The capture would stop the process for longer than is allowed.
    #[error(
        "A heap snapshot would stop the process for about {expected_ms} ms, and at most {max_ms} ms are allowed. \
         Raise the limit or force the snapshot."
    )]
    Pause {
        /// Estimated pause in milliseconds (the upper end).
        expected_ms: u64,
        /// The longest pause that is allowed, in milliseconds.
        max_ms: u64,
    },

    /// The snapshot file is not whole, so it was thrown away.
    #[error(
        "The heap snapshot {} is not whole ({problem}, {} written{}) and was thrown away. \
         The usual causes are a full disk and a process that was killed while writing.",
        path.display(), Bytes(*size_bytes), Free(*free_bytes)
    )]
    Incomplete {
        /// The temporary file that was checked.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// Its size in bytes.
        size_bytes: u64,
        /// Free bytes on that disk, where known.
        free_bytes: Option<u64>,
    },

    /// The folder's budget is used up by files that may not be deleted.
    #[error(
        "The snapshot folder {} is full: {limit}, and {held_files} files ({}) belong to other processes that \
         are running or are being written right now. Raise the limit or use a folder of its own.",
        path.display(), Bytes(*held_bytes)
    )]
    BudgetFull {
        /// The snapshot folder.
        path: PathBuf,
        /// The limit that would be exceeded.
        limit: Limit,
        /// Files that may not be deleted, captures under way included.
        held_files: u64,
        /// Their size in bytes.
        held_bytes: u64,
    },

    /// The last capture of this app is too recent.
    #[error(
        "The last heap snapshot of {app} began less than {cooldown_ms} ms ago: the next is allowed in {left_ms} ms. \
         Shorten the cool-down or force the snapshot."
    )]
    Cooldown {
        /// The app the cool-down is kept for.
        app: String,
        /// Milliseconds until the next capture is allowed.
        left_ms: u64,
        /// The whole cool-down in milliseconds.
        cooldown_ms: u64,
    },

    /// Another process holds the folder's lock for too long.
    #[error(
        "The snapshot folder {} has been locked by another process for {waited_ms} ms. \
         Try again, or look for a stopped process that uses the folder.",
        path.display()
    )]
    Busy {
        /// The snapshot folder.
        path: PathBuf,
        /// How long was waited, in milliseconds.
        waited_ms: u64,
    },

    /// Another capture of this process is under way.
    #[error("A heap snapshot of this process is being taken already. Try again when it is done.")]
    UnderWay,

    /// The snapshot was to be taken by a forked child alone, and none can be had, or none came to its end.
    #[error("No heap snapshot could be taken by a forked child: {reason}.")]
    Fork {
        /// Why, in words.
        reason: String,
    },

    /// Any other failure of the file system.
    #[error("Could not {action} {}: {source}.", path.display())]
    Io {
        /// What was tried (`sync`, `rename`).
        action: &'static str,
        /// The file it was tried on.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// The stable code of this error, as JavaScript sees it in `err.code`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Dir { .. } => "ERR_MEMGUARD_SNAPSHOT_DIR",
            Self::NoMemory { .. } => "ERR_MEMGUARD_SNAPSHOT_NO_MEMORY",
            Self::MemoryUnknown { .. } => "ERR_MEMGUARD_SNAPSHOT_MEMORY_UNKNOWN",
            Self::NoDisk { .. } => "ERR_MEMGUARD_SNAPSHOT_NO_DISK",
            Self::Pause { .. } => "ERR_MEMGUARD_SNAPSHOT_PAUSE",
            Self::Incomplete { .. } => "ERR_MEMGUARD_SNAPSHOT_INCOMPLETE",
            Self::BudgetFull { .. } => "ERR_MEMGUARD_SNAPSHOT_BUDGET_FULL",
            Self::Cooldown { .. } => "ERR_MEMGUARD_SNAPSHOT_COOLDOWN",
            Self::Busy { .. } => "ERR_MEMGUARD_SNAPSHOT_BUSY",
            Self::UnderWay => "ERR_MEMGUARD_SNAPSHOT_BUSY",
            Self::Fork { .. } => "ERR_MEMGUARD_SNAPSHOT_FORK",
            Self::Io { .. } => "ERR_MEMGUARD_SNAPSHOT_IO",
        }
    }

    /// A failure to do `action` (`create`) with a file, sorted by what the user can do about it.
    #[must_use]
    pub fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::io(action, path, source)
    }

    /// Sorts a failure of the file system by what the user can do about it.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let problem = match source.kind() {
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
                return Self::NoDisk {
                    path: path.to_owned(),
                    needed_bytes: None,
                    free_bytes: path
                        .parent()
                        .and_then(|dir| crate::platform::disk_free(dir).ok()),
                    reserved_bytes: 0,
                    source: Some(source),
                };
            }
            Kind::PermissionDenied => "permission denied",
            Kind::ReadOnlyFilesystem => "the file system is read-only",
            Kind::NotADirectory => "a part of the path is not a folder",
            _ => {
                return Self::Io {
                    action,
                    path: path.to_owned(),
                    source,
                };
            }
        };
        let problem = format!("{problem} when memguard tried to {action} it");
        Self::Dir {
            path: path.to_owned(),
            problem,
            source: Some(source),
        }
    }
}

/// A size for people: `612 MB`, with 1 MB = 1024 × 1024 bytes as Node's own messages have it.
pub(crate) struct Bytes(pub u64);

impl fmt::Display for Bytes {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        let (unit, name) = match bytes {
            0..1024 => return write!(f, "{bytes} bytes"),
            1024..0x10_0000 => (1024.0, "KB"),
            0x10_0000..0x4000_0000 => (1_048_576.0, "MB"),
            _ => (1_073_741_824.0, "GB"),
        };
        let value = bytes as f64 / unit;
        let digits = usize::from(value < 10.0);
        write!(f, "{value:.digits$} {name}")
    }
}

struct Need(Option<u64>, Option<u64>);

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (Some(need), Some(free)) => write!(
                f,
                "about {} are needed, {} are free;",
                Bytes(need),
                Bytes(free)
            ),
            (Some(need), None) => write!(f, "about {} are needed;", Bytes(need)),
            (None, Some(free)) => write!(f, "{} are free;", Bytes(free)),
            (None, None) => f.write_str("nothing is free;"),
        }
    }
}

struct Cause<'a>(Option<&'a io::Error>);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |cause| {
            write!(f, " a write failed with \"{cause}\";")
        })
    }
}

struct Free(Option<u64>);

impl fmt::Display for Free {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |free| {
            write!(f, ", {} free on the disk", Bytes(free))
        })
    }
}
