use super::*;
use crate::sample::{CgroupFigures, CgroupVersion, MachineFigures, ProcessFigures, ResourceLimits};

const MB: u64 = 1024 * 1024;
const NOW: u64 = 1_000_000;

fn isolate(id: u32, used_mb: u64, limit_mb: u64) -> IsolateFigures {
    IsolateFigures {
        id,
        name: if id == 0 {
            "main".to_owned()
        } else {
            format!("worker {id}")
        },
        heap_used_bytes: used_mb * MB,
        heap_total_bytes: used_mb * MB + 20 * MB,
        heap_size_limit_bytes: limit_mb * MB + 48 * MB,
        old_space_limit_bytes: limit_mb * MB,
        ..IsolateFigures::default()
    }
}

fn cgroup(used_mb: u64, limit_mb: u64) -> CgroupFigures {
    CgroupFigures {
        version: CgroupVersion::V2,
        usage_bytes: used_mb * MB,
        working_set_bytes: used_mb * MB,
        limit_bytes: Some(limit_mb * MB),
        limit_used_bytes: Some(used_mb * MB),
        limit_active_file_bytes: None,
        high_bytes: None,
        high_used_bytes: None,
        swap_bytes: None,
        swap_limit_bytes: None,
        oom_kills: None,
        oom_group: None,
    }
}

fn reading() -> OsReading {
    OsReading {
        at_ms: NOW,
        process: ProcessFigures {
            rss_bytes: 200 * MB,
            virtual_bytes: Some(1000 * MB),
            data_bytes: Some(300 * MB),
            ..ProcessFigures::default()
        },
        machine: Some(MachineFigures {
            total_bytes: 16_384 * MB,
            available_bytes: 8_000 * MB,
            swap_total_bytes: None,
        }),
        ..OsReading::default()
    }
}

fn nearest(reading: &OsReading, isolates: &[IsolateFigures]) -> EffectiveLimit {
    effective_limit(reading, isolates, &LimitNames::default()).unwrap()
}

#[test]
fn the_old_space_limit_bounds_the_heap_not_heap_size_limit() {
    let limit = nearest(&reading(), &[isolate(0, 60, 96)]);
    assert_eq!(limit.nearest.kind, LimitKind::Heap);
    assert_eq!(limit.nearest.name, "main");
    assert_eq!(limit.nearest.limit_bytes, 96 * MB);
    assert_eq!(limit.nearest.headroom_bytes, 36 * MB);
    assert!((limit.nearest.ratio - 0.625).abs() < 1e-9);
    assert_eq!(limit.others.len(), 1);
    assert_eq!(limit.others[0].kind, LimitKind::Machine);
}

#[test]
fn a_fresh_live_heap_stands_for_the_heap_a_stale_one_does_not() {
    let with_live = |live_mb, age| IsolateFigures {
        live_heap_bytes: Some(live_mb * MB),
        live_heap_at_ms: Some(NOW - age),
        ..isolate(0, 90, 100)
    };
    assert_eq!(counted_heap(&with_live(40, 1_000), NOW), 40 * MB);
    assert_eq!(
        counted_heap(&with_live(40, LIVE_HEAP_FRESH_MS), NOW),
        40 * MB
    );
    assert_eq!(
        counted_heap(&with_live(40, LIVE_HEAP_FRESH_MS + 1), NOW),
        90 * MB
    );
    assert_eq!(
        counted_heap(&with_live(95, 1_000), NOW),
        90 * MB,
        "it has shrunk since"
    );
}

#[test]
fn the_highest_ratio_is_the_nearest_whatever_the_headroom_in_bytes() {
    let reading = OsReading {
        cgroup: Some(cgroup(15_700, 16_000)),
        ..reading()
    };
    let limit = nearest(&reading, &[isolate(0, 50, 256)]);
    assert_eq!(
        limit.nearest.kind,
        LimitKind::Cgroup,
        "300 MB of 16 GB left is nearer than 206 of 256"
    );
    let ratios: Vec<f64> = limit.others.iter().map(|l| l.ratio).collect();
    assert!(ratios.is_sorted_by(|a, b| a >= b), "{ratios:?}");
}

#[test]
fn a_worker_may_be_the_nearest() {
    let limit = nearest(&reading(), &[isolate(0, 100, 4096), isolate(3, 45, 50)]);
    assert_eq!(limit.nearest.kind, LimitKind::Worker);
    assert_eq!(limit.nearest.name, "worker 3");
}

