//! The heaps of worker threads.

use std::path::Path;

use memguard_heap_walk::{
    Census, CensusOptions, Group, Metadata, Process, ProcessMemory, StoppedProcess, Subject,
    WalkError, census, inspect, inspect_thread,
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
        let counts = (count(&census, "InMain"), count(&census, "InWorker"));
        found.push((isolate.is_main(), counts));
    }
    found.sort_unstable();
    assert_eq!(
        found,
        [(false, (0, 300)), (false, (0, 400)), (true, (700, 0))]
    );
}

#[test]
fn a_worker_is_named_by_its_thread() {
    let node = Program::start("workers.js");
    let look = |subject: &Subject<'_, '_>| census(subject, &CensusOptions::default());
    let main = inspect(&node.target(), look).unwrap();
    assert_eq!(main.thread, Some(node.pid()));
    assert_eq!(main.others.len(), 2);

    let mut found = Vec::new();
    for &thread in &main.others {
        let worker = inspect_thread(&node.target(), Some(thread), look).unwrap();
        assert_eq!(worker.thread, Some(thread));
        assert!(worker.others.contains(&node.pid()));
        found.push(count(&worker.value, "InWorker"));
    }
    found.sort_unstable();
    assert_eq!(found, [300, 400]);

    let error = inspect_thread(&node.target(), Some(1), look).unwrap_err();
    assert_eq!(error.code(), "ERR_MEMGUARD_CENSUS_NO_THREAD");
    let WalkError::NoThread { thread: 1, known } = error else {
        panic!("{error}")
    };
    assert_eq!(known.len(), 3);
}

fn count(census: &Census, name: &str) -> u64 {
    let rows = census.rows.iter();
    let rows = rows.filter(|row| row.group == Group::Object && row.name == name);
    rows.map(|row| row.all.count).sum()
}
