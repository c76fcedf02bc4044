//! Each section on heaps drawn by hand.

use crate::analysis::AnalyzeOptions;
use crate::model::{Detachedness, EdgeKind, HeapGraph, NodeKind};
use crate::report::{AnalyzeReport, CapacityKind, CollectionReason};
use crate::sketch::Sketch;
use crate::snapshot::Snapshot;

use super::{ReportOptions, analyze};

fn report(graph: &HeapGraph) -> AnalyzeReport {
    analyze(
        &Snapshot::of(graph, &AnalyzeOptions::default()).unwrap(),
        &ReportOptions::default(),
    )
    .unwrap()
}

fn report_of(heap: &Sketch) -> AnalyzeReport {
    report(&heap.build(7))
}

#[test]
fn totals_and_classes_add_up_to_the_heap() {
    let mut heap = Sketch::new();
    let global = heap.global;
    for number in 0..10 {
        let user = heap.field(global, &format!("user{number}"), "User", 50);
        let name = heap.string("a name", 30);
        heap.property(user, "name", name);
    }
    let report = report_of(&heap);
    assert_eq!(report.totals.size, 10 * 80 + 40);
    assert_eq!(
        report.totals.types.iter().map(|row| row.size).sum::<u64>(),
        report.totals.size
    );
    assert_eq!(
        report.totals.types.iter().map(|row| row.count).sum::<u64>(),
        report.totals.nodes
    );
    let user = report
        .classes
        .rows
        .iter()
        .find(|row| row.name == "User")
        .unwrap();
    assert_eq!(
        (
            user.count,
            user.shallow_size,
            user.retained_size,
            user.distance
        ),
        (10, 500, 800, Some(2))
    );
    assert!((user.retained_share - 800.0 / 840.0).abs() < 1e-9);
}

#[test]
fn the_dominators_tree_shows_where_the_bytes_are_however_deep() {
    let mut heap = Sketch::new();
    let mut at = heap.global;
    for name in ["app", "locals", "cache"] {
        at = heap.field(at, name, "Thing", 10);
    }
    let big = heap.field(at, "big", "Big", 100_000);
    for index in 0..300 {
        let small = heap.object("Small", 200);
        heap.edge(at, EdgeKind::Element, index, small);
    }
    heap.field(big, "inner", "Inner", 500_000);
    let rows = report_of(&heap).dominators;
    assert_eq!(
        (rows[0].depth, rows[0].parent, rows[0].share),
        (0, None, 1.0)
    );
    for (at, row) in rows.iter().enumerate().skip(1) {
        let parent = row.parent.unwrap() as usize;
        assert!(parent < at);
        assert_eq!(row.depth, rows[parent].depth + 1);
        assert!(row.retained_size <= rows[parent].retained_size);
    }
    let of = |name: &str| rows.iter().find(|row| row.object.class == name).unwrap();
    assert_eq!(
        (of("Inner").edge.as_deref(), of("Inner").retained_size),
        (Some(".inner"), 500_000)
    );
    assert_eq!(
        (of("Small").group_count, of("Small").retained_size),
        (300, 60_000)
    );
}

#[test]
fn no_more_rows_than_asked_for() {
    let mut heap = Sketch::new();
    let global = heap.global;
    for number in 0..50 {
        heap.field(
            global,
            &format!("n{number}"),
            &format!("Class{number}"),
            1000,
        );
    }
    let graph = heap.build(1);
    let snapshot = Snapshot::of(&graph, &AnalyzeOptions::default()).unwrap();
    let options = ReportOptions {
        classes: 3,
        dominators: 10,
        rows: 2,
    };
    let report = analyze(&snapshot, &options).unwrap();
    assert_eq!((report.classes.rows.len(), report.classes.total), (3, 51));
    assert_eq!(report.dominators.len(), 10);
    let hidden: u64 = report.dominators.iter().map(|row| row.hidden_size).sum();
    let told: u64 = report
        .dominators
        .iter()
        .filter(|row| row.depth == 2)
        .map(|row| row.retained_size)
        .sum();
    assert_eq!(hidden + told, 50_000);
}

