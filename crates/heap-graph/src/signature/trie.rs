//! All ways from the root, merged by name: one entry for all objects that hang at the same place.
//!
//! Each object of a heap falls into exactly one entry, by its way in the [`RetainerTree`](crate::retainers::RetainerTree) with
//! names folded. Parts of objects (backing stores, scopes, code) count as the object that holds them. The entries of several
//! snapshots share one trie, so that comparing them is subtracting columns.

use std::collections::HashMap;

use rustc_hash::FxHashMap;

use super::fold::ANY_KEY;
use super::hash::NumberHash;
use super::names::{Name, Names};

/// An entry of the trie; 0 is the root.
pub(crate) type Entry = u32;
/// The entry of the root.
pub(crate) const ROOT: Entry = 0;

/// Ways with more names than this end here: what is farther counts for its last ancestor.
const MAX_DEPTH: u16 = 64;
/// A sequence of at most so many names that comes again closes a cycle: a list of any length is a few entries.
const MAX_PERIOD: usize = 8;
/// Most entries; what does not fit counts for its parent.
const MAX_ENTRIES: usize = 4 << 20;
/// Most children of one entry that differ by property name alone are told apart up to this many, in a trie that is being
/// filled.
const MAX_KEYS: u32 = 1 << 16;
/// Class of places that are too small to be told apart.
pub(crate) const SMALL: &str = "(small)";
/// A place with more properties than this, all of one class, is a dictionary.
pub(crate) const DICTIONARY: u32 = 64;

/// Counts and sizes of one snapshot at one entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    /// Bytes of the objects here, with their parts.
    pub(crate) size: u64,
}

/// Where an entry hangs and what it is called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) parent: Entry,
    pub(crate) edge: Name,
    pub(crate) class: Name,
    pub(crate) depth: u16,
}

/// The merged ways of one or several snapshots.
pub(crate) struct Trie {
    places: Vec<Place>,
    children: FxHashMap<(Entry, u32, u32), Entry>,
    keys: HashMap<Entry, u32, NumberHash>,
    /// By snapshot, by entry.
    tallies: Vec<Vec<Tally>>,
    any_key: Name,
}

