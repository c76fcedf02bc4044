//! A heap written by hand, and its text as V8 would write it.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::Layout;

/// V8's kinds of nodes, in its order.
pub(crate) const NODE_KINDS: [&str; 16] = [
    "hidden",
    "array",
    "string",
    "object",
    "code",
    "closure",
    "regexp",
    "number",
    "native",
    "synthetic",
    "concatenated string",
    "sliced string",
    "symbol",
    "bigint",
    "object shape",
    "wasm object",
];

/// V8's kinds of edges, in its order.
pub(crate) const EDGE_KINDS: [&str; 7] = [
    "context", "element", "property", "internal", "hidden", "shortcut", "weak",
];

/// A node of a [`Heap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeRef(pub usize);

#[derive(Clone, Debug)]
struct Node {
    kind: usize,
    name: usize,
    id: u64,
    self_size: u64,
    detachedness: u32,
    edges: Vec<(usize, Label, usize)>,
}

#[derive(Clone, Copy, Debug)]
enum Label {
    Name(usize),
    Index(u32),
}

/// A heap to be written as a snapshot. Node 0 is the root.
#[derive(Clone, Debug, Default)]
pub struct Heap {
    nodes: Vec<Node>,
    strings: Vec<String>,
    ids: HashMap<String, usize>,
    locations: Vec<(usize, [u32; 3])>,
    global: Option<NodeRef>,
    extra_native_bytes: Option<u64>,
}

impl Heap {
    /// A heap of nothing but its root.
    #[must_use]
    pub fn new() -> Self {
        let mut heap = Self::default();
        heap.string("<dummy>");
        heap.node("synthetic", "", 0);
        heap
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> NodeRef {
        NodeRef(0)
    }

    /// The global object, which the root holds by a shortcut.
    pub fn global(&mut self) -> NodeRef {
        if let Some(global) = self.global {
            return global;
        }
        let global = self.object("global", 64);
        self.edge(NodeRef(0), "shortcut", "global", global);
        self.global = Some(global);
        global
    }

    /// A node of a kind as V8 calls it. Ids are odd and rise, as those of V8's own objects.
    ///
    /// # Panics
    /// For a kind that V8 does not have.
    pub fn node(&mut self, kind: &str, name: &str, self_size: u64) -> NodeRef {
        let Some(kind) = NODE_KINDS.iter().position(|known| *known == kind) else {
            unreachable!("there are no nodes of kind {kind:?}")
        };
        let name = self.string(name);
        let id = self.nodes.len() as u64 * 2 + 1;
        self.nodes.push(Node {
            kind,
            name,
            id,
            self_size,
            detachedness: 0,
            edges: Vec::new(),
        });
        NodeRef(self.nodes.len() - 1)
    }

    /// A JavaScript object.
    pub fn object(&mut self, class: &str, self_size: u64) -> NodeRef {
        self.node("object", class, self_size)
    }

    /// An edge of a kind as V8 calls it; elements and hidden edges have a number for a label.
    ///
    /// # Panics
    /// For a kind that V8 does not have.
    pub fn edge(&mut self, from: NodeRef, kind: &str, label: &str, to: NodeRef) {
        let Some(number) = EDGE_KINDS.iter().position(|known| *known == kind) else {
            unreachable!("there are no edges of kind {kind:?}")
        };
        let label = if matches!(kind, "element" | "hidden") {
            Label::Index(label.parse().unwrap_or(0))
        } else {
            Label::Name(self.string(label))
        };
        self.nodes[from.0].edges.push((number, label, to.0));
    }

    /// A named property.
    pub fn property(&mut self, from: NodeRef, name: &str, to: NodeRef) {
        self.edge(from, "property", name, to);
    }

    /// An element by its index.
    pub fn element(&mut self, from: NodeRef, index: u32, to: NodeRef) {
        self.edge(from, "element", &index.to_string(), to);
    }

    /// The two edges by which V8 shows an entry of a `WeakMap`.
    pub fn ephemeron(&mut self, table: NodeRef, key: NodeRef, value: NodeRef) {
        let id = |node: NodeRef| self.nodes[node.0].id;
        let name = |node: NodeRef| self.strings[self.nodes[node.0].name].clone();
        let label = format!(
            "{} / part of key ({} @{}) -> value ({} @{}) pair in WeakMap (table @{})",
            1,
            name(key),
            id(key),
            name(value),
            id(value),
            id(table)
        );
        self.edge(key, "internal", &label, value);
        self.edge(table, "internal", &label, value);
    }

    /// Gives a node another id.
    pub fn set_id(&mut self, node: NodeRef, id: u64) {
        self.nodes[node.0].id = id;
    }

    /// Says whether a node is part of a document: 1 for yes, 2 for not any more.
    pub fn set_detachedness(&mut self, node: NodeRef, state: u32) {
        self.nodes[node.0].detachedness = state;
    }

    /// Says where a node's constructor stands: script, line, column.
    pub fn set_location(&mut self, node: NodeRef, location: [u32; 3]) {
        self.locations.push((node.0, location));
    }

    /// Says how much native memory there is outside of all nodes.
    pub fn set_extra_native_bytes(&mut self, bytes: u64) {
        self.extra_native_bytes = Some(bytes);
    }

    /// How many nodes there are, the root included.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many edges there are.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.nodes.iter().map(|node| node.edges.len()).sum()
    }

