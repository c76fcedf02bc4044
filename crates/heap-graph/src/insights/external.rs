//! Memory outside of V8's heap that its objects hold.

use std::collections::HashMap;

use super::context::Context;
use crate::model::{NodeIndex, NodeKind};
use crate::report::{ExternalMemory, ExternalRow, Listing};

/// What V8 calls the store of an `ArrayBuffer`, and the characters of an external string.
const BUFFER: &str = "system / JSArrayBufferData";
const STRING: &str = "system / ExternalStringData";

struct Row {
    count: u64,
    size: u64,
    largest: (u64, NodeIndex),
}

pub(super) fn external(context: &Context<'_, '_>) -> ExternalMemory {
    let graph = context.graph();
    let mut by_name: HashMap<String, Row> = HashMap::new();
    // Node's own objects hang on the root as groups, with the size of their native part.
    let is_native = |kind: NodeKind, size: u64| {
        kind == NodeKind::Native || (kind == NodeKind::Synthetic && size > 0)
    };
    for node in graph
        .nodes()
        .filter(|node| is_native(node.kind(), node.self_size()))
    {
        let size = node.self_size();
        let row = by_name
            .entry(context.snapshot.analysis().name(node.index()).into_owned())
            .or_insert(Row {
                count: 0,
                size: 0,
                largest: (size, node.index()),
            });
        row.count += 1;
        row.size += size;
        if size > row.largest.0 {
            row.largest = (size, node.index());
        }
    }
    let of = |name: &str| by_name.get(name).map_or(0, |row| row.size);
    let (array_buffer_bytes, string_bytes) = (of(BUFFER), of(STRING));
    let bytes = by_name.values().map(|row| row.size).sum::<u64>() + graph.extra_native_bytes();
    let mut rows: Vec<(String, Row)> = by_name
        .into_iter()
        .filter(|(_, row)| row.size > 0)
        .collect();
    rows.sort_by(|a, b| b.1.size.cmp(&a.1.size).then_with(|| a.0.cmp(&b.0)));
    let total = rows.len() as u64;
    let told = rows
        .into_iter()
        .take(context.rows)
        .map(|(name, row)| ExternalRow {
            name: crate::retainers::words::shortened(&name),
            count: row.count,
            size: row.size,
            held_by: context.way(row.largest.1),
        });
    ExternalMemory {
        bytes,
        array_buffer_bytes,
        string_bytes,
        rows: Listing {
            total,
            rows: told.collect(),
        },
    }
}
