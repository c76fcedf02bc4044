//! Constants that have to do with one another: a build in which they don't fit is none that the walker knows.
//!
//! None of this is a table of values by version. It is what follows from how V8 lays classes out: fields that stand side by side,
//! masks that begin at their shifts, types that have a number of their own.

use super::{Offsets, Types, bad};
use crate::error::WalkError;
use crate::metadata::Metadata;

/// Two names of one type: V8 13 and later tell a class that differs from its base by its map alone.
pub(super) const ALIAS: &str = "DEPENDENT_CODE";
/// Fields of a function before the one that not all functions have: shared info, context, feedback and code.
const FUNCTION_WORDS: usize = 4;

/// From this line of Node on, what stands for no value has a type of its own.
const SINCE_HOLES: u32 = 22;

/// Types whose objects are measured by rules of their own: without one of these names, its objects would be taken for arrays. From
/// which line of Node on V8 tells them.
const MEASURED: [(u32, &[&str]); 3] = [
    (
        18,
        &[
            "BYTECODE_ARRAY",
            "BYTE_ARRAY",
            "CODE",
            "FEEDBACK_VECTOR",
            "FIXED_DOUBLE_ARRAY",
            "PREPARSE_DATA",
            "SLOPPY_ARGUMENTS_ELEMENTS",
            "WEAK_ARRAY_LIST",
            "WEAK_FIXED_ARRAY",
        ],
    ),
    (20, &["FOREIGN", "INSTRUCTION_STREAM", "WASM_NULL"]),
    (
        22,
        &[
            "ARRAY_LIST",
            "OBJECT_BOILERPLATE_DESCRIPTION",
            "REG_EXP_MATCH_INFO",
            "SCRIPT_CONTEXT_TABLE",
            "TRUSTED_BYTE_ARRAY",
        ],
    ),
];

/// Where functions name their code: the one of their words that nothing else is at, whether or not the metadata tells.
pub(super) fn function_code(metadata: &Metadata, o: &Offsets) -> Result<usize, WalkError> {
    let words = (0..FUNCTION_WORDS).map(|word| o.internal_fields + word * 8);
    let others = [o.function_shared, o.function_context, o.function_feedback];
    let mut free = words.filter(|word| !others.contains(word));
    let told = metadata.field("JSFunction", "code");
    match (free.next(), free.next()) {
        (Some(code), None) if told.is_none_or(|told| told == code) => Ok(code),
        (first, _) => Err(bad_offset(
            "class_JSFunction__code",
            told.or(first).unwrap_or(0),
            "the one word of a function that is not taken",
        )),
    }
}

/// Checks what the constants are to one another.
///
/// # Errors
/// [`WalkError::BadConstant`] with the first that does not fit.
pub(super) fn check(
    metadata: &Metadata,
    node: u32,
    types: &Types,
    o: &Offsets,
) -> Result<(), WalkError> {
    let measured = MEASURED.iter().filter(|(since, _)| *since <= node);
    for name in measured.flat_map(|(_, names)| *names) {
        metadata.need_type(name)?;
    }
    check_types(metadata, node, types)?;
    check_neighbours(metadata, o)?;
    check_codes(metadata)
}

/// Every type has a number of its own.
fn check_types(metadata: &Metadata, node: u32, types: &Types) -> Result<(), WalkError> {
    let mut codes: Vec<(u16, &str)> = metadata
        .types()
        .filter(|&(name, _)| name != ALIAS)
        .map(|(name, code)| (code, name))
        .collect();
    codes.sort_unstable();
    if let Some(pair) = codes.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let name = format!("type_{}", pair[1].1);
        return Err(bad(&name, pair[1].0.into(), "a number of its own"));
    }
    // Those that no constant names are known by their neighbours.
    let vector = metadata.need_type("FEEDBACK_VECTOR")?;
    let between = [
        ("FEEDBACK_METADATA", vector.saturating_sub(1)),
        ("FILLER", vector + 1),
        ("FREE_SPACE", vector + 2),
        (
            "TRANSITION_ARRAY",
            metadata.need_type("WEAK_FIXED_ARRAY")? + 1,
        ),
        ("BIGINT", types.symbol + 1),
    ];
    let hole = (node >= SINCE_HOLES).then_some(("HOLE", vector + 3));
    let contexts = (types.first_context..=types.last_context).map(|code| ("CONTEXT", code));
    for (name, code) in between.into_iter().chain(hole).chain(contexts) {
        if let Some(other) = codes.iter().find(|it| it.0 == code && it.1 != name) {
            let expected = "another number than that of a type without a name";
            return Err(bad(&format!("type_{}", other.1), code.into(), expected));
        }
    }
    // Objects that C++ made follow the plain ones.
    if types.js_api_object != types.js_object + 1 {
        return Err(bad(
            "APIObjectType",
            types.js_api_object.into(),
            "the number after JS_OBJECT",
        ));
    }
    // The first that is no string; then large integers and numbers.
    let neighbours = [
        ("type_SYMBOL", types.symbol, 128),
        ("type_HEAP_NUMBER", types.heap_number, types.symbol + 2),
        (
            "type_JS_PRIMITIVE_WRAPPER",
            metadata.need_type("JS_PRIMITIVE_WRAPPER")?,
            types.js_special_api_object + 1,
        ),
    ];
    for (name, found, expected) in neighbours {
        if found != expected {
            return Err(bad(name, found.into(), "the number after its neighbour's"));
        }
    }
    let first = metadata.constant("FirstJSFunctionType");
    if let (Some(first), Some(last)) = (first, metadata.constant("LastJSFunctionType"))
        && (first != i32::from(types.first_function) || last != first + 16)
    {
        let expected = "17 types of functions, beginning with JS_FUNCTION";
        return Err(bad("LastJSFunctionType", last, expected));
    }
    Ok(())
}

