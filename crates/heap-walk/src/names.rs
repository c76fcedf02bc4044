//! What things are called: classes, functions, variables, and where in the source they stand.
//!
//! The name of an object's class is found as V8's own snapshot does (`JSReceiver::GetConstructorName`): by the
//! constructor on the map, unless it was made by a derived class; else along the prototypes, by `Symbol.toStringTag`
//! and `constructor`.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::elf::u64_at;
use crate::maps::MapInfo;
use crate::shape::{ScopeInfo, smi_at};
use crate::view::{MAX_STRING_PIECES, Object, View};

/// Characters of a name that are kept.
pub(crate) const MAX_NAME: usize = 256;
/// Prototype chains and chains of maps longer than this are not followed.
const MAX_CHAIN: usize = 10_000;
/// A source text longer than this is not searched for line ends.
const MAX_SOURCE: usize = 64 << 20;

/// A place in a script.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourcePlace {
    /// The script's name: a path, a `file:` URL, `node:internal/…`.
    pub script: Rc<str>,
    /// V8's number of the script.
    pub script_id: u32,
    /// The line, counted from 0.
    pub line: u32,
    /// The column, counted from 0, in UTF-16 units.
    pub column: u32,
}

struct Lines {
    name: Rc<str>,
    id: u32,
    /// Where each line begins. `None` when the source is not to be had.
    starts: Option<Vec<u32>>,
}

/// Names of one heap. Line tables of scripts are made once and kept.
pub(crate) struct Names<'h, 'm> {
    pub(crate) view: View<'h, 'm>,
    scripts: RefCell<HashMap<u64, Option<Rc<Lines>>>>,
    /// Maps that one single object has.
    lone_maps: HashSet<u64>,
}

impl<'h, 'm> Names<'h, 'm> {
    /// `maps`: how many objects of each map there are.
    pub(crate) fn new<'a>(
        view: View<'h, 'm>,
        maps: impl Iterator<Item = (&'a MapInfo, u64)>,
    ) -> Self {
        let lone =
            maps.filter(|&(info, count)| count == 1 && view.layout.is_js(info.instance_type));
        Self {
            view,
            scripts: RefCell::default(),
            lone_maps: lone.map(|(info, _)| info.address).collect(),
        }
    }

    fn shared(&self, function: &Object) -> Option<Object> {
        let layout = self.view.layout;
        self.view
            .field(function, layout.offsets.function_shared)
            .filter(|s| s.instance_type() == layout.types.shared_function_info)
    }

