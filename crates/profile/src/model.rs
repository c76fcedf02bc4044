//! A profile in memory: frames, and the tree of calls in preorder.

use serde::{Deserialize, Serialize};

/// What the samples of a profile are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// Objects that were still alive at the end: what is kept.
    Live,
    /// Everything that was allocated, alive or not: what is kept and what is thrown away.
    Churn,
}

/// What the one who wrote a profile says of it; V8 itself says nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// What the samples are about.
    pub mode: Option<Mode>,
    /// How long it was sampled, in milliseconds.
    pub duration_ms: Option<f64>,
    /// When that began, in milliseconds since 1970.
    pub started_at_ms: Option<f64>,
    /// Bytes from one sample to the next, on average.
    pub sample_interval_bytes: Option<f64>,
    /// The app, as its guard was told.
    pub app: Option<String>,
    /// Process id.
    pub pid: Option<u32>,
    /// Which thread: 0 is the main one.
    pub thread_id: Option<u32>,
    /// `process.version`.
    pub node_version: Option<String>,
}

/// Whose code a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// The app's own.
    App,
    /// A package's, below `node_modules`.
    Package,
    /// Node's own modules.
    Node,
    /// V8 itself: `(V8 API)`, `(GC)`, code without a script.
    V8,
}

/// A function, by where it begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Its name; empty for an anonymous one.
    pub function: String,
    /// Path or URL of its script; empty for V8's own.
    pub script: String,
    /// V8's number of the script.
    pub script_id: u32,
    /// Line, from 1; 0 where V8 does not know.
    pub line: u32,
    /// Column, from 1; 0 where V8 does not know.
    pub column: u32,
}

impl Frame {
    /// Whose code it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        if self.script.is_empty() {
            Origin::V8
        } else if self.script.starts_with("node:") || self.script.starts_with("internal/") {
            Origin::Node
        } else if self.package().is_some() {
            Origin::Package
        } else {
            Origin::App
        }
    }

    /// The package it belongs to: what stands behind the last `node_modules`.
    #[must_use]
    pub fn package(&self) -> Option<&str> {
        let slashes: &[char] = &['/', '\\'];
        let at = self.script.rfind("node_modules")?;
        let rest = self.script[at..]
            .strip_prefix("node_modules")?
            .strip_prefix(slashes)?;
        let scoped = rest.starts_with('@');
        let mut ends = rest.match_indices(slashes).map(|(at, _)| at);
        let end = if scoped { ends.nth(1) } else { ends.next() };
        Some(&rest[..end?])
    }
}

/// A call, with what it allocated itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Index of the caller; that of the root is its own.
    pub parent: u32,
    /// Calls from the root; 0 is the root.
    pub depth: u32,
    /// Index of its function.
    pub frame: u32,
    /// Bytes that it allocated, its callees excluded.
    pub self_bytes: u64,
    /// Samples that they rest on.
    pub samples: u64,
}

/// A profile.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// Functions, each once.
    pub frames: Vec<Frame>,
    /// Calls in preorder, the root first: a caller stands before its callees.
    pub nodes: Vec<Node>,
    /// What its writer says of it.
    pub meta: Meta,
}

impl Profile {
    /// Bytes of all samples.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let all = self.nodes.iter().map(|node| node.self_bytes);
        all.fold(0, u64::saturating_add)
    }

    /// How many samples there are.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.nodes.iter().map(|node| node.samples).sum()
    }

    /// Bytes of each call with its callees, by node.
    #[must_use]
    pub fn totals(&self) -> Vec<u64> {
        let mut totals: Vec<u64> = self.nodes.iter().map(|node| node.self_bytes).collect();
        for at in (1..self.nodes.len()).rev() {
            let parent = self.nodes[at].parent as usize;
            totals[parent] = totals[parent].saturating_add(totals[at]);
        }
        totals
    }

    /// Calls from a node up to the root, the root excluded.
    pub fn stack(&self, node: u32) -> impl Iterator<Item = &Node> {
        let mut at = Some(node);
        std::iter::from_fn(move || {
            let node = self.nodes.get(at? as usize)?;
            at = (node.depth > 0).then_some(node.parent);
            Some(node)
        })
        .filter(|node| node.depth > 0)
    }

    /// The function of a call.
    #[must_use]
    pub fn frame(&self, node: &Node) -> &Frame {
        &self.frames[node.frame as usize]
    }
}
