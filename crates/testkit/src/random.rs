//! Heaps at random, the same for the same seed on every machine.

use crate::heap::{EDGE_KINDS, NODE_KINDS};
use crate::{Heap, NodeRef};

/// A small generator of random numbers: `SplitMix64` by S. Vigna, public domain.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Begins anew.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a limit, which must not be 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.number() % limit as u64) as usize
    }

    /// One of some things.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }
}

const CLASSES: [&str; 8] = [
    "Object",
    "User",
    "Map",
    "Array",
    "(map descriptors)",
    "<div id=\"x\">",
    "system / NativeContext",
    "Détaché 😀",
];
const NAMES: [&str; 8] = [
    "a",
    "b",
    "next",
    "elements",
    "sloppy_function_map",
    "__proto__",
    "x,y",
    "\u{1}\n\\\"",
];

/// A heap with about so many nodes: every kind of node and edge, cycles, nodes that nothing reaches, entries of weak
/// maps, detached natives.
#[must_use]
pub fn random_heap(seed: u64, nodes: usize) -> Heap {
    let mut random = Random::new(seed);
    let mut heap = Heap::new();
    heap.global();
    for _ in 0..nodes {
        let kind = NODE_KINDS[random.below(14)];
        let class = CLASSES[random.below(CLASSES.len())];
        let size = random.below(200) as u64;
        let node = heap.node(kind, class, size);
        if random.below(5) == 0 {
            heap.set_location(node, [random.below(3) as u32, random.below(3) as u32, 7]);
        }
        if random.below(20) == 0 {
            heap.set_detachedness(node, random.below(3) as u32);
        }
    }
    let count = heap.node_count();
    for _ in 0..nodes * 2 {
        // Near ends make chains, far ones make a tangle.
        let from = random.below(count);
        let to = if random.below(2) == 0 {
            (from + random.below(8)).min(count - 1)
        } else {
            random.below(count)
        };
        let kind = EDGE_KINDS[random.below(EDGE_KINDS.len())];
        let label = if matches!(kind, "element" | "hidden") {
            random.below(9).to_string()
        } else {
            (*random.pick(&NAMES)).to_owned()
        };
        heap.edge(NodeRef(from), kind, &label, NodeRef(to));
    }
    for _ in 0..nodes / 10 {
        let [table, key, value] = [
            random.below(count),
            random.below(count),
            random.below(count),
        ];
        heap.ephemeron(NodeRef(table), NodeRef(key), NodeRef(value));
    }
    heap
}