#[test]
fn memory_high_counts_and_may_be_exceeded() {
    let reading = OsReading {
        cgroup: Some(CgroupFigures {
            high_bytes: Some(400 * MB),
            high_used_bytes: Some(420 * MB),
            ..cgroup(420, 512)
        }),
        ..reading()
    };
    let limit = nearest(&reading, &[]);
    assert_eq!(limit.nearest.kind, LimitKind::CgroupHigh);
    assert!(limit.nearest.ratio > 1.0);
    assert_eq!(limit.nearest.headroom_bytes, 0);
    assert_eq!(limit.heap_ceiling_bytes, None, "no isolate is known");
}

#[test]
fn rlimits_count_where_they_are_set() {
    let reading = OsReading {
        rlimits: ResourceLimits {
            address_space_bytes: Some(2000 * MB),
            data_bytes: Some(310 * MB),
        },
        ..reading()
    };
    let limit = nearest(&reading, &[isolate(0, 50, 256)]);
    assert_eq!(limit.nearest.name, "RLIMIT_DATA");
    assert_eq!(limit.others[0].name, "RLIMIT_AS");
}

#[test]
fn memory_that_others_hold_on_the_machine_is_not_ours() {
    let reading = OsReading {
        machine: Some(MachineFigures {
            total_bytes: 16_384 * MB,
            available_bytes: 800 * MB,
            swap_total_bytes: None,
        }),
        ..reading()
    };
    let limit = nearest(&reading, &[]);
    assert_eq!(limit.nearest.limit_bytes, 1000 * MB);
    assert!((limit.nearest.ratio - 0.2).abs() < 1e-9);
}

#[test]
fn the_heap_can_grow_to_what_the_cgroup_leaves_for_it() {
    let with = |used, limit| OsReading {
        cgroup: Some(cgroup(used, limit)),
        ..reading()
    };
    // 200 MB charged, 120 of them the heap's: 80 are not. 512 - 80.
    let limit = nearest(&with(200, 512), &[isolate(0, 100, 4096)]);
    assert_eq!(limit.heap_ceiling_bytes, Some(432 * MB));
    let limit = nearest(&with(200, 8000), &[isolate(0, 100, 4096)]);
    assert_eq!(limit.heap_ceiling_bytes, Some(4096 * MB));
}

#[test]
fn nothing_known_gives_no_limit() {
    let names = LimitNames::default();
    assert_eq!(effective_limit(&OsReading::default(), &[], &names), None);
    let unknown = isolate(0, 10, 0);
    assert_eq!(
        effective_limit(&OsReading::default(), &[unknown], &names),
        None
    );
}

#[test]
fn it_is_flat_in_json() {
    let names = LimitNames {
        cgroup: Some("/sys/fs/cgroup/memory.max".to_owned()),
        cgroup_high: None,
    };
    let reading = OsReading {
        cgroup: Some(cgroup(500, 512)),
        ..reading()
    };
    let limit = effective_limit(&reading, &[isolate(0, 50, 256)], &names);
    let json = serde_json::to_value(limit).unwrap();
    assert_eq!(json["kind"], "cgroup");
    assert_eq!(json["name"], "/sys/fs/cgroup/memory.max");
    assert_eq!(json["limitBytes"], 512 * MB);
    assert_eq!(json["others"][0]["kind"], "heap");
    assert_eq!(json["heapCeilingBytes"], 82 * MB);
}

#[test]
fn the_old_space_must_have_room_for_what_a_scavenge_promotes() {
    let isolate = |nursery_bytes| IsolateFigures {
        heap_used_bytes: 50 << 20,
        heap_total_bytes: 60 << 20,
        old_space_limit_bytes: 96 << 20,
        nursery_bytes,
        ..IsolateFigures::default()
    };
    let used = |isolate| {
        let limit = effective_limit(&OsReading::default(), &[isolate], &LimitNames::default());
        limit.map(|limit| limit.nearest.used_bytes)
    };
    assert_eq!(used(isolate(1 << 20)), Some(51 << 20));
    assert_eq!(
        used(isolate(64 << 20)),
        Some(66 << 20),
        "at most a sixth of the limit"
    );
}
