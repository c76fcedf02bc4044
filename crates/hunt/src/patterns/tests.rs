//! Rules on heaps drawn by hand: for each pattern what its leak looks like in a heap.

use memguard_heap_graph::{AnalyzeOptions, HeapGraph, NodeIndex, NodeKind, Snapshot};

use super::*;
use crate::context::{Context, HandleFigures, ListenerWarning, Moment};
use crate::digest::Digest;
use crate::investigate;
use crate::report::Suspect;
use crate::sketch::Sketch;

/// Draws a program with so many leaked things below a scope of its module.
type Draw = fn(&mut Sketch, NodeIndex, u32);

/// The first suspect of a heap in which 1,000, 2,000 and 3,000 things were leaked.
fn suspect(draw: Draw, context: &Context) -> Suspect {
    let graphs = [1_000, 2_000, 3_000].map(|things| {
        let mut heap = Sketch::new();
        let (main, scope) = heap.function("main", "/srv/app/main.js", 0);
        let global = heap.global;
        heap.property(global, "main", main);
        draw(&mut heap, scope, things);
        heap.build()
    });
    suspect_of(&graphs, context)
}

/// The first suspect of three heaps.
fn suspect_of(graphs: &[HeapGraph], context: &Context) -> Suspect {
    let options = AnalyzeOptions::default();
    let at = |look: u64| Moment {
        at_ms: look * 600_000,
        unix_ms: 0,
    };
    let digests: Vec<Digest> = graphs[..2]
        .iter()
        .zip(1..)
        .map(|(graph, look)| Digest::of(&Snapshot::of(graph, &options).unwrap(), at(look)))
        .collect();
    let context = Context {
        now: at(3),
        ..context.clone()
    };
    let snapshot = Snapshot::of(&graphs[2], &options).unwrap();
    let report = investigate(&digests.iter().collect::<Vec<_>>(), &snapshot, &context);
    assert!(!report.suspects.is_empty(), "{report:#?}");
    report.suspects[0].clone()
}

/// A map with entries of a class.
fn map(heap: &mut Sketch, scope: NodeIndex, name: &str, class: &str, count: u32) -> NodeIndex {
    let map = heap.object("Map", 32);
    heap.variable(scope, name, map);
    // Header, buckets, and two entries of key, value and chain for each.
    let buckets = (count / 2).next_power_of_two();
    let table = heap.node(NodeKind::Array, "", 8 * (5 + 7 * u64::from(buckets)));
    heap.internal(map, "table", table);
    for entry in 0..count {
        let slot = 3 + buckets + 3 * entry;
        let key = heap.node(NodeKind::String, &format!("key {entry}"), 32);
        let value = heap.object(class, 120);
        heap.internal(table, &slot.to_string(), key);
        heap.internal(table, &(slot + 1).to_string(), value);
    }
    map
}

fn array(heap: &mut Sketch, scope: NodeIndex, name: &str) -> NodeIndex {
    let array = heap.object("Array", 32);
    heap.variable(scope, name, array);
    array
}

#[test]
fn each_pattern_is_known_by_what_it_leaves() {
    let cases: [(Pattern, Draw); 14] = [
        (Pattern::UnboundedCache, |heap, scope, count| {
            map(heap, scope, "pageCache", "Page", count);
        }),
        (Pattern::SessionMap, |heap, scope, count| {
            map(heap, scope, "sessions", "Session", count);
        }),
        (Pattern::UnboundedArray, |heap, scope, count| {
            let array = array(heap, scope, "requestLog");
            heap.entries(array, "LogEntry", 96, count);
        }),
        (Pattern::Closure, |heap, scope, count| {
            let array = array(heap, scope, "undo");
            for at in 0..count {
                let (function, inner) = heap.function("revert", "/srv/app/main.js", 9);
                heap.element(array, at, function);
                let document = heap.object("Document", 200);
                heap.variable(inner, "document", document);
            }
        }),
        (Pattern::Timer, |heap, scope, count| {
            let list = heap.object("TimersList", 64);
            heap.variable(scope, "timers", list);
            let mut before = list;
            for _ in 0..count {
                let timer = heap.field(before, "_idleNext", "Timeout", 120);
                heap.field(timer, "_onTimeout", "Poller", 80);
                before = timer;
            }
        }),
        (Pattern::EventListener, |heap, scope, count| {
            let bus = heap.object("EventEmitter", 64);
            heap.variable(scope, "bus", bus);
            let events = heap.field(bus, "_events", "Object", 56);
            let list = heap.field(events, "config", "Array", 32);
            for at in 0..count {
                let (function, _) = heap.function("onConfig", "/srv/app/main.js", 4);
                heap.element(list, at, function);
            }
        }),
        (Pattern::AbortSignal, |heap, scope, count| {
            let signal = heap.object("AbortSignal", 64);
            heap.variable(scope, "signal", signal);
            let events = heap.field(signal, "<symbol kEvents>", "Map", 32);
            let mut before = events;
            for _ in 0..count {
                before = heap.field(before, "next", "Listener", 96);
            }
        }),
        (Pattern::UnclosedStream, |heap, scope, count| {
            let all = array(heap, scope, "open");
            heap.entries(all, "Socket", 400, count);
        }),
        (Pattern::Promise, |heap, scope, count| {
            let never = heap.object("Promise", 40);
            heap.variable(scope, "never", never);
            let mut before = never;
            for _ in 0..count {
                let reaction = heap.object("PromiseReaction", 40);
                heap.internal(before, "reactions_or_result", reaction);
                let waiting = heap.object("Promise", 40);
                heap.internal(reaction, "promise_or_capability", waiting);
                before = waiting;
            }
        }),
        (Pattern::AsyncContext, |heap, scope, count| {
            let frames = array(heap, scope, "resources");
            for at in 0..count {
                let frame = heap.object("AsyncContextFrame", 48);
                heap.element(frames, at, frame);
                heap.field(frame, "store", "RequestStore", 300);
            }
        }),
        (Pattern::BufferSlice, |heap, scope, count| {
            let list = array(heap, scope, "tokens");
            for at in 0..count {
                let view = heap.object("FastBuffer", 96);
                heap.element(list, at, view);
                let buffer = heap.object("ArrayBuffer", 80);
                heap.internal(view, "buffer", buffer);
                let data = heap.node(NodeKind::Native, "system / JSArrayBufferData", 49_152);
                heap.internal(buffer, "backing_store", data);
            }
        }),
        (Pattern::Worker, |heap, scope, count| {
            let list = array(heap, scope, "channels");
            heap.entries(list, "MessagePort", 120, count);
        }),
        (Pattern::LinkedList, |heap, scope, count| {
            let mut state = heap.object("State", 64);
            heap.variable(scope, "current", state);
            for _ in 0..count {
                state = heap.field(state, "previous", "State", 64);
            }
        }),
        (Pattern::Finalization, |heap, scope, count| {
            let registry = heap.object("FinalizationRegistry", 64);
            heap.variable(scope, "registry", registry);
            for at in 0..count {
                let resource = heap.object("Resource", 200);
                heap.internal(registry, &at.to_string(), resource);
            }
        }),
    ];
    for (pattern, draw) in cases {
        let suspect = suspect(draw, &Context::default());
        assert_eq!(suspect.pattern.pattern, pattern, "{suspect:#?}");
        assert!(!suspect.pattern.evidence.is_empty());
        assert!(!suspect.cure.text.is_empty());
        assert!((0.0..=1.0).contains(&suspect.pattern.confidence));
    }
}

