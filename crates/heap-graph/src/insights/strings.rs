//! Strings of the same content.
//!
//! V8 cuts the content in a snapshot (at 1,024 characters, by default), so that long strings count as the same only when
//! their size is the same too.

use std::collections::HashMap;

use super::context::Context;
use crate::model::{NodeIndex, NodeKind, StringId};
use crate::report::{DuplicateString, Listing};
use crate::retainers::words;

/// Of strings of one content so many are asked who holds them.
const ASKED: usize = 100;

/// The contents with most bytes to save, and the bytes that all could save. 16 bytes a string.
pub(super) fn duplicates(context: &Context<'_, '_>) -> (Listing<DuplicateString>, u64) {
    let graph = context.graph();
    let flat = || {
        graph
            .nodes()
            .filter(|node| node.kind() == NodeKind::String && node.self_size() > 0)
    };
    let mut strings: Vec<(StringId, u64)> = flat()
        .map(|node| (node.name_id(), node.self_size()))
        .collect();
    strings.sort_unstable();
    let mut groups: Vec<(u64, (StringId, u64), u64)> = strings
        .chunk_by(|a, b| a == b)
        .filter(|same| same.len() > 1)
        .map(|same| {
            (
                same[0].1 * (same.len() as u64 - 1),
                same[0],
                same.len() as u64,
            )
        })
        .collect();
    drop(strings);
    let wasted = groups.iter().map(|group| group.0).sum();
    groups.sort_by(|a, b| {
        b.0.cmp(&a.0)
            .then_with(|| graph.string(a.1.0).cmp(&graph.string(b.1.0)))
    });
    let total = groups.len() as u64;
    groups.truncate(context.rows);

    let mut members: HashMap<(StringId, u64), Vec<NodeIndex>> =
        groups.iter().map(|group| (group.1, Vec::new())).collect();
    for node in flat() {
        if let Some(members) = members
            .get_mut(&(node.name_id(), node.self_size()))
            .filter(|members| members.len() < ASKED)
        {
            members.push(node.index());
        }
    }
    let row = |(wasted, key, count): (u64, (StringId, u64), u64)| DuplicateString {
        value: words::shortened(&graph.string(key.0)),
        count,
        size: key.1 * count,
        wasted,
        held_by: members
            .get(&key)
            .and_then(|members| most_common_holder(context, members)),
    };
    (
        Listing {
            total,
            rows: groups.into_iter().map(row).collect(),
        },
        wasted,
    )
}

/// The reference by which most of some objects are held.
fn most_common_holder(context: &Context<'_, '_>, nodes: &[NodeIndex]) -> Option<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for holder in nodes.iter().filter_map(|&node| context.held_by(node)) {
        *counts.entry(holder).or_default() += 1;
    }
    counts
        .into_iter()
        .max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)))
        .map(|(holder, _)| holder)
}
