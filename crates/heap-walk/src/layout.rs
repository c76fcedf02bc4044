//! All offsets, masks and type codes that the walker needs, drawn from the metadata once and checked.
//!
//! A missing constant that can't be done without, or one with a value that no build has, is an error here: before a
//! single object is read.

mod checks;

use checks::ALIAS;

use crate::error::WalkError;
use crate::metadata::Metadata;
use crate::shape::{self, Shape};
use crate::versions::{self, VersionRow};

/// Instance types are below this in all versions.
pub(crate) const TYPE_LIMIT: usize = 4_096;

/// The instance types that are asked for by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Types {
    pub(crate) symbol: u16,
    pub(crate) map: u16,
    pub(crate) oddball: u16,
    pub(crate) heap_number: u16,
    pub(crate) first_js: u16,
    pub(crate) js_object: u16,
    pub(crate) js_api_object: u16,
    pub(crate) js_special_api_object: u16,
    pub(crate) js_array: u16,
    pub(crate) js_map: u16,
    pub(crate) js_set: u16,
    pub(crate) js_weak_map: u16,
    pub(crate) js_weak_set: u16,
    pub(crate) js_weak_ref: u16,
    pub(crate) weak_cell: u16,
    pub(crate) js_promise: u16,
    pub(crate) js_proxy: u16,
    pub(crate) js_reg_exp: u16,
    pub(crate) js_bound_function: u16,
    pub(crate) js_array_buffer: u16,
    pub(crate) js_typed_array: u16,
    pub(crate) js_global_object: u16,
    pub(crate) js_global_proxy: u16,
    pub(crate) first_function: u16,
    pub(crate) last_function: u16,
    pub(crate) first_generator: u16,
    pub(crate) last_generator: u16,
    pub(crate) first_context: u16,
    pub(crate) last_context: u16,
    pub(crate) native_context: u16,
    pub(crate) function_template: u16,
    pub(crate) code: u16,
    pub(crate) shared_function_info: u16,
    pub(crate) scope_info: u16,
    pub(crate) script: u16,
    pub(crate) debug_info: u16,
    pub(crate) property_cell: u16,
    pub(crate) accessor_pair: u16,
    pub(crate) property_array: u16,
    pub(crate) descriptor_array: u16,
    pub(crate) strong_descriptor_array: u16,
    pub(crate) tuple2: u16,
    pub(crate) promise_reaction: u16,
    pub(crate) first_uncompiled: u16,
    pub(crate) last_uncompiled: u16,
}

/// Offsets of fields, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offsets {
    pub(crate) map_instance_size: usize,
    pub(crate) map_inobject_start: usize,
    pub(crate) map_instance_type: usize,
    pub(crate) map_bit_field2: usize,
    pub(crate) map_bit_field3: usize,
    pub(crate) map_prototype: usize,
    pub(crate) map_constructor: usize,
    pub(crate) map_descriptors: usize,
    pub(crate) properties: usize,
    pub(crate) elements: usize,
    pub(crate) internal_fields: usize,
    pub(crate) function_shared: usize,
    pub(crate) function_context: usize,
    pub(crate) function_code: Option<usize>,
    pub(crate) function_feedback: usize,
    pub(crate) function_prototype: usize,
    pub(crate) shared_name: usize,
    pub(crate) shared_script: usize,
    pub(crate) shared_data: usize,
    pub(crate) script_source: usize,
    pub(crate) script_name: usize,
    pub(crate) script_id: usize,
    pub(crate) regexp_source: usize,
    pub(crate) oddball_kind: usize,
    pub(crate) symbol_name: usize,
    pub(crate) string_length: usize,
    pub(crate) string_chars: usize,
    pub(crate) uncompiled_start: usize,
    pub(crate) getter: usize,
    pub(crate) setter: usize,
    pub(crate) descriptors_header: usize,
    pub(crate) bytecode_data: usize,
    pub(crate) buffer_backing_store: usize,
    pub(crate) buffer_byte_length: usize,
}

/// Masks, shifts and counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codes {
    pub(crate) elements_kind_shift: u32,
    pub(crate) elements_kind_mask: u32,
    pub(crate) dictionary_elements: u32,
    pub(crate) dictionary_map_shift: u32,
    pub(crate) own_descriptors_shift: u32,
    pub(crate) own_descriptors_mask: u32,
    pub(crate) property_kind_mask: u64,
    pub(crate) property_location_mask: u64,
    pub(crate) property_index_mask: u64,
    pub(crate) property_index_shift: u32,
    pub(crate) representation_mask: u64,
    pub(crate) representation_shift: u32,
    /// Smi and double.
    pub(crate) numeric_representations: [u64; 2],
    pub(crate) name_dictionary_start: usize,
    pub(crate) number_dictionary_start: usize,
}

