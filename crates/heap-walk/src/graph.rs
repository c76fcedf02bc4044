//! The whole heap as a graph, named as V8's snapshots name it.
//!
//! Every object that was marked becomes a node, numbered in the order of addresses; its number is found again by
//! counting bits, so the graph needs no table of addresses. Every reference becomes an edge. What V8 adds for people is
//! added as well: from an object right to its properties' and elements' values, past the arrays that hold them; from a
//! context to its variables, by name; from the key of a WeakMap to its value.
//!
//! A node's id is the address of its object. Old objects seldom move: two graphs of one process share most of them.

mod dull;
mod edges;
mod nodes;
mod objects;
mod plan;
mod ranks;
mod template;

use rustc_hash::FxHashMap;

use memguard_heap_graph::{
    BuildError, EdgeKind, GraphBuilder, HeapGraph, NodeIndex, NodeKind, StringId,
};

use crate::census::is_weak_list;
use crate::error::WalkError;
use crate::inspect::Subject;
use crate::maps::MapInfo;
use crate::names::Names;
use crate::roots::RootSet;
use crate::view::{Object, View};
use crate::walk::Walk;
use crate::walker::{Follow, Walker};
use edges::EdgeWriter;
use nodes::NodeWriter;
use plan::Plans;
use ranks::Ranks;
use template::Templates;

/// Settings of a graph.
#[derive(Clone, Copy, Debug)]
pub struct GraphOptions {
    /// Which references keep an object alive.
    pub follow: Follow,
    /// How many characters of a string are its node's name. V8's own snapshots have 1,024.
    pub string_characters: usize,
}

impl Default for GraphOptions {
    fn default() -> Self {
        Self {
            follow: Follow::Strong,
            string_characters: 256,
        }
    }
}

/// The synthetic nodes at the top: what kind of root holds something.
pub(crate) const ROOT_GROUPS: [&str; 4] = [
    "(Isolate)",
    "(Global handles)",
    "(Handle scope)",
    "(Stack, conservative)",
];

/// Walks a heap and makes its graph.
///
/// While it is made: some 11 bytes for each object, 5 for each reference that is told of, the text of the strings and 15 for each to find it
/// again; 3/128 of the pages for marks and their counts.
///
/// # Errors
/// [`WalkError::SelfTest`] when the heap doesn't look as it should, [`WalkError::TooLarge`] when it has more objects than
/// a graph can hold.
pub fn graph(subject: &Subject<'_, '_>, options: &GraphOptions) -> Result<HeapGraph, WalkError> {
    Walk::for_graph(subject, options.follow)?.graph(options.string_characters)
}

/// The graph of a heap that was walked.
pub(crate) fn graph_of(
    walk: &Walk<'_, '_>,
    string_characters: usize,
) -> Result<HeapGraph, WalkError> {
    let (walker, roots) = (&walk.walker, &walk.isolate.roots);
    let view = View {
        heap: walker.heap,
        known: Some(&walker.maps),
        ..walk.view
    };
    let names = Names::new(view, walker.counts());
    let first = u32::try_from(2 + ROOT_GROUPS.len()).unwrap_or(0);
    let objects: u64 = walker.tallies.iter().map(|t| t.all.count).sum();
    let references = walker.references;
    let is_string = |map: &MapInfo| walker.layout.is_string(map.instance_type);
    let strings = walker.counts().filter(|(map, _)| is_string(map));
    let strings: u64 = strings.map(|(_, count)| count).sum();
    let capacity = |count: u64| usize::try_from(count).unwrap_or(0);
    let mut builder = GraphBuilder::with_capacity(
        capacity(objects) + first as usize,
        capacity(references + references / 2),
    )
    .with_address_ids()
    .with_strings(capacity(strings));
    let ranks = Ranks::new(walker, first);
    let mut templates = Templates::new(walker, &names);
    let top = add_top(&mut builder);
    let mut nodes = NodeWriter::new(&names, string_characters);
    objects::for_each(walker, |found| {
        if let Some(template) = templates.of(found, &mut builder) {
            nodes.add(&mut builder, template, found);
        }
    });
    let NodeWriter {
        buffers, tables, ..
    } = nodes;
    let stores = add_outside(&mut builder, &names, &buffers);
    let embedder = Embedder::add(&mut builder, &names, walker, roots, &ranks);
    // From here on edges in the order of the nodes that they come from: the builder needs less room then.
    add_root_edges(&mut builder, walker, roots, &ranks, &top, &embedder);
    let to_native = builder.string("javascript_to_native");
    let mut edges = EdgeWriter::new(walker, &names, &ranks, &mut builder, stores);
    edges.note_pairs(&mut builder, &tables);
    let mut plans = Plans::new(walker.maps.infos().len());
    let mut from = NodeIndex(first);
    objects::for_each(walker, |found| {
        if let Some(template) = templates.known(found.map)
            && let Some(plan) = plans.of(&edges, template, found)
        {
            edges.write(&mut builder, template, plan, found, from);
            if let Some(native) = embedder.behind(from) {
                builder.edge(from, EdgeKind::Internal, to_native, native);
            }
            edges.write_pairs(&mut builder, from);
            from.0 += 1;
        }
    });
    embedder.add_edges(&mut builder);
    builder.finish().map_err(|error| match error {
        BuildError::TooLarge { what, limit } => WalkError::TooLarge { what, limit },
        other => WalkError::SelfTest {
            check: "graph",
            detail: other.to_string(),
        },
    })
}

