//! A file that is opened once and read again and again from its start.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Large enough for every file this crate polls; `memory.stat`, the longest, has about 1.5 KB on
/// cgroup v1 and 2 KB on v2.
pub const BUFFER_LEN: usize = 8192;

/// The buffer all files of a platform are read into, one after the other.
pub type Buffer = [u8; BUFFER_LEN];

/// An open pseudo-file of the kernel, which makes its text anew for each read at offset 0.
#[derive(Debug)]
pub struct Source {
    file: File,
}

impl Source {
    /// Opens the file for reading; the descriptor is closed on `exec` and on drop.
    pub fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(|file| Self { file })
    }

    /// Reads the text from its start. `None` when the read fails (a cgroup that was removed, a
    /// controller switched off) or the file is empty. What exceeds the buffer is cut off.
    ///
    /// One read suffices: the kernel writes each of these files in one piece, and a second read to
    /// see the end would make it write all of it again.
    pub fn read<'b>(&self, buffer: &'b mut Buffer) -> Option<&'b [u8]> {
        loop {
            match self.file.read_at(buffer, 0) {
                Ok(0) => return None,
                Ok(read) => return Some(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }
}

/// Says in a few words why a file can't be used.
pub fn reason(path: &Path, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read".to_owned(),
        _ => error.to_string(),
    };
    format!("{} {why}", path.display())
}