/// Everything that is known of the heap of one build.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) row: VersionRow,
    pub(crate) types: Types,
    pub(crate) offsets: Offsets,
    pub(crate) codes: Codes,
    shapes: Vec<Shape>,
    names: Vec<String>,
}

impl Layout {
    /// Draws a layout from the metadata.
    ///
    /// # Errors
    /// Whatever makes the heap of this build unreadable, see [`WalkError`].
    pub(crate) fn new(metadata: &Metadata) -> Result<Self, WalkError> {
        let tagged_size = metadata.need("TaggedSize")?;
        if tagged_size != 8 {
            return Err(WalkError::PointerCompression { tagged_size });
        }
        check_values(metadata)?;
        let row = *versions::row(metadata.version()?)?;
        let types = types(metadata)?;
        let mut offsets = offsets(metadata)?;
        checks::check(metadata, row.node, &types, &offsets)?;
        if !row.code_by_handle {
            offsets.function_code = Some(checks::function_code(metadata, &offsets)?);
        }
        let codes = codes(metadata)?;
        let names = type_names(metadata, &types);
        let shapes = shape::table(&names, &row, &offsets);
        Ok(Self {
            row,
            types,
            offsets,
            codes,
            shapes,
            names,
        })
    }

    /// How objects of a type are measured and walked.
    #[inline]
    pub(crate) fn shape(&self, instance_type: u16) -> Shape {
        self.shapes
            .get(usize::from(instance_type))
            .copied()
            .unwrap_or(Shape::Unknown)
    }

    /// V8's name of a type, without `_TYPE`; empty when it isn't known.
    pub(crate) fn type_name(&self, instance_type: u16) -> &str {
        self.names
            .get(usize::from(instance_type))
            .map_or("", String::as_str)
    }

    pub(crate) fn is_string(&self, instance_type: u16) -> bool {
        instance_type < self.types.symbol
    }

    pub(crate) fn is_js(&self, instance_type: u16) -> bool {
        instance_type >= self.types.first_js
    }

    pub(crate) fn is_function(&self, instance_type: u16) -> bool {
        (self.types.first_function..=self.types.last_function).contains(&instance_type)
    }

    pub(crate) fn is_context(&self, instance_type: u16) -> bool {
        (self.types.first_context..=self.types.last_context).contains(&instance_type)
    }

    pub(crate) fn is_generator(&self, instance_type: u16) -> bool {
        (self.types.first_generator..=self.types.last_generator).contains(&instance_type)
    }
}

/// Constants of which the walker has the value built in: another value means another V8.
fn check_values(metadata: &Metadata) -> Result<(), WalkError> {
    let expected = [
        ("HeapObjectTag", 1, "1"),
        ("HeapObjectTagMask", 3, "3"),
        ("SmiShiftSize", 31, "31"),
        ("SystemPointerSize", 8, "8"),
        ("FirstNonstringType", 128, "128"),
        ("StringRepresentationMask", 7, "7"),
        ("StringEncodingMask", 8, "8"),
        ("SeqStringTag", 0, "0"),
        ("ConsStringTag", 1, "1"),
        ("ExternalStringTag", 2, "2"),
        ("SlicedStringTag", 3, "3"),
        ("ThinStringTag", 5, "5"),
        ("prop_desc_key", 0, "0"),
        ("prop_desc_details", 1, "1"),
        ("prop_desc_value", 2, "2"),
        ("prop_desc_size", 3, "3"),
        ("class_FixedArrayBase__length", 8, "8"),
        ("class_FixedArray__data", 16, "16"),
        ("class_ConsString__first", 16, "16"),
        ("class_ConsString__second", 24, "24"),
        ("class_SlicedString__parent", 16, "16"),
        ("class_SlicedString__offset", 24, "24"),
        ("class_ThinString__actual", 16, "16"),
        ("context_idx_scope_info", 0, "0"),
        ("context_idx_prev", 1, "1"),
        ("context_min_slots", 2, "2"),
        ("namedictionaryshape_entry_size", 3, "3"),
        ("numberdictionaryshape_entry_size", 3, "3"),
        ("numberdictionaryshape_prefix_size", 1, "1"),
        ("globaldictionaryshape_entry_size", 1, "1"),
    ];
    for (name, value, expected) in expected {
        let found = metadata.need(name)?;
        if found != value {
            return Err(bad(name, found, expected));
        }
    }
    Ok(())
}

