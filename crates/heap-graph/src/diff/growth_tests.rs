//! Growth whose truth is known, in heaps drawn by hand.

use proptest::prelude::*;

use super::growth::{Limits, growth, since};
use crate::analysis::AnalyzeOptions;
use crate::model::{EdgeKind, NodeKind};
use crate::report::{Growth, GrowthCluster, GrowthKind};
use crate::signature::{Collection, Ways};
use crate::sketch::{Dot, Sketch};
use crate::snapshot::Snapshot;

const LIMITS: Limits = Limits {
    clusters: 20,
    contents: 10,
    min_bytes: 512,
};

fn compare(sketches: &[&Sketch], seed: u64) -> Growth {
    let graphs: Vec<_> = sketches
        .iter()
        .zip(seed..)
        .map(|(sketch, seed)| sketch.build(seed * 77))
        .collect();
    let snapshots: Vec<_> = graphs
        .iter()
        .map(|graph| Snapshot::of(graph, &AnalyzeOptions::default()).unwrap())
        .collect();
    let (newest, older) = snapshots.split_last().unwrap();
    let mut collection = Collection::new();
    for snapshot in older {
        drop(collection.add(snapshot));
    }
    let growth = growth(collection, newest, &LIMITS).0;
    // Kept ways tell the same as the heaps that they are of.
    let kept: Vec<Ways> = older
        .iter()
        .map(|snapshot| Ways::of(snapshot, 1 << 20))
        .collect();
    let grown = since(&kept.iter().collect::<Vec<_>>(), newest, &LIMITS);
    assert_eq!(grown.growth, growth);
    growth
}

/// Compares two heaps and expects a single row.
fn only(before: &Sketch, after: &Sketch) -> GrowthCluster {
    let growth = compare(&[before, after], 3);
    assert_eq!(growth.clusters.total, 1, "{growth:#?}");
    growth.clusters.rows.into_iter().next().unwrap()
}

/// A server whose handler stands in `server.js` with a scope, and what most heaps have besides.
fn server() -> (Sketch, Dot) {
    let mut heap = Sketch::new();
    let global = heap.global;
    let server = heap.field(global, "server", "Server", 248);
    let events = heap.field(server, "_events", "Object", 56);
    let (handler, scope) = heap.function("handler", "/srv/7/server.js", 4);
    heap.property(events, "request", handler);
    for number in 0..40 {
        let entry = heap.field(global, &format!("setting{number}"), "Setting", 64);
        let text = heap.string(&format!("text {number}"), 32);
        heap.property(entry, "text", text);
    }
    (heap, scope)
}

/// `count` entries in an array below a variable.
fn with_log(count: u32) -> Sketch {
    let (mut heap, scope) = server();
    let log = heap.variable(scope, "requestLog", "Array", 32);
    let store = heap.node(
        NodeKind::Array,
        "(object elements)",
        16 + 8 * u64::from(count),
    );
    heap.edge(log, EdgeKind::Internal, "elements", store);
    for index in 0..count {
        let entry = heap.object("LogEntry", 48);
        heap.edge(log, EdgeKind::Element, index, entry);
        heap.edge(store, EdgeKind::Internal, index.to_string().as_str(), entry);
        let url = heap.string(&format!("/products/{index}"), 40);
        heap.property(entry, "url", url);
    }
    heap
}

#[test]
fn a_log_in_a_module_variable_is_named_with_its_holder_and_line() {
    let row = only(&with_log(100), &with_log(500));
    assert_eq!(
        row.words,
        "function handler [server.js] → context .requestLog → Array → [*] → LogEntry"
    );
    assert_eq!(
        (row.class.as_str(), row.kind),
        ("LogEntry", GrowthKind::MoreObjects)
    );
    assert_eq!(
        (row.counts.as_slice(), row.holders.as_slice()),
        (&[100, 500][..], &[1, 1][..])
    );
    // Entries with their strings, and the array's store.
    assert_eq!(row.size_delta, 400 * (48 + 40) + 400 * 8);
    assert_eq!((row.share, row.steady, row.moved), (1.0, true, false));
    let path = row.example.unwrap();
    let expected = "global → .server → Server → ._events → .request → function handler [server.js:5:9] \
                    → context .requestLog → Array → [";
    assert!(path.text.starts_with(expected), "{}", path.text);
    assert!(path.text.ends_with("] → LogEntry"), "{}", path.text);
    assert!(path.steps.last().unwrap().suspect);
    let location = row.location.unwrap();
    assert_eq!(
        (location.script.as_deref(), location.line, location.column),
        (Some("/srv/7/server.js"), 5, 9)
    );
    let contents: Vec<_> = row
        .contents
        .rows
        .iter()
        .map(|row| (row.class.as_str(), row.count_delta))
        .collect();
    assert_eq!(
        contents,
        [("LogEntry", 400), ("(string)", 400), ("Array", 0)]
    );
}

