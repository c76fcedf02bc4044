//! Retained sizes of many objects, each byte counted once.

use crate::analysis::Analysis;
use crate::model::NodeIndex;

const UNKNOWN: u32 = 0;
const NONE: u32 = u32::MAX;

/// Which members of a set dominate which others: 4 bytes for each node at or above one, by pages of these.
pub(crate) struct Topmost<'a, 'g, F> {
    analysis: &'a Analysis<'g>,
    is_member: F,
    /// One more than the nearest member at or above a node, as far as it is known: zeroes that are never written to take no memory.
    nearest: Vec<u32>,
    trail: Vec<u32>,
}

impl<'a, 'g, F: Fn(NodeIndex) -> bool> Topmost<'a, 'g, F> {
    pub(crate) fn new(analysis: &'a Analysis<'g>, is_member: F) -> Self {
        let nearest = vec![UNKNOWN; analysis.graph().node_count()];
        Self {
            analysis,
            is_member,
            nearest,
            trail: Vec::new(),
        }
    }

    /// The nearest member that dominates a node, the node itself not counted. All calls together look at each node once.
    pub(crate) fn above(&mut self, node: NodeIndex) -> Option<NodeIndex> {
        let root = self.analysis.graph().root();
        let mut at = node;
        let found = loop {
            if at == root {
                break NONE;
            }
            at = self.analysis.dominator(at);
            let known = self.nearest[at.index()];
            if known != UNKNOWN {
                break known;
            }
            if (self.is_member)(at) {
                self.nearest[at.index()] = at.0 + 1;
                break at.0 + 1;
            }
            self.trail.push(at.0);
        };
        for passed in self.trail.drain(..) {
            self.nearest[passed as usize] = found;
        }
        (found != NONE).then(|| NodeIndex(found - 1))
    }
}

#[cfg(test)]
mod tests {
    use crate::analysis::{Analysis, AnalyzeOptions};
    use crate::model::NodeKind;
    use crate::sketch::Sketch;

    use super::*;

    #[test]
    fn members_below_others_are_known_by_these() {
        let mut heap = Sketch::new();
        let mut at = heap.global;
        for name in ["a", "b", "a", "b", "b", "a"] {
            at = heap.field(at, "next", name, 10);
        }
        let graph = heap.build(0);
        let analysis = Analysis::of(&graph, &AnalyzeOptions::default()).unwrap();
        let is_a = |node: NodeIndex| graph.node(node).name() == "a";
        let mut topmost = Topmost::new(&analysis, is_a);
        let members: Vec<_> = graph
            .nodes()
            .map(|node| node.index())
            .filter(|&node| is_a(node))
            .collect();
        let above: Vec<_> = members.iter().map(|&node| topmost.above(node)).collect();
        assert_eq!(above, [None, Some(members[0]), Some(members[1])]);
        assert!(graph.nodes().any(|node| node.kind() == NodeKind::Synthetic));
    }
}
