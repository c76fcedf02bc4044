use proptest::prelude::*;

use super::*;
use crate::sample::{CgroupFigures, CgroupVersion, MachineFigures, ProcessFigures};

fn codes(facts: &AuditFacts) -> Vec<&'static str> {
    audit(facts).iter().map(|warning| warning.code).collect()
}

/// A container in which everything fits.
fn fitting() -> AuditFacts {
    AuditFacts {
        old_space_limit_bytes: Some(512 * MB),
        semi_space_bytes: Some(16 * MB),
        native_bytes: Some(45 * MB),
        cgroup_limit_bytes: Some(1024 * MB),
        machine_bytes: Some(16 * 1024 * MB),
        threads: Some(11),
        glibc_malloc: true,
        arena_max_set: true,
        ..AuditFacts::default()
    }
}

#[test]
fn nothing_known_and_nothing_wrong_give_no_warning() {
    assert_eq!(audit(&AuditFacts::default()), []);
    assert_eq!(audit(&fitting()), []);
}

/// Node 26 in a container of 256 MB allows itself an old space of 256 MB.
#[test]
fn a_heap_as_large_as_its_container_gets_the_exact_flag() {
    let facts = AuditFacts {
        old_space_limit_bytes: Some(256 * MB),
        semi_space_bytes: Some(2 * MB),
        cgroup_limit_bytes: Some(256 * MB),
        ..fitting()
    };
    let warnings = audit(&facts);
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].code, "HEAP_EXCEEDS_CONTAINER");
    assert_eq!(warnings[0].fix, "--max-old-space-size=184");
    assert!(
        warnings[0].message.contains("256 MB"),
        "{}",
        warnings[0].message
    );
}

/// `--max-old-space-size=400` in 512 MB fits on Node 22, but not beside Node 24's semi-spaces of 64
/// MB.
#[test]
fn the_young_generation_counts() {
    let facts = |semi| AuditFacts {
        old_space_limit_bytes: Some(400 * MB),
        semi_space_bytes: Some(semi),
        cgroup_limit_bytes: Some(512 * MB),
        ..fitting()
    };
    assert_eq!(codes(&facts(16 * MB)), [""; 0]);
    assert_eq!(codes(&facts(64 * MB)), ["HEAP_EXCEEDS_CONTAINER"]);
}

#[test]
fn a_container_too_small_for_node_is_told_so() {
    let facts = AuditFacts {
        old_space_limit_bytes: Some(256 * MB),
        cgroup_limit_bytes: Some(64 * MB),
        ..fitting()
    };
    let warnings = audit(&facts);
    assert!(
        warnings[0]
            .fix
            .starts_with("give the container more memory")
    );
}

#[test]
fn without_a_container_the_machine_bounds() {
    let facts = AuditFacts {
        old_space_limit_bytes: Some(4096 * MB),
        cgroup_limit_bytes: None,
        machine_bytes: Some(2048 * MB),
        ..fitting()
    };
    let warnings = audit(&facts);
    assert_eq!(warnings[0].code, "HEAP_EXCEEDS_MACHINE");
    assert_eq!(warnings[0].fix, "--max-old-space-size=1792");
}

#[test]
fn throttling_below_the_heap_limit_is_told_unless_the_container_is_too_small_anyway() {
    let facts = AuditFacts {
        cgroup_high_bytes: Some(400 * MB),
        ..fitting()
    };
    assert_eq!(codes(&facts), ["HEAP_EXCEEDS_MEMORY_HIGH"]);
    let both = AuditFacts {
        cgroup_limit_bytes: Some(512 * MB),
        ..facts
    };
    assert_eq!(codes(&both), ["HEAP_EXCEEDS_CONTAINER"]);
}

#[test]
fn workers_are_judged_together() {
    let worker = |asked| WorkerFacts {
        name: "resize".to_owned(),
        old_space_limit_bytes: 512 * MB,
        asked_old_mb: asked,
    };
    let unlimited = AuditFacts {
        workers: vec![worker(None), worker(None)],
        ..fitting()
    };
    let warnings = audit(&unlimited);
    assert_eq!(warnings[0].code, "WORKERS_WITHOUT_LIMITS");
    assert!(
        warnings[0].fix.contains("maxOldGenerationSizeMb: 29"),
        "{}",
        warnings[0].fix
    );

    let overridden = AuditFacts {
        old_space_flag_given: true,
        workers: vec![worker(Some(64.0))],
        ..fitting()
    };
    let warnings = audit(&overridden);
    assert_eq!(warnings[0].code, "WORKER_LIMIT_OVERRIDDEN");
    assert!(warnings[0].message.contains("resize"));

    let small = WorkerFacts {
        old_space_limit_bytes: 64 * MB,
        ..worker(Some(64.0))
    };
    let kept = AuditFacts {
        workers: vec![small],
        ..fitting()
    };
    assert_eq!(audit(&kept), []);
}

