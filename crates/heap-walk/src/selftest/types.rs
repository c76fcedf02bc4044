//! Are types the numbers that the metadata gives for them? Asked of the maps that every isolate has: its table of roots names one of each
//! type that V8 makes for itself.
//!
//! **A type that is measured by a rule of its own has a map that leaves its size to that rule.** A number that nobody has, or one whose
//! objects are all of one size, would let the objects of the true one be measured as arrays.
//!
//! **What V8 visits alike is measured alike.** A map tells, in the byte before its type, how a collection is to visit its objects (V8's
//! `VisitorId`). What the numbers mean changes with every version; that two maps with the same one are of one shape does not. So a rule is
//! found out that was given to the type beside its own, be there one object of it or none.

use rustc_hash::FxHashMap;

use crate::maps;
use crate::roots::RootSet;
use crate::shape::Shape;
use crate::view::View;

/// What is wrong with the types, if anything is.
pub(super) fn check(view: View<'_, '_>, roots: &RootSet) -> Option<String> {
    let layout = view.layout;
    let types = &layout.types;
    let mut is_ruled = vec![false; crate::layout::TYPE_LIMIT];
    let mut visited: FxHashMap<u8, (Shape, u16)> = FxHashMap::default();
    let words = roots.isolate_words.iter();
    for map in words.filter_map(|&word| maps::read(view.heap, layout, word)) {
        let kind = map.instance_type;
        if let Some(is_ruled) = is_ruled.get_mut(usize::from(kind)) {
            *is_ruled |= map.shape == layout.shape(kind);
        }
        if kind < types.symbol || layout.is_js(kind) || map.words != 0 {
            continue;
        }
        let before_type = layout.offsets.map_instance_type.saturating_sub(1);
        let Some(visitor) = view.heap.u8(map.address + before_type as u64) else {
            continue;
        };
        let (shape, of) = *visited.entry(visitor).or_insert((map.shape, kind));
        if shape != map.shape {
            let (one, other) = (layout.type_name(of), layout.type_name(kind));
            return Some(format!(
                "types {one} ({of}) and {other} ({kind}) are visited alike and measured otherwise"
            ));
        }
    }
    // Maps of scopes belong to the global scope that they are in.
    let mut of_roots = (types.symbol..types.first_js).filter(|&kind| !layout.is_context(kind));
    let missing = of_roots.find(|&kind| {
        let has_rule = !matches!(layout.shape(kind), Shape::Words(16) | Shape::Unknown);
        has_rule && is_ruled.get(usize::from(kind)) == Some(&false)
    })?;
    let name = layout.type_name(missing);
    Some(format!(
        "no map of type {name} ({missing}) leaves the size of its objects to a rule"
    ))
}
