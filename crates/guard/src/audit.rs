//! Facts for the audit of limits, gathered from this process.

use memguard_vitals::audit::WorkerFacts;
use memguard_vitals::{AuditFacts, OsReading, semi_space_size};

use crate::isolate::WatchedIsolate;

/// Preloaded allocators whose arenas `MALLOC_ARENA_MAX` does not bound.
const OTHER_MALLOCS: [&str; 3] = ["jemalloc", "mimalloc", "tcmalloc"];

pub(crate) fn facts(
    reading: &OsReading,
    isolates: &mut [WatchedIsolate],
    memory_bytes: u64,
) -> AuditFacts {
    let heap_total: u64 = isolates
        .iter_mut()
        .map(|isolate| isolate.figures(|us| us, false).heap_total_bytes)
        .sum();
    let main = isolates.iter().find(|isolate| isolate.id == 0);
    let main_facts = main.map(|isolate| isolate.facts().limits.old_space_facts(memory_bytes));
    let workers = isolates.iter().filter(|isolate| isolate.id != 0);
    AuditFacts {
        old_space_limit_bytes: main.map(WatchedIsolate::old_space_limit),
        semi_space_bytes: main
            .zip(main_facts)
            .map(|(isolate, facts)| semi_space_size(isolate.facts().heap.limit as u64, &facts)),
        old_space_flag_given: main_facts
            .is_some_and(|facts| facts.flags.max_old_space_mb.is_some()),
        workers: workers
            .map(|isolate| WorkerFacts {
                name: isolate.name().to_owned(),
                old_space_limit_bytes: isolate.old_space_limit(),
                asked_old_mb: isolate.facts().limits.worker_old_mb,
            })
            .collect(),
        native_bytes: reading.process.rss_bytes.checked_sub(heap_total),
        cgroup_limit_bytes: reading.cgroup.and_then(|cgroup| cgroup.limit_bytes),
        cgroup_high_bytes: reading.cgroup.and_then(|cgroup| cgroup.high_bytes),
        oom_group: reading.cgroup.and_then(|cgroup| cgroup.oom_group),
        machine_bytes: reading.machine.map(|machine| machine.total_bytes),
        swapped_bytes: reading.process.swap_bytes,
        threads: reading.process.threads,
        glibc_malloc: cfg!(all(target_os = "linux", target_env = "gnu")) && !preloads_malloc(),
        arena_max_set: std::env::var_os("MALLOC_ARENA_MAX").is_some()
            || variable("GLIBC_TUNABLES").contains("glibc.malloc.arena_max"),
    }
}

fn preloads_malloc() -> bool {
    let preloaded = variable("LD_PRELOAD");
    OTHER_MALLOCS.iter().any(|name| preloaded.contains(name))
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
