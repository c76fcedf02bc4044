//! What is part of no document any more, and is still held.

use std::collections::HashMap;

use super::context::Context;
use crate::analysis::ClassId;
use crate::model::{Detachedness, NodeIndex, NodeKind};
use crate::report::{DetachedRow, Listing};
use crate::retainers::Topmost;

struct Row {
    count: u64,
    retained: u64,
    largest: (u64, NodeIndex),
}

pub(super) fn detached(context: &Context<'_, '_>) -> Listing<DetachedRow> {
    let (snapshot, analysis) = (context.snapshot, context.snapshot.analysis());
    // Node marks its own objects so as long as nothing but their JavaScript half refers to them: most of them are.
    let is_detached = |node: NodeIndex| {
        let found = context.graph().node(node);
        analysis.detachedness(node) == Detachedness::Detached
            && found.kind() == NodeKind::Native
            && !found.name().starts_with("Node / ")
    };
    let nodes: Vec<NodeIndex> = context
        .graph()
        .nodes()
        .map(|node| node.index())
        .filter(|&node| is_detached(node))
        .collect();
    if nodes.is_empty() {
        return Listing::default();
    }
    let mut topmost = Topmost::new(analysis, is_detached);
    let mut classes: HashMap<ClassId, Row> = HashMap::new();
    for node in nodes {
        let (class, retained) = (snapshot.class(node), analysis.retained_size(node));
        let row = classes.entry(class).or_insert(Row {
            count: 0,
            retained: 0,
            largest: (retained, node),
        });
        row.count += 1;
        if topmost
            .above(node)
            .is_none_or(|above| snapshot.class(above) != class)
        {
            row.retained += retained;
        }
        if retained > row.largest.0 {
            row.largest = (retained, node);
        }
    }
    let mut rows: Vec<(ClassId, Row)> = classes.into_iter().collect();
    rows.sort_by_key(|(class, row)| (std::cmp::Reverse(row.retained), *class));
    let total = rows.len() as u64;
    let told = rows
        .into_iter()
        .take(context.rows)
        .map(|(class, row)| DetachedRow {
            name: snapshot.class_name(class).to_owned(),
            count: row.count,
            retained_size: row.retained,
            path: context.way(row.largest.1),
        });
    Listing {
        total,
        rows: told.collect(),
    }
}
