//! Collections that look as if they had no bound.

use std::collections::HashMap;

use super::context::{Context, Stores};
use crate::analysis::ClassId;
use crate::model::{EdgeKind, NodeIndex, NodeKind};
use crate::report::{Collection, CollectionReason, Listing};
use crate::retainers::slot_number;
use crate::signature::{NumberHash, is_part};

/// A collection with so many entries and such a share of the heap is dominant.
const DOMINANT_ENTRIES: u64 = 100;
const DOMINANT_SHARE: f64 = 0.03;
/// As many entries are many, whatever they weigh.
const MANY: u64 = 10_000;
/// A plain object with so many keys is a dictionary.
const DICTIONARY: u64 = 1_000;
/// More listeners of one event than Node warns of, by some.
const LISTENERS: u64 = 50;
/// As many objects of one class in a row are a list.
const CHAIN: u32 = 1_000;
/// So many entries are asked for their class.
const ASKED: usize = 1_000;

/// A collection that was noticed.
struct Noticed {
    reason: CollectionReason,
    node: NodeIndex,
    entries: u64,
}

pub(super) fn suspicious(context: &Context<'_, '_>) -> Listing<Collection> {
    let mut noticed = Vec::new();
    for node in context
        .graph()
        .nodes()
        .filter(|node| node.kind() == NodeKind::Object)
    {
        let node = node.index();
        let stores = context.stores(node);
        let (entries, is_dictionary) = entries_of(context, &stores);
        if let Some(reason) = reason(context, node, entries, is_dictionary) {
            noticed.push(Noticed {
                reason,
                node,
                entries,
            });
        }
    }
    noticed.extend(chains(context));
    let analysis = context.snapshot.analysis();
    noticed.sort_by_key(|found| {
        (
            std::cmp::Reverse((analysis.retained_size(found.node), found.entries)),
            context.graph().node(found.node).id(),
        )
    });
    let total = noticed.len() as u64;
    let told = noticed
        .into_iter()
        .take(context.rows)
        .map(|found| Collection {
            reason: found.reason,
            object: context.snapshot.object(found.node),
            entries: found.entries,
            entry_class: entry_class(context, found.node),
            share: context.share(analysis.retained_size(found.node)),
            path: context.way(found.node),
        });
    Listing {
        total,
        rows: told.collect(),
    }
}

/// How many entries an object has, and whether they are its properties.
fn entries_of(context: &Context<'_, '_>, stores: &Stores) -> (u64, bool) {
    let in_table = stores
        .table
        .map_or(0, |table| table_entries(context, table));
    let indexed = stores.indexed.max(in_table);
    (indexed.max(stores.named), stores.named > indexed)
}

/// Entries of a table: a map's keys and values come in pairs, a set's members alone.
fn table_entries(context: &Context<'_, '_>, table: NodeIndex) -> u64 {
    let graph = context.graph();
    let mut count = 0;
    let mut last = None;
    for edge in graph.edges(table) {
        let Some(number) = slot_number(graph, &edge) else {
            continue;
        };
        // A value stands right behind its key.
        if last.is_none_or(|last: u64| last + 1 != number) {
            count += 1;
            last = Some(number);
        } else {
            last = None;
        }
    }
    count
}

fn reason(
    context: &Context<'_, '_>,
    node: NodeIndex,
    entries: u64,
    is_dictionary: bool,
) -> Option<CollectionReason> {
    if entries >= DOMINANT_ENTRIES {
        let share = context.share(context.snapshot.analysis().retained_size(node));
        if share >= DOMINANT_SHARE {
            return Some(CollectionReason::Dominant);
        }
    }
    if is_dictionary {
        return (entries >= DICTIONARY).then_some(CollectionReason::Dictionary);
    }
    if entries >= MANY {
        return Some(CollectionReason::ManyEntries);
    }
    (entries >= LISTENERS && is_listeners(context, node)).then_some(CollectionReason::Listeners)
}