impl Trie {
    pub(crate) fn new(names: &mut Names) -> Self {
        let root = Place {
            parent: ROOT,
            edge: names.intern(""),
            class: names.intern(""),
            depth: 0,
        };
        Self {
            places: vec![root],
            children: FxHashMap::default(),
            keys: HashMap::default(),
            tallies: Vec::new(),
            any_key: names.intern(ANY_KEY),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn place(&self, entry: Entry) -> Place {
        self.places[entry as usize]
    }

    /// Adds a column for another snapshot and returns its number.
    pub(crate) fn add_snapshot(&mut self) -> usize {
        self.tallies.push(Vec::new());
        self.tallies.len() - 1
    }

    pub(crate) fn snapshots(&self) -> usize {
        self.tallies.len()
    }

    pub(crate) fn tally(&self, snapshot: usize, entry: Entry) -> Tally {
        self.tallies[snapshot]
            .get(entry as usize)
            .copied()
            .unwrap_or_default()
    }

    /// Counts an object (`count` 1) or a part of one (0).
    pub(crate) fn count(&mut self, snapshot: usize, entry: Entry, count: u64, size: u64) {
        let tallies = &mut self.tallies[snapshot];
        if tallies.len() <= entry as usize {
            tallies.resize(entry as usize + 1, Tally::default());
        }
        let tally = &mut tallies[entry as usize];
        tally.count += count;
        tally.size = tally.size.saturating_add(size);
    }

    /// The entry below `parent` by this edge and class, made if it is new and there is room.
    pub(crate) fn child(
        &mut self,
        parent: Entry,
        edge: Name,
        class: Name,
        is_property: bool,
    ) -> Entry {
        if let Some(&known) = self.children.get(&(parent, edge.0, class.0)) {
            return known;
        }
        let depth = self.places[parent as usize].depth;
        let entry = if let Some(again) = self.cycle(parent, edge, class) {
            again
        } else if depth >= MAX_DEPTH || self.places.len() >= MAX_ENTRIES {
            return parent;
        } else {
            if is_property && edge != self.any_key {
                let keys = self.keys.entry(parent).or_default();
                *keys += 1;
                if *keys > MAX_KEYS {
                    return self.child(parent, self.any_key, class, false);
                }
            }
            self.places.push(Place {
                parent,
                edge,
                class,
                depth: depth + 1,
            });
            (self.places.len() - 1) as Entry
        };
        self.children.insert((parent, edge.0, class.0), entry);
        entry
    }

    /// The entry at which the names would begin to repeat themselves, all of a period alike: going on from there makes
    /// a list as long as it likes a few entries.
    fn cycle(&self, parent: Entry, edge: Name, class: Name) -> Option<Entry> {
        let mut above = [ROOT; 2 * MAX_PERIOD];
        let mut length = 0;
        let mut at = parent;
        while at != ROOT && length < above.len() {
            above[length] = at;
            length += 1;
            at = self.places[at as usize].parent;
        }
        let name = |entry: Entry| {
            (
                self.places[entry as usize].edge,
                self.places[entry as usize].class,
            )
        };
        // `above[period - 1]` has to bear the new name, what is above it the names of what is above the new one.
        let repeats = |&period: &usize| {
            name(above[period - 1]) == (edge, class)
                && (0..period - 1).all(|at| name(above[at]) == name(above[at + period]))
        };
        (1..=MAX_PERIOD)
            .take_while(|period| 2 * period - 1 <= length)
            .find(repeats)
            .map(|period| above[period - 1])
    }

    /// The same trie with dictionaries folded: where properties of one class are many, in any of the snapshots or in
    /// all together, they become one entry `[key]`, with everything below merged. Returns the new entry of each old one
    /// as well.
    pub(crate) fn fold_dictionaries(
        &self,
        names: &mut Names,
        is_key: impl Fn(&str) -> bool,
    ) -> (Self, Vec<Entry>) {
        let mut folded = Self::new(names);
        for _ in 0..self.snapshots() {
            folded.add_snapshot();
        }
        let children = self.child_lists();
        let mut moved = vec![ROOT; self.len()];
        // Entries of the new trie whose children are to be made, with the old ones merged into each.
        let mut queue: Vec<(Entry, Vec<Entry>)> = vec![(ROOT, vec![ROOT])];
        let mut next = 0;
        while next < queue.len() {
            let (parent, olds) = std::mem::take(&mut queue[next]);
            next += 1;
            let below = || olds.iter().flat_map(|&old| children.of(old)).copied();
            let mut keys: HashMap<u32, std::collections::HashSet<u32>> = HashMap::new();
            for old in below() {
                let place = self.place(old);
                if is_key(names.text(place.edge)) {
                    let of_class = keys.entry(place.class.0).or_default();
                    if of_class.len() as u32 <= DICTIONARY {
                        of_class.insert(place.edge.0);
                    }
                }
            }
            let mut groups: HashMap<Entry, usize> = HashMap::new();
            for old in below() {
                let place = self.place(old);
                let many = keys
                    .get(&place.class.0)
                    .is_some_and(|keys| keys.len() as u32 > DICTIONARY);
                let edge = if many && is_key(names.text(place.edge)) {
                    self.any_key
                } else {
                    place.edge
                };
                let entry = folded.child(parent, edge, place.class, false);
                moved[old as usize] = entry;
                for snapshot in 0..self.snapshots() {
                    let tally = self.tally(snapshot, old);
                    folded.count(snapshot, entry, tally.count, tally.size);
                }
                // An entry that closes a cycle has been, or will be, queued under its first name too; its children
                // are merged there all the same.
                let at = *groups.entry(entry).or_insert_with(|| {
                    queue.push((entry, Vec::new()));
                    queue.len() - 1
                });
                queue[at].1.push(old);
            }
        }
        for snapshot in 0..self.snapshots() {
            let root = self.tally(snapshot, ROOT);
            folded.count(snapshot, ROOT, root.count, root.size);
        }
        (folded, moved)
    }

    /// The largest bytes of each place with everything below, in any of the snapshots.
    fn largest(&self) -> Vec<u64> {
        let mut largest = vec![0_u64; self.len()];
        for snapshot in 0..self.snapshots() {
            let mut sizes: Vec<u64> = (0..self.len() as Entry)
                .map(|entry| self.tally(snapshot, entry).size)
                .collect();
            // Children come after their parents.
            for entry in (1..self.len()).rev() {
                let parent = self.places[entry].parent as usize;
                sizes[parent] = sizes[parent].saturating_add(sizes[entry]);
            }
            for (largest, size) in largest.iter_mut().zip(sizes) {
                *largest = size.max(*largest);
            }
        }
        largest
    }

    /// The least power of two so that at most `most` places have that many bytes; 0 when there are no more anyway.
    pub(crate) fn least_for(&self, most: usize) -> u64 {
        if self.len() <= most {
            return 0;
        }
        let largest = self.largest();
        (0..u64::BITS - 1)
            .map(|bits| 1 << bits)
            .find(|&least| largest.iter().filter(|&&size| size >= least).count() <= most)
            .unwrap_or(u64::MAX)
    }

    /// The same trie with places below `least` bytes, in all of the snapshots, put together as one place of what holds
    /// them. Returns the new entry of each old one as well.
    pub(crate) fn put_small_together(&self, names: &mut Names, least: u64) -> (Self, Vec<Entry>) {
        let small = names.intern(SMALL);
        let nameless = names.intern("");
        let largest = self.largest();
        let mut together = Self::new(names);
        for _ in 0..self.snapshots() {
            together.add_snapshot();
        }
        let mut moved = vec![ROOT; self.len()];
        for entry in 0..self.len() {
            let place = self.places[entry];
            let parent = moved[place.parent as usize];
            let is_small = |place: &Place| place.class == small;
            let target = if entry == ROOT as usize || is_small(&together.places[parent as usize]) {
                parent
            } else if largest[entry] < least {
                together.child(parent, nameless, small, false)
            } else {
                together.child(parent, place.edge, place.class, false)
            };
            moved[entry] = target;
            for snapshot in 0..self.snapshots() {
                let tally = self.tally(snapshot, entry as Entry);
                together.count(snapshot, target, tally.count, tally.size);
            }
        }
        (together, moved)
    }

    fn child_lists(&self) -> ChildLists {
        let mut first = vec![0_u32; self.len() + 1];
        for place in self.places.iter().skip(1) {
            first[place.parent as usize + 1] += 1;
        }
        for at in 1..first.len() {
            first[at] += first[at - 1];
        }
        let mut next = first.clone();
        let mut list = vec![ROOT; self.len().saturating_sub(1)];
        for (entry, place) in self.places.iter().enumerate().skip(1) {
            let slot = &mut next[place.parent as usize];
            list[*slot as usize] = entry as Entry;
            *slot += 1;
        }
        ChildLists { first, list }
    }

    /// The children of every entry.
    pub(crate) fn children(&self) -> ChildLists {
        self.child_lists()
    }
}

/// Children by parent, in the order in which they were made.
pub(crate) struct ChildLists {
    first: Vec<u32>,
    list: Vec<Entry>,
}

impl ChildLists {
    pub(crate) fn of(&self, entry: Entry) -> &[Entry] {
        let at = entry as usize;
        &self.list[self.first[at] as usize..self.first[at + 1] as usize]
    }
}