fn bad(name: &str, value: i32, expected: &'static str) -> WalkError {
    WalkError::BadConstant {
        name: name.to_owned(),
        value: i64::from(value),
        expected,
    }
}

fn types(metadata: &Metadata) -> Result<Types, WalkError> {
    let need = |name: &str| metadata.need_type(name);
    let constant = |name: &str| {
        let value = metadata.need(name)?;
        u16::try_from(value).map_err(|_| bad(name, value, "an instance type"))
    };
    let (first_context, last_context) =
        (constant("FirstContextType")?, constant("LastContextType")?);
    if last_context.checked_sub(first_context) != Some(9) {
        return Err(bad(
            "LastContextType",
            last_context.into(),
            "ten types of contexts",
        ));
    }
    // All types of JSReceiver stand at the end, beginning with those that need special treatment.
    let first_js = ["WASM_ARRAY", "WASM_STRUCT", "JS_PROXY"]
        .into_iter()
        .filter_map(|name| metadata.type_code(name))
        .min()
        .ok_or_else(|| WalkError::MissingConstant {
            name: "type_JS_PROXY".to_owned(),
        })?;
    let js_function = need("JS_FUNCTION")?;
    // 18 and 20 don't tell where functions end: with the class constructor, before the next named type.
    let last_function = match constant("LastJSFunctionType") {
        Ok(last) => last,
        Err(_) => metadata
            .types()
            .map(|(_, code)| code)
            .filter(|&code| code > js_function)
            .min()
            .map_or(js_function, |next| {
                next.saturating_sub(1).min(js_function + 16)
            }),
    };
    let generator = need("JS_ASYNC_FUNCTION_OBJECT")?;
    Ok(Types {
        symbol: need("SYMBOL")?,
        map: need("MAP")?,
        oddball: need("ODDBALL")?,
        heap_number: need("HEAP_NUMBER")?,
        first_js,
        js_object: need("JS_OBJECT")?,
        js_api_object: constant("APIObjectType")?,
        js_special_api_object: constant("SpecialAPIObjectType")?,
        js_array: need("JS_ARRAY")?,
        js_map: need("JS_MAP")?,
        js_set: need("JS_SET")?,
        js_weak_map: need("JS_WEAK_MAP")?,
        js_weak_set: need("JS_WEAK_SET")?,
        js_weak_ref: need("JS_WEAK_REF")?,
        weak_cell: need("WEAK_CELL")?,
        js_promise: need("JS_PROMISE")?,
        js_proxy: need("JS_PROXY")?,
        js_reg_exp: need("JS_REG_EXP")?,
        js_bound_function: need("JS_BOUND_FUNCTION")?,
        js_array_buffer: need("JS_ARRAY_BUFFER")?,
        js_typed_array: need("JS_TYPED_ARRAY")?,
        js_global_object: need("JS_GLOBAL_OBJECT")?,
        js_global_proxy: need("JS_GLOBAL_PROXY")?,
        first_function: js_function,
        last_function,
        // JSGeneratorObject is the base of the two and stands just before or after them.
        first_generator: generator.saturating_sub(1),
        last_generator: need("JS_ASYNC_GENERATOR_OBJECT")?,
        first_context,
        last_context,
        // In the order of their names: await, block, catch, debug-evaluate, eval, function, module, native, ...
        native_context: first_context + 7,
        function_template: need("FUNCTION_TEMPLATE_INFO")?,
        code: need("CODE")?,
        shared_function_info: need("SHARED_FUNCTION_INFO")?,
        scope_info: need("SCOPE_INFO")?,
        script: need("SCRIPT")?,
        debug_info: need("DEBUG_INFO")?,
        property_cell: need("PROPERTY_CELL")?,
        accessor_pair: need("ACCESSOR_PAIR")?,
        property_array: need("PROPERTY_ARRAY")?,
        descriptor_array: need("DESCRIPTOR_ARRAY")?,
        strong_descriptor_array: need("STRONG_DESCRIPTOR_ARRAY")?,
        tuple2: need("TUPLE2")?,
        promise_reaction: need("PROMISE_REACTION")?,
        first_uncompiled: need("UNCOMPILED_DATA_WITH_PREPARSE_DATA_AND_JOB")?
            .min(need("UNCOMPILED_DATA_WITH_PREPARSE_DATA")?),
        last_uncompiled: need("UNCOMPILED_DATA_WITHOUT_PREPARSE_DATA_WITH_JOB")?,
    })
}

