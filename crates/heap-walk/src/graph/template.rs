//! What all objects of a map have in common: kind, name, and the names of their fields. Made once for each map.

use std::collections::HashMap;

use memguard_heap_graph::{
    EdgeKind, EdgeStamp, GraphBuilder, Location, NodeKind, PlaceId, StringId,
};

use super::objects::Found;
use crate::census::{Group, group_of};
use crate::layout::Layout;
use crate::maps::MapInfo;
use crate::names::{Names, SourcePlace};
use crate::shape::Shape;
use crate::view::{Object, Place};
use crate::walker::Walker;

/// How a node gets its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// All alike.
    Fixed(StringId),
    /// By its text (strings, symbols' descriptions).
    Text,
    /// By the function.
    Function,
    /// All alike, at the place of the function that runs in each.
    Generator(StringId),
    /// By its pattern.
    RegExp,
    /// By its class, which has to be asked one by one.
    Class,
    /// By the name of the script.
    Script,
    /// By the name of the function that it describes.
    SharedInfo,
}

/// What is special about the references of such objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    Plain,
    /// A JavaScript object: properties and elements.
    Js,
    /// The object whose properties are global variables.
    Global,
    /// Variables by name.
    Context,
    /// Keys and values of a WeakMap.
    EphemeronTable,
    /// Memory outside of the heap.
    Buffer,
}

/// What the reference of a property is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    pub(super) stamp: EdgeStamp,
    /// The value is a pair of getter and setter, which have names of their own.
    pub(super) accessor: Option<(EdgeStamp, EdgeStamp)>,
}

/// What the reference of one of V8's own fields is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) strong: EdgeStamp,
    /// The same, where it keeps nothing alive.
    pub(super) weak: EdgeStamp,
}

impl Label {
    /// The label of a property.
    pub(super) fn property(builder: &mut GraphBuilder, name: &str, accessor: bool) -> Self {
        // Getters of symbols are called as the symbol is.
        let prefixed = |prefix: &str| match name.starts_with("<symbol") {
            true => name.to_owned(),
            false => format!("{prefix} {name}"),
        };
        let pair = accessor.then(|| {
            (
                builder.stamp(EdgeKind::Property, prefixed("get").as_str()),
                builder.stamp(EdgeKind::Property, prefixed("set").as_str()),
            )
        });
        Self {
            stamp: builder.stamp(EdgeKind::Property, name),
            accessor: pair,
        }
    }
}

/// What is known of a map.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) kind: NodeKind,
    pub(super) naming: Naming,
    pub(super) role: Role,
    /// Where the constructor stands.
    pub(super) place: Option<PlaceId>,
    /// V8's own fields, by word of the object.
    pub(super) fields: Vec<Option<Field>>,
    /// Words of the object that are properties.
    pub(super) is_property: Vec<bool>,
    /// Properties in the order in which they were added: what objects without a class are called by.
    pub(super) properties: Vec<(Label, Place)>,
    /// There are some outside of the object.
    pub(super) has_outside: bool,
    /// How elements are kept: `Some(true)` in a hash table.
    pub(super) dictionary_elements: bool,
    pub(super) dictionary_properties: bool,
    /// Fields whose references are weak although they are not tagged so: first word, count.
    pub(super) weak: Option<(usize, usize)>,
}

impl Template {
    /// Whether no word of such an object has a name or is a property.
    pub(super) fn is_nameless(&self) -> bool {
        self.fields.is_empty() && self.is_property.is_empty() && self.weak.is_none()
    }
}

/// The templates of one heap.
pub(super) struct Templates<'n, 'h, 'm> {
    names: &'n Names<'h, 'm>,
    /// By the number of the map.
    by_map: Vec<Option<Box<Template>>>,
    /// Types of tables that metadata does not name: read off the collections that have them.
    tables: HashMap<u16, Role>,
}

