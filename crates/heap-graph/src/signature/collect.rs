//! Filling a trie from a graph.

use super::labels::Labels;
use super::names::Names;
use super::trie::{Entry, ROOT, Trie};
use crate::model::{EdgeKind, NodeIndex};
use crate::retainers::{RetainerTree, Search, Settled};
use crate::snapshot::Snapshot;

/// The entry of nodes that nothing but weak references leads to.
pub(crate) const UNREACHED: Entry = Entry::MAX;

/// The merged ways of one or several graphs, with the names that they share.
pub(crate) struct Collection {
    pub(crate) names: Names,
    pub(crate) trie: Trie,
}

/// Where the nodes of a graph went.
pub(crate) struct Collected {
    /// The ways themselves.
    pub(crate) tree: RetainerTree,
    /// The trie's entry of each node; [`UNREACHED`] for none.
    pub(crate) entries: Vec<Entry>,
}

impl Collection {
    pub(crate) fn new() -> Self {
        let mut names = Names::default();
        let trie = Trie::new(&mut names);
        Self { names, trie }
    }

    /// Adds a graph as the next column.
    pub(crate) fn add(&mut self, source: &Snapshot<'_>) -> Collected {
        self.add_watched(source, |_, _| {})
    }

    /// The same, and calls `reached` for each node with how far it is, nearest first.
    pub(crate) fn add_watched(
        &mut self,
        source: &Snapshot<'_>,
        mut reached: impl FnMut(NodeIndex, u32),
    ) -> Collected {
        let graph = source.graph();
        let snapshot = self.trie.add_snapshot();
        let mut entries = vec![UNREACHED; graph.node_count()];
        let trie = &mut self.trie;
        let is_string = |node| graph.node(node).kind().is_string();
        let mut labels = Labels::new(graph, source.scripts(), &mut self.names);
        let tree = Search::run(
            source,
            &mut labels,
            &mut self.names,
            |labels, names, settled: Settled<'_>| {
                let way = settled.way();
                let Settled {
                    node, label, cost, ..
                } = settled;
                reached(node, cost);
                let size = graph.node(node).self_size();
                let (entry, count) = match way {
                    None => (ROOT, 1),
                    // The halves of a concatenated string come and go as V8 flattens it.
                    Some((parent, _))
                        if label.role.is_part() || (is_string(node) && is_string(parent)) =>
                    {
                        (entries[parent.index()], 0)
                    }
                    Some((parent, edge)) => {
                        let word = labels.edge(&edge, names);
                        let above = entries[parent.index()];
                        let is_property = edge.kind == EdgeKind::Property;
                        (trie.child(above, word.name, label.name, is_property), 1)
                    }
                };
                entries[node.index()] = entry;
                trie.count(snapshot, entry, count, size);
            },
        );
        Collected { tree, entries }
    }

    /// Folds dictionaries in all columns, and moves `entries` along.
    pub(crate) fn fold_dictionaries(&mut self, entries: &mut [&mut Vec<Entry>]) {
        let is_key = |edge: &str| edge.starts_with('.') || edge == super::fold::ANY_KEY;
        let (trie, moved) = self.trie.fold_dictionaries(&mut self.names, is_key);
        self.trie = trie;
        Self::follow(entries, &moved);
    }

    /// Puts places below `least` bytes together in all columns, and moves `entries` along.
    pub(crate) fn put_small_together(&mut self, least: u64, entries: &mut [&mut Vec<Entry>]) {
        let (trie, moved) = self.trie.put_small_together(&mut self.names, least);
        self.trie = trie;
        Self::follow(entries, &moved);
    }

    fn follow(entries: &mut [&mut Vec<Entry>], moved: &[Entry]) {
        for entry in entries.iter_mut().flat_map(|entries| entries.iter_mut()) {
            *entry = moved.get(*entry as usize).copied().unwrap_or(UNREACHED);
        }
    }

    /// A chain of entries in words: the class of the first, then edges and classes.
    pub(crate) fn words(&self, way: &[Entry]) -> String {
        let mut parts = Vec::with_capacity(2 * way.len());
        for (at, &entry) in way.iter().enumerate() {
            let place = self.trie.place(entry);
            if at > 0 || way.len() == 1 {
                parts.push(self.names.text(place.edge));
            }
            parts.push(self.names.text(place.class));
        }
        parts.retain(|part| !part.is_empty());
        parts.join(" → ")
    }
}
