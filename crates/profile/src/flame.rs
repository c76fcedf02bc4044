//! A flame graph: the calls as boxes, as wide as what was allocated below them.

use std::collections::BinaryHeap;

use crate::model::{Origin, Profile};
use crate::report::FlameRow;
use crate::sites::{location, named};

/// What a profile's calls look like, in at most `limit` boxes, callers before callees and larger before smaller. What is too
/// small is left out; a caller is always as wide as all that it called.
#[must_use]
pub fn flame(profile: &Profile, limit: usize) -> Vec<FlameRow> {
    if profile.nodes.is_empty() || limit == 0 {
        return Vec::new();
    }
    let totals = profile.totals();
    let kept = largest(profile, &totals, limit);
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); profile.nodes.len()];
    for (at, node) in profile.nodes.iter().enumerate().skip(1) {
        if kept[at] {
            children[node.parent as usize].push(at as u32);
        }
    }
    let mut rows = Vec::new();
    let mut open: Vec<(u32, Option<u32>)> = vec![(0, None)];
    while let Some((at, parent)) = open.pop() {
        let node = profile.nodes[at as usize];
        let frame = profile.frame(&node);
        let row = rows.len() as u32;
        rows.push(FlameRow {
            parent,
            depth: node.depth,
            function: if at == 0 {
                "(root)".into()
            } else {
                named(frame)
            },
            location: location(frame),
            origin: if at == 0 { Origin::V8 } else { frame.origin() },
            self_bytes: node.self_bytes,
            total_bytes: totals[at as usize],
        });
        let below = &mut children[at as usize];
        below.sort_by_key(|child| totals[*child as usize]);
        open.extend(below.iter().map(|child| (*child, Some(row))));
    }
    rows
}

/// The `limit` calls that weigh most. A caller weighs no less than its callees, so it is chosen before them.
fn largest(profile: &Profile, totals: &[u64], limit: usize) -> Vec<bool> {
    let mut kept = vec![false; totals.len()];
    let mut callees: Vec<Vec<u32>> = vec![Vec::new(); totals.len()];
    for (at, node) in profile.nodes.iter().enumerate().skip(1) {
        callees[node.parent as usize].push(at as u32);
    }
    let mut open = BinaryHeap::from([(totals[0], std::cmp::Reverse(0u32))]);
    let mut count = 0;
    while let Some((bytes, std::cmp::Reverse(at))) = open.pop() {
        if count == limit || (bytes == 0 && at > 0) {
            break;
        }
        kept[at as usize] = true;
        count += 1;
        open.extend(
            callees[at as usize]
                .iter()
                .map(|child| (totals[*child as usize], std::cmp::Reverse(*child))),
        );
    }
    kept
}
