//! Distances from the roots, as DevTools counts them.
//!
//! A breadth-first search from the user's roots (global objects, documents), then one from the root for what only V8 itself holds.
//! Weak edges do not count, and neither do three kinds of edges by which everything would be near to everything
//! (see [`Filter`]).

use super::bits::Bits;
use super::ephemerons::Ephemerons;
use super::names::{DomStates, WellKnown};
use super::page;
use super::watch::Watch;
use crate::AnalyzeError;
use crate::columns::{Spare, prefetch, with_room, zeroed};
use crate::model::{EdgeKind, HeapGraph, NodeIndex, NodeKind, StringId, edge_kind, edge_target};

/// The distance of a node that nothing strong reaches from the root.
pub const UNREACHED: i32 = -5;
/// The distance of the root, when there are user roots: what only the system holds has this and more.
pub const SYSTEM_DISTANCE: i32 = 100_000_000;

/// What is known of the graph before the search.
pub(crate) struct Context<'a> {
    pub(crate) graph: &'a HeapGraph,
    pub(crate) names: &'a WellKnown,
    pub(crate) states: &'a DomStates,
    pub(crate) ephemerons: &'a Ephemerons,
}

/// Children of the root that are not V8's: global objects, and what documents hang on.
pub(crate) fn user_roots<'a>(
    graph: &'a HeapGraph,
    names: &'a WellKnown,
) -> impl Iterator<Item = u32> + 'a {
    graph
        .edges(graph.root())
        .map(|edge| edge.target.0)
        .filter(move |&node| {
            graph.kind(node) != NodeKind::Synthetic || is_document_trees(graph, names, node)
        })
}

pub(crate) fn is_document_trees(graph: &HeapGraph, names: &WellKnown, node: u32) -> bool {
    graph.kind(node) == NodeKind::Synthetic
        && names
            .document_dom_trees
            .is_some_and(|name| graph.names.get(node as usize) == name.0)
}

/// The edges that do not make their targets nearer, besides weak ones.
struct Filter<'a> {
    context: &'a Context<'a>,
    /// Entries of `WeakMap`s of which one edge was met.
    pending: Bits,
    /// Where the edges lead that were not followed.
    refused: Vec<u32>,
}

impl Filter<'_> {
    /// Whether the search may follow the edge of a node to a target that has no distance yet.
    fn passes(&mut self, node: u32, kind: NodeKind, edge: u32, word: u32) -> bool {
        let Context {
            graph,
            names,
            states,
            ephemerons,
        } = self.context;
        let edge_kind = edge_kind(word);
        let named = !edge_kind.has_index();
        let label = || graph.edge_labels.get(edge as usize);
        // From a realm's bookkeeping every sloppy function would be near.
        if kind == NodeKind::Hidden
            && named
            && names
                .sloppy_function_map
                .is_some_and(|name| name.0 == label())
            && states.is_named(graph, node, names.native_context)
        {
            return false;
        }
        // Maps share their descriptor arrays, in which entries may be another map's.
        if kind == NodeKind::Array && states.is_named(graph, node, names.map_descriptors) {
            let index = if named {
                leading_integer(&graph.string(StringId(label())))
            } else {
                Some(label().into())
            };
            return index.is_none_or(|index| index < 2 || index % 3 != 1);
        }
        // The value of a `WeakMap`'s entry is as far as the farther of its two holders: the later of two edges counts.
        if let Some(ephemeron) = ephemerons.get(graph, edge) {
            return self.pending.flip(ephemeron.pair);
        }
        true
    }
}

/// What JavaScript's `parseInt(text, 10)` makes of a text.
fn leading_integer(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let digits = text.trim_start_matches(['-', '+']);
    if text.len() - digits.len() > 1 {
        return None;
    }
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let value: i64 = digits
        .get(..end)
        .filter(|digits| !digits.is_empty())?
        .parse()
        .unwrap_or(i64::MAX);
    Some(if text.starts_with('-') { -value } else { value })
}

/// The distance of every node: two bytes each if none is as far as 32,768 steps from where its search began, four otherwise.
#[derive(Clone, Debug)]
pub(crate) enum DistanceColumn {
    Short(Vec<u16>),
    Long(Vec<i32>),
}

impl DistanceColumn {
    /// What the system's distances begin with in the short form.
    const SYSTEM: u16 = 1 << 15;

    /// The column, and the list that it was made of if that is not it.
    fn new(distances: Vec<i32>) -> (Self, Vec<i32>) {
        let shorten = |&distance: &i32| match distance {
            UNREACHED => Some(u16::MAX),
            SYSTEM_DISTANCE.. => u16::try_from(distance - SYSTEM_DISTANCE)
                .ok()
                .filter(|&distance| distance < Self::SYSTEM - 1)
                .map(|distance| distance + Self::SYSTEM),
            _ => u16::try_from(distance)
                .ok()
                .filter(|&distance| distance < Self::SYSTEM),
        };
        let short = distances.iter().map(shorten);
        match short.collect() {
            Some(short) => (Self::Short(short), distances),
            None => (Self::Long(distances), Vec::new()),
        }
    }

