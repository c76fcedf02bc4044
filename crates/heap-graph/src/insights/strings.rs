//! Strings of the same content.
//!
//! V8 cuts the content in a snapshot (at 1,024 characters, by default), so that long strings count as the same only when
//! their size is the same too.

use std::collections::HashMap;

use super::context::Context;
use crate::model::{NodeIndex, NodeKind, StringId};
use crate::report::{DuplicateString, Listing};
use crate::retainers::words;
use crate::signature::NumberHash;

/// Of strings of one content so many are asked who holds them.
const ASKED: usize = 100;

/// The contents with most bytes to save, and the bytes that all could save. 2 bytes a string, and some 50 for each of those
/// that there are several of.
pub(super) fn duplicates(context: &Context<'_, '_>) -> (Listing<DuplicateString>, u64) {
    let graph = context.graph();
    let flat = || {
        graph
            .nodes()
            .filter(|node| node.kind() == NodeKind::String && node.self_size() > 0)
    };
    let mut is_met = vec![false; graph.string_count()];
    let mut is_met_again = is_met.clone();
    for node in flat() {
        let id = node.name_id().index();
        is_met_again[id] |= std::mem::replace(&mut is_met[id], true);
    }
    drop(is_met);
    let mut counts: HashMap<(StringId, u64), u64, NumberHash> = HashMap::default();
    for node in flat().filter(|node| is_met_again[node.name_id().index()]) {
        *counts
            .entry((node.name_id(), node.self_size()))
            .or_default() += 1;
    }
    drop(is_met_again);
    let mut groups: Vec<(u64, (StringId, u64), u64)> = counts
        .into_iter()
        .filter(|&(_, count)| count > 1)
        .map(|(key, count)| (key.1 * (count - 1), key, count))
        .collect();
    let wasted = groups.iter().map(|group| group.0).sum();
    groups.sort_by(|a, b| {
        b.0.cmp(&a.0)
            .then_with(|| graph.string(a.1.0).cmp(&graph.string(b.1.0)))
            .then_with(|| a.1.cmp(&b.1))
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