#[test]
fn strings_of_one_content_and_size_are_duplicates() {
    let mut heap = Sketch::new();
    let global = heap.global;
    for number in 0..20 {
        let entry = heap.field(global, &format!("entry{number}"), "LogEntry", 40);
        let host = heap.string("localhost", 32);
        heap.property(entry, "host", host);
        let own = heap.string(&format!("own {number}"), 32);
        heap.property(entry, "own", own);
    }
    // The same first characters, but not the same string.
    let longer = heap.string("localhost", 5000);
    heap.property(global, "longer", longer);
    let insights = report_of(&heap).insights;
    let row = &insights.duplicate_strings.rows[0];
    assert_eq!(
        (row.value.as_str(), row.count, row.size, row.wasted),
        ("localhost", 20, 640, 608)
    );
    assert_eq!(row.held_by.as_deref(), Some("LogEntry.host"));
    assert_eq!(
        (
            insights.duplicate_strings.total,
            insights.duplicate_string_bytes
        ),
        (1, 608)
    );
}

#[test]
fn unused_room_of_arrays_and_maps() {
    let mut heap = Sketch::new();
    let global = heap.global;
    let list = heap.field(global, "list", "Array", 32);
    let store = heap.node(NodeKind::Array, "(object elements)", 16 + 8 * 1000);
    heap.edge(list, EdgeKind::Internal, "elements", store);
    for index in 0..10 {
        let item = heap.object("Item", 16);
        heap.edge(list, EdgeKind::Element, index, item);
    }
    // Of numbers alone: nobody knows.
    let numbers = heap.field(global, "numbers", "Array", 32);
    let full = heap.node(NodeKind::Array, "(object elements)", 16 + 8 * 5000);
    heap.edge(numbers, EdgeKind::Internal, "elements", full);
    let map = heap.field(global, "map", "Map", 32);
    let table = heap.node(NodeKind::Array, "", 8 * (2 + 3 + 7 * 64));
    heap.edge(map, EdgeKind::Internal, "table", table);
    for entry in 0..4 {
        let value = heap.object("Value", 16);
        heap.edge(
            table,
            EdgeKind::Internal,
            (67 + 3 * entry + 1).to_string().as_str(),
            value,
        );
    }
    let empty = heap.field(global, "empty", "Set", 32);
    let table = heap.node(NodeKind::Array, "", 8 * (2 + 3 + 5 * 2));
    heap.edge(empty, EdgeKind::Internal, "table", table);

    let wasted = report_of(&heap).insights.wasted_capacity;
    let rows: Vec<_> = wasted
        .rows
        .rows
        .iter()
        .map(|row| (row.kind, row.used, row.capacity, row.wasted))
        .collect();
    let expected = [
        (CapacityKind::Array, 10, 1000, 990 * 8),
        (CapacityKind::Map, 4, 128, 124 * 24),
    ];
    assert_eq!(rows, expected);
    assert_eq!(wasted.bytes, 990 * 8 + 124 * 24);
    assert_eq!((wasted.empty_count, wasted.empty_bytes), (1, 120));
    assert_eq!(wasted.rows.rows[1].held_by.as_deref(), Some("global.map"));
}

#[test]
fn external_memory_by_what_holds_it() {
    let mut heap = Sketch::new();
    let global = heap.global;
    let buffer = heap.field(global, "upload", "ArrayBuffer", 88);
    let data = heap.node(NodeKind::Native, "system / JSArrayBufferData", 1 << 20);
    heap.edge(buffer, EdgeKind::Internal, "backing_store", data);
    let external = report_of(&heap).insights.external;
    assert_eq!(
        (
            external.bytes,
            external.array_buffer_bytes,
            external.string_bytes
        ),
        (1 << 20, 1 << 20, 0)
    );
    let way = external.rows.rows[0].held_by.as_deref().unwrap();
    assert!(way.starts_with("global → .upload → ArrayBuffer"), "{way}");
}

