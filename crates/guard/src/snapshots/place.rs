//! Where a snapshot goes: a snapshot folder, a file of the caller's, or a pipe.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use memguard_capture::{Committed, Compression, Error, Metadata, Pending, Shape, disk_free};
use serde::Deserialize;

use super::stages;

/// Where the caller wants it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Into the snapshot folder, under its rules.
    #[default]
    Folder,
    /// Into this file, and no rules.
    Path(PathBuf),
    /// Into a pipe, whose other end the caller reads.
    Stream,
}

/// A place that was reserved. Dropping it gives up what was not published.
pub(super) enum Place {
    Folder(Pending),
    Path(OwnFile),
    Stream(Pipe),
}

/// A file of the caller's while it is written.
pub(super) struct OwnFile {
    temporary: PathBuf,
    target: PathBuf,
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.temporary);
    }
}

impl Place {
    /// A place that is no folder of ours.
    pub(super) fn of(target: &Target) -> Result<Self, Error> {
        match target {
            Target::Path(path) => OwnFile::create(path).map(Self::Path),
            Target::Folder | Target::Stream => Pipe::new().map(Self::Stream),
        }
    }

    pub(super) fn temp_path(&self) -> Option<&Path> {
        match self {
            Self::Folder(pending) => Some(pending.temp_path()),
            Self::Path(file) => Some(&file.temporary),
            Self::Stream(_) => None,
        }
    }

    /// The end of a pipe that the caller reads.
    pub(super) fn read_fd(&self) -> Option<i32> {
        match self {
            Self::Stream(pipe) => pipe.read_fd(),
            Self::Folder(_) | Self::Path(_) => None,
        }
    }

    /// Whether a second attempt may write to it after a first one wrote something.
    pub(super) fn can_start_over(&self) -> bool {
        !matches!(self, Self::Stream(_))
    }

    /// Descriptors that a child must keep for it.
    pub(super) fn keep_fds(&self) -> Vec<i32> {
        match self {
            Self::Folder(pending) => pending.owner_file().1.into_iter().collect(),
            Self::Path(_) => Vec::new(),
            Self::Stream(pipe) => pipe.write_fd().into_iter().collect(),
        }
    }

    /// The file that says that this process lives, in a folder.
    pub(super) fn owner_file(&self) -> Option<PathBuf> {
        match self {
            Self::Folder(pending) => Some(pending.owner_file().0.to_owned()),
            Self::Path(_) | Self::Stream(_) => None,
        }
    }

    /// Opens it for writing, from the start.
    pub(super) fn open(&self) -> Result<Box<dyn Write>, Error> {
        let file = match self {
            Self::Stream(pipe) => pipe.writer(),
            Self::Folder(_) | Self::Path(_) => OpenOptions::new()
                .write(true)
                .truncate(true)
                .open(self.temp_path().unwrap_or(Path::new("")))
                .map(|file| Box::new(file) as Box<dyn Write>),
        };
        file.map_err(|source| self.error("open", source))
    }

    /// Free bytes of its disk; `None` where it has none.
    pub(super) fn disk_free(&self) -> Option<u64> {
        disk_free(self.temp_path()?.parent()?).ok()
    }

    /// What must stay free on its disk, in bytes.
    pub(super) fn disk_reserve(&self) -> u64 {
        match self {
            Self::Folder(pending) => pending.disk_reserve_bytes(),
            Self::Path(_) | Self::Stream(_) => 0,
        }
    }

    /// Compresses what was written, and answers what that was; nothing where it stays as it is.
    pub(super) fn compress(&mut self, compression: Compression) -> Result<Option<Shape>, Error> {
        if compression == Compression::None {
            return Ok(None);
        }
        let compress = |from: File, to: File| stages::compress(from, to, compression);
        match self {
            Self::Folder(pending) => pending.rewrite(compress).map(Some),
            Self::Path(file) => file.rewrite(compress).map(Some),
            Self::Stream(_) => Ok(None),
        }
    }

