//! Which objects stayed: by the addresses that digests remember.
//!
//! What leaks stays. A queue, a batch or sessions that come and go may grow as steadily for a while, but of other objects
//! each time. Old objects seldom move, so that most of those that stayed are found at their address again; how many move
//! all the same is seen by the objects that do not grow, and taken into account.
//!
//! What grows may hang beside what is there for good: the sockets of a load beside all that a server made when it began. So
//! where two looks tell which objects came in between, it is asked of those whether they stayed.
//!
//! Addresses tell of old objects alone. What was young at a look and stayed is old at the next, once the young generation was
//! emptied twice in between: so no more can have stayed than are old now. Requests and sessions in flight, which a look
//! meets young each time, are told from a leak by that.

use std::ops::Range;

use memguard_heap_graph::Snapshot;
use memguard_heap_graph::diff::Grown;
use memguard_heap_graph::signature::NOWHERE;

use crate::digest::{Digest, text_of};

/// Fewer remembered objects say nothing.
const LEAST: u64 = 12;
/// When fewer of all objects than this are found again, ids are no addresses.
const LEAST_FOUND: f64 = 0.25;

/// Allocating so many times what the young pages hold has emptied them twice, whichever part of them is in use.
const TURNOVERS: u64 = 2;

/// Shares of objects that stayed, of each digest for each cluster. None where nothing can be said.
pub(super) struct Kept {
    /// Of all that were there.
    all: Vec<Vec<Option<f64>>>,
    /// Of those that had come since the digest before.
    came: Vec<Vec<Option<f64>>>,
}

impl Kept {
    /// What is known of a cluster since a look. What was young at one of them has moved since: the best of all tells.
    pub(super) fn since(&self, look: usize, cluster: usize) -> Option<f64> {
        let best = |of: &[Vec<Option<f64>>]| {
            of.get(look..)
                .unwrap_or_default()
                .iter()
                .filter_map(|clusters| clusters.get(cluster).copied().flatten())
                .max_by(f64::total_cmp)
        };
        match (best(&self.all), best(&self.came)) {
            (Some(all), Some(came)) => Some(all.min(came)),
            (all, came) => all.or(came),
        }
    }
}

pub(super) fn kept(earlier: &[&Digest], now: &Snapshot<'_>, grown: &Grown) -> Kept {
    let (all, came) = earlier
        .iter()
        .zip(&grown.places)
        .enumerate()
        .map(|(at, (digest, clusters))| {
            let before = at.checked_sub(1).map(|at| earlier[at]);
            of_digest(digest, before, clusters, now, grown)
        })
        .unzip();
    Kept { all, came }
}

/// Of each cluster the share of its objects that are old now; none where the heap's young pages are not known, or so little was
/// allocated since the look before that what is young may have been there then.
pub(super) fn old_share(
    now: &Snapshot<'_>,
    grown: &Grown,
    young: &[Range<u64>],
    allocated: Option<u64>,
) -> Vec<Option<f64>> {
    let rows = grown.growth.clusters.rows.len();
    let capacity: u64 = young.iter().map(|page| page.end - page.start).sum();
    if capacity == 0 || allocated.is_none_or(|bytes| bytes < TURNOVERS * capacity) {
        return vec![None; rows];
    }
    let mut pages = young.to_vec();
    pages.sort_unstable_by_key(|page| page.start);
    let is_young = |id: u64| {
        let after = pages.partition_point(|page| page.start <= id);
        after > 0 && pages[after - 1].contains(&id)
    };
    let mut counts = vec![Count::default(); rows];
    for node in now.graph().nodes() {
        if let Some(count) = counts.get_mut(grown.nodes[node.index().index()] as usize) {
            count.remembered += 1;
            count.found += u64::from(!is_young(node.id()));
        }
    }
    counts.into_iter().map(share).collect()
}

/// Objects that were remembered, and those of them that are still there.
#[derive(Clone, Copy, Default)]
struct Count {
    remembered: u64,
    found: u64,
}

type Shares = Vec<Option<f64>>;

fn of_digest(
    digest: &Digest,
    before: Option<&Digest>,
    clusters: &[u32],
    now: &Snapshot<'_>,
    grown: &Grown,
) -> (Shares, Shares) {
    let marked = digest.marked();
    let marked_before = before.map(|before| (before, before.marked()));
    // One that the digest before would have remembered, and did not.
    let has_come = |id: u64| {
        marked_before
            .as_ref()
            .is_some_and(|(before, marked)| before.marks(id) && !marked.contains_key(&id))
    };
    let rows = grown.growth.clusters.rows.len();
    let mut all = vec![Count::default(); rows];
    let mut came = all.clone();
    let mut rest = Count::default();
    let cluster_of = |place: u32| clusters.get(place as usize).copied().unwrap_or(NOWHERE) as usize;
    for (&id, mark) in &marked {
        let cluster = cluster_of(mark.place);
        match all.get_mut(cluster) {
            Some(count) => count.remembered += 1,
            None => rest.remembered += 1,
        }
        if let Some(count) = came.get_mut(cluster).filter(|_| has_come(id)) {
            count.remembered += 1;
        }
    }
    let graph = now.graph();
    for node in graph.nodes().filter(|node| digest.marks(node.id())) {
        let Some(mark) = marked.get(&node.id()) else {
            continue;
        };
        let cluster = cluster_of(mark.place);
        // Another object at the same address is not the same object.
        if cluster != grown.nodes[node.index().index()] as usize
            || is_other_text(mark.text, text_of(graph, &node))
        {
            continue;
        }
        match all.get_mut(cluster) {
            Some(count) => count.found += 1,
            None => rest.found += 1,
        }
        if let Some(count) = came.get_mut(cluster).filter(|_| has_come(node.id())) {
            count.found += 1;
        }
    }
    let moved_not = share(rest).unwrap_or(0.0);
    if moved_not < LEAST_FOUND || !digest.tells_who_stayed() {
        return (vec![None; rows], vec![None; rows]);
    }
    let shares = |counts: Vec<Count>| {
        let of = |count| share(count).map(|share| (share / moved_not).min(1.0));
        counts.into_iter().map(of).collect()
    };
    (shares(all), shares(came))
}

/// Whether both are known, and differ.
fn is_other_text(before: u32, after: u32) -> bool {
    before != 0 && after != 0 && before != after
}

fn share(count: Count) -> Option<f64> {
    (count.remembered >= LEAST).then(|| count.found as f64 / count.remembered as f64)
}
