//! Words that all pages use.

use memguard_heap_graph::report::{ObjectRef, RetainingPath, SourceInfo, SourceLocation};

use super::super::bytes;
use super::super::document::{Block, Cell, Step, Tone};

/// `app.heapsnapshot (shop, pid 7, Node v20.1.0)`.
pub(super) fn source(source: &SourceInfo) -> String {
    let name = source.file.as_deref().unwrap_or("standard input");
    let pid = source.pid.map(|pid| format!("pid {pid}"));
    let node = source
        .node_version
        .as_ref()
        .map(|version| format!("Node.js {version}"));
    let parts: Vec<String> = [source.app.clone(), source.host.clone(), pid, node]
        .into_iter()
        .flatten()
        .collect();
    if parts.is_empty() {
        name.to_owned()
    } else {
        format!("{name} ({})", parts.join(", "))
    }
}

/// `server.js:12:5`: script without its folders, line, column.
pub(super) fn place(location: &SourceLocation) -> String {
    let script = location.script.as_deref().unwrap_or("script");
    let short = match script.strip_prefix("node:") {
        Some(_) => script,
        None => script.rsplit(['/', '\\']).next().unwrap_or(script),
    };
    format!("{short}:{}:{}", location.line, location.column)
}

/// A place as a cell; empty where there is none.
pub(super) fn place_cell(location: Option<&SourceLocation>) -> Cell {
    Cell::faint(location.map(place).unwrap_or_default())
}

/// A class and where it stands.
pub(super) fn class_cell(name: &str) -> Cell {
    Cell::new(name, Tone::Name)
}

/// An object's id as DevTools shows it.
pub(super) fn id_cell(object: &ObjectRef) -> Cell {
    Cell {
        value: Some(object.id as f64),
        ..Cell::faint(format!("@{}", object.id))
    }
}

/// A distance; empty where only V8's own roots lead.
pub(super) fn distance_cell(distance: Option<u32>) -> Cell {
    match distance {
        Some(distance) => Cell::count(u64::from(distance)),
        None => Cell::faint("–"),
    }
}

/// A way from the root, a step a line.
pub(super) fn path(way: &RetainingPath) -> Block {
    Block::Path(
        way.steps
            .iter()
            .map(|step| {
                let object = &step.object;
                let retained = format!("@{}, retains {}", object.id, bytes(object.retained_size));
                let detail = match &object.location {
                    // A function's name says where it stands already.
                    Some(location) if !object.name.contains('[') => {
                        format!("{}, {retained}", place(location))
                    }
                    _ => retained,
                };
                Step {
                    edge: step.edge.clone().unwrap_or_default(),
                    object: object.name.clone(),
                    detail,
                    suspect: step.suspect,
                }
            })
            .collect(),
    )
}