/// The id of the node that stands for Node.js's own references: no object has an address that low.
const EMBEDDER_ID: u64 = 101;

/// The synthetic nodes: the root, `(GC roots)`, and one for each kind of root.
struct Top {
    root: NodeIndex,
    roots: NodeIndex,
    groups: Vec<NodeIndex>,
    global: StringId,
}

fn add_top(builder: &mut GraphBuilder) -> Top {
    let root = builder.node(NodeKind::Synthetic, "", 1, 0);
    let roots = builder.node(NodeKind::Synthetic, "(GC roots)", 3, 0);
    let groups = (1_u32..).zip(ROOT_GROUPS);
    let groups = groups
        .map(|(index, name)| builder.node(NodeKind::Synthetic, name, u64::from(3 + 2 * index), 0))
        .collect();
    let global = builder.string("global");
    Top {
        root,
        roots,
        groups,
        global,
    }
}

/// Memory outside of the heap that objects keep: one node for each store.
fn add_outside(
    builder: &mut GraphBuilder,
    names: &Names<'_, '_>,
    buffers: &[Object],
) -> FxHashMap<u64, NodeIndex> {
    let name = builder.string("system / JSArrayBufferData");
    let mut stores = FxHashMap::default();
    for buffer in buffers {
        let (store, length) = names.backing_store(buffer);
        if store != 0 && length > 0 && length < 1 << 46 {
            stores
                .entry(store)
                .or_insert_with(|| builder.node_named(NodeKind::Native, name, store, length));
        }
    }
    stores
}

fn add_root_edges(
    builder: &mut GraphBuilder,
    walker: &Walker<'_, '_>,
    roots: &RootSet,
    ranks: &Ranks<'_, '_>,
    top: &Top,
    embedder: &Embedder,
) {
    builder.edge(top.root, EdgeKind::Element, 1, top.roots);
    // The global objects first, as V8 does: the way to what a program keeps begins there.
    let globals = held_globals(walker, roots);
    for (number, node) in (1_u32..).zip(globals.iter().filter_map(|&it| ranks.node(it))) {
        let label = if number == 1 {
            top.global
        } else {
            builder.string(&format!("global / {number}"))
        };
        builder.edge(top.root, EdgeKind::Shortcut, label, node);
    }
    for (number, node) in (2_u32..).zip(embedder.below_root()) {
        builder.edge(top.root, EdgeKind::Element, number, node);
    }
    for (number, &group) in (1_u32..).zip(&top.groups) {
        builder.edge(top.roots, EdgeKind::Element, number, group);
    }
    let isolate_words: Vec<u64> = strong_isolate_words(walker, roots).collect();
    let words = [
        &isolate_words,
        &roots.global_handles,
        &roots.local_handles,
        &roots.stack,
    ];
    for (group, words) in top.groups.iter().zip(words) {
        let mut nodes: Vec<NodeIndex> = words
            .iter()
            .filter(|word| *word & 7 == 1)
            .filter_map(|&word| ranks.node(word))
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        for (number, node) in (1_u32..).zip(nodes) {
            builder.edge(*group, EdgeKind::Element, number, node);
        }
    }
}

fn strong_isolate_words<'a>(
    walker: &'a Walker<'_, '_>,
    roots: &'a RootSet,
) -> impl Iterator<Item = u64> + 'a {
    let words = roots.isolate_words.iter().copied().enumerate();
    words
        .filter(|&(index, word)| !is_weak_list(walker, roots, index, word))
        .map(|(_, word)| word)
}

/// The global objects of contexts that a root holds, each once, in the order of their addresses: those of `vm` are held by what a
/// program has of them, or not at all.
fn held_globals(walker: &Walker<'_, '_>, roots: &RootSet) -> Vec<u64> {
    let mut globals: Vec<u64> = strong_isolate_words(walker, roots)
        .chain(roots.global_handles.iter().copied())
        .chain(roots.local_handles.iter().copied())
        .filter(|&word| walker.is_native_context(word))
        .filter_map(|context| walker.global_of(context))
        .collect();
    globals.sort_unstable();
    globals.dedup();
    globals
}

