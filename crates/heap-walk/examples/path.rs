//! Prints the shortest way from the root to an object of a class: `cargo run --example path -- PID|FILE CLASS`.

use std::collections::VecDeque;
use std::process::ExitCode;

use memguard_heap_graph::{Edge, EdgeKind, HeapGraph, NodeIndex};
use memguard_heap_walk::{GraphOptions, Target, graph, inspect};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(subject), Some(class)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: path PID|FILE CLASS");
        return ExitCode::FAILURE;
    };
    let target = subject.parse().map_or_else(
        |_| Target::Core {
            file: subject.clone().into(),
            executable: None,
        },
        Target::Process,
    );
    let started = std::time::Instant::now();
    match inspect(&target, |subject| graph(subject, &GraphOptions::default())) {
        Ok(found) => {
            let graph = found.value;
            eprintln!(
                "{graph:?} {} bytes, paused {:?}, all {:?}",
                graph.heap_bytes(),
                found.paused,
                started.elapsed()
            );
            match path(&graph, &class) {
                Some(path) => println!("{path}"),
                None => println!("no {class}"),
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", error.code());
            ExitCode::FAILURE
        }
    }
}

fn path(graph: &HeapGraph, class: &str) -> Option<String> {
    let mut from: Vec<Option<(NodeIndex, Edge)>> = vec![None; graph.node_count()];
    let mut queue = VecDeque::from([graph.root()]);
    while let Some(node) = queue.pop_front() {
        if node != graph.root()
            && graph.node(node).name() == class
            && graph.node(node).kind() == memguard_heap_graph::NodeKind::Object
        {
            return Some(describe(graph, &from, node));
        }
        for edge in graph.edges(node) {
            let dull = edge.kind == EdgeKind::Weak
                || (edge.kind == EdgeKind::Internal && edge.name(graph) == "map")
                || edge.name(graph) == "__proto__";
            if !dull && edge.target != graph.root() && from[edge.target.index()].is_none() {
                from[edge.target.index()] = Some((node, edge));
                queue.push_back(edge.target);
            }
        }
    }
    None
}

fn describe(graph: &HeapGraph, from: &[Option<(NodeIndex, Edge)>], mut node: NodeIndex) -> String {
    let mut steps = vec![graph.node(node).name().into_owned()];
    while let Some((before, edge)) = from[node.index()] {
        let name = graph.node(before).name();
        steps.push(format!(
            "{} --{} {}--> ",
            if name.len() > 40 { "…" } else { &name },
            edge.kind.as_str(),
            edge.name(graph)
        ));
        node = before;
    }
    steps.reverse();
    steps.concat()
}
