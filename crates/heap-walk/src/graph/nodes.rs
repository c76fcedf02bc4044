//! Objects become nodes.

use memguard_heap_graph::{GraphBuilder, PlaceId, StringId};
use rustc_hash::FxHashMap;

use super::objects::Found;
use super::template::{Naming, Role, Template, location};
use crate::maps::Watch;
use crate::names::Names;
use crate::view::{Object, object_size};

/// A string's name is read from so many of its pieces: of millions of strings that were put together each is looked at.
const NAME_PIECES: usize = 32;

/// Adds the nodes, in the order of their addresses.
pub(super) struct NodeWriter<'n, 'h, 'm> {
    names: &'n Names<'h, 'm>,
    string_characters: usize,
    /// Names and places of functions, by their SharedFunctionInfo.
    functions: FxHashMap<u64, (StringId, Option<PlaceId>)>,
    /// The text of the last string that was put together.
    text: String,
    /// ArrayBuffers.
    pub(super) buffers: Vec<Object>,
    /// The tables of WeakMaps.
    pub(super) tables: Vec<Object>,
}

impl<'n, 'h, 'm> NodeWriter<'n, 'h, 'm> {
    pub(super) fn new(names: &'n Names<'h, 'm>, string_characters: usize) -> Self {
        Self {
            names,
            string_characters,
            functions: FxHashMap::default(),
            text: String::new(),
            buffers: Vec::new(),
            tables: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        builder: &mut GraphBuilder,
        template: &Template,
        found: &Found<'_>,
    ) {
        let mut place = template.place;
        let name = match template.naming {
            Naming::Fixed(name) => name,
            Naming::Text => self.text(builder, found),
            Naming::RegExp => {
                let pattern = self.names.pattern(&found.object()).unwrap_or_default();
                builder.string(&pattern)
            }
            Naming::Script => {
                let at = self.names.view.layout.offsets.script_name;
                let word = self.names.view.field_word(found.address, at).unwrap_or(0);
                let name = self.names.view.string(word, 4_096).unwrap_or_default();
                builder.string(&name)
            }
            Naming::SharedInfo => {
                let name = self.names.shared_name(&found.object(), false);
                match name.as_str() {
                    "" => builder.string("(shared function info)"),
                    name => builder.string(name),
                }
            }
            Naming::Class => {
                let (name, constructor) = self.names.class_of(&found.object());
                place = constructor
                    .and_then(|c| self.names.function_place(&c))
                    .map(|place| builder.place(location(&place)));
                builder.string(&name)
            }
            Naming::Generator(name) => {
                let view = &self.names.view;
                let function = view.field(&found.object(), view.layout.offsets.internal_fields);
                let function = function.filter(|it| view.layout.is_function(it.instance_type()));
                place = function.and_then(|it| self.function(builder, &it).1);
                name
            }
            Naming::Function => {
                let (name, found) = self.function(builder, &found.object());
                place = found;
                name
            }
        };
        let size = self.size(found);
        let node = builder.node_named(template.kind, name, found.address, size);
        if let Some(place) = place {
            builder.located(node, place);
        }
        match template.role {
            Role::Buffer => self.buffers.push(found.object()),
            Role::EphemeronTable => self.tables.push(found.object()),
            _ => {}
        }
    }

    fn size(&self, found: &Found<'_>) -> u64 {
        let view = &self.names.view;
        if !view.layout.row.snapshot_counts_read_only && view.is_read_only(found.object().address) {
            return 0;
        }
        let size = object_size(view.heap, &found.info, found.bytes).map_or(0, |size| size as u64);
        let outside = found.info.watch == Watch::ExternalString
            && view.layout.row.snapshot_counts_external_characters;
        if outside {
            return size + self.names.external_characters(&found.object());
        }
        size
    }

    fn text(&mut self, builder: &mut GraphBuilder, found: &Found<'_>) -> StringId {
        let view = &self.names.view;
        let word = found.address | 1;
        if !view.layout.is_string(found.info.instance_type) {
            let text = view.text(word, self.string_characters);
            return builder.string(&text.unwrap_or_default());
        }
        let object = found.object();
        if view.plain_text(&object, found.bytes, self.string_characters, &mut self.text) {
            return builder.string(&self.text);
        }
        match view.string_of_pieces(word, self.string_characters, NAME_PIECES) {
            // As V8's snapshots call all of these.
            Some(text) if text.is_empty() && view.string_length(word) > 0 => {
                builder.string("(concatenated string)")
            }
            text => builder.string(&text.unwrap_or_default()),
        }
    }

    fn function(
        &mut self,
        builder: &mut GraphBuilder,
        object: &Object,
    ) -> (StringId, Option<PlaceId>) {
        let at = self.names.view.layout.offsets.function_shared;
        let shared = self.names.view.field_word(object.address, at).unwrap_or(0);
        *self.functions.entry(shared).or_insert_with(|| {
            let name = builder.string(&self.names.function_name(object));
            let place = self.names.function_place(object);
            (name, place.map(|place| builder.place(location(&place))))
        })
    }
}