#[test]
fn modules_and_packages_by_what_their_state_keeps() {
    let mut heap = Sketch::new();
    let global = heap.global;
    for (name, script, size) in [
        ("handler", "/srv/server.js", 5_000),
        ("parse", "/srv/node_modules/qs/lib/parse.js", 300),
        ("stringify", "/srv/node_modules/qs/lib/stringify.js", 200),
        ("emit", "node:events", 100),
    ] {
        let (function, scope) = heap.function(name, script, 1);
        heap.property(global, name, function);
        heap.variable(scope, "state", "State", size);
    }
    let insights = report_of(&heap).insights;
    let modules: Vec<_> = insights
        .modules
        .rows
        .iter()
        .map(|row| (row.script.as_str(), row.retained_size))
        .collect();
    // Each function with its scope, and the shared info that it alone holds.
    assert_eq!(modules[0], ("/srv/server.js", 5_000 + 64 + 48 + 56 + 144));
    assert_eq!(modules.len(), 4);
    let packages: Vec<_> = insights
        .packages
        .rows
        .iter()
        .map(|row| (row.name.as_str(), row.modules, row.functions))
        .collect();
    assert_eq!(packages, [("(app)", 1, 1), ("qs", 2, 2), ("node", 1, 1)]);
    assert_eq!(insights.modules.rows[0].package, None);
}

#[test]
fn collections_without_a_bound_are_noticed_and_told_why() {
    let mut heap = Sketch::new();
    let global = heap.global;
    let log = heap.field(global, "log", "Array", 16);
    for index in 0..500 {
        let entry = heap.object("LogEntry", 2_000);
        heap.edge(log, EdgeKind::Element, index, entry);
    }
    let index = heap.field(global, "byName", "Object", 16);
    for number in 0..1_200 {
        heap.field(index, &format!("key-{number}"), "Row", 16);
    }
    let emitter = heap.field(global, "bus", "EventEmitter", 16);
    let events = heap.field(emitter, "_events", "Object", 16);
    let listeners = heap.field(events, "data", "Array", 16);
    for number in 0..80 {
        let listener = heap.node(NodeKind::Closure, "onData", 32);
        heap.edge(listeners, EdgeKind::Element, number, listener);
    }
    let mut at = heap.field(global, "head", "Link", 16);
    for _ in 0..1_500 {
        at = heap.field(at, "next", "Link", 16);
    }
    let rows = report_of(&heap).insights.collections.rows;
    let of = |reason| rows.iter().find(|row| row.reason == reason).unwrap();
    let log = of(CollectionReason::Dominant);
    assert_eq!(
        (log.entries, log.entry_class.as_deref(), log.path.as_deref()),
        (500, Some("LogEntry"), Some("global → .log → Array"))
    );
    assert_eq!(of(CollectionReason::Dictionary).entries, 1_199);
    assert_eq!(of(CollectionReason::Listeners).entries, 80);
    assert_eq!(
        (
            of(CollectionReason::LinkedList).entries,
            of(CollectionReason::LinkedList).path.as_deref()
        ),
        (1_501, Some("global → .head → Link"))
    );
}

#[test]
fn detached_parts_of_documents_but_not_nodes_own_objects() {
    let mut builder = crate::builder::GraphBuilder::new();
    let root = builder.node(NodeKind::Synthetic, "", 1, 0);
    let window = builder.node(NodeKind::Object, "Window", 3, 10);
    builder.edge(root, EdgeKind::Shortcut, "1", window);
    for (id, name) in [
        (4, "HTMLDivElement"),
        (6, "HTMLDivElement"),
        (8, "Node / BindingData"),
    ] {
        let element = builder.node(NodeKind::Native, name, id, 100);
        builder.edge(window, EdgeKind::Property, "view", element);
        builder.detachedness(element, Detachedness::Detached);
    }
    let detached = report(&builder.finish().unwrap()).insights.detached;
    assert_eq!(detached.total, 1);
    let row = &detached.rows[0];
    assert_eq!(
        (row.name.as_str(), row.count, row.retained_size),
        ("Detached HTMLDivElement", 2, 200)
    );
    assert_eq!(row.path.as_deref(), Some("Window → .view → HTMLDivElement"));
}

#[test]
fn a_heap_of_nothing_but_its_root_has_a_report() {
    let mut builder = crate::builder::GraphBuilder::new();
    builder.node(NodeKind::Synthetic, "", 1, 0);
    let report = report(&builder.finish().unwrap());
    assert_eq!(
        (
            report.totals.nodes,
            report.totals.size,
            report.dominators.len()
        ),
        (1, 0, 1)
    );
    assert_eq!(report.dominators[0].share, 0.0);
}
