//! Suspects in heaps drawn by hand.

use std::fs;
use std::path::Path;

use memguard_heap_graph::{AnalyzeOptions, HeapGraph, NodeIndex, Snapshot};

use super::*;
use crate::context::Moment;
use crate::report::{Pattern, VerdictClass};
use crate::sketch::Sketch;

const MINUTE: u64 = 60_000;

/// A server whose handler stands in `server.js`, and what most programs have besides. Answers with the handler's scope.
fn server() -> (Sketch, NodeIndex) {
    let mut heap = Sketch::new();
    let server = heap.global_field("server", "Server", 248);
    let events = heap.field(server, "_events", "Object", 56);
    let (handler, scope) = heap.function("handler", "/srv/app/server.js", 4);
    heap.property(events, "request", handler);
    let settings = heap.global_field("settings", "Settings", 64);
    for at in 0..400 {
        heap.field(settings, &format!("a{at}"), "Setting", 512);
    }
    (heap, scope)
}

fn log_of(entries: u32) -> HeapGraph {
    let (mut heap, scope) = server();
    let log = heap.object("Array", 32);
    heap.variable(scope, "requestLog", log);
    heap.entries(log, "LogEntry", 96, entries);
    heap.build()
}

/// Looks are ten minutes apart.
fn moment(look: usize) -> Moment {
    Moment {
        at_ms: (look as u64 + 1) * 10 * MINUTE,
        unix_ms: 0,
    }
}

/// Investigates the last of heaps that were looked at.
fn hunt(heaps: &[HeapGraph]) -> LeakReport {
    hunt_with(heaps, |_| {})
}

fn hunt_with(heaps: &[HeapGraph], know: impl Fn(&mut Context)) -> LeakReport {
    let options = AnalyzeOptions::default();
    let (last, earlier) = heaps.split_last().unwrap();
    let digests: Vec<Digest> = earlier
        .iter()
        .enumerate()
        .map(|(look, graph)| {
            Digest::of(&Snapshot::of(graph, &options).unwrap(), moment(look)).without_young([])
        })
        .collect();
    let mut context = Context {
        now: moment(earlier.len()),
        ..Context::default()
    };
    know(&mut context);
    let snapshot = Snapshot::of(last, &options).unwrap();
    investigate(&digests.iter().collect::<Vec<_>>(), &snapshot, &context)
}

#[test]
fn a_growing_log_is_found_named_and_placed() {
    let report = hunt(&[log_of(1_000), log_of(2_000), log_of(3_000)]);
    assert_eq!(report.verdict.class, VerdictClass::JsLeak, "{report:#?}");
    assert!(report.is_leak() && report.verdict.confidence > 0.7);
    let suspect = &report.suspects[0];
    assert_eq!(suspect.class, "LogEntry");
    assert_eq!(suspect.words, "requestLog → Array → LogEntry");
    assert_eq!(suspect.counts, [1_000, 2_000, 3_000]);
    assert_eq!(suspect.count_per_hour.round(), 6_000.0);
    assert_eq!(suspect.accumulation.name.as_deref(), Some("requestLog"));
    assert_eq!(suspect.accumulation.class, "Array");
    assert_eq!(suspect.pattern.pattern, Pattern::UnboundedArray);
    let place = suspect.kept_at.as_ref().unwrap();
    assert_eq!((place.file.as_str(), place.line), ("/srv/app/server.js", 5));
    assert!(
        suspect
            .cure
            .code
            .as_ref()
            .unwrap()
            .contains("requestLog.push")
    );
    assert!(suspect.path.as_ref().unwrap().steps.last().unwrap().suspect);
    assert!(!found(&report).unsettled);
    assert!(report.summary.contains("requestLog"), "{}", report.summary);
}

#[test]
fn two_looks_are_too_few_to_be_sure() {
    let report = hunt(&[log_of(1_000), log_of(2_000)]);
    assert!(!report.is_leak());
    assert!(found(&report).unsettled);
    assert_eq!(report.suspects[0].class, "LogEntry");
}

