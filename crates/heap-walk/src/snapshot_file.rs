//! A graph as a `.heapsnapshot` file, for DevTools and everything else that reads V8's format.

use std::collections::HashMap;
use std::io::{self, Write};

use memguard_heap_graph::{EdgeKind, EdgeLabel, HeapGraph, NodeKind, StringId};

/// Numbers of a node in the file.
const NODE_FIELDS: usize = 7;
const META: &str = concat!(
    r#"{"node_fields":["type","name","id","self_size","edge_count","trace_node_id","detachedness"],"#,
    r#""node_types":[["hidden","array","string","object","code","closure","regexp","number","native","synthetic","#,
    r#""concatenated string","sliced string","symbol","bigint","object shape","wasm object"],"#,
    r#""string","number","number","number","number","number"],"#,
    r#""edge_fields":["type","name_or_index","to_node"],"#,
    r#""edge_types":[["context","element","property","internal","hidden","shortcut","weak"],"string_or_number","node"],"#,
    r#""trace_function_info_fields":["function_id","name","script_name","script_id","line","column"],"#,
    r#""trace_node_fields":["id","function_info_index","count","size","children"],"#,
    r#""sample_fields":["timestamp_us","last_assigned_id"],"#,
    r#""location_fields":["object_index","script_id","line","column"]}"#,
);
/// How the name of a WeakMap's reference goes on after its number.
const EPHEMERON: &str = " / part of key (";

/// Writes a graph in V8's format. Nothing of it is held in memory but 16 bytes for each entry of a WeakMap.
///
/// Ids become small numbers, as DevTools needs them: they mean something within this file alone.
///
/// # Errors
/// What the writer says.
pub fn write_snapshot(graph: &HeapGraph, out: &mut dyn Write) -> io::Result<()> {
    let (nodes, edges) = (graph.node_count(), graph.edge_count());
    write!(
        out,
        "{{\"snapshot\":{{\"meta\":{META},\"node_count\":{nodes},\"edge_count\":{edges},\"trace_function_count\":0}},\n\
         \"nodes\":["
    )?;
    for (index, node) in graph.nodes().enumerate() {
        let comma = if index == 0 { "" } else { "\n," };
        let kind = match node.kind() {
            NodeKind::Other => NodeKind::Hidden,
            kind => kind,
        };
        write!(
            out,
            "{comma}{},{},{},{},{},0,{}",
            kind as u8,
            node.name_id().0,
            short_id(index),
            node.self_size(),
            node.edge_count(),
            node.detachedness() as u8
        )?;
    }
    out.write_all(b"],\n\"edges\":[")?;
    let mut first = true;
    for node in graph.nodes() {
        for edge in node.edges() {
            let kind = match edge.kind {
                EdgeKind::Other => EdgeKind::Hidden,
                kind => kind,
            };
            let label = match edge.label {
                EdgeLabel::Name(id) => id.0,
                EdgeLabel::Index(index) => index,
            };
            let comma = if first { "" } else { "\n," };
            first = false;
            let to = edge.target.index() * NODE_FIELDS;
            write!(out, "{comma}{},{label},{to}", kind as u8)?;
        }
    }
    out.write_all(
        b"],\n\"trace_function_infos\":[],\n\"trace_tree\":[],\n\"samples\":[],\n\"locations\":[",
    )?;
    let mut first = true;
    for (index, node) in graph.nodes().enumerate() {
        if let Some(place) = node.location() {
            let comma = if first { "" } else { "\n," };
            first = false;
            let object = index * NODE_FIELDS;
            write!(
                out,
                "{comma}{object},{},{},{}",
                place.script_id, place.line, place.column
            )?;
        }
    }
    out.write_all(b"],\n\"strings\":[")?;
    let renumbered = ephemeron_ids(graph);
    for id in 0..graph.string_count() {
        if id > 0 {
            out.write_all(b",\n")?;
        }
        let text = graph.string(StringId(u32::try_from(id).unwrap_or(u32::MAX)));
        if text.contains(EPHEMERON) {
            serde_json::to_writer(&mut *out, &with_short_ids(&text, &renumbered))?;
        } else {
            serde_json::to_writer(&mut *out, &text)?;
        }
    }
    out.write_all(b"]}\n")
}

fn short_id(index: usize) -> u64 {
    index as u64 * 2 + 1
}

/// The nodes that names of WeakMaps' references speak of, by their ids in the graph.
fn ephemeron_ids(graph: &HeapGraph) -> HashMap<u64, u64> {
    let mut ids = HashMap::new();
    for id in 0..graph.string_count() {
        let text = graph.string(StringId(u32::try_from(id).unwrap_or(u32::MAX)));
        if text.contains(EPHEMERON) {
            for (_, number) in numbers(&text) {
                ids.insert(number, 0);
            }
        }
    }
    if !ids.is_empty() {
        for (index, node) in graph.nodes().enumerate() {
            if let Some(short) = ids.get_mut(&node.id()) {
                *short = short_id(index);
            }
        }
    }
    ids
}

/// The numbers after an `@`, and where each begins.
fn numbers(text: &str) -> impl Iterator<Item = (usize, u64)> + '_ {
    text.match_indices('@').filter_map(|(at, _)| {
        let digits = &text[at + 1..];
        let end = digits
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits.len());
        Some((at + 1, digits[..end].parse().ok()?))
    })
}

fn with_short_ids(text: &str, ids: &HashMap<u64, u64>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, number) in numbers(text) {
        let Some(&short) = ids.get(&number).filter(|&&short| short != 0) else {
            continue;
        };
        out.push_str(&text[done..start]);
        out.push_str(&short.to_string());
        done = start + number.to_string().len();
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
mod tests {
    use memguard_heap_graph::{GraphBuilder, Location, NodeIndex, ReadOptions, read};

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut builder = GraphBuilder::new();
        let root = builder.node(NodeKind::Synthetic, "", 1, 0);
        let user = builder.node(NodeKind::Object, "Us\"er\n", 1 << 45, 24);
        let table = builder.node(NodeKind::Array, "", (1 << 45) + 64, 1 << 33);
        builder.edge(root, EdgeKind::Element, 1, user);
        builder.edge(user, EdgeKind::Property, "table", table);
        let name = format!(
            "1 / part of key (Us @{}) -> value (x @7) pair in WeakMap (table @{})",
            1_u64 << 45,
            (1_u64 << 45) + 64
        );
        builder.edge(table, EdgeKind::Internal, name.as_str(), user);
        builder.location(
            user,
            Location {
                script_id: 3,
                line: 4,
                column: 5,
            },
        );
        let graph = builder.finish().unwrap();

        let mut file = Vec::new();
        write_snapshot(&graph, &mut file).unwrap();
        let back = read(file.as_slice(), &ReadOptions::default()).unwrap();
        assert_eq!((back.node_count(), back.edge_count()), (3, 3));
        assert_eq!(back.node(user).name(), "Us\"er\n");
        assert_eq!((back.node(user).id(), back.node(table).id()), (3, 5));
        assert_eq!(back.node(table).self_size(), 1 << 33);
        assert_eq!(back.location(user), graph.location(user));
        let names: Vec<_> = back
            .edges(NodeIndex(2))
            .map(|edge| edge.name(&back).into_owned())
            .collect();
        assert_eq!(
            names,
            ["1 / part of key (Us @3) -> value (x @7) pair in WeakMap (table @5)"]
        );
    }
}
