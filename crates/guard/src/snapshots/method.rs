//! By what method a snapshot is taken here: the first of fork, walk and blocking that can be had and for which there is room.

use memguard_capture::headroom::{Basis, Cost, Range};
use memguard_capture::{Error, Method};
use memguard_vitals::Vitals;
use serde::Deserialize;

use crate::census;

/// What the caller wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// By a forked child where that can be, else by this process; by a walk where there is no memory for V8's generator.
    #[default]
    Auto,
    /// By V8's generator in a forked child, or not at all.
    Fork,
    /// By a walk in a forked child, or not at all.
    Walk,
    /// By this process, which stands still meanwhile.
    Blocking,
    /// By a forked child: V8's generator, or a walk where there is no memory for that.
    #[serde(skip)]
    Child,
}

impl Wish {
    /// Whether a walk will do where there is no room for V8's generator.
    pub(super) fn may_step_down(self) -> bool {
        matches!(self, Self::Auto | Self::Child)
    }
}

/// The method for a wish, and why it is no better one.
pub(super) fn choose(wish: Wish) -> Result<(Method, Option<String>), Error> {
    let asked_for = || Some("asked for".to_owned());
    match wish {
        Wish::Blocking => return Ok((Method::Blocking, asked_for())),
        Wish::Walk => {
            return match why_not_walk() {
                None => Ok((Method::Walk, asked_for())),
                Some(reason) => Err(Error::Fork { reason }),
            };
        }
        Wish::Auto | Wish::Fork | Wish::Child => {}
    }
    let Some(reason) = why_not_fork() else {
        return Ok((Method::Fork, None));
    };
    if wish.may_step_down() && why_not_walk().is_none() {
        return Ok((Method::Walk, Some(reason)));
    }
    match wish {
        Wish::Auto => Ok((Method::Blocking, Some(reason))),
        _ => Err(Error::Fork { reason }),
    }
}

fn why_not_fork() -> Option<String> {
    if let Some(reason) = super::faults::simulated_refusal() {
        return Some(reason);
    }
    if let Err(error) = memguard_fork::support() {
        return Some(error.to_string());
    }
    if !memguard_v8_api::can_take_snapshots() {
        return Some("this Node does not export V8's snapshot functions".to_owned());
    }
    None
}

/// Why the heap cannot be walked.
pub(super) fn why_not_walk() -> Option<String> {
    census::support().err().map(|error| error.message)
}

/// A forked capture stops the process for the fork alone: measured, 25 to 125 ms for each GB of V8's heap, and a few
/// milliseconds besides.
/// A walk needs no more memory than its graph.
pub(super) fn adjust(cost: &mut Cost, method: Method, heap_used_bytes: u64) {
    if method == Method::Walk {
        cost.memory_bytes = census::graph_bytes(heap_used_bytes);
        cost.basis = Basis::HeapSize;
    }
    if matches!(method, Method::Fork | Method::Walk) {
        let process = Vitals::open().read().process;
        let per_gb = |ms: u64| process.rss_bytes.saturating_mul(ms) >> 30;
        cost.pause_ms = Range {
            low: 1,
            high: 10 + per_gb(125),
        };
    }
}
