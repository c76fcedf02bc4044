//! Functions by what they allocate.
//!
//! Two rankings. By *self* bytes: the function in which the allocation stands. By *cause*: the nearest caller that is the
//! app's own, since `JSON.parse`, a cloning helper or a driver allocate much and are seldom to blame. Inclusive bytes count a
//! recursive function once per stack, by its outermost call.
//!
//! One pass over the calls each, in the order in which they stand; memory by frame.

use memguard_hunt::{AllocationCall, AllocationSite};

use crate::flame::flame;
use crate::model::{Frame, Mode, Origin, Profile};
use crate::report::{FrameRef, Listing, ProfileReport, ProfileSource, Site, SourceLocation};

/// Calls of a stack that are told.
const MOST_FRAMES: usize = 32;
/// Sites that the hunt is given.
const QUOTED: usize = 20;

/// How much is told.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ReportOptions {
    /// Most rows of a list.
    pub rows: usize,
    /// Most boxes of the flame graph; 0 for none.
    pub flame: usize,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self { rows: 20, flame: 0 }
    }
}

/// What a profile says.
#[must_use]
pub fn report(profile: &Profile, options: &ReportOptions) -> ProfileReport {
    let bytes = profile.bytes();
    let meta = &profile.meta;
    let seconds = meta.duration_ms.filter(|ms| *ms > 0.0).map(|ms| ms / 1e3);
    ProfileReport {
        source: source(profile),
        mode: meta.mode,
        duration_ms: meta.duration_ms,
        sample_interval_bytes: meta.sample_interval_bytes,
        bytes,
        bytes_per_second: seconds.map(|seconds| bytes as f64 / seconds),
        samples: profile.samples(),
        sites: by_self(profile, options.rows),
        causes: by_cause(profile, options.rows),
        flame: crate::flame::flame(profile, options.flame),
    }
}

/// Where a profile comes from, as far as it says.
#[must_use]
pub fn source(profile: &Profile) -> ProfileSource {
    let meta = profile.meta.clone();
    ProfileSource {
        file: None,
        app: meta.app,
        pid: meta.pid,
        thread_id: meta.thread_id,
        node_version: meta.node_version,
        started_at_ms: meta.started_at_ms,
    }
}

/// Functions by what they allocated themselves.
#[must_use]
pub fn by_self(profile: &Profile, rows: usize) -> Listing<Site> {
    rank(profile, rows, |at| Some(profile.nodes[at].frame))
}

/// The app's own functions by what they cause; V8's and Node's own work that no script has called is left out.
#[must_use]
pub fn by_cause(profile: &Profile, rows: usize) -> Listing<Site> {
    // Callers stand before callees: the answer of the caller is known.
    let mut causes: Vec<(Option<u32>, bool)> = Vec::with_capacity(profile.nodes.len());
    for (at, node) in profile.nodes.iter().enumerate() {
        let (inherited, of_app) = match at {
            0 => (None, false),
            _ => causes[node.parent as usize],
        };
        causes.push(match profile.frame(node).origin() {
            Origin::App => (Some(node.frame), true),
            Origin::Package if !of_app => (Some(node.frame), false),
            _ => (inherited, of_app),
        });
    }
    rank(profile, rows, |at| causes[at].0)
}

/// The sites with the most bytes, as the hunt takes them.
#[must_use]
pub fn evidence(profile: &Profile) -> Vec<AllocationSite> {
    let is_live = profile.meta.mode != Some(Mode::Churn);
    by_self(profile, QUOTED)
        .rows
        .into_iter()
        .map(|site| AllocationSite {
            live_bytes: if is_live { site.self_bytes } else { 0 },
            // Samples are scaled to bytes; of how many objects they were is not told.
            live_count: 0,
            allocated_bytes: (!is_live).then_some(site.self_bytes),
            stack: site.stack.into_iter().map(hunted).collect(),
        })
        .collect()
}

/// The calls with the most bytes below them, callers before callees, as the hunt takes them.
#[must_use]
pub fn calls(profile: &Profile, limit: usize) -> Vec<AllocationCall> {
    flame(profile, limit)
        .into_iter()
        .map(|row| AllocationCall {
            parent: row.parent,
            own_bytes: row.self_bytes,
            total_bytes: row.total_bytes,
            frame: placed(row.function, row.location),
        })
        .collect()
}

