//! Which places of a trie grew, and which of them is the one to tell about.
//!
//! A place that grew makes all places above it grow in bytes, and all below in objects. The one to name is where the
//! growth *fans out*: where objects become more while what holds them does not (Eclipse MAT's accumulation point).
//! From the root downwards, a place is that one
//!
//! * when it was there before and its bytes grew by no more than twice what as many more objects of its former
//!   average size account for; otherwise each of its objects has grown, and the cause is farther down;
//!   farther down as well where most of it lies below something that did not become more: a server among more sockets;
//! * when it is new and many; a few new objects (fewer than [`FEW`]) are followed to where one of them has many,
//!   as long as at least half of the bytes lie that way.
//!
//! What is found is then taken together by signature, the last names up to the nearest function of the program,
//! with everything else that has the same signature: growth that is spread over many holders becomes one row, and
//! what only went from one way to another nets out.

use std::collections::HashMap;

use super::collect::Collection;
use super::hash::{NumberHash, chain};
use super::names::Names;
use super::trie::{Entry, ROOT, Trie};

/// Fewer new objects than this may be but the way to what grew.
const FEW: u64 = 8;
/// So many times more of them than of what holds them fan out.
const FAN_OUT: u64 = 8;
/// Most names of a signature.
const MAX_NAMES: usize = 12;
const NONE: u32 = u32::MAX;

/// Places of one signature that grew.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) signature: u64,
    /// The uppermost entries; everything below belongs to the cluster.
    pub(crate) heads: Vec<Entry>,
    /// By snapshot.
    pub(crate) counts: Vec<u64>,
    /// By snapshot, with everything below and the stores of the holders.
    pub(crate) sizes: Vec<u64>,
    /// By snapshot, the objects that the heads hang on.
    pub(crate) holders: Vec<u64>,
    /// As many of the same class went elsewhere.
    pub(crate) moved: bool,
}

impl Cluster {
    pub(crate) fn size_delta(&self) -> i64 {
        delta(&self.sizes)
    }

    pub(crate) fn count_delta(&self) -> i64 {
        delta(&self.counts)
    }

    /// Whether it grew from each snapshot to the next: in objects, where these became more, and in bytes.
    pub(crate) fn is_steady(&self) -> bool {
        let grows = |column: &[u64]| column.windows(2).all(|pair| pair[0] < pair[1]);
        grows(&self.sizes) && (self.count_delta() <= 0 || grows(&self.counts))
    }

    /// Bytes that it would have grown by had it always grown as slowly as once: of two snapshots simply its growth. A step,
    /// such as a pool that fills, counts for nothing.
    fn lasting_delta(&self) -> u64 {
        let steps = self
            .sizes
            .windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]));
        steps
            .min()
            .unwrap_or(0)
            .saturating_mul(self.sizes.len() as u64 - 1)
    }
}

/// Everything that grew.
pub(crate) struct GrowthMap {
    /// What moved comes last, what grows all the time before what grew once, and of these the largest first.
    pub(crate) clusters: Vec<Cluster>,
    /// The cluster of each entry.
    owners: Vec<u32>,
    pub(crate) grown_size: u64,
    pub(crate) shrunk_size: u64,
}

impl GrowthMap {
    /// The number of the cluster that an entry belongs to.
    pub(crate) fn owner(&self, entry: Entry) -> Option<usize> {
        self.owners
            .get(entry as usize)
            .filter(|&&owner| owner != NONE)
            .map(|&owner| owner as usize)
    }

    /// Which entries are uppermost in one of the first `clusters`.
    pub(crate) fn heads(&self, entries: usize, clusters: usize) -> Vec<bool> {
        let mut heads = vec![false; entries];
        for &head in self
            .clusters
            .iter()
            .take(clusters)
            .flat_map(|cluster| &cluster.heads)
        {
            heads[head as usize] = true;
        }
        heads
    }

    /// Finds what grew from the first snapshot to the last by at least `min_bytes`, or by a thousandth of all growth where
    /// that is more.
    pub(crate) fn find(collection: &Collection, min_bytes: u64) -> Self {
        let (trie, names) = (&collection.trie, &collection.names);
        let sums = Sums::of(trie);
        let least = min_bytes.max(sums.grown[ROOT as usize] / 1000).max(1);
        let fronts = fronts(trie, &sums, least);
        let mut map = Self::gather(trie, names, &fronts);
        map.add_larger(trie, names, least);
        map.join_companions(trie);
        map.finish(trie, least);
        map
    }

