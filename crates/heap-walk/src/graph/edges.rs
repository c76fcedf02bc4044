//! References become edges.

use std::rc::Rc;

use memguard_heap_graph::{EdgeKind, EdgeStamp, GraphBuilder, NodeIndex, StringId};
use rustc_hash::FxHashMap;

use super::dull::{Dull, holes};
use super::objects::Found;
use super::plan::{Plan, Step, numbered};
use super::ranks::Ranks;
use super::template::{Label, Role, Template};
use crate::elf::u64_at;
use crate::maps::Watch;
use crate::names::{MAX_NAME, Names};
use crate::shape::{Shape, smi_at};
use crate::view::{Object, Place, object_size};
use crate::walker::Walker;

/// Where the entries of an ephemeron table begin.
const EPHEMERONS_START: usize = 3;

/// What edges of many objects are called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamps {
    pub(super) code: EdgeStamp,
    pub(super) map: EdgeStamp,
    pub(super) proto: EdgeStamp,
    pub(super) store: EdgeStamp,
}

/// Adds the edges, node by node.
pub(super) struct EdgeWriter<'w, 'h, 'm> {
    walker: &'w Walker<'h, 'm>,
    names: &'w Names<'h, 'm>,
    ranks: &'w Ranks<'w, 'm>,
    stores: FxHashMap<u64, NodeIndex>,
    /// Names of variables, by ScopeInfo and slot.
    scopes: FxHashMap<u64, Rc<[(u32, StringId)]>>,
    /// Of what V8 has in read-only memory `undefined` and its like, empty arrays, maps of its own types. V8's snapshots
    /// don't say which of its own fields refer to most of them, and nothing is gained by it: they are always there.
    dull: Dull,
    /// What stands in the place of elements that are not there.
    holes: Vec<NodeIndex>,
    stamps: Stamps,
    /// What the pairs of WeakMaps are called, by their table.
    pair_names: FxHashMap<u64, Vec<EdgeStamp>>,
    /// From keys of WeakMaps to their values, the last key first.
    pairs: Vec<(NodeIndex, EdgeStamp, NodeIndex)>,
}

impl<'w, 'h, 'm> EdgeWriter<'w, 'h, 'm> {
    pub(super) fn new(
        walker: &'w Walker<'h, 'm>,
        names: &'w Names<'h, 'm>,
        ranks: &'w Ranks<'w, 'm>,
        builder: &mut GraphBuilder,
        stores: FxHashMap<u64, NodeIndex>,
    ) -> Self {
        let holes = holes(walker, ranks);
        Self {
            walker,
            names,
            ranks,
            stores,
            scopes: FxHashMap::default(),
            dull: Dull::find(walker, ranks),
            holes,
            stamps: Stamps {
                code: builder.stamp(EdgeKind::Internal, "code"),
                map: builder.stamp(EdgeKind::Internal, "map"),
                proto: builder.stamp(EdgeKind::Property, "__proto__"),
                store: builder.stamp(EdgeKind::Internal, "backing_store"),
            },
            pair_names: FxHashMap::default(),
            pairs: Vec::new(),
        }
    }

    /// Notes what leads from the keys of these WeakMaps to their values: each key's edges come when it is its turn, so that all edges come in
    /// the order of their sources.
    pub(super) fn note_pairs(&mut self, builder: &mut GraphBuilder, tables: &[Object]) {
        for table in tables {
            let mut names = Vec::new();
            for (number, (key, value)) in (1_u32..).zip(self.alive_pairs(table)) {
                let (Some(from), Some(to)) = (self.node(key), self.node(value)) else {
                    continue;
                };
                let name = format!(
                    "{number} / part of key ({} @{}) -> value ({} @{}) pair in WeakMap (table @{})",
                    self.short_name(key),
                    key & !3,
                    self.short_name(value),
                    value & !3,
                    table.address
                );
                let stamp = builder.stamp(EdgeKind::Internal, name.as_str());
                names.push(stamp);
                self.pairs.push((from, stamp, to));
            }
            self.pair_names.insert(table.address, names);
        }
        self.pairs.sort_by_key(|&(from, ..)| from);
        self.pairs.reverse();
    }

