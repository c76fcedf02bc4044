//! Files that are damaged, lie, or are no snapshots: an error that says where and what, never a panic, never more memory than the
//! file is worth.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use memguard_heap_graph::{
    Aggregates, Analysis, AnalyzeOptions, HeapGraph, NodeIndex, ReadError, ReadOptions, Statistics,
    UNREACHED, read, read_file,
};
use memguard_testkit::{Heap, Layout, Mutator, NodeRef, random_heap};

fn read_with(text: &[u8], threads: usize) -> Result<HeapGraph, ReadError> {
    let mut options = ReadOptions::default();
    options.threads = threads;
    read(text, &options)
}

/// The error of a text: its code, where it is, and what was expected there.
fn failure(text: &str) -> (&'static str, u64, String) {
    let error = read_with(text.as_bytes(), 2).unwrap_err();
    assert!(error.offset() <= text.len() as u64, "{error:?}");
    (
        error.code(),
        error.offset(),
        error.expected().unwrap_or_default().to_owned(),
    )
}

/// Does everything that can be done with a graph.
fn use_up(graph: &HeapGraph) {
    let analysis = Analysis::of(graph, &AnalyzeOptions::default()).unwrap();
    let aggregates = Aggregates::of(&analysis, &AnalyzeOptions::default()).unwrap();
    let _ = Statistics::of(&analysis);
    assert!(
        aggregates.rows().iter().map(|row| row.count).sum::<u64>() <= graph.node_count() as u64
    );
    for node in graph.nodes() {
        let _ = (
            node.name(),
            node.location(),
            node.detachedness(),
            analysis.name(node.index()),
        );
        for edge in node.edges() {
            let _ = edge.name(graph);
        }
        let found: usize = analysis.retainers(node.index()).take(5).count();
        assert!(found <= analysis.retainer_count(node.index()));
    }
}

const META: &str = r#"{"snapshot":{"meta":{"node_fields":["type","name","id","self_size","edge_count"],"node_types":[["synthetic","object"]],"edge_fields":["type","name_or_index","to_node"],"edge_types":[["element","property"]],"location_fields":["object_index","script_id","line","column"]}"#;

fn snapshot(counts: &str, rest: &str) -> String {
    format!("{META},{counts}}},{rest}}}")
}

const GOOD: &str = r#""node_count":2,"edge_count":1"#;

#[test]
fn truncation_at_every_byte_is_an_error() {
    let heap = random_heap(3, 12);
    for layout in [Layout::node_24(), Layout::odd()] {
        let text = heap.to_json_as(&layout);
        let end = text.iter().rposition(|&byte| byte == b'}').unwrap();
        for length in 0..=end {
            let error = read_with(&text[..length], 1 + length % 2).unwrap_err();
            assert!(
                matches!(error, ReadError::Truncated { .. })
                    || (length < 40 && error.code().contains("NOT_A")),
                "cut at {length}: {error:?}"
            );
            assert_eq!(error.offset(), length as u64, "{error:?}");
        }
        use_up(&read_with(&text[..=end], 2).unwrap());
    }
}

