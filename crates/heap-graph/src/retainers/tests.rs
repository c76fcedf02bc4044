//! Chains whose words are known, in heaps drawn by hand.

use proptest::prelude::*;

use crate::analysis::{AnalyzeError, AnalyzeOptions};
use crate::model::{EdgeKind, HeapGraph, NodeKind};
use crate::query::Filter;
use crate::report::RetainersReport;
use crate::sketch::Sketch;
use crate::snapshot::Snapshot;

use super::{RetainersOptions, query, retainers};

fn ask(graph: &HeapGraph, filter: &Filter) -> RetainersReport {
    let snapshot = Snapshot::of(graph, &AnalyzeOptions::default()).unwrap();
    retainers(&snapshot, filter, &RetainersOptions::default()).unwrap()
}

fn way(heap: &Sketch, class: &str) -> String {
    ask(&heap.build(3), &Filter::class(class))
        .shortest
        .unwrap()
        .text
}

#[test]
fn a_variable_in_a_closure_of_a_listener() {
    let mut heap = Sketch::new();
    let global = heap.global;
    let server = heap.field(global, "server", "Server", 100);
    let events = heap.field(server, "_events", "Object", 56);
    let (handler, scope) = heap.function("h", "/app/p3.js", 4);
    heap.property(events, "request", handler);
    // The variable is one scope farther out.
    let outer = heap.node(NodeKind::Object, "system / Context", 40);
    heap.edge(scope, EdgeKind::Internal, "previous", outer);
    let log = heap.variable(outer, "requestLogs", "Array", 32);
    let entry = heap.object("LogEntry", 48);
    heap.edge(log, EdgeKind::Element, 0, entry);
    let expected = "global → .server → Server → ._events → .request → function h [p3.js:5:9] \
                    → context .requestLogs → Array → [0] → LogEntry";
    assert_eq!(way(&heap, "LogEntry"), expected);
}

#[test]
fn who_watches_is_the_last_to_be_told_as_a_holder() {
    let mut heap = Sketch::new();
    let global = heap.global;
    let guard = heap.field(global, "guard", "MemoryGuard", 100);
    let (listener, scope) = heap.function("onLeak", "/app/p3.js", 2);
    heap.property(guard, "leak", listener);
    let log = heap.variable(scope, "requestLog", "Array", 32);
    let entry = heap.object("LogEntry", 48);
    heap.edge(log, EdgeKind::Element, 0, entry);
    assert!(way(&heap, "LogEntry").contains("MemoryGuard"));
    // A way that is far longer.
    let mut at = heap.field(global, "server", "Server", 100);
    for _ in 0..6 {
        at = heap.field(at, "next", "Layer", 24);
    }
    let (handler, other) = heap.function("handle", "/app/p3.js", 9);
    heap.property(at, "handle", handler);
    heap.edge(other, EdgeKind::Context, "requestLog", log);
    let told = way(&heap, "LogEntry");
    assert!(
        told.contains("function handle") && !told.contains("MemoryGuard"),
        "{told}"
    );
}