impl<'n, 'h, 'm> Templates<'n, 'h, 'm> {
    pub(super) fn new(walker: &Walker<'_, '_>, names: &'n Names<'h, 'm>) -> Self {
        let mut tables = HashMap::new();
        let types = &walker.layout.types;
        for (info, tally) in walker.maps.infos().iter().zip(&walker.tallies) {
            let role = match info.instance_type {
                t if t == types.js_weak_map || t == types.js_weak_set => Role::EphemeronTable,
                _ => continue,
            };
            let owner = Object {
                address: tally.example,
                map: *info,
            };
            let table = names
                .view
                .field(&owner, walker.layout.offsets.internal_fields);
            // A prototype has the shape of a collection but no table.
            if let Some(table) = table.filter(|t| tally.all.count > 0 && t.map.words == 0) {
                tables.insert(table.instance_type(), role);
            }
        }
        Self {
            names,
            by_map: walker.maps.infos().iter().map(|_| None).collect(),
            tables,
        }
    }

    /// The template of an object's map. `None` for a map of another heap.
    pub(super) fn of(
        &mut self,
        found: &Found<'_>,
        builder: &mut GraphBuilder,
    ) -> Option<&Template> {
        let index = found.map as usize;
        if self.by_map.get(index)?.is_none() {
            let made = self.make(&found.info, found.address, builder);
            *self.by_map.get_mut(index)? = Some(Box::new(made));
        }
        self.by_map.get(index)?.as_deref()
    }

    /// The same of a map of which there was an object before.
    #[inline]
    pub(super) fn known(&self, map: u32) -> Option<&Template> {
        self.by_map.get(map as usize)?.as_deref()
    }

    fn make(&self, map: &MapInfo, example: u64, builder: &mut GraphBuilder) -> Template {
        let layout = self.names.view.layout;
        let kind = node_kind(layout, map.instance_type);
        let role = self.role(layout, map);
        let object = Object {
            address: example,
            map: *map,
        };
        let (naming, place) = self.naming(layout, &object, builder);
        let mut template = Template {
            kind,
            naming,
            role,
            place: place.map(|place| builder.place(location(&place))),
            fields: vec![None; usize::from(map.words)],
            is_property: vec![false; usize::from(map.words)],
            properties: Vec::new(),
            has_outside: false,
            dictionary_elements: self.names.view.elements_kind(map)
                == layout.codes.dictionary_elements,
            dictionary_properties: self.names.view.is_dictionary_map(map),
            weak: None,
        };
        for (offset, name) in internal_fields(layout, map.instance_type) {
            let name = builder.string(name);
            let field = Field {
                strong: builder.stamp(EdgeKind::Internal, name),
                weak: builder.stamp(EdgeKind::Weak, name),
            };
            if template.fields.len() <= offset / 8 {
                template.fields.resize(offset / 8 + 1, None);
            }
            template.fields[offset / 8] = Some(field);
        }
        if let Shape::FixedWeak { at, count } = map.shape {
            template.weak = Some((usize::from(at) / 8, usize::from(count)));
        }
        if layout.is_js(map.instance_type) {
            self.add_properties(&mut template, map, builder);
        }
        // There are some thousands of these: no room for fields without a name.
        let named = template.fields.iter().rposition(Option::is_some);
        template.fields.truncate(named.map_or(0, |last| last + 1));
        template.fields.shrink_to_fit();
        if !template.is_property.contains(&true) {
            template.is_property = Vec::new();
        }
        template.properties.shrink_to_fit();
        template
    }

    fn role(&self, layout: &Layout, map: &MapInfo) -> Role {
        let types = &layout.types;
        match map.instance_type {
            t if t == types.js_global_object => Role::Global,
            t if t == types.js_array_buffer => Role::Buffer,
            t if layout.is_js(t) => Role::Js,
            t if layout.is_context(t) && t != types.native_context => Role::Context,
            t => self.tables.get(&t).copied().unwrap_or(Role::Plain),
        }
    }

