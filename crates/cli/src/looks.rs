//! Looks at the heap of another process while it grows, for commands that measure: counts, and the hunt's digests.
//!
//! Of each look only its digest is kept. The process stands still while its heap is copied, and goes on before it is
//! understood.

use std::time::{Duration, Instant};

use memguard_heap_graph::{AnalyzeOptions, CancelSignal, HeapGraph, Snapshot};
use memguard_hunt::{Context, Digest, LeakReport, Look, Method, Moment, investigate};
use serde::Serialize;

use crate::heap::HeapError;
use crate::live::{self, Live, Walked};

const ATTEMPTS: u32 = 4;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(200);

/// What is alive in a heap, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeapCount {
    /// Objects on the heap that can be reached.
    pub live_bytes: u64,
    /// Memory outside of the heap that they hold.
    pub external_bytes: u64,
    /// How long the process stood still, in ms.
    pub paused_ms: f64,
}

/// Counts what is alive in the heap of a process.
///
/// # Errors
/// Those of the heap walker: no such process, not permitted, no Node.js, …; elsewhere than on Linux, that it is not supported.
#[cfg(target_os = "linux")]
pub fn count_heap(pid: u32) -> Result<HeapCount, HeapError> {
    let report = patiently(|| live::census_of(&Live::of(pid), 0))?;
    Ok(HeapCount {
        live_bytes: report.total.bytes,
        external_bytes: report.array_buffer_bytes + report.external_string_bytes,
        paused_ms: report.paused_ms.unwrap_or_default(),
    })
}

/// There is nothing to be counted where no heap of a process can be read.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn count_heap(pid: u32) -> Result<HeapCount, HeapError> {
    Err(live::unsupported(&Live::of(pid)))
}

/// The looks of one hunt.
#[derive(Debug, Default)]
pub struct Looks {
    digests: Vec<Digest>,
    looks: Vec<Look>,
    cancel: CancelSignal,
}

impl Looks {
    /// None yet; `cancel` ends the one under way.
    #[must_use]
    pub fn new(cancel: CancelSignal) -> Self {
        Self {
            cancel,
            ..Self::default()
        }
    }

    /// Looks at the heap and keeps its digest.
    ///
    /// # Errors
    /// Those of the heap walker.
    pub fn look(&mut self, pid: u32, at: Moment) -> Result<Look, HeapError> {
        let began = Instant::now();
        let (walked, mut look) = read(pid, at)?;
        let digest = Digest::of(&self.analysed(&walked.graph)?, at);
        self.digests.push(digest.without_young(walked.young));
        look.took_ms = Some(began.elapsed().as_secs_f64() * 1e3);
        self.looks.push(look);
        Ok(look)
    }

    /// Looks at the heap and says what grew since the looks before.
    ///
    /// # Errors
    /// Those of the heap walker.
    pub fn investigate(&self, pid: u32, mut context: Context) -> Result<LeakReport, HeapError> {
        let (walked, look) = read(pid, context.now)?;
        context.read_sources = true;
        context.looks = self.looks.iter().copied().chain([look]).collect();
        let earlier: Vec<&Digest> = self.digests.iter().collect();
        Ok(investigate(
            &earlier,
            &self.analysed(&walked.graph)?,
            &context,
        ))
    }

    fn analysed<'g>(&self, graph: &'g HeapGraph) -> Result<Snapshot<'g>, HeapError> {
        let mut options = AnalyzeOptions::default();
        options.cancel = self.cancel.clone();
        Ok(Snapshot::of(graph, &options)?)
    }
}

/// On a machine under load a process may take its time to stop: it is asked again.
fn patiently<T>(mut attempt: impl FnMut() -> Result<T, HeapError>) -> Result<T, HeapError> {
    for _ in 1..ATTEMPTS {
        match attempt() {
            Err(error) if error.code() == "ERR_MEMGUARD_CENSUS_DID_NOT_STOP" => {
                std::thread::sleep(BETWEEN_ATTEMPTS);
            }
            done => return done,
        }
    }
    attempt()
}

fn read(pid: u32, at: Moment) -> Result<(Walked, Look), HeapError> {
    let began = Instant::now();
    let walked = patiently(|| live::graph_of(&Live::of(pid)))?;
    let look = Look {
        at,
        method: Method::Inspect,
        pause_ms: walked.paused.map(|paused| paused.as_secs_f64() * 1e3),
        took_ms: Some(began.elapsed().as_secs_f64() * 1e3),
    };
    Ok((walked, look))
}