fn offsets(metadata: &Metadata) -> Result<Offsets, WalkError> {
    let need = |class: &str, field: &str| metadata.need_field(class, field);
    let either = |class: &str, fields: &[&str]| {
        fields
            .iter()
            .find_map(|field| metadata.field(class, field))
            .ok_or_else(|| WalkError::MissingConstant {
                name: format!("class_{class}__{}", fields[0]),
            })
    };
    let offsets = Offsets {
        map_instance_size: need("Map", "instance_size_in_words")?,
        map_inobject_start: need(
            "Map",
            "inobject_properties_start_or_constructor_function_index",
        )?,
        map_instance_type: need("Map", "instance_type")?,
        map_bit_field2: need("Map", "bit_field2")?,
        map_bit_field3: need("Map", "bit_field3")?,
        map_prototype: need("Map", "prototype")?,
        map_constructor: need("Map", "constructor_or_back_pointer")?,
        map_descriptors: need("Map", "instance_descriptors")?,
        properties: need("JSReceiver", "raw_properties_or_hash")?,
        elements: need("JSObject", "elements")?,
        internal_fields: need("JSObject", "internal_fields")?,
        function_shared: need("JSFunction", "shared")?,
        function_context: need("JSFunction", "context")?,
        function_code: None,
        function_feedback: need("JSFunction", "raw_feedback_cell")?,
        function_prototype: need("JSFunction", "prototype_or_initial_map")?,
        shared_name: need("SharedFunctionInfo", "name_or_scope_info")?,
        shared_script: either("SharedFunctionInfo", &["script", "script_or_debug_info"])?,
        shared_data: metadata
            .field("SharedFunctionInfo", "function_data")
            .unwrap_or(8),
        script_source: need("Script", "source")?,
        script_name: need("Script", "name")?,
        // The two stand side by side on all versions; the id itself is not told.
        script_id: need("Script", "line_ends")? + 8,
        regexp_source: need("JSRegExp", "source")?,
        oddball_kind: either("Oddball", &["kind", "kind_offset"])?,
        symbol_name: need("Symbol", "name")?,
        string_length: need("String", "length")?,
        string_chars: need("SeqOneByteString", "chars")?,
        uncompiled_start: need("UncompiledData", "start_position")?,
        getter: metadata.field("AccessorPair", "getter").unwrap_or(8),
        setter: metadata.field("AccessorPair", "setter").unwrap_or(16),
        descriptors_header: need("DescriptorArray", "header_size")?,
        bytecode_data: need("BytecodeArray", "data")?,
        buffer_backing_store: need("JSArrayBuffer", "backing_store")?,
        buffer_byte_length: need("JSArrayBuffer", "byte_length")?,
    };
    check_offsets(&offsets)?;
    Ok(offsets)
}

/// Fields of the classes that everything rests on can't stand in each other's place, nor unaligned.
fn check_offsets(o: &Offsets) -> Result<(), WalkError> {
    let words = [
        ("class_Map__prototype", o.map_prototype),
        ("class_Map__constructor_or_back_pointer", o.map_constructor),
        ("class_Map__instance_descriptors", o.map_descriptors),
        ("class_JSReceiver__raw_properties_or_hash", o.properties),
        ("class_JSObject__elements", o.elements),
        ("class_JSFunction__shared", o.function_shared),
        ("class_JSFunction__context", o.function_context),
        (
            "class_SharedFunctionInfo__name_or_scope_info",
            o.shared_name,
        ),
        ("class_SharedFunctionInfo__script", o.shared_script),
    ];
    for (name, offset) in words {
        if offset == 0 || offset % 8 != 0 || offset > 128 {
            let value = i32::try_from(offset).unwrap_or(i32::MAX);
            return Err(bad(name, value, "a multiple of 8 between 8 and 128"));
        }
    }
    let distinct = [
        (
            "class_Map__constructor_or_back_pointer",
            o.map_prototype,
            o.map_constructor,
        ),
        (
            "class_Map__instance_descriptors",
            o.map_constructor,
            o.map_descriptors,
        ),
        ("class_JSObject__elements", o.properties, o.elements),
        (
            "class_JSFunction__context",
            o.function_shared,
            o.function_context,
        ),
        ("class_Map__bit_field3", o.map_bit_field2, o.map_bit_field3),
        (
            "class_Map__instance_type",
            o.map_instance_size,
            o.map_instance_type,
        ),
    ];
    for (name, one, other) in distinct {
        if one == other {
            let value = i32::try_from(other).unwrap_or(i32::MAX);
            return Err(bad(
                name,
                value,
                "another offset than that of its neighbour",
            ));
        }
    }
    Ok(())
}

