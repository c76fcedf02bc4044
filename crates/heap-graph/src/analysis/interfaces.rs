//! Names for plain objects by the properties they have: `{id, name}`, as DevTools infers them.
//!
//! The most frequent lists of properties become interfaces; an object belongs to the one that covers most of its properties.
//! V8 writes no edge for small integers and in-object doubles, so that such properties are not part of any list.

use std::borrow::Cow;
use std::collections::HashMap;

use rustc_hash::FxHashMap;

use super::names::WellKnown;
use super::watch::Watch;
use crate::AnalyzeError;
use crate::columns::{with_room, zeroed};
use crate::model::{EdgeKind, HeapGraph, NodeIndex, NodeKind, StringId, edge_kind};

/// Names do not grow beyond so many UTF-16 units by another property.
const MAX_NAME_LENGTH: usize = 120;
/// The least number of objects of an interface.
const MIN_OBJECTS: u64 = 2;
/// At least one of so many plain objects must have an interface's list of properties.
const MIN_SHARE: u64 = 1000;

/// A list of properties that many plain objects have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The list as it is shown: `{id, name}`.
    pub name: String,
    /// The properties.
    pub properties: Vec<String>,
}

/// The interfaces of a graph, most frequent first.
///
/// To compare two snapshots those of the newer one are applied to both, as DevTools does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    list: Vec<Interface>,
}

/// The plain objects of a graph: of kind object, with no other name than `Object`.
fn plain_objects(graph: &HeapGraph, object: StringId) -> impl Iterator<Item = NodeIndex> + '_ {
    let is_plain = move |&node: &u32| {
        graph.names.get(node as usize) == object.0 && graph.kind(node) == NodeKind::Object
    };
    (0..graph.node_count() as u32)
        .filter(is_plain)
        .map(NodeIndex)
}

/// The names of an object's properties, in the order of its edges.
fn properties(graph: &HeapGraph, node: NodeIndex) -> impl Iterator<Item = StringId> + '_ {
    graph
        .edge_range(node)
        .filter(|&edge| edge_kind(graph.edge_words[edge as usize]) == EdgeKind::Property)
        .map(|edge| StringId(graph.edge_labels.get(edge as usize)))
}

/// The same nodes, under the same names, with no other edges than the properties of plain objects and no own sizes: what
/// interfaces are matched by.
pub(crate) fn properties_alone(
    graph: &HeapGraph,
    names: &WellKnown,
) -> Result<HeapGraph, AnalyzeError> {
    let is_plain = |node: u32| {
        Some(graph.names.get(node as usize)) == names.object.map(|object| object.0)
            && graph.kind(node) == NodeKind::Object
    };
    let kept = |node: u32| {
        let edges = if is_plain(node) {
            graph.edge_range(NodeIndex(node))
        } else {
            0..0
        };
        edges.filter(|&edge| edge_kind(graph.edge_words[edge as usize]) == EdgeKind::Property)
    };
    let nodes = graph.node_count() as u32;
    let mut first_edge: Vec<u32> = with_room(nodes as usize + 1)?;
    first_edge.push(0);
    let mut count = 0;
    for node in 0..nodes {
        count += kept(node).count() as u32;
        first_edge.push(count);
    }
    let mut edge_words: Vec<u32> = with_room(count as usize)?;
    edge_words.extend(
        (0..nodes)
            .flat_map(kept)
            .map(|edge| graph.edge_words[edge as usize]),
    );
    let labels = (0..nodes)
        .flat_map(kept)
        .map(|edge| graph.edge_labels.get(edge as usize));
    Ok(HeapGraph {
        kinds: graph.kinds.clone(),
        names: graph.names.clone(),
        ids: graph.ids.clone(),
        first_edge,
        edge_labels: labels.collect(),
        edge_words,
        strings: graph.strings.clone(),
        locations: graph.locations.clone(),
        root: graph.root,
        ..HeapGraph::default()
    })
}

impl Interfaces {
    /// The interfaces given.
    #[must_use]
    pub fn new(list: Vec<Interface>) -> Self {
        Self { list }
    }

    /// The interfaces, most frequent first.
    #[must_use]
    pub fn list(&self) -> &[Interface] {
        &self.list
    }