    fn scope_info(&self, shared: &Object) -> Option<ScopeInfo<'h>> {
        let layout = self.view.layout;
        let scope = self
            .view
            .field(shared, layout.offsets.shared_name)
            .filter(|o| o.instance_type() == layout.types.scope_info)?;
        Some(ScopeInfo::new(
            layout.row.scope_info,
            self.view.bytes(scope.address)?,
        ))
    }

    /// The name of a function; empty when it has none.
    pub(crate) fn function_name(&self, function: &Object) -> String {
        self.shared(function)
            .map(|s| self.shared_name(&s, false))
            .unwrap_or_default()
    }

    /// The name of a constructor: its function's, or (since V8 14) that which its own property `name` says.
    fn constructor_name(&self, function: &Object) -> String {
        let view = &self.view;
        if view.layout.row.class_named_by_property {
            let name = view.own_value(function, &|key| view.is_text(key, "name"));
            if let Some(name) = name.and_then(|word| view.string(word, MAX_NAME)) {
                return name;
            }
            let shared = self.shared(function);
            return shared
                .map(|s| self.shared_name(&s, true))
                .unwrap_or_default();
        }
        self.function_name(function)
    }

    /// The name that a SharedFunctionInfo has, or (on request) the one that V8 inferred.
    pub(crate) fn shared_name(&self, shared: &Object, inferred: bool) -> String {
        let view = &self.view;
        let layout = view.layout;
        let word = view
            .field_word(shared.address, layout.offsets.shared_name)
            .unwrap_or(0);
        if let Some(name) = view.string(word, MAX_NAME) {
            return name;
        }
        let Some(scope) = self.scope_info(shared) else {
            return String::new();
        };
        let at = |offset: Option<usize>| view.string(u64_at(scope.bytes(), offset?), MAX_NAME);
        let own = at(scope.function_name_offset()).unwrap_or_default();
        if !own.is_empty() || !inferred {
            return own;
        }
        at(scope.inferred_name_offset()).unwrap_or_default()
    }

    /// Where a function begins in its source.
    pub(crate) fn function_place(&self, function: &Object) -> Option<SourcePlace> {
        self.shared_place(&self.shared(function)?)
    }

    pub(crate) fn shared_place(&self, shared: &Object) -> Option<SourcePlace> {
        let lines = self.lines(self.script(shared)?)?;
        let position = self.start_position(shared)?;
        let starts = lines.starts.as_ref()?;
        let line = starts
            .partition_point(|&start| start as usize <= position)
            .checked_sub(1)?;
        Some(SourcePlace {
            script: lines.name.clone(),
            script_id: lines.id,
            line: u32::try_from(line).ok()?,
            column: u32::try_from(position - starts[line] as usize).ok()?,
        })
    }

    fn script(&self, shared: &Object) -> Option<u64> {
        let (view, types) = (&self.view, &self.view.layout.types);
        let object = view.field(shared, view.layout.offsets.shared_script)?;
        if object.instance_type() == types.script {
            return Some(object.address);
        }
        // A function with a breakpoint or in coverage: DebugInfo first, the script is one of its fields.
        (object.instance_type() == types.debug_info)
            .then(|| {
                (8..80)
                    .step_by(8)
                    .filter_map(|offset| view.field(&object, offset))
                    .find(|o| o.instance_type() == types.script)
                    .map(|o| o.address)
            })
            .flatten()
    }

    fn start_position(&self, shared: &Object) -> Option<usize> {
        if let Some(position) = self.scope_info(shared).and_then(|s| s.start_position()) {
            return Some(position);
        }
        // Not compiled yet.
        let (view, types) = (&self.view, &self.view.layout.types);
        let uncompiled = types.first_uncompiled..=types.last_uncompiled;
        [view.layout.offsets.shared_data, 8, 16]
            .into_iter()
            .find_map(|offset| {
                let data = view.field(shared, offset)?;
                if !uncompiled.contains(&data.instance_type()) {
                    return None;
                }
                let at = data.address + view.layout.offsets.uncompiled_start as u64;
                view.heap.u32(at).map(|start| start as usize)
            })
    }

    fn lines(&self, script: u64) -> Option<Rc<Lines>> {
        if let Some(known) = self.scripts.borrow().get(&script) {
            return known.clone();
        }
        let lines = self.read_lines(script).map(Rc::new);
        self.scripts.borrow_mut().insert(script, lines.clone());
        lines
    }

    fn read_lines(&self, script: u64) -> Option<Lines> {
        let view = &self.view;
        let offsets = &view.layout.offsets;
        let bytes = view.bytes(script)?;
        let name = view
            .string(u64_at(bytes, offsets.script_name), 4_096)
            .unwrap_or_default();
        let id = smi_at(bytes, offsets.script_id).and_then(|id| u32::try_from(id).ok());
        let source = u64_at(bytes, offsets.script_source);
        let length = view.string_length(source);
        let starts = (length > 0 && length <= MAX_SOURCE).then(|| {
            let mut starts = vec![0];
            let mut position = 0;
            view.pieces(source, length, MAX_STRING_PIECES, &mut |piece, wide| {
                if wide {
                    for unit in piece.chunks_exact(2) {
                        position += 1;
                        if unit == [b'\n', 0] {
                            starts.push(position);
                        }
                    }
                } else {
                    for &byte in piece {
                        position += 1;
                        if byte == b'\n' {
                            starts.push(position);
                        }
                    }
                }
            });
            (position as usize == length).then_some(starts)
        });
        Some(Lines {
            name: name.into(),
            id: id.unwrap_or(0),
            starts: starts.flatten(),
        })
    }

    /// The constructor that a map names, at the end of its chain of back pointers.
    pub(crate) fn constructor(&self, map: u64) -> Option<Object> {
        let view = &self.view;
        let mut word = view.field_word(map, view.layout.offsets.map_constructor)?;
        for _ in 0..MAX_CHAIN {
            let object = view.object(word)?;
            let kind = object.instance_type();
            if kind == view.layout.types.map {
                word = view.field_word(object.address, view.layout.offsets.map_constructor)?;
            } else if kind == view.layout.types.tuple2 {
                word = view.field_word(object.address, 8)?;
            } else {
                return Some(object);
            }
        }
        None
    }

    /// The class of an object, and the function that made it. Objects of one map are of one class, unless they are
    /// prototypes.
    pub(crate) fn class_of(&self, object: &Object) -> (String, Option<Object>) {
        let view = &self.view;
        let layout = view.layout;
        let map = &object.map;
        let types = &layout.types;
        // One that can be called has the map of a function.
        if map.instance_type == types.js_proxy {
            return ("Proxy".to_owned(), None);
        }
        let bits = view
            .heap
            .u8(map.address + layout.offsets.map_bit_field2 as u64)
            .unwrap_or(0);
        let new_target_is_base = bits & 1 == 1;
        if new_target_is_base
            && !map.of_prototype
            && let Some(constructor) = self.constructor(map.address)
        {
            if layout.is_function(constructor.instance_type()) {
                let name = self.constructor_name(&constructor);
                if !name.is_empty() && name != "Object" {
                    return (name, Some(constructor));
                }
            } else if constructor.instance_type() == layout.types.function_template
                && let Some(name) = self.template_name(&constructor)
            {
                return (name, None);
            }
        }
        if map.instance_type == types.js_global_proxy {
            return ("global".to_owned(), None);
        }
        // Node's own is tagged `global`, those of other contexts are plain objects.
        if map.instance_type == types.js_global_object {
            let tag = view.own_value(object, &|key| self.is_to_string_tag(key));
            let name = tag.and_then(|tag| view.string(tag, MAX_NAME));
            return (name.unwrap_or_else(|| "Object".to_owned()), None);
        }
        self.class_by_prototypes(object)
            .unwrap_or_else(|| (self.class_of_type(object), None))
    }

    fn is_to_string_tag(&self, key: u64) -> bool {
        self.view
            .object(key)
            .is_some_and(|o| o.instance_type() == self.view.layout.types.symbol)
            && self
                .view
                .text(key, 32)
                .is_some_and(|text| text == "Symbol.toStringTag")
    }

    fn class_by_prototypes(&self, receiver: &Object) -> Option<(String, Option<Object>)> {
        let view = &self.view;
        let prototype_of = |map: u64| {
            view.object(view.field_word(map, view.layout.offsets.map_prototype)?)
                .filter(|o| view.layout.is_js(o.instance_type()))
        };
        // An object's own tag counts, its own `constructor` doesn't: a class's prototype was not made by that class.
        let tag_of = |object: &Object| {
            let tag = view.own_value(object, &|key| self.is_to_string_tag(key))?;
            view.string(tag, MAX_NAME).map(|tag| (tag, None))
        };
        // Objects that serve as hash tables are many and share maps: only one that has a map for itself is asked.
        let asked = receiver.map.of_prototype
            || !view.is_dictionary_map(&receiver.map)
            || self.lone_maps.contains(&receiver.map.address);
        if asked && let Some(named) = tag_of(receiver) {
            return Some(named);
        }
        let mut next = prototype_of(receiver.map.address);
        for _ in 0..MAX_CHAIN {
            let object = next?;
            if let Some(named) = tag_of(&object) {
                return Some(named);
            }
            let constructor = view
                .own_value(&object, &|key| view.is_text(key, "constructor"))
                .and_then(|word| view.object(word))
                .filter(|o| view.layout.is_function(o.instance_type()));
            if let Some(constructor) = constructor {
                let shared = self.shared(&constructor);
                let name = shared
                    .map(|s| self.shared_name(&s, true))
                    .unwrap_or_default();
                if !name.is_empty() && name != "Object" {
                    return Some((name, Some(constructor)));
                }
            }
            next = prototype_of(object.map.address);
        }
        None
    }

    /// The class name of a template made by C++: its first string.
    fn template_name(&self, template: &Object) -> Option<String> {
        (8..112)
            .step_by(8)
            .filter_map(|offset| self.view.field_word(template.address, offset))
            .find_map(|word| self.view.string(word, MAX_NAME))
            .filter(|name| !name.is_empty())
    }

    /// What V8 calls an object whose prototypes tell nothing.
    fn class_of_type(&self, object: &Object) -> String {
        let layout = self.view.layout;
        let instance_type = object.instance_type();
        let types = &layout.types;
        if layout.is_generator(instance_type) {
            return "Generator".to_owned();
        }
        let name = layout.type_name(instance_type);
        if name == "JS_PRIMITIVE_WRAPPER" {
            return self.class_of_primitive(object).to_owned();
        }
        let plain = instance_type == types.js_object
            || instance_type == types.js_api_object
            || instance_type == types.js_special_api_object
            || name == "JS_EXTERNAL_OBJECT"
            || name.starts_with("JS_WASM")
            || !name.starts_with("JS_");
        if plain {
            return "Object".to_owned();
        }
        name.trim_start_matches("JS_")
            .split('_')
            .map(capitalised)
            .collect()
    }

    /// `Number.prototype` and its like wrap a value.
    fn class_of_primitive(&self, wrapper: &Object) -> &'static str {
        let layout = self.view.layout;
        match self.view.field(wrapper, layout.offsets.internal_fields) {
            Some(value) => match value.instance_type() {
                t if layout.is_string(t) => "String",
                t if t == layout.types.symbol => "Symbol",
                t if t == layout.types.symbol + 1 => "BigInt",
                t if t == layout.types.oddball => "Boolean",
                _ => "Number",
            },
            None => "Number",
        }
    }

    /// The names of the variables of a scope, by their slot in the context.
    pub(crate) fn context_names(&self, scope_info: &Object) -> HashMap<usize, String> {
        let view = &self.view;
        let mut names = HashMap::new();
        let Some(bytes) = view.bytes(scope_info.address) else {
            return names;
        };
        let scope = ScopeInfo::new(view.layout.row.scope_info, bytes);
        let first = scope.first_context_slot();
        let start = scope.names_offset();
        if !scope.names_in_table() {
            for index in 0..scope.locals {
                if let Some(name) = view.string(u64_at(bytes, start + index * 8), MAX_NAME) {
                    names.insert(first + index, name);
                }
            }
            return names;
        }
        // A hash table of (name, index) pairs.
        let Some(table) = view.object(u64_at(bytes, start)) else {
            return names;
        };
        let elements = view.elements(&table, 16);
        for pair in elements
            .chunks_exact(8)
            .map(|w| u64_at(w, 0))
            .collect::<Vec<_>>()
            .windows(2)
        {
            let index = (pair[1] & 0xffff_ffff == 0).then_some((pair[1] >> 32) as usize);
            if let Some(index) = index
                && index < scope.locals
                && pair[0] & 3 == 1
                && let Some(name) = view.string(pair[0], MAX_NAME)
            {
                names.insert(first + index, name);
            }
        }
        names
    }

    /// The pattern of a regular expression.
    pub(crate) fn pattern(&self, regexp: &Object) -> Option<String> {
        let offset = self.view.layout.offsets.regexp_source;
        self.view
            .string(self.view.field_word(regexp.address, offset)?, MAX_NAME)
    }

    /// Bytes outside of the heap that an ArrayBuffer keeps: where they are and how many.
    pub(crate) fn backing_store(&self, buffer: &Object) -> (u64, u64) {
        let offsets = &self.view.layout.offsets;
        let bytes = self.view.bytes(buffer.address).unwrap_or(&[]);
        (
            u64_at(bytes, offsets.buffer_backing_store),
            u64_at(bytes, offsets.buffer_byte_length),
        )
    }

    /// Bytes of characters outside of the heap.
    pub(crate) fn external_characters(&self, string: &Object) -> u64 {
        let at = string.address + self.view.layout.offsets.string_length as u64;
        let length = u64::from(self.view.heap.u32(at).unwrap_or(0));
        if string.instance_type() & 8 == 0 {
            length * 2
        } else {
            length
        }
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + &letters.as_str().to_lowercase()
    })
}