    /// Where the edges of each node lead.
    #[must_use]
    pub fn successors(&self) -> Vec<Vec<usize>> {
        self.nodes
            .iter()
            .map(|node| node.edges.iter().map(|edge| edge.2).collect())
            .collect()
    }

    fn string(&mut self, text: &str) -> usize {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        let id = self.strings.len();
        self.strings.push(text.to_owned());
        self.ids.insert(text.to_owned(), id);
        id
    }

    /// The snapshot as Node.js 20 writes it.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        self.to_json_as(&Layout::node_20())
    }

    /// The snapshot in a layout.
    #[must_use]
    pub fn to_json_as(&self, layout: &Layout) -> Vec<u8> {
        let mut text = String::from("{\"snapshot\":{\"meta\":");
        layout.write_meta(&mut text);
        let write = |text: &mut String, arguments: std::fmt::Arguments<'_>| {
            // A `String` takes everything.
            let _ = text.write_fmt(arguments);
        };
        let (nodes, edges) = (self.nodes.len(), self.edge_count());
        write(
            &mut text,
            format_args!(
                ",\"node_count\":{nodes},\"edge_count\":{edges},\"trace_function_count\":0"
            ),
        );
        if let Some(bytes) = self.extra_native_bytes {
            write(&mut text, format_args!(",\"extra_native_bytes\":{bytes}"));
        }
        write(&mut text, format_args!("}},\n\"nodes\":["));
        for (at, node) in self.nodes.iter().enumerate() {
            layout.separate(&mut text, at);
            let fields = layout.node_fields.iter().map(|field| match field.as_str() {
                "type" => layout.kind_number(node.kind) as i128,
                "name" => node.name as i128,
                "id" => node.id.into(),
                "self_size" => node.self_size.into(),
                "edge_count" => node.edges.len() as i128,
                "detachedness" => node.detachedness.into(),
                _ => 0,
            });
            layout.record(&mut text, fields);
        }
        write(&mut text, format_args!("],\n\"edges\":["));
        let edges = self.nodes.iter().flat_map(|node| &node.edges);
        for (at, &(kind, label, target)) in edges.enumerate() {
            layout.separate(&mut text, at);
            let fields = layout
                .edge_fields
                .iter()
                .map(|field| match (field.as_str(), label) {
                    ("type", _) => kind as i128,
                    ("name_or_index", Label::Name(name)) => name as i128,
                    ("name_or_index", Label::Index(index)) => layout.short(index),
                    ("to_node", _) => (target * layout.node_fields.len()) as i128,
                    _ => 0,
                });
            layout.record(&mut text, fields);
        }
        write(
            &mut text,
            format_args!("],\n\"trace_function_infos\":[],\n\"trace_tree\":[],\n\"samples\":[],\n"),
        );
        write(&mut text, format_args!("\"locations\":["));
        for (at, &(node, [script, line, column])) in self.locations.iter().enumerate() {
            layout.separate(&mut text, at);
            let node = node * layout.node_fields.len();
            let fields = layout
                .location_fields
                .iter()
                .map(|field| match field.as_str() {
                    "object_index" => node as i128,
                    "script_id" => layout.short(script),
                    "line" => layout.short(line),
                    "column" => layout.short(column),
                    _ => 0,
                });
            layout.record(&mut text, fields);
        }
        write(&mut text, format_args!("],\n\"strings\":["));
        for (at, string) in self.strings.iter().enumerate() {
            layout.separate(&mut text, at);
            write(&mut text, format_args!("\"{}\"", Escaped(string)));
        }
        text.push_str("]}\n");
        text.into_bytes()
    }
}

/// A string as it stands in JSON.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                '\n' => f.write_str("\\n")?,
                // As V8, which writes nothing but ASCII.
                ' '..='~' => f.write_char(character)?,
                other => {
                    for unit in other.encode_utf16(&mut [0; 2]) {
                        write!(f, "\\u{unit:04X}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
