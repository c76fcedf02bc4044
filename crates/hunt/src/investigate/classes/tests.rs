//! Tables of classes, look by look.

use memguard_trend::{ForecastLevel, Growth, Outlook, Part, Verdict as TrendVerdict};

use super::*;
use crate::context::{Frame, Moment};
use crate::investigate::{found, from_figures};
use crate::report::VerdictClass;

const MINUTE: u64 = 60_000;

fn moment(look: usize) -> Moment {
    Moment {
        at_ms: (look as u64 + 1) * 10 * MINUTE,
        unix_ms: 0,
    }
}

fn row(kind: ClassKind, name: &str, count: u64, size: u64) -> ClassRow {
    ClassRow {
        kind,
        name: name.to_owned(),
        place: None,
        count,
        bytes: count * size,
        old: count,
        survived: None,
    }
}

fn own(name: &str, count: u64, size: u64) -> ClassRow {
    ClassRow {
        place: Some(Frame {
            function: name.to_owned(),
            script: "/srv/app/server.js".to_owned(),
            line: 4,
            column: 1,
        }),
        ..row(ClassKind::Object, name, count, size)
    }
}

/// A catalogue that stays as it is, V8's own, and `rows`.
fn table(look: usize, rows: Vec<ClassRow>) -> ClassTable {
    let ever = [
        own("Product", 10_000, 400),
        row(
            ClassKind::Internal,
            "(code)",
            900 + 900 * look as u64,
            2_000,
        ),
    ];
    let mut rows: Vec<ClassRow> = rows.into_iter().chain(ever).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.bytes));
    ClassTable {
        size: HeapSize {
            at: moment(look),
            size: rows.iter().map(|row| row.bytes).sum(),
            objects: rows.iter().map(|row| row.count).sum(),
        },
        rows,
        is_cut: true,
    }
}

fn hunt(tables: &[ClassTable]) -> LeakReport {
    hunt_with(tables, |_| {})
}

fn hunt_with(tables: &[ClassTable], know: impl Fn(&mut Context)) -> LeakReport {
    let (now, earlier) = tables.split_last().unwrap();
    let mut context = Context {
        now: moment(earlier.len()),
        ..Context::default()
    };
    know(&mut context);
    investigate_classes(&earlier.iter().collect::<Vec<_>>(), now, &context)
}

/// A log of entries with texts, by their numbers in each look.
fn log(entries: &[u64]) -> Vec<ClassTable> {
    let look = |(look, count): (usize, &u64)| {
        let text = row(ClassKind::Text, "sequential string", 3 * count, 900);
        table(look, vec![own("LogEntry", *count, 40), text])
    };
    entries.iter().enumerate().map(look).collect()
}

#[test]
fn the_class_of_the_program_is_named_before_the_texts_that_it_holds() {
    let report = hunt(&log(&[1_000, 2_000, 3_000, 4_000]));
    let suspect = &report.suspects[0];
    assert_eq!(suspect.class, "LogEntry", "{report:#?}");
    assert_eq!(suspect.counts, [1_000, 2_000, 3_000, 4_000]);
    assert_eq!(suspect.contents[0].class, "sequential string");
    assert!(!suspect.knows_holder() && suspect.path.is_none() && suspect.kept_at.is_none());
    let place = suspect.born_at.as_ref().unwrap();
    assert_eq!((place.file.as_str(), place.line), ("/srv/app/server.js", 4));
    assert_eq!(report.verdict.class, VerdictClass::JsLeak);
    assert!(report.is_leak() && report.verdict.confidence < 0.75);
    assert!(
        report.summary.contains("held by whom is not known"),
        "{}",
        report.summary
    );
    assert!(
        report
            .how
            .missing
            .iter()
            .any(|it| it.contains("by class alone"))
    );
    assert_eq!(report.how.heaps.len(), 4);
    let found = found(&report);
    assert!(found.leak && !found.unsettled && !found.early, "{found:?}");
}

#[test]
fn a_signature_is_the_same_in_every_process() {
    let [one, other] =
        [&[10_000, 20_000, 30_000], &[70_000, 90_000, 110_000]].map(|it| hunt(&log(it)));
    assert_eq!(one.signature, other.signature);
    assert_ne!(one.signature, hunt(&log(&[5, 5, 5])).signature);
}