#[test]
fn a_heap_that_did_not_change_has_no_growth_whatever_its_ids() {
    let growth = compare(&[&with_log(100), &with_log(100), &with_log(100)], 9);
    assert_eq!(
        (growth.size_delta, growth.grown_size, growth.shrunk_size),
        (0, 0, 0)
    );
    assert_eq!(growth.clusters.total, 0);
}

/// 200 sessions with so many messages each.
fn with_sessions(sessions: u32, messages: u32) -> Sketch {
    let (mut heap, scope) = server();
    let map = heap.variable(scope, "sessions", "Map", 32);
    let table = heap.node(NodeKind::Array, "", 16 + 24 * u64::from(sessions));
    heap.edge(map, EdgeKind::Internal, "table", table);
    for number in 0..sessions {
        let session = heap.object("Session", 56);
        heap.edge(
            table,
            EdgeKind::Internal,
            (36 + 3 * number).to_string().as_str(),
            session,
        );
        let list = heap.field(session, "messages", "Array", 32);
        for index in 0..messages {
            let message = heap.object("Message", 64);
            heap.edge(list, EdgeKind::Element, index, message);
        }
    }
    heap
}

#[test]
fn growth_that_is_spread_over_many_holders_is_one_row() {
    let row = only(&with_sessions(200, 5), &with_sessions(200, 25));
    assert!(
        row.words
            .ends_with("→ [*] → Session → .messages → Array → [*] → Message"),
        "{}",
        row.words
    );
    assert_eq!(
        (row.counts, row.holders),
        (vec![1000, 5000], vec![200, 200])
    );
    assert_eq!(row.size_delta, 4000 * 64);
}

#[test]
fn more_of_the_same_is_told_at_the_top() {
    let row = only(&with_sessions(100, 5), &with_sessions(300, 5));
    assert!(
        row.words
            .ends_with("context .sessions → Map → [*] → Session"),
        "{}",
        row.words
    );
    assert_eq!(row.counts, [100, 300]);
    assert_eq!(row.contents.rows[0].class, "Message");
}

#[test]
fn some_more_sessions_do_not_hide_that_each_has_grown() {
    let growth = compare(&[&with_sessions(100, 5), &with_sessions(110, 80)], 4);
    let row = &growth.clusters.rows[0];
    assert_eq!(row.class, "Message");
    assert!(row.share > 0.99);
}

/// A chain of so many links below a property.
fn with_chain(length: u32) -> Sketch {
    let (mut heap, _) = server();
    let global = heap.global;
    let mut at = heap.field(global, "signal", "AbortSignal", 64);
    for _ in 0..length {
        at = heap.field(at, "next", "Link", 40);
        heap.field(at, "data", "Payload", 100);
    }
    heap
}

#[test]
fn a_chain_with_one_link_per_request_is_one_row() {
    let row = only(&with_chain(50), &with_chain(3_000));
    assert!(
        row.words.ends_with("AbortSignal → .next → Link"),
        "{}",
        row.words
    );
    assert_eq!(row.counts, [50, 3_000]);
    assert_eq!(row.size_delta, 2_950 * 140);
    let path = row.example.unwrap();
    assert!(path.steps.len() <= 48);
}

#[test]
fn a_long_chain_needs_no_stack() {
    let row = only(&with_chain(10), &with_chain(60_000));
    assert_eq!(row.counts, [10, 60_000]);
}

/// An object used as a dictionary with words as keys.
fn with_dictionary(prefix: &str, keys: u32) -> Sketch {
    let (mut heap, scope) = server();
    let cache = heap.variable(scope, "cache", "Object", 24);
    for number in 0..keys {
        let letters: String = number
            .to_string()
            .bytes()
            .map(|digit| char::from(digit - b'0' + b'a'))
            .collect();
        heap.field(cache, &format!("{prefix}{letters}ish"), "User", 120);
    }
    heap
}

#[test]
fn dictionaries_with_words_for_keys_are_one_row() {
    for (before, after) in [(10, 400), (100, 400)] {
        let row = only(
            &with_dictionary("alice", before),
            &with_dictionary("bob", after),
        );
        assert!(
            row.words
                .ends_with("context .cache → Object → [key] → User"),
            "{}",
            row.words
        );
        assert_eq!(row.counts, [u64::from(before), u64::from(after)]);
    }
}

#[test]
fn what_is_new_is_told_where_it_fans_out() {
    let (before, _) = server();
    let row = only(&before, &with_log(2_000));
    assert!(
        row.words
            .ends_with("context .requestLog → Array → [*] → LogEntry"),
        "{}",
        row.words
    );
    assert_eq!(row.counts, [0, 2_000]);
}

