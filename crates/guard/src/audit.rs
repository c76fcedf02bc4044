//! Facts for the audit of limits: what the vitals cannot know is added from the isolates.

use memguard_vitals::{AuditFacts, OsReading, semi_space_size};

use crate::isolate::WatchedIsolate;

pub(crate) fn facts(
    reading: &OsReading,
    isolates: &mut [WatchedIsolate],
    memory_bytes: u64,
) -> AuditFacts {
    let figures: Vec<_> = isolates
        .iter_mut()
        .map(|isolate| isolate.figures(|us| us, false))
        .collect();
    let mut facts = AuditFacts::gather(reading, &figures);
    for worker in &mut facts.workers {
        worker.asked_old_mb = isolates
            .iter()
            .find(|isolate| isolate.name() == worker.name)
            .and_then(|isolate| isolate.facts().limits.worker_old_mb);
    }
    if let Some(main) = isolates.iter().find(|isolate| isolate.id == 0) {
        let known = main.facts().limits.old_space_facts(memory_bytes);
        facts.old_space_flag_given = known.flags.max_old_space_mb.is_some();
        facts.semi_space_bytes = Some(semi_space_size(main.facts().heap.limit as u64, &known));
    }
    facts
}