    #[inline]
    pub(crate) fn get(&self, node: usize) -> i32 {
        match self {
            Self::Short(distances) => match distances[node] {
                u16::MAX => UNREACHED,
                distance @ Self::SYSTEM.. => SYSTEM_DISTANCE + i32::from(distance - Self::SYSTEM),
                distance => distance.into(),
            },
            Self::Long(distances) => distances[node],
        }
    }
}

/// What the search finds out.
pub(crate) struct Distances {
    /// By node.
    pub(crate) distances: DistanceColumn,
    /// What the program owns.
    pub(crate) page_owned: Bits,
    /// Columns of a number a node that are not needed any more.
    pub(crate) spare: Spare,
}

/// The distance of every node, and what the program owns, which is nearly the same search.
pub(crate) fn distances(context: &Context<'_>, watch: &Watch) -> Result<Distances, AnalyzeError> {
    let graph = context.graph;
    let filter = Filter {
        context,
        pending: Bits::new(context.ephemerons.pairs())?,
        refused: Vec::new(),
    };
    let distances = zeroed(graph.node_count())?;
    let mut search = Search {
        graph,
        distances,
        queue: with_room(graph.node_count())?,
        filter,
    };
    let mut seen = Bits::new(graph.node_count())?;
    for node in user_roots(graph, context.names) {
        seen.insert(node);
        search.distances[node as usize] = 1;
        search.queue.push(node);
    }
    let has_user_roots = !search.queue.is_empty();
    search.run(&mut seen, watch)?;

    let entries = page::entries(graph, context.names);
    let page_owned = if entries == sorted(user_roots(graph, context.names).collect()) {
        // What was reached is owned, and besides what the edges lead to that the search did not follow.
        page::reachable(
            graph,
            seen.clone(),
            std::mem::take(&mut search.filter.refused),
            watch,
        )?
    } else {
        page::reachable(graph, Bits::new(graph.node_count())?, entries, watch)?
    };
    search.filter.refused = Vec::new();

    // The root may have been reached before: it gets its own distance all the same.
    let root = graph.root().0;
    search.distances[root as usize] = if has_user_roots { SYSTEM_DISTANCE } else { 0 };
    seen.insert(root);
    search.queue.clear();
    search.queue.push(root);
    search.run(&mut seen, watch)?;
    for node in seen.unset(graph.node_count()) {
        search.distances[node as usize] = UNREACHED;
    }
    let mut spare = Spare::default();
    spare.keep(search.queue);
    let (distances, long) = DistanceColumn::new(search.distances);
    // The compiler makes one in the place of the other.
    spare.keep(long.into_iter().map(i32::cast_unsigned).collect());
    Ok(Distances {
        distances,
        page_owned,
        spare,
    })
}

pub(crate) fn sorted(mut nodes: Vec<u32>) -> Vec<u32> {
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// How many nodes ahead memory is asked for.
const AHEAD: usize = 8;

struct Search<'a> {
    graph: &'a HeapGraph,
    distances: Vec<i32>,
    queue: Vec<u32>,
    filter: Filter<'a>,
}

impl Search<'_> {
    fn run(&mut self, seen: &mut Bits, watch: &Watch) -> Result<(), AnalyzeError> {
        let graph = self.graph;
        let mut at = 0;
        while let Some(&node) = self.queue.get(at) {
            at += 1;
            watch.check(at)?;
            // The queue tells where the search will be.
            if let Some(&soon) = self.queue.get(at + 2 * AHEAD) {
                prefetch(&graph.first_edge, soon as usize);
                prefetch(&graph.kinds, soon as usize);
                prefetch(&self.distances, soon as usize);
            }
            if let Some(&next) = self.queue.get(at + AHEAD) {
                let edges = graph.first_edge[next as usize] as usize;
                prefetch(&graph.edge_words, edges);
                prefetch(&graph.edge_words, edges + 15);
            }
            let kind = graph.kind(node);
            let distance = self.distances[node as usize] + 1;
            for edge in graph.edge_range(NodeIndex(node)) {
                let word = graph.edge_words[edge as usize];
                let target = edge_target(word);
                if seen.get(target) || edge_kind(word) == EdgeKind::Weak {
                    continue;
                }
                if self.filter.passes(node, kind, edge, word) {
                    seen.insert(target);
                    self.distances[target as usize] = distance;
                    self.queue.push(target);
                } else {
                    self.filter.refused.push(target);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_kept_whatever_they_are() {
        let near = vec![
            1,
            0,
            32_767,
            UNREACHED,
            SYSTEM_DISTANCE,
            SYSTEM_DISTANCE + 32_766,
        ];
        let far = vec![1, 32_768, UNREACHED];
        let system = vec![1, SYSTEM_DISTANCE + 32_767];
        for (distances, is_short) in [(near, true), (far, false), (system, false)] {
            let (column, _) = DistanceColumn::new(distances.clone());
            assert_eq!(matches!(column, DistanceColumn::Short(_)), is_short);
            let kept: Vec<_> = (0..distances.len()).map(|node| column.get(node)).collect();
            assert_eq!(kept, distances);
        }
    }

    #[test]
    fn reads_integers_as_javascript_does() {
        let cases = [
            ("7", Some(7)),
            (" 12x", Some(12)),
            ("-3", Some(-3)),
            ("+4", Some(4)),
            ("x1", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(leading_integer(text), expected, "{text:?}");
        }
        assert_eq!(leading_integer("--1"), None);
    }
}
