//! Where in the source the functions and constructors of nodes stand.

use super::compact::NarrowColumn;
use super::index::NodeIndex;

/// A place in a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// V8's number of the script, which a snapshot does not translate to a file.
    pub script_id: u32,
    /// Line, from 0.
    pub line: u32,
    /// Column, from 0.
    pub column: u32,
}

/// Locations by node. There are few different places, but many nodes of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locations {
    places: Vec<Location>,
    nodes: Nodes,
}

/// Indices into the places, by node.
#[derive(Clone, Debug)]
enum Nodes {
    /// 8 bytes for each node that has one, in the order of the nodes.
    Few(Vec<(NodeIndex, u32)>),
    /// 2 bytes for each node up to the last that has one (4 where there are more places than that): one more than the index, 0 for none.
    Most(NarrowColumn),
}

impl Default for Nodes {
    fn default() -> Self {
        Self::Most(NarrowColumn::default())
    }
}

impl Locations {
    /// Takes them in any order. Of two for one node the later counts.
    pub(crate) fn new(places: Vec<Location>, mut nodes: Vec<(NodeIndex, u32)>) -> Self {
        if !nodes.is_sorted_by(|a, b| a.0 < b.0) {
            // Stable: of equal nodes the last one given is the last one here.
            nodes.sort_by_key(|entry| entry.0);
            let mut kept = 0;
            for at in 0..nodes.len() {
                if nodes.get(at + 1).is_none_or(|next| next.0 != nodes[at].0) {
                    nodes[kept] = nodes[at];
                    kept += 1;
                }
            }
            nodes.truncate(kept);
        }
        nodes.shrink_to_fit();
        Self {
            places,
            nodes: Nodes::Few(nodes),
        }
    }

    /// None yet, with room for one of each node.
    pub(crate) fn with_capacity(nodes: usize) -> Self {
        Self {
            places: Vec::new(),
            nodes: Nodes::Most(NarrowColumn::with_capacity(nodes)),
        }
    }

    /// Says where a node has its place among those that [`Locations::with_places`] is given in the end.
    pub(crate) fn set(&mut self, node: NodeIndex, place: u32) {
        match &mut self.nodes {
            Nodes::Few(nodes) => match nodes.binary_search_by_key(&node, |entry| entry.0) {
                Ok(at) => nodes[at].1 = place,
                Err(at) => nodes.insert(at, (node, place)),
            },
            Nodes::Most(column) => column.put(node.index(), place + 1),
        }
    }

    pub(crate) fn with_places(self, places: Vec<Location>) -> Self {
        Self { places, ..self }
    }

    pub(crate) fn has(&self, node: NodeIndex) -> bool {
        self.place(node).is_some()
    }

    pub(crate) fn get(&self, node: NodeIndex) -> Option<Location> {
        self.places.get(self.place(node)? as usize).copied()
    }

    fn place(&self, node: NodeIndex) -> Option<u32> {
        match &self.nodes {
            Nodes::Few(nodes) => {
                let at = nodes.binary_search_by_key(&node, |entry| entry.0).ok()?;
                Some(nodes[at].1)
            }
            Nodes::Most(column) if node.index() < column.len() => {
                column.get(node.index()).checked_sub(1)
            }
            Nodes::Most(_) => None,
        }
    }

    /// Every node that has a location with its index into [`Locations::places`], by node.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (NodeIndex, u32)> + '_ {
        let (few, most) = match &self.nodes {
            Nodes::Few(nodes) => (nodes.as_slice(), None),
            Nodes::Most(column) => (&[][..], Some(column)),
        };
        let most = (0..).zip(most.into_iter().flat_map(NarrowColumn::iter));
        let most = most.filter_map(|(node, place)| Some((NodeIndex(node), place.checked_sub(1)?)));
        few.iter().copied().chain(most)
    }

    pub(crate) fn places(&self) -> &[Location] {
        &self.places
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let nodes = match &self.nodes {
            Nodes::Few(nodes) => nodes.capacity() * size_of::<(NodeIndex, u32)>(),
            Nodes::Most(column) => column.heap_bytes(),
        };
        self.places.capacity() * size_of::<Location>() + nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_two_counts() {
        let place = |line| Location {
            script_id: 1,
            line,
            column: 0,
        };
        let nodes = vec![(NodeIndex(5), 0), (NodeIndex(2), 1), (NodeIndex(5), 1)];
        let locations = Locations::new(vec![place(10), place(20)], nodes);
        assert_eq!(locations.get(NodeIndex(5)), Some(place(20)));
        assert_eq!(locations.get(NodeIndex(2)), Some(place(20)));
        assert_eq!(locations.get(NodeIndex(3)), None);
        assert_eq!(locations.nodes().count(), 2);

        let mut locations = Locations::with_capacity(9);
        for (node, place) in [(5, 0), (2, 1), (5, 1), (7, 70_000)] {
            locations.set(NodeIndex(node), place);
        }
        let nodes: Vec<_> = locations
            .nodes()
            .map(|(node, place)| (node.0, place))
            .collect();
        assert_eq!(nodes, [(2, 1), (5, 1), (7, 70_000)]);
        let locations = locations.with_places(vec![place(10), place(20)]);
        assert_eq!(locations.get(NodeIndex(5)), Some(place(20)));
        assert!(!locations.has(NodeIndex(3)) && !locations.has(NodeIndex(99)));
        assert_eq!(locations.get(NodeIndex(7)), None, "there is no such place");
    }
}