    /// Everything that has the signature of a front, everywhere.
    fn gather(trie: &Trie, names: &Names, fronts: &[Entry]) -> Self {
        let mut clusters: Vec<Cluster> = Vec::new();
        let mut by_signature: HashMap<u64, u32, NumberHash> = HashMap::default();
        for &front in fronts {
            by_signature
                .entry(signature(trie, names, front))
                .or_insert_with_key(|&signature| {
                    clusters.push(Cluster::new(signature, trie.snapshots()));
                    (clusters.len() - 1) as u32
                });
        }
        let mut owners = vec![NONE; trie.len()];
        for entry in 1..trie.len() as Entry {
            let above = owners[trie.place(entry).parent as usize];
            let owner = if above == NONE {
                by_signature
                    .get(&signature(trie, names, entry))
                    .copied()
                    .unwrap_or(NONE)
            } else {
                above
            };
            owners[entry as usize] = owner;
            let Some(cluster) = clusters.get_mut(owner as usize) else {
                continue;
            };
            let is_head = above == NONE;
            if is_head {
                cluster.heads.push(entry);
            }
            for snapshot in 0..trie.snapshots() {
                let tally = trie.tally(snapshot, entry);
                cluster.sizes[snapshot] += tally.size;
                if is_head {
                    cluster.counts[snapshot] += tally.count;
                }
            }
        }
        Self {
            clusters,
            owners,
            grown_size: 0,
            shrunk_size: 0,
        }
    }

    /// Objects outside of the clusters that are larger than before: the store of a holder goes to what it holds, others
    /// are clusters of their own.
    fn add_larger(&mut self, trie: &Trie, names: &Names, least: u64) {
        let mut held: HashMap<Entry, usize, NumberHash> = HashMap::default();
        for (number, cluster) in self.clusters.iter().enumerate() {
            for &head in &cluster.heads {
                let best = held.entry(trie.place(head).parent).or_insert(number);
                if self.clusters[*best].size_delta() < cluster.size_delta() {
                    *best = number;
                }
            }
        }
        let last = trie.snapshots() - 1;
        let mut larger: HashMap<u64, usize, NumberHash> = HashMap::default();
        for entry in 0..trie.len() as Entry {
            let grown = trie.tally(last, entry).size as i64 - trie.tally(0, entry).size as i64;
            if self.owners[entry as usize] != NONE || grown <= 0 {
                continue;
            }
            let number = match held.get(&entry) {
                Some(&number) => number,
                None if (grown as u64) < least || entry == ROOT => continue,
                None => *larger
                    .entry(signature(trie, names, entry))
                    .or_insert_with_key(|&signature| {
                        self.clusters
                            .push(Cluster::new(signature, trie.snapshots()));
                        self.clusters.len() - 1
                    }),
            };
            let is_own = !held.contains_key(&entry);
            let cluster = &mut self.clusters[number];
            if is_own {
                cluster.heads.push(entry);
            }
            for snapshot in 0..trie.snapshots() {
                let tally = trie.tally(snapshot, entry);
                cluster.sizes[snapshot] += tally.size;
                if is_own {
                    cluster.counts[snapshot] += tally.count;
                }
            }
            self.owners[entry as usize] = number as u32;
        }
    }

    /// What came with something larger, as many and in the same holder, belongs to it: keys of a map, a dictionary's names.
    fn join_companions(&mut self, trie: &Trie) {
        let mut main: HashMap<Entry, usize, NumberHash> = HashMap::default();
        let only_parent = |cluster: &Cluster| match cluster.heads.as_slice() {
            [head] => Some(trie.place(*head).parent).filter(|&parent| parent != ROOT),
            _ => None,
        };
        for (number, cluster) in self.clusters.iter().enumerate() {
            if let Some(parent) = only_parent(cluster) {
                let best = main.entry(parent).or_insert(number);
                if self.clusters[*best].size_delta() < cluster.size_delta() {
                    *best = number;
                }
            }
        }
        let mut joined: Vec<u32> = (0..self.clusters.len() as u32).collect();
        for (number, joined) in joined.iter_mut().enumerate() {
            let Some(&best) =
                only_parent(&self.clusters[number]).and_then(|parent| main.get(&parent))
            else {
                continue;
            };
            let (count, of_main) = (
                self.clusters[number].count_delta(),
                self.clusters[best].count_delta(),
            );
            if best == number || count <= 0 || count.abs_diff(of_main) > of_main.unsigned_abs() / 10
            {
                continue;
            }
            let sizes = std::mem::take(&mut self.clusters[number].sizes);
            for (sum, size) in self.clusters[best].sizes.iter_mut().zip(&sizes) {
                *sum += size;
            }
            *joined = best as u32;
        }
        for owner in self.owners.iter_mut().filter(|owner| **owner != NONE) {
            *owner = joined[*owner as usize];
        }
    }

