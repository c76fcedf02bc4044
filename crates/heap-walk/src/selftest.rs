//! Does the heap look as the metadata says? Asked in every census, of the objects just marked.
//!
//! **Adjacency.** On a page, objects follow one another: where one ends, a word stands that is a map (of the next
//! object, or of the free space). A wrong size falls through at once: of objects of a type whose size is wrong, at
//! most a quarter is followed by a map; of right ones, more than 99 % are (the rest end at an allocation area).
//!
//! **Fields.** A function's shared info is a shared info, a map's prototype an object or null, and so on: a wrong offset or
//! a wrong type code shows at once.

mod fields;
mod types;

use crate::error::WalkError;
use crate::roots::RootSet;
use crate::view::{View, object_size};
use crate::walker::{Bits, Walker};

/// How many objects of a type are looked at.
const SAMPLE: u32 = 400;
/// Of heaps with more objects a part is looked at, spread over all pages, so that the test takes no longer than that of this many.
const LOOKED_AT: u64 = 1 << 20;
/// Of types with fewer objects, nothing is said.
const ENOUGH: u32 = 24;
/// Of fields with fewer, nothing either.
const FEW: u32 = 3;
/// The share that must be followed by a map, in percent.
const PERCENT: u32 = 90;
/// One in so many objects may have a length that can't be told.
const UNSIZED_PART: u64 = 1_000;
/// More of them where no constant names their type, as that of the tables by which WebAssembly calls functions (V8 12): each instance
/// has one, and who has many instances may have little else.
const UNSIZED_UNNAMED_PART: u64 = 100;
/// Words in the place of references that led nowhere, per million of those that did.
const FALSE_PER_MILLION: u64 = 200;

/// Checks what was marked.
///
/// # Errors
/// [`WalkError::SelfTest`] with the type and what was found of it, or when there is next to nothing alive.
pub(crate) fn check(
    walker: &Walker<'_, '_>,
    view: View<'_, '_>,
    roots: &RootSet,
) -> Result<(), WalkError> {
    let failed = |check, detail| Err(WalkError::SelfTest { check, detail });
    let objects: u64 = walker.tallies.iter().map(|t| t.all.count).sum();
    // An isolate of Node has some 30,000 objects before the first line of a program.
    if objects < 1_000 {
        return failed(
            "roots",
            format!("only {objects} objects were reached from the roots"),
        );
    }
    if walker.false_references > 100
        && walker.false_references * 1_000_000 > walker.references * FALSE_PER_MILLION
    {
        let (bad, all) = (walker.false_references, walker.references);
        return failed(
            "references",
            format!("{bad} of {all} references led to no object"),
        );
    }
    if walker.unsized_named * UNSIZED_PART > objects
        || walker.unsized_objects * UNSIZED_UNNAMED_PART > objects
    {
        let (count, kind) = (walker.unsized_objects, walker.unsized_type);
        let name = walker.layout.type_name(kind);
        let detail = format!(
            "how long {count} objects are is not known, those of type {name} ({kind}) among them"
        );
        return failed("sizes", detail);
    }
    if let Some(detail) = types::check(view, roots) {
        return failed("types", detail);
    }
    if let Some(detail) = elements_kinds(walker, view) {
        return failed("elements", detail);
    }
    let cells_in_run = usize::try_from(objects / LOOKED_AT + 1).unwrap_or(1);
    let followed_by_type = adjacency(walker, cells_in_run);
    for (instance_type, (seen, followed)) in followed_by_type.into_iter().enumerate() {
        if seen >= ENOUGH && followed * 100 < seen * PERCENT {
            let code = u16::try_from(instance_type).unwrap_or(u16::MAX);
            let name = walker.layout.type_name(code);
            let detail = format!(
                "of {seen} objects of type {name} ({instance_type}), {followed} are followed by another object"
            );
            return failed("sizes", detail);
        }
    }
    // Node makes thousands of each before the first line of a program: none of them means a wrong type code.
    let types = &walker.layout.types;
    for kind in [
        types.first_function,
        types.js_array,
        types.property_array,
        types.shared_function_info,
        types.scope_info,
    ] {
        let maps = walker.maps.infos().iter().zip(&walker.tallies);
        let found: u64 = maps
            .filter(|(map, _)| map.instance_type == kind)
            .map(|(_, t)| t.all.count)
            .sum();
        if found < ENOUGH.into() {
            let name = walker.layout.type_name(kind);
            return failed(
                "types",
                format!("only {found} objects of type {name} ({kind})"),
            );
        }
    }
    for tally in fields::check(walker, view, cells_in_run) {
        let often = tally.seen >= ENOUGH && tally.sound * 100 < tally.seen * PERCENT;
        // Of what there is little of, one that is sound is enough.
        let never = tally.seen >= FEW && tally.sound == 0;
        if often || never {
            let detail = format!(
                "of {} times that {}, it was so {} times",
                tally.seen, tally.expectation, tally.sound
            );
            return failed("fields", detail);
        }
    }
    Ok(())
}

