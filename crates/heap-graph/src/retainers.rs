//! Who holds what, in the words of the source.
//!
//! Every object has one way by which it is told, the one in the fewest source words ([`RetainerTree`]). Objects that are
//! asked for are gathered by the [signature](crate::signature) of their ways, so that a thousand entries of one log are one row.

mod collection;
mod cost;
mod path;
mod scripts;
#[cfg(test)]
mod tests;
mod topmost;
mod tree;
pub(crate) mod words;

use std::collections::HashMap;

pub(crate) use collection::{Slot, Table, slot_number};
pub(crate) use path::{describe, nearest_source, way_to};
pub use scripts::Scripts;
pub(crate) use topmost::Topmost;
pub use tree::RetainerTree;
pub(crate) use tree::{Search, Settled};

use crate::analysis::{AnalyzeError, Bits};
use crate::model::{EdgeIndex, EdgeKind, NodeIndex};
use crate::query::{Filter, Matcher};
use crate::report::{Listing, PathCluster, QueryReport, RetainersReport, RetainingPath};
use crate::signature::{
    Collected, Collection, Entry, NumberHash, UNREACHED, signature, signature_way,
};
use crate::snapshot::Snapshot;

/// How much to tell of retainers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RetainersOptions {
    /// Most rows by signature.
    pub clusters: usize,
    /// Most references to a single object.
    pub holders: usize,
}

impl Default for RetainersOptions {
    fn default() -> Self {
        Self {
            clusters: 20,
            holders: 20,
        }
    }
}

/// Finds who holds the objects that a filter lets through. One search over the graph, at most 17 bytes a node while it lasts.
///
/// # Errors
/// When the signal that the snapshot was made with was raised.
pub fn retainers(
    snapshot: &Snapshot<'_>,
    filter: &Filter,
    options: &RetainersOptions,
) -> Result<RetainersReport, AnalyzeError> {
    let targets = Matcher::new(snapshot, filter).nodes();
    let mut collection = Collection::new();
    let analysis = snapshot.analysis();
    let mut is_target = Bits::new(snapshot.graph().node_count())?;
    for node in &targets {
        is_target.insert(node.0);
    }
    // How far those are that hold a single object.
    let mut costs: HashMap<NodeIndex, u32> = HashMap::new();
    if let [only] = targets.as_slice() {
        costs.extend(analysis.retaining_nodes(*only).map(|from| (from, u32::MAX)));
    }
    let mut nearest: Option<(u32, NodeIndex)> = None;
    let mut collected = collection.add_watched(snapshot, |node, cost| {
        if is_target.get(node.0) {
            nearest = Some(nearest.map_or((cost, node), |known| known.min((cost, node))));
        }
        if let Some(known) = costs.get_mut(&node) {
            *known = cost;
        }
    });
    collection.fold_dictionaries(&mut [&mut collected.entries]);
    let mut topmost = Topmost::new(analysis, |node| is_target.get(node.0));
    let mut groups: HashMap<u64, Group, NumberHash> = HashMap::default();
    let mut report = RetainersReport {
        source: snapshot.source(),
        target: filter.to_string(),
        count: targets.len() as u64,
        shallow_size: 0,
        retained_size: 0,
        shortest: None,
        clusters: Listing::default(),
        holders: Listing::default(),
        unreachable: 0,
    };
    let mut group_of: HashMap<u32, u64, NumberHash> = HashMap::default();
    for &node in &targets {
        let (shallow, retained) = (analysis.shallow_size(node), analysis.retained_size(node));
        let above = topmost.above(node);
        report.shallow_size += shallow;
        report.retained_size += if above.is_none() { retained } else { 0 };
        let entry = collected.entries[node.index()];
        if entry == UNREACHED {
            report.unreachable += 1;
            continue;
        }
        let key = signature(&collection.trie, &collection.names, entry);
        group_of.insert(node.0, key);
        let group = groups.entry(key).or_insert(Group {
            entry,
            largest: (retained, node),
            ..Group::default()
        });
        group.count += 1;
        group.shallow += shallow;
        // What hangs below another of the group is a part of that one's.
        group.below.extend(above.map(|above| (above, retained)));
        group.retained += retained;
        if retained > group.largest.0 {
            group.largest = (retained, node);
        }
    }
    for (key, group) in &mut groups {
        for (above, retained) in group.below.drain(..) {
            if group_of.get(&above.0) == Some(key) {
                group.retained -= retained;
            }
        }
    }
    report.shortest = nearest.and_then(|(_, node)| way_to(snapshot, &collected.tree, node));
    report.clusters = clusters(snapshot, &collection, &collected, groups, options.clusters);
    if let [only] = targets.as_slice() {
        report.holders = holders(snapshot, &collected.tree, *only, &costs, options.holders);
    }
    snapshot.whole(report)
}