    fn naming(
        &self,
        layout: &Layout,
        object: &Object,
        builder: &mut GraphBuilder,
    ) -> (Naming, Option<SourcePlace>) {
        let types = &layout.types;
        let instance_type = object.instance_type();
        let fixed = |builder: &mut GraphBuilder, name: &str| Naming::Fixed(builder.string(name));
        match group_of(layout, instance_type) {
            Group::String | Group::Symbol => (Naming::Text, None),
            Group::RegExp => (Naming::RegExp, None),
            Group::Number => (fixed(builder, "heap number"), None),
            Group::BigInt => (fixed(builder, "bigint"), None),
            Group::Closure if instance_type == types.js_bound_function => {
                (fixed(builder, "native_bind"), None)
            }
            Group::Closure => (Naming::Function, None),
            Group::Object if object.map.of_prototype => (Naming::Class, None),
            Group::Object if layout.is_generator(instance_type) => {
                let (name, _) = self.names.class_of(object);
                (Naming::Generator(builder.string(&name)), None)
            }
            Group::Object => {
                let (name, constructor) = self.names.class_of(object);
                let place = constructor.and_then(|c| self.names.function_place(&c));
                (fixed(builder, &name), place)
            }
            Group::Context => (fixed(builder, "system / Context"), None),
            Group::Internal if instance_type == types.script => (Naming::Script, None),
            Group::Internal if instance_type == types.shared_function_info => {
                (Naming::SharedInfo, None)
            }
            Group::Internal => {
                let name = internal_name(layout, instance_type);
                (fixed(builder, &name), None)
            }
        }
    }

    fn add_properties(&self, template: &mut Template, map: &MapInfo, builder: &mut GraphBuilder) {
        let view = &self.names.view;
        // As in V8's snapshots, numbers are not told of by name.
        for descriptor in view.descriptors(map).into_iter().filter(|d| !d.numeric) {
            let Some(name) = view.key_text(descriptor.key, crate::names::MAX_NAME) else {
                continue;
            };
            let label = Label::property(builder, &name, descriptor.accessor);
            match descriptor.place {
                Place::InObject(offset) => match template.is_property.get_mut(offset / 8) {
                    Some(word) => *word = true,
                    None => continue,
                },
                Place::OutOfObject(_) => template.has_outside = true,
                Place::Constant(_) => {}
            }
            template.properties.push((label, descriptor.place));
        }
    }
}

pub(super) fn location(place: &SourcePlace) -> Location {
    Location {
        script_id: place.script_id,
        line: place.line,
        column: place.column,
    }
}

pub(super) fn node_kind(layout: &Layout, instance_type: u16) -> NodeKind {
    let types = &layout.types;
    match group_of(layout, instance_type) {
        Group::String => match instance_type & 7 {
            1 => NodeKind::ConcatenatedString,
            3 => NodeKind::SlicedString,
            _ => NodeKind::String,
        },
        Group::Symbol => NodeKind::Symbol,
        Group::BigInt => NodeKind::BigInt,
        Group::Number => NodeKind::Number,
        Group::RegExp => NodeKind::RegExp,
        Group::Closure => NodeKind::Closure,
        Group::Object | Group::Context => NodeKind::Object,
        Group::Internal if instance_type == types.map => NodeKind::ObjectShape,
        Group::Internal => match layout.type_name(instance_type) {
            "DESCRIPTOR_ARRAY"
            | "STRONG_DESCRIPTOR_ARRAY"
            | "TRANSITION_ARRAY"
            | "PROTOTYPE_INFO"
            | "ENUM_CACHE" => NodeKind::ObjectShape,
            "FIXED_ARRAY" | "FIXED_DOUBLE_ARRAY" | "PROPERTY_ARRAY" | "BYTE_ARRAY"
            | "WEAK_FIXED_ARRAY" | "WEAK_ARRAY_LIST" | "ARRAY_LIST" | "" => NodeKind::Array,
            "CODE"
            | "INSTRUCTION_STREAM"
            | "BYTECODE_ARRAY"
            | "SCRIPT"
            | "SHARED_FUNCTION_INFO"
            | "SCOPE_INFO"
            | "FEEDBACK_VECTOR"
            | "FEEDBACK_METADATA"
            | "FEEDBACK_CELL"
            | "ALLOCATION_SITE"
            | "PREPARSE_DATA"
            | "BYTECODE_WRAPPER"
            | "CLOSURE_FEEDBACK_CELL_ARRAY"
            | "OBJECT_BOILERPLATE_DESCRIPTION"
            | "TRUSTED_BYTE_ARRAY" => NodeKind::Code,
            name if name.starts_with("UNCOMPILED_DATA") => NodeKind::Code,
            _ => NodeKind::Hidden,
        },
    }
}

