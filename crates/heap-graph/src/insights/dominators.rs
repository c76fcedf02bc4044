//! The largest dominators as a tree that fits on a page.
//!
//! Rows are opened largest first until there are enough, so that the page shows where the bytes are, however deep that is.
//! Many small children of one class are one row.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::context::share;
use crate::analysis::{AnalyzeError, ClassId, Dominated};
use crate::model::NodeIndex;
use crate::report::DominatorNode;
use crate::retainers::words;
use crate::snapshot::Snapshot;

/// Rows below this share of the heap are not told.
const LEAST_SHARE: f64 = 0.002;
/// From this share on, a child has a row of its own.
const OWN_SHARE: f64 = 0.01;
/// Deeper rows are not told.
const MAX_DEPTH: u32 = 40;

/// Children of one class, or one child.
struct Group {
    largest: NodeIndex,
    count: u64,
    retained: u64,
}

pub(super) fn tree(
    snapshot: &Snapshot<'_>,
    limit: usize,
) -> Result<Vec<DominatorNode>, AnalyzeError> {
    let analysis = snapshot.analysis();
    analysis.with_dominated(|dominated| tree_of(snapshot, dominated, limit))
}

fn tree_of(snapshot: &Snapshot<'_>, dominated: &Dominated, limit: usize) -> Vec<DominatorNode> {
    let root = snapshot.graph().root();
    let total = snapshot.analysis().total_size();
    let mut rows = vec![row(
        snapshot,
        None,
        0,
        None,
        &Group {
            largest: root,
            count: 1,
            retained: total,
        },
    )];
    // By bytes; of equals the earlier.
    let mut open = BinaryHeap::from([(total, Reverse(0_usize))]);
    while let Some((_, Reverse(at))) = open.pop() {
        let (parent, depth) = (rows[at].0, rows[at].1.depth);
        if rows[at].1.group_count > 1 || depth >= MAX_DEPTH {
            continue;
        }
        let (groups, hidden) = children(snapshot, dominated, parent, total);
        let room = limit.saturating_sub(rows.len());
        let left_out = groups
            .iter()
            .skip(room)
            .fold(hidden, |(count, size), group| {
                (count + group.count, size + group.retained)
            });
        (rows[at].1.hidden_children, rows[at].1.hidden_size) = left_out;
        let words = edges(snapshot, parent, groups.iter().take(room));
        for group in groups.iter().take(room) {
            let edge = words.get(&group.largest).cloned();
            open.push((group.retained, Reverse(rows.len())));
            rows.push(row(snapshot, Some(at as u32), depth + 1, edge, group));
        }
        if room == 0 {
            break;
        }
    }
    preorder(rows.into_iter().map(|(_, row)| row).collect())
}

fn row(
    snapshot: &Snapshot<'_>,
    parent: Option<u32>,
    depth: u32,
    edge: Option<String>,
    group: &Group,
) -> (NodeIndex, DominatorNode) {
    let row = DominatorNode {
        parent,
        depth,
        edge,
        object: snapshot.object(group.largest),
        group_count: group.count,
        retained_size: group.retained,
        share: share(group.retained, snapshot.analysis().total_size()),
        hidden_children: 0,
        hidden_size: 0,
    };
    (group.largest, row)
}

/// The rows below a node, largest first, and number and bytes of what is too small for one.
fn children(
    snapshot: &Snapshot<'_>,
    dominated: &Dominated,
    parent: NodeIndex,
    total: u64,
) -> (Vec<Group>, (u64, u64)) {
    let analysis = snapshot.analysis();
    let own = (total as f64 * OWN_SHARE) as u64;
    let mut groups: Vec<Group> = Vec::new();
    let mut by_class: HashMap<ClassId, Group> = HashMap::new();
    for &child in dominated.of_node(parent.0) {
        let child = NodeIndex(child);
        let retained = analysis.retained_size(child);
        if retained >= own.max(1) {
            groups.push(Group {
                largest: child,
                count: 1,
                retained,
            });
            continue;
        }
        let group = by_class.entry(snapshot.class(child)).or_insert(Group {
            largest: child,
            count: 0,
            retained: 0,
        });
        if retained > analysis.retained_size(group.largest) {
            group.largest = child;
        }
        group.count += 1;
        group.retained += retained;
    }
    let least = (total as f64 * LEAST_SHARE) as u64;
    let mut hidden = (0, 0);
    for group in by_class.into_values() {
        if group.retained >= least.max(1) {
            groups.push(group);
        } else {
            hidden.0 += group.count;
            hidden.1 += group.retained;
        }
    }
    groups.sort_by_key(|group| (Reverse(group.retained), group.largest));
    (groups, hidden)
}

/// How the parent itself refers to the largest of each group.
fn edges<'a>(
    snapshot: &Snapshot<'_>,
    parent: NodeIndex,
    groups: impl Iterator<Item = &'a Group>,
) -> HashMap<NodeIndex, String> {
    let graph = snapshot.graph();
    let mut wanted: HashMap<NodeIndex, Option<String>> =
        groups.map(|group| (group.largest, None)).collect();
    for edge in graph.edges(parent) {
        if parent != graph.root()
            && let Some(word @ None) = wanted.get_mut(&edge.target)
        {
            *word = Some(words::reference(graph, &edge));
        }
    }
    wanted
        .into_iter()
        .filter_map(|(node, word)| Some((node, word?)))
        .collect()
}

/// Children right after their parents.
fn preorder(rows: Vec<DominatorNode>) -> Vec<DominatorNode> {
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    for (at, row) in rows.iter().enumerate() {
        if let Some(parent) = row.parent {
            below[parent as usize].push(at);
        }
    }
    let mut rows: Vec<Option<DominatorNode>> = rows.into_iter().map(Some).collect();
    let mut sorted = Vec::with_capacity(rows.len());
    let mut open = vec![(0, None)];
    while let Some((at, parent)) = open.pop() {
        if let Some(mut row) = rows.get_mut(at).and_then(Option::take) {
            row.parent = parent;
            let place = sorted.len() as u32;
            sorted.push(row);
            open.extend(below[at].iter().rev().map(|&child| (child, Some(place))));
        }
    }
    sorted
}
