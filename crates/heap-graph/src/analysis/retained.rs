//! Retained sizes, and the dominators' tree from the top.

use crate::AnalyzeError;
use crate::columns::{Spare, with_room};
use crate::model::{SizeColumn, WideColumn};

/// What would be freed with each node: its own size and that of all it dominates. Four bytes a node if the whole heap's
/// size fits four bytes, which no part of it can exceed. In `order` every node comes after its dominator.
pub(crate) fn retained_sizes(
    dominators: &[u32],
    order: Vec<u32>,
    shallow: &SizeColumn,
    mut spare: Spare,
) -> Result<WideColumn, AnalyzeError> {
    let nodes = dominators.len();
    if shallow.sum() <= u32::MAX.into() {
        let mut sizes = spare.with_room(nodes)?;
        sizes.extend(shallow.iter().map(|size| size as u32));
        add_up(dominators, &order, &mut sizes, u32::saturating_add);
        return Ok(WideColumn::Narrow(sizes));
    }
    let mut sizes: Vec<u64> = with_room(nodes)?;
    sizes.extend(shallow.iter());
    add_up(dominators, &order, &mut sizes, u64::saturating_add);
    Ok(WideColumn::Wide(sizes))
}

/// Adds what each node has to its dominator, the farthest from the root first.
fn add_up<T: Copy>(dominators: &[u32], order: &[u32], sizes: &mut [T], add: impl Fn(T, T) -> T) {
    // The root comes first.
    for &node in order.iter().skip(1).rev() {
        let dominator = dominators[node as usize] as usize;
        sizes[dominator] = add(sizes[dominator], sizes[node as usize]);
    }
}

/// The nodes that each node dominates directly: 8 bytes a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dominated {
    first: Vec<u32>,
    nodes: Vec<u32>,
}

impl Dominated {
    /// A counting sort by dominator, in the order of the file within one.
    pub(crate) fn of(
        dominators: &[u32],
        root: u32,
        mut spare: Spare,
    ) -> Result<Self, AnalyzeError> {
        let mut first = spare.zeroed(dominators.len() + 2)?;
        let mut nodes = spare.zeroed(dominators.len().saturating_sub(1))?;
        let others = || (0..).zip(dominators).filter(|&(node, _)| node != root);
        for (_, &dominator) in others() {
            first[dominator as usize + 2] += 1;
        }
        let mut sum = 0;
        for count in &mut first {
            sum += *count;
            *count = sum;
        }
        for (node, &dominator) in others() {
            let next = &mut first[dominator as usize + 1];
            nodes[*next as usize] = node;
            *next += 1;
        }
        first.truncate(dominators.len() + 1);
        Ok(Self { first, nodes })
    }

    #[inline]
    pub(crate) fn of_node(&self, node: u32) -> &[u32] {
        &self.nodes[self.first[node as usize] as usize..self.first[node as usize + 1] as usize]
    }
}