/// So many listeners, each a function with a scope of its own that holds a request.
fn with_listeners(count: u32) -> Sketch {
    let (mut heap, scope) = server();
    let bus = heap.variable(scope, "bus", "EventEmitter", 56);
    let events = heap.field(bus, "_events", "Object", 24);
    let list = heap.field(events, "update", "Array", 16);
    for index in 0..count {
        let (listener, own) = heap.function("", "/srv/7/server.js", 20);
        heap.edge(list, EdgeKind::Element, index, listener);
        heap.variable(own, "req", "IncomingMessage", 240);
    }
    heap
}

#[test]
fn listeners_are_told_with_their_emitter_and_event() {
    let row = only(&with_listeners(5), &with_listeners(300));
    let expected = "context .bus → EventEmitter → ._events → Object → .update → Array → [*] → function (anonymous) [server.js]";
    assert!(row.words.ends_with(expected), "{}", row.words);
    assert_eq!(row.contents.rows[0].class, "IncomingMessage");
}

#[test]
fn one_string_that_grows_is_a_larger_object() {
    let with = |size| {
        let (mut heap, scope) = server();
        let buffer = heap.variable(scope, "log", "StringBuilder", 24);
        let text = heap.string("a line and another", size);
        heap.property(buffer, "text", text);
        heap
    };
    let row = only(&with(1_000), &with(5_000_000));
    assert_eq!(
        (row.kind, row.counts),
        (GrowthKind::LargerObjects, vec![1, 1])
    );
    assert!(
        row.words.ends_with("StringBuilder → .text → (string)"),
        "{}",
        row.words
    );
}

#[test]
fn strings_that_v8_has_flattened_did_not_grow() {
    let with = |flat: u32| {
        let (mut heap, scope) = server();
        let pages = heap.variable(scope, "pages", "Array", 16);
        for index in 0..200 {
            let page = heap.node(NodeKind::ConcatenatedString, "a page", 32);
            heap.edge(pages, EdgeKind::Element, index, page);
            // One flat string of all, or two halves of it.
            for half in ["first", "second"]
                .iter()
                .take(if index < flat { 1 } else { 2 })
            {
                let text = heap.string("half a page", if index < flat { 1_000 } else { 500 });
                heap.edge(page, EdgeKind::Internal, *half, text);
            }
        }
        heap
    };
    assert_eq!(compare(&[&with(10), &with(150)], 6).clusters.total, 0);
}

#[test]
fn what_went_from_one_holder_to_another_did_not_grow() {
    let with = |holder: &str, count: u32| {
        let (mut heap, scope) = server();
        let pools = heap.variable(scope, "pools", "Pools", 24);
        for name in ["idle", "busy"] {
            let list = heap.field(pools, name, "Array", 16);
            for index in (0..count).filter(|_| name == holder) {
                let connection = heap.object("Connection", 200);
                heap.edge(list, EdgeKind::Element, index, connection);
            }
        }
        heap
    };
    let growth = compare(&[&with("idle", 500), &with("busy", 500)], 1);
    assert_eq!(growth.size_delta, 0);
    assert!(
        growth.clusters.rows.iter().all(|row| row.moved),
        "{growth:#?}"
    );
}

#[test]
fn the_same_place_reached_by_another_way_is_the_same_place() {
    let mut before = with_log(300);
    let mut after = with_log(300);
    // From now on, the handler hangs on the global object itself, one step nearer.
    let find = |heap: &mut Sketch, name: &str| {
        let (function, scope) = heap.function(name, "/srv/7/server.js", 50);
        let shared = heap.variable(scope, "table", "Array", 16);
        for index in 0..400 {
            let row = heap.object("Row", 64);
            heap.edge(shared, EdgeKind::Element, index, row);
        }
        function
    };
    let far = find(&mut before, "load");
    let global = before.global;
    let api = before.field(global, "api", "Api", 24);
    before.property(api, "load", far);
    let near = find(&mut after, "load");
    let global = after.global;
    after.property(global, "load", near);
    after.field(global, "api", "Api", 24);
    assert_eq!(compare(&[&before, &after], 5).clusters.total, 0);
}

#[test]
fn three_heaps_tell_what_grows_all_the_time() {
    let steady = compare(&[&with_log(100), &with_log(200), &with_log(300)], 2)
        .clusters
        .rows
        .remove(0);
    assert_eq!((steady.counts, steady.steady), (vec![100, 200, 300], true));
    let once = compare(&[&with_log(100), &with_log(300), &with_log(300)], 2)
        .clusters
        .rows
        .remove(0);
    assert!(!once.steady);
}

