//! The whole heap by kind and by class.

use super::context::share;
use crate::model::NodeKind;
use crate::report::{ClassRow, Listing, Totals, TypeRow};
use crate::snapshot::{Snapshot, told_distance};

pub(super) fn totals(snapshot: &Snapshot<'_>) -> Totals {
    let (graph, analysis) = (snapshot.graph(), snapshot.analysis());
    let mut kinds = [(0_u64, 0_u64); NodeKind::ALL.len()];
    for node in graph.nodes() {
        let kind = &mut kinds[node.kind() as usize];
        kind.0 += 1;
        kind.1 = kind.1.saturating_add(analysis.shallow_size(node.index()));
    }
    kinds[NodeKind::Native as usize].1 += graph.extra_native_bytes();
    let size = analysis.total_size();
    let mut types: Vec<TypeRow> = NodeKind::ALL
        .into_iter()
        .zip(kinds)
        .filter(|(_, (count, size))| *count > 0 || *size > 0)
        .map(|(kind, (count, bytes))| TypeRow {
            kind: kind.as_str().to_owned(),
            count,
            size: bytes,
            share: share(bytes, size),
        })
        .collect();
    types.sort_by_key(|row| std::cmp::Reverse((row.size, row.count)));
    Totals {
        nodes: graph.node_count() as u64,
        edges: graph.edge_count() as u64,
        strings: graph.string_count() as u64,
        size,
        types,
    }
}

/// Classes by retained size, then by name and place.
pub(super) fn classes(snapshot: &Snapshot<'_>, limit: usize) -> Listing<ClassRow> {
    let classes = snapshot.aggregates().classes();
    let mut rows: Vec<_> = snapshot.aggregates().rows().iter().collect();
    rows.sort_by(|a, b| {
        let size = |row: &crate::analysis::Aggregate| (row.retained_size, row.shallow_size);
        size(b)
            .cmp(&size(a))
            .then_with(|| classes.key(a.class).cmp(classes.key(b.class)))
    });
    let total = rows.len() as u64;
    let whole = snapshot.analysis().total_size();
    let told = rows.into_iter().take(limit).map(|row| {
        let key = classes.key(row.class);
        ClassRow {
            name: key.name.clone(),
            location: key.location.map(|location| snapshot.locate(location)),
            count: row.count,
            shallow_size: row.shallow_size,
            retained_size: row.retained_size,
            retained_share: share(row.retained_size, whole),
            distance: told_distance(row.distance),
        }
    });
    Listing {
        total,
        rows: told.collect(),
    }
}
