//! Verdicts of figures alone.

use memguard_trend::Growth;

use super::*;
use crate::context::{CacheFigures, MemoryPoint, Trend};

const MB: u64 = 1 << 20;

/// Two hours, a point each five minutes; each part in MB by the number of the point.
fn series(live: fn(u64) -> u64, external: fn(u64) -> u64, rest: fn(u64) -> u64) -> Context {
    let point = |number: u64| {
        let (live, external, rest) = (live(number) * MB, external(number) * MB, rest(number) * MB);
        MemoryPoint {
            at_ms: number * 300_000,
            live_heap_bytes: Some(live),
            heap_used_bytes: live + 5 * MB,
            heap_total_bytes: live + 20 * MB,
            external_bytes: external,
            rss_bytes: live + 20 * MB + external + rest,
            ..MemoryPoint::default()
        }
    };
    Context {
        series: (0..24).map(point).collect(),
        ..Context::default()
    }
}

#[test]
fn the_part_that_grows_makes_the_verdict() {
    let cases: [(VerdictClass, Context); 4] = [
        (VerdictClass::JsLeak, series(|n| 50 + 4 * n, |_| 5, |_| 40)),
        (
            VerdictClass::External,
            series(|_| 50, |n| 5 + 4 * n, |_| 40),
        ),
        (VerdictClass::Native, series(|_| 50, |_| 5, |n| 40 + 4 * n)),
        (VerdictClass::None, series(|n| 50 + n % 3, |_| 5, |_| 40)),
    ];
    for (class, context) in cases {
        let verdict = verdict(&context);
        assert_eq!(verdict.class, class, "{verdict:#?}");
        assert!(verdict.confidence > 0.5 && verdict.confidence < 1.0);
        assert_eq!(verdict.evidence.len(), 3);
    }
}

#[test]
fn it_is_never_a_leak_of_javascript_where_the_heap_is_flat() {
    for (grows, words) in [(7, "external"), (9, "rest")] {
        let mut context = series(|n| 50 + n % 2, |_| 5, |_| 40);
        for (number, point) in context.series.iter_mut().enumerate() {
            let more = grows * number as u64 * MB;
            point.rss_bytes += more;
            if words == "external" {
                point.external_bytes += more;
            }
        }
        assert_ne!(verdict(&context).class, VerdictClass::JsLeak, "{words}");
    }
}

#[test]
fn memory_that_malloc_holds_as_free_is_fragmentation() {
    let mut context = series(|_| 50, |_| 5, |n| 40 + 6 * n);
    context.allocator = Some(AllocatorFigures {
        allocator: Some("glibc".into()),
        arenas: Some(16),
        arena_bytes: 160 * MB,
        in_use_bytes: 40 * MB,
        free_bytes: 120 * MB,
        ..AllocatorFigures::default()
    });
    let found = verdict(&context);
    assert_eq!(found.class, VerdictClass::Fragmentation);
    let arenas = found
        .evidence
        .iter()
        .find(|evidence| evidence.kind == "arenaFree")
        .unwrap();
    assert!(
        arenas.text.contains("16 arenas") && arenas.text.contains("MALLOC_ARENA_MAX is not set")
    );
    let cure = crate::advice(&context).unwrap();
    assert_eq!(
        cure.code.as_deref(),
        Some("MALLOC_ARENA_MAX=2 node server.js")
    );

    // Handed out, it is no fragmentation.
    context.allocator.as_mut().unwrap().free_bytes = 4 * MB;
    assert_eq!(verdict(&context).class, VerdictClass::Native);
}