    pub(crate) fn infer(
        graph: &HeapGraph,
        names: &WellKnown,
        watch: &Watch,
    ) -> Result<Self, AnalyzeError> {
        let Some(object) = names.object else {
            return Ok(Self::default());
        };
        let mut lengths: Vec<u32> = zeroed(graph.string_count())?;
        let mut candidates: FxHashMap<Box<[u32]>, (u64, usize)> = FxHashMap::default();
        let mut objects = 0;
        let mut list: Vec<u32> = Vec::new();
        for node in plain_objects(graph, object) {
            objects += 1;
            watch.check(objects)?;
            list.clear();
            let mut length = 1;
            for property in
                properties(graph, node).filter(|&property| Some(property) != names.proto)
            {
                let known = &mut lengths[property.index()];
                if *known == 0 {
                    *known = utf16_length(&formatted(&graph.string(property))) as u32 + 1;
                }
                let more = *known as usize - 1;
                if length > 1 && length + more > MAX_NAME_LENGTH {
                    break;
                }
                length += more + if length == 1 { 0 } else { 2 };
                list.push(property.0);
            }
            if list.is_empty() {
                continue;
            }
            match candidates.get_mut(list.as_slice()) {
                Some((count, _)) => *count += 1,
                None => {
                    let seen = candidates.len();
                    candidates.insert(list.as_slice().into(), (1, seen));
                }
            }
        }
        Ok(Self {
            list: most_frequent(graph, candidates, objects as u64),
        })
    }
}

/// Lists that make the same name are one. Most frequent first; of equal ones, that seen first.
fn most_frequent(
    graph: &HeapGraph,
    candidates: FxHashMap<Box<[u32]>, (u64, usize)>,
    objects: u64,
) -> Vec<Interface> {
    let mut candidates: Vec<_> = candidates.into_iter().collect();
    candidates.sort_unstable_by_key(|(_, (_, seen))| *seen);
    let mut by_name: HashMap<String, usize> = HashMap::new();
    let mut found: Vec<(u64, Interface)> = Vec::new();
    for (list, (count, _)) in candidates {
        let properties: Vec<_> = list
            .iter()
            .map(|&property| graph.string(StringId(property)).into_owned())
            .collect();
        let name = interface_name(&properties);
        let next = found.len();
        let at = *by_name.entry(name.clone()).or_insert(next);
        match found.get_mut(at) {
            Some((sum, _)) => *sum += count,
            None => found.push((count, Interface { name, properties })),
        }
    }
    found.retain(|&(count, _)| count >= MIN_OBJECTS && count.saturating_mul(MIN_SHARE) >= objects);
    found.sort_by_key(|&(count, _)| std::cmp::Reverse(count));
    found.into_iter().map(|(_, interface)| interface).collect()
}

fn interface_name(properties: &[String]) -> String {
    let mut name = "{".to_owned();
    for property in properties {
        if name.len() != 1 {
            name.push_str(", ");
        }
        name.push_str(&formatted(property));
    }
    name.push('}');
    name
}

/// A property's name as it is shown: in quotes if commas, quotes or braces in it could mislead.
fn formatted(name: &str) -> Cow<'_, str> {
    if name.contains([',', '\'', '"', '{', '}']) {
        Cow::Owned(serde_json::Value::from(name).to_string())
    } else {
        Cow::Borrowed(name)
    }
}

fn utf16_length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Interfaces, ready to be looked up for the objects of one graph.
pub(crate) struct Matcher<'a> {
    graph: &'a HeapGraph,
    object: StringId,
    /// One more than the number of the property that a string names in any interface; 0 for others.
    properties: Vec<u32>,
    tree: Tree,
    known: FxHashMap<Box<[u32]>, Option<u32>>,
    scratch: Vec<u32>,
}

/// Lists of property numbers, sorted, as paths from node 0.
#[derive(Default)]
struct Tree {
    next: HashMap<(u32, u32), u32>,
    /// By node: the greatest number that leads on.
    greatest: Vec<Option<u32>>,
    /// By node: the interface that ends here, and of how many properties it is.
    ends: Vec<Option<(u32, usize)>>,
}

