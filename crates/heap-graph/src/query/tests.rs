//! The language, and what it finds in a heap drawn by hand.

use proptest::prelude::*;

use super::{Filter, FilterErrorKind, Matcher};
use crate::analysis::AnalyzeOptions;
use crate::model::{EdgeKind, HeapGraph, NodeKind};
use crate::sketch::Sketch;
use crate::snapshot::Snapshot;

fn heap() -> HeapGraph {
    let mut heap = Sketch::new();
    let global = heap.global;
    let (handler, scope) = heap.function("handler", "/srv/server.js", 4);
    heap.property(global, "handler", handler);
    let log = heap.variable(scope, "requestLog", "Array", 32);
    for index in 0..10 {
        let entry = heap.object(
            if index < 7 { "LogEntry" } else { "Error*" },
            40 + 1000 * u64::from(index),
        );
        heap.edge(log, EdgeKind::Element, index, entry);
        let text = heap.string(&format!("Bearer Token-{index}"), 32);
        heap.property(entry, "authorization", text);
    }
    let detached = heap.node(NodeKind::Native, "Detached HTMLDivElement", 100);
    heap.property(global, "view", detached);
    heap.build(0)
}

fn count(filter: &str) -> usize {
    let graph = heap();
    let snapshot = Snapshot::of(&graph, &AnalyzeOptions::default()).unwrap();
    Matcher::new(&snapshot, &filter.parse().unwrap())
        .nodes()
        .len()
}

#[test]
fn fields_and_operators() {
    for (filter, expected) in [
        ("class = LogEntry", 7),
        ("class=LogEntry", 7),
        ("class = Log*", 7),
        ("class = \"*Entry\"", 7),
        (r#"class = "Error\*""#, 3),
        ("class ~ ENTRY", 7),
        ("class != LogEntry and class ~ r*", 3),
        ("string ~ bearer", 10),
        ("string = 'Bearer Token-3'", 1),
        ("name = handler and kind = closure", 1),
        ("script ~ server.js", 1),
        ("kind = string", 10),
        ("class = (string)", 10),
        ("shallow > 4kb", 5),
        ("size >= 4040 size <= 5040", 2),
        ("path ~ requestLog and class = LogEntry", 7),
        ("path ~ requestLog and kind = string", 10),
        ("path = nothing", 0),
        ("edges = 10", 1),
        ("detached", 1),
        ("not detached and kind = native", 0),
        ("class = LogEntry and (shallow < 100 or shallow > 6000)", 2),
        ("class = LogEntry && !(shallow < 100 || shallow > 6000)", 5),
        ("id = @7", 1),
        ("id = 7", 1),
    ] {
        assert_eq!(count(filter), expected, "{filter}");
    }
}

#[test]
fn filters_that_are_made_are_those_that_are_written() {
    assert_eq!(
        Filter::class("LogEntry"),
        "class = LogEntry".parse().unwrap()
    );
    assert_eq!(Filter::class("a \"b\"").to_string(), r#"class = "a \"b\"""#);
    assert_eq!(Filter::id(7).to_string(), "id = @7");
    let graph = heap();
    let snapshot = Snapshot::of(&graph, &AnalyzeOptions::default()).unwrap();
    let found = Matcher::new(&snapshot, &Filter::name("requestLog")).nodes();
    assert_eq!(found.len(), 1);
    assert_eq!(graph.node(found[0]).name(), "Array");
}

#[test]
fn errors_say_what_is_wrong_where_and_what_would_be_right() {
    let error = |filter: &str| filter.parse::<Filter>().unwrap_err();
    for (filter, position, message) in [
        ("", 0, "The filter is empty"),
        ("clas = X", 0, "`clas` is not a field"),
        (
            "class LogEntry",
            6,
            "Found `LogEntry` where =, !=, ~, !~ was expected",
        ),
        ("class = ", 8, "Found the end where a value was expected"),
        ("class > X", 6, "`>` cannot be used with `class`"),
        ("retained ~ 1mb", 9, "`~` cannot be used with `retained`"),
        (
            "retained > lots",
            11,
            "`lots` is not a number for `retained`; expected bytes",
        ),
        ("distance > 1mb", 11, "expected a whole number"),
        ("(class = X", 10, "Found the end where `)` was expected"),
        (
            "class = X)",
            9,
            "Found `)` where `and`, `or` or the end was expected",
        ),
        ("class = \"X", 8, "The text in quotes does not end"),
        (
            "class = X or",
            12,
            "Found the end where a field was expected",
        ),
        ("größe = 1", 0, "`größe` is not a field"),
    ] {
        let found = error(filter);
        assert_eq!(found.position, position, "{filter}: {found}");
        assert!(found.to_string().contains(message), "{filter}: {found}");
        assert_eq!(found.code(), "ERR_MEMGUARD_INVALID_FILTER");
    }
    let FilterErrorKind::UnknownField { suggestion, .. } = error("clas = X").kind else {
        panic!()
    };
    assert_eq!(suggestion, Some("class"));
    assert!(matches!(
        error(&"(".repeat(100_000)).kind,
        FilterErrorKind::TooDeep { .. }
    ));
    assert!(matches!(
        error(&"not ".repeat(100_000)).kind,
        FilterErrorKind::TooDeep { .. }
    ));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(filter: String) {
        let _ = filter.parse::<Filter>();
    }

    #[test]
    fn nothing_that_looks_like_a_filter_does(filter in "(class|retained|path|[(]|[)]|and|or|not|=|~|<| |\"|'|1mb|x|[*]){0,30}") {
        let _ = filter.parse::<Filter>();
    }
}
