//! Where in the source the functions and constructors of nodes stand.

use super::blocks::BlockColumn;
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
    /// The same by the block, as long as they come in the order of the nodes.
    Blocks(BlockColumn),
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

    /// Takes them by node: one more than the index, 0 for none. Of those that come `late` the last counts, before what the node had.
    pub(crate) fn by_node(
        places: Vec<Location>,
        column: BlockColumn,
        late: &[(NodeIndex, u32)],
    ) -> Self {
        if late.is_empty() {
            let nodes = Nodes::Blocks(column);
            return Self { places, nodes };
        }
        let mut nodes = NarrowColumn::with_capacity(column.len());
        column.iter().for_each(|place| nodes.push(place));
        for &(node, place) in late {
            nodes.put(node.index(), place + 1);
        }
        let nodes = Nodes::Most(nodes);
        Self { places, nodes }
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
            Nodes::Blocks(column) if node.index() < column.len() => {
                column.get(node.index()).checked_sub(1)
            }
            Nodes::Most(_) | Nodes::Blocks(_) => None,
        }
    }

    /// Every node that has a location with its index into [`Locations::places`], by node.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (NodeIndex, u32)> + '_ {
        let (few, most, blocks) = match &self.nodes {
            Nodes::Few(nodes) => (nodes.as_slice(), None, None),
            Nodes::Most(column) => (&[][..], Some(column), None),
            Nodes::Blocks(column) => (&[][..], None, Some(column)),
        };
        let most = most.into_iter().flat_map(NarrowColumn::iter);
        let most = (0..).zip(most.chain(blocks.into_iter().flat_map(BlockColumn::iter)));
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
            Nodes::Blocks(column) => column.heap_bytes(),
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

        let column = || [0, 0, 0, 1].into_iter().collect();
        let places = || vec![place(10), place(20)];
        let told = |locations: &Locations| {
            let nodes = locations.nodes();
            nodes
                .map(|(node, place)| (node.0, place))
                .collect::<Vec<_>>()
        };
        let locations = Locations::by_node(places(), column(), &[]);
        assert_eq!(told(&locations), [(3, 0)]);
        assert_eq!(locations.get(NodeIndex(3)), Some(place(10)));
        assert_eq!(locations.get(NodeIndex(99)), None);
        let late = [(5, 0), (2, 1), (5, 1), (3, 1), (7, 70_000)];
        let late = late.map(|(node, place)| (NodeIndex(node), place));
        let locations = Locations::by_node(places(), column(), &late);
        assert_eq!(told(&locations), [(2, 1), (3, 1), (5, 1), (7, 70_000)]);
        assert_eq!(locations.get(NodeIndex(5)), Some(place(20)));
        assert_eq!(locations.get(NodeIndex(4)), None);
        assert_eq!(locations.get(NodeIndex(99)), None);
        assert_eq!(locations.get(NodeIndex(7)), None, "there is no such place");
    }
}
