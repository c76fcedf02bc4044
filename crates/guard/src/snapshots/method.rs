//! By what method a snapshot is taken here: the first of fork and blocking that can be had.

use memguard_capture::headroom::{Cost, Range};
use memguard_capture::{Error, Method};
use memguard_vitals::Vitals;
use serde::Deserialize;

/// What the caller wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// By a forked child where that can be, else by this process.
    #[default]
    Auto,
    /// By a forked child, or not at all.
    Fork,
    /// By this process, which stands still meanwhile.
    Blocking,
}

/// The method for a wish, and why it is no better one.
pub(super) fn choose(wish: Wish) -> Result<(Method, Option<String>), Error> {
    if wish == Wish::Blocking {
        return Ok((Method::Blocking, Some("asked for".to_owned())));
    }
    match (why_not_fork(), wish) {
        (None, _) => Ok((Method::Fork, None)),
        (Some(reason), Wish::Fork) => Err(Error::Fork { reason }),
        (Some(reason), _) => Ok((Method::Blocking, Some(reason))),
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

/// A forked capture stops the process for the fork alone: measured, some 20 ms for each GB of 4 KB pages, and a few
/// milliseconds besides.
pub(super) fn adjust(cost: &mut Cost, method: Method) {
    if method == Method::Fork {
        let process = Vitals::open().read().process;
        let per_gb = |ms: u64| process.rss_bytes.saturating_mul(ms) >> 30;
        cost.pause_ms = Range {
            low: 1,
            high: 10 + per_gb(40),
        };
    }
}