fn codes(metadata: &Metadata) -> Result<Codes, WalkError> {
    let small = |name: &str| {
        let value = metadata.need(name)?;
        u32::try_from(value).map_err(|_| bad(name, value, "a number that is not negative"))
    };
    let shift = |name: &str| {
        let value = small(name)?;
        if value < 32 {
            Ok(value)
        } else {
            Err(bad(name, metadata.need(name)?, "less than 32"))
        }
    };
    let pairs = [
        (
            "bit_field2_elements_kind_shift",
            "bit_field2_elements_kind_mask",
        ),
        (
            "bit_field3_number_of_own_descriptors_shift",
            "bit_field3_number_of_own_descriptors_mask",
        ),
        ("prop_index_shift", "prop_index_mask"),
        ("prop_representation_shift", "prop_representation_mask"),
    ];
    for (name, mask) in pairs {
        if shift(name)? != small(mask)?.trailing_zeros() {
            return Err(bad(
                name,
                metadata.need(name)?,
                "the lowest bit of its mask",
            ));
        }
    }
    Ok(Codes {
        elements_kind_shift: shift("bit_field2_elements_kind_shift")?,
        elements_kind_mask: small("bit_field2_elements_kind_mask")?,
        dictionary_elements: small("elements_dictionary_elements")?,
        dictionary_map_shift: shift("bit_field3_is_dictionary_map_shift")?,
        own_descriptors_shift: shift("bit_field3_number_of_own_descriptors_shift")?,
        own_descriptors_mask: small("bit_field3_number_of_own_descriptors_mask")?,
        property_kind_mask: small("prop_kind_mask")?.into(),
        property_location_mask: small("prop_location_mask")?.into(),
        property_index_mask: small("prop_index_mask")?.into(),
        property_index_shift: shift("prop_index_shift")?,
        representation_mask: small("prop_representation_mask")?.into(),
        representation_shift: shift("prop_representation_shift")?,
        numeric_representations: [
            small("prop_representation_smi")?.into(),
            small("prop_representation_double")?.into(),
        ],
        name_dictionary_start: 3 + shift("namedictionaryshape_prefix_size")? as usize,
        number_dictionary_start: 3 + shift("numberdictionaryshape_prefix_size")? as usize,
    })
}

/// The names of all types: from the metadata, and those that it leaves out, by their neighbours. V8 numbers the types
/// of a group by the alphabet.
fn type_names(metadata: &Metadata, types: &Types) -> Vec<String> {
    let mut names = vec![String::new(); TYPE_LIMIT];
    let mut set = |code: u16, name: &str| {
        if let Some(slot) = names.get_mut(usize::from(code))
            && slot.is_empty()
        {
            name.clone_into(slot);
        }
    };
    let (aliases, own): (Vec<_>, Vec<_>) = metadata.types().partition(|&(name, _)| name == ALIAS);
    for (name, code) in own.into_iter().chain(aliases) {
        set(code, name);
    }
    if let Some(vector) = metadata.type_code("FEEDBACK_VECTOR") {
        set(vector.saturating_sub(1), "FEEDBACK_METADATA");
        set(vector + 1, "FILLER");
        set(vector + 2, "FREE_SPACE");
        set(vector + 3, "HOLE");
    }
    if let Some(array) = metadata.type_code("WEAK_FIXED_ARRAY") {
        set(array + 1, "TRANSITION_ARRAY");
    }
    set(types.symbol + 1, "BIGINT");
    let contexts = [
        "AWAIT",
        "BLOCK",
        "CATCH",
        "DEBUG_EVALUATE",
        "EVAL",
        "FUNCTION",
        "MODULE",
        "NATIVE",
        "SCRIPT",
        "WITH",
    ];
    for (code, name) in (types.first_context..).zip(contexts) {
        set(code, &format!("{name}_CONTEXT"));
    }
    names
}
