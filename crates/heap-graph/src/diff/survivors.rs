//! What came between the first two of three heaps and is alive in the third.
//!
//! What a program does for a moment is in one heap only; what it allocated and still has is likely to stay. It is the
//! oldest recipe against leaks: warm up (1), work (2), work again and let go (3).

use std::collections::HashMap;

use crate::analysis::ClassId;
use crate::model::NodeIndex;
use crate::report::{DiffBy, Growth, Listing, SurvivorRow, Survivors};
use crate::retainers::{RetainerTree, Topmost, way_to};
use crate::snapshot::Snapshot;

use super::evidence::Known;

/// The very objects: those of the third whose id is in the second but not in the first.
pub(crate) fn by_ids(
    ids: [&[Known]; 3],
    newest: &Snapshot<'_>,
    tree: &RetainerTree,
    limit: usize,
) -> Survivors {
    let [first, second, third] = ids;
    let mut is_survivor = vec![false; newest.graph().node_count()];
    let (mut in_first, mut in_second) = (first.iter().peekable(), second.iter().peekable());
    for &Known { id, node, .. } in third {
        while in_first.next_if(|entry| entry.id < id).is_some() {}
        while in_second.next_if(|entry| entry.id < id).is_some() {}
        let was_there = in_first.peek().is_some_and(|entry| entry.id == id);
        let came = in_second.peek().is_some_and(|entry| entry.id == id);
        is_survivor[node.index()] = came && !was_there && newest.analysis().shallow_size(node) > 0;
    }
    let mut classes: HashMap<ClassId, Row> = HashMap::new();
    let mut topmost = Topmost::new(newest.analysis(), |node| is_survivor[node.index()]);
    let survivors = (0..is_survivor.len() as u32)
        .map(NodeIndex)
        .filter(|node| is_survivor[node.index()]);
    for node in survivors {
        let class = newest.class(node);
        let retained = newest.analysis().retained_size(node);
        let row = classes.entry(class).or_insert(Row {
            count: 0,
            size: 0,
            retained: 0,
            largest: (retained, node),
        });
        row.count += 1;
        row.size += newest.analysis().shallow_size(node);
        if topmost
            .above(node)
            .is_none_or(|above| newest.class(above) != class)
        {
            row.retained += retained;
        }
        if retained > row.largest.0 {
            row.largest = (retained, node);
        }
    }
    let (count, size) = classes.values().fold((0, 0), |(count, size), row| {
        (count + row.count, size + row.size)
    });
    let mut rows: Vec<(ClassId, Row)> = classes.into_iter().collect();
    rows.sort_by_key(|(class, row)| (std::cmp::Reverse(row.size), *class));
    let total = rows.len() as u64;
    let rows = rows
        .into_iter()
        .take(limit)
        .map(|(class, row)| row.tell(newest, tree, class))
        .collect();
    Survivors {
        by: DiffBy::Ids,
        count,
        size,
        classes: Listing { total, rows },
    }
}

/// Figures of a class.
struct Row {
    count: u64,
    size: u64,
    retained: u64,
    largest: (u64, NodeIndex),
}

impl Row {
    fn tell(self, newest: &Snapshot<'_>, tree: &RetainerTree, class: ClassId) -> SurvivorRow {
        let key = newest.aggregates().classes().key(class);
        SurvivorRow {
            name: key.name.clone(),
            location: key.location.map(|location| newest.locate(location)),
            count: self.count,
            size: self.size,
            retained_size: self.retained,
            example: way_to(newest, tree, self.largest.1),
        }
    }
}

/// What grew from the first to the second and has not gone since: as many objects as that, though maybe others. Rows are
/// those of the growth, so only what grew from the first to the third is in.
pub(crate) fn by_signature(growth: &Growth) -> Survivors {
    let kept = |column: &[u64]| -> u64 {
        let [first, second, third] = column else {
            return 0;
        };
        second.min(third).saturating_sub(*first)
    };
    let mut rows: Vec<SurvivorRow> = growth
        .clusters
        .rows
        .iter()
        .filter(|cluster| !cluster.moved && kept(&cluster.sizes) > 0)
        .map(|cluster| SurvivorRow {
            name: cluster.class.clone(),
            location: cluster.location.clone(),
            count: kept(&cluster.counts),
            size: kept(&cluster.sizes),
            retained_size: kept(&cluster.sizes),
            example: cluster.example.clone(),
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.size));
    let (count, size) = rows.iter().fold((0, 0), |(count, size), row| {
        (count + row.count, size + row.size)
    });
    Survivors {
        by: DiffBy::Signature,
        count,
        size,
        classes: Listing::whole(rows),
    }
}