    /// Drops what did not grow in the end, sorts, and adds up.
    fn finish(&mut self, trie: &Trie, least: u64) {
        let mut grown = 0_u64;
        let mut shrunk = 0_u64;
        let mut add = |delta: i64| {
            if delta > 0 {
                grown += delta as u64
            } else {
                shrunk += delta.unsigned_abs()
            }
        };
        let last = trie.snapshots() - 1;
        for entry in 0..trie.len() as Entry {
            if self.owners[entry as usize] == NONE {
                add(trie.tally(last, entry).size as i64 - trie.tally(0, entry).size as i64);
            }
        }
        for cluster in &self.clusters {
            add(cluster.size_delta());
        }
        (self.grown_size, self.shrunk_size) = (grown, shrunk);

        let of_class = class_deltas(trie);
        for cluster in &mut self.clusters {
            let mut parents: Vec<Entry> = cluster
                .heads
                .iter()
                .map(|&head| trie.place(head).parent)
                .collect();
            parents.sort_unstable();
            parents.dedup();
            for snapshot in 0..trie.snapshots() {
                cluster.holders[snapshot] = parents
                    .iter()
                    .map(|&entry| trie.tally(snapshot, entry).count)
                    .sum();
            }
            let net: i64 = cluster
                .heads
                .first()
                .map_or(0, |&head| of_class[&trie.place(head).class.0]);
            cluster.moved = cluster.count_delta() > 0 && net <= cluster.count_delta() / 4;
        }
        let mut order: Vec<usize> = (0..self.clusters.len()).collect();
        order.retain(|&number| self.clusters[number].size_delta() >= least as i64);
        order.sort_by_key(|&number| {
            let cluster = &self.clusters[number];
            (
                cluster.moved,
                std::cmp::Reverse(cluster.lasting_delta()),
                std::cmp::Reverse(cluster.size_delta()),
                cluster.signature,
            )
        });
        let mut renumbered = vec![NONE; self.clusters.len()];
        for (new, &old) in order.iter().enumerate() {
            renumbered[old] = new as u32;
        }
        for owner in &mut self.owners {
            *owner = renumbered.get(*owner as usize).copied().unwrap_or(NONE);
        }
        self.clusters = order
            .iter()
            .map(|&number| self.clusters[number].clone())
            .collect();
    }
}

impl Cluster {
    fn new(signature: u64, snapshots: usize) -> Self {
        Self {
            signature,
            heads: Vec::new(),
            counts: vec![0; snapshots],
            sizes: vec![0; snapshots],
            holders: vec![0; snapshots],
            moved: false,
        }
    }
}

/// Sizes with everything below, in the first and in the last snapshot, and all growth below.
struct Sums {
    before: Vec<u64>,
    after: Vec<u64>,
    grown: Vec<u64>,
    /// By how much places grew, this one or others below, of which there were some before and are no more now. That there is more of
    /// what holds them does not explain it.
    of_as_many: Vec<u64>,
}

impl Sums {
    fn of(trie: &Trie) -> Self {
        let last = trie.snapshots() - 1;
        let column = |snapshot| -> Vec<u64> {
            (0..trie.len() as Entry)
                .map(|entry| trie.tally(snapshot, entry).size)
                .collect()
        };
        let (mut before, mut after) = (column(0), column(last));
        let mut grown: Vec<u64> = before
            .iter()
            .zip(&after)
            .map(|(before, after)| after.saturating_sub(*before))
            .collect();
        let mut of_as_many = vec![0; trie.len()];
        // Children come after their parents.
        for entry in (1..trie.len()).rev() {
            let count = |snapshot| trie.tally(snapshot, entry as Entry).count;
            if (1..=count(0)).contains(&count(last)) {
                of_as_many[entry] = after[entry].saturating_sub(before[entry]);
            }
            let parent = trie.place(entry as Entry).parent as usize;
            before[parent] += before[entry];
            after[parent] += after[entry];
            grown[parent] += grown[entry];
            of_as_many[parent] += of_as_many[entry];
        }
        Self {
            before,
            after,
            grown,
            of_as_many,
        }
    }
}