    /// Publishes what was written: `plain` tells what was compressed on its way. In a folder it gets its name and side-car,
    /// and retention makes way.
    pub(super) fn publish(
        self,
        metadata: Metadata,
        plain: Option<Shape>,
    ) -> Result<Option<Committed>, Error> {
        match self {
            Self::Folder(pending) => match plain {
                None => pending.commit(metadata),
                Some(plain) => pending.commit_compressed(metadata, plain),
            }
            .map(Some),
            Self::Path(file) => file.publish().map(|()| None),
            Self::Stream(_) => Ok(None),
        }
    }

    pub(super) fn error(&self, action: &'static str, source: io::Error) -> Error {
        let path = match self {
            Self::Folder(pending) => pending.temp_path().to_owned(),
            Self::Path(file) => file.target.clone(),
            Self::Stream(_) => PathBuf::from("the stream"),
        };
        Error::file(action, &path, source)
    }
}

impl OwnFile {
    fn create(target: &Path) -> Result<Self, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut temporary = target.as_os_str().to_owned();
        temporary.push(format!(".{}-{count}.tmp", std::process::id()));
        let file = Self {
            temporary: temporary.into(),
            target: target.to_owned(),
        };
        match private_file(&file.temporary) {
            Ok(_) => Ok(file),
            Err(source) => Err(Error::file("create", &file.temporary, source)),
        }
    }

    fn rewrite<T>(&self, compress: impl FnOnce(File, File) -> io::Result<T>) -> Result<T, Error> {
        let mut name = self.temporary.as_os_str().to_owned();
        name.push("2");
        let second = Self {
            temporary: name.into(),
            target: self.target.clone(),
        };
        let rewrite = || {
            let from = File::open(&self.temporary)?;
            let made = compress(from, private_file(&second.temporary)?)?;
            std::fs::rename(&second.temporary, &self.temporary)?;
            Ok(made)
        };
        rewrite().map_err(|source| Error::file("compress", &self.target, source))
    }

    fn publish(self) -> Result<(), Error> {
        let sync = || -> io::Result<()> {
            File::options()
                .write(true)
                .open(&self.temporary)?
                .sync_all()?;
            std::fs::rename(&self.temporary, &self.target)
        };
        sync().map_err(|source| Error::file("write", &self.target, source))
    }
}

/// A new file that its owner alone can read.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
pub(super) use unix::Pipe;

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, Write};
    use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

    use memguard_capture::Error;

    /// A pipe: the caller reads, the child writes.
    pub(in super::super) struct Pipe {
        read: i32,
        write: OwnedFd,
    }

    impl Pipe {
        pub(super) fn new() -> Result<Self, Error> {
            let (read, write) = std::io::pipe()
                .map_err(|source| Error::file("open", std::path::Path::new("a pipe"), source))?;
            Ok(Self {
                // The caller's from now on.
                read: OwnedFd::from(read).into_raw_fd(),
                write: write.into(),
            })
        }

        pub(super) fn read_fd(&self) -> Option<i32> {
            Some(self.read)
        }

        pub(super) fn write_fd(&self) -> Option<i32> {
            Some(self.write.as_raw_fd())
        }

        pub(super) fn writer(&self) -> io::Result<Box<dyn Write>> {
            Ok(Box::new(File::from(self.write.try_clone()?)))
        }
    }
}

#[cfg(not(unix))]
pub(super) use elsewhere::Pipe;

#[cfg(not(unix))]
mod elsewhere {
    use std::io::{self, Write};

    use memguard_capture::Error;

    /// There are no children to write to one.
    pub(in super::super) enum Pipe {}

    impl Pipe {
        pub(super) fn new() -> Result<Self, Error> {
            let reason = "forked snapshots need Linux".to_owned();
            Err(Error::Fork { reason })
        }

        pub(super) fn read_fd(&self) -> Option<i32> {
            match *self {}
        }

        pub(super) fn write_fd(&self) -> Option<i32> {
            match *self {}
        }

        pub(super) fn writer(&self) -> io::Result<Box<dyn Write>> {
            match *self {}
        }
    }
}