fn check_neighbours(metadata: &Metadata, o: &Offsets) -> Result<(), WalkError> {
    let told = |class: &str, field: &str, otherwise: usize| {
        metadata.field(class, field).unwrap_or(otherwise)
    };
    let bit_field = told("Map", "bit_field", o.map_bit_field2 - 1);
    let inferred_name = told("UncompiledData", "inferred_name", 8);
    let end = told("UncompiledData", "end_position", o.uncompiled_start + 4);
    // What, where it is, where it has to be.
    let pairs = [
        (
            "class_Map__inobject_properties_start_or_constructor_function_index",
            o.map_inobject_start,
            o.map_instance_size + 1,
        ),
        ("class_Map__bit_field2", o.map_bit_field2, bit_field + 1),
        (
            "class_Map__bit_field2",
            o.map_bit_field2,
            o.map_instance_type + 3,
        ),
        (
            "class_JSFunction__context",
            o.function_context,
            o.function_shared + 8,
        ),
        (
            "class_JSFunction__raw_feedback_cell",
            o.function_feedback,
            o.function_context + 8,
        ),
        (
            "class_JSFunction__prototype_or_initial_map",
            o.function_prototype,
            o.internal_fields + FUNCTION_WORDS * 8,
        ),
        ("class_AccessorPair__setter", o.setter, o.getter + 8),
        ("class_AccessorPair__getter", o.getter, 8),
        (
            "class_SeqOneByteString__chars",
            o.string_chars,
            o.string_length + 4,
        ),
        (
            "class_UncompiledData__start_position",
            o.uncompiled_start,
            inferred_name + 8,
        ),
        // The greatest length is in between.
        (
            "class_JSArrayBuffer__byte_length",
            o.buffer_byte_length + 16,
            o.buffer_backing_store,
        ),
        (
            "class_UncompiledData__end_position",
            end,
            o.uncompiled_start + 4,
        ),
    ];
    for (name, offset, expected) in pairs {
        if offset != expected {
            return Err(bad_offset(name, offset, "the place after its neighbour"));
        }
    }
    let words = [
        ("class_JSRegExp__source", o.regexp_source),
        ("class_Oddball__kind", o.oddball_kind),
        ("class_Symbol__name", o.symbol_name),
        ("class_Script__source", o.script_source),
        ("class_Script__name", o.script_name),
        ("class_Script__line_ends", o.script_id),
    ];
    for (name, offset) in words {
        if offset == 0 || offset % 8 != 0 || offset > 128 {
            return Err(bad_offset(
                name,
                offset,
                "a multiple of 8 between 8 and 128",
            ));
        }
    }
    Ok(())
}

fn check_codes(metadata: &Metadata) -> Result<(), WalkError> {
    let need = |name: &str| metadata.need(name);
    let shift = need("bit_field2_elements_kind_shift")?;
    let location = need("prop_location_shift")?;
    let smi = need("prop_representation_smi")?;
    let byte = u8::MAX.checked_shl(u32::try_from(shift).unwrap_or(u32::MAX));
    let bit = 1_i32.checked_shl(u32::try_from(location).unwrap_or(u32::MAX));
    let pairs = [
        ("bit_field2_elements_kind_mask", byte.unwrap_or(0).into()),
        ("prop_location_mask", bit.unwrap_or(0)),
        ("prop_kind_mask", need("prop_kind_Accessor")?),
        ("prop_kind_Accessor", 1),
        ("prop_location_Descriptor", 1),
        ("prop_representation_smi", 1),
        ("prop_representation_double", smi + 1),
        ("prop_representation_heapobject", smi + 2),
        ("prop_representation_tagged", smi + 3),
    ];
    for (name, expected) in pairs {
        let found = need(name)?;
        if found != expected {
            return Err(bad(name, found, "the value that fits the others"));
        }
    }
    Ok(())
}

fn bad_offset(name: &str, offset: usize, expected: &'static str) -> WalkError {
    bad(name, i32::try_from(offset).unwrap_or(i32::MAX), expected)
}
