//! Snapshots that are named on the command line.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memguard_heap_graph::CancelSignal;

use crate::error::CliError;

/// Name of standard input.
pub(crate) const STDIN: &str = "-";

/// A snapshot's name for people.
pub(crate) fn shown(file: &Path) -> String {
    if file.as_os_str() == STDIN {
        "standard input".into()
    } else {
        file.display().to_string()
    }
}

/// A file or standard input as a stream of bytes, which counts them and ends when it is told to.
pub(crate) struct Source {
    reader: Box<dyn Read + Send>,
    /// Length in bytes, where it is known.
    pub(crate) length: Option<u64>,
    taken: Arc<AtomicU64>,
    cancel: CancelSignal,
}

impl Source {
    pub(crate) fn open(file: &Path, cancel: &CancelSignal) -> Result<Self, CliError> {
        let (reader, length): (Box<dyn Read + Send>, _) = if file.as_os_str() == STDIN {
            (Box::new(io::stdin()), None)
        } else {
            let open = || {
                let opened = File::open(file)?;
                let metadata = opened.metadata()?;
                if metadata.is_dir() {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                Ok((opened, metadata.is_file().then_some(metadata.len())))
            };
            let (opened, length) = open().map_err(|error| CliError::file(file, error))?;
            (Box::new(opened), length)
        };
        Ok(Self {
            reader,
            length,
            taken: Arc::default(),
            cancel: cancel.clone(),
        })
    }

    /// How many bytes have been read, while others read.
    pub(crate) fn count(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.taken)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("interrupted"));
        }
        let count = self.reader.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
