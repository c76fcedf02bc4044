//! The folder's lock: held for the milliseconds that a decision takes, waited for within bounds.
//!
//! An advisory `flock` (`LockFileEx` on Windows) on a file that is never deleted. The operating system
//! releases it when the holder dies, however it dies. Every acquisition opens the file anew, so threads of
//! one process exclude each other as well.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::{names, platform};

/// The lock, held until dropped.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Takes the lock of `dir`, or gives up after `wait`.
///
/// On a file system without locks the folder is used unlocked: several processes in it may then exceed the
/// budget for a moment, which is better than no snapshot.
pub fn acquire(dir: &Path, wait: Duration) -> Result<FolderLock, Error> {
    let path = dir.join(names::LOCK);
    let file = platform::private(
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false),
    )
    .open(&path)
    .map_err(|error| Error::io("open", &path, error))?;
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match file.try_lock() {
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(FolderLock { _file: file }),
            Err(TryLockError::WouldBlock) => {}
        }
        let Some(left) = wait
            .checked_sub(start.elapsed())
            .filter(|left| !left.is_zero())
        else {
            let waited_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            return Err(Error::Busy {
                path: dir.to_owned(),
                waited_ms,
            });
        };
        sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
