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
/// A wall clock may be set back. A stamp that lies in the future by no more than the cool-down counts as one
/// of now, so that the whole lasts at most twice its length; one further in the future says nothing and is
/// ignored, or it would lock out captures for as long as the clock was wrong.
#[must_use]
pub fn cooldown_left_ms(last_ms: u64, now_ms: u64, cooldown_ms: u64) -> u64 {
    match now_ms.checked_sub(last_ms) {
        Some(passed_ms) => cooldown_ms.saturating_sub(passed_ms),
        None if last_ms - now_ms <= cooldown_ms => cooldown_ms,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_runs_down_and_ends() {
        assert_eq!(cooldown_left_ms(1000, 1000, 500), 500);
        assert_eq!(cooldown_left_ms(1000, 1499, 500), 1);
        assert_eq!(cooldown_left_ms(1000, 1500, 500), 0);
        assert_eq!(cooldown_left_ms(1000, 1000, 0), 0);
    }

    #[test]
    fn a_clock_set_back_never_locks_for_ever() {
        assert_eq!(cooldown_left_ms(1000, 900, 500), 500);
        assert_eq!(cooldown_left_ms(1000, 499, 500), 0);
        assert_eq!(cooldown_left_ms(u64::MAX, 0, 500), 0);
    }

    proptest! {
        #[test]
        fn it_locks_only_within_one_cool_down_of_the_stamp(last in 0_u64..1 << 40, now in 0_u64..1 << 40, cooldown in 1_u64..1 << 40) {
            let left = cooldown_left_ms(last, now, cooldown);
            prop_assert!(left <= cooldown);
            prop_assert_eq!(left > 0, last.abs_diff(now) < cooldown || last == now + cooldown);
        }
    }
}
