//! Objects become nodes.

use std::rc::Rc;

use memguard_heap_graph::{GraphBuilder, Location, StringId};
use rustc_hash::FxHashMap;

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
    functions: FxHashMap<u64, (StringId, Option<Location>)>,
}

impl<'n, 'h, 'm> NodeWriter<'n, 'h, 'm> {
    pub(super) fn new(names: &'n Names<'h, 'm>, string_characters: usize) -> Self {
        Self {
            names,
            string_characters,
            functions: FxHashMap::default(),
        }
    }

    pub(super) fn add(
        &mut self,
        builder: &mut GraphBuilder,
        template: Rc<Template>,
        object: &Object,
        buffers: &mut Vec<Object>,
    ) {
        let mut place = template.location;
        let name = match template.naming {
            Naming::Fixed(name) => name,
            Naming::Text => self.text(builder, object),
            Naming::RegExp => {
                let pattern = self.names.pattern(object).unwrap_or_default();
                builder.string(&pattern)
            }
            Naming::Script => {
                let at = self.names.view.layout.offsets.script_name;
                let word = self.names.view.field_word(object.address, at).unwrap_or(0);
                let name = self.names.view.string(word, 4_096).unwrap_or_default();
                builder.string(&name)
            }
            Naming::SharedInfo => {
                let name = self.names.shared_name(object, false);
                match name.as_str() {
                    "" => builder.string("(shared function info)"),
                    name => builder.string(name),
                }
            }
            Naming::Class => {
                let (name, constructor) = self.names.class_of(object);
                place = constructor
                    .and_then(|c| self.names.function_place(&c))
                    .map(|place| location(&place));
                builder.string(&name)
            }
            Naming::Function => {
                let (name, found) = self.function(builder, object);
                place = found;
                name
            }
        };
        let size = self.size(object);
        let node = builder.node_named(template.kind, name, object.address, size);
        if let Some(place) = place {
            builder.location(node, place);
        }
        if template.role == Role::Buffer {
            buffers.push(*object);
        }
    }

    fn size(&self, object: &Object) -> u64 {
        let view = &self.names.view;
        let size = view
            .bytes(object.address)
            .and_then(|bytes| object_size(view.heap, &object.map, bytes))
            .map_or(0, |size| size as u64);
        let outside = object.map.watch == Watch::ExternalString
            && view.layout.row.snapshot_counts_external_characters;
        if outside {
            return size + self.names.external_characters(object);
        }
        size
    }

    fn text(&self, builder: &mut GraphBuilder, object: &Object) -> StringId {
        let view = &self.names.view;
        let word = object.address | 1;
        if !view.layout.is_string(object.instance_type()) {
            let text = view.text(word, self.string_characters);
            return builder.string(&text.unwrap_or_default());
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
    ) -> (StringId, Option<Location>) {
        let at = self.names.view.layout.offsets.function_shared;
        let shared = self.names.view.field_word(object.address, at).unwrap_or(0);
        *self.functions.entry(shared).or_insert_with(|| {
            let name = builder.string(&self.names.function_name(object));
            (
                name,
                self.names
                    .function_place(object)
                    .map(|place| location(&place)),
            )
        })
    }
}