/// `SHARED_FUNCTION_INFO` → `system / SharedFunctionInfo`, as V8's snapshots have it.
fn internal_name(layout: &Layout, instance_type: u16) -> String {
    let name = layout.type_name(instance_type);
    if node_kind(layout, instance_type) == NodeKind::Array {
        return String::new();
    }
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_string() + &letters.as_str().to_lowercase()
        })
    });
    format!("system / {}", words.collect::<String>())
}

/// The fields of V8's own classes that are worth a name.
fn internal_fields(layout: &Layout, instance_type: u16) -> Vec<(usize, &'static str)> {
    let (types, o) = (&layout.types, &layout.offsets);
    let first = o.internal_fields;
    let mut fields = Vec::new();
    if layout.is_js(instance_type) {
        fields.extend([(o.properties, "properties"), (o.elements, "elements")]);
    }
    match instance_type {
        t if layout.is_function(t) => {
            fields.extend([
                (o.function_shared, "shared"),
                (o.function_context, "context"),
                (o.function_feedback, "feedback_cell"),
                (o.function_prototype, "prototype_or_initial_map"),
            ]);
            fields.extend(o.function_code.map(|offset| (offset, "code")));
        }
        t if t == types.js_bound_function => fields.extend([
            (first, "bound_function"),
            (first + 8, "bound_this"),
            (first + 16, "bound_arguments"),
        ]),
        t if [
            types.js_map,
            types.js_set,
            types.js_weak_map,
            types.js_weak_set,
        ]
        .contains(&t) =>
        {
            fields.push((first, "table"));
        }
        t if t == types.js_promise => fields.push((first, "reactions_or_result")),
        t if t == types.js_weak_ref => fields.push((first, "target")),
        t if t == types.js_typed_array => fields.push((first, "buffer")),
        // A proxy is no JSObject: its fields follow the properties.
        t if t == types.js_proxy => fields.extend([(16, "target"), (24, "handler")]),
        t if layout.is_generator(t) => fields.extend([
            (first, "function"),
            (first + 8, "context"),
            (first + 16, "receiver"),
            (first + 24, "input_or_debug_pos"),
            (first + 48, "parameters_and_registers"),
        ]),
        t if t == types.weak_cell => {
            fields.push((layout.row.weak_cell_holdings.into(), "holdings"));
        }
        t if t == types.promise_reaction => {
            fields.extend((8..).step_by(8).zip(layout.row.promise_reaction));
        }
        t if t == types.map => fields.extend([
            (o.map_prototype, "prototype"),
            (o.map_constructor, "constructor_or_back_pointer"),
            (o.map_descriptors, "descriptors"),
        ]),
        t if t == types.shared_function_info => {
            fields.extend([
                (o.shared_script, "script"),
                (o.shared_name, "name_or_scope_info"),
            ]);
        }
        t if t == types.script => {
            fields.extend([(o.script_source, "source"), (o.script_name, "name")]);
        }
        t if t == types.property_cell => fields.extend([(8, "name"), (24, "value")]),
        t if t == types.accessor_pair => {
            fields.extend([(o.getter, "getter"), (o.setter, "setter")]);
        }
        t if t == types.symbol => fields.push((o.symbol_name, "name")),
        t if layout.is_string(t) => match t & 7 {
            1 => fields.extend([(16, "first"), (24, "second")]),
            3 => fields.push((16, "parent")),
            5 => fields.push((16, "actual")),
            _ => {}
        },
        t if layout.is_context(t) => fields.extend([(16, "scope_info"), (24, "previous")]),
        _ => {}
    }
    fields
}