/// Objects of one signature.
struct Group {
    entry: Entry,
    count: u64,
    shallow: u64,
    retained: u64,
    largest: (u64, NodeIndex),
    /// Targets that dominate others, and what these retain.
    below: Vec<(NodeIndex, u64)>,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            entry: 0,
            count: 0,
            shallow: 0,
            retained: 0,
            largest: (0, NodeIndex(0)),
            below: Vec::new(),
        }
    }
}

fn clusters(
    snapshot: &Snapshot<'_>,
    collection: &Collection,
    collected: &Collected,
    groups: HashMap<u64, Group, NumberHash>,
    limit: usize,
) -> Listing<PathCluster> {
    let mut groups: Vec<(u64, Group)> = groups.into_iter().collect();
    groups.sort_by_key(|(key, group)| (std::cmp::Reverse((group.retained, group.count)), *key));
    let total = groups.len() as u64;
    let row = |(key, group): (u64, Group)| -> Option<PathCluster> {
        let example = way_to(snapshot, &collected.tree, group.largest.1)?;
        Some(PathCluster {
            signature: format!("{key:016x}"),
            words: collection.words(&signature_way(
                &collection.trie,
                &collection.names,
                group.entry,
            )),
            count: group.count,
            shallow_size: group.shallow,
            retained_size: group.retained,
            largest: snapshot.object(group.largest.1),
            location: nearest_source(&example),
            example,
        })
    };
    Listing {
        total,
        rows: groups.into_iter().take(limit).filter_map(row).collect(),
    }
}

/// Everything that refers to an object, each with its own way.
fn holders(
    snapshot: &Snapshot<'_>,
    tree: &RetainerTree,
    node: NodeIndex,
    costs: &HashMap<NodeIndex, u32>,
    limit: usize,
) -> Listing<RetainingPath> {
    let mut references: Vec<(u32, EdgeIndex, NodeIndex)> = snapshot
        .analysis()
        .retainers(node)
        .filter(|retainer| retainer.edge.kind != EdgeKind::Weak)
        .filter_map(|retainer| {
            Some((
                costs
                    .get(&retainer.from)
                    .copied()
                    .filter(|&cost| cost != u32::MAX)?,
                retainer.edge.index,
                retainer.from,
            ))
        })
        .collect();
    references.sort_unstable();
    let total = references.len() as u64;
    let way = |(_, edge, from): (u32, EdgeIndex, NodeIndex)| {
        let mut edges = tree.path(snapshot.graph(), from);
        edges.push(edge);
        describe(snapshot, &edges, node)
    };
    Listing {
        total,
        rows: references.into_iter().take(limit).map(way).collect(),
    }
}

/// Finds the objects that a filter lets through, those that retain most first.
///
/// # Errors
/// When the signal that the snapshot was made with was raised.
pub fn query(
    snapshot: &Snapshot<'_>,
    filter: &Filter,
    limit: usize,
) -> Result<QueryReport, AnalyzeError> {
    let analysis = snapshot.analysis();
    let mut nodes = Matcher::new(snapshot, filter).nodes();
    let count = nodes.len() as u64;
    let shallow_size = nodes.iter().map(|&node| analysis.shallow_size(node)).sum();
    nodes.sort_by_key(|&node| {
        (
            std::cmp::Reverse(analysis.retained_size(node)),
            snapshot.graph().node(node).id(),
        )
    });
    snapshot.whole(QueryReport {
        source: snapshot.source(),
        filter: filter.to_string(),
        count,
        shallow_size,
        objects: Listing {
            total: count,
            rows: nodes
                .into_iter()
                .take(limit)
                .map(|node| snapshot.object(node))
                .collect(),
        },
    })
}
