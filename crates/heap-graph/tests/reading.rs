//! The same graph from every layout, packing, source and number of threads.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{self, Read, Write as _};

use memguard_heap_graph::{
    CancelSignal, HeapGraph, NodeIndex, NodeKind, ProgressListener, ReadError, ReadOptions, read,
    read_file,
};
use memguard_testkit::{Heap, Layout, random_heap};

fn options(threads: usize) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.threads = threads;
    options
}

/// Everything that a graph says, but for what layouts leave out.
fn describe(graph: &HeapGraph) -> Vec<String> {
    let node = |node: memguard_heap_graph::Node<'_>| {
        let edges: Vec<_> = node
            .edges()
            .map(|edge| (edge.kind, edge.name(graph).into_owned(), edge.target.0))
            .collect();
        format!("{node:?} {:?} {edges:?}", node.location())
    };
    graph.nodes().map(node).collect()
}

/// Gives as little as a reader may.
struct Dripping<'a>(&'a [u8], usize);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(7) {
            return Err(io::Error::from(io::ErrorKind::Interrupted));
        }
        let count = buffer.len().min(self.0.len()).min(1 + self.1 % 3);
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn every_layout_gives_the_same_graph() {
    // More than one chunk of text, so that threads share it and records are cut.
    let heap = random_heap(7, 12_000);
    let expected = describe(&read(heap.to_json().as_slice(), &options(1)).unwrap());
    assert_eq!(expected.len(), heap.node_count());
    for layout in Layout::all() {
        let text = heap.to_json_as(&layout);
        assert!(text.len() > 400_000);
        for threads in [1, 2, 5] {
            let graph = read(text.as_slice(), &options(threads)).unwrap();
            assert_eq!(graph.edge_count(), heap.edge_count());
            assert!(
                describe(&graph) == expected,
                "{layout:?} with {threads} threads"
            );
        }
    }
}

#[test]
fn every_packing_and_source_gives_the_same_graph() {
    let heap = random_heap(8, 3_000);
    let text = heap.to_json();
    let expected = describe(&read(text.as_slice(), &options(2)).unwrap());

    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&text[..1000]).unwrap();
    let mut gz = gz.finish().unwrap();
    // A second member, as `cat a.gz b.gz` makes.
    let mut second = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    second.write_all(&text[1000..]).unwrap();
    gz.extend(second.finish().unwrap());
    let mut zst = zstd::encode_all(&text[..777], 1).unwrap();
    zst.extend(zstd::encode_all(&text[777..], 1).unwrap());
    let marked = [b"\xef\xbb\xbf \n".as_slice(), &text].concat();

    for packed in [&gz, &zst, &marked, &text] {
        assert!(describe(&read(packed.as_slice(), &options(2)).unwrap()) == expected);
        assert!(describe(&read(Dripping(packed, 0), &options(2)).unwrap()) == expected);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(packed).unwrap();
        assert!(describe(&read_file(file.path(), &options(0)).unwrap()) == expected);
    }
}

#[test]
fn what_the_fields_say_arrives() {
    let mut heap = Heap::new();
    let global = heap.global();
    let user = heap.object("Us\"er\\ \u{1F600}\n", 1 << 33);
    heap.set_id(user, 1 << 40);
    heap.set_location(user, [12, 4, 16]);
    heap.property(global, "ключ", user);
    heap.element(user, 4_294_967_294, global);
    // A function of which V8 does not know where it stands.
    let unplaced = heap.object("unplaced", 8);
    heap.set_location(unplaced, [12, u32::MAX, u32::MAX]);
    heap.property(global, "unplaced", unplaced);
    heap.set_extra_native_bytes(123_456);
    for layout in Layout::all() {
        let graph = read(heap.to_json_as(&layout).as_slice(), &options(1)).unwrap();
        let node = graph.node(NodeIndex(2));
        assert_eq!(node.name(), "Us\"er\\ \u{1F600}\n");
        assert_eq!(
            (node.kind(), node.id(), node.self_size()),
            (NodeKind::Object, 1 << 40, 1 << 33)
        );
        let location = node.location().unwrap();
        assert_eq!(
            [location.script_id, location.line, location.column],
            [12, 4, 16]
        );
        assert_eq!(node.edges().next().unwrap().name(&graph), "4294967294");
        let unplaced = graph.node(NodeIndex(3)).location().unwrap();
        assert_eq!([unplaced.line, unplaced.column], [u32::MAX; 2]);
        assert_eq!(
            graph
                .node(NodeIndex(1))
                .edges()
                .next()
                .unwrap()
                .name(&graph),
            "ключ"
        );
        assert_eq!(graph.extra_native_bytes(), 123_456);
    }
}

#[test]
fn progress_rises_to_the_end_and_a_signal_ends_the_call() {
    let text = random_heap(9, 20_000).to_json();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&text).unwrap();
    let (told, listen) = std::sync::mpsc::channel();
    let mut options = options(2);
    options.progress = Some(ProgressListener::new(move |progress| {
        let _ = told.send((progress.done, progress.total));
    }));
    read_file(file.path(), &options).unwrap();
    drop(options);
    let seen: Vec<_> = listen.iter().collect();
    assert!(seen.len() >= 3 && seen.is_sorted(), "{seen:?}");
    assert!(
        seen.iter()
            .all(|&(done, total)| total == Some(text.len() as u64) && done <= text.len() as u64)
    );

    let mut options = ReadOptions::default();
    options.cancel = CancelSignal::default();
    options.cancel.cancel();
    let error = read(text.as_slice(), &options).unwrap_err();
    assert!(
        matches!(error, ReadError::Cancelled { offset: 0 }),
        "{error:?}"
    );
    assert_eq!(error.code(), "ERR_MEMGUARD_CANCELLED");
}

#[test]
fn the_operating_systems_words_are_passed_on() {
    let error = read_file("/nowhere/at/all.heapsnapshot", &ReadOptions::default()).unwrap_err();
    assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_IO");
    assert!(
        error.to_string().contains("No such file") || cfg!(not(unix)),
        "{error}"
    );
}
