//! The analysis against definitions: each figure computed in the most obvious way, on random graphs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{HashSet, VecDeque};

use memguard_heap_graph::{
    Aggregates, Analysis, AnalyzeOptions, EdgeKind, GraphBuilder, HeapGraph, NodeIndex, NodeKind,
    Statistics, read,
};
use memguard_testkit::{Random, random_heap};

/// A graph of plain references alone, for which dominators are what the textbook says.
fn random_graph(seed: u64, nodes: usize, edges: usize) -> HeapGraph {
    let mut random = Random::new(seed);
    let mut builder = GraphBuilder::new();
    let root = builder.node(NodeKind::Synthetic, "", 1, 0);
    let all: Vec<_> = (0..nodes as u64)
        .map(|at| {
            builder.node(
                NodeKind::Object,
                ["A", "B", "C"][random.below(3)],
                at * 2 + 3,
                random.below(100) as u64,
            )
        })
        .collect();
    // A shortcut makes everything it leads to the program's own.
    builder.edge(root, EdgeKind::Shortcut, "global", all[0]);
    for _ in 0..edges {
        let (from, to) = (*random.pick(&all), *random.pick(&all));
        builder.edge(from, EdgeKind::Property, "x", to);
    }
    builder.finish().unwrap()
}

/// What can be reached from the root without a node.
fn reached(graph: &HeapGraph, without: Option<NodeIndex>) -> HashSet<NodeIndex> {
    let mut seen = HashSet::from([graph.root()]);
    let mut queue = VecDeque::from([graph.root()]);
    while let Some(node) = queue.pop_front() {
        for edge in graph.edges(node) {
            if Some(edge.target) != without && seen.insert(edge.target) {
                queue.push_back(edge.target);
            }
        }
    }
    seen
}

#[test]
fn dominators_and_retained_sizes_are_what_their_definitions_say() {
    for seed in 0..60 {
        let nodes = 5 + (seed as usize * 7) % 60;
        let graph = random_graph(seed, nodes, nodes + (seed as usize * 13) % (2 * nodes));
        let analysis = Analysis::of(&graph, &AnalyzeOptions::default()).unwrap();
        let all = reached(&graph, None);
        for &node in &all {
            // What is lost without the node is what it dominates.
            let lost: HashSet<_> = all
                .difference(&reached(&graph, Some(node)))
                .copied()
                .collect();
            if node == graph.root() {
                continue;
            }
            for &other in &lost {
                let mut above = other;
                while above != node {
                    assert_ne!(above, graph.root(), "seed {seed}: {node} dominates {other}");
                    above = analysis.dominator(above);
                }
            }
            // Islands hold what nothing else does; they count as children of the root.
            let size: u64 = lost.iter().map(|&node| graph.node(node).self_size()).sum();
            if (0..graph.node_count()).all(|at| all.contains(&NodeIndex(at as u32))) {
                assert_eq!(analysis.retained_size(node), size, "seed {seed}: {node}");
            }
        }
        let listed: usize = graph
            .nodes()
            .map(|node| analysis.dominated(node.index()).count())
            .sum();
        assert_eq!(listed, graph.node_count() - 1);
    }
}

#[test]
fn a_class_retains_what_goes_with_all_of_its_members() {
    for seed in 0..60 {
        let graph = random_graph(seed, 40, 70);
        let all = reached(&graph, None);
        if all.len() < graph.node_count() {
            continue;
        }
        let analysis = Analysis::of(&graph, &AnalyzeOptions::default()).unwrap();
        let aggregates = Aggregates::of(&analysis, &AnalyzeOptions::default()).unwrap();
        for row in aggregates.rows() {
            let members: Vec<_> = (graph.nodes().map(|node| node.index()))
                .filter(|&node| {
                    aggregates.classes().class_of(node) == row.class
                        && analysis.shallow_size(node) != 0
                })
                .collect();
            assert_eq!(row.count, members.len() as u64);
            let dominated_by_member = |node: NodeIndex| {
                let mut above = node;
                loop {
                    if members.contains(&above) {
                        return true;
                    }
                    if above == graph.root() {
                        return false;
                    }
                    above = analysis.dominator(above);
                }
            };
            let retained: u64 = (all.iter().filter(|&&node| dominated_by_member(node)))
                .map(|&node| analysis.shallow_size(node))
                .sum();
            assert_eq!(row.retained_size, retained, "seed {seed}");
        }
    }
}

/// Every figure, to compare.
fn figures(
    graph: &HeapGraph,
    threads: usize,
    compact: bool,
) -> (Vec<[u64; 4]>, Vec<String>, Statistics) {
    let mut options = AnalyzeOptions::default();
    options.threads = threads;
    options.compact = compact;
    let analysis = Analysis::of(graph, &options).unwrap();
    let aggregates = Aggregates::of(&analysis, &options).unwrap();
    let nodes = graph
        .nodes()
        .map(|node| {
            let node = node.index();
            let distance = analysis.distance(node) as u64;
            [
                analysis.dominator(node).0.into(),
                analysis.retained_size(node),
                distance,
                analysis.shallow_size(node),
            ]
        })
        .collect();
    let rows = aggregates
        .rows()
        .iter()
        .map(|row| format!("{:?} {row:?}", aggregates.classes().key(row.class)));
    (nodes, rows.collect(), Statistics::of(&analysis))
}

#[test]
fn neither_the_number_of_threads_nor_less_memory_changes_anything() {
    for (seed, nodes) in [(1, 50), (2, 3_000), (3, 20_000)] {
        let graph = read(
            random_heap(seed, nodes).to_json().as_slice(),
            &Default::default(),
        )
        .unwrap();
        let one = figures(&graph, 1, false);
        for (threads, compact) in [(2, false), (3, false), (8, false), (1, true), (2, true)] {
            assert!(
                figures(&graph, threads, compact) == one,
                "{threads} threads, seed {seed}, compact: {compact}"
            );
        }
    }
}

#[test]
fn references_both_ways_are_the_same() {
    let graph = read(
        random_heap(5, 400).to_json().as_slice(),
        &Default::default(),
    )
    .unwrap();
    let mut compact = AnalyzeOptions::default();
    compact.compact = true;
    let mut forwards: Vec<_> = graph
        .nodes()
        .flat_map(|node| {
            node.edges()
                .map(move |edge| (edge.target, node.index(), edge.index))
        })
        .collect();
    forwards.sort();
    let mut held = Vec::new();
    for options in [AnalyzeOptions::default(), compact] {
        let analysis = Analysis::of(&graph, &options).unwrap();
        let nodes = || graph.nodes().map(|node| node.index());
        let backwards: Vec<_> = nodes()
            .flat_map(|node| {
                let retainers: Vec<_> = analysis.retainers(node).collect();
                assert_eq!(retainers.len(), analysis.retainer_count(node));
                assert!(
                    retainers
                        .iter()
                        .all(|retainer| retainer.edge.target == node)
                );
                retainers
                    .into_iter()
                    .map(move |retainer| (node, retainer.from, retainer.edge.index))
            })
            .collect();
        assert_eq!(backwards, forwards);
        let of_node = |node| {
            let dominated: Vec<_> = analysis.dominated(node).collect();
            let essential: Vec<_> = analysis.essential_retaining_nodes(node).collect();
            let sources: Vec<_> = analysis.retaining_nodes(node).collect();
            (dominated, essential, sources)
        };
        held.push(nodes().map(of_node).collect::<Vec<_>>());
    }
    assert!(held[0] == held[1]);
}
