//! What V8 has in read-only memory and tells of nowhere, or in the place of nothing.

use std::ops::Range;

use memguard_heap_graph::NodeIndex;
use rustc_hash::FxHashMap;

use super::ranks::Ranks;
use crate::view::Object;
use crate::walker::Walker;

/// The kind of the oddball that stands for a hole, until holes got a type of their own (V8 12).
const ODDBALL_THE_HOLE: u64 = 2;

/// Nodes of read-only pages that no edge of V8's own leads to: for each such page, from which node on, and a bit for each.
pub(super) struct Dull {
    pages: Vec<(u32, Vec<bool>)>,
    /// From the first of them to beyond the last.
    all: Range<u32>,
}

/// A map of so many objects is left out: who holds it alone holds all of these, beside which its bytes are nothing.
const OBJECTS_OF_DULL_MAP: u64 = 1_000;

impl Dull {
    pub(super) fn find(walker: &Walker<'_, '_>, ranks: &Ranks<'_, '_>) -> Self {
        let counts: FxHashMap<u64, u64> = walker
            .counts()
            .map(|(map, count)| (map.address, count))
            .collect();
        let mut pages: Vec<(u32, Vec<bool>)> = Vec::new();
        let mut last = None;
        for (page, object) in crate::walker::objects_by_page(walker, |page| page.heap == 0) {
            let Some(node) = ranks.node(object.address | 1) else {
                continue;
            };
            if last != Some(page) {
                last = Some(page);
                pages.push((node.0, Vec::new()));
            }
            if let Some((_, is_dull)) = pages.last_mut() {
                is_dull.push(Self::is_dull(walker, &counts, &object));
            }
        }
        let first = pages.iter().map(|&(first, _)| first).min();
        let end = pages.iter().map(|(first, all)| *first + all.len() as u32);
        let all = first.unwrap_or(0)..end.max().unwrap_or(0);
        Self { pages, all }
    }

    /// What V8 calls no essential object (`V8HeapExplorer::IsEssentialObject`).
    fn is_dull(walker: &Walker<'_, '_>, counts: &FxHashMap<u64, u64>, object: &Object) -> bool {
        let layout = walker.layout;
        let kind = object.instance_type();
        if kind == layout.types.oddball {
            return true;
        }
        if kind == layout.types.map {
            let at = object.address + layout.offsets.map_instance_type as u64;
            let described = walker
                .heap
                .u16(at)
                .map_or("", |kind| layout.type_name(kind));
            return counts
                .get(&object.address)
                .is_some_and(|&count| count >= OBJECTS_OF_DULL_MAP)
                || matches!(
                    described,
                    "FIXED_ARRAY"
                        | "CELL"
                        | "PROPERTY_CELL"
                        | "SHARED_FUNCTION_INFO"
                        | "FREE_SPACE"
                        | "FILLER"
                );
        }
        let is_empty = || {
            walker
                .heap
                .word(object.address + 8)
                .is_some_and(|word| word as u16 == 0 && word >> 32 == 0)
        };
        match layout.type_name(kind) {
            "HOLE" => true,
            "FIXED_ARRAY"
            | "BYTE_ARRAY"
            | "WEAK_FIXED_ARRAY"
            | "DESCRIPTOR_ARRAY"
            | "STRONG_DESCRIPTOR_ARRAY" => is_empty(),
            _ => false,
        }
    }

    #[inline]
    pub(super) fn contains(&self, node: NodeIndex) -> bool {
        self.all.contains(&node.0)
            && self.pages.iter().any(|(first, is_dull)| {
                node.0
                    .checked_sub(*first)
                    .and_then(|at| is_dull.get(at as usize))
                    .is_some_and(|&is| is)
            })
    }
}

/// The nodes that stand for holes.
pub(super) fn holes(walker: &Walker<'_, '_>, ranks: &Ranks<'_, '_>) -> Vec<NodeIndex> {
    let mut holes = Vec::new();
    for (_, object) in crate::walker::objects_by_page(walker, |page| page.heap == 0) {
        let kind = object.instance_type();
        let own_type = walker.layout.type_name(kind) == "HOLE";
        let offset = walker.layout.offsets.oddball_kind as u64;
        let is_hole = || {
            kind == walker.layout.types.oddball
                && walker.heap.word(object.address + offset) == Some(ODDBALL_THE_HOLE << 32)
        };
        if (own_type || is_hole())
            && let Some(node) = ranks.node(object.address | 1)
        {
            holes.push(node);
        }
    }
    holes
}
