//! References to nodes, as they are kept when dominators are known: as they were, or packed.
//!
//! Packed, a reference is the step from the source before it, the first of a node that from the node itself, in as few bytes as hold it, seven
//! bits each (LEB128), with a bit for whether it counts for dominators. What refers to one node often stands close together: some 2 bytes
//! a reference in place of 4.

use super::AnalyzeError;
use super::bits::Bits;
use super::retainers::{Retainer, Retainers, STRONG, essential};
use crate::columns::with_room;
use crate::model::{Edge, HeapGraph, NodeIndex};

/// References by their targets.
#[derive(Clone, Debug)]
pub(crate) enum References {
    Plain(Retainers),
    Packed {
        /// Where the bytes of each node begin.
        first: Vec<u32>,
        bytes: Vec<u8>,
    },
}

impl Default for References {
    fn default() -> Self {
        Self::Plain(Retainers::default())
    }
}

impl References {
    /// In as little memory as can be had; as they are, if their number is beyond what can be counted in four bytes.
    pub(crate) fn packed(retainers: Retainers) -> Result<Self, AnalyzeError> {
        const MOST_BYTES: usize = 5;
        if retainers.edges() > u32::MAX as usize / MOST_BYTES {
            return Ok(Self::Plain(retainers));
        }
        // Memory that is never written to is none.
        let mut bytes = with_room(retainers.edges() * MOST_BYTES)?;
        let (mut first, words) = retainers.into_columns();
        let mut begin = 0;
        for node in 0..first.len().saturating_sub(1) {
            let end = first[node + 1] as usize;
            first[node] = bytes.len() as u32;
            pack(node as u32, &words[begin..end], &mut bytes);
            begin = end;
        }
        if let Some(end) = first.last_mut() {
            *end = bytes.len() as u32;
        }
        drop(words);
        bytes.shrink_to_fit();
        Ok(Self::Packed { first, bytes })
    }

    pub(crate) fn count(&self, node: NodeIndex) -> usize {
        self.words(node.0).count()
    }

    /// The sources, one for each reference, in the order of the file.
    pub(crate) fn sources(&self, node: NodeIndex) -> impl Iterator<Item = NodeIndex> + Clone + '_ {
        self.words(node.0).map(|word| NodeIndex(word & !STRONG))
    }

    /// Those that count for dominators, given what the program owns.
    pub(crate) fn essential<'a>(
        &'a self,
        graph: &HeapGraph,
        page_owned: &'a Bits,
        node: u32,
    ) -> impl Iterator<Item = u32> + 'a {
        essential(self.words(node), graph, page_owned, node)
    }

    /// The references with their edges, which are looked for among each source's.
    pub(crate) fn edges<'a>(
        &'a self,
        graph: &'a HeapGraph,
        node: NodeIndex,
    ) -> impl Iterator<Item = Retainer> + 'a {
        let mut last = None;
        self.sources(node)
            // Several references of one source follow one another.
            .filter(move |&from| last.replace(from) != Some(from))
            .flat_map(move |from| {
                let to_node = move |edge: &Edge| edge.target == node;
                graph
                    .edges(from)
                    .filter(to_node)
                    .map(move |edge| Retainer { from, edge })
            })
    }

    fn words(&self, node: u32) -> impl Iterator<Item = u32> + Clone + '_ {
        let (plain, packed) = match self {
            Self::Plain(retainers) => (retainers.words(node), &[][..]),
            Self::Packed { first, bytes } => {
                let at = node as usize;
                let range = first[at] as usize..first[at + 1] as usize;
                (&[][..], &bytes[range])
            }
        };
        let unpacked = Unpacked {
            node,
            last: None,
            bytes: packed,
        };
        plain.iter().copied().chain(unpacked)
    }
}

/// A difference of either sign as a number that is small if it is near zero.
fn zigzag(to: u32, from: u32) -> u32 {
    // Both are below 2^29.
    let step = to.cast_signed() - from.cast_signed();
    (step << 1 ^ step >> 31).cast_unsigned()
}

fn unzigzag(step: u32, from: u32) -> u32 {
    let step = (step >> 1).cast_signed() ^ -(step & 1).cast_signed();
    from.wrapping_add_signed(step)
}

/// Adds the references to a node, whose sources are in their order.
fn pack(node: u32, words: &[u32], bytes: &mut Vec<u8>) {
    let mut last = None;
    for &word in words {
        let from = word & !STRONG;
        let step = match last {
            Some(last) => from - last,
            None => zigzag(from, node),
        };
        last = Some(from);
        let mut number = u64::from(step) << 1 | u64::from(word & STRONG != 0);
        while number > 0x7f {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
    }
}

/// The references to one node.
#[derive(Clone)]
struct Unpacked<'a> {
    node: u32,
    last: Option<u32>,
    bytes: &'a [u8],
}

impl Iterator for Unpacked<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let mut number = 0_u64;
        let mut shift = 0;
        loop {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let step = (number >> 1) as u32;
        let from = match self.last {
            Some(last) => last.wrapping_add(step),
            None => unzigzag(step, self.node),
        };
        self.last = Some(from);
        Some(if number & 1 != 0 { from | STRONG } else { from })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MAX_NODES;

    #[test]
    fn references_come_out_as_they_went_in() {
        let far = MAX_NODES as u32 - 1;
        for list in [
            &[][..],
            &[0],
            &[5, 5 | STRONG, 5],
            &[STRONG, 1, 200, 20_000 | STRONG, far],
        ] {
            for node in [0, 7, far] {
                let mut bytes = Vec::new();
                pack(node, list, &mut bytes);
                let unpacked = Unpacked {
                    node,
                    last: None,
                    bytes: &bytes,
                };
                assert_eq!(unpacked.collect::<Vec<_>>(), list, "{node}");
            }
        }
    }
}