#[test]
fn the_trend_room_is_believed() {
    let growth = |part, slowing| Growth {
        part,
        per_hour: 40.0 * MB as f64,
        share: 1.0,
        z: 3.0,
        slowing,
    };
    let cases = [
        (TrendVerdict::JsHeap, Part::LiveHeap, VerdictClass::JsLeak),
        (
            TrendVerdict::External,
            Part::External,
            VerdictClass::External,
        ),
        (TrendVerdict::Native, Part::Rest, VerdictClass::Native),
        (
            TrendVerdict::Fragmentation,
            Part::Rest,
            VerdictClass::Fragmentation,
        ),
        (
            TrendVerdict::CacheFilling,
            Part::LiveHeap,
            VerdictClass::CacheFilling,
        ),
        (TrendVerdict::Load, Part::LiveHeap, VerdictClass::Load),
    ];
    for (word, part, class) in cases {
        let context = Context {
            trend: Trend {
                verdict: Some(word),
                growing: vec![growth(part, false)],
                ..Trend::default()
            },
            ..series(|_| 50, |_| 5, |_| 40)
        };
        assert_eq!(verdict(&context).class, class, "{word:?}");
    }
}

#[test]
fn caches_with_room_are_evidence() {
    let context = Context {
        caches: vec![CacheFigures {
            name: "pages".into(),
            bytes: 3 * MB,
            max_bytes: Some(64 * MB),
            entries: 300,
            max_entries: None,
        }],
        ..series(|n| 50 + n, |_| 5, |_| 40)
    };
    let found = verdict(&context);
    assert!(
        found
            .evidence
            .iter()
            .any(|it| it.kind == "cacheRoom" && it.text.contains("pages"))
    );
}

#[test]
fn nothing_seen_is_nothing_known() {
    let found = verdict(&Context::default());
    assert_eq!(found.class, VerdictClass::Unknown);
    assert!(found.confidence < 0.5);
}

/// What `malloc` said at each look: handed out and free, in MB.
fn looks(mut context: Context, readings: &[(u64, u64)]) -> Context {
    let mut readings: Vec<AllocatorFigures> = readings
        .iter()
        .map(|&(in_use, free)| AllocatorFigures {
            arena_bytes: (in_use + free) * MB,
            in_use_bytes: in_use * MB,
            free_bytes: free * MB,
            external_bytes: 5 * MB,
            ..AllocatorFigures::default()
        })
        .collect();
    context.allocator = readings.pop();
    context.allocator_before = readings;
    context
}

#[test]
fn what_malloc_hands_out_at_each_look_is_native() {
    let flat = || series(|_| 50, |_| 5, |_| 40);
    let found = verdict(&looks(flat(), &[(20, 2), (32, 2), (44, 2), (56, 2)]));
    assert_eq!(found.class, VerdictClass::Native, "{found:#?}");
    assert!(found.confidence >= 0.7);
    let evidence = found.evidence.iter().find(|it| it.kind == "mallocGrows");
    assert!(
        evidence.is_some_and(|it| it.text.contains("15.0 MB → 27.0 MB → 39.0 MB → 51.0 MB")),
        "{found:#?}"
    );

    for readings in [
        // Two steps may be chance, one is none; growth that ends, or that is little, is none either.
        &[(20, 2), (32, 2)][..],
        &[(20, 2), (32, 2), (44, 2), (45, 2)],
        &[(20, 2), (21, 2), (22, 2), (23, 2)],
        &[(20, 2), (40, 2), (20, 2), (32, 2)],
    ] {
        let found = verdict(&looks(flat(), readings));
        assert_eq!(found.class, VerdictClass::None, "{readings:?}: {found:#?}");
    }
    let two = verdict(&looks(flat(), &[(20, 2), (32, 2), (44, 2)]));
    assert!(two.class == VerdictClass::Native && two.confidence < 0.5);
}

#[test]
fn what_malloc_keeps_after_a_peak_is_fragmentation_though_nothing_grows_any_more() {
    let flat = || series(|_| 50, |_| 5, |_| 200);
    let found = verdict(&looks(flat(), &[(20, 150)]));
    assert_eq!(found.class, VerdictClass::Fragmentation, "{found:#?}");
    assert_eq!(
        verdict(&looks(flat(), &[(20, 20)])).class,
        VerdictClass::None
    );
}
