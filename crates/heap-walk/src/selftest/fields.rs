//! What fields should hold, asked of a sample of the objects that were marked.

use std::collections::HashSet;

use rustc_hash::FxHashMap;

use super::SAMPLE;
use crate::elf::{u16_at, u64_at};
use crate::shape::{ScopeInfo, Shape, smi_at};
use crate::view::{Object, Place, View};
use crate::walker::{Walker, sampled_objects};

/// Where a hash table says how many entries it has room for: after those in use and those deleted.
const CAPACITY: usize = 16;
/// Objects of one map that are looked at: many more than expectations need, since most hold of a few of them alone.
const MOST_OF_A_MAP: u32 = 16 * SAMPLE;
/// Key, value and details.
const ENTRY_BYTES: usize = 24;

/// How often an expectation was looked at, and how often it held.
pub(super) struct Tally {
    pub(super) expectation: &'static str,
    pub(super) seen: u32,
    pub(super) sound: u32,
}

struct Asked<'h, 'm> {
    view: View<'h, 'm>,
    tallies: Vec<Tally>,
}

impl Asked<'_, '_> {
    fn expect(&mut self, expectation: &'static str, sound: impl FnOnce(&Self) -> bool) {
        let known = self
            .tallies
            .iter()
            .position(|t| t.expectation == expectation);
        let at = known.unwrap_or_else(|| {
            self.tallies.push(Tally {
                expectation,
                seen: 0,
                sound: 0,
            });
            self.tallies.len() - 1
        });
        if self.tallies[at].seen >= SAMPLE {
            return;
        }
        let sound = sound(self);
        self.tallies[at].seen += 1;
        self.tallies[at].sound += u32::from(sound);
    }

    /// The type of what a field refers to; `None` for a Smi or what is no object.
    fn kind(&self, object: &Object, offset: usize) -> Option<u16> {
        self.view.field(object, offset).map(|o| o.instance_type())
    }

    /// Whether a hash table has its entries from the word `start` on: as many as it says that there is room for.
    fn has_entries_from(&self, table: &Object, start: usize) -> bool {
        let words = self.view.elements(table, 16);
        let room = words
            .get(CAPACITY..CAPACITY + 8)
            .and_then(|word| smi_at(word, 0));
        room.is_some_and(|room| words.len() == start * 8 + room * ENTRY_BYTES)
    }

    fn is_smi(&self, object: &Object, offset: usize) -> bool {
        self.view
            .field_word(object.address, offset)
            .is_some_and(|w| w & 0xffff_ffff == 0)
    }
}

/// Asks.
pub(super) fn check(
    walker: &Walker<'_, '_>,
    view: View<'_, '_>,
    cells_in_run: usize,
) -> Vec<Tally> {
    let mut asked = Asked {
        view,
        tallies: Vec::new(),
    };
    let types = &view.layout.types;
    // Objects of one map are alike: millions of them tell no more than some. Maps are not.
    let mut of_map: FxHashMap<u64, u32> = FxHashMap::default();
    for (_, object) in sampled_objects(walker, cells_in_run, |_| true) {
        let asked_of = of_map.entry(object.map.address).or_default();
        *asked_of += 1;
        if *asked_of > MOST_OF_A_MAP && object.instance_type() != types.map {
            continue;
        }
        match object.instance_type() {
            t if t == types.map => map(&mut asked, &object),
            t if t == types.shared_function_info => shared(&mut asked, &object),
            t if t == types.script => script(&mut asked, &object),
            t if t == types.symbol => asked.expect("a symbol's name is a string", |a| {
                let kind = a.kind(&object, a.view.layout.offsets.symbol_name);
                kind.is_some_and(|t| a.view.layout.is_string(t) || t == types.oddball)
            }),
            t if view.layout.is_context(t) && t != types.native_context => {
                asked.expect("a context begins with a scope info", |a| {
                    a.kind(&object, 16) == Some(types.scope_info)
                });
            }
            t if t == types.oddball => asked.expect("an oddball has a small number", |a| {
                let kind = a
                    .view
                    .field_word(object.address, a.view.layout.offsets.oddball_kind);
                kind.is_some_and(|w| w & 0xffff_ffff == 0 && w >> 32 < 64)
            }),
            t if view.layout.is_js(t) => js(&mut asked, &object),
            _ => {}
        }
    }
    asked.tallies
}