#[test]
fn arenas_oom_group_and_swap_have_their_fixes() {
    let facts = AuditFacts {
        arena_max_set: false,
        oom_group: Some(true),
        swapped_bytes: Some(30 * MB),
        ..fitting()
    };
    assert_eq!(
        codes(&facts),
        ["OOM_GROUP", "HEAP_SWAPPED", "MALLOC_ARENAS"]
    );
    assert_eq!(audit(&facts)[2].fix, "MALLOC_ARENA_MAX=2");
    let musl = AuditFacts {
        glibc_malloc: false,
        ..facts.clone()
    };
    assert!(!codes(&musl).contains(&"MALLOC_ARENAS"));
    let bare_metal = AuditFacts {
        cgroup_limit_bytes: None,
        ..facts
    };
    assert!(!codes(&bare_metal).contains(&"MALLOC_ARENAS"));
}

#[test]
fn facts_are_gathered_from_a_reading() {
    let reading = OsReading {
        process: ProcessFigures {
            rss_bytes: 100 * MB,
            swap_bytes: Some(0),
            threads: Some(11),
            ..ProcessFigures::default()
        },
        cgroup: Some(CgroupFigures {
            version: CgroupVersion::V2,
            usage_bytes: 120 * MB,
            working_set_bytes: 110 * MB,
            limit_bytes: Some(512 * MB),
            limit_used_bytes: Some(110 * MB),
            limit_active_file_bytes: None,
            high_bytes: None,
            high_used_bytes: None,
            swap_bytes: None,
            swap_limit_bytes: None,
            oom_kills: None,
            oom_group: Some(true),
        }),
        machine: Some(MachineFigures {
            total_bytes: 8192 * MB,
            available_bytes: 4096 * MB,
            swap_total_bytes: None,
        }),
        ..OsReading::default()
    };
    let isolate = |id, total| IsolateFigures {
        id,
        name: format!("isolate {id}"),
        heap_total_bytes: total,
        old_space_limit_bytes: 300 * MB,
        ..IsolateFigures::default()
    };
    let facts = AuditFacts::gather(&reading, &[isolate(0, 40 * MB), isolate(1, 10 * MB)]);
    assert_eq!(facts.native_bytes, Some(50 * MB));
    assert_eq!(facts.old_space_limit_bytes, Some(300 * MB));
    assert_eq!(facts.workers.len(), 1);
    assert_eq!(facts.cgroup_limit_bytes, Some(512 * MB));
    assert_eq!(facts.oom_group, Some(true));
}

proptest! {
    /// Whoever follows the advice hears no more of it.
    #[test]
    fn the_suggested_flag_silences_the_warning(
        old in 1u64..16_384,
        semi in 1u64..=64,
        native in 0u64..2_000,
        limit in 32u64..32_768,
    ) {
        let facts = AuditFacts {
            old_space_limit_bytes: Some(old * MB),
            semi_space_bytes: Some(semi * MB),
            native_bytes: Some(native * MB),
            cgroup_limit_bytes: Some(limit * MB),
            ..fitting()
        };
        if let Some(mb) = fitting_old_space_mb(limit * MB, &facts) {
            let followed = AuditFacts {
                old_space_limit_bytes: Some(mb * MB),
                ..facts
            };
            prop_assert_eq!(audit(&followed), vec![]);
        }
    }

    #[test]
    fn no_facts_make_it_panic(numbers in prop::collection::vec(any::<u64>(), 8)) {
        let facts = AuditFacts {
            old_space_limit_bytes: Some(numbers[0]),
            semi_space_bytes: Some(numbers[1]),
            native_bytes: Some(numbers[2]),
            cgroup_limit_bytes: Some(numbers[3]),
            cgroup_high_bytes: Some(numbers[4]),
            machine_bytes: Some(numbers[5]),
            swapped_bytes: Some(numbers[6]),
            workers: vec![WorkerFacts { old_space_limit_bytes: numbers[7], ..WorkerFacts::default() }],
            ..fitting()
        };
        audit(&facts);
    }
}
