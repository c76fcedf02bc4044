//! Builds that are other than they seem.

use std::collections::HashSet;
use std::path::Path;

use memguard_heap_walk::{
    CensusOptions, Metadata, Process, ProcessMemory, StoppedProcess, V8Version, WalkError, census,
};

use crate::support::{Program, look};

fn take(memory: &ProcessMemory, metadata: &Metadata) -> Result<(), WalkError> {
    look(memory, metadata, |subject| {
        census(subject, &CensusOptions::default()).map(drop)
    })
}

#[test]
fn what_can_not_be_trusted_is_refused() {
    let node = Program::start("holders.js");
    let metadata = Metadata::read(Path::new(&format!("/proc/{}/exe", node.pid()))).unwrap();
    let stopped = StoppedProcess::stop(node.pid()).unwrap();
    let memory = ProcessMemory::of(&stopped).unwrap();
    take(&memory, &metadata).unwrap();

    let code_of = |change: &dyn Fn(&mut Metadata)| {
        let mut changed = metadata.clone();
        change(&mut changed);
        take(&memory, &changed).map_or_else(|error| error.code(), |()| "nothing")
    };
    let compressed = code_of(&|m| m.insert("TaggedSize", 4));
    assert_eq!(compressed, "ERR_MEMGUARD_CENSUS_POINTER_COMPRESSION");
    let unknown = code_of(&|m| m.set_version(V8Version { major: 9, minor: 4 }));
    assert_eq!(unknown, "ERR_MEMGUARD_CENSUS_UNKNOWN_V8");

    for missing in [
        "TaggedSize",
        "class_Map__instance_type",
        "class_Map__bit_field3",
        "class_JSObject__elements",
        "class_JSFunction__shared",
        "class_SharedFunctionInfo__name_or_scope_info",
        "class_Script__source",
        "class_String__length",
        "bit_field3_is_dictionary_map_shift",
        "prop_index_mask",
        "MAP",
        "SCOPE_INFO",
        "JS_WEAK_MAP",
        "FirstContextType",
    ] {
        let code = code_of(&|m| m.remove(missing));
        assert_eq!(code, "ERR_MEMGUARD_CENSUS_MISSING_CONSTANT", "{missing}");
    }
}

/// The self-test must see each of these before anything is reported.
#[test]
fn wrong_values_are_found_out() {
    let node = Program::start("holders.js");
    let metadata = Metadata::read(Path::new(&format!("/proc/{}/exe", node.pid()))).unwrap();
    let stopped = StoppedProcess::stop(node.pid()).unwrap();
    let memory = ProcessMemory::of(&stopped).unwrap();
    take(&memory, &metadata).unwrap();

    let fields = [
        ("Map", "instance_type"),
        ("Map", "instance_size_in_words"),
        ("Map", "prototype"),
        ("Map", "constructor_or_back_pointer"),
        ("Map", "instance_descriptors"),
        ("Map", "bit_field3"),
        ("JSReceiver", "raw_properties_or_hash"),
        ("JSObject", "elements"),
        ("JSFunction", "shared"),
        ("JSFunction", "context"),
        ("SharedFunctionInfo", "name_or_scope_info"),
        ("Script", "source"),
        ("Script", "name"),
        ("Symbol", "name"),
        ("DescriptorArray", "header_size"),
        ("BytecodeArray", "data"),
        ("FixedArrayBase", "length"),
        ("ConsString", "first"),
    ];
    let mut missed = Vec::new();
    for (class, field) in fields {
        let right = i32::try_from(metadata.field(class, field).unwrap()).unwrap();
        for wrong in [right + 8, right - 8] {
            let mut changed = metadata.clone();
            changed.insert(&format!("class_{class}__{field}__int"), wrong);
            if take(&memory, &changed).is_ok() {
                missed.push(format!("{class}.{field} = {wrong}"));
            }
        }
    }
    let values = [
        ("bit_field3_is_dictionary_map_shift", [20, 22]),
        ("bit_field3_number_of_own_descriptors_shift", [9, 11]),
        ("prop_index_shift", [18, 20]),
        ("bit_field2_elements_kind_shift", [1, 3]),
        ("FirstNonstringType", [64, 256]),
        ("SmiShiftSize", [0, 32]),
    ];
    for (name, wrong) in values {
        for wrong in wrong {
            let mut changed = metadata.clone();
            changed.insert(name, wrong);
            if take(&memory, &changed).is_ok() {
                missed.push(format!("{name} = {wrong}"));
            }
        }
    }
    for name in [
        "MAP",
        "SHARED_FUNCTION_INFO",
        "SCRIPT",
        "SCOPE_INFO",
        "JS_ARRAY",
        "JS_FUNCTION",
        "PROPERTY_ARRAY",
        // Of these there are too few for sizes to tell; the last two came with V8 11.
        "BYTE_ARRAY",
        "SLOPPY_ARGUMENTS_ELEMENTS",
        "INTERCEPTOR_INFO",
        "FOREIGN",
        "INSTRUCTION_STREAM",
    ] {
        let Some(right) = metadata.type_code(name) else {
            continue;
        };
        for wrong in [i32::from(right) + 1, i32::from(right) - 1] {
            let mut changed = metadata.clone();
            changed.remove(name);
            changed.insert(&format!("type_X__{name}_TYPE"), wrong);
            if take(&memory, &changed).is_ok() {
                missed.push(format!("type {name} = {wrong}"));
            }
        }
    }
    assert!(missed.is_empty(), "not found out: {missed:?}");
}

/// V8 13 and later number lists of dependent code as weak lists. The order in which constants are found must not decide what these are called.
#[test]
fn of_two_names_for_one_type_it_is_always_the_same_that_counts() {
    let node = Program::start("holders.js");
    let executable = format!("/proc/{}/exe", node.pid());
    let stopped = StoppedProcess::stop(node.pid()).unwrap();
    let memory = ProcessMemory::of(&stopped).unwrap();
    let layouts = (0..8).map(|_| {
        let mut metadata = Metadata::read(Path::new(&executable)).unwrap();
        let code = metadata.type_code("WEAK_ARRAY_LIST").unwrap();
        metadata.insert("type_X__DEPENDENT_CODE_TYPE", code.into());
        let process = Process::with_metadata(&memory, &metadata).unwrap();
        process.layout_text()
    });
    let layouts: HashSet<String> = layouts.collect();
    assert_eq!(layouts.len(), 1);
    assert!(layouts.iter().all(|it| !it.contains("DEPENDENT_CODE")));
}
