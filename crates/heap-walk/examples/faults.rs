//! What a wrong or missing constant of the metadata leads to: `cargo run --release --example faults -- PID [verbose]`.
//!
//! Every constant is taken away, and then given wrong values, one at a time. Each must be refused, or leave census and
//! graph as they are; how V8's own types are called, which nothing but their number tells, may suffer. Ends with an error when
//! one did harm: gave other figures without a word.

use std::collections::BTreeMap;
use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use memguard_heap_graph::{EdgeKind, Node, NodeKind};
use memguard_heap_walk::{
    CensusOptions, GraphOptions, Group, Metadata, Process, ProcessMemory, StoppedProcess, Subject,
    WalkError, census, graph,
};

/// What was found, as numbers: what a program is told of itself, and then of V8's own objects.
#[derive(PartialEq)]
struct Found {
    census: u64,
    graph: u64,
    own: u64,
}

/// What V8 has for itself: only their number tells how types like that are called.
fn is_own(node: &Node<'_>) -> bool {
    matches!(
        node.kind(),
        NodeKind::Hidden | NodeKind::Array | NodeKind::Code | NodeKind::ObjectShape
    )
}

fn walk(memory: &ProcessMemory, metadata: &Metadata) -> Result<Found, WalkError> {
    let process = Process::with_metadata(memory, metadata)?;
    let isolate = &process.isolates()[0];
    let heap = process.load(isolate);
    let subject = Subject {
        process: &process,
        isolate,
        heap: &heap,
    };
    let counted = census(&subject, &CensusOptions::default())?;
    let (mut rows, mut own) = (DefaultHasher::new(), DefaultHasher::new());
    for row in &counted.rows {
        let to = match row.group {
            Group::Internal => &mut own,
            _ => &mut rows,
        };
        let figures = (
            row.group,
            &row.name,
            &row.place,
            row.all.count,
            row.all.bytes,
        );
        figures.hash(to);
    }
    (counted.total.count, counted.total.bytes).hash(&mut rows);
    (counted.buffer_bytes, counted.external_string_bytes).hash(&mut rows);
    let walked = graph(&subject, &GraphOptions::default())?;
    let mut edges = DefaultHasher::new();
    for node in walked.nodes() {
        node.self_size().hash(&mut edges);
        let to = match is_own(&node) {
            true => &mut own,
            false => &mut edges,
        };
        (node.name(), node.kind().as_str()).hash(to);
        for edge in node.edges() {
            let to = match edge.kind {
                EdgeKind::Internal | EdgeKind::Hidden | EdgeKind::Weak => &mut own,
                _ => &mut edges,
            };
            (edge.kind.as_str(), edge.name(&walked), edge.target).hash(to);
        }
    }
    Ok(Found {
        census: rows.finish(),
        graph: edges.finish(),
        own: own.finish(),
    })
}

/// Same layout: the constant is not used, or not for this value.
fn layout(memory: &ProcessMemory, metadata: &Metadata) -> Option<String> {
    Some(Process::with_metadata(memory, metadata).ok()?.layout_text())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let pid: u32 = arguments
        .next()
        .ok_or("usage: faults PID [verbose]")?
        .parse()?;
    let verbose = arguments.next().is_some();
    let metadata = Metadata::read(Path::new(&format!("/proc/{pid}/exe")))?;
    let stopped = StoppedProcess::stop(pid)?;
    let memory = ProcessMemory::of(&stopped)?;
    let right = walk(&memory, &metadata)?;
    if walk(&memory, &metadata)? != right {
        return Err("two walks of one heap differ: nothing can be said".into());
    }
    let usual = layout(&memory, &metadata);

    let mut faults: Vec<(String, Metadata)> = Vec::new();
    let constants = metadata
        .constants()
        .filter(|(name, _)| !name.starts_with("type_"));
    for (name, value) in constants {
        let steps: &[i32] = if name.starts_with("class_") {
            &[-8, 8, -4, 4]
        } else {
            &[-1, 1, 8]
        };
        let mut changed = metadata.clone();
        changed.remove(name);
        faults.push((format!("{name} missing"), changed));
        for step in steps {
            let mut changed = metadata.clone();
            changed.insert(name, value + step);
            faults.push((format!("{name} = {} for {value}", value + step), changed));
        }
    }
    for (name, code) in metadata.types() {
        let mut changed = metadata.clone();
        changed.remove(name);
        faults.push((format!("{name} missing"), changed.clone()));
        for wrong in [i32::from(code) - 1, i32::from(code) + 1] {
            changed.insert(&format!("type_X__{name}_TYPE"), wrong);
            faults.push((format!("{name} = {wrong} for {code}"), changed.clone()));
        }
    }

    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    let mut harm = Vec::new();
    for (fault, changed) in &faults {
        let outcome = if layout(&memory, changed).is_some_and(|text| Some(&text) == usual.as_ref())
        {
            "not used".to_owned()
        } else {
            match walk(&memory, changed) {
                Err(error) => format!("refused: {}", error.code()),
                Ok(found) if found == right => "no harm".to_owned(),
                Ok(found) if (found.census, found.graph) == (right.census, right.graph) => {
                    "names of V8's own alone".to_owned()
                }
                Ok(found) => {
                    let census = if found.census == right.census {
                        ""
                    } else {
                        " census"
                    };
                    let graph = if found.graph == right.graph {
                        ""
                    } else {
                        " graph"
                    };
                    harm.push(format!("{fault}:{census}{graph}"));
                    "HARM".to_owned()
                }
            }
        };
        if verbose {
            println!("{fault}: {outcome}");
        }
        *outcomes.entry(outcome).or_default() += 1;
    }
    println!("{} faults: {outcomes:?}", faults.len());
    harm.sort_unstable();
    for fault in &harm {
        println!("  {fault}");
    }
    if harm.is_empty() {
        Ok(())
    } else {
        Err("wrong metadata led to wrong figures".into())
    }
}
