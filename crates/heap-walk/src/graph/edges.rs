//! References become edges.

use std::rc::Rc;

use memguard_heap_graph::{EdgeKind, GraphBuilder, NodeIndex, NodeKind, StringId};
use rustc_hash::FxHashMap;

use super::ranks::Ranks;
use super::template::{Label, Role, Template, node_kind};
use crate::elf::u64_at;
use crate::maps::Watch;
use crate::names::{MAX_NAME, Names};
use crate::shape::{Shape, smi_at};
use crate::view::{Object, Place, object_size};
use crate::walker::Walker;

/// The kind of the oddball that stands for a hole, until holes got a type of their own (V8 12).
const ODDBALL_THE_HOLE: u64 = 2;
/// Where the entries of an ephemeron table begin.
const EPHEMERONS_START: usize = 3;

/// Adds the edges, node by node.
pub(super) struct EdgeWriter<'w, 'h, 'm> {
    walker: &'w Walker<'h, 'm>,
    names: &'w Names<'h, 'm>,
    ranks: &'w Ranks,
    stores: FxHashMap<u64, NodeIndex>,
    /// Names of variables, by ScopeInfo and slot.
    scopes: FxHashMap<u64, Rc<[(u32, StringId)]>>,
    /// Of what V8 has in read-only memory `undefined` and its like, empty arrays, maps of its own types. V8's snapshots
    /// don't say which of its own fields refer to most of them, and nothing is gained by it: they are always there.
    dull: Dull,
    /// What stands in the place of elements that are not there.
    holes: Vec<NodeIndex>,
    code: StringId,
    map: StringId,
    proto: StringId,
    store: StringId,
}

