//! Who holds what, by name.

use std::collections::VecDeque;

use memguard_heap_graph::{EdgeKind, HeapGraph, Node, NodeIndex, NodeKind};
use memguard_heap_walk::{CensusOptions, GraphOptions, census, graph, inspect};

use crate::support::{Program, line_of};

/// The names of the edges into the objects of a class, with the kind of the object they come from.
fn holders(graph: &HeapGraph, class: &str) -> Vec<(String, EdgeKind, String)> {
    let of_class = |node: Node<'_>| node.kind() == NodeKind::Object && node.name() == class;
    graph
        .nodes()
        .flat_map(|node| node.edges().map(move |edge| (node, edge)))
        .filter(|(_, edge)| of_class(graph.node(edge.target)))
        .map(|(node, edge)| {
            (
                node.name().into_owned(),
                edge.kind,
                edge.name(graph).into_owned(),
            )
        })
        .collect()
}

fn has(graph: &HeapGraph, class: &str, from: &str, kind: EdgeKind, name: &str) {
    let found = holders(graph, class);
    assert!(
        found
            .iter()
            .any(|(f, k, n)| f == from && *k == kind && n == name),
        "{class} is held by {found:?}"
    );
}

/// Nodes on a shortest way from the root, along what a programmer knows.
fn path(graph: &HeapGraph, class: &str) -> Vec<String> {
    let mut from: Vec<Option<(NodeIndex, String)>> = vec![None; graph.node_count()];
    let mut queue = VecDeque::from([graph.root()]);
    while let Some(node) = queue.pop_front() {
        let found = graph.node(node);
        if found.kind() == NodeKind::Object && found.name() == class {
            let mut steps = Vec::new();
            let mut at = node;
            while let Some((before, name)) = &from[at.index()] {
                steps.push(name.clone());
                at = *before;
            }
            steps.reverse();
            return steps;
        }
        for edge in graph.edges(node) {
            let name = edge.name(graph).into_owned();
            let dull = edge.kind == EdgeKind::Weak || name == "map" || name == "__proto__";
            if !dull && edge.target != graph.root() && from[edge.target.index()].is_none() {
                from[edge.target.index()] = Some((node, name));
                queue.push_back(edge.target);
            }
        }
    }
    panic!("{class} is not reached");
}

#[test]
fn holders_are_named() {
    let mut node = Program::start("holders.js");
    let found = inspect(&node.target(), |s| graph(s, &GraphOptions::default())).unwrap();
    let graph = &found.value;
    assert!(node.is_running());

    assert_eq!(path(graph, "LogEntry"), ["global", "requestLogs", "0"]);
    has(graph, "LogEntry", "Array", EdgeKind::Element, "0");
    has(
        graph,
        "InClosure",
        "system / Context",
        EdgeKind::Context,
        "captured",
    );
    has(graph, "InPrivate", "Private", EdgeKind::Property, "#secret");
    has(
        graph,
        "InSymbol",
        "Object",
        EdgeKind::Property,
        "<symbol label>",
    );
    has(
        graph,
        "InDictionary",
        "Object",
        EdgeKind::Property,
        "key700",
    );
    has(graph, "OutOfObject", "Object", EdgeKind::Property, "p25");
    has(
        graph,
        "InPromise",
        "Promise",
        EdgeKind::Internal,
        "reactions_or_result",
    );
    has(
        graph,
        "Bound",
        "native_bind",
        EdgeKind::Internal,
        "bound_this",
    );
    let weak = holders(graph, "InWeakMap");
    assert_eq!(
        weak.iter()
            .filter(|(_, kind, _)| *kind == EdgeKind::Internal)
            .count(),
        2,
        "{weak:?}"
    );

    let entry = graph
        .nodes()
        .find(|node| node.name() == "LogEntry" && node.kind() == NodeKind::Object);
    let entry = entry.unwrap();
    let names: Vec<String> = entry
        .edges()
        .map(|edge| edge.name(graph).into_owned())
        .collect();
    for name in ["map", "__proto__", "url", "meta"] {
        assert!(names.iter().any(|n| n == name), "{name} in {names:?}");
    }
    assert_eq!(entry.location().unwrap().line, line_of("constructor(i)"));

    let url = entry
        .edges()
        .find(|edge| edge.name(graph) == "url")
        .unwrap();
    assert!(graph.node(url.target).name().starts_with("/u/"));

    let native: u64 = graph
        .nodes()
        .filter(|node| node.kind() == NodeKind::Native)
        .map(|node| node.self_size())
        .sum();
    assert!(native >= 300_000);
    let dead = ["Garbage", "OnlyWeak"];
    assert!(
        graph
            .nodes()
            .all(|n| n.kind() != NodeKind::Object || !dead.contains(&&*n.name()))
    );
}

/// The strong edges from nodes of one name to nodes of another.
fn strong_edges(graph: &HeapGraph, from: &str, to: &str) -> Vec<String> {
    let nodes = graph.nodes().filter(|node| node.name() == from);
    nodes
        .flat_map(|node| node.edges())
        .filter(|edge| edge.kind != EdgeKind::Weak && graph.node(edge.target).name() == to)
        .map(|edge| edge.name(graph).into_owned())
        .collect()
}

#[test]
fn what_v8_keeps_for_itself_is_linked_as_in_its_snapshots() {
    let node = Program::start("server.js");
    let found = inspect(&node.target(), |subject| {
        let line = census(subject, &CensusOptions::default())?.node_line;
        Ok((line, graph(subject, &GraphOptions::default())?))
    });
    let (line, graph) = found.unwrap().value;
    let count = |name: &str| graph.nodes().filter(|node| node.name() == name).count();

    // A site may have another one nested in it. The list of all of them holds none: it would make one chain of them.
    let (sites, within) = (
        count("system / AllocationSite"),
        strong_edges(&graph, "system / AllocationSite", "system / AllocationSite"),
    );
    assert!(sites > 1 && within.len() * 2 < sites, "{sites}: {within:?}");

    // Maps that all isolates share are linked, but for those that nearly everything has.
    let maps = strong_edges(&graph, "system / WeakCell", "system / Map");
    assert!(!maps.is_empty() || count("system / WeakCell") == 0);
    assert!(strong_edges(&graph, "system / Cell", "system / Map").is_empty());
    let undefined = graph.nodes().find(|node| node.name() == "system / Oddball");
    assert_eq!(undefined.unwrap().self_size() == 0, line >= 24);

    // A parser is held by the socket that it reads from.
    assert!(count("HTTPParser") > 0);
    for holder in ["Node / persistent references", "Node / wrapper"] {
        let held = strong_edges(&graph, holder, "HTTPParser");
        assert!(held.is_empty(), "{holder}: {held:?}");
    }
    assert!(!strong_edges(&graph, "Socket", "HTTPParser").is_empty());

    // Bindings' arrays belong to what is behind the binding.
    let arrays = strong_edges(&graph, "Node / wrapper", "Float64Array");
    assert_eq!(arrays.is_empty(), line > 18, "{arrays:?}");

    // Generators stand where their function does, those that run an async function too.
    for (class, expected) in [("counts", 6), ("Generator", 12)] {
        let of_class = |node: &Node<'_>| node.kind() == NodeKind::Object && node.name() == class;
        let lines: Vec<u32> = graph
            .nodes()
            .filter(of_class)
            .filter_map(|node| Some(node.location()?.line))
            .collect();
        let there = lines.iter().filter(|&&line| line == expected).count();
        assert_eq!(there, 2, "{class}: {lines:?}");
    }
}
