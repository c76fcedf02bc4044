//! Heaps of processes, running or dead: read by the heap walker, which knows Linux alone.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use memguard_heap_graph::HeapGraph;
use memguard_heap_graph::diff::{IdScope, Provenance};

use crate::heap::HeapError;

/// A process whose heap is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The process.
    pub process: LiveProcess,
    /// Whose heap: that of the thread of this id, without one that of the first thread.
    pub thread: Option<u32>,
}

/// A process, running or dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveProcess {
    /// One that runs. It is stopped for a moment, unseen by it and by its parent.
    Running(u32),
    /// One that died.
    Core {
        /// The core dump.
        file: PathBuf,
        /// The program, where the core doesn't say.
        executable: Option<PathBuf>,
    },
}

impl Live {
    /// The first thread of a process that runs.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        Self {
            process: LiveProcess::Running(pid),
            thread: None,
        }
    }

    /// What messages call it.
    #[must_use]
    pub fn label(&self) -> String {
        let process = match &self.process {
            LiveProcess::Running(pid) => format!("process {pid}"),
            LiveProcess::Core { file, .. } => file.display().to_string(),
        };
        match self.thread {
            Some(thread) => format!("thread {thread} of {process}"),
            None => process,
        }
    }
}

#[cfg(target_os = "linux")]
mod walk {
    use memguard_heap_walk::{
        Census, CensusOptions, CensusReport, GraphOptions, Inspected, Subject, Target, WalkError,
        census, graph, inspect_thread,
    };

    use super::{HeapError, Live, LiveProcess, Walked};

    impl From<&LiveProcess> for Target {
        fn from(process: &LiveProcess) -> Self {
            match process.clone() {
                LiveProcess::Running(pid) => Self::Process(pid),
                LiveProcess::Core { file, executable } => Self::Core { file, executable },
            }
        }
    }

    fn failed(live: &Live, error: &WalkError) -> HeapError {
        HeapError::Live {
            label: live.label(),
            code: error.code(),
            message: error.to_string(),
        }
    }

    /// Reads a heap, and says how long the process stood still.
    pub(crate) fn graph_of(live: &Live) -> Result<Walked, HeapError> {
        let young = |subject: &Subject<'_, '_>| {
            let pages = subject.heap.pages().filter(|page| page.is_young());
            pages.map(|page| page.start..page.end).collect()
        };
        inspect_thread(&Target::from(&live.process), live.thread, |subject| {
            Ok((graph(subject, &GraphOptions::default())?, young(subject)))
        })
        .map(|found| Walked {
            graph: found.value.0,
            young: found.value.1,
            paused: found.paused,
        })
        .map_err(|error| failed(live, &error))
    }

    /// Counts what is in the heap of a process.
    pub(crate) fn census_of(live: &Live, top: usize) -> Result<CensusReport, HeapError> {
        let found: Inspected<Census> =
            inspect_thread(&Target::from(&live.process), live.thread, |subject| {
                census(subject, &CensusOptions::default())
            })
            .map_err(|error| failed(live, &error))?;
        Ok(CensusReport::new(live.label(), &found, top))
    }
}

#[cfg(target_os = "linux")]
pub(crate) use walk::{census_of, graph_of};

#[cfg(not(target_os = "linux"))]
pub(crate) fn graph_of(live: &Live) -> Result<Walked, HeapError> {
    Err(unsupported(live))
}

/// A heap that was walked.
pub(crate) struct Walked {
    pub(crate) graph: HeapGraph,
    /// Its young pages: what is on them moves.
    pub(crate) young: Vec<Range<u64>>,
    /// How long the process stood still.
    pub(crate) paused: Option<Duration>,
}

/// Reads the whole heap of a process as a graph.
pub(crate) fn read(live: &Live) -> Result<(HeapGraph, Provenance), HeapError> {
    let graph = graph_of(live)?.graph;
    let mut provenance = Provenance::default();
    if let LiveProcess::Running(pid) = live.process {
        provenance.source.pid = Some(pid);
    }
    provenance.source.file = Some(live.label());
    // Ids are addresses, and the young generation moves.
    provenance.ids = IdScope::Snapshot;
    Ok((graph, provenance))
}

/// The error where no heap of a process can be read.
#[cfg(not(target_os = "linux"))]
pub(crate) fn unsupported(live: &Live) -> HeapError {
    HeapError::Live {
        label: live.label(),
        code: "ERR_MEMGUARD_UNSUPPORTED",
        message: "heaps of processes can be read on Linux alone".to_owned(),
    }
}
