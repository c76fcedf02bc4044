//! Every figure of a snapshot, for comparing with other engines, and how long and how much memory it took.
//!
//!     heap_figures FILE [--floor] [--parse] [--threads N] [--arrays PREFIX] [--classes] [--retainers N] [--newer FILE]
//!
//! `--floor` reads the file and counts its lines, which is the least that anybody has to do. `--parse` stops after reading. `--arrays` writes the dominator (u32), retained size (f64), distance (i32) and shallow size (u32) of every
//! node, in the order of the file, little-endian. `--classes` adds every class to what is printed, one line of JSON.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{Read as _, Write as _};
use std::time::Instant;

use memguard_heap_graph::diff::{DiffOptions, Differ};
use memguard_heap_graph::report::{ClassDelta, DiffBy, DiffReport};
use memguard_heap_graph::{
    Aggregates, Analysis, AnalyzeOptions, ClassKey, EdgeKind, HeapGraph, Location, NodeIndex,
    ReadOptions, Retainer, SYSTEM_DISTANCE, Snapshot, Statistics, UNREACHED, read, read_file,
};
use serde_json::{Value, json};

#[derive(Default)]
struct Arguments {
    file: String,
    floor: bool,
    parse: bool,
    threads: usize,
    arrays: Option<String>,
    classes: bool,
    retainers: Option<usize>,
    newer: Option<String>,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut found = Arguments::default();
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--floor" => found.floor = true,
            "--parse" => found.parse = true,
            "--classes" => found.classes = true,
            "--threads" => found.threads = value()?.parse()?,
            "--arrays" => found.arrays = Some(value()?),
            "--newer" => found.newer = Some(value()?),
            "--retainers" => found.retainers = Some(value()?.parse()?),
            _ => found.file = argument,
        }
    }
    Ok(found)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    if arguments.floor {
        return floor(&arguments.file);
    }
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
        let classes = classes(&aggregates);
        printed["classCount"] = classes.len().into();
        printed["statistics"] = serde_json::to_value(statistics)?;
        if arguments.classes {
            printed["classes"] = json!(classes);
        }
        if let Some(count) = arguments.retainers {
            printed["retainers"] = retainers(&analysis, count);
        }
        if let Some(prefix) = &arguments.arrays {
            write_arrays(&graph, &analysis, prefix)?;
        }
        if let Some(newer) = &arguments.newer {
            let mut how = DiffOptions::default();
            how.by = Some(DiffBy::Ids);
            how.classes = usize::MAX;
            how.analyze = options.clone();
            let mut differ = Differ::new(how);
            let step = Instant::now();
            let older = Snapshot::new(analysis, aggregates);
            differ.add(&older)?;
            let mut twins = twins(&older);
            drop(older);
            drop(graph);
            times.insert("digest", milliseconds(step));
            let step = Instant::now();
            let newer = read_file(newer, &read_options)?;
            let newer = Snapshot::of(&newer, &options)?;
            times.insert("newer", milliseconds(step));
            let step = Instant::now();
            let report = differ.finish(&newer)?;
            times.insert("diff", milliseconds(step));
            times.insert("diffAll", milliseconds(started));
            twins.extend(self::twins(&newer));
            printed["diff"] = by_class(&report, &twins);
        }
    }
    printed["ms"] = json!(times);
    printed["peakRssKb"] = peak_rss_kb().into();
    printed["cpuMs"] = cpu_ms().into();
    println!("{printed}");
    // Giving back hundreds of megabytes piece by piece is no part of what is measured.
    std::process::exit(0);
}

fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e5).round() / 100.0
}

/// Reads a file as the parser does, looks at every byte once, and throws it away.
fn floor(file: &str) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let mut file = fs::File::open(file)?;
    let mut buffer = vec![0; 256 << 10];
    let mut lines = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        lines += buffer[..count]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
    }
    let ms = json!({ "all": milliseconds(started) });
    println!(
        "{}",
        json!({ "lines": lines, "ms": ms, "cpuMs": cpu_ms(), "peakRssKb": peak_rss_kb() })
    );
    Ok(())
}

/// Processor time of the process, of all threads, as Linux counts it: in hundredths of a second.
fn cpu_ms() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) * 10.0)
}

/// What the process had in memory at most, in kB, as Linux counts it.
fn peak_rss_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// As DevTools has them: of classes with the same key that whose first object comes last.
fn classes(aggregates: &Aggregates) -> BTreeMap<String, Value> {
    let mut by_key = BTreeMap::new();
    for row in aggregates.rows() {
        let key = aggregates.classes().key(row.class);
        by_key.insert(
            key.to_string(),
            json!({
                "name": key.name,
                "count": row.count,
                "self": row.shallow_size,
                "maxRet": row.retained_size,
                "distance": row.distance,
            }),
        );
    }
    by_key
}

/// The references to some nodes spread over the file, as DevTools shows them.
fn retainers(analysis: &Analysis<'_>, count: usize) -> Value {
    let graph = analysis.graph();
    let step = (graph.node_count() / count).max(1);
    let mut found = BTreeMap::new();
    for node in (step / 2..graph.node_count()).step_by(step) {
        let shown = analysis
            .retainers(NodeIndex(node as u32))
            .filter(|retainer| {
                retainer.from != graph.root() && retainer.edge.kind != EdgeKind::Weak
            });
        let mut rows: Vec<_> = shown
            .map(|Retainer { from, edge }| {
                let (name, id) = (edge.name(graph), graph.node(from).id());
                // What nothing strong reaches is shown as very far in this view alone.
                let distance = match analysis.distance(from) {
                    UNREACHED => 2 * SYSTEM_DISTANCE,
                    distance => distance,
                };
                format!("{} {} @{id} {distance}", edge.kind.as_str(), name)
            })
            .collect();
        rows.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
        found.insert(node.to_string(), rows);
    }
    json!(found)
}

/// What came and what went by class.
fn by_class(report: &DiffReport, twins: &[String]) -> Value {
    let mut rows: BTreeMap<_, _> = report.classes.rows.iter().map(row).collect();
    // DevTools knows one class of a key, the last one, where we add up all of them.
    for key in twins {
        if let Some(row) = rows.get_mut(key) {
            *row = json!("several classes of one key");
        }
    }
    json!(rows)
}

/// A row under DevTools' key of the class. What stayed but changed its size is none of DevTools' business.
fn row(row: &ClassDelta) -> (String, Value) {
    let location = row.location.as_ref().map(|place| Location {
        script_id: place.script_id,
        line: place.line - 1,
        column: place.column - 1,
    });
    let key = ClassKey {
        name: row.name.clone(),
        location,
    };
    let figures = json!({
        "addedCount": row.added_count,
        "removedCount": row.removed_count,
        "addedSize": row.added_size,
        "removedSize": row.removed_size,
        "countDelta": row.count_delta,
        "sizeDelta": row.size_delta,
    });
    (key.to_string(), figures)
}

/// The keys that several classes of a heap have.
fn twins(snapshot: &Snapshot<'_>) -> Vec<String> {
    let classes = snapshot.aggregates().classes();
    let rows = snapshot.aggregates().rows().iter();
    let mut keys: Vec<_> = rows.map(|row| classes.key(row.class).to_string()).collect();
    keys.sort_unstable();
    let pairs = keys.windows(2).filter(|pair| pair[0] == pair[1]);
    pairs.map(|pair| pair[0].clone()).collect()
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
