//! Which objects stayed: by the addresses that digests remember.
//!
//! What leaks stays. A queue, a batch or sessions that come and go may grow as steadily for a while, but of other objects
//! each time. Old objects seldom move, so that most of those that stayed are found at their address again; how many move
//! all the same is seen by the objects that do not grow, and taken into account.

use memguard_heap_graph::Snapshot;
use memguard_heap_graph::diff::Grown;
use memguard_heap_graph::signature::NOWHERE;

use crate::digest::{Digest, text_of};

/// Fewer remembered objects say nothing.
const LEAST: u64 = 12;
/// When fewer of all objects than this are found again, ids are no addresses.
const LEAST_FOUND: f64 = 0.25;

/// Of each digest, for each cluster: the share of its objects that stayed. None where nothing can be said.
pub(super) type Kept = Vec<Vec<Option<f64>>>;

pub(super) fn kept(earlier: &[&Digest], now: &Snapshot<'_>, grown: &Grown) -> Kept {
    earlier
        .iter()
        .zip(&grown.places)
        .map(|(digest, clusters)| of_digest(digest, clusters, now, grown))
        .collect()
}

/// Objects that were remembered, and those of them that are still there.
#[derive(Clone, Copy, Default)]
struct Count {
    remembered: u64,
    found: u64,
}

fn of_digest(
    digest: &Digest,
    clusters: &[u32],
    now: &Snapshot<'_>,
    grown: &Grown,
) -> Vec<Option<f64>> {
    let marked = digest.marked();
    let rows = grown.growth.clusters.rows.len();
    let mut counts = vec![Count::default(); rows];
    let mut rest = Count::default();
    let cluster_of = |place: u32| clusters.get(place as usize).copied().unwrap_or(NOWHERE);
    for mark in marked.values() {
        match counts.get_mut(cluster_of(mark.place) as usize) {
            Some(count) => count.remembered += 1,
            None => rest.remembered += 1,
        }
    }
    let graph = now.graph();
    for node in graph.nodes().filter(|node| digest.marks(node.id())) {
        let Some(mark) = marked.get(&node.id()) else {
            continue;
        };
        let (before, after) = (cluster_of(mark.place), grown.nodes[node.index().index()]);
        // Another object at the same address is not the same object.
        if before != after || is_other_text(mark.text, text_of(graph, &node)) {
            continue;
        }
        match counts.get_mut(before as usize) {
            Some(count) => count.found += 1,
            None => rest.found += 1,
        }
    }
    let moved_not = share(rest).unwrap_or(0.0);
    if moved_not < LEAST_FOUND || !digest.tells_who_stayed() {
        return vec![None; rows];
    }
    counts
        .into_iter()
        .map(|count| share(count).map(|share| (share / moved_not).min(1.0)))
        .collect()
}

/// Whether both are known, and differ.
fn is_other_text(before: u32, after: u32) -> bool {
    before != 0 && after != 0 && before != after
}

fn share(count: Count) -> Option<f64> {
    (count.remembered >= LEAST).then(|| count.found as f64 / count.remembered as f64)
}