impl<'a> Matcher<'a> {
    pub(crate) fn new(
        graph: &'a HeapGraph,
        names: &WellKnown,
        interfaces: &Interfaces,
    ) -> Result<Option<Self>, AnalyzeError> {
        let Some(object) = names.object else {
            return Ok(None);
        };
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut tree = Tree::new();
        for (at, interface) in interfaces.list.iter().enumerate() {
            let mut list: Vec<u32> = Vec::with_capacity(interface.properties.len());
            for property in &interface.properties {
                let next = numbers.len() as u32;
                list.push(*numbers.entry(property).or_insert(next));
            }
            list.sort_unstable();
            tree.insert(&list, at as u32);
        }
        // 0 stands for a string that has not been looked at; until all are, numbers are two more.
        let mut properties: Vec<u32> = zeroed(graph.string_count())?;
        for node in plain_objects(graph, object) {
            for property in self::properties(graph, node) {
                let known = &mut properties[property.index()];
                if *known == 0 {
                    *known = numbers
                        .get(graph.string(property).as_ref())
                        .map_or(1, |number| number + 2);
                }
            }
        }
        for number in &mut properties {
            *number = number.saturating_sub(1);
        }
        Ok(Some(Self {
            graph,
            object,
            properties,
            tree,
            known: FxHashMap::default(),
            scratch: Vec::new(),
        }))
    }

    /// The interface of a node, if it is a plain object and has all properties of one.
    pub(crate) fn interface(&mut self, node: NodeIndex) -> Option<u32> {
        if self.graph.names.get(node.index()) != self.object.0 {
            return None;
        }
        self.scratch.clear();
        let numbers =
            properties(self.graph, node).map(|property| self.properties[property.index()]);
        self.scratch.extend(
            numbers
                .filter(|&number| number != 0)
                .map(|number| number - 1),
        );
        self.scratch.sort_unstable();
        if let Some(&known) = self.known.get(self.scratch.as_slice()) {
            return known;
        }
        let found = self.tree.best(&self.scratch);
        self.known.insert(self.scratch.as_slice().into(), found);
        found
    }
}

impl Tree {
    fn new() -> Self {
        Self {
            next: HashMap::new(),
            greatest: vec![None],
            ends: vec![None],
        }
    }

    /// Of two interfaces with the same properties the one given first counts.
    fn insert(&mut self, list: &[u32], interface: u32) {
        let mut node = 0;
        for &property in list {
            let next = self.ends.len() as u32;
            let found = *self.next.entry((node, property)).or_insert(next);
            if found == next {
                self.ends.push(None);
                self.greatest.push(None);
            }
            let greatest = &mut self.greatest[node as usize];
            *greatest = (*greatest).max(Some(property));
            node = found;
        }
        self.ends[node as usize].get_or_insert((interface, list.len()));
    }

    /// Of the interfaces all of whose properties are in a sorted list: the one with most, the first of those.
    fn best(&self, list: &[u32]) -> Option<u32> {
        let mut nodes: Vec<u32> = vec![0];
        let mut best: Option<(u32, usize)> = self.ends[0];
        for &property in list {
            for at in 0..nodes.len() {
                let Some(&next) = self.next.get(&(nodes[at], property)) else {
                    continue;
                };
                if !nodes.contains(&next) {
                    nodes.push(next);
                    best = better(best, self.ends[next as usize]);
                }
            }
            // A property may be in the list twice: what it leads on to is looked at once more.
            nodes.retain(|&node| {
                self.greatest[node as usize].is_some_and(|greatest| greatest >= property)
            });
        }
        best.map(|(interface, _)| interface)
    }
}

fn better(a: Option<(u32, usize)>, b: Option<(u32, usize)>) -> Option<(u32, usize)> {
    match (a, b) {
        (Some(a), Some(b)) if b.1 > a.1 || (b.1 == a.1 && b.0 < a.0) => Some(b),
        (Some(a), _) => Some(a),
        (None, b) => b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_could_mislead() {
        let name = |list: &[&str]| {
            interface_name(&list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(name(&["a", "b c"]), "{a, b c}");
        assert_eq!(name(&["a,b", "it's"]), r#"{"a,b", "it's"}"#);
        assert_eq!(name(&["say \"x\""]), r#"{"say \"x\""}"#);
        // An empty name vanishes at the front.
        assert_eq!(name(&["", "a"]), "{a}");
    }

    #[test]
    fn the_interface_with_most_properties_wins_and_then_the_first() {
        let mut tree = Tree::new();
        for (at, list) in [&[1, 2][..], &[1], &[2, 3], &[1, 2], &[5, 5]]
            .into_iter()
            .enumerate()
        {
            tree.insert(list, at as u32);
        }
        assert_eq!(tree.best(&[1]), Some(1));
        assert_eq!(tree.best(&[0, 1, 2, 3]), Some(0));
        assert_eq!(tree.best(&[2, 3, 9]), Some(2));
        assert_eq!(tree.best(&[2]), None);
        assert_eq!(tree.best(&[5]), None);
        assert_eq!(tree.best(&[5, 5]), Some(4));
        assert_eq!(tree.best(&[]), None);
    }
}
