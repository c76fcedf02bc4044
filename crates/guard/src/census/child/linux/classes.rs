//! A census as a hunt keeps it.

use memguard_heap_walk::{Census, Group, Row};
use memguard_hunt::{ClassKind, ClassRow, ClassTable, Frame, HeapSize, Moment};

/// Most classes that are kept of a look.
const MOST_CLASSES: usize = 300;
/// Most characters of a name.
const MOST_NAME: usize = 80;

/// How many of which class. `is_compared`: what survived is known.
pub(super) fn table(census: &Census, is_compared: bool, at: Moment) -> ClassTable {
    let outside = census.buffer_bytes + census.external_string_bytes;
    let mut rows: Vec<ClassRow> = census
        .rows
        .iter()
        .map(|row| class(row, is_compared))
        .collect();
    // What an ArrayBuffer takes lies outside of the heap.
    let buffers = rows
        .iter_mut()
        .find(|row| row.kind == ClassKind::Object && row.name == "ArrayBuffer");
    if let Some(buffers) = buffers {
        buffers.bytes += census.buffer_bytes;
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.bytes));
    let is_cut = rows.len() > MOST_CLASSES;
    rows.truncate(MOST_CLASSES);
    ClassTable {
        size: HeapSize {
            at,
            size: census.total.bytes + outside,
            objects: census.total.count,
        },
        rows,
        is_cut,
    }
}

fn class(row: &Row, is_compared: bool) -> ClassRow {
    ClassRow {
        kind: match row.group {
            Group::Object => ClassKind::Object,
            Group::Closure => ClassKind::Closure,
            Group::String => ClassKind::Text,
            Group::Internal => ClassKind::Internal,
            _ => ClassKind::Value,
        },
        name: row.name.chars().take(MOST_NAME).collect(),
        place: row.place.as_ref().map(|place| Frame {
            function: row.name.clone(),
            script: place.script.to_string(),
            line: place.line.saturating_add(1),
            column: place.column.saturating_add(1),
        }),
        count: row.all.count,
        bytes: row.all.bytes,
        old: row.all.count.saturating_sub(row.young.count),
        survived: is_compared.then_some(row.survived.count),
    }
}
