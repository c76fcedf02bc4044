use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;
use crate::metadata::Metadata;
use crate::process::Process;
use crate::source::{ProcessMemory, StoppedProcess};

/// A list that leads ever deeper past what waits on the stack, wide arrays, and a chain of ephemerons.
const PROGRAM: &str = r"
    let list = null;
    for (let i = 0; i < 20000; i++) list = { leaf: { i }, more: [{ i }], next: list };
    globalThis.kept = [list, Array.from({ length: 3000 }, (_, i) => [{ i }])];
    const weak = new WeakMap();
    globalThis.first = {};
    for (let i = 0, key = first; i < 50; i++) { const value = { i }; weak.set(key, value); key = value; }
    globalThis.weak = weak;
    gc();
    console.log('ready');
    setInterval(() => {}, 1000);";

#[test]
fn a_full_stack_loses_nothing() {
    let program = std::env::var_os("MEMGUARD_TEST_NODE").unwrap_or_else(|| "node".into());
    let mut node = Command::new(program)
        .args(["--expose-gc", "--no-warnings", "-e", PROGRAM])
        .env_remove("NODE_OPTIONS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let out = node.stdout.take().unwrap();
    BufReader::new(out).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");

    let stopped = StoppedProcess::stop(node.id()).unwrap();
    let memory = ProcessMemory::of(&stopped).unwrap();
    let metadata = Metadata::of(&memory).unwrap();
    let process = Process::with_metadata(&memory, &metadata).unwrap();
    let isolate = &process.isolates()[0];
    let heap = process.load(isolate);
    let walk = |limit, follow| {
        let mut walker = Walker::new(&heap, process.layout(), follow);
        walker.stack_limit = limit;
        crate::census::mark(&mut walker, isolate);
        let mut counts: Vec<(u64, Tally)> = walker
            .maps
            .infos()
            .iter()
            .zip(&walker.tallies)
            .map(|(map, tally)| (map.address, tally.all))
            .filter(|(_, tally)| tally.count > 0)
            .collect();
        counts.sort_unstable_by_key(|&(map, _)| map);
        (counts, walker.deepest)
    };
    for follow in [Follow::Strong, Follow::WeakToo] {
        let (expected, deepest) = walk(STACK_LIMIT, follow);
        assert!(deepest > 20_000, "the program fills the stack: {deepest}");
        for limit in [64, 1_000] {
            let (found, deepest) = walk(limit, follow);
            assert!(found == expected, "{follow:?}, a stack of {limit}");
            // Arrays that are walked in slices wait there as well.
            assert!(deepest <= limit + 64, "{deepest} on a stack of {limit}");
        }
    }
    // A process that is still traced can't be waited for.
    drop(stopped);
    node.kill().unwrap();
    node.wait().unwrap();
}
