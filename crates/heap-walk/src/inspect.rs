//! From a process id or a core file to a heap that can be walked, with the process stopped no longer than it must be.
//!
//! Of a live process the metadata is read before it is stopped. While it stands still its pages, handles and stacks are
//! copied; it goes on before the first object is looked at. The copy costs as much memory as the heap has pages, in
//! the inspecting process.
//!
//! Workers have heaps of their own: one is named by the id of its thread, as `ps -T` and `top -H` show it.
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
#[derive(Clone, Debug)]
pub struct Inspected<T> {
    /// The result.
    pub value: T,
    /// How long the process stood still, in all; `None` for one that is dead.
    pub paused: Option<Duration>,
    /// How often it was stopped: more than once when it was caught in a collection.
    pub attempts: u32,
    /// The thread whose heap it is, where that is known.
    pub thread: Option<u32>,
    /// Other threads that have heaps of their own.
    pub others: Vec<u32>,
}

/// Looks at the main isolate of a target.
///
/// # Errors
/// Every [`WalkError`]; the process goes on in any case.
pub fn inspect<T>(
    target: &Target,
    work: impl FnMut(&Subject<'_, '_>) -> Result<T, WalkError>,
) -> Result<Inspected<T>, WalkError> {
    inspect_thread(target, None, work)
}

/// Looks at the isolate of a thread, without one at the main isolate.
///
/// # Errors
/// Every [`WalkError`], [`WalkError::NoThread`] where that thread has no isolate; the process goes on in any case.
pub fn inspect_thread<T>(
    target: &Target,
    thread: Option<u32>,
    mut work: impl FnMut(&Subject<'_, '_>) -> Result<T, WalkError>,
) -> Result<Inspected<T>, WalkError> {
    match target {
        Target::Process(pid) => inspect_process(*pid, thread, &mut work),
        Target::Core { file, executable } => {
            let core = CoreFile::open(file, executable.as_deref())?;
            let process = Process::open(&core)?;
            look(&process, thread, || None, &mut work)
        }
    }
}

fn inspect_process<T>(
    pid: u32,
    thread: Option<u32>,
    work: &mut dyn FnMut(&Subject<'_, '_>) -> Result<T, WalkError>,
) -> Result<Inspected<T>, WalkError> {
    let running = ProcessMemory::open(pid)?;
    let metadata = Metadata::of(&running)?;
    let mut paused = Duration::ZERO;
    let waits = PAUSES_MS.into_iter().map(Some).chain([None]);
    for (attempts, wait) in (1..).zip(waits) {
        let error = match attempt(pid, thread, &metadata, work, &mut paused) {
            Ok(found) => return Ok(Inspected { attempts, ..found }),
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
    thread: Option<u32>,
    metadata: &Metadata,
    work: &mut dyn FnMut(&Subject<'_, '_>) -> Result<T, WalkError>,
    paused: &mut Duration,
) -> Result<Inspected<T>, WalkError> {
    let stopped = StoppedProcess::stop(pid)?;
    let memory = ProcessMemory::of(&stopped)?;
    let source: &dyn MemorySource = &memory;
    let process = Process::with_metadata(source, metadata)?;
    let resume = || {
        *paused += stopped.resume();
        Some(*paused)
    };
    look(&process, thread, resume, work)
}

/// `resume` is called as soon as the heap is copied, and answers how long the process stood still.
fn look<T>(
    process: &Process<'_>,
    thread: Option<u32>,
    resume: impl FnOnce() -> Option<Duration>,
    work: &mut dyn FnMut(&Subject<'_, '_>) -> Result<T, WalkError>,
) -> Result<Inspected<T>, WalkError> {
    let isolate = isolate_of(process, thread)?;
    let heap = process.load(isolate);
    let paused = resume();
    let value = work(&Subject {
        process,
        isolate,
        heap: &heap,
    })?;
    let others = process.isolates().iter().filter_map(Isolate::thread);
    Ok(Inspected {
        value,
        paused,
        attempts: 1,
        thread: isolate.thread(),
        others: others
            .filter(|&other| Some(other) != isolate.thread())
            .collect(),
    })
}

fn isolate_of<'a>(process: &'a Process<'_>, thread: Option<u32>) -> Result<&'a Isolate, WalkError> {
    let isolates = process.isolates();
    let Some(thread) = thread else {
        return isolates.first().ok_or_else(|| WalkError::NoHeap {
            why: "it has no isolate".to_owned(),
        });
    };
    let found = isolates.iter().find(|each| each.thread() == Some(thread));
    found.ok_or_else(|| WalkError::NoThread {
        thread,
        known: isolates.iter().filter_map(Isolate::thread).collect(),
    })
}
