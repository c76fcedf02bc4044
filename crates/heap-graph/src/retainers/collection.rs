//! What the slots of a `Map`'s or `Set`'s table hold: a snapshot only numbers them.

use crate::model::{EdgeKind, EdgeLabel, HeapGraph};

/// Words of V8's `OrderedHashTable` before its buckets: elements, deleted elements, buckets.
const HEADER: u64 = 3;

/// What a slot of a table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// A key, or a member of a set.
    Key,
    /// The value of the key in the slot before.
    Value,
}

/// The shape of a table: V8 lays it out as header, buckets (a power of two), and two entries a bucket of key,
/// value (in maps) and chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    first: u64,
    entry: u64,
    /// Entries that there is room for.
    pub(crate) capacity: u64,
    /// Bytes of an entry.
    pub(crate) entry_bytes: u64,
}

impl Table {
    /// The shape of a `Map`'s (`is_map`) or `Set`'s table by its size in bytes, for words of 8 bytes and, as with compressed
    /// pointers, 4. None when it fits neither.
    pub(crate) fn of(self_size: u64, is_map: bool) -> Option<Self> {
        let entry = if is_map { 3 } else { 2 };
        [8, 4].into_iter().find_map(|word| {
            // A fixed array has its map and its length before the slots.
            let slots = (self_size / word).checked_sub(2)?;
            let of_buckets = slots.checked_sub(HEADER)?;
            let per_bucket = 1 + 2 * entry;
            let buckets = of_buckets / per_bucket;
            let fits = self_size.is_multiple_of(word)
                && of_buckets.is_multiple_of(per_bucket)
                && buckets.is_power_of_two();
            fits.then_some(Self {
                first: HEADER + buckets,
                entry,
                capacity: 2 * buckets,
                entry_bytes: entry * word,
            })
        })
    }

    /// What a slot is for; none for header, buckets and chains.
    pub(crate) fn slot(&self, index: u64) -> Option<Slot> {
        let at = index.checked_sub(self.first)?;
        match at % self.entry {
            0 => Some(Slot::Key),
            1 if self.entry == 3 => Some(Slot::Value),
            _ => None,
        }
    }
}

/// The number of an edge out of a store, where it has one.
pub(crate) fn slot_number(graph: &HeapGraph, edge: &crate::model::Edge) -> Option<u64> {
    match edge.label {
        EdgeLabel::Index(index) => Some(u64::from(index)),
        EdgeLabel::Name(id) if edge.kind == EdgeKind::Internal => graph.string(id).parse().ok(),
        EdgeLabel::Name(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_maps_and_sets_as_v8_writes_them() {
        let map = Table::of(1832, true).unwrap();
        assert_eq!((map.capacity, map.entry_bytes), (64, 24));
        assert_eq!(
            (map.slot(34), map.slot(35), map.slot(36), map.slot(37)),
            (None, Some(Slot::Key), Some(Slot::Value), None)
        );
        let set = Table::of(8 * (2 + 3 + 4 + 16), false).unwrap();
        assert_eq!(
            (set.capacity, set.slot(7), set.slot(8), set.slot(9)),
            (8, Some(Slot::Key), None, Some(Slot::Key))
        );
        assert_eq!(Table::of(4 * (2 + 3 + 7 * 8), true).unwrap().capacity, 16);
        assert_eq!(Table::of(17, true), None);
        assert_eq!(Table::of(0, false), None);
    }
}
