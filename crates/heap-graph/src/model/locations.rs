//! Where in the source the functions and constructors of nodes stand.

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

/// Locations by node: 8 bytes for each node that has one. There are few different places, but many nodes of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locations {
    places: Vec<Location>,
    /// Node and index into `places`, by node.
    nodes: Vec<(NodeIndex, u32)>,
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
        Self { places, nodes }
    }

    pub(crate) fn get(&self, node: NodeIndex) -> Option<Location> {
        let at = self
            .nodes
            .binary_search_by_key(&node, |entry| entry.0)
            .ok()?;
        self.places.get(self.nodes[at].1 as usize).copied()
    }

    /// Every node that has a location with its index into [`Locations::places`], by node.
    pub(crate) fn nodes(&self) -> &[(NodeIndex, u32)] {
        &self.nodes
    }

    pub(crate) fn places(&self) -> &[Location] {
        &self.places
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.places.capacity() * size_of::<Location>()
            + self.nodes.capacity() * size_of::<(NodeIndex, u32)>()
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
        assert_eq!(locations.nodes().len(), 2);
    }
}
