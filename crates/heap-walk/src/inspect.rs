//! From a process id or a core file to a heap that can be walked, with the process stopped no longer than it must be.
//!
//! Of a live process the metadata is read before it is stopped. While it stands still its pages, handles and stacks are
//! copied; it goes on before the first object is looked at. The copy costs as much memory as the heap has pages, in
//! the inspecting process.
//!
//! A process can be caught in the middle of a collection, where objects are half moved. The self-test sees that;
//! the process is then let go and caught again a little later.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::error::WalkError;
use crate::heap::Heap;
use crate::metadata::Metadata;
use crate::process::{Isolate, Process};
use crate::source::{CoreFile, MemorySource, ProcessMemory, StoppedProcess};

/// Waits between attempts: a major collection of a large heap takes some 100 ms.
const PAUSES_MS: [u64; 6] = [2, 10, 40, 100, 250, 600];

/// What to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A process that runs.
    Process(u32),
    /// A process that died.
    Core {
        /// The core dump.
        file: PathBuf,
        /// The program that died, when the core doesn't say or it was moved.
        executable: Option<PathBuf>,
    },
}

impl Target {
    /// What messages call it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Process(pid) => format!("process {pid}"),
            Self::Core { file, .. } => file.display().to_string(),
        }
    }
}

/// An isolate of a process, ready to be walked.
pub struct Subject<'a, 'm> {
    /// The process.
    pub process: &'a Process<'m>,
    /// The isolate.
    pub isolate: &'a Isolate,
    /// Its pages.
    pub heap: &'a Heap<'m>,
}

/// What came of looking, and what it cost the process that was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Inspected<T> {
    /// The result.
    pub value: T,
    /// How long the process stood still, in all; `None` for one that is dead.
    pub paused: Option<Duration>,
    /// How often it was stopped: more than once when it was caught in a collection.
    pub attempts: u32,
}

/// Looks at the main isolate of a target.
///
/// # Errors
/// Every [`WalkError`]; the process goes on in any case.
pub fn inspect<T>(
    target: &Target,
    mut work: impl FnMut(&Subject<'_, '_>) -> Result<T, WalkError>,
) -> Result<Inspected<T>, WalkError> {
    match target {
        Target::Process(pid) => inspect_process(*pid, &mut work),
        Target::Core { file, executable } => {
            let core = CoreFile::open(file, executable.as_deref())?;
            let process = Process::open(&core)?;
            let isolate = main_isolate(&process)?;
            let heap = process.load(isolate);
            let value = work(&Subject {
                process: &process,
                isolate,
                heap: &heap,
            })?;
            Ok(Inspected {
                value,
                paused: None,
                attempts: 1,
            })
        }
    }
}

fn inspect_process<T>(
    pid: u32,
    work: &mut dyn FnMut(&Subject<'_, '_>) -> Result<T, WalkError>,
) -> Result<Inspected<T>, WalkError> {
    let running = ProcessMemory::open(pid)?;
    let metadata = Metadata::of(&running)?;
    let mut paused = Duration::ZERO;
    let waits = PAUSES_MS.into_iter().map(Some).chain([None]);
    for (attempts, wait) in (1..).zip(waits) {
        let error = match attempt(pid, &metadata, work, &mut paused) {
            Ok(value) => {
                return Ok(Inspected {
                    value,
                    paused: Some(paused),
                    attempts,
                });
            }
            Err(error) => error,
        };
        match (&error, wait) {
            (WalkError::SelfTest { .. } | WalkError::NoHeap { .. }, Some(wait)) => {
                thread::sleep(Duration::from_millis(wait));
            }
            _ => return Err(error),
        }
    }
    Err(WalkError::NoProcess { pid })
}

fn attempt<T>(
    pid: u32,
    metadata: &Metadata,
    work: &mut dyn FnMut(&Subject<'_, '_>) -> Result<T, WalkError>,
    paused: &mut Duration,
) -> Result<T, WalkError> {
    let stopped = StoppedProcess::stop(pid)?;
    let memory = ProcessMemory::of(&stopped)?;
    let source: &dyn MemorySource = &memory;
    let process = Process::with_metadata(source, metadata)?;
    let isolate = main_isolate(&process)?;
    let heap = process.load(isolate);
    *paused += stopped.resume();
    work(&Subject {
        process: &process,
        isolate,
        heap: &heap,
    })
}

fn main_isolate<'a>(process: &'a Process<'_>) -> Result<&'a Isolate, WalkError> {
    process.isolates().first().ok_or_else(|| WalkError::NoHeap {
        why: "it has no isolate".to_owned(),
    })
}
