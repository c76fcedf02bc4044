//! Finds, at start, limits that don't fit each other, and says what to set.
//!
//! Pure: facts in, warnings out. Each warning is a sentence for a person who has never read V8's
//! source, and the exact setting that cures it.
//!
//! # How the numbers are chosen
//! A container must hold more than the old space: Node's code and libraries, V8's compiled code,
//! thread stacks, `malloc`, Buffers, and the young generation. [`AuditFacts::native_bytes`] is what
//! is not heap now; the audit reserves it, or [`LEAST_NATIVE_BYTES`] if that is more (a process
//! that has just started has not opened its first connection yet). For the young generation it
//! reserves the two semi-spaces that a busy server fills, but at most an eighth of the container. A
//! suggested size leaves a tenth of the container free at least, so whoever follows it hears no
//! more of it.

use serde::Serialize;

use crate::allocator::{Allocator, allocator, arena_max_set};
use crate::sample::{IsolateFigures, OsReading};

const MB: u64 = 1024 * 1024;

/// What a Node process needs beside its heap, at the very least: 64 MB.
pub const LEAST_NATIVE_BYTES: u64 = 64 * MB;

/// glibc gives threads arenas of their own; from this many threads on it shows.
const MANY_THREADS: u32 = 8;

/// What is known of the process's surroundings at start. Unknown facts are `None`, and their rules
/// silent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditFacts {
    /// Old-space limit of the main thread.
    pub old_space_limit_bytes: Option<u64>,
    /// Maximal semi-space of the main thread: three of them are the young generation.
    pub semi_space_bytes: Option<u64>,
    /// `--max-old-space-size` was given.
    pub old_space_flag_given: bool,
    /// Old-space limits of the workers that run now.
    pub workers: Vec<WorkerFacts>,
    /// Resident memory that isn't heap: RSS minus the total heap of all isolates.
    pub native_bytes: Option<u64>,
    /// The cgroup's hard limit.
    pub cgroup_limit_bytes: Option<u64>,
    /// The cgroup's `memory.high`.
    pub cgroup_high_bytes: Option<u64>,
    /// `memory.oom.group`.
    pub oom_group: Option<bool>,
    /// Memory of the machine.
    pub machine_bytes: Option<u64>,
    /// The process's memory in swap now.
    pub swapped_bytes: Option<u64>,
    /// Threads of the process now.
    pub threads: Option<u32>,
    /// `malloc` is glibc's: neither musl's nor a preloaded one.
    pub glibc_malloc: bool,
    /// `MALLOC_ARENA_MAX` is set, or `glibc.malloc.arena_max` in `GLIBC_TUNABLES`.
    pub arena_max_set: bool,
}

impl AuditFacts {
    /// The facts that a reading and the isolates' figures hold, and those of this process's
    /// allocator.
    ///
    /// What only the caller knows is left out: flags, the semi-space, what workers were asked to
    /// keep to.
    pub fn gather(reading: &OsReading, isolates: &[IsolateFigures]) -> Self {
        let heap = isolates
            .iter()
            .fold(0u64, |sum, i| sum.saturating_add(i.heap_total_bytes));
        let cgroup = reading.cgroup;
        let rss = reading.process.rss_bytes;
        Self {
            old_space_limit_bytes: isolates
                .iter()
                .find(|isolate| isolate.id == 0)
                .map(|main| main.old_space_limit_bytes)
                .filter(|limit| *limit > 0),
            workers: isolates
                .iter()
                .filter(|isolate| isolate.id != 0)
                .map(|worker| WorkerFacts {
                    name: worker.name.clone(),
                    old_space_limit_bytes: worker.old_space_limit_bytes,
                    asked_old_mb: None,
                })
                .collect(),
            native_bytes: (rss > 0).then(|| rss.saturating_sub(heap)),
            cgroup_limit_bytes: cgroup.and_then(|c| c.limit_bytes),
            cgroup_high_bytes: cgroup.and_then(|c| c.high_bytes),
            oom_group: cgroup.and_then(|c| c.oom_group),
            machine_bytes: reading.machine.map(|m| m.total_bytes),
            swapped_bytes: reading.process.swap_bytes,
            threads: reading.process.threads,
            glibc_malloc: allocator() == Allocator::Glibc,
            arena_max_set: arena_max_set(),
            ..Self::default()
        }
    }
}

