//! Names of scripts: locations say a number only, but functions lead to the script that they come from.

use std::collections::HashMap;

use crate::model::{HeapGraph, Location, NodeIndex, NodeKind};
use crate::report::SourceLocation;

/// Paths or URLs of scripts by V8's number.
///
/// V8 hangs the script on a function's shared info (`shared`, then `script` or `script_or_debug_info`) and gives that
/// node the script's path as its name. One function per script is followed: O(functions).
#[derive(Clone, Debug, Default)]
pub struct Scripts {
    names: HashMap<u32, Option<String>>,
}

impl Scripts {
    /// The scripts of all functions of a graph.
    #[must_use]
    pub fn of(graph: &HeapGraph) -> Self {
        let mut names: HashMap<u32, Option<String>> = HashMap::new();
        for node in graph
            .nodes()
            .filter(|node| node.kind() == NodeKind::Closure)
        {
            let Some(location) = node.location() else {
                continue;
            };
            let name = names.entry(location.script_id).or_default();
            if name.is_none() {
                *name = script_of(graph, node.index());
            }
        }
        Self { names }
    }

    /// The path or URL of a script, where some function told it.
    #[must_use]
    pub fn name(&self, script_id: u32) -> Option<&str> {
        self.names.get(&script_id)?.as_deref()
    }

    /// All names that are known, sorted.
    #[must_use]
    pub fn all(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.names.values().filter_map(|it| it.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether a script is one of Node's own.
    #[must_use]
    pub fn is_builtin(&self, script_id: u32) -> bool {
        self.name(script_id)
            .is_some_and(|name| name.starts_with("node:"))
    }

    /// A location with the script's name, counted from 1 as people do.
    #[must_use]
    pub fn locate(&self, location: Location) -> SourceLocation {
        SourceLocation {
            script_id: location.script_id,
            script: self.name(location.script_id).map(str::to_owned),
            line: location.line.saturating_add(1),
            column: location.column.saturating_add(1),
        }
    }
}

/// The name of the script that a function comes from.
fn script_of(graph: &HeapGraph, closure: NodeIndex) -> Option<String> {
    let shared = follow(graph, closure, &["shared"])?;
    let script = follow(graph, shared, &["script", "script_or_debug_info"])?;
    let name = graph.node(script).name();
    (!name.is_empty() && !name.starts_with("system / ")).then(|| name.into_owned())
}

/// The target of the first internal edge of one of these names.
fn follow(graph: &HeapGraph, from: NodeIndex, names: &[&str]) -> Option<NodeIndex> {
    let named = |edge: &crate::model::Edge| names.contains(&edge.name(graph).as_ref());
    graph
        .edges(from)
        .filter(|edge| edge.kind == crate::model::EdgeKind::Internal)
        .find(named)
        .map(|edge| edge.target)
}
