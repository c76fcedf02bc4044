//! Growth by retention signature, as a report tells it.

use std::collections::HashMap;

use crate::model::NodeIndex;
use crate::report::{ContentRow, Growth, GrowthCluster, GrowthKind, Listing};
use crate::retainers::{RetainerTree, nearest_source, way_to};
use crate::signature::{
    Cluster, Collected, Collection, Entry, GrowthMap, NOWHERE, Name, NumberHash, UNREACHED, Ways,
    is_part, signature_way,
};
use crate::snapshot::Snapshot;

/// How much of growth is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) clusters: usize,
    pub(crate) contents: usize,
    pub(crate) min_bytes: u64,
}

/// Compares a heap by signature with those that were collected before, the oldest first. Answers with its ways as well.
pub(crate) fn growth(
    mut collection: Collection,
    newest: &Snapshot<'_>,
    limits: &Limits,
) -> (Growth, RetainerTree) {
    let mut collected = collection.add(newest);
    collection.fold_dictionaries(&mut [&mut collected.entries]);
    let grown = tell(newest, &collection, collected, Vec::new(), limits);
    (grown.growth, grown.tree)
}

/// Compares a heap with the kept ways of earlier ones, the oldest first, by signature.
pub(crate) fn since(earlier: &[&Ways], newest: &Snapshot<'_>, limits: &Limits) -> Grown {
    let mut collection = Collection::new();
    let mut places: Vec<Vec<Entry>> = earlier
        .iter()
        .map(|ways| collection.add_ways(ways))
        .collect();
    let mut collected = collection.add(newest);
    let mut all: Vec<&mut Vec<Entry>> = places.iter_mut().collect();
    all.push(&mut collected.entries);
    collection.fold_dictionaries(&mut all);
    let least = earlier.iter().map(|ways| ways.least_bytes).max();
    if let Some(least) = least.filter(|&least| least > 0) {
        collection.put_small_together(least, &mut all);
    }
    tell(newest, &collection, collected, places, limits)
}

/// What grew, with what is needed to look closer.
#[derive(Clone, Debug)]
pub struct Grown {
    /// What grew, and who holds it.
    pub growth: Growth,
    /// Of each cluster the object of the newest heap that retains most.
    pub examples: Vec<Option<NodeIndex>>,
    /// The ways in the newest heap.
    pub tree: RetainerTree,
    /// The number of the cluster that each node of the newest heap belongs to; [`NOWHERE`](crate::signature::NOWHERE) for none.
    pub nodes: Vec<u32>,
    /// The same for each place of the kept ways, heap by heap.
    pub places: Vec<Vec<u32>>,
}

fn tell(
    newest: &Snapshot<'_>,
    collection: &Collection,
    collected: Collected,
    places: Vec<Vec<Entry>>,
    limits: &Limits,
) -> Grown {
    let map = GrowthMap::find(collection, limits.min_bytes);
    let examples = examples(newest, collection, &map, &collected, limits.clusters);
    let contents = contents(collection, &map, limits);
    let told = Told {
        newest,
        collection,
        map: &map,
        collected: &collected,
    };
    let rows = map
        .clusters
        .iter()
        .take(limits.clusters)
        .zip(contents)
        .enumerate();
    let rows: Vec<GrowthCluster> = rows
        .map(|(number, (cluster, contents))| {
            told.row(cluster, contents, examples.get(&number).copied())
        })
        .collect();
    let growth = Growth {
        size_delta: map.grown_size as i64 - map.shrunk_size as i64,
        grown_size: map.grown_size,
        shrunk_size: map.shrunk_size,
        clusters: Listing {
            total: map.clusters.len() as u64,
            rows,
        },
    };
    let clusters = |entries: Vec<Entry>| -> Vec<u32> {
        let told = growth.clusters.rows.len();
        entries
            .into_iter()
            .map(|entry| map.owner(entry).filter(|&owner| owner < told))
            .map(|owner| owner.map_or(NOWHERE, |owner| owner as u32))
            .collect()
    };
    let (nodes, places) = (
        clusters(collected.entries),
        places.into_iter().map(clusters).collect(),
    );
    Grown {
        nodes,
        places,
        examples: (0..growth.clusters.rows.len())
            .map(|number| examples.get(&number).copied())
            .collect(),
        growth,
        tree: collected.tree,
    }
}

