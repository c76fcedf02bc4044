//! Where output goes: streams that wait, files that are whole or not there.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::CliError;

/// Files that are being written, to be removed when the process has to end at once.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes what has not been finished: for a process that is about to end.
pub fn abandon() {
    for path in UNFINISHED.lock().drain(..) {
        let _ = std::fs::remove_file(path);
    }
}

/// A stream that waits where its descriptor would not: a terminal or pipe that somebody else has made non-blocking.
pub(crate) struct Patient<W>(W);

impl<W: Write> Patient<W> {
    pub(crate) fn new(stream: W) -> Self {
        Self(stream)
    }

    fn wait<T>(&mut self, mut attempt: impl FnMut(&mut W) -> io::Result<T>) -> io::Result<T> {
        loop {
            match attempt(&mut self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                done => return done,
            }
        }
    }
}

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.wait(|stream| stream.write(data))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wait(Write::flush)
    }
}

/// A file that appears under its name only when it is whole and on disk.
pub(crate) struct WholeFile {
    file: Option<File>,
    temp: PathBuf,
    path: PathBuf,
}

impl WholeFile {
    /// Begins the file; one of that name is replaced at the end, if `force`.
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self, CliError> {
        if !force && path.symlink_metadata().is_ok() {
            return Err(CliError::taken(path));
        }
        let name = path
            .file_name()
            .ok_or_else(|| {
                CliError::Arguments(format!("{} is no name for a file", path.display()))
            })?
            .to_string_lossy();
        let temp = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        // Before it is there: an interrupt in between must find it.
        UNFINISHED.lock().push(temp.clone());
        let mut whole = Self {
            file: None,
            temp,
            path: path.to_path_buf(),
        };
        whole.file = Some(private(&whole.temp).map_err(|error| CliError::file(path, error))?);
        Ok(whole)
    }

    /// Puts the file under its name.
    pub(crate) fn finish(mut self) -> Result<(), CliError> {
        let done = match self.file.take() {
            Some(file) => file
                .sync_all()
                .and_then(|()| std::fs::rename(&self.temp, &self.path)),
            None => Ok(()),
        };
        done.map_err(|error| CliError::file(&self.path, error))
    }
}

/// A new file that others cannot read: a heap holds secrets.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Write for WholeFile {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(data),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        // After a rename there is nothing left under this name.
        self.file = None;
        let _ = std::fs::remove_file(&self.temp);
        UNFINISHED.lock().retain(|path| *path != self.temp);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        let mut file = WholeFile::create(&path, false).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        drop(file);
        assert!(names(folder.path()).is_empty());

        let mut file = WholeFile::create(&path, false).unwrap();
        file.write_all(b"whole").unwrap();
        file.finish().unwrap();
        assert_eq!(names(folder.path()), ["report.html"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");

        let error = WholeFile::create(&path, false).err().unwrap();
        assert!(
            error
                .to_string()
                .ends_with("report.html is there already; --force replaces it")
        );
        WholeFile::create(&path, true).unwrap().finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn a_stream_that_would_block_is_waited_for() {
        struct Busy(u32, Vec<u8>);
        impl Write for Busy {
            fn write(&mut self, data: &[u8]) -> io::Result<usize> {
                if self.0 > 0 {
                    self.0 -= 1;
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                self.1.push(data[0]);
                self.0 = 2;
                Ok(1)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut stream = Patient::new(Busy(1, Vec::new()));
        stream.write_all(b"all of it").unwrap();
        assert_eq!(stream.0.1, b"all of it");
    }
}