impl<'w, 'h, 'm> EdgeWriter<'w, 'h, 'm> {
    pub(super) fn new(
        walker: &'w Walker<'h, 'm>,
        names: &'w Names<'h, 'm>,
        ranks: &'w Ranks,
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
            code: builder.string("code"),
            map: builder.string("map"),
            proto: builder.string("__proto__"),
            store: builder.string("backing_store"),
        }
    }

    /// The node that a word refers to.
    #[inline]
    fn node(&self, word: u64) -> Option<NodeIndex> {
        if word & 1 == 0 {
            return None;
        }
        self.ranks.node(self.walker, word)
    }

    pub(super) fn write(
        &mut self,
        builder: &mut GraphBuilder,
        template: Rc<Template>,
        object: &Object,
        from: NodeIndex,
    ) {
        let Some(bytes) = self.names.view.bytes(object.address) else {
            return;
        };
        let Some(size) = object_size(self.walker.heap, &object.map, bytes) else {
            return;
        };
        match template.role {
            Role::Js | Role::Global | Role::Buffer => {
                self.js(builder, &template, object, from, bytes);
                self.fields(builder, &template, object, bytes, size, from);
            }
            Role::Context => self.context(builder, bytes, size, from),
            Role::EphemeronTable => self.ephemerons(builder, object, bytes, size, from),
            Role::Plain => self.fields(builder, &template, object, bytes, size, from),
        }
        if object.map.watch == Watch::Function
            && let Some(code) = self.walker.code_by_handle(bytes)
            && let Some(code) = self.node(code)
        {
            builder.edge(from, EdgeKind::Internal, self.code, code);
        }
        let map = self.node(u64_at(bytes, 0));
        if let Some(map) = map.filter(|&map| !self.dull.contains(map)) {
            builder.edge(from, EdgeKind::Internal, self.map, map);
        }
    }

    /// All fields of an object that are no properties, by name where they have one.
    fn fields(
        &self,
        builder: &mut GraphBuilder,
        template: &Template,
        object: &Object,
        bytes: &[u8],
        size: usize,
        from: NodeIndex,
    ) {
        let (start, end) = object.map.shape.references(bytes, size);
        let is_native_context = object.map.shape == Shape::NativeContext;
        // Elements of arrays and slots of tables are numbered as V8 numbers them: after map and length.
        let before = if object.map.shape == Shape::Words(16) {
            2
        } else {
            0
        };
        for (at, word) in (start / 8..).zip(bytes.get(start..end).unwrap_or(&[]).chunks_exact(8)) {
            if template.is_property.get(at).is_some_and(|&is| is) {
                continue;
            }
            let word = u64_at(word, 0);
            let Some(node) = self.node(word) else {
                continue;
            };
            let number = u32::try_from(at - before).unwrap_or(u32::MAX);
            let weak = word & 2 != 0
                || (is_native_context && self.walker.is_native_context(word))
                || template
                    .weak
                    .is_some_and(|(first, count)| (first..first + count).contains(&at));
            let label = template.fields.get(at).copied().flatten();
            if self.dull.contains(node) {
                continue;
            }
            match label {
                Some(label) if weak => builder.edge(from, EdgeKind::Weak, label.name, node),
                Some(label) => builder.edge(from, label.kind, label.name, node),
                None if weak => builder.edge(from, EdgeKind::Weak, number, node),
                None => builder.edge(from, EdgeKind::Hidden, number, node),
            }
        }
    }

    /// An edge to the value of a property, or to getter and setter.
    fn named(
        &self,
        builder: &mut GraphBuilder,
        from: NodeIndex,
        label: Label,
        word: u64,
        node: NodeIndex,
    ) {
        let Some((get, set)) = label.accessor else {
            builder.edge(from, label.kind, label.name, node);
            return;
        };
        // V8's own accessors (`length` of an array) are no pairs: there is no function to be held.
        let layout = self.walker.layout;
        let pair = self.names.view.object(word);
        let Some(pair) = pair.filter(|o| o.instance_type() == layout.types.accessor_pair) else {
            return;
        };
        builder.edge(from, label.kind, label.name, node);
        for (offset, name) in [(layout.offsets.getter, get), (layout.offsets.setter, set)] {
            let function = self.names.view.field_word(pair.address, offset);
            // Without one `undefined` or `null` stands there.
            let function = function.filter(|&word| {
                let object = self.names.view.object(word);
                object.is_some_and(|it| it.instance_type() != layout.types.oddball)
            });
            if let Some(function) = function.and_then(|word| self.node(word)) {
                builder.edge(from, label.kind, name, function);
            }
        }
    }

    /// What V8 adds for people, in its order: from an object right to the values of its properties and elements, and
    /// to its prototype.
    fn js(
        &mut self,
        builder: &mut GraphBuilder,
        template: &Template,
        object: &Object,
        from: NodeIndex,
        bytes: &[u8],
    ) {
        let view = self.names.view;
        let offsets = &self.walker.layout.offsets;
        if template.role == Role::Global {
            self.global_variables(builder, object, from);
        } else if template.dictionary_properties {
            self.dictionary(builder, object, from);
        } else {
            self.properties(builder, template, object, from, bytes);
        }
        self.js_elements(builder, template, object, from);
        // V8 does not tell of an ArrayBuffer's prototype.
        let prototype = view
            .field_word(object.map.address, offsets.map_prototype)
            .filter(|_| template.role != Role::Buffer);
        if let Some(node) = prototype.and_then(|word| self.node(word)) {
            builder.edge(from, EdgeKind::Property, self.proto, node);
        }
        if template.role == Role::Buffer
            && let Some(&store) = self
                .stores
                .get(&u64_at(bytes, offsets.buffer_backing_store))
        {
            builder.edge(from, EdgeKind::Internal, self.store, store);
        }
    }

    /// Properties that the map describes: in the object, beside it, or shared by all objects of the map.
    fn properties(
        &self,
        builder: &mut GraphBuilder,
        template: &Template,
        object: &Object,
        from: NodeIndex,
        bytes: &[u8],
    ) {
        let view = &self.names.view;
        let outside = template
            .has_outside
            .then(|| view.property_array(object.address))
            .flatten()
            .and_then(|array| view.bytes(array.address)?.get(16..))
            .unwrap_or(&[]);
        let word_at = |bytes: &[u8], at: usize| Some(u64_at(bytes.get(at..at + 8)?, 0));
        for &(label, place) in &template.properties {
            let value = match place {
                Place::InObject(offset) => word_at(bytes, offset),
                Place::OutOfObject(index) => word_at(outside, index * 8),
                Place::Constant(value) => Some(value),
            };
            if let Some(value) = value
                && let Some(node) = self.node(value)
            {
                self.named(builder, from, label, value, node);
            }
        }
    }

    fn js_elements(
        &self,
        builder: &mut GraphBuilder,
        template: &Template,
        object: &Object,
        from: NodeIndex,
    ) {
        let view = &self.names.view;
        let layout = self.walker.layout;
        let Some(store) = view.field(object, layout.offsets.elements) else {
            return;
        };
        if template.dictionary_elements {
            let start = (self.walker.layout.codes.number_dictionary_start) * 8;
            let entries = view.elements(&store, 16).get(start..).unwrap_or(&[]);
            for entry in entries.chunks_exact(24) {
                let index = smi_at(entry, 0).and_then(|i| u32::try_from(i).ok());
                if let (Some(index), Some(node)) = (index, self.node(u64_at(entry, 8))) {
                    builder.edge(from, EdgeKind::Element, index, node);
                }
            }
            return;
        }
        if self.walker.layout.type_name(store.instance_type()) != "FIXED_ARRAY" {
            return;
        }
        // An array may have room for more than it has.
        let length = (object.instance_type() == layout.types.js_array)
            .then(|| view.field_word(object.address, layout.offsets.internal_fields))
            .flatten()
            .filter(|word| word & 1 == 0)
            .map_or(usize::MAX, |word| (word >> 32) as usize);
        let elements = view.elements(&store, 16).chunks_exact(8).take(length);
        for (index, word) in (0_u32..).zip(elements) {
            let node = self.node(u64_at(word, 0));
            if let Some(node) = node.filter(|node| !self.holes.contains(node)) {
                builder.edge(from, EdgeKind::Element, index, node);
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
            let Some(node) = self.node(value) else {
                continue;
            };
            let Some(name) = view.key_text(key, MAX_NAME) else {
                continue;
            };
            let accessor = view
                .object(value)
                .is_some_and(|o| o.instance_type() == self.walker.layout.types.accessor_pair);
            let label = Label::property(builder, &name, accessor);
            self.named(builder, from, label, value, node);
        }
    }

    fn global_variables(&self, builder: &mut GraphBuilder, object: &Object, from: NodeIndex) {
        let view = &self.names.view;
        for (key, value) in view.global_variables(object) {
            let (Some(name), Some(node)) = (view.key_text(key, MAX_NAME), self.node(value)) else {
                continue;
            };
            let accessor = view
                .object(value)
                .is_some_and(|o| o.instance_type() == self.walker.layout.types.accessor_pair);
            let label = Label::property(builder, &name, accessor);
            self.named(builder, from, label, value, node);
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
    fn ephemerons(
        &self,
        builder: &mut GraphBuilder,
        table: &Object,
        bytes: &[u8],
        size: usize,
        from: NodeIndex,
    ) {
        let entries = bytes.get(16 + EPHEMERONS_START * 8..size).unwrap_or(&[]);
        let mut number = 0_u32;
        for (slot, entry) in (3_u32..).step_by(2).zip(entries.chunks_exact(16)) {
            let (key, value) = (u64_at(entry, 0), u64_at(entry, 8));
            let Some(key_node) = self.node(key) else {
                continue;
            };
            builder.edge(from, EdgeKind::Weak, slot, key_node);
            let Some(value_node) = self.node(value) else {
                continue;
            };
            builder.edge(from, EdgeKind::Weak, slot + 1, value_node);
            number = number.saturating_add(1);
            let name = format!(
                "{number} / part of key ({} @{}) -> value ({} @{}) pair in WeakMap (table @{})",
                self.short_name(key),
                key & !3,
                self.short_name(value),
                value & !3,
                table.address
            );
            let name = builder.string(&name);
            builder.edge(from, EdgeKind::Internal, name, value_node);
            builder.edge(key_node, EdgeKind::Internal, name, value_node);
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

/// Nodes of read-only pages that no edge of V8's own leads to: for each such page, from which node on, and a bit for each.
struct Dull {
    pages: Vec<(u32, Vec<bool>)>,
}

impl Dull {
    fn find(walker: &Walker<'_, '_>, ranks: &Ranks) -> Self {
        let layout = walker.layout;
        let is_dull_type = |kind: u16| {
            kind == layout.types.oddball
                || layout.type_name(kind) == "HOLE"
                || matches!(
                    node_kind(layout, kind),
                    NodeKind::Array | NodeKind::ObjectShape
                )
        };
        let mut pages: Vec<(u32, Vec<bool>)> = Vec::new();
        let mut last = None;
        for (page, object) in crate::walker::objects_by_page(walker, |page| page.heap == 0) {
            let Some(node) = ranks.node(walker, object.address | 1) else {
                continue;
            };
            if last != Some(page) {
                last = Some(page);
                pages.push((node.0, Vec::new()));
            }
            if let Some((_, is_dull)) = pages.last_mut() {
                is_dull.push(is_dull_type(object.instance_type()));
            }
        }
        Self { pages }
    }

    #[inline]
    fn contains(&self, node: NodeIndex) -> bool {
        self.pages.iter().any(|(first, is_dull)| {
            node.0
                .checked_sub(*first)
                .and_then(|at| is_dull.get(at as usize))
                .is_some_and(|&is| is)
        })
    }
}

/// The nodes that stand for holes.
fn holes(walker: &Walker<'_, '_>, ranks: &Ranks) -> Vec<NodeIndex> {
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
            && let Some(node) = ranks.node(walker, object.address | 1)
        {
            holes.push(node);
        }
    }
    holes
}