/// Where growth fans out, from the root downwards.
fn fronts(trie: &Trie, sums: &Sums, least: u64) -> Vec<Entry> {
    let children = trie.children();
    let last = trie.snapshots() - 1;
    let mut fronts = Vec::new();
    let mut open = vec![ROOT];
    while let Some(entry) = open.pop() {
        for &child in children.of(entry) {
            let at = child as usize;
            if sums.grown[at] < least {
                continue;
            }
            let (was, is) = (trie.tally(0, child).count, trie.tally(last, child).count);
            let (before, after) = (sums.before[at], sums.after[at]);
            let is_front = if is <= was {
                false
            } else if was == 0 {
                is >= FEW || !leads_to_many(trie, &children, sums, child)
            } else {
                let by_number = u128::from(before) * u128::from(is - was) / u128::from(was);
                let growth = after.saturating_sub(before);
                u128::from(growth) <= 2 * by_number && 2 * sums.of_as_many[at] <= growth
            };
            if is_front && after > before {
                fronts.push(child);
            } else {
                open.push(child);
            }
        }
    }
    fronts.sort_unstable();
    fronts
}

/// Whether most of a new place's bytes hang below one of its objects that has many others.
fn leads_to_many(
    trie: &Trie,
    children: &super::trie::ChildLists,
    sums: &Sums,
    entry: Entry,
) -> bool {
    let last = trie.snapshots() - 1;
    let of = |entry: Entry| sums.after[entry as usize];
    let many = trie.tally(last, entry).count.max(1) * FAN_OUT;
    let mut at = entry;
    while let Some(&next) = children
        .of(at)
        .iter()
        .max_by_key(|&&child| (of(child), child))
    {
        if of(next) * 2 < of(entry) {
            return false;
        }
        if trie.tally(last, next).count >= many {
            return true;
        }
        at = next;
    }
    false
}

/// The last names of the way to an entry: back to the nearest function of the program above it, twelve at most.
pub(crate) fn signature_way(trie: &Trie, names: &Names, entry: Entry) -> Vec<Entry> {
    let mut way = Vec::with_capacity(MAX_NAMES);
    let mut at = entry;
    while at != ROOT && way.len() < MAX_NAMES {
        way.push(at);
        let place = trie.place(at);
        if at != entry && names.is_anchor(place.class) {
            break;
        }
        at = place.parent;
    }
    way.reverse();
    way
}

/// The hash of [`signature_way`]: the class of the first name, edges and classes of the others.
pub(crate) fn signature(trie: &Trie, names: &Names, entry: Entry) -> u64 {
    let mut hash = 0;
    let mut at = entry;
    for step in 0..MAX_NAMES {
        if at == ROOT {
            break;
        }
        let place = trie.place(at);
        hash = chain(hash, names.hash(place.class));
        if (step > 0 && names.is_anchor(place.class))
            || step + 1 == MAX_NAMES
            || place.parent == ROOT
        {
            break;
        }
        hash = chain(hash, names.hash(place.edge));
        at = place.parent;
    }
    hash
}

/// Change of number by class, over all places.
fn class_deltas(trie: &Trie) -> HashMap<u32, i64, NumberHash> {
    let last = trie.snapshots() - 1;
    let mut deltas: HashMap<u32, i64, NumberHash> = HashMap::default();
    for entry in 0..trie.len() as Entry {
        let change = trie.tally(last, entry).count as i64 - trie.tally(0, entry).count as i64;
        *deltas.entry(trie.place(entry).class.0).or_default() += change;
    }
    deltas
}

fn delta(column: &[u64]) -> i64 {
    let first = column.first().copied().unwrap_or_default();
    let last = column.last().copied().unwrap_or_default();
    last as i64 - first as i64
}