#[test]
fn growth_that_came_in_one_step_or_went_again_is_none() {
    for entries in [
        [1_000, 3_000, 3_000],
        [1_000, 3_000, 2_000],
        [3_000, 3_000, 3_000],
    ] {
        let report = hunt(&entries.map(log_of));
        assert!(!report.is_leak(), "{entries:?}: {report:#?}");
        assert!(report.suspects.is_empty(), "{entries:?}");
    }
}

#[test]
fn growth_that_slows_down_is_not_settled() {
    let report = hunt(&[log_of(1_000), log_of(3_000), log_of(3_500)]);
    assert!(found(&report).unsettled);
}

#[test]
fn others_at_each_look_are_passing_through() {
    let queue = |entries: u32, from: u64| {
        let (mut heap, scope) = server();
        let log = heap.object("Array", 32);
        heap.variable(scope, "queue", log);
        heap.skip_addresses(from);
        heap.entries(log, "Job", 96, entries);
        heap.build()
    };
    let same = hunt(&[queue(1_000, 0), queue(2_000, 0), queue(3_000, 0)]);
    assert!(same.suspects[0].kept_share.unwrap() > 0.99);
    let report = hunt(&[
        queue(1_000, 0),
        queue(2_000, 1 << 20),
        queue(3_000, 2 << 20),
    ]);
    assert_eq!(report.verdict.class, VerdictClass::Load);
    assert!(!report.is_leak(), "{report:#?}");
    assert!(report.suspects[0].kept_share.unwrap() < 0.1);
}

#[test]
fn one_leak_has_one_signature_wherever_it_is() {
    let first = hunt(&[log_of(1_000), log_of(2_000), log_of(3_000)]);
    let second = hunt(&[log_of(70), log_of(900), log_of(1_950)]);
    assert_eq!(first.signature, second.signature);
    let merged = crate::merge([first, second]);
    assert_eq!(merged.len(), 1);
    assert_eq!(merged[0].count, 2);
}

#[test]
fn without_an_earlier_look_nobody_is_suspected_and_it_is_said() {
    let report = hunt(&[log_of(1_000)]);
    assert!(report.suspects.is_empty());
    assert_eq!(report.verdict.class, VerdictClass::Unknown);
    assert!(report.how.missing[0].contains("no earlier look"));
}

#[test]
fn a_report_goes_through_json_unchanged() {
    let report = hunt(&[log_of(1_000), log_of(2_000), log_of(3_000)]);
    let json = serde_json::to_string(&report).unwrap();
    assert!(json.contains("\"countPerHour\":"));
    let back: LeakReport = serde_json::from_str(&json).unwrap();
    assert_eq!(back, report);
}

#[test]
fn growth_that_goes_with_the_work_does_not_slow_down_when_there_is_less_of_it() {
    let heaps = [log_of(1_000), log_of(3_000), log_of(5_000), log_of(5_900)];
    let slow = hunt(&heaps);
    assert!(slow.suspects[0].unsettled, "{slow:#?}");
    let work = [0, 1_000_000, 2_000_000, 2_450_000];
    let alike = hunt_with(&heaps, |context| {
        context.allocated = (0..4)
            .map(|look| crate::Allocated {
                at: moment(look),
                bytes: work[look],
            })
            .collect();
    });
    assert!(!alike.suspects[0].unsettled, "{alike:#?}");
}

/// An app of a framework whose `locals.problems` has so many entries. Its own file has the variable `app`.
fn framework(folder: &Path, entries: u32) -> HeapGraph {
    let (own, library) = (
        folder.join("main.js"),
        folder.join("node_modules/web/app.js"),
    );
    let mut heap = Sketch::new();
    let server = heap.global_field("server", "Server", 248);
    let events = heap.field(server, "_events", "Object", 56);
    let (app, _) = heap.function("app", library.to_str().unwrap(), 3);
    heap.property(events, "request", app);
    let (handler, scope) = heap.function("handler", own.to_str().unwrap(), 2);
    let handlers = heap.field(app, "handlers", "Array", 32);
    heap.element(handlers, 0, handler);
    heap.variable(scope, "app", app);
    let locals = heap.field(app, "locals", "Object", 56);
    let problems = heap.field(locals, "problems", "Map", 56);
    heap.entries(problems, "Problem", 96, entries);
    heap.build()
}

