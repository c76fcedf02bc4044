//! Builds that are other than they seem.

use std::path::Path;

use memguard_heap_walk::{
    CensusOptions, Metadata, Process, ProcessMemory, StoppedProcess, Subject, V8Version, WalkError,
    census,
};

use crate::support::Program;

fn take(memory: &ProcessMemory, metadata: &Metadata) -> Result<(), WalkError> {
    let process = Process::with_metadata(memory, metadata)?;
    let isolate = &process.isolates()[0];
    let heap = process.load(isolate);
    let subject = Subject {
        process: &process,
        isolate,
        heap: &heap,
    };
    census(&subject, &CensusOptions::default()).map(drop)
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