/// Kinds of elements between hash tables and the first of typed arrays: two of `arguments`, two of strings.
const KINDS_BETWEEN: u32 = 4;

/// What is wrong with the number of the kind of elements in hash tables, by those of typed arrays, of which Node always has some of bytes:
/// the first of their kinds.
fn elements_kinds(walker: &Walker<'_, '_>, view: View<'_, '_>) -> Option<String> {
    let codes = &walker.layout.codes;
    let maps = walker.maps.infos().iter().zip(&walker.tallies);
    let first = maps
        .filter(|(map, tally)| {
            map.instance_type == walker.layout.types.js_typed_array && tally.all.count > 0
        })
        .map(|(map, _)| view.elements_kind(map))
        .min()?;
    let expected = first.checked_sub(KINDS_BETWEEN + 1);
    (expected != Some(codes.dictionary_elements)).then(|| {
        let found = codes.dictionary_elements;
        format!("elements in hash tables are of kind {found}, and those of typed arrays begin at {first}")
    })
}

/// For each type: how many objects were looked at, and how many of them are followed by a map.
fn adjacency(walker: &Walker<'_, '_>, cells_in_run: usize) -> Vec<(u32, u32)> {
    let mut found = vec![(0, 0); crate::layout::TYPE_LIMIT];
    for (page, chunk) in walker.heap.chunks().iter().enumerate() {
        if chunk.page.is_large() {
            continue;
        }
        let cells = walker.marks.page(page).iter().enumerate();
        for (index, &bits) in cells.step_by(cells_in_run) {
            for bit in Bits(bits) {
                look(walker, page, (index * 64 + bit as usize) * 8, &mut found);
            }
        }
    }
    found
}

fn look(walker: &Walker<'_, '_>, page: usize, offset: usize, found: &mut [(u32, u32)]) {
    let chunk = &walker.heap.chunks()[page];
    let Some(bytes) = chunk.slice(offset, chunk.words() * 8 - offset) else {
        return;
    };
    let Some(info) = walker.maps.known(crate::elf::u64_at(bytes, 0)) else {
        return;
    };
    let Some(slot) = found.get_mut(usize::from(info.instance_type)) else {
        return;
    };
    if slot.0 >= SAMPLE {
        return;
    }
    let Some(size) = object_size(walker.heap, info, bytes) else {
        return;
    };
    let next = bytes.get(size..size + 8).map(|b| crate::elf::u64_at(b, 0));
    slot.0 += 1;
    let good = match next {
        // The end of the page, or memory that was never used.
        None | Some(0) => true,
        Some(word) => {
            walker.maps.known(word).is_some()
                || crate::maps::read(walker.heap, walker.layout, word).is_some()
        }
    };
    slot.1 += u32::from(good);
}