#[test]
fn what_is_no_snapshot_is_said_to_be_none() {
    let not = "ERR_MEMGUARD_NOT_A_SNAPSHOT";
    assert_eq!(failure("hello").0, not);
    assert_eq!(failure("[1,2]").0, not);
    assert_eq!(failure(r#"{"nodes":[{"id":1}],"samples":[]}"#).0, not);
    assert_eq!(failure(r#"{"head":{"callFrame":{}}}"#).0, not);
    assert_eq!(failure(r#"{"snapshot":{"meta":5},"nodes":[]}"#).0, not);
    assert_eq!(failure(r#"{"snapshot":"no","nodes":[]}"#).0, not);
    assert_eq!(failure(r#"{"snapshot":{}}"#).0, not);
    assert_eq!(failure("").0, "ERR_MEMGUARD_SNAPSHOT_TRUNCATED");
    assert_eq!(failure("{}").0, "ERR_MEMGUARD_SNAPSHOT_SYNTAX");
    assert_eq!(
        read_with(&[0x1f, 0x8b, 8, 0, 1, 2, 3], 1)
            .unwrap_err()
            .code(),
        "ERR_MEMGUARD_SNAPSHOT_IO"
    );
    assert_eq!(
        read_with(&[0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3], 1)
            .unwrap_err()
            .code(),
        "ERR_MEMGUARD_SNAPSHOT_IO"
    );
}

#[test]
fn wrong_counts_and_references_are_found_where_they_stand() {
    let strings = r#""strings":["a","b"]"#;
    let good = snapshot(
        GOOD,
        &format!(r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[1,1,5],{strings}"#),
    );
    use_up(&read_with(good.as_bytes(), 1).unwrap());

    let wrong = "ERR_MEMGUARD_SNAPSHOT_INCONSISTENT";
    let cases = [
        // Too few nodes, too many, part of one.
        (GOOD, r#""nodes":[0,0,1,0,1],"edges":[1,1,5]"#, "2 nodes"),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0,0,0,0,0,0],"edges":[1,1,5]"#,
            "the end of `nodes` after the 2",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8],"edges":[1,1,5]"#,
            "a multiple of 5",
        ),
        // Edges: too few, too many, and not as many as nodes say.
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[]"#,
            "1 edges",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[1,1,5,1,1,5]"#,
            "the end of `edges` after the 1",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,7],"edges":[1,1,5]"#,
            "1 edges in all",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,4294967295,1,1,3,8,4294967295],"edges":[1,1,5]"#,
            "1 edges in all",
        ),
        // Out of range: type, target, name.
        (
            GOOD,
            r#""nodes":[9,0,1,0,1,1,1,3,8,0],"edges":[1,1,5]"#,
            "a type of node below 2",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[2,1,5]"#,
            "a type of edge below 2",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[1,1,10]"#,
            "a multiple of 5 below 10",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[1,1,4]"#,
            "a multiple of 5 below 10",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[1,1,18446744073709551615]"#,
            "a multiple of 5",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[1,2,5]"#,
            "below 2, the number of strings",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,2,3,8,0],"edges":[1,1,5]"#,
            "below 2, the number of strings",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[0,4294967296,5]"#,
            "an index below 2^32",
        ),
        // With a sign, where V8 writes none: size, id, number of edges, type, name, target.
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,-8,0],"edges":[1,1,5]"#,
            "a number that is not negative",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,-3,8,0],"edges":[1,1,5]"#,
            "a number that is not negative",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,-1],"edges":[1,1,5]"#,
            "1 edges in all",
        ),
        (
            GOOD,
            r#""nodes":[-1,0,1,0,1,1,1,3,8,0],"edges":[1,1,5]"#,
            "a type of node below 2",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,-2,3,8,0],"edges":[1,1,5]"#,
            "below 2, the number of strings",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[1,-1,5]"#,
            "a string",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[-1,1,5]"#,
            "a type of edge below 2",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[1,1,-5]"#,
            "a multiple of 5 below 10",
        ),
        (
            GOOD,
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[1,4294967295,5]"#,
            "a string",
        ),
        // Nothing at all, and counts that no such file has room for.
        (
            r#""node_count":0,"edge_count":0"#,
            r#""nodes":[],"edges":[]"#,
            "`a node`",
        ),
        (
            r#""node_count":2,"edge_count":1,"root_index":3"#,
            r#""nodes":[],"edges":[]"#,
            "`root_index`",
        ),
    ];
    for (counts, rest, expected) in cases {
        let text = snapshot(counts, &format!("{rest},{strings}"));
        let (code, offset, found) = failure(&text);
        assert_eq!(code, wrong, "{rest}");
        assert!(found.contains(expected), "{rest}: {found}");
        assert!(offset > 0);
    }
    // The very number is named by its offset.
    let text = snapshot(
        GOOD,
        r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[1,1,77],"strings":["a","b"]"#,
    );
    let (_, offset, _) = failure(&text);
    assert!(
        text[offset as usize..].starts_with("77]"),
        "{}",
        &text[offset as usize..]
    );
    let text = snapshot(
        GOOD,
        r#""nodes":[0,0,1,0,1,1,1,-33,8,0],"edges":[1,1,5],"strings":["a","b"]"#,
    );
    let (_, offset, _) = failure(&text);
    assert!(text[offset as usize..].starts_with("-33,8"));
    // Locations of nodes that are not there.
    let rest = r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[1,1,5],"locations":[10,1,1,1],"strings":["a","b"]"#;
    assert_eq!(failure(&snapshot(GOOD, rest)).0, wrong);
}

#[test]
fn sections_that_are_missing_or_come_too_early_are_named() {
    for (rest, expected) in [
        (
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"strings":["a","b"]"#,
            "`edges`",
        ),
        (
            r#""nodes":[0,0,1,0,1,1,1,3,8,0],"edges":[1,1,5]"#,
            "`strings`",
        ),
        (r#""edges":[1,1,5],"strings":["a","b"]"#, "`nodes`"),
    ] {
        let (code, _, found) = failure(&snapshot(GOOD, rest));
        assert_eq!(code, "ERR_MEMGUARD_SNAPSHOT_INCONSISTENT");
        assert!(found.contains(expected), "{found}");
    }
    assert_eq!(
        failure(r#"{"nodes":[0,0,1,0,1],"edges":[]}"#).0,
        "ERR_MEMGUARD_NOT_A_SNAPSHOT"
    );
    let without = META.replace("\"self_size\",", "");
    let (_, _, found) = failure(&format!("{without},{GOOD}}}}}"));
    assert_eq!(found, "the field `self_size` in `node_fields`");
}

#[test]
fn gigantic_claims_cost_no_memory() {
    let rest = r#""nodes":[0,0,1,0,1],"edges":[1,1,5],"strings":["a"]"#;
    let too_large = "ERR_MEMGUARD_SNAPSHOT_TOO_LARGE";
    assert_eq!(
        failure(&snapshot(
            r#""node_count":18446744073709551615,"edge_count":1"#,
            rest
        ))
        .0,
        too_large
    );
    assert_eq!(
        failure(&snapshot(r#""node_count":536870913,"edge_count":1"#, rest)).0,
        too_large
    );
    assert_eq!(
        failure(&snapshot(r#""node_count":1,"edge_count":4294967295"#, rest)).0,
        too_large
    );

    // A file is asked how large it is; of a pipe the claim is believed, but what is never written is never in memory.
    let text = snapshot(r#""node_count":536870912,"edge_count":4294967294"#, rest);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let error = read_file(file.path(), &ReadOptions::default()).unwrap_err();
    assert!(
        error.expected().unwrap().contains("bytes for `nodes`"),
        "{error}"
    );
    let error = read_with(text.as_bytes(), 2).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Inconsistent { .. } | ReadError::TooLarge { .. }
        ),
        "{error}"
    );
}

#[test]
fn compressed_bombs_are_bounded() {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(META.as_bytes()).unwrap();
    let spaces = vec![b' '; 1 << 20];
    for _ in 0..200 {
        bomb.write_all(&spaces).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let error = read_with(&bomb, 2).unwrap_err();
    assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_TOO_LARGE");
    assert!(error.offset() < 80 << 20, "{error}");

    let mut options = ReadOptions::default();
    options.max_bytes = 1 << 20;
    let error = read(bomb.as_slice(), &options).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::TooLarge {
                limit: 1_048_576,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn damaged_json_is_found_where_it_stands() {
    let strings = r#""strings":["a","b"]"#;
    for (nodes, at, expected) in [
        ("[0,0,1,0,1,1,1,3,8,-]", "-]", "a number"),
        ("[0,0,1,0,1,1,1,3,8,-0]", "-0]", "a number"),
        ("[0,0,1,0,1,1,1,3,8,--1]", "--1]", "a number"),
        (
            "[0,0,1,0,1,1,1,3,8-1]",
            "-1]",
            "a comma or the end of the array",
        ),
        (
            "[0,0,1,0,1,1,1,-2147483649,8,0]",
            "-2147483649",
            "a number of at least -2^31",
        ),
        (
            "[0,0,1,0,1,1,1,3,8,0.5]",
            ".5]",
            "a comma or the end of the array",
        ),
        (
            "[0,0,1,0,1,1,1,3,8 8,0]",
            "8,0]",
            "a comma or the end of the array",
        ),
        ("[0,0,1,,0,1,1,1,3,8,0]", ",0,1,1,1", "a number"),
        ("[0,0,1,0,1,1,1,3,8,0,]", "]", "a number"),
        ("[0,0,1,0,1,1,1,3,8,x]", "x]", "a number"),
        (
            "[0,0,18446744073709551616,0,1]",
            "184",
            "a number below 2^64",
        ),
        ("{}", "{}", "an array"),
    ] {
        let text = snapshot(
            GOOD,
            &format!(r#""nodes":{nodes},"edges":[1,1,5],{strings}"#),
        );
        let (code, offset, found) = failure(&text);
        assert_eq!(
            (code, found.as_str()),
            ("ERR_MEMGUARD_SNAPSHOT_SYNTAX", expected),
            "{nodes}"
        );
        assert!(
            text[offset as usize..].starts_with(at),
            "{nodes}: {}",
            &text[offset as usize..]
        );
    }
    let deep = format!("{META},{GOOD}}},\"x\":{}", "[".repeat(300_000));
    assert_eq!(failure(&deep).0, "ERR_MEMGUARD_SNAPSHOT_TRUNCATED");
}

#[test]
fn what_mutation_makes_is_read_or_refused_and_the_same_for_any_threads() {
    for seed in 0..3_000 {
        let heap = random_heap(seed % 40, 6 + (seed % 30) as usize);
        let layouts = Layout::all();
        let mut text = heap.to_json_as(&layouts[(seed % 4) as usize]);
        Mutator::new(seed).damage(&mut text);
        let run = |threads| catch_unwind(AssertUnwindSafe(|| read_with(&text, threads)));
        match (run(1), run(3)) {
            (Ok(Ok(graph)), Ok(Ok(other))) => {
                assert_eq!(graph.node_count(), other.node_count());
                use_up(&graph);
            }
            (Ok(Err(error)), Ok(Err(other))) => assert_eq!(error.to_string(), other.to_string()),
            (one, two) => panic!("seed {seed}: {one:?} with one thread, {two:?} with three"),
        }
    }
}

#[test]
fn chains_as_long_as_the_heap_need_no_recursion() {
    let mut heap = Heap::new();
    let mut last = heap.global();
    for _ in 0..200_000 {
        let next = heap.object("Node", 16);
        heap.property(last, "next", next);
        last = next;
    }
    // A way back to the beginning, so that dominators have something to compress.
    heap.property(last, "first", NodeRef(2));
    let graph = read_with(&heap.to_json(), 2).unwrap();
    let analysis = Analysis::of(&graph, &AnalyzeOptions::default()).unwrap();
    assert_eq!(analysis.distance(NodeIndex(last.0 as u32)), 200_001);
    assert_eq!(analysis.retained_size(NodeIndex(2)), 200_000 * 16);
    let aggregates = Aggregates::of(&analysis, &AnalyzeOptions::default()).unwrap();
    let class = aggregates.classes().class_of(NodeIndex(2));
    let row = aggregates
        .rows()
        .iter()
        .find(|row| row.class == class)
        .unwrap();
    assert_eq!((row.count, row.retained_size), (200_000, 200_000 * 16));
}

#[test]
fn duplicate_ids_cycles_and_islands_are_no_harm() {
    let mut heap = Heap::new();
    let global = heap.global();
    let [a, b, c, d] = ["A", "B", "C", "D"].map(|class| heap.object(class, 10));
    heap.set_id(a, 7);
    heap.set_id(b, 7);
    heap.property(global, "a", a);
    heap.property(a, "self", a);
    heap.property(a, "b", b);
    heap.property(b, "a", a);
    // An island that holds itself, and what hangs on it alone.
    heap.property(c, "d", d);
    heap.property(d, "c", c);
    heap.property(c, "b", b);
    let graph = read_with(&heap.to_json(), 1).unwrap();
    let analysis = Analysis::of(&graph, &AnalyzeOptions::default()).unwrap();
    let node = |node: NodeRef| NodeIndex(node.0 as u32);
    assert_eq!(analysis.dominator(node(b)), node(a));
    assert_eq!(analysis.dominator(node(c)), graph.root());
    assert_eq!(analysis.dominator(node(d)), graph.root());
    assert_eq!(analysis.distance(node(d)), UNREACHED);
    assert_eq!(analysis.total_size(), 64 + 40);
    use_up(&graph);
}

#[test]
fn signs_make_no_difference_wherever_chunks_end() {
    // More than one chunk of text, in which every edge has an index with a sign: wherever a chunk ends, one is there.
    let count = 60_000;
    let index = |at: u32| u32::MAX - at * 7;
    let written = |signed: bool| {
        let edges: Vec<_> = (0..count)
            .map(|at| match signed {
                true => format!("0,{},5", index(at).cast_signed()),
                false => format!("0,{},5", index(at)),
            })
            .collect();
        let nodes = format!("[0,0,1,0,{count},1,1,3,8,0]");
        snapshot(
            &format!(r#""node_count":2,"edge_count":{count}"#),
            &format!(
                r#""nodes":{nodes},"edges":[{}],"strings":["a","b"]"#,
                edges.join(",")
            ),
        )
    };
    for (text, threads) in [(written(true), 1), (written(true), 3), (written(false), 2)] {
        assert!(text.len() > 512 << 10);
        let graph = read_with(text.as_bytes(), threads).unwrap();
        let found: Vec<_> = graph
            .edges(graph.root())
            .map(|edge| edge.name(&graph).into_owned())
            .collect();
        let expected: Vec<_> = (0..count).map(|at| index(at).to_string()).collect();
        assert!(found == expected);
    }
}
