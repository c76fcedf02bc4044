//! Which nodes of a heap a filter lets through.

use std::collections::HashMap;

use super::parser::{Expression, Filter, NumberField, Order, TextField};
use super::text::Pattern;
use crate::model::{Detachedness, EdgeLabel, HeapGraph, NodeIndex, NodeKind, StringId};
use crate::retainers::{Search, Settled};
use crate::signature::{Labels, Names};
use crate::snapshot::Snapshot;

/// A filter made ready for one heap.
pub(crate) struct Matcher<'s, 'g> {
    snapshot: &'s Snapshot<'g>,
    test: Test,
}

/// A test with what it has found out so far.
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Class(Memo),
    Name(Memo),
    Content(Memo),
    Kind([bool; NodeKind::ALL.len()]),
    Script(Pattern, HashMap<u32, bool>),
    /// By node.
    Nodes(Vec<bool>),
    Number(NumberField, Order, u64),
    Detached,
}

/// A pattern and which numbered texts it matches.
struct Memo {
    pattern: Pattern,
    known: Vec<Option<bool>>,
}

impl Memo {
    fn new(pattern: &Pattern) -> Self {
        Self {
            pattern: pattern.clone(),
            known: Vec::new(),
        }
    }

    fn matches<'t>(
        &mut self,
        number: usize,
        text: impl FnOnce() -> std::borrow::Cow<'t, str>,
    ) -> bool {
        if self.known.len() <= number {
            self.known.resize((number + 1).next_power_of_two(), None);
        }
        let pattern = &self.pattern;
        *self.known[number].get_or_insert_with(|| pattern.matches(&text()))
    }
}

impl<'s, 'g> Matcher<'s, 'g> {
    pub(crate) fn new(snapshot: &'s Snapshot<'g>, filter: &Filter) -> Self {
        Self {
            snapshot,
            test: prepare(snapshot, &filter.expression),
        }
    }

    /// Every node that the filter lets through, in the order of the file.
    pub(crate) fn nodes(mut self) -> Vec<NodeIndex> {
        let all = self.snapshot.graph().nodes().map(|node| node.index());
        all.filter(|&node| self.test.holds(self.snapshot, node))
            .collect()
    }
}

fn prepare(snapshot: &Snapshot<'_>, expression: &Expression) -> Test {
    let all = |parts: &[Expression]| parts.iter().map(|part| prepare(snapshot, part)).collect();
    match expression {
        Expression::All(parts) => Test::All(all(parts)),
        Expression::Any(parts) => Test::Any(all(parts)),
        Expression::Not(part) => Test::Not(Box::new(prepare(snapshot, part))),
        Expression::Detached => Test::Detached,
        Expression::Number(field, order, number) => Test::Number(*field, *order, *number),
        Expression::Text(field, pattern) => match field {
            TextField::Class => Test::Class(Memo::new(pattern)),
            TextField::Name => Test::Name(Memo::new(pattern)),
            TextField::Content => Test::Content(Memo::new(pattern)),
            TextField::Kind => Test::Kind(NodeKind::ALL.map(|kind| pattern.matches(kind.as_str()))),
            TextField::Script => Test::Script(pattern.clone(), HashMap::new()),
            TextField::Path => Test::Nodes(below(snapshot, pattern)),
            TextField::HeldAs => Test::Nodes(held_as(snapshot.graph(), pattern)),
        },
    }
}

impl Test {
    fn holds(&mut self, snapshot: &Snapshot<'_>, index: NodeIndex) -> bool {
        let graph = snapshot.graph();
        let node = graph.node(index);
        match self {
            Self::All(parts) => parts.iter_mut().all(|part| part.holds(snapshot, index)),
            Self::Any(parts) => parts.iter_mut().any(|part| part.holds(snapshot, index)),
            Self::Not(part) => !part.holds(snapshot, index),
            Self::Class(memo) => {
                let class = snapshot.class(index);
                memo.matches(class.index(), || snapshot.class_name(class).into())
            }
            Self::Name(memo) => memo.matches(node.name_id().index(), || node.name()),
            Self::Content(memo) => {
                node.kind().is_string() && memo.matches(node.name_id().index(), || node.name())
            }
            Self::Kind(kinds) => kinds[node.kind() as usize],
            Self::Script(pattern, known) => node.location().is_some_and(|location| {
                let script = location.script_id;
                let matches = || {
                    snapshot
                        .scripts()
                        .name(script)
                        .is_some_and(|name| pattern.matches(name))
                };
                *known.entry(script).or_insert_with(matches)
            }),
            Self::Nodes(nodes) => nodes[index.index()],
            Self::Detached => {
                snapshot.analysis().detachedness(index) == Detachedness::Detached
                    || node.name().starts_with("Detached ")
            }
            Self::Number(field, order, number) => {
                let value = match field {
                    NumberField::Id => Some(node.id()),
                    NumberField::Shallow => Some(snapshot.analysis().shallow_size(index)),
                    NumberField::Retained => Some(snapshot.analysis().retained_size(index)),
                    NumberField::Distance => snapshot.distance(index).map(u64::from),
                    NumberField::Edges => Some(node.edge_count() as u64),
                };
                value.is_some_and(|value| order.holds(value, *number))
            }
        }
    }
}

/// Nodes with a matching reference or object on their way from the root.
fn below(snapshot: &Snapshot<'_>, pattern: &Pattern) -> Vec<bool> {
    let graph = snapshot.graph();
    let mut names = Names::default();
    let mut labels = Labels::new(graph, snapshot.scripts(), &mut names);
    let mut memo = Memo::new(pattern);
    let mut matches = vec![false; graph.node_count()];
    Search::run(
        snapshot,
        &mut labels,
        &mut names,
        |_, _, settled: Settled<'_>| {
            let (node, way) = (settled.node, settled.way());
            let text = |id: StringId| move || graph.string(id);
            let above = way
                .as_ref()
                .is_some_and(|(parent, _)| matches[parent.index()]);
            let by_edge = way.as_ref().and_then(|(_, edge)| edge.name_id());
            let name = graph.node(node).name_id();
            matches[node.index()] = above
                || by_edge.is_some_and(|id| memo.matches(id.index(), text(id)))
                || (!graph.node(node).kind().is_string() && memo.matches(name.index(), text(name)));
        },
    );
    matches
}

/// Nodes that a matching reference leads to.
fn held_as(graph: &HeapGraph, pattern: &Pattern) -> Vec<bool> {
    let mut memo = Memo::new(pattern);
    let mut matches = vec![false; graph.node_count()];
    for edge in graph.nodes().flat_map(|node| node.edges()) {
        if let EdgeLabel::Name(id) = edge.label {
            matches[edge.target.index()] |= memo.matches(id.index(), || graph.string(id));
        }
    }
    matches
}
