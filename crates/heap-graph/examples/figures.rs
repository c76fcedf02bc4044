//! Every figure of a snapshot, for comparing with other engines, and how long and how much memory it took.
//!
//!     figures FILE [--parse] [--threads N] [--arrays PREFIX] [--classes] [--retainers ID]
//!
//! `--parse` stops after reading. `--arrays` writes the dominator (u32), retained size (f64), distance (i32) and shallow size (u32) of every
//! node, in the order of the file, little-endian. `--classes` adds every class to what is printed, one line of JSON.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::time::Instant;

use memguard_heap_graph::{
    Aggregates, Analysis, AnalyzeOptions, HeapGraph, NodeIndex, ReadOptions, Statistics, read,
    read_file,
};
use serde_json::{Value, json};

#[derive(Default)]
struct Arguments {
    file: String,
    parse: bool,
    threads: usize,
    arrays: Option<String>,
    classes: bool,
    retainers: Option<u64>,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut found = Arguments::default();
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--parse" => found.parse = true,
            "--classes" => found.classes = true,
            "--threads" => found.threads = value()?.parse()?,
            "--arrays" => found.arrays = Some(value()?),
            "--retainers" => found.retainers = Some(value()?.parse()?),
            _ => found.file = argument,
        }
    }
    Ok(found)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let mut times = BTreeMap::new();
    let started = Instant::now();
    let mut read_options = ReadOptions::default();
    read_options.threads = arguments.threads;
    let graph = if arguments.file == "-" {
        read(std::io::stdin(), &read_options)?
    } else {
        read_file(&arguments.file, &read_options)?
    };
    times.insert("read", milliseconds(started));

    let mut printed = json!({
        "nodes": graph.node_count(),
        "edges": graph.edge_count(),
        "graphBytes": graph.heap_bytes(),
    });
    if !arguments.parse {
        let mut options = AnalyzeOptions::default();
        options.threads = arguments.threads;
        let step = Instant::now();
        let analysis = Analysis::of(&graph, &options)?;
        times.insert("analyze", milliseconds(step));
        let step = Instant::now();
        let aggregates = Aggregates::of(&analysis, &options)?;
        times.insert("classes", milliseconds(step));
        let step = Instant::now();
        let statistics = Statistics::of(&analysis);
        times.insert("statistics", milliseconds(step));
        times.insert("all", milliseconds(started));
        printed["total"] = analysis.total_size().into();
        printed["classCount"] = aggregates.rows().len().into();
        printed["statistics"] = serde_json::to_value(statistics)?;
        if arguments.classes {
            printed["classes"] = classes(&aggregates);
        }
        if let Some(id) = arguments.retainers {
            printed["retainers"] = retainers(&analysis, id);
        }
        if let Some(prefix) = &arguments.arrays {
            write_arrays(&graph, &analysis, prefix)?;
        }
    }
    printed["ms"] = json!(times);
    printed["peakRssKb"] = peak_rss_kb().into();
    println!("{printed}");
    // Giving back hundreds of megabytes piece by piece is no part of what is measured.
    std::process::exit(0);
}

fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e5).round() / 100.0
}

/// What the process had in memory at most, in kB, as Linux counts it.
fn peak_rss_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// As DevTools has them: of classes with the same key the last one.
fn classes(aggregates: &Aggregates) -> Value {
    let mut by_key: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in aggregates.rows() {
        let key = aggregates.classes().key(row.class);
        by_key.entry(key.to_string()).or_default().push(json!({
            "name": key.name,
            "count": row.count,
            "self": row.shallow_size,
            "maxRet": row.retained_size,
            "distance": row.distance,
        }));
    }
    json!(by_key)
}

/// The references to a node that DevTools shows.
fn retainers(analysis: &Analysis<'_>, id: u64) -> Value {
    let graph = analysis.graph();
    let Some(node) = graph.node_by_id(id) else {
        return Value::Null;
    };
    let shown = analysis
        .retainers(node)
        .filter(|retainer| {
            retainer.from != graph.root()
                && retainer.edge.kind != memguard_heap_graph::EdgeKind::Weak
        })
        .map(|retainer| {
            json!({
                "edge": retainer.edge.name(graph),
                "type": retainer.edge.kind.as_str(),
                "id": graph.node(retainer.from).id(),
                "distance": analysis.distance(retainer.from),
            })
        });
    Value::Array(shown.collect())
}

fn write_arrays(
    graph: &HeapGraph,
    analysis: &Analysis<'_>,
    prefix: &str,
) -> Result<(), Box<dyn Error>> {
    let nodes = || (0..graph.node_count() as u32).map(NodeIndex);
    let write = |name: &str, bytes: Vec<u8>| -> Result<(), Box<dyn Error>> {
        Ok(fs::File::create(format!("{prefix}{name}"))?.write_all(&bytes)?)
    };
    write(
        ".dom.u32",
        nodes()
            .flat_map(|node| analysis.dominator(node).0.to_le_bytes())
            .collect(),
    )?;
    write(
        ".retained.f64",
        nodes()
            .flat_map(|node| (analysis.retained_size(node) as f64).to_le_bytes())
            .collect(),
    )?;
    write(
        ".dist.i32",
        nodes()
            .flat_map(|node| analysis.distance(node).to_le_bytes())
            .collect(),
    )?;
    write(
        ".shallow.u32",
        nodes()
            .flat_map(|node| (analysis.shallow_size(node) as u32).to_le_bytes())
            .collect(),
    )
}
