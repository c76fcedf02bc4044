//! When an app last began a capture: a tiny file beside the snapshots, so that the cool-down holds over
//! restarts, also when retention has deleted the snapshot or the process was killed while it was written.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::scan::read_small;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    app: String,
    last_capture_ms: u64,
}

pub(super) fn to_json(app: &str, last_capture_ms: u64) -> Vec<u8> {
    serde_json::to_vec(&State {
        app: app.to_owned(),
        last_capture_ms,
    })
    .unwrap_or_default()
}

/// Reads the time from a state file; `None` when it is missing, damaged or of another app.
pub(super) fn read(path: &Path, app: &str) -> Option<u64> {
    let state: State = serde_json::from_slice(&read_small(path)?).ok()?;
    (state.app == app).then_some(state.last_capture_ms)
}

/// Milliseconds until `cooldown_ms` have passed since `last_ms`.
///
/// A wall clock may be set back. A stamp that lies in the future by no more than the cool-down starts it
/// again from now on, so that it lasts at most twice its length; one further in the future says nothing and
/// is ignored, or it would lock out captures for as long as the clock was wrong.
#[must_use]
pub fn cooldown_left_ms(last_ms: u64, now_ms: u64, cooldown_ms: u64) -> u64 {
    match now_ms.checked_sub(last_ms) {
        Some(passed_ms) => cooldown_ms.saturating_sub(passed_ms),
        None if last_ms - now_ms <= cooldown_ms => cooldown_ms,
        None => 0,
    }
}