/// What Node.js itself holds by persistent references of C++: functions and objects that it calls upon, below one node that
/// stands for its environment, as in V8's snapshots. Objects with a C++ object behind them (sockets, servers) have a node of their
/// own below the root up to Node 22, and none later: then only `(Global handles)` has them, which tools do not take for a way to
/// them when there is another.
struct Embedder {
    environment: NodeIndex,
    /// What the environment refers to.
    held: Vec<NodeIndex>,
    /// Wrappers and the node behind each, by wrapper.
    wrappers: Vec<(NodeIndex, NodeIndex)>,
    /// Nodes behind wrappers, in the order of the wrappers, and the arrays that these share with JavaScript.
    arrays: Vec<(NodeIndex, NodeIndex)>,
}

impl Embedder {
    fn add(
        builder: &mut GraphBuilder,
        names: &Names<'_, '_>,
        walker: &Walker<'_, '_>,
        roots: &RootSet,
        ranks: &Ranks<'_, '_>,
    ) -> Self {
        let types = &walker.layout.types;
        let handles = &roots.global_handles;
        let mut references: Vec<(NodeIndex, u64, bool)> = handles
            .iter()
            .filter_map(|&word| {
                let node = ranks.node(word)?;
                let map = walker.heap.word(word & !3)?;
                let kind = walker.maps.known(map)?.instance_type;
                let wrapper = kind == types.js_api_object || kind == types.js_special_api_object;
                Some((node, word & !3, wrapper))
            })
            .collect();
        references.sort_unstable();
        references.dedup();
        let name = "Node / persistent references";
        let mut embedder = Self {
            environment: builder.node(NodeKind::Synthetic, name, EMBEDDER_ID, 0),
            held: Vec::new(),
            wrappers: Vec::new(),
            arrays: Vec::new(),
        };
        let name = builder.string("Node / wrapper");
        for (node, address, is_wrapper) in references {
            let class = is_wrapper.then(|| wrapper_class(names, address));
            if class.as_deref() == Some(UNLISTED) {
                continue;
            }
            if is_wrapper && walker.layout.row.wrappers_below_root {
                // Within the object, where no other begins.
                let id = address + 1;
                let native = builder.node_named(NodeKind::Synthetic, name, id, 0);
                if class.as_deref() == Some(BINDING) {
                    let arrays = bound_arrays(names, address).into_iter();
                    let arrays = arrays.filter_map(|array| ranks.node(array));
                    embedder.arrays.extend(arrays.map(|array| (native, array)));
                }
                embedder.wrappers.push((node, native));
            } else {
                embedder.held.push(node);
            }
        }
        embedder
    }

    fn below_root(&self) -> impl Iterator<Item = NodeIndex> + '_ {
        let natives = self.wrappers.iter().map(|&(_, native)| native);
        std::iter::once(self.environment).chain(natives)
    }

    /// The node behind a wrapper.
    fn behind(&self, wrapper: NodeIndex) -> Option<NodeIndex> {
        let at = self
            .wrappers
            .binary_search_by_key(&wrapper, |&(node, _)| node)
            .ok()?;
        Some(self.wrappers[at].1)
    }

    fn add_edges(&self, builder: &mut GraphBuilder) {
        for (number, &node) in (1_u32..).zip(&self.held) {
            builder.edge(self.environment, EdgeKind::Element, number, node);
        }
        let mut arrays = self.arrays.iter().peekable();
        for &(node, native) in &self.wrappers {
            builder.edge(native, EdgeKind::Internal, "wrapped", node);
            while let Some(&(_, array)) = arrays.next_if(|&&(from, _)| from == native) {
                builder.edge(native, EdgeKind::Internal, "js_array", array);
            }
        }
    }
}

/// What C++ objects of Node.js are called that stand behind their wrappers in a way of their own.
fn wrapper_class(names: &Names<'_, '_>, wrapper: u64) -> String {
    let object = names.view.object(wrapper | 1);
    object.map_or_else(String::new, |object| names.class_of(&object).0)
}

/// Node.js never says that the C++ object behind such a wrapper is ready (`AsyncWrap::IsDoneInitializing`): no snapshot of V8's tells
/// of it, and what has the wrapper, a socket, retains it.
const UNLISTED: &str = "HTTPParser";
/// Up to Node 18, bindings are strongly held C++ objects with arrays that they share with JavaScript.
const BINDING: &str = "BaseObject";

/// The typed arrays among the properties of a wrapper.
fn bound_arrays(names: &Names<'_, '_>, wrapper: u64) -> Vec<u64> {
    let view = &names.view;
    let Some(object) = view.object(wrapper | 1) else {
        return Vec::new();
    };
    let values: Vec<u64> = if view.is_dictionary_map(&object.map) {
        let table = view.field(&object, view.layout.offsets.properties);
        let entries = table.iter().flat_map(|table| view.dictionary(table));
        entries.map(|(_, value)| value).collect()
    } else {
        let descriptors = view.descriptors(&object.map).into_iter();
        descriptors
            .filter_map(|descriptor| view.value(wrapper, descriptor.place))
            .collect()
    };
    let is_array = |word: &u64| {
        let value = view.object(*word);
        value.is_some_and(|value| value.instance_type() == view.layout.types.js_typed_array)
    };
    values.into_iter().filter(is_array).collect()
}
