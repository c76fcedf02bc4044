//! Heaps drawn by hand, for tests.

use memguard_heap_graph::{EdgeKind, GraphBuilder, HeapGraph, Location, NodeIndex, NodeKind};

/// A drawing of a heap.
pub(crate) struct Sketch {
    builder: GraphBuilder,
    next: u64,
    pub(crate) global: NodeIndex,
    scripts: Vec<(String, NodeIndex)>,
}

impl Sketch {
    /// The root and a global object.
    pub(crate) fn new() -> Self {
        let mut builder = GraphBuilder::new();
        let root = builder.node(NodeKind::Synthetic, "", 1, 0);
        let global = builder.node(NodeKind::Object, "global", 3, 64);
        builder.edge(root, EdgeKind::Shortcut, "global", global);
        Self {
            builder,
            next: 5,
            global,
            scripts: Vec::new(),
        }
    }

    pub(crate) fn node(&mut self, kind: NodeKind, name: &str, size: u64) -> NodeIndex {
        self.next += 8;
        self.builder.node(kind, name, self.next, size)
    }

    /// What follows lies elsewhere.
    pub(crate) fn skip_addresses(&mut self, bytes: u64) {
        self.next += bytes & !7;
    }

    pub(crate) fn object(&mut self, class: &str, size: u64) -> NodeIndex {
        self.node(NodeKind::Object, class, size)
    }

    pub(crate) fn property(&mut self, from: NodeIndex, name: &str, to: NodeIndex) {
        self.builder.edge(from, EdgeKind::Property, name, to);
    }

    pub(crate) fn internal(&mut self, from: NodeIndex, name: &str, to: NodeIndex) {
        self.builder.edge(from, EdgeKind::Internal, name, to);
    }

    pub(crate) fn element(&mut self, from: NodeIndex, index: u32, to: NodeIndex) {
        self.builder.edge(from, EdgeKind::Element, index, to);
    }

    /// A new object below another's property.
    pub(crate) fn field(
        &mut self,
        from: NodeIndex,
        name: &str,
        class: &str,
        size: u64,
    ) -> NodeIndex {
        let object = self.object(class, size);
        self.property(from, name, object);
        object
    }

    pub(crate) fn global_field(&mut self, name: &str, class: &str, size: u64) -> NodeIndex {
        self.field(self.global, name, class, size)
    }

    /// `count` new objects as the elements of another.
    pub(crate) fn entries(&mut self, of: NodeIndex, class: &str, size: u64, count: u32) {
        for index in 0..count {
            let entry = self.object(class, size);
            self.element(of, index, entry);
        }
    }

    /// A function of a script at a line (from 0), with its scope.
    pub(crate) fn function(
        &mut self,
        name: &str,
        script: &str,
        line: u32,
    ) -> (NodeIndex, NodeIndex) {
        let function = self.node(NodeKind::Closure, name, 64);
        let scope = self.object("system / Context", 48);
        let shared = self.node(NodeKind::Code, name, 56);
        let at = match self.scripts.iter().position(|(path, _)| path == script) {
            Some(at) => at,
            None => {
                let node = self.node(NodeKind::Code, script, 144);
                self.scripts.push((script.to_owned(), node));
                self.scripts.len() - 1
            }
        };
        let script = self.scripts[at].1;
        self.internal(function, "shared", shared);
        self.internal(function, "context", scope);
        self.internal(shared, "script", script);
        let location = Location {
            script_id: 60 + at as u32,
            line,
            column: 8,
        };
        self.builder.location(function, location);
        (function, scope)
    }

    /// A variable of a scope.
    pub(crate) fn variable(&mut self, scope: NodeIndex, name: &str, to: NodeIndex) {
        self.builder.edge(scope, EdgeKind::Context, name, to);
    }

    pub(crate) fn build(self) -> HeapGraph {
        self.builder.finish().unwrap()
    }
}
