//! The heaps of worker threads.

use std::path::Path;

use memguard_heap_walk::{
    CensusOptions, Group, Metadata, Process, ProcessMemory, StoppedProcess, Subject, census,
};

use crate::support::Program;

#[test]
fn every_thread_has_a_heap_of_its_own() {
    let node = Program::start("workers.js");
    let metadata = Metadata::read(Path::new(&format!("/proc/{}/exe", node.pid()))).unwrap();
    let stopped = StoppedProcess::stop(node.pid()).unwrap();
    let memory = ProcessMemory::of(&stopped).unwrap();
    let process = Process::with_metadata(&memory, &metadata).unwrap();
    assert_eq!(process.isolates().len(), 3);
    assert!(process.isolates()[0].is_main());

    let mut found = Vec::new();
    for isolate in process.isolates() {
        let heap = process.load(isolate);
        let subject = Subject {
            process: &process,
            isolate,
            heap: &heap,
        };
        let census = census(&subject, &CensusOptions::default()).unwrap();
        let count = |name: &str| {
            let rows = census.rows.iter();
            let rows = rows.filter(|row| row.group == Group::Object && row.name == name);
            rows.map(|row| row.all.count).sum::<u64>()
        };
        found.push((isolate.is_main(), count("InMain"), count("InWorker")));
    }
    found.sort_unstable();
    assert_eq!(found, [(false, 0, 300), (false, 0, 400), (true, 700, 0)]);
}