fn map(asked: &mut Asked<'_, '_>, object: &Object) {
    let layout = asked.view.layout;
    let (types, offsets) = (&layout.types, &layout.offsets);
    asked.expect("a map's prototype is an object or null", |a| {
        let kind = a.kind(object, offsets.map_prototype);
        kind.is_some_and(|t| layout.is_js(t) || t == types.oddball)
    });
    asked.expect("a map's descriptors are a descriptor array", |a| {
        let kind = a.kind(object, offsets.map_descriptors);
        kind == Some(types.descriptor_array) || kind == Some(types.strong_descriptor_array)
    });
    let Some(described) = crate::maps::read(asked.view.heap, layout, object.address | 1) else {
        return;
    };
    if !layout.is_js(described.instance_type) {
        return;
    }
    asked.expect(
        "a map's constructor is a function, a template, a map or null",
        |a| {
            a.kind(object, offsets.map_constructor).is_some_and(|t| {
                layout.is_function(t)
                    || [
                        types.map,
                        types.oddball,
                        types.function_template,
                        types.tuple2,
                    ]
                    .contains(&t)
            })
        },
    );
    asked.expect("a map has no more properties than its descriptors", |a| {
        let bits = a.view.bit_field3(&described);
        let own = (bits & layout.codes.own_descriptors_mask) >> layout.codes.own_descriptors_shift;
        let array = a.view.field(object, offsets.map_descriptors);
        let all = array
            .and_then(|o| a.view.bytes(o.address))
            .map_or(0, |b| u16_at(b, 8));
        own <= u32::from(all)
    });
    let descriptors = asked.view.descriptors(&described);
    if descriptors.len() > 1 {
        asked.expect("properties of an object have places of their own", |_| {
            let mut seen = HashSet::new();
            descriptors.iter().all(|d| match d.place {
                Place::InObject(offset) => {
                    offset >= offsets.internal_fields
                        && offset < usize::from(described.words) * 8
                        && seen.insert(offset)
                }
                Place::OutOfObject(index) => index < 1_024 && seen.insert(index + (1 << 20)),
                Place::Constant(_) => true,
            })
        });
        asked.expect("properties have names", |a| {
            descriptors.iter().all(|d| {
                a.view
                    .object(d.key)
                    .is_some_and(|o| o.instance_type() <= types.symbol)
            })
        });
    }
}

fn shared(asked: &mut Asked<'_, '_>, object: &Object) {
    let layout = asked.view.layout;
    let (types, offsets) = (&layout.types, &layout.offsets);
    asked.expect("a shared info has a name, a scope or none", |a| {
        a.kind(object, offsets.shared_name).map_or(
            a.view.field_word(object.address, offsets.shared_name) == Some(0),
            |t| layout.is_string(t) || t == types.scope_info,
        )
    });
    if let Some((start, length)) = place_in_source(asked.view, object) {
        asked.expect("a function begins within its source", |_| start <= length);
    }
    // V8's own functions have none.
    let script = asked.kind(object, offsets.shared_script);
    if script != Some(types.oddball) {
        asked.expect("a shared info knows its script", |_| {
            script == Some(types.script) || script == Some(types.debug_info)
        });
    }
}

/// Where a function begins, and how long its source is, where both are known: uncompiled functions have no scope, and
/// Node's own have no source.
fn place_in_source(view: View<'_, '_>, shared: &Object) -> Option<(usize, usize)> {
    let (types, offsets) = (&view.layout.types, &view.layout.offsets);
    let scope = view.field(shared, offsets.shared_name)?;
    let script = view.field(shared, offsets.shared_script)?;
    if scope.instance_type() != types.scope_info || script.instance_type() != types.script {
        return None;
    }
    let bytes = view.bytes(scope.address)?;
    let start = ScopeInfo::new(view.layout.row.scope_info, bytes).start_position()?;
    let length = view.string_length(view.field_word(script.address, offsets.script_source)?);
    (length > 0).then_some((start, length))
}