/// Whether an array is one event's listeners: a property of what an emitter calls `_events`.
fn is_listeners(context: &Context<'_, '_>, node: NodeIndex) -> bool {
    let above = context
        .parent(node)
        .and_then(|(events, _)| context.parent(events));
    above.is_some_and(|(_, edge)| context.graph().edge(edge).name(context.graph()) == "_events")
}

/// The first objects of long lists: each is held by one of its own class alone. Up to 8 bytes a node, where a class has long lists.
fn chains(context: &Context<'_, '_>) -> Vec<Noticed> {
    let (graph, snapshot) = (context.graph(), context.snapshot);
    let links = links(context);
    let is_candidate = |class: ClassId| {
        links
            .get(class.index())
            .is_some_and(|&links| links + 1 >= CHAIN)
    };
    if !links.iter().any(|&links| links + 1 >= CHAIN) {
        return Vec::new();
    }
    let mut lengths = vec![0_u32; graph.node_count()];
    let mut heads = vec![NodeIndex(0); graph.node_count()];
    let mut longest: HashMap<u32, u32, NumberHash> = HashMap::default();
    let mut trail = Vec::new();
    for node in graph
        .nodes()
        .filter(|node| node.kind() == NodeKind::Object)
        .map(|node| node.index())
    {
        if !is_candidate(snapshot.class(node)) || is_part(graph, node) {
            continue;
        }
        let mut at = node;
        while lengths[at.index()] == 0 {
            trail.push(at);
            let above = snapshot.analysis().dominator(at);
            if above == at || snapshot.class(above) != snapshot.class(at) {
                break;
            }
            at = above;
        }
        while let Some(at) = trail.pop() {
            let above = snapshot.analysis().dominator(at);
            let goes_on = above != at
                && snapshot.class(above) == snapshot.class(at)
                && lengths[above.index()] > 0;
            let (length, head) = if goes_on {
                (lengths[above.index()] + 1, heads[above.index()])
            } else {
                (1, at)
            };
            (lengths[at.index()], heads[at.index()]) = (length, head);
            if length >= CHAIN {
                let known = longest.entry(head.0).or_default();
                *known = length.max(*known);
            }
        }
    }
    let notice = |(head, length)| Noticed {
        reason: CollectionReason::LinkedList,
        node: NodeIndex(head),
        entries: u64::from(length),
    };
    longest.into_iter().map(notice).collect()
}

/// By class: how many are dominated by another of the same, which are all links of lists, and more.
fn links(context: &Context<'_, '_>) -> Vec<u32> {
    let (graph, snapshot) = (context.graph(), context.snapshot);
    let mut links = vec![0_u32; snapshot.aggregates().classes().count()];
    for node in (0..graph.node_count() as u32).map(NodeIndex) {
        let class = snapshot.class(node);
        links[class.index()] +=
            u32::from(snapshot.class(snapshot.analysis().dominator(node)) == class);
    }
    links
}

/// The class of most entries, by the first of them.
fn entry_class(context: &Context<'_, '_>, node: NodeIndex) -> Option<String> {
    let (graph, snapshot) = (context.graph(), context.snapshot);
    let stores = context.stores(node);
    let of_table = stores
        .table
        .into_iter()
        .flat_map(|table| graph.edges(table))
        .filter(|edge| edge.kind == EdgeKind::Internal);
    let own = graph
        .edges(node)
        .filter(|edge| matches!(edge.kind, EdgeKind::Element | EdgeKind::Property));
    let mut counts: HashMap<ClassId, usize> = HashMap::new();
    for edge in own.chain(of_table).take(ASKED) {
        let kind = graph.node(edge.target).kind();
        // Keys, and what every object has, tell nothing when there is something else.
        if !kind.is_string() && !is_part(graph, edge.target) {
            *counts.entry(snapshot.class(edge.target)).or_default() += 1;
        }
    }
    let best = counts
        .into_iter()
        .max_by_key(|(class, count)| (*count, std::cmp::Reverse(*class)));
    best.map(|(class, _)| snapshot.class_name(class).to_owned())
}
