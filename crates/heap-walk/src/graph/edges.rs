//! References become edges.

use std::collections::HashMap;
use std::rc::Rc;

use memguard_heap_graph::{EdgeKind, GraphBuilder, NodeIndex, StringId};

use super::ranks::Ranks;
use super::template::{Label, Role, Template};
use crate::elf::u64_at;
use crate::names::{MAX_NAME, Names};
use crate::shape::smi_at;
use crate::view::Object;
use crate::walker::{Walker, untag};

/// References to hash table entries are named by their keys up to this number of different keys: a table of a
/// million sessions would add a million strings.
const MAX_KEY_NAMES: usize = 100_000;
/// Characters of a key in such a name.
const KEY_CHARACTERS: usize = 80;
/// Where the entries of an ephemeron table begin.
const EPHEMERONS_START: usize = 3;

/// Adds the edges, node by node.
pub(super) struct EdgeWriter<'w, 'h, 'm> {
    walker: &'w Walker<'h, 'm>,
    names: &'w Names<'h, 'm>,
    ranks: &'w Ranks,
    stores: HashMap<u64, NodeIndex>,
    /// Names of variables, by ScopeInfo and slot.
    scopes: HashMap<u64, Rc<HashMap<usize, StringId>>>,
    key_names: usize,
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
        stores: HashMap<u64, NodeIndex>,
    ) -> Self {
        Self {
            walker,
            names,
            ranks,
            stores,
            scopes: HashMap::new(),
            key_names: 0,
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
        let Some(size) = self.walker.size(&object.map, bytes) else {
            return;
        };
        if let Some(map) = self.node(u64_at(bytes, 0)) {
            builder.edge(from, EdgeKind::Internal, self.map, map);
        }
        match template.role {
            Role::Js | Role::Global | Role::Buffer => {
                self.js(builder, &template, object, from, bytes);
            }
            Role::Context => return self.context(builder, bytes, size, from),
            Role::EphemeronTable => return self.ephemerons(builder, bytes, size, from),
            Role::OrderedTable(words) => {
                return self.ordered_table(builder, bytes, size, from, words);
            }
            Role::Plain => {}
        }
        self.fields(builder, &template, object, bytes, size, from);
    }

    /// All fields of an object, by name where they have one.
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
        for (at, word) in (start / 8..).zip(bytes.get(start..end).unwrap_or(&[]).chunks_exact(8)) {
            let word = u64_at(word, 0);
            let Some(node) = self.node(word) else {
                continue;
            };
            let number = u32::try_from(at).unwrap_or(u32::MAX);
            let weak = word & 2 != 0
                || template
                    .weak
                    .is_some_and(|(first, count)| (first..first + count).contains(&at));
            match template.fields.get(at).copied().flatten() {
                Some(label) if weak => builder.edge(from, EdgeKind::Weak, label.name, node),
                Some(label) => self.named(builder, from, label, word, node),
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
        if !label.accessor {
            builder.edge(from, label.kind, label.name, node);
            return;
        }
        let offsets = &self.walker.layout.offsets;
        let Some(pair) = untag(word) else { return };
        for offset in [offsets.getter, offsets.setter] {
            let function = self
                .names
                .view
                .field_word(pair, offset)
                .and_then(|w| self.node(w));
            if let Some(function) = function {
                builder.edge(from, label.kind, label.name, function);
            }
        }
    }

    /// What V8 adds for people: from an object right to the values of its properties and elements.
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
        let prototype = view.field_word(object.map.address, offsets.map_prototype);
        if let Some(node) = prototype.and_then(|word| self.node(word)) {
            builder.edge(from, EdgeKind::Property, self.proto, node);
        }
        for &(label, value) in &template.constants {
            if let Some(node) = self.node(value) {
                self.named(builder, from, label, value, node);
            }
        }
        if template.role == Role::Global {
            self.global_variables(builder, object, from);
        } else if template.dictionary_properties {
            self.dictionary(builder, object, from);
        } else if !template.outside.is_empty()
            && let Some(array) = view.property_array(object.address)
        {
            let values = view
                .bytes(array.address)
                .and_then(|b| b.get(16..))
                .unwrap_or(&[]);
            for (label, word) in template.outside.iter().zip(values.chunks_exact(8)) {
                let word = u64_at(word, 0);
                if let (Some(label), Some(node)) = (label, self.node(word)) {
                    self.named(builder, from, *label, word, node);
                }
            }
        }
        self.js_elements(builder, template, object, from);
        if template.role == Role::Buffer
            && let Some(&store) = self
                .stores
                .get(&u64_at(bytes, offsets.buffer_backing_store))
        {
            builder.edge(from, EdgeKind::Internal, self.store, store);
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
        let Some(store) = view.field(object, self.walker.layout.offsets.elements) else {
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
        for (index, word) in (0_u32..).zip(view.elements(&store, 16).chunks_exact(8)) {
            if let Some(node) = self.node(u64_at(word, 0)) {
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
            let name = builder.string(&name);
            let label = Label {
                kind: EdgeKind::Property,
                name,
                accessor,
            };
            self.named(builder, from, label, value, node);
        }
    }

    /// Global variables: a dictionary of cells that know their names.
    fn global_variables(&self, builder: &mut GraphBuilder, object: &Object, from: NodeIndex) {
        let view = &self.names.view;
        let layout = self.walker.layout;
        let Some(table) = view.field(object, layout.offsets.properties) else {
            return;
        };
        for word in view
            .elements(&table, 16)
            .chunks_exact(8)
            .map(|w| u64_at(w, 0))
        {
            let Some(cell) = view.object(word) else {
                continue;
            };
            if cell.instance_type() != layout.types.property_cell {
                continue;
            }
            let name = view
                .field_word(cell.address, 8)
                .and_then(|w| view.key_text(w, MAX_NAME));
            let value = view.field_word(cell.address, 24);
            let (Some(name), Some(value)) = (name, value) else {
                continue;
            };
            let Some(node) = self.node(value) else {
                continue;
            };
            let accessor = view
                .object(value)
                .is_some_and(|o| o.instance_type() == layout.types.accessor_pair);
            let name = builder.string(&name);
            let label = Label {
                kind: EdgeKind::Property,
                name,
                accessor,
            };
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
            match (slot, names.get(&slot)) {
                (0, _) => builder.edge(from, EdgeKind::Internal, "scope_info", node),
                (1, _) => builder.edge(from, EdgeKind::Internal, "previous", node),
                (_, Some(&name)) => {
                    builder.edge(from, EdgeKind::Context, name, node);
                }
                (2, None) => builder.edge(from, EdgeKind::Internal, "extension", node),
                (_, None) => {
                    let slot = u32::try_from(slot).unwrap_or(u32::MAX);
                    builder.edge(from, EdgeKind::Hidden, slot, node);
                }
            }
        }
    }

    fn scope(&mut self, builder: &mut GraphBuilder, scope: u64) -> Rc<HashMap<usize, StringId>> {
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
        let names: HashMap<usize, StringId> = names
            .into_iter()
            .map(|(slot, name)| (slot, builder.string(&name)))
            .collect();
        let names = Rc::new(names);
        self.scopes.insert(scope, Rc::clone(&names));
        names
    }

    /// A WeakMap's table: keys weakly, values by both the table and their key, as V8 has it.
    fn ephemerons(
        &mut self,
        builder: &mut GraphBuilder,
        bytes: &[u8],
        size: usize,
        from: NodeIndex,
    ) {
        let entries = bytes.get(16 + EPHEMERONS_START * 8..size).unwrap_or(&[]);
        let mut number = 1_u32;
        for entry in entries.chunks_exact(16) {
            let (key, value) = (u64_at(entry, 0), u64_at(entry, 8));
            let (Some(key_node), value_node) = (self.node(key), self.node(value)) else {
                continue;
            };
            builder.edge(from, EdgeKind::Weak, number, key_node);
            if let Some(value_node) = value_node {
                let name = self.key_name(builder, key, "value of weak key ");
                builder.edge(from, EdgeKind::Internal, name, value_node);
                builder.edge(key_node, EdgeKind::Internal, name, value_node);
            }
            number = number.saturating_add(1);
        }
    }

    /// A Map's or Set's table: elements, deleted ones, buckets, then that many buckets, then entries of (key, value,
    /// chain) or (key, chain).
    fn ordered_table(
        &mut self,
        builder: &mut GraphBuilder,
        bytes: &[u8],
        size: usize,
        from: NodeIndex,
        words: usize,
    ) {
        let buckets = smi_at(bytes, 32).unwrap_or(0);
        let start = 40_usize.saturating_add(buckets.saturating_mul(8)).min(size);
        // A table that was outgrown refers to the one after it in its first word.
        if let Some(next) = self.node(u64_at(bytes, 16)) {
            builder.edge(from, EdgeKind::Internal, "next_table", next);
        }
        for entry in bytes
            .get(start..size)
            .unwrap_or(&[])
            .chunks_exact(words * 8)
        {
            let key = u64_at(entry, 0);
            if let Some(node) = self.node(key) {
                builder.edge(from, EdgeKind::Internal, "key", node);
            }
            if words == 3
                && let Some(node) = self.node(u64_at(entry, 8))
            {
                let name = self.key_name(builder, key, "");
                builder.edge(from, EdgeKind::Internal, name, node);
            }
        }
    }

    /// What an entry is called by its key: `get("/s/1")`.
    fn key_name(&mut self, builder: &mut GraphBuilder, key: u64, before: &str) -> StringId {
        self.key_names += 1;
        if self.key_names > MAX_KEY_NAMES {
            return builder.string(&format!("{before}value"));
        }
        let view = &self.names.view;
        let text = if key & 1 == 0 {
            format!("get({})", (key as i64) >> 32)
        } else if let Some(text) = view.string(key, KEY_CHARACTERS) {
            format!("get({text:?})")
        } else if before.is_empty() {
            "value".to_owned()
        } else {
            let class = view
                .object(key)
                .map(|o| self.names.class_of(&o).0)
                .unwrap_or_default();
            format!("{before}{class}")
        };
        builder.string(&text)
    }
}
