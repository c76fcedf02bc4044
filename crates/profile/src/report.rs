//! What is said of a profile, as data: for renderers, for `--json` and for JavaScript. Plain values with serde, in
//! camelCase; sizes are bytes, shares 0 to 1, lines and columns from 1.

pub use memguard_heap_graph::report::{Listing, SourceLocation};
use serde::{Deserialize, Serialize};

use crate::model::{Mode, Origin};

/// Where a profile comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileSource {
    /// The file, as the user gave it.
    pub file: Option<String>,
    /// The app, as its guard was told.
    pub app: Option<String>,
    /// Process id.
    pub pid: Option<u32>,
    /// Which thread: 0 is the main one.
    pub thread_id: Option<u32>,
    /// `process.version`.
    pub node_version: Option<String>,
    /// When sampling began, in milliseconds since 1970.
    pub started_at_ms: Option<f64>,
}

/// A function on a stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrameRef {
    /// Its name; `(anonymous)` for one without.
    pub function: String,
    /// Where it begins; none for V8's own.
    pub location: Option<SourceLocation>,
    /// Whose code it is.
    pub origin: Origin,
    /// The package, for a package's code.
    pub package: Option<String>,
}

/// A function that allocates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Site {
    /// The function.
    #[serde(flatten)]
    pub frame: FrameRef,
    /// Bytes that it allocated itself.
    pub self_bytes: u64,
    /// Bytes that it and what it called allocated.
    pub total_bytes: u64,
    /// What it is ranked by, as a share of the profile: its own bytes, or those that it causes.
    pub share: f64,
    /// Samples that the ranked bytes rest on.
    pub samples: u64,
    /// Relative standard error of the ranked bytes: one over the root of the samples.
    pub error_ratio: f64,
    /// How it was called where it allocated most: itself first, then its callers.
    pub stack: Vec<FrameRef>,
}

/// One box of a flame graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlameRow {
    /// Index of the caller; none for the root.
    pub parent: Option<u32>,
    /// Calls from the root.
    pub depth: u32,
    /// The function; `(root)` for the root, `(others)` for small calls that were left out.
    pub function: String,
    /// Where it begins.
    pub location: Option<SourceLocation>,
    /// Whose code it is.
    pub origin: Origin,
    /// Bytes that it allocated itself.
    pub self_bytes: u64,
    /// Bytes that it and what it called allocated.
    pub total_bytes: u64,
}

/// What a profile says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileReport {
    /// Where it comes from.
    pub source: ProfileSource,
    /// What its samples are about; none in files of others, which are `live` unless asked for otherwise.
    pub mode: Option<Mode>,
    /// How long was sampled, in milliseconds.
    pub duration_ms: Option<f64>,
    /// Bytes from one sample to the next, on average.
    pub sample_interval_bytes: Option<f64>,
    /// Bytes of all samples.
    pub bytes: u64,
    /// The same per second.
    pub bytes_per_second: Option<f64>,
    /// How many samples there are.
    pub samples: u64,
    /// Functions by what they allocated themselves.
    pub sites: Listing<Site>,
    /// The app's own functions by what they cause: each sample is charged to the nearest caller that is the app's own, or
    /// else a package's.
    pub causes: Listing<Site>,
    /// The flame graph, callers before callees; empty unless asked for.
    pub flame: Vec<FlameRow>,
}

/// A function in two profiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteDelta {
    /// The function, as the later profile has it.
    #[serde(flatten)]
    pub frame: FrameRef,
    /// Its own bytes before.
    pub before_bytes: f64,
    /// Its own bytes after.
    pub after_bytes: f64,
    /// The difference.
    pub delta_bytes: f64,
    /// The difference, in standard errors of both: below 3 it may be chance.
    pub deviations: f64,
    /// How it was called in the later profile, or in the earlier one if it is gone.
    pub stack: Vec<FrameRef>,
}

/// What one profile allocates more than another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileComparison {
    /// The earlier profile.
    pub before: ProfileSource,
    /// The later one.
    pub after: ProfileSource,
    /// Whether bytes are per second: both say how long was sampled.
    pub per_second: bool,
    /// Bytes of the earlier profile.
    pub before_bytes: f64,
    /// Bytes of the later one.
    pub after_bytes: f64,
    /// Functions that changed, the greatest growth first.
    pub sites: Listing<SiteDelta>,
}
