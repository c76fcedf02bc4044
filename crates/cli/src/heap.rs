//! From a file or stream to a heap that can be asked: what the command and the JavaScript functions have in common.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use memguard_heap_graph::diff::{DiffError, DiffOptions, Differ, Provenance};
use memguard_heap_graph::query::FilterError;
use memguard_heap_graph::report::DiffReport;
use memguard_heap_graph::{
    AnalyzeError, AnalyzeOptions, CancelSignal, HeapGraph, ProgressListener, ReadError,
    ReadOptions, Snapshot, read, read_file,
};

use crate::live::{self, Live};

/// No side-car of ours comes near it.
const MOST_SIDE_CAR_BYTES: u64 = 256 << 10;

/// How a heap is read and analysed.
#[derive(Debug, Clone, Default)]
pub struct HeapOptions {
    /// Threads that work at once; 0 for as many as the process may use.
    pub threads: usize,
    /// Ends the work from another thread.
    pub cancel: CancelSignal,
    /// Is told how far the work has come.
    pub progress: Option<ProgressListener>,
}

impl HeapOptions {
    /// The same for the analysis of a graph.
    #[must_use]
    pub fn analyze(&self) -> AnalyzeOptions {
        let mut options = AnalyzeOptions::default();
        options.threads = self.threads;
        options.cancel = self.cancel.clone();
        options.progress.clone_from(&self.progress);
        options
    }

    fn read(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.threads = self.threads;
        options.cancel = self.cancel.clone();
        options.progress.clone_from(&self.progress);
        options
    }
}

/// Where a snapshot is read from.
pub enum HeapSource {
    /// A file. Its side-car, `FILE.json`, tells where it comes from, if there is one.
    File(PathBuf),
    /// A stream, with a name for messages.
    Stream(Box<dyn Read + Send>, String),
    /// A process, by walking its heap.
    Live(Live),
}

impl HeapSource {
    /// What messages call it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stream(_, name) => name.clone(),
            Self::Live(live) => live.label(),
        }
    }
}

impl std::fmt::Debug for HeapSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.label())
    }
}

/// Why nothing could be found out about a heap.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeapError {
    /// A snapshot cannot be read.
    #[error("{label}: {source}")]
    Read {
        /// Which.
        label: String,
        /// Why.
        #[source]
        source: ReadError,
    },
    /// The heap of a process cannot be read.
    #[error("{label}: {message}")]
    Live {
        /// Which.
        label: String,
        /// The stable code.
        code: &'static str,
        /// Why.
        message: String,
    },
    /// It was cancelled, or there is no memory for it.
    #[error(transparent)]
    Analyze(#[from] AnalyzeError),
    /// Snapshots cannot be compared.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// A filter cannot be understood.
    #[error("{0}")]
    Filter(#[from] FilterError),
    /// A panic in a listener or in this library.
    #[error("the analysis failed within: {0}")]
    Internal(&'static str),
}

impl HeapError {
    /// The error's stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { source, .. } => source.code(),
            Self::Live { code, .. } => code,
            Self::Analyze(error) => error.code(),
            Self::Diff(error) => error.code(),
            Self::Filter(error) => error.code(),
            Self::Internal(_) => "ERR_MEMGUARD_INTERNAL",
        }
    }

    /// Where in the snapshot, in bytes from its start.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Read { source, .. } => Some(source.offset()),
            _ => None,
        }
    }

    /// Whether somebody ended it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.code() == "ERR_MEMGUARD_CANCELLED"
    }
}

/// A heap in memory, and where it comes from.
#[derive(Debug)]
pub struct Heap {
    graph: HeapGraph,
    provenance: Provenance,
}

impl Heap {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// What is wrong with the file, and where.
    pub fn read(source: HeapSource, options: &HeapOptions) -> Result<Self, HeapError> {
        let label = source.label();
        let (graph, provenance) = match source {
            HeapSource::File(path) => {
                let size = path.metadata().map_or(0, |metadata| metadata.len());
                let graph = read_file(&path, &options.read());
                (graph, side_car(&path).of_file(label.clone(), size))
            }
            HeapSource::Stream(stream, _) => (read(stream, &options.read()), Provenance::default()),
            HeapSource::Live(live) => {
                let (graph, provenance) = live::read(&live)?;
                (Ok(graph), provenance)
            }
        };
        Ok(Self {
            graph: graph.map_err(|source| HeapError::Read { label, source })?,
            provenance,
        })
    }

    /// Writes it as a `.heapsnapshot`.
    #[cfg(target_os = "linux")]
    pub(crate) fn write(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let mut buffered = std::io::BufWriter::with_capacity(1 << 20, out);
        memguard_heap_walk::write_snapshot(&self.graph, &mut buffered)?;
        std::io::Write::flush(&mut buffered)
    }

    /// Writes it as a `.heapsnapshot`: there is nothing to be written where no heap of a process can be read.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn write(&self, _out: &mut dyn std::io::Write) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    /// Analyses it.
    ///
    /// # Errors
    /// When it was cancelled, and when there is no memory for it.
    pub fn analyze(&self, options: &HeapOptions) -> Result<Snapshot<'_>, HeapError> {
        let snapshot = Snapshot::of(&self.graph, &options.analyze())?;
        Ok(snapshot.with_provenance(self.provenance.clone()))
    }
}

/// Compares two or three heaps, the oldest first, one of which is in memory at a time.
///
/// # Errors
/// What is wrong with a file, and where; when it was cancelled, and when there is no memory for it.
pub(crate) fn compare(
    sources: Vec<HeapSource>,
    how: DiffOptions,
    options: &HeapOptions,
) -> Result<DiffReport, HeapError> {
    let count = sources.len();
    let mut differ = Differ::new(how);
    for (at, source) in sources.into_iter().enumerate() {
        let heap = Heap::read(source, options)?;
        let snapshot = heap.analyze(options)?;
        if at + 1 == count {
            return Ok(differ.finish(&snapshot)?);
        }
        differ.add(&snapshot)?;
    }
    Err(DiffError::Count { found: count }.into())
}

/// What the file beside a snapshot says of it.
fn side_car(path: &Path) -> Provenance {
    let mut name = path.as_os_str().to_owned();
    name.push(".json");
    let mut json = Vec::new();
    let read =
        File::open(name).and_then(|file| file.take(MOST_SIDE_CAR_BYTES).read_to_end(&mut json));
    match read {
        Ok(_) => Provenance::from_side_car(&json),
        Err(_) => Provenance::default(),
    }
}