/// One worker thread, as the audit sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkerFacts {
    /// Its name.
    pub name: String,
    /// Its old-space limit.
    pub old_space_limit_bytes: u64,
    /// `resourceLimits.maxOldGenerationSizeMb` that its creator asked for, if any.
    pub asked_old_mb: Option<f64>,
}

/// Something that will hurt later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditWarning {
    /// Stable name of the rule, such as `HEAP_EXCEEDS_CONTAINER`.
    pub code: &'static str,
    /// What is wrong and what will happen.
    pub message: String,
    /// What to set, exactly.
    pub fix: String,
}

/// Warnings, the gravest first; empty when all fits.
pub fn audit(facts: &AuditFacts) -> Vec<AuditWarning> {
    [
        heap_exceeds_container,
        heap_exceeds_machine,
        heap_exceeds_high,
        worker_limits_overridden,
        workers_unlimited,
        oom_group,
        swap,
        malloc_arenas,
    ]
    .iter()
    .filter_map(|rule| rule(facts))
    .collect()
}

/// The largest old space, in whole MB, that fits into `bound` beside everything else; `None` when
/// less than 16 MB would be left, with which Node doesn't start reliably.
pub fn fitting_old_space_mb(bound: u64, facts: &AuditFacts) -> Option<u64> {
    let old = bound
        .saturating_sub(expected_native(facts).max(bound / 10))
        .saturating_sub(expected_young(facts, bound))
        / MB;
    // Round down to what a person would type.
    let step = if old >= 1024 { 64 } else { 8 };
    Some(old / step * step).filter(|mb| *mb >= 16)
}

fn expected_native(facts: &AuditFacts) -> u64 {
    facts.native_bytes.unwrap_or(0).max(LEAST_NATIVE_BYTES)
}

fn expected_young(facts: &AuditFacts, bound: u64) -> u64 {
    facts
        .semi_space_bytes
        .unwrap_or(0)
        .saturating_mul(2)
        .min(bound / 8)
}

/// What is needed beside the old space.
fn beside(facts: &AuditFacts, bound: u64) -> u64 {
    expected_native(facts).saturating_add(expected_young(facts, bound))
}

fn flag(bound: u64, what: &str, facts: &AuditFacts) -> String {
    match fitting_old_space_mb(bound, facts) {
        Some(mb) => format!("--max-old-space-size={mb}"),
        None => format!(
            "give the {what} more memory: {} is too little for Node with what this process holds beside its heap ({})",
            show(bound),
            show(beside(facts, bound))
        ),
    }
}

fn heap_exceeds_container(facts: &AuditFacts) -> Option<AuditWarning> {
    let old = facts.old_space_limit_bytes?;
    let limit = facts.cgroup_limit_bytes?;
    if old.saturating_add(beside(facts, limit)) <= limit {
        return None;
    }
    Some(AuditWarning {
        code: "HEAP_EXCEEDS_CONTAINER",
        message: format!(
            "Node may let the JavaScript heap grow to {}, and about {} more is needed beside it, but the container ends at {}: the kernel will kill the process before Node collects its garbage in earnest, without an error message or a heap snapshot.",
            show(old),
            show(beside(facts, limit)),
            show(limit)
        ),
        fix: flag(limit, "container", facts),
    })
}

fn heap_exceeds_machine(facts: &AuditFacts) -> Option<AuditWarning> {
    if facts.cgroup_limit_bytes.is_some() {
        return None;
    }
    let old = facts.old_space_limit_bytes?;
    let machine = facts.machine_bytes?;
    if old.saturating_add(beside(facts, machine)) <= machine {
        return None;
    }
    Some(AuditWarning {
        code: "HEAP_EXCEEDS_MACHINE",
        message: format!(
            "Node may let the JavaScript heap grow to {}, but the machine has {} in all and nothing else bounds the process: it will swap or be killed, and may take its neighbours with it.",
            show(old),
            show(machine)
        ),
        fix: flag(machine, "machine", facts),
    })
}

fn heap_exceeds_high(facts: &AuditFacts) -> Option<AuditWarning> {
    let old = facts.old_space_limit_bytes?;
    let high = facts.cgroup_high_bytes?;
    // Where the hard limit is too small already, that warning says it all.
    if old.saturating_add(beside(facts, high)) <= high || heap_exceeds_container(facts).is_some() {
        return None;
    }
    Some(AuditWarning {
        code: "HEAP_EXCEEDS_MEMORY_HIGH",
        message: format!(
            "Node may let the JavaScript heap grow to {}, but from {} on (memory.high) the kernel slows the process down to a crawl instead of killing it: it will hang under load and look alive.",
            show(old),
            show(high)
        ),
        fix: flag(high, "container", facts),
    })
}