#[test]
fn what_hangs_in_a_library_is_kept_where_the_program_leads_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("node_modules/web");
    fs::create_dir_all(&library).unwrap();
    fs::write(library.join("app.js"), "\n\n\nfunction app() {}\n").unwrap();
    let place_in = |main: &str| {
        let main = main.replace("; ", ";\n");
        fs::write(folder.path().join("main.js"), main).unwrap();
        let heaps = [1_000, 2_000, 3_000].map(|entries| framework(folder.path(), entries));
        let report = hunt_with(&heaps, |context| context.read_sources = true);
        let suspect = report.suspects[0].clone();
        assert_eq!(suspect.class, "Problem", "{suspect:#?}");
        (report.summary, suspect.kept_at.unwrap(), suspect.library_at)
    };
    // Who assigns the property; a comparison is none.
    let (summary, kept, within) =
        place_in("const app = web(); app.locals.problems = new Map(); if (a.problems == 1) b(); ");
    assert_eq!((kept.line, kept.column), (2, 12));
    assert_eq!(kept.excerpt.unwrap(), "app.locals.problems = new Map();");
    assert!(within.unwrap().file.ends_with("web/app.js"));
    assert!(summary.contains("main.js:2:12"), "{summary}");
    // Where several do, the variable that holds the app.
    let (_, kept, within) = place_in("const app = web(); a.problems = 1; b.problems = 2; ");
    assert_eq!((kept.line, kept.column), (1, 7));
    assert!(kept.file.ends_with("main.js") && within.is_some());
    // Where nothing is known of it, the library.
    let (_, kept, within) = place_in("start(web()); ");
    assert!(kept.file.ends_with("web/app.js") && within.is_none());
}

#[test]
fn how_a_function_is_held_says_nothing_of_what_it_holds() {
    let heaps = [1_000, 2_000, 3_000].map(|entries| framework(Path::new("/srv"), entries));
    let suspect = hunt(&heaps).suspects[0].clone();
    let all: Vec<Pattern> = std::iter::once(&suspect.pattern)
        .chain(&suspect.also)
        .map(|it| it.pattern)
        .collect();
    // The event is called `request`; what is kept are no requests.
    assert!(!all.contains(&Pattern::SessionMap), "{all:?}");
    assert!(suspect.kept_at.unwrap().file.ends_with("web/app.js"));
}

/// A list of `kept` objects that are there for good, and of `passing` ones from an address on.
fn list_of(kept: u32, passing: u32, address: u64) -> HeapGraph {
    let (mut heap, scope) = server();
    let list = heap.object("Array", 32);
    heap.variable(scope, "connections", list);
    heap.entries(list, "Connection", 512, kept);
    heap.skip_addresses(address);
    heap.entries(list, "Connection", 512, passing);
    heap.build()
}

#[test]
fn others_each_time_beside_what_is_there_for_good_are_load() {
    let heaps =
        [500, 1_500, 2_500, 3_500].map(|passing| list_of(4_000, passing, u64::from(passing) << 20));
    let report = hunt(&heaps);
    assert_eq!(report.verdict.class, VerdictClass::Load, "{report:#?}");
    assert!(!found(&report).leak && report.verdict.confidence > 0.0);
    // At the same addresses they are the same.
    let report = hunt(&[500, 1_500, 2_500, 3_500].map(|more| list_of(4_000, more, 1 << 20)));
    assert_eq!(report.verdict.class, VerdictClass::JsLeak, "{report:#?}");
}

#[test]
fn what_is_young_at_each_look_did_not_stay_though_its_addresses_are_taken_again() {
    let heaps = [500, 1_500, 2_500, 3_500].map(|passing| list_of(0, passing, 1 << 20));
    let hunt_after = |bytes: u64| {
        hunt_with(&heaps, |context| {
            context.young = vec![1 << 20..3 << 19, 3 << 19..2 << 20];
            context.allocated = (0..heaps.len())
                .map(|look| crate::context::Allocated {
                    at: moment(look),
                    bytes: look as u64 * bytes,
                })
                .collect();
        })
    };
    assert_eq!(hunt_after(3 << 20).verdict.class, VerdictClass::Load);
    // So little was allocated that all may have been there before.
    assert_eq!(hunt_after(1 << 20).verdict.class, VerdictClass::JsLeak);
}