#[test]
fn maps_are_told_by_key_and_odd_names_are_quoted() {
    let mut heap = Sketch::new();
    let global = heap.global;
    let map = heap.field(global, "sessions by id", "Map", 32);
    // Header, 2 buckets, 4 entries of 3 words, and the array's own two.
    let table = heap.node(NodeKind::Array, "", 8 * (2 + 3 + 2 + 12));
    heap.edge(map, EdgeKind::Internal, "table", table);
    let key = heap.string("/s/1", 24);
    let session = heap.object("Session", 64);
    heap.edge(table, EdgeKind::Internal, "5", key);
    heap.edge(table, EdgeKind::Internal, "6", session);
    assert_eq!(
        way(&heap, "Session"),
        r#"global → ["sessions by id"] → Map → .get("/s/1") → Session"#
    );
    let keys = ask(&heap.build(1), &"string = /s/1".parse().unwrap());
    assert!(
        keys.shortest
            .unwrap()
            .text
            .ends_with(r#"Map → (key) → "/s/1""#)
    );
}

#[test]
fn near_in_words_is_preferred_to_near_in_hops() {
    let mut heap = Sketch::new();
    let global = heap.global;
    // One hop from a builtin's scope, and from a map; five from the program's own variables.
    let builtin = heap.node(NodeKind::Closure, "setImmediate", 64);
    heap.property(global, "setImmediate", builtin);
    let scope = heap.node(NodeKind::Object, "system / Context", 64);
    heap.edge(builtin, EdgeKind::Internal, "context", scope);
    let target = heap.object("Target", 8);
    heap.edge(scope, EdgeKind::Context, "lists", target);
    let mut at = global;
    for name in ["app", "locals", "store"] {
        at = heap.field(at, name, "Thing", 24);
    }
    heap.property(at, "target", target);
    assert_eq!(
        way(&heap, "Target"),
        "global → .app → Thing → .locals → Thing → .store → Thing → .target → Target"
    );
}

#[test]
fn objects_of_many_places_are_gathered_by_place() {
    let mut heap = Sketch::new();
    let global = heap.global;
    for (name, count) in [("busy", 30), ("idle", 3)] {
        let list = heap.field(global, name, "Array", 16);
        for index in 0..count {
            let socket = heap.object("Socket", 100);
            heap.edge(list, EdgeKind::Element, index, socket);
            // A socket that holds another.
            let peer = heap.field(socket, "peer", "Socket", 10);
            heap.field(peer, "buffer", "Buffer", 1000);
        }
    }
    let report = ask(&heap.build(2), &Filter::class("Socket"));
    assert_eq!(
        (report.count, report.shallow_size, report.retained_size),
        (66, 33 * 110, 33 * 1110)
    );
    let rows: Vec<_> = report
        .clusters
        .rows
        .iter()
        .map(|row| (row.words.as_str(), row.count, row.retained_size))
        .collect();
    assert_eq!(
        rows,
        [
            ("global → .busy → Array → [*] → Socket", 30, 30 * 1110),
            (
                "global → .busy → Array → [*] → Socket → .peer → Socket",
                30,
                30 * 1010
            ),
            ("global → .idle → Array → [*] → Socket", 3, 3 * 1110),
            (
                "global → .idle → Array → [*] → Socket → .peer → Socket",
                3,
                3 * 1010
            ),
        ]
    );
    assert_eq!(report.holders.total, 0);
}

#[test]
fn a_single_object_is_told_with_everything_that_holds_it() {
    let mut heap = Sketch::new();
    let global = heap.global;
    let target = heap.field(global, "current", "Job", 40);
    let queue = heap.field(global, "queue", "Array", 16);
    heap.edge(queue, EdgeKind::Element, 7, target);
    let registry = heap.field(global, "registry", "WeakRef", 16);
    heap.edge(registry, EdgeKind::Weak, "target", target);
    let report = ask(&heap.build(5), &Filter::class("Job"));
    let ways: Vec<_> = report
        .holders
        .rows
        .iter()
        .map(|way| way.text.as_str())
        .collect();
    assert_eq!(
        ways,
        [
            "global → .current → Job",
            "global → .queue → Array → [7] → Job"
        ]
    );
    assert_eq!(report.shortest.unwrap().text, "global → .current → Job");
}

#[test]
fn what_only_weak_references_lead_to_is_counted_as_such() {
    let mut heap = Sketch::new();
    let global = heap.global;
    let registry = heap.field(global, "registry", "WeakRef", 16);
    let target = heap.object("Gone", 40);
    heap.edge(registry, EdgeKind::Weak, "target", target);
    let report = ask(&heap.build(5), &Filter::class("Gone"));
    assert_eq!((report.count, report.unreachable), (1, 1));
    assert_eq!((report.shortest, report.clusters.total), (None, 0));
}

#[test]
fn nothing_found_is_an_empty_report() {
    let report = ask(&Sketch::new().build(0), &Filter::class("Nothing"));
    assert_eq!(
        (report.count, report.retained_size, report.clusters.total),
        (0, 0, 0)
    );
}

#[test]
fn a_query_lists_the_largest_first() {
    let mut heap = Sketch::new();
    let global = heap.global;
    for size in [10, 30, 20] {
        heap.field(global, &format!("o{size}"), "Thing", size);
    }
    let graph = heap.build(0);
    let snapshot = Snapshot::of(&graph, &AnalyzeOptions::default()).unwrap();
    let report = query(&snapshot, &Filter::class("Thing"), 2).unwrap();
    assert_eq!(
        (report.count, report.shallow_size, report.objects.total),
        (3, 60, 3)
    );
    let sizes: Vec<_> = report
        .objects
        .rows
        .iter()
        .map(|object| object.retained_size)
        .collect();
    assert_eq!(sizes, [30, 20]);
}

#[test]
fn a_chain_of_many_steps_is_told_in_part() {
    let mut heap = Sketch::new();
    let mut at = heap.global;
    for _ in 0..5_000 {
        at = heap.field(at, "next", "Link", 16);
    }
    heap.field(at, "end", "End", 16);
    let report = ask(&heap.build(1), &Filter::class("End"));
    let path = report.shortest.unwrap();
    assert_eq!((path.length, path.steps.len()), (5_002, 48));
    assert!(path.text.contains("… 4954 more …"), "{}", path.text);
    assert!(path.text.ends_with("Link → .end → End"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any graph at all: every chain leads from the root to its end by references that are there.
    #[test]
    fn ways_are_made_of_references_that_exist(
        edges in proptest::collection::vec((0_usize..40, 0_usize..40, 0_usize..5), 0..160),
        seed in 1_u64..500,
    ) {
        let mut heap = Sketch::new();
        let classes = ["A", "B", "system / Context", "Map", "Generator"];
        let dots: Vec<_> = (0..40).map(|at| heap.object(classes[at % 5], 8)).collect();
        let global = heap.global;
        heap.property(global, "start", dots[0]);
        for (from, to, kind) in edges {
            let (from, to) = (dots[from], dots[to]);
            match kind {
                0 => heap.edge(from, EdgeKind::Element, 3, to),
                1 => heap.edge(from, EdgeKind::Weak, "w", to),
                2 => heap.edge(from, EdgeKind::Internal, "table", to),
                3 => heap.edge(from, EdgeKind::Context, "variable", to),
                _ => heap.property(from, "p", to),
            }
        }
        let graph = heap.build(seed);
        let report = ask(&graph, &"kind = object and name != global".parse().unwrap());
        prop_assert_eq!(report.count, 40);
        let reachable = reachable(&graph);
        let found: u64 = report.clusters.rows.iter().map(|row| row.count).sum();
        prop_assert!(report.clusters.total > report.clusters.rows.len() as u64 || found + report.unreachable == 40);
        prop_assert_eq!(40 - report.unreachable, reachable);
    }
}

/// Objects that strong references lead to, by a search of its own.
fn reachable(graph: &HeapGraph) -> u64 {
    let mut seen = vec![false; graph.node_count()];
    let mut open = vec![graph.root()];
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut seen[node.index()], true) {
            open.extend(
                graph
                    .edges(node)
                    .filter(|edge| edge.kind != EdgeKind::Weak)
                    .map(|edge| edge.target),
            );
        }
    }
    let objects = graph
        .nodes()
        .filter(|node| node.kind() == NodeKind::Object && node.name() != "global");
    objects.filter(|node| seen[node.index().index()]).count() as u64
}

#[test]
fn a_raised_signal_is_an_error_and_not_a_shorter_answer() {
    let graph = Sketch::new().build(0);
    let options = AnalyzeOptions::default();
    let snapshot = Snapshot::of(&graph, &options).unwrap();
    options.cancel.cancel();
    let filter = Filter::class("Thing");
    let cancelled = AnalyzeError::Cancelled;
    let who = retainers(&snapshot, &filter, &RetainersOptions::default());
    assert_eq!(who.unwrap_err(), cancelled);
    assert_eq!(query(&snapshot, &filter, 2).unwrap_err(), cancelled);
    let what = crate::insights::analyze(&snapshot, &crate::insights::ReportOptions::default());
    assert_eq!(what.unwrap_err(), cancelled);
}
