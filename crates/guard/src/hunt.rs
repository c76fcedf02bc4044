//! Hunts under way: when the next look is due, and what the looks before have seen.
//!
//! The machine that decides is `memguard_hunt`'s, and pure; a look is a [census](crate::census) whose child digests the
//! graph and, from the second on, compares it with the digests of the looks before, which it inherits. Only digests are
//! kept between looks, some 100 KB each; the report is the child's.

use std::collections::HashMap;
use std::sync::Arc;

use memguard_hunt::Digest;
use memguard_hunt::machine::{
    Action, Event, KEPT_DIGESTS, Settings, SettingsError, Stage, State, step,
};
use parking_lot::Mutex;
use serde::Serialize;

/// One hunt: that of a guard.
struct Hunt {
    settings: Settings,
    state: State,
    digests: Arc<Vec<Digest>>,
}

static HUNTS: Mutex<(u32, Option<HashMap<u32, Hunt>>)> = Mutex::new((0, None));

/// What follows from an event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Next {
    /// What the hunt is doing now.
    pub stage: Stage,
    /// Looks so far.
    pub looks: u32,
    /// What is to be done.
    pub actions: Vec<Action>,
}

/// Begins to hunt.
///
/// # Errors
/// The first setting that makes no sense.
pub fn open(settings: Settings) -> Result<u32, SettingsError> {
    settings.validate()?;
    let mut guarded = HUNTS.lock();
    let (last, hunts) = &mut *guarded;
    *last = last.wrapping_add(1);
    let hunt = Hunt {
        settings,
        state: State::default(),
        digests: Arc::default(),
    };
    hunts.get_or_insert_default().insert(*last, hunt);
    Ok(*last)
}

/// Tells a hunt what has happened, at `now_ms` of a clock that goes forward. `None` for a hunt that is closed.
pub fn happened(id: u32, event: &Event, now_ms: u64) -> Option<Next> {
    let mut guarded = HUNTS.lock();
    let hunt = guarded.1.as_mut()?.get_mut(&id)?;
    let (state, actions) = step(&hunt.settings, &hunt.state, event, now_ms);
    hunt.state = state;
    Some(Next {
        stage: hunt.state.stage,
        looks: hunt.state.looks,
        actions,
    })
}

/// Other settings for a hunt that goes on.
///
/// # Errors
/// The first that makes no sense; nothing has changed then.
pub fn update(id: u32, settings: Settings) -> Result<(), SettingsError> {
    settings.validate()?;
    if let Some(hunt) = HUNTS.lock().1.as_mut().and_then(|all| all.get_mut(&id)) {
        hunt.settings = settings;
    }
    Ok(())
}

/// Forgets a hunt.
pub fn close(id: u32) {
    let closed = HUNTS.lock().1.as_mut().and_then(|all| all.remove(&id));
    drop(closed);
}

/// The digests of the looks so far, the oldest first.
pub(crate) fn digests(id: u32) -> Arc<Vec<Digest>> {
    let guarded = HUNTS.lock();
    let hunt = guarded.1.as_ref().and_then(|all| all.get(&id));
    hunt.map(|hunt| Arc::clone(&hunt.digests))
        .unwrap_or_default()
}

/// Keeps the digest of a look. Bytes that are none are left out: the next look begins anew.
pub(crate) fn keep(id: u32, bytes: &[u8]) {
    let Ok(digest) = Digest::from_bytes(bytes) else {
        return;
    };
    if let Some(hunt) = HUNTS.lock().1.as_mut().and_then(|all| all.get_mut(&id)) {
        let mut digests = Vec::clone(&hunt.digests);
        if digests.len() >= KEPT_DIGESTS {
            digests.remove(0);
        }
        digests.push(digest);
        hunt.digests = Arc::new(digests);
    }
}

#[cfg(test)]
mod tests {
    use memguard_hunt::machine::Observation;

    use super::*;

    #[test]
    fn a_hunt_is_told_and_asks_until_it_is_closed() {
        let wrong = Settings {
            looks: 1,
            ..Settings::default()
        };
        assert_eq!(open(wrong).unwrap_err().option, "looks");
        let id = open(Settings::default()).unwrap();
        let next = happened(id, &Event::Asked(Observation::default()), 1000).unwrap();
        assert!(
            matches!(
                next.actions[..],
                [Action::StartSampling, Action::Look { number: 1, .. }]
            ),
            "{next:?}"
        );
        keep(id, b"nonsense");
        assert!(digests(id).is_empty());
        close(id);
        assert!(happened(id, &Event::Stopped, 2000).is_none());
    }
}