    /// Keys and values of a WeakMap of which both are alive.
    fn alive_pairs(&self, table: &Object) -> Vec<(u64, u64)> {
        let entries = self.entries(table).chunks_exact(16);
        let pairs = entries.map(|entry| (u64_at(entry, 0), u64_at(entry, 8)));
        let is_alive = |&(key, value): &(u64, u64)| self.node(key).and(self.node(value)).is_some();
        pairs.filter(is_alive).collect()
    }

    /// What the table of a WeakMap has room for.
    fn entries(&self, table: &Object) -> &'w [u8] {
        let bytes = self.names.view.bytes(table.address).unwrap_or(&[]);
        let size = object_size(self.walker.heap, &table.map, bytes).unwrap_or(0);
        bytes.get(16 + EPHEMERONS_START * 8..size).unwrap_or(&[])
    }

    pub(super) fn stamps(&self) -> Stamps {
        self.stamps
    }

    /// The node that a word refers to.
    #[inline]
    fn node(&self, word: u64) -> Option<NodeIndex> {
        self.ranks.node(word)
    }

    /// The same, unless it is dull.
    #[inline]
    fn bright(&self, word: u64) -> Option<NodeIndex> {
        self.node(word).filter(|&node| !self.dull.contains(node))
    }

    /// The node of an object's map, where that is told.
    pub(super) fn map_of(&self, found: &Found<'_>) -> Option<NodeIndex> {
        self.bright(u64_at(found.bytes, 0))
    }

    /// The node of the prototype.
    pub(super) fn prototype_of(&self, found: &Found<'_>) -> Option<NodeIndex> {
        let at = self.walker.layout.offsets.map_prototype;
        self.node(self.names.view.field_word(found.info.address, at)?)
    }

    pub(super) fn write(
        &mut self,
        builder: &mut GraphBuilder,
        template: &Template,
        plan: &Plan,
        found: &Found<'h>,
        from: NodeIndex,
    ) {
        match plan {
            Plan::Steps(steps) if steps.is_empty() => {}
            Plan::Steps(steps) => self.follow(builder, template, steps, found, from),
            Plan::Looked => self.look(builder, template, found, from),
        }
    }

    /// Adds what leads from a key of WeakMaps to its values.
    #[inline]
    pub(super) fn write_pairs(&mut self, builder: &mut GraphBuilder, from: NodeIndex) {
        while let Some((_, stamp, to)) = self.pairs.pop_if(|&mut (key, ..)| key == from) {
            builder.stamped_edge(from, stamp, to);
        }
    }

    /// Adds the edges of an object by the plan for those of its map.
    fn follow(
        &self,
        builder: &mut GraphBuilder,
        template: &Template,
        steps: &[Step],
        found: &Found<'h>,
        from: NodeIndex,
    ) {
        let bytes = found.bytes;
        if object_size(self.walker.heap, &found.info, bytes).is_none() {
            return;
        }
        let outside = self.outside(template, found);
        for step in steps {
            match *step {
                Step::Property { at, stamp } => {
                    if let Some(node) = self.node(u64_at(bytes, at.into())) {
                        builder.stamped_edge(from, stamp, node);
                    }
                }
                Step::Outside { index, stamp } => {
                    let at = index as usize * 8;
                    let word = outside.get(at..at + 8).map(|word| u64_at(word, 0));
                    if let Some(node) = word.and_then(|word| self.node(word)) {
                        builder.stamped_edge(from, stamp, node);
                    }
                }
                Step::Common { stamp, to } => builder.stamped_edge(from, stamp, to),
                Step::Elements => self.js_elements(builder, template, found, from),
                Step::Field { at, field } => {
                    let word = u64_at(bytes, at.into());
                    if let Some(node) = self.bright(word) {
                        let is_weak = word & 2 != 0;
                        let stamp = if is_weak { field.weak } else { field.strong };
                        builder.stamped_edge(from, stamp, node);
                    }
                }
                Step::Numbered { at } => {
                    let word = u64_at(bytes, at.into());
                    if let Some(node) = self.bright(word) {
                        let stamp = numbered(builder, word & 2 != 0, u32::from(at) / 8);
                        builder.stamped_edge(from, stamp, node);
                    }
                }
                Step::Code => self.code(builder, bytes, from),
            }
        }
    }

    fn look(
        &mut self,
        builder: &mut GraphBuilder,
        template: &Template,
        found: &Found<'h>,
        from: NodeIndex,
    ) {
        let bytes = found.bytes;
        let object = found.object();
        let Some(size) = object_size(self.walker.heap, &object.map, bytes) else {
            return;
        };
        match template.role {
            Role::Js | Role::Global | Role::Buffer => {
                self.js(builder, template, found, from);
                self.fields(builder, template, found, size, from);
            }
            Role::Context => self.context(builder, bytes, size, from),
            Role::EphemeronTable => self.ephemerons(builder, &object, from),
            Role::Plain => self.fields(builder, template, found, size, from),
        }
        if object.map.watch == Watch::Function {
            self.code(builder, bytes, from);
        }
        if let Some(map) = self.map_of(found) {
            builder.stamped_edge(from, self.stamps.map, map);
        }
    }

    fn code(&self, builder: &mut GraphBuilder, bytes: &[u8], from: NodeIndex) {
        let code = self.walker.code_by_handle(bytes);
        if let Some(code) = code.and_then(|word| self.node(word)) {
            builder.stamped_edge(from, self.stamps.code, code);
        }
    }

    /// All fields of an object that are no properties, by name where they have one.
    fn fields(
        &self,
        builder: &mut GraphBuilder,
        template: &Template,
        found: &Found<'h>,
        size: usize,
        from: NodeIndex,
    ) {
        let shape = found.info.shape;
        let (start, end) = shape.references(found.bytes, size);
        // Elements of arrays and slots of tables are numbered as V8 numbers them: after map and length.
        let before = if shape == Shape::Words(16) { 2 } else { 0 };
        let words = (start / 8..).zip(found.bytes.get(start..end).unwrap_or(&[]).chunks_exact(8));
        let number = |at: usize| u32::try_from(at - before).unwrap_or(u32::MAX);
        if template.is_nameless() && shape != Shape::NativeContext {
            for (at, word) in words {
                let word = u64_at(word, 0);
                if let Some(node) = self.bright(word) {
                    let stamp = numbered(builder, word & 2 != 0, number(at));
                    builder.stamped_edge(from, stamp, node);
                }
            }
            return;
        }
        for (at, word) in words {
            if template.is_property.get(at).is_some_and(|&is| is) {
                continue;
            }
            let word = u64_at(word, 0);
            let Some(node) = self.bright(word) else {
                continue;
            };
            let is_weak = word & 2 != 0
                || (shape == Shape::NativeContext && self.walker.is_native_context(word))
                || template
                    .weak
                    .is_some_and(|(first, count)| (first..first + count).contains(&at));
            let stamp = match template.fields.get(at).copied().flatten() {
                Some(field) if is_weak => field.weak,
                Some(field) => field.strong,
                None => numbered(builder, is_weak, number(at)),
            };
            builder.stamped_edge(from, stamp, node);
        }
    }

    /// The edge to the value of a property, or those to getter and setter.
    pub(super) fn named(&self, label: Label, word: u64, add: &mut dyn FnMut(EdgeStamp, NodeIndex)) {
        let Some(node) = self.node(word) else {
            return;
        };
        let Some((get, set)) = label.accessor else {
            add(label.stamp, node);
            return;
        };
        // V8's own accessors (`length` of an array) are no pairs: there is no function to be held.
        let layout = self.walker.layout;
        let pair = self.names.view.object(word);
        let Some(pair) = pair.filter(|o| o.instance_type() == layout.types.accessor_pair) else {
            return;
        };
        add(label.stamp, node);
        for (offset, stamp) in [(layout.offsets.getter, get), (layout.offsets.setter, set)] {
            let function = self.names.view.field_word(pair.address, offset);
            // Without one `undefined` or `null` stands there.
            let function = function.filter(|&word| {
                let object = self.names.view.object(word);
                object.is_some_and(|it| it.instance_type() != layout.types.oddball)
            });
            if let Some(function) = function.and_then(|word| self.node(word)) {
                add(stamp, function);
            }
        }
    }

    /// What V8 adds for people, in its order: from an object right to the values of its properties and elements, and
    /// to its prototype.
    fn js(
        &mut self,
        builder: &mut GraphBuilder,
        template: &Template,
        found: &Found<'h>,
        from: NodeIndex,
    ) {
        let offsets = &self.walker.layout.offsets;
        if template.role == Role::Global {
            self.global_variables(builder, &found.object(), from);
        } else if template.dictionary_properties {
            self.dictionary(builder, &found.object(), from);
        } else {
            self.properties(builder, template, found, from);
        }
        self.js_elements(builder, template, found, from);
        if template.role == Role::Buffer {
            // V8 does not tell of an ArrayBuffer's prototype.
            let store = u64_at(found.bytes, offsets.buffer_backing_store);
            if let Some(&store) = self.stores.get(&store) {
                builder.stamped_edge(from, self.stamps.store, store);
            }
        } else if let Some(node) = self.prototype_of(found) {
            builder.stamped_edge(from, self.stamps.proto, node);
        }
    }

    /// The properties that an object has beside it.
    fn outside(&self, template: &Template, found: &Found<'h>) -> &'h [u8] {
        let view = &self.names.view;
        template
            .has_outside
            .then(|| view.property_array(found.address))
            .flatten()
            .and_then(|array| view.bytes(array.address)?.get(16..))
            .unwrap_or(&[])
    }

    /// Properties that the map describes: in the object, beside it, or shared by all objects of the map.
    fn properties(
        &self,
        builder: &mut GraphBuilder,
        template: &Template,
        found: &Found<'h>,
        from: NodeIndex,
    ) {
        let outside = self.outside(template, found);
        let word_at = |bytes: &[u8], at: usize| Some(u64_at(bytes.get(at..at + 8)?, 0));
        for &(label, place) in &template.properties {
            let value = match place {
                Place::InObject(offset) => word_at(found.bytes, offset),
                Place::OutOfObject(index) => word_at(outside, index * 8),
                Place::Constant(value) => Some(value),
            };
            if let Some(value) = value {
                self.named(label, value, &mut |stamp, node| {
                    builder.stamped_edge(from, stamp, node);
                });
            }
        }
    }

    fn js_elements(
        &self,
        builder: &mut GraphBuilder,
        template: &Template,
        found: &Found<'h>,
        from: NodeIndex,
    ) {
        let view = &self.names.view;
        let layout = self.walker.layout;
        let word = u64_at(found.bytes, layout.offsets.elements);
        // Nearly all objects have none, and share an empty array that is always there.
        if self.bright(word).is_none() {
            return;
        }
        let Some(store) = view.object(word) else {
            return;
        };
        if template.dictionary_elements {
            let start = (layout.codes.number_dictionary_start) * 8;
            let entries = view.elements(&store, 16).get(start..).unwrap_or(&[]);
            for entry in entries.chunks_exact(24) {
                let index = smi_at(entry, 0).and_then(|i| u32::try_from(i).ok());
                if let (Some(index), Some(node)) = (index, self.node(u64_at(entry, 8))) {
                    builder.edge(from, EdgeKind::Element, index, node);
                }
            }
            return;
        }
        if layout.type_name(store.instance_type()) != "FIXED_ARRAY" {
            return;
        }
        // An array may have room for more than it has.
        let length = (found.info.instance_type == layout.types.js_array)
            .then(|| u64_at(found.bytes, layout.offsets.internal_fields))
            .filter(|word| word & 1 == 0)
            .map_or(usize::MAX, |word| (word >> 32) as usize);
        let elements = view.elements(&store, 16).chunks_exact(8).take(length);
        for (index, word) in (0_u32..).zip(elements) {
            let node = self.node(u64_at(word, 0));
            if let Some(node) = node.filter(|node| !self.holes.contains(node)) {
                let stamp = builder.stamp(EdgeKind::Element, index);
                builder.stamped_edge(from, stamp, node);
            }
        }
    }

    fn dictionary(&self, builder: &mut GraphBuilder, object: &Object, from: NodeIndex) {
        let view = &self.names.view;
        let at = self.walker.layout.offsets.properties;
        let Some(table) = view.field(object, at) else {
            return;
        };
        for (key, value) in view.dictionary(&table) {
            if self.node(value).is_none() {
                continue;
            }
            let Some(name) = view.key_text(key, MAX_NAME) else {
                continue;
            };
            let accessor = view
                .object(value)
                .is_some_and(|o| o.instance_type() == self.walker.layout.types.accessor_pair);
            let label = Label::property(builder, &name, accessor);
            self.named(label, value, &mut |stamp, node| {
                builder.stamped_edge(from, stamp, node);
            });
        }
    }

    fn global_variables(&self, builder: &mut GraphBuilder, object: &Object, from: NodeIndex) {
        let view = &self.names.view;
        for (key, value) in view.global_variables(object) {
            let Some(name) = view
                .key_text(key, MAX_NAME)
                .filter(|_| self.node(value).is_some())
            else {
                continue;
            };
            let accessor = view
                .object(value)
                .is_some_and(|o| o.instance_type() == self.walker.layout.types.accessor_pair);
            let label = Label::property(builder, &name, accessor);
            self.named(label, value, &mut |stamp, node| {
                builder.stamped_edge(from, stamp, node);
            });
        }
    }

    /// Variables of a scope by name, and the scopes around it.
    fn context(&mut self, builder: &mut GraphBuilder, bytes: &[u8], size: usize, from: NodeIndex) {
        let scope = u64_at(bytes, 16);
        let names = self.scope(builder, scope);
        let words = bytes.get(16..size).unwrap_or(&[]);
        for (slot, word) in words.chunks_exact(8).enumerate() {
            let word = u64_at(word, 0);
            let Some(node) = self.node(word) else {
                continue;
            };
            let slot = u32::try_from(slot).unwrap_or(u32::MAX);
            let name = names.binary_search_by_key(&slot, |&(slot, _)| slot);
            match (slot, name.ok().and_then(|at| names.get(at))) {
                (0, _) => builder.edge(from, EdgeKind::Internal, "scope_info", node),
                (1, _) => builder.edge(from, EdgeKind::Internal, "previous", node),
                (_, Some(&(_, name))) => builder.edge(from, EdgeKind::Context, name, node),
                (2, None) => builder.edge(from, EdgeKind::Internal, "extension", node),
                (_, None) => builder.edge(from, EdgeKind::Hidden, slot, node),
            }
        }
    }

    /// The names of a scope's variables, in the order of their slots.
    fn scope(&mut self, builder: &mut GraphBuilder, scope: u64) -> Rc<[(u32, StringId)]> {
        if let Some(known) = self.scopes.get(&scope) {
            return Rc::clone(known);
        }
        let names = self
            .names
            .view
            .object(scope)
            .filter(|o| o.instance_type() == self.walker.layout.types.scope_info)
            .map(|o| self.names.context_names(&o))
            .unwrap_or_default();
        let mut names: Vec<(u32, StringId)> = names
            .into_iter()
            .filter_map(|(slot, name)| Some((u32::try_from(slot).ok()?, builder.string(&name))))
            .collect();
        names.sort_unstable_by_key(|&(slot, _)| slot);
        let names: Rc<[(u32, StringId)]> = names.into();
        self.scopes.insert(scope, Rc::clone(&names));
        names
    }

    /// A WeakMap's table: keys weakly, values by both the table and their key. The name says which three belong
    /// together; DevTools reads it.
    fn ephemerons(&self, builder: &mut GraphBuilder, table: &Object, from: NodeIndex) {
        let names = self.pair_names.get(&table.address);
        let mut names = names.into_iter().flatten();
        for (slot, entry) in (3_u32..)
            .step_by(2)
            .zip(self.entries(table).chunks_exact(16))
        {
            let Some(key) = self.node(u64_at(entry, 0)) else {
                continue;
            };
            builder.edge(from, EdgeKind::Weak, slot, key);
            let Some(value) = self.node(u64_at(entry, 8)) else {
                continue;
            };
            builder.edge(from, EdgeKind::Weak, slot + 1, value);
            if let Some(&name) = names.next() {
                builder.stamped_edge(from, name, value);
            }
        }
    }

    /// The class of an object, in one line.
    fn short_name(&self, word: u64) -> String {
        let layout = self.walker.layout;
        match self.names.view.object(word) {
            Some(object) if layout.is_function(object.instance_type()) => {
                self.names.function_name(&object)
            }
            Some(object) if layout.is_js(object.instance_type()) => self.names.class_of(&object).0,
            _ => String::new(),
        }
        .replace(
            |c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}',
            " ",
        )
    }
}