fn script(asked: &mut Asked<'_, '_>, object: &Object) {
    let layout = asked.view.layout;
    let text = |a: &Asked<'_, '_>, offset| {
        a.kind(object, offset)
            .is_some_and(|t| layout.is_string(t) || t == layout.types.oddball)
    };
    asked.expect("a script's source is a string", |a| {
        text(a, layout.offsets.script_source)
    });
    asked.expect("a script's name is a string", |a| {
        text(a, layout.offsets.script_name)
            || a.kind(object, layout.offsets.script_name) == Some(layout.types.symbol)
    });
    asked.expect("a script has a number", |a| {
        a.is_smi(object, layout.offsets.script_id)
            && a.view
                .field_word(object.address, layout.offsets.script_id)
                .is_some_and(|word| (word as i64) > 0)
    });
    asked.expect("a script's name is one line", |a| {
        let name = a
            .view
            .field_word(object.address, layout.offsets.script_name)
            .unwrap_or(0);
        let length = a.view.string_length(name);
        length < 4_096
            && !a
                .view
                .string(name, length)
                .unwrap_or_default()
                .contains('\n')
    });
}

fn js(asked: &mut Asked<'_, '_>, object: &Object) {
    let layout = asked.view.layout;
    let (types, offsets) = (&layout.types, &layout.offsets);
    let kind = object.instance_type();
    if layout.is_function(kind) {
        asked.expect("a function has a shared info", |a| {
            a.kind(object, offsets.function_shared) == Some(types.shared_function_info)
        });
        asked.expect("a function has a context", |a| {
            a.kind(object, offsets.function_context)
                .is_some_and(|t| layout.is_context(t))
        });
        return;
    }
    if [
        types.js_proxy,
        types.js_global_proxy,
        types.js_global_object,
    ]
    .contains(&kind)
    {
        return;
    }
    properties(asked, object);
    if kind == types.js_reg_exp && !object.map.of_prototype {
        asked.expect("a regular expression's source is a string", |a| {
            let source = a.kind(object, offsets.regexp_source);
            source.is_some_and(|t| layout.is_string(t) || t == types.oddball)
        });
    }
    if kind == types.js_array {
        array(asked, object);
    } else if kind == types.js_array_buffer {
        asked.expect("an ArrayBuffer's length is one", |a| {
            let bytes = a.view.bytes(object.address).unwrap_or(&[]);
            let (length, store) = (
                u64_at(bytes, offsets.buffer_byte_length),
                u64_at(bytes, offsets.buffer_backing_store),
            );
            length < 1 << 40 && (store == 0 || store > 1 << 16) && store < 1 << 47
        });
    }
}

fn properties(asked: &mut Asked<'_, '_>, object: &Object) {
    let layout = asked.view.layout;
    let offset = layout.offsets.properties;
    let dictionary = asked.view.is_dictionary_map(&object.map);
    let Some(store) = asked.view.field(object, offset) else {
        asked.expect(
            "an object without properties outside has a hash or nothing there",
            |a| !dictionary && a.is_smi(object, offset),
        );
        return;
    };
    if store.instance_type() == layout.types.property_array {
        asked.expect("an object with a property array has no hash table", |_| {
            !dictionary && store.map.shape == Shape::PropertyArray
        });
        return;
    }
    let entries = asked
        .view
        .bytes(store.address)
        .and_then(|bytes| smi_at(bytes, 8));
    if entries == Some(0) && !dictionary {
        return;
    }
    asked.expect(
        "an object has a hash table when its map says so, and only then",
        |_| dictionary && store.map.shape == Shape::Words(16) && entries > Some(0),
    );
    if dictionary {
        asked.expect("a hash table of properties has room for its entries", |a| {
            a.has_entries_from(&store, layout.codes.name_dictionary_start)
        });
    }
}

fn array(asked: &mut Asked<'_, '_>, object: &Object) {
    let layout = asked.view.layout;
    let offsets = &layout.offsets;
    asked.expect("an array's elements are as its map says", |a| {
        let Some(store) = a.view.field(object, offsets.elements) else {
            return false;
        };
        let bytes = a.view.bytes(store.address).unwrap_or(&[]);
        let (Some(room), Some(length)) = (
            smi_at(bytes, 8),
            a.view
                .bytes(object.address)
                .and_then(|b| smi_at(b, offsets.internal_fields)),
        ) else {
            return false;
        };
        let fixed = ["FIXED_ARRAY", "FIXED_DOUBLE_ARRAY"]
            .contains(&layout.type_name(store.instance_type()));
        let sparse = a.view.elements_kind(&object.map) == layout.codes.dictionary_elements;
        if sparse {
            !fixed
        } else {
            fixed && length <= room
        }
    });
}
