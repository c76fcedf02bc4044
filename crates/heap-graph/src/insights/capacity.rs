//! Room in arrays, maps, sets and dictionaries that nothing uses.
//!
//! A snapshot shows references only: slots that hold a small integer look empty. So a store without any reference is not
//! judged, and arrays of numbers and objects mixed may be judged too harshly.

use super::context::{Context, Stores};
use crate::model::{NodeIndex, NodeKind};
use crate::report::{CapacityKind, Listing, WastedCapacity, WastedRow};
use crate::retainers::{Slot, Table, slot_number};

/// Stores with fewer unused bytes are not counted: V8 grows them in steps.
const LEAST_BYTES: u64 = 256;
/// Words of a dictionary before its entries, and words of an entry.
const DICTIONARY_HEADER: u64 = 9;
const DICTIONARY_ENTRY: u64 = 3;
/// A dictionary up to so many times too large is as V8 makes it.
const DICTIONARY_SLACK: u64 = 4;
/// What V8 gives to a new `Map` or `Set`.
const SMALLEST_TABLE: u64 = 4;

/// Unused room of one store.
struct Waste {
    kind: CapacityKind,
    node: NodeIndex,
    used: u64,
    capacity: u64,
    bytes: u64,
}

pub(super) fn wasted(context: &Context<'_, '_>) -> WastedCapacity {
    let mut all: Vec<Waste> = Vec::new();
    let mut report = WastedCapacity::default();
    for node in context
        .graph()
        .nodes()
        .filter(|node| node.kind() == NodeKind::Object)
    {
        let stores = context.stores(node.index());
        all.extend(elements(context, node.index(), &stores));
        all.extend(properties(context, node.index(), &stores));
        let Some(waste) = table(context, node.index(), &stores) else {
            continue;
        };
        if waste.used == 0 {
            report.empty_count += 1;
            report.empty_bytes += waste.bytes;
        } else {
            all.push(waste);
        }
    }
    all.retain(|waste| waste.bytes >= LEAST_BYTES);
    report.bytes = all.iter().map(|waste| waste.bytes).sum();
    all.sort_by_key(|waste| {
        (
            std::cmp::Reverse(waste.bytes),
            context.graph().node(waste.node).id(),
        )
    });
    let total = all.len() as u64;
    let rows = all.into_iter().take(context.rows).map(|waste| WastedRow {
        kind: waste.kind,
        object: context.snapshot.object(waste.node),
        used: waste.used,
        capacity: waste.capacity,
        wasted: waste.bytes,
        held_by: context.held_by(waste.node),
    });
    report.rows = Listing {
        total,
        rows: rows.collect(),
    };
    report
}

/// Slots of a fixed array: without its map and length.
fn slots(context: &Context<'_, '_>, store: NodeIndex) -> u64 {
    (context.graph().node(store).self_size() / context.word).saturating_sub(2)
}

fn elements(context: &Context<'_, '_>, node: NodeIndex, stores: &Stores) -> Option<Waste> {
    let capacity = slots(context, stores.elements?);
    let used = stores.indexed;
    let unused = capacity.checked_sub(used).filter(|_| used > 0)?;
    Some(Waste {
        kind: CapacityKind::Array,
        node,
        used,
        capacity,
        bytes: unused * context.word,
    })
}

fn properties(context: &Context<'_, '_>, node: NodeIndex, stores: &Stores) -> Option<Waste> {
    let capacity =
        slots(context, stores.properties?).checked_sub(DICTIONARY_HEADER)? / DICTIONARY_ENTRY;
    let used = stores.named;
    let is_dictionary =
        capacity.is_power_of_two() && used > 0 && capacity > DICTIONARY_SLACK * used;
    let bytes = capacity.saturating_sub(used) * DICTIONARY_ENTRY * context.word;
    is_dictionary.then_some(Waste {
        kind: CapacityKind::Properties,
        node,
        used,
        capacity,
        bytes,
    })
}

/// Unused room of a map's or set's table; with nothing used for those that are as V8 made them.
fn table(context: &Context<'_, '_>, node: NodeIndex, stores: &Stores) -> Option<Waste> {
    let graph = context.graph();
    let store = stores.table?;
    let name = graph.node(node).name();
    if name.starts_with("Weak") {
        return None;
    }
    let is_map = name.contains("Map");
    let table = Table::of(graph.node(store).self_size(), is_map)?;
    let (mut keys, mut values) = (0_u64, 0_u64);
    for edge in graph.edges(store) {
        match slot_number(graph, &edge).and_then(|number| table.slot(number)) {
            Some(Slot::Key) => keys += 1,
            Some(Slot::Value) => values += 1,
            None => {}
        }
    }
    let used = keys.max(values);
    if used == 0 && table.capacity > SMALLEST_TABLE {
        return None;
    }
    let kind = if is_map {
        CapacityKind::Map
    } else {
        CapacityKind::Set
    };
    let bytes = match used {
        0 => graph.node(store).self_size(),
        _ => table.capacity.saturating_sub(used) * table.entry_bytes,
    };
    Some(Waste {
        kind,
        node,
        used,
        capacity: table.capacity,
        bytes,
    })
}