#[test]
fn a_warning_of_node_makes_listeners_all_but_certain() {
    let draw: Draw = |heap, scope, count| {
        let bus = heap.object("Bus", 64);
        heap.variable(scope, "bus", bus);
        let events = heap.field(bus, "_events", "Object", 56);
        let list = heap.field(events, "data", "Array", 32);
        for at in 0..count {
            let (function, _) = heap.function("onData", "/srv/app/main.js", 4);
            heap.element(list, at, function);
        }
    };
    let context = Context {
        listener_warnings: vec![ListenerWarning {
            emitter: "Bus".into(),
            event: "data".into(),
            count: 11,
            stack: None,
        }],
        ..Context::default()
    };
    let suspect = suspect(draw, &context);
    assert_eq!(suspect.pattern.pattern, Pattern::EventListener);
    assert!(suspect.pattern.confidence > 0.95);
    assert!(
        suspect
            .pattern
            .evidence
            .join(" ")
            .contains("MaxListenersExceededWarning")
    );
    assert!(suspect.pattern.evidence[0].contains("Bus for 'data'"));
}

#[test]
fn handles_of_the_event_loop_are_evidence_of_sockets() {
    let context = Context {
        handles: vec![HandleFigures {
            kind: "TCPSocketWrap".into(),
            before: 4,
            now: 3_000,
        }],
        ..Context::default()
    };
    let draw: Draw = |heap, scope, count| {
        let all = array(heap, scope, "open");
        heap.entries(all, "Socket", 400, count);
    };
    let suspect = suspect(draw, &context);
    assert!(suspect.pattern.evidence[1].contains("4 TCPSocketWrap and has 3000 now"));
}

#[test]
fn patterns_have_the_names_that_people_search_for() {
    let name = |pattern: Pattern| serde_json::to_value(pattern).unwrap();
    assert_eq!(name(Pattern::UnboundedCache), "unbounded-cache");
    assert_eq!(name(Pattern::EventListener), "event-listener");
    assert!(
        Pattern::ALL
            .iter()
            .all(|pattern| !title(*pattern).is_empty())
    );
}

#[test]
fn streams_that_have_ended_are_dragged_along_by_what_keeps_them() {
    let draw = |open: bool| {
        move |heap: &mut Sketch, scope: NodeIndex, count: u32| {
            let map = heap.object("Map", 32);
            heap.variable(scope, "problems", map);
            let table = heap.node(NodeKind::Array, "", 8 * (5 + 7 * u64::from(count)));
            heap.internal(map, "table", table);
            for entry in 0..count {
                let problem = heap.object("Problem", 80);
                heap.internal(table, &(3 + count + 3 * entry).to_string(), problem);
                let socket = heap.field(problem, "socket", "Socket", 400);
                if open {
                    heap.field(socket, "_handle", "TCP", 200);
                }
            }
        }
    };
    let pattern = |open: bool| {
        let drawn = draw(open);
        let graphs: Vec<_> = [1_000, 2_000, 3_000]
            .map(|things| {
                let mut heap = Sketch::new();
                let (main, scope) = heap.function("main", "/srv/app/main.js", 0);
                let global = heap.global;
                heap.property(global, "main", main);
                drawn(&mut heap, scope, things);
                heap.build()
            })
            .into();
        suspect_of(&graphs, &Context::default()).pattern
    };
    assert_eq!(pattern(false).pattern, Pattern::UnboundedCache);
    assert_eq!(pattern(true).pattern, Pattern::UnclosedStream);
}