#[test]
fn two_steps_are_early_unless_a_limit_is_near() {
    let tables = log(&[1_000, 12_000, 23_000]);
    let calm = found(&hunt(&tables));
    assert!(calm.leak && calm.early, "{calm:?}");
    let near = found(&hunt_with(&tables, near_limit));
    assert!(near.leak && !near.early && !near.unsettled, "{near:?}");
}

#[test]
fn what_does_not_grow_and_what_is_v8s_own_is_no_suspect() {
    let report = hunt(&log(&[1_000, 1_000, 1_000, 1_000]));
    assert!(report.suspects.is_empty(), "{report:#?}");
    assert!(!found(&report).leak);
}

#[test]
fn others_each_time_are_load() {
    let mut tables = log(&[10_000, 20_000, 30_000, 40_000]);
    for row in tables.iter_mut().flat_map(|table| &mut table.rows) {
        let stays = row.name == "Product";
        row.survived = Some(if stays { row.old } else { row.old / 100 });
    }
    let report = hunt(&tables);
    assert_eq!(report.verdict.class, VerdictClass::Load, "{report:#?}");
    assert!(!found(&report).leak);
}

#[test]
fn what_slows_down_is_looked_at_again() {
    assert!(found(&hunt(&log(&[1_000, 9_000, 12_000, 12_500]))).unsettled);
}

#[test]
fn a_class_that_was_too_small_to_be_listed_began_at_nothing() {
    let mut tables = log(&[10, 8_000, 16_000, 24_000]);
    tables[0].rows.retain(|row| row.name != "LogEntry");
    // Larger than the least that was listed.
    tables[0].rows.push(row(ClassKind::Value, "number", 10, 12));
    assert_eq!(hunt(&tables).suspects[0].counts[0], 0);
    // It may have been as large as now.
    tables[0].rows.last_mut().unwrap().bytes = 10 << 20;
    assert_ne!(hunt(&tables).suspects[0].class, "LogEntry");
}

#[test]
fn buffers_are_external_memory() {
    let look = |look: usize| {
        let count = 100 * (look as u64 + 1);
        table(
            look,
            vec![row(ClassKind::Object, "ArrayBuffer", count, 64 << 10)],
        )
    };
    let report = hunt(&[look(0), look(1), look(2), look(3)]);
    assert_eq!(report.verdict.class, VerdictClass::External, "{report:#?}");
    assert_eq!(report.suspects[0].pattern.pattern, Pattern::ExternalMemory);
}

#[test]
fn a_cache_that_figures_know_to_fill_is_not_called_a_leak_by_its_classes() {
    let report = hunt_with(&log(&[1_000, 9_000, 17_000, 25_000]), |context| {
        context.trend.verdict = Some(TrendVerdict::CacheFilling);
    });
    assert_eq!(report.verdict.class, VerdictClass::CacheFilling);
}

/// The live heap grows, and reaches its limit in ten minutes.
fn near_limit(context: &mut Context) {
    context.trend.verdict = Some(TrendVerdict::JsHeap);
    context.trend.growing = vec![Growth {
        part: Part::LiveHeap,
        per_hour: 6e8,
        share: 1.0,
        z: 6.0,
        slowing: false,
    }];
    context.trend.outlook = Some(Outlook {
        level: ForecastLevel::Act,
        probability: Some(0.9),
        horizon_ms: 30 * MINUTE,
        level_bytes: 9e8,
        limit_bytes: 1e9,
        growing: true,
        growth_bytes_per_hour: 6e8,
        growth_interval: [5e8, 7e8],
        time_to_limit_ms: Some(10.0 * MINUTE as f64),
        time_to_limit_interval: None,
        observed_ms: 60 * MINUTE,
        at_ms: 60 * MINUTE,
    });
}

#[test]
fn figures_alone_are_told_when_a_limit_is_near_and_not_before() {
    let mut context = Context {
        allocation_sites: vec![AllocationSite::default()],
        ..Context::default()
    };
    near_limit(&mut context);
    let report = from_figures(&context);
    assert_eq!(
        (report.verdict.class, report.allocation_sites.len()),
        (VerdictClass::JsLeak, 1)
    );
    let near = found(&report);
    assert!(
        near.leak && !near.unsettled && near.confidence >= 0.5,
        "{near:?}"
    );
    context.trend.outlook = None;
    assert!(!found(&from_figures(&context)).leak);
}
