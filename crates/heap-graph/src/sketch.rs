//! Heaps drawn by hand, for tests: the same drawing comes out with other ids and in another order for each seed.

use crate::builder::{GraphBuilder, NewLabel};
use crate::model::{EdgeKind, HeapGraph, Location, NodeIndex, NodeKind};

/// A node of a drawing.
pub(crate) type Dot = usize;

/// Name of an edge in a drawing.
#[derive(Clone, Debug)]
pub(crate) enum Label {
    Name(String),
    Index(u32),
}

impl From<&str> for Label {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<u32> for Label {
    fn from(index: u32) -> Self {
        Self::Index(index)
    }
}

/// A drawing of a heap.
#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    nodes: Vec<(NodeKind, String, u64)>,
    edges: Vec<(Dot, EdgeKind, Label, Dot)>,
    locations: Vec<(Dot, Location)>,
    scripts: Vec<(String, Dot)>,
    pub(crate) global: Dot,
    /// Nodes that are gone by now; nothing refers to them.
    pub(crate) dead: Vec<Dot>,
}

impl Sketch {
    /// The root, V8's roots and a global object.
    pub(crate) fn new() -> Self {
        let mut sketch = Self {
            nodes: Vec::new(),
            edges: Vec::new(),
            locations: Vec::new(),
            scripts: Vec::new(),
            global: 0,
            dead: Vec::new(),
        };
        let root = sketch.node(NodeKind::Synthetic, "", 0);
        let roots = sketch.node(NodeKind::Synthetic, "(GC roots)", 0);
        let handles = sketch.node(NodeKind::Synthetic, "(Global handles)", 0);
        sketch.global = sketch.node(NodeKind::Object, "global", 40);
        sketch.edge(root, EdgeKind::Element, 1, roots);
        sketch.edge(root, EdgeKind::Shortcut, "2", sketch.global);
        sketch.edge(roots, EdgeKind::Element, 9, handles);
        sketch.edge(handles, EdgeKind::Internal, "1", sketch.global);
        sketch
    }

    pub(crate) fn node(&mut self, kind: NodeKind, name: &str, size: u64) -> Dot {
        self.nodes.push((kind, name.to_owned(), size));
        self.nodes.len() - 1
    }

    pub(crate) fn edge(&mut self, from: Dot, kind: EdgeKind, label: impl Into<Label>, to: Dot) {
        self.edges.push((from, kind, label.into(), to));
    }

    pub(crate) fn object(&mut self, class: &str, size: u64) -> Dot {
        self.node(NodeKind::Object, class, size)
    }

    pub(crate) fn string(&mut self, text: &str, size: u64) -> Dot {
        self.node(NodeKind::String, text, size)
    }

    pub(crate) fn property(&mut self, from: Dot, name: &str, to: Dot) {
        self.edge(from, EdgeKind::Property, name, to);
    }

    /// An object below another's property.
    pub(crate) fn field(&mut self, from: Dot, name: &str, class: &str, size: u64) -> Dot {
        let object = self.object(class, size);
        self.property(from, name, object);
        object
    }

    /// A function of a script at a line (from 0), with a scope. Answers function and scope.
    pub(crate) fn function(&mut self, name: &str, script: &str, line: u32) -> (Dot, Dot) {
        let function = self.node(NodeKind::Closure, name, 64);
        let scope = self.node(NodeKind::Object, "system / Context", 48);
        let shared = self.node(NodeKind::Code, name, 56);
        let at = match self.scripts.iter().position(|(path, _)| path == script) {
            Some(at) => at,
            None => {
                let node = self.node(NodeKind::Code, script, 144);
                self.scripts.push((script.to_owned(), node));
                self.scripts.len() - 1
            }
        };
        self.edge(function, EdgeKind::Internal, "shared", shared);
        self.edge(function, EdgeKind::Internal, "context", scope);
        self.edge(shared, EdgeKind::Internal, "script", self.scripts[at].1);
        self.locations.push((
            function,
            Location {
                script_id: 60 + at as u32,
                line,
                column: 8,
            },
        ));
        (function, scope)
    }

    /// A variable of a scope that holds a new object.
    pub(crate) fn variable(&mut self, scope: Dot, name: &str, class: &str, size: u64) -> Dot {
        let object = self.object(class, size);
        self.edge(scope, EdgeKind::Context, name, object);
        object
    }

    /// The graph; another seed gives other ids and another order of nodes and edges.
    pub(crate) fn build(&self, seed: u64) -> HeapGraph {
        let mut random = Random(seed);
        let mut order: Vec<Dot> = (1..self.nodes.len())
            .filter(|dot| !self.dead.contains(dot))
            .collect();
        random.shuffle(&mut order);
        order.insert(0, 0);
        let mut place = vec![NodeIndex(0); self.nodes.len()];
        let mut builder = GraphBuilder::new();
        let mut ids: Vec<u64> = (0..self.nodes.len() as u64).map(|id| 2 * id + 1).collect();
        if seed != 0 {
            random.shuffle(&mut ids);
        }
        for dot in order {
            let (kind, name, size) = &self.nodes[dot];
            place[dot] = builder.node(*kind, name, ids[dot], *size);
        }
        let mut edges: Vec<usize> = (0..self.edges.len()).collect();
        random.shuffle(&mut edges);
        for at in edges {
            let (from, kind, label, to) = &self.edges[at];
            let label = match label {
                Label::Name(name) => NewLabel::Text(name),
                Label::Index(index) => NewLabel::Index(*index),
            };
            builder.edge(place[*from], *kind, label, place[*to]);
        }
        for (dot, location) in &self.locations {
            builder.location(place[*dot], *location);
        }
        builder.finish().unwrap()
    }
}

/// SplitMix64; 0 shuffles nothing.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        if self.0 == 0 {
            return;
        }
        for at in (1..items.len()).rev() {
            items.swap(at, (self.next() % (at as u64 + 1)) as usize);
        }
    }
}
