use std::path::Path;

use proptest::prelude::*;

use super::*;

const MB: u64 = 1 << 20;

fn room(available: u64) -> Room {
    Room {
        memory: Some(MemoryRoom {
            available_bytes: available,
            limited_by: "the cgroup limit".into(),
        }),
        ..Room::default()
    }
}

fn facts(heap_mb: u64, node_major: u32) -> HeapFacts {
    HeapFacts {
        heap_used_bytes: heap_mb * MB,
        node_major: Some(node_major),
        ..HeapFacts::default()
    }
}

fn verdict(cost: &Cost, room: &Room) -> Decision {
    decide(cost, room, Path::new("/snapshots"))
}

/// Node line, used heap in MB, growth of the resident set in MB, MB of file: real captures of heaps of
/// maps of small objects, records, arrays of references, arrays of numbers.
const CAPTURES: [(u32, u64, u64, u64); 14] = [
    (18, 77, 1304, 124),
    (20, 76, 1250, 125),
    (20, 360, 5966, 629),
    (22, 77, 1255, 127),
    (24, 78, 1152, 116),
    (26, 78, 1449, 127),
    (20, 44, 729, 61),
    (24, 70, 837, 78),
    (20, 81, 830, 117),
    (18, 21, 263, 25),
    (18, 32, 286, 42),
    (26, 33, 261, 41),
    (20, 41, 448, 148),
    (20, 41, 28, 4),
];

#[test]
fn no_real_capture_needed_more_than_is_demanded() {
    for (major, heap_mb, growth_mb, file_mb) in CAPTURES {
        let large_object_bytes = if file_mb > 3 * heap_mb { 38 * MB } else { 0 };
        let cost = estimate(&HeapFacts {
            large_object_bytes,
            ..facts(heap_mb, major)
        });
        assert!(
            needed_memory_bytes(&cost) >= growth_mb * MB,
            "{major} {heap_mb} {cost:?}"
        );
        assert!(
            cost.disk_bytes >= file_mb * MB,
            "{major} {heap_mb} {cost:?}"
        );
    }
}

#[test]
fn a_small_heap_fits_a_gigabyte_on_every_line() {
    for major in [18, 20, 22, 24, 26, 28] {
        let cost = estimate(&facts(30, major));
        let decision = verdict(&cost, &room(1 << 30));
        assert!(decision.allowed, "{}", decision.reason);
        assert_eq!(decision.code, Code::Ok);
        assert!(
            decision
                .reason
                .contains("1.0 GB are left before the cgroup limit"),
            "{}",
            decision.reason
        );
    }
    assert!(
        verdict(
            &estimate(&HeapFacts {
                heap_used_bytes: 30 * MB,
                ..HeapFacts::default()
            }),
            &room(1 << 30)
        )
        .allowed
    );
}

#[test]
fn a_heap_that_would_be_killed_is_refused_with_figures() {
    let cost = estimate(&facts(120, 22));
    let decision = verdict(&cost, &room(1900 * MB));
    assert!(!decision.allowed);
    assert_eq!(decision.code, Code::NoMemory);
    assert!(
        decision.reason.contains("2.2 GB") && decision.reason.contains("1.9 GB"),
        "{}",
        decision.reason
    );
    let json = serde_json::to_value(&decision).unwrap();
    assert_eq!(json["code"], "no-memory");
    assert_eq!(json["cost"]["basis"], "heapSize");
    assert_eq!(
        decision.into_result().unwrap_err().code(),
        "ERR_MEMGUARD_SNAPSHOT_NO_MEMORY"
    );
}

#[test]
fn where_nothing_is_known_only_the_smallest_is_allowed() {
    let blind = Room::default();
    let decision = verdict(&estimate(&facts(30, 22)), &blind);
    assert_eq!(decision.code, Code::MemoryUnknown);
    assert!(!decision.allowed);
    assert!(
        verdict(
            &Cost {
                memory_bytes: 40 * MB,
                ..estimate(&facts(3, 22))
            },
            &blind
        )
        .allowed
    );
}

#[test]
fn disk_and_pause_are_judged_too() {
    let cost = estimate(&facts(30, 18));
    let full = Room {
        disk_free_bytes: Some(300 * MB),
        disk_reserved_bytes: 256 * MB,
        ..room(1 << 30)
    };
    let decision = verdict(&cost, &full);
    assert_eq!(decision.code, Code::NoDisk);
    assert!(
        decision.reason.contains("/snapshots"),
        "{}",
        decision.reason
    );
    let impatient = Room {
        max_pause_ms: Some(5_000),
        ..room(1 << 30)
    };
    let decision = verdict(&cost, &impatient);
    assert_eq!(decision.code, Code::Pause);
    assert!(
        decision.reason.contains("7800 ms") && decision.reason.contains("5000 ms"),
        "{}",
        decision.reason
    );
}