fn hunted(frame: FrameRef) -> memguard_hunt::Frame {
    placed(frame.function, frame.location)
}

fn placed(function: String, location: Option<SourceLocation>) -> memguard_hunt::Frame {
    let (line, column) = location
        .as_ref()
        .map_or((0, 0), |place| (place.line, place.column));
    memguard_hunt::Frame {
        function,
        line,
        column,
        script: location.and_then(|place| place.script).unwrap_or_default(),
    }
}

/// What is known of a frame while calls are counted.
#[derive(Clone, Default)]
struct Tally {
    ranked_bytes: u64,
    samples: u64,
    self_bytes: u64,
    total_bytes: u64,
    /// Calls of it on the stack at hand.
    open: u32,
    /// The call at which most of it was allocated.
    heaviest: Option<(u64, u32)>,
}

/// Functions by the bytes of the calls that are charged to them.
fn rank(profile: &Profile, rows: usize, charged: impl Fn(usize) -> Option<u32>) -> Listing<Site> {
    let totals = profile.totals();
    let mut tallies = vec![Tally::default(); profile.frames.len()];
    let mut open: Vec<u32> = Vec::new();
    for (at, node) in profile.nodes.iter().enumerate() {
        while open.len() > node.depth as usize {
            if let Some(frame) = open.pop() {
                tallies[frame as usize].open -= 1;
            }
        }
        let own = &mut tallies[node.frame as usize];
        if own.open == 0 {
            own.total_bytes = own.total_bytes.saturating_add(totals[at]);
        }
        own.open += 1;
        own.self_bytes = own.self_bytes.saturating_add(node.self_bytes);
        open.push(node.frame);
        let Some(frame) = charged(at).filter(|_| node.self_bytes > 0) else {
            continue;
        };
        let tally = &mut tallies[frame as usize];
        tally.ranked_bytes = tally.ranked_bytes.saturating_add(node.self_bytes);
        tally.samples += node.samples;
        if tally
            .heaviest
            .is_none_or(|(most, _)| node.self_bytes > most)
        {
            tally.heaviest = Some((node.self_bytes, at as u32));
        }
    }
    let all = profile.bytes();
    let mut ranked: Vec<(usize, Tally)> = tallies
        .into_iter()
        .enumerate()
        .filter(|(_, tally)| tally.ranked_bytes > 0)
        .collect();
    ranked.sort_by(|(a, x), (b, y)| y.ranked_bytes.cmp(&x.ranked_bytes).then(a.cmp(b)));
    let total = ranked.len() as u64;
    let rows = ranked
        .into_iter()
        .take(rows)
        .map(|(frame, tally)| Site {
            frame: frame_ref(&profile.frames[frame]),
            self_bytes: tally.self_bytes,
            total_bytes: tally.total_bytes,
            share: tally.ranked_bytes as f64 / all.max(1) as f64,
            samples: tally.samples,
            error_ratio: error_ratio(tally.samples),
            stack: tally
                .heaviest
                .map(|(_, node)| stack(profile, node))
                .unwrap_or_default(),
        })
        .collect();
    Listing { total, rows }
}

/// Relative standard error of a sum of so many samples.
pub(crate) fn error_ratio(samples: u64) -> f64 {
    1.0 / (samples.max(1) as f64).sqrt()
}

/// How a call came about, itself first.
pub(crate) fn stack(profile: &Profile, node: u32) -> Vec<FrameRef> {
    profile
        .stack(node)
        .take(MOST_FRAMES)
        .map(|node| frame_ref(profile.frame(node)))
        .collect()
}

pub(crate) fn frame_ref(frame: &Frame) -> FrameRef {
    FrameRef {
        function: named(frame),
        location: location(frame),
        origin: frame.origin(),
        package: frame.package().map(str::to_owned),
    }
}

pub(crate) fn named(frame: &Frame) -> String {
    match frame.function.as_str() {
        "" => "(anonymous)".into(),
        name => name.to_owned(),
    }
}

pub(crate) fn location(frame: &Frame) -> Option<SourceLocation> {
    (!frame.script.is_empty() && frame.line > 0).then(|| SourceLocation {
        script_id: frame.script_id,
        script: Some(frame.script.clone()),
        line: frame.line,
        column: frame.column.max(1),
    })
}
