//! The figures of a heap as JSON, of a running process, a core dump or a snapshot that V8 wrote, to be compared:
//! `cargo run --release --example figures -- PID|CORE|FILE.heapsnapshot`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use memguard_heap_graph::{
    Aggregates, Analysis, AnalyzeOptions, EdgeKind, HeapGraph, Node, NodeKind, ReadOptions,
    read_file,
};
use memguard_heap_walk::{CensusOptions, Follow, GraphOptions, Target, census, graph, inspect};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let subject = std::env::args()
        .nth(1)
        .ok_or("usage: figures PID|CORE|FILE.heapsnapshot")?;
    let started = Instant::now();
    let mut paused = None;
    let mut census_bytes = 0;
    let graph = if subject.ends_with(".heapsnapshot") {
        read_file(Path::new(&subject), &ReadOptions::default())?
    } else {
        let target = subject.parse().map_or_else(
            |_| Target::Core {
                file: subject.clone().into(),
                executable: None,
            },
            Target::Process,
        );
        let options = GraphOptions {
            follow: Follow::WeakToo,
            ..GraphOptions::default()
        };
        let counting = CensusOptions {
            follow: options.follow,
        };
        let found = inspect(&target, |subject| {
            census_bytes = census(subject, &counting)?.total.bytes;
            graph(subject, &options)
        })?;
        paused = found.paused;
        found.value
    };
    let took = started.elapsed();
    let analysis = Analysis::of(&graph, &AnalyzeOptions::default())?;
    let aggregates = Aggregates::of(&analysis, &AnalyzeOptions::default())?;
    let mut retained: BTreeMap<String, u64> = BTreeMap::new();
    for row in aggregates.rows() {
        let name = aggregates.classes().key(row.class).name.clone();
        *retained.entry(name).or_default() += row.retained_size;
    }
    leave_out_embedder(&analysis, &aggregates, &mut retained);
    let (classes, edges) = histograms(&graph);
    let figures = json!({
        "nodes": graph.node_count(),
        "edges": graph.edge_count(),
        "bytes": graph.total_self_size(),
        "censusBytes": census_bytes,
        "heapBytes": heap_bytes(&graph),
        "pausedMs": paused.map(|p| p.as_secs_f64() * 1e3),
        "tookMs": took.as_secs_f64() * 1e3,
        "graphBytes": graph.heap_bytes(),
        "classes": classes,
        "edgeNames": edges,
        "retained": retained,
    });
    println!("{figures}");
    Ok(())
}

/// Takes the C++ objects of Node out of what classes retain: no heap says how large these are.
fn leave_out_embedder(
    analysis: &Analysis<'_>,
    aggregates: &Aggregates,
    retained: &mut BTreeMap<String, u64>,
) {
    let graph = analysis.graph();
    let embedder = |node: &Node<'_>| node.self_size() > 0 && node.name().starts_with("Node / ");
    for node in graph.nodes().filter(embedder) {
        let mut seen = Vec::new();
        let mut at = node.index();
        loop {
            // Two classes of one name (a class and the wrapper that it has) count it twice.
            let class = aggregates.classes().class_of(at);
            if analysis.shallow_size(at) > 0 && !seen.contains(&class) {
                seen.push(class);
            }
            let above = analysis.dominator(at);
            if above == at {
                break;
            }
            at = above;
        }
        for class in seen {
            if let Some(bytes) = retained.get_mut(&aggregates.classes().key(class).name) {
                *bytes = bytes.saturating_sub(node.self_size());
            }
        }
    }
}

/// Bytes in V8's heap: without ArrayBuffers' memory and C++ objects.
fn heap_bytes(graph: &HeapGraph) -> u64 {
    graph
        .nodes()
        .filter(|node| node.kind() != NodeKind::Native)
        .map(|node| node.self_size())
        .sum()
}

/// What is compared class by class: objects and functions by name, the rest by kind.
fn class(node: &Node<'_>) -> Option<String> {
    let name = node.name();
    match node.kind() {
        NodeKind::Native | NodeKind::Synthetic => None,
        NodeKind::Object => Some(format!("object {name}")),
        NodeKind::Closure => Some(format!("closure {name}")),
        kind if kind.is_string() => Some("string".to_owned()),
        NodeKind::Symbol | NodeKind::Number | NodeKind::BigInt | NodeKind::RegExp => {
            Some(node.kind().as_str().to_owned())
        }
        _ => Some("internal".to_owned()),
    }
}

type Histogram<T> = BTreeMap<String, T>;

fn histograms(graph: &HeapGraph) -> (Histogram<[u64; 2]>, Histogram<u64>) {
    let mut classes: Histogram<[u64; 2]> = BTreeMap::new();
    let mut edges: Histogram<u64> = BTreeMap::new();
    for node in graph.nodes().filter(|node| node.self_size() > 0) {
        let Some(class) = class(&node) else { continue };
        let entry = classes.entry(class.clone()).or_default();
        entry[0] += 1;
        entry[1] += node.self_size();
        if node.kind() != NodeKind::Object {
            continue;
        }
        for edge in node.edges() {
            let name = match edge.kind {
                EdgeKind::Property | EdgeKind::Context => edge.name(graph),
                EdgeKind::Element => "[]".into(),
                _ => continue,
            };
            let key = format!("{class} {} {name}", edge.kind.as_str());
            *edges.entry(key).or_default() += 1;
        }
    }
    (classes, edges)
}