fn worker_limits_overridden(facts: &AuditFacts) -> Option<AuditWarning> {
    if !facts.old_space_flag_given {
        return None;
    }
    let worker = facts.workers.iter().find(|worker| {
        worker
            .asked_old_mb
            .is_some_and(|mb| mb * (MB as f64) * 1.01 < worker.old_space_limit_bytes as f64)
    })?;
    Some(AuditWarning {
        code: "WORKER_LIMIT_OVERRIDDEN",
        message: format!(
            "Worker '{}' was given resourceLimits.maxOldGenerationSizeMb: {}, but --max-old-space-size overrides it for every thread: the worker may in fact use {}.",
            worker.name,
            worker.asked_old_mb.unwrap_or_default(),
            show(worker.old_space_limit_bytes)
        ),
        fix: "drop --max-old-space-size, or choose it so that the main thread and all workers fit together".to_owned(),
    })
}

fn workers_unlimited(facts: &AuditFacts) -> Option<AuditWarning> {
    let unlimited = facts
        .workers
        .iter()
        .filter(|worker| worker.asked_old_mb.is_none())
        .count() as u64;
    if unlimited == 0 {
        return None;
    }
    let bound = facts.cgroup_limit_bytes.or(facts.machine_bytes)?;
    let main = facts.old_space_limit_bytes?;
    let workers = facts
        .workers
        .iter()
        .fold(0u64, |sum, w| sum.saturating_add(w.old_space_limit_bytes));
    let all = main
        .saturating_add(workers)
        .saturating_add(beside(facts, bound));
    if all <= bound {
        return None;
    }
    let heaps = facts.workers.len() as u64 + 1;
    let each = (fitting_old_space_mb(bound, facts).unwrap_or(0) / heaps).max(16);
    Some(AuditWarning {
        code: "WORKERS_WITHOUT_LIMITS",
        message: format!(
            "{unlimited} worker thread(s) have no memory limit of their own and each may grow as large as the main thread: together the heaps may take {}, and there is {}.",
            show(main.saturating_add(workers)),
            show(bound)
        ),
        fix: format!(
            "new Worker(file, {{ resourceLimits: {{ maxOldGenerationSizeMb: {each} }} }})"
        ),
    })
}

fn oom_group(facts: &AuditFacts) -> Option<AuditWarning> {
    if facts.oom_group != Some(true) || facts.cgroup_limit_bytes.is_none() {
        return None;
    }
    Some(AuditWarning {
        code: "OOM_GROUP",
        message: "When this container reaches its memory limit, the kernel kills every process in it at once (memory.oom.group=1), helpers and snapshot writers included: nothing can be saved at that moment.".to_owned(),
        fix: "Kubernetes: set singleProcessOOMKill: true in the kubelet's configuration; otherwise: echo 0 > memory.oom.group".to_owned(),
    })
}

fn swap(facts: &AuditFacts) -> Option<AuditWarning> {
    let swapped = facts.swapped_bytes.filter(|bytes| *bytes >= MB)?;
    Some(AuditWarning {
        code: "HEAP_SWAPPED",
        message: format!(
            "{} of this process lie in swap: each garbage collection must read all of the heap back from the disk, which stops the process for seconds.",
            show(swapped)
        ),
        fix: "give the machine more memory or the process a smaller heap; in a container, set memory.swap.max to 0 (Docker: --memory-swap equal to --memory)".to_owned(),
    })
}

fn malloc_arenas(facts: &AuditFacts) -> Option<AuditWarning> {
    let threads = facts.threads.filter(|threads| *threads >= MANY_THREADS)?;
    let limit = facts.cgroup_limit_bytes?;
    if !facts.glibc_malloc || facts.arena_max_set {
        return None;
    }
    Some(AuditWarning {
        code: "MALLOC_ARENAS",
        message: format!(
            "{threads} threads share glibc's malloc, which keeps a pool of freed memory for up to eight threads a core and gives little of it back: resident memory may grow well beyond what the program uses, towards the container's {}.",
            show(limit)
        ),
        fix: "MALLOC_ARENA_MAX=2".to_owned(),
    })
}

fn show(bytes: u64) -> String {
    let mb = bytes as f64 / MB as f64;
    if mb >= 1024.0 {
        format!("{:.1} GB", mb / 1024.0)
    } else {
        format!("{mb:.0} MB")
    }
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
