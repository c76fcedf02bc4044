//! What all reports share: objects, paths, places in the source.

use serde::{Deserialize, Serialize};

/// Rows of a list that may have been cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing<T> {
    /// How many rows there are, those that are not in `rows` included.
    pub total: u64,
    /// The first of them, most important first.
    pub rows: Vec<T>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self {
            total: 0,
            rows: Vec::new(),
        }
    }
}

impl<T> Listing<T> {
    /// A list that was not cut.
    #[must_use]
    pub fn whole(rows: Vec<T>) -> Self {
        Self {
            total: rows.len() as u64,
            rows,
        }
    }

    /// `rows` cut to the first `limit`.
    #[must_use]
    pub fn cut(mut rows: Vec<T>, limit: usize) -> Self {
        let total = rows.len() as u64;
        rows.truncate(limit);
        Self { total, rows }
    }

    /// How many rows are missing.
    #[must_use]
    pub fn hidden(&self) -> u64 {
        self.total - self.rows.len() as u64
    }
}

/// A place in a script.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceLocation {
    /// V8's number of the script, which means nothing outside of the snapshot.
    pub script_id: u32,
    /// Path or URL of the script, where the snapshot tells it: `/app/server.js`, `node:events`.
    pub script: Option<String>,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// Where the graph came from, and what its side-car tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceInfo {
    /// The file, as the user gave it; none for a stream or a live heap.
    pub file: Option<String>,
    /// Size of the file in bytes.
    pub size_bytes: Option<u64>,
    /// When it was taken, in milliseconds since 1970.
    pub created_at_ms: Option<u64>,
    /// Process id.
    pub pid: Option<u32>,
    /// Machine or container.
    pub host: Option<String>,
    /// The app, as its guard was told.
    pub app: Option<String>,
    /// `process.version` of the process.
    pub node_version: Option<String>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// The object's id in the snapshot, as DevTools shows it after `@`.
    pub id: u64,
    /// Its class as DevTools groups it: `LogEntry`, `(string)`, `Function`.
    pub class: String,
    /// What to call it in a sentence: `LogEntry`, `function handler`, `"GET /index…"`.
    pub name: String,
    /// Shallow size in bytes.
    pub shallow_size: u64,
    /// Retained size in bytes: what would be freed with it.
    pub retained_size: u64,
    /// Steps from a global object; none when only V8's own roots lead to it.
    pub distance: Option<u32>,
    /// Where its function or its class's constructor stands.
    pub location: Option<SourceLocation>,
}

/// One step of a path from the root.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathStep {
    /// How the object before holds this one: `.requestLog`, `[0]`, `context .cache`, `key`, `value`. None for
    /// the first.
    pub edge: Option<String>,
    /// The object. V8's inner objects (tables, backing stores, feedback) are left out where they say nothing.
    pub object: ObjectRef,
    /// How many of V8's inner objects were left out before this one.
    pub skipped: u32,
    /// Whether the growth, or the matter asked for, hangs on this step: the holder is the step before.
    pub suspect: bool,
}

/// A chain of references from a root to an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetainingPath {
    /// The chain in one line:
    /// `Server → ._events → Object → .request → function h [p3.js:5:39] → context .requestLog → Object`.
    pub text: String,
    /// Its steps, the root first.
    pub steps: Vec<PathStep>,
    /// Number of references, with those to objects that were left out.
    pub length: u32,
}