fn last() -> LastCapture {
    LastCapture {
        node_count: 639_244,
        edge_count: 1_680_000,
        heap_used_bytes: 31 * MB,
        file_bytes: 45 * MB,
        pause_ms: Some(1654.0),
        memory_growth_bytes: Some(269 * MB),
        node_major: Some(20),
    }
}

#[test]
fn a_measured_capture_replaces_the_model() {
    let cost = estimate(&HeapFacts {
        last: Some(last()),
        ..facts(31, 20)
    });
    assert_eq!(cost.basis, Basis::Measured);
    assert_eq!(
        (cost.memory_bytes, cost.disk_bytes, cost.node_count),
        (269 * MB, 45 * MB, 639_244)
    );
    assert_eq!(
        cost.pause_ms,
        Range {
            low: 1108,
            high: 2481
        }
    );
    // What has been added since may be of the costliest kind.
    let grown = estimate(&HeapFacts {
        last: Some(last()),
        ..facts(131, 20)
    });
    assert_eq!(grown.memory_bytes, 269 * MB + 1660 * MB);
    assert!(grown.pause_ms.high >= 2481 + 9000);
    // What is gone cost its share.
    let shrunk = estimate(&HeapFacts {
        last: Some(last()),
        ..facts(16, 20)
    });
    assert!(shrunk.memory_bytes < 145 * MB);
}

#[test]
fn another_node_line_lends_its_counts_only() {
    let cost = estimate(&HeapFacts {
        last: Some(last()),
        ..facts(31, 24)
    });
    assert_eq!(cost.basis, Basis::ObjectCount);
    assert!(
        cost.memory_bytes <= percent_of(31 * MB, 1560) && cost.memory_bytes >= 260 * MB,
        "{cost:?}"
    );
    assert_eq!(cost.pause_ms.high, 31 * 90);
    // Few objects, but ten million references.
    let arrays = LastCapture {
        node_count: 39_289,
        edge_count: 10_180_000,
        heap_used_bytes: 41 * MB,
        ..last()
    };
    let cost = estimate(&HeapFacts {
        last: Some(arrays),
        ..facts(41, 24)
    });
    assert!(cost.memory_bytes >= 454 * MB, "{cost:?}");
}

fn percent_of(value: u64, percent: u64) -> u64 {
    value * percent / 100
}

#[test]
fn a_count_of_objects_lowers_the_estimate() {
    let counted = HeapFacts {
        object_count: Some(60_000),
        ..facts(200, 22)
    };
    assert!(estimate(&counted).memory_bytes < 60 * MB);
    let arrays = HeapFacts {
        object_count: Some(57_439),
        large_object_bytes: 38 * MB,
        ..facts(42, 24)
    };
    assert!(estimate(&arrays).memory_bytes >= 454 * MB);
}

#[test]
fn a_nonsense_measurement_is_not_believed() {
    for growth in [0, 1, 90_000_000 * MB] {
        let lie = LastCapture {
            memory_growth_bytes: Some(growth),
            ..last()
        };
        assert_ne!(
            estimate(&HeapFacts {
                last: Some(lie),
                ..facts(31, 20)
            })
            .basis,
            Basis::Measured
        );
    }
    // Numbers then, small objects now: the estimate stays within a third of the model's.
    let numbers = LastCapture {
        node_count: 40_000,
        memory_growth_bytes: Some(28 * MB),
        ..last()
    };
    let cost = estimate(&HeapFacts {
        last: Some(numbers),
        ..facts(31, 20)
    });
    assert!(cost.memory_bytes >= 31 * MB * 5);
}

proptest! {
    #[test]
    fn nothing_overflows_and_more_heap_never_costs_less(
        heap: u64, more: u64, large: u64, count: Option<u64>, major: Option<u32>,
        nodes: u64, edges: u64, last_heap: u64, file: u64, pause: Option<f64>, growth: Option<u64>, last_major: Option<u32>,
    ) {
        let last = LastCapture {
            node_count: nodes, edge_count: edges, heap_used_bytes: last_heap, file_bytes: file,
            pause_ms: pause, memory_growth_bytes: growth, node_major: last_major,
        };
        for last in [None, Some(last)] {
            let facts = HeapFacts { heap_used_bytes: heap, large_object_bytes: large, object_count: count, node_major: major, last };
            let cost = estimate(&facts);
            let larger = estimate(&HeapFacts { heap_used_bytes: heap.saturating_add(more), ..facts });
            prop_assert!(larger.memory_bytes >= cost.memory_bytes);
            prop_assert!(needed_memory_bytes(&cost) >= cost.memory_bytes / 100 * 100);
            prop_assert!(cost.pause_ms.low <= cost.pause_ms.high);
            let _ = decide(&cost, &room(heap), Path::new("/"));
        }
    }
}