#[test]
fn of_three_heaps_what_grows_all_the_time_comes_before_what_grew_once() {
    let with = |log: u32, pool: u32| {
        let mut heap = with_log(log);
        let global = heap.global;
        let list = heap.field(global, "pool", "Array", 16);
        for index in 0..pool {
            let worker = heap.object("PooledWorker", 4_000);
            heap.edge(list, EdgeKind::Element, index, worker);
        }
        heap
    };
    let growth = compare(&[&with(100, 10), &with(200, 60), &with(300, 60)], 8);
    let rows: Vec<_> = growth
        .clusters
        .rows
        .iter()
        .map(|row| (row.class.as_str(), row.steady))
        .collect();
    assert_eq!(rows, [("LogEntry", true), ("PooledWorker", false)]);
}

/// A structure to plant: by number, of a size.
fn plant(heap: &mut Sketch, scope: Dot, which: usize, size: u32) {
    let name = ["alpha", "beta", "gamma", "delta"][which];
    let root = heap.variable(scope, name, "Store", 24);
    let class = ["Row", "Job", "Span", "Frame"][which];
    for number in 0..size {
        let entry = heap.object(class, 56);
        match which {
            0 => heap.edge(root, EdgeKind::Element, number, entry),
            1 => heap.property(root, &format!("id-{number}"), entry),
            2 => heap.edge(root, EdgeKind::Internal, number.to_string().as_str(), entry),
            _ => {
                let shard = heap.field(root, &format!("shard{}", number % 4), "Shard", 16);
                heap.edge(shard, EdgeKind::Element, number, entry);
            }
        }
        let text = heap.string("text", 24);
        heap.property(entry, "text", text);
    }
}

fn planted(sizes: [u32; 4]) -> Sketch {
    let (mut heap, scope) = server();
    for (which, size) in sizes.into_iter().enumerate() {
        plant(&mut heap, scope, which, size);
    }
    heap
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn order_and_ids_change_nothing(sizes: [u8; 4], grown: [u8; 4], seed in 1_u64..1_000) {
        let before = planted(sizes.map(u32::from));
        let after = planted([0, 1, 2, 3].map(|at| u32::from(sizes[at]) + u32::from(grown[at])));
        let without_examples = |seed| {
            let mut growth = compare(&[&before, &after], seed);
            for row in &mut growth.clusters.rows {
                row.example = None;
            }
            growth
        };
        prop_assert_eq!(without_examples(seed), without_examples(seed + 50_000));
    }

    #[test]
    fn what_grew_most_comes_first_and_every_byte_is_counted_once(
        sizes: [u8; 4],
        which in 0_usize..4,
        more in 200_u32..900,
        noise in 0_u32..40,
        seed in 1_u64..1_000,
    ) {
        let sizes = sizes.map(u32::from);
        let mut later = sizes.map(|size| size + noise);
        later[which] += more;
        let growth = compare(&[&planted(sizes), &planted(later)], seed);
        let first = &growth.clusters.rows[0];
        let name = ["alpha", "beta", "gamma", "delta"][which];
        prop_assert!(first.words.contains(&format!("context .{name} → Store")), "{}", first.words);
        let told: i64 = growth.clusters.rows.iter().map(|row| row.size_delta).sum();
        prop_assert!(told <= growth.grown_size as i64);
        prop_assert_eq!(growth.size_delta, growth.grown_size as i64 - growth.shrunk_size as i64);
    }
}

/// So many handles, one of them a server's whose log has so many entries; the others are sockets.
fn with_handles(handles: u32, entries: u32) -> Sketch {
    let mut heap = Sketch::new();
    let global = heap.global;
    let all = heap.field(global, "handles", "Array", 32);
    for index in 0..handles {
        let handle = heap.object("Handle", 32);
        heap.edge(all, EdgeKind::Element, index, handle);
        if index == 0 {
            let server = heap.field(handle, "owner", "Server", 200);
            let log = heap.field(server, "log", "Array", 32);
            for index in 0..entries {
                let entry = heap.object("LogEntry", 48);
                heap.edge(log, EdgeKind::Element, index, entry);
            }
        } else {
            heap.field(handle, "owner", "Socket", 100);
        }
    }
    heap
}

#[test]
fn more_handles_do_not_explain_what_grows_below_one_of_them() {
    let (before, after) = (with_handles(20, 1_000), with_handles(61, 1_600));
    let growth = compare(&[&before, &after], 5);
    let row = &growth.clusters.rows[0];
    assert!(row.words.ends_with("LogEntry"), "{growth:#?}");
    assert_eq!((row.count_delta, row.holders.last()), (600, Some(&1)));
    // Later there is no new handle, and it goes on.
    let later = with_handles(61, 2_200);
    let growth = compare(&[&before, &after, &later], 5);
    assert_eq!(growth.clusters.rows[0].counts, [1_000, 1_600, 2_200]);
    assert!(growth.clusters.rows[0].steady);
}