/// What rows are told from.
struct Told<'a, 'g> {
    newest: &'a Snapshot<'g>,
    collection: &'a Collection,
    map: &'a GrowthMap,
    collected: &'a Collected,
}

impl Told<'_, '_> {
    fn row(
        &self,
        cluster: &Cluster,
        contents: Listing<ContentRow>,
        example: Option<NodeIndex>,
    ) -> GrowthCluster {
        let (trie, names) = (&self.collection.trie, &self.collection.names);
        let head = cluster.heads.first().copied().unwrap_or_default();
        let mut path = example.and_then(|node| way_to(self.newest, &self.collected.tree, node));
        if let Some(last) = path.as_mut().and_then(|path| path.steps.last_mut()) {
            last.suspect = true;
        }
        let class = names.text(trie.place(head).class).to_owned();
        let grown = self.map.grown_size;
        GrowthCluster {
            signature: format!("{:016x}", cluster.signature),
            words: self.collection.words(&signature_way(trie, names, head)),
            class: path
                .as_ref()
                .and_then(|path| path.steps.last())
                .map(|step| step.object.class.clone())
                // Node's own objects are of no class of DevTools'.
                .filter(|class| class != "(synthetic)")
                .unwrap_or(class),
            holder: self.collection.words(&[trie.place(head).parent]),
            kind: if cluster.count_delta() > 0 {
                GrowthKind::MoreObjects
            } else {
                GrowthKind::LargerObjects
            },
            counts: cluster.counts.clone(),
            sizes: cluster.sizes.clone(),
            holders: cluster.holders.clone(),
            count_delta: cluster.count_delta(),
            size_delta: cluster.size_delta(),
            share: if grown == 0 {
                0.0
            } else {
                cluster.size_delta() as f64 / grown as f64
            },
            steady: cluster.is_steady(),
            moved: cluster.moved,
            contents,
            location: path.as_ref().and_then(nearest_source),
            example: path,
        }
    }
}

/// Of each cluster the object of the newest heap that retains most.
fn examples(
    newest: &Snapshot<'_>,
    collection: &Collection,
    map: &GrowthMap,
    collected: &Collected,
    clusters: usize,
) -> HashMap<usize, NodeIndex> {
    let is_head = map.heads(collection.trie.len(), clusters);
    let mut best: HashMap<usize, (u64, NodeIndex)> = HashMap::new();
    for node in newest.graph().nodes() {
        let entry = collected.entries[node.index().index()];
        if entry == UNREACHED || !is_head[entry as usize] || is_part(newest.graph(), node.index()) {
            continue;
        }
        let Some(owner) = map.owner(entry) else {
            continue;
        };
        let retained = newest.analysis().retained_size(node.index());
        let known = best.entry(owner).or_insert((retained, node.index()));
        if retained > known.0 {
            *known = (retained, node.index());
        }
    }
    best.into_iter()
        .map(|(owner, (_, node))| (owner, node))
        .collect()
}

/// What each cluster's growth is made of, by class.
fn contents(collection: &Collection, map: &GrowthMap, limits: &Limits) -> Vec<Listing<ContentRow>> {
    let (trie, names) = (&collection.trie, &collection.names);
    let count = map.clusters.len().min(limits.clusters);
    let mut by_class: Vec<HashMap<u32, (i64, i64), NumberHash>> = vec![HashMap::default(); count];
    let last = trie.snapshots() - 1;
    for entry in 0..trie.len() as u32 {
        let Some(classes) = map.owner(entry).and_then(|owner| by_class.get_mut(owner)) else {
            continue;
        };
        let (before, after) = (trie.tally(0, entry), trie.tally(last, entry));
        let change = classes.entry(trie.place(entry).class.0).or_default();
        change.0 += after.count as i64 - before.count as i64;
        change.1 += after.size as i64 - before.size as i64;
    }
    let rows = |classes: HashMap<u32, (i64, i64), NumberHash>| {
        let changed = classes
            .into_iter()
            .filter(|(_, (count, size))| *count != 0 || *size != 0);
        let mut rows: Vec<ContentRow> = changed
            .map(|(class, (count_delta, size_delta))| ContentRow {
                class: names.text(Name(class)).to_owned(),
                count_delta,
                size_delta,
            })
            .collect();
        rows.sort_by(|a, b| {
            b.size_delta
                .cmp(&a.size_delta)
                .then_with(|| a.class.cmp(&b.class))
        });
        Listing::cut(rows, limits.contents)
    };
    by_class.into_iter().map(rows).collect()
}
