//! The ways of one heap, kept without the heap.

use super::collect::Collection;
use super::names::Name;
use super::trie::{Entry, ROOT};
use crate::snapshot::Snapshot;

/// The place of what is in none.
pub const NOWHERE: u32 = Entry::MAX;

/// All ways of one heap, merged by name, with how many objects and bytes hang at the end of each: what a later heap can be
/// compared with when this one is long gone. See [`growth_since`](crate::diff::growth_since).
///
/// Places whose bytes, with everything below, are fewer than [`least_bytes`](Ways::least_bytes) stand together as one place
/// `(small)` of what holds them, so that the number of places is bounded whatever the heap holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// Names of references and classes, folded. The first is empty.
    pub names: Vec<String>,
    /// The places, parents before children. The first is the root.
    pub places: Vec<WayPlace>,
    /// Smaller places were put together.
    pub least_bytes: u64,
}

/// One place of [`Ways`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WayPlace {
    /// Number of the place above; the root is its own.
    pub parent: u32,
    /// Number of the name of the reference.
    pub edge: u32,
    /// Number of the name of the class.
    pub class: u32,
    /// Objects here.
    pub count: u64,
    /// Their bytes, with their parts.
    pub size: u64,
}

impl Ways {
    /// The ways of a heap: the `most` places with the most bytes, and what is small put together below these. One search over the graph, some 17 bytes a node
    /// while it lasts.
    #[must_use]
    pub fn of(snapshot: &Snapshot<'_>, most: usize) -> Self {
        Self::with_places(snapshot, most).0
    }

    /// The same, and the number of the place of each node; [`NOWHERE`] for what is held only weakly.
    #[must_use]
    pub fn with_places(snapshot: &Snapshot<'_>, most: usize) -> (Self, Vec<u32>) {
        let mut collection = Collection::new();
        let mut collected = collection.add(snapshot);
        collection.fold_dictionaries(&mut [&mut collected.entries]);
        let least_bytes = collection.trie.least_for(most);
        if least_bytes > 0 {
            collection.put_small_together(least_bytes, &mut [&mut collected.entries]);
        }
        (Self::kept(&collection, least_bytes), collected.entries)
    }

    fn kept(collection: &Collection, least_bytes: u64) -> Self {
        let trie = &collection.trie;
        let mut kept = Self {
            names: vec![String::new()],
            places: Vec::with_capacity(trie.len()),
            least_bytes,
        };
        let mut numbers = std::collections::HashMap::new();
        let mut number = |name: Name, names: &mut Vec<String>| -> u32 {
            let text = collection.names.text(name);
            if text.is_empty() {
                return 0;
            }
            *numbers.entry(name.0).or_insert_with(|| {
                names.push(text.to_owned());
                (names.len() - 1) as u32
            })
        };
        for entry in 0..trie.len() as Entry {
            let (place, tally) = (trie.place(entry), trie.tally(0, entry));
            kept.places.push(WayPlace {
                parent: place.parent,
                edge: number(place.edge, &mut kept.names),
                class: number(place.class, &mut kept.names),
                count: tally.count,
                size: tally.size,
            });
        }
        kept
    }

    /// Whether every number leads somewhere, and parents come before their children.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let named = |number: u32| (number as usize) < self.names.len();
        self.names.first().is_some_and(String::is_empty)
            && self.places.first().is_some_and(|root| root.parent == 0)
            && self.places.iter().enumerate().all(|(at, place)| {
                named(place.edge) && named(place.class) && (at == 0 || (place.parent as usize) < at)
            })
    }

    /// Bytes of all places.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.places
            .iter()
            .fold(0, |sum, place| sum.saturating_add(place.size))
    }
}

impl Collection {
    /// Adds the kept ways of a heap as the next column, and answers with the entry of each place. What is not sound counts for
    /// the root.
    pub(crate) fn add_ways(&mut self, ways: &Ways) -> Vec<Entry> {
        let snapshot = self.trie.add_snapshot();
        let names: Vec<Name> = ways
            .names
            .iter()
            .map(|name| self.names.intern(name))
            .collect();
        let nameless = self.names.intern("");
        let name = |number: u32| names.get(number as usize).copied().unwrap_or(nameless);
        let mut entries: Vec<Entry> = Vec::with_capacity(ways.places.len());
        for (at, place) in ways.places.iter().enumerate() {
            let entry = if at == 0 {
                ROOT
            } else {
                let parent = entries.get(place.parent as usize).copied().unwrap_or(ROOT);
                self.trie
                    .child(parent, name(place.edge), name(place.class), false)
            };
            entries.push(entry);
            self.trie.count(snapshot, entry, place.count, place.size);
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use crate::analysis::AnalyzeOptions;
    use crate::sketch::Sketch;

    use super::*;

    fn ways(sketch: &Sketch, most: usize) -> Ways {
        let graph = sketch.build(1);
        let snapshot = Snapshot::of(&graph, &AnalyzeOptions::default()).unwrap();
        Ways::of(&snapshot, most)
    }

    #[test]
    fn kept_ways_have_every_byte_and_come_back_as_they_were() {
        let mut heap = Sketch::new();
        let log = heap.field(heap.global, "log", "Log", 32);
        for at in 0..100 {
            let entry = heap.object("Entry", 50);
            heap.edge(log, crate::model::EdgeKind::Element, at, entry);
        }
        let kept = ways(&heap, 1 << 20);
        assert!(kept.is_sound());
        assert_eq!(kept.least_bytes, 0);
        assert_eq!(kept.size(), 40 + 32 + 5_000);
        let mut again = Collection::new();
        again.add_ways(&kept);
        assert_eq!(Ways::kept(&again, 0), kept);
    }

    #[test]
    fn small_places_are_put_together_until_there_are_few_enough() {
        let mut heap = Sketch::new();
        for (at, letter) in ('a'..='t').enumerate() {
            let word = format!("{letter}Word");
            heap.field(heap.global, &word, &word, 100 << at);
        }
        let whole = ways(&heap, 1 << 20);
        let few = ways(&heap, 5);
        // Each that is kept may hold one of small ones.
        assert!(whole.places.len() > 20 && few.places.len() <= 10);
        assert_eq!(few.size(), whole.size());
        let small = few.names.iter().position(|name| name == "(small)").unwrap();
        let of_small: Vec<_> = few
            .places
            .iter()
            .filter(|place| place.class as usize == small)
            .collect();
        assert!(!of_small.is_empty());
        assert!(of_small.iter().all(|place| place.count > 0));
    }

    #[test]
    fn what_is_not_sound_harms_nobody() {
        let place = WayPlace {
            parent: 9,
            edge: 7,
            class: 7,
            count: 1,
            size: 8,
        };
        let broken = Ways {
            names: Vec::new(),
            places: vec![place, place],
            least_bytes: 0,
        };
        assert!(!broken.is_sound());
        let mut collection = Collection::new();
        collection.add_ways(&broken);
        assert_eq!(collection.trie.tally(0, ROOT).count, 1);
    }
}
