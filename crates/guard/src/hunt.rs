//! Hunts under way: when the next look is due, and what the looks before have seen.
//!
//! The machine that decides is `memguard_hunt`'s, and pure; a look is a [census](crate::census) whose child digests the
//! graph and, from the second on, compares it with the digests of the looks before, which it inherits. Only digests are
//! kept between looks, some 100 KB each, and a table of classes; the report is the child's. What the machine remembers can be kept over restarts:
//! what was spent of the day's budget is.

mod allocator;
mod look;

use std::collections::HashMap;
use std::sync::Arc;

use memguard_hunt::machine::{
    Action, Event, KEPT_DIGESTS, Settings, SettingsError, Stage, State, step,
};
use memguard_hunt::{ClassTable, Digest};
use parking_lot::Mutex;
use serde::Serialize;

use crate::census::AddressSet;

pub use allocator::allocator_figures;
pub use look::{LookError, Seen, look_at_figures, look_at_file};
#[cfg(target_os = "linux")]
pub(crate) use look::{look, look_at_classes};

/// One hunt: that of a guard.
struct Hunt {
    settings: Settings,
    state: State,
    memory: Memory,
    way: Way,
}

/// What is remembered of the looks before, the oldest first.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    /// What heaps held, of those whose graph was there.
    pub(crate) digests: Arc<Vec<Digest>>,
    /// How many of which class, of all that were walked.
    pub(crate) tables: Arc<Vec<ClassTable>>,
    /// Where old objects were at the last look, if that was without a graph.
    pub(crate) tracked: Option<Arc<AddressSet>>,
}

/// How a heap came to be known. Heaps of different ways are not compared: the walker and V8 do not name all things alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Walk,
    File,
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

/// Begins to hunt, at `now_ms` of a clock that goes on over restarts. `saved` is what [`saved`] told in a process before.
///
/// # Errors
/// The first setting that makes no sense.
pub fn open(settings: Settings, saved: Option<&State>, now_ms: u64) -> Result<u32, SettingsError> {
    settings.validate()?;
    let state = saved
        // A clock that was set back would have the budget last for ever.
        .filter(|saved| saved.since_ms <= now_ms)
        .map(|saved| step(&settings, saved, &Event::Restarted, now_ms).0);
    let mut guarded = HUNTS.lock();
    let (last, hunts) = &mut *guarded;
    *last = last.wrapping_add(1);
    let hunt = Hunt {
        settings,
        state: state.unwrap_or_default(),
        memory: Memory::default(),
        way: Way::Walk,
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

/// What a hunt remembers, for the process that comes after this one.
pub fn saved(id: u32) -> Option<State> {
    let guarded = HUNTS.lock();
    let hunt = guarded.1.as_ref()?.get(&id)?;
    Some(hunt.state.clone())
}

/// Forgets a hunt.
pub fn close(id: u32) {
    let closed = HUNTS.lock().1.as_mut().and_then(|all| all.remove(&id));
    drop(closed);
}

/// What is remembered for a look that walks the heap.
pub(crate) fn memory(id: u32) -> Memory {
    let guarded = HUNTS.lock();
    let hunt = guarded.1.as_ref().and_then(|all| all.get(&id));
    hunt.map(|hunt| Memory {
        digests: hunt.digests(Way::Walk),
        ..hunt.memory.clone()
    })
    .unwrap_or_default()
}

/// The digests of the looks so far that can be compared with one that comes by this way, the oldest first.
fn digests(id: u32, way: Way) -> Arc<Vec<Digest>> {
    let guarded = HUNTS.lock();
    let hunt = guarded.1.as_ref().and_then(|all| all.get(&id));
    hunt.map(|hunt| hunt.digests(way)).unwrap_or_default()
}

/// Keeps what a look that walked the heap has left: digest and table, as bytes, and where old objects are. Bytes that are
/// none are left out: the next look begins anew.
pub(crate) fn keep(id: u32, digest: &[u8], table: &[u8], tracked: Option<AddressSet>) {
    if let Ok(digest) = Digest::from_bytes(digest) {
        remember(id, digest, Way::Walk);
    }
    if let Some(hunt) = HUNTS.lock().1.as_mut().and_then(|all| all.get_mut(&id)) {
        if let Ok(table) = serde_json::from_slice(table) {
            hunt.memory.tables = with(&hunt.memory.tables, table);
        }
        hunt.memory.tracked = tracked.map(Arc::new);
    }
}

fn remember(id: u32, digest: Digest, way: Way) {
    if let Some(hunt) = HUNTS.lock().1.as_mut().and_then(|all| all.get_mut(&id)) {
        let before = hunt.digests(way);
        hunt.way = way;
        hunt.memory.digests = with(&before, digest);
    }
}

/// The latest few, with one more.
fn with<T: Clone>(before: &[T], one: T) -> Arc<Vec<T>> {
    let left_out = (before.len() + 1).saturating_sub(KEPT_DIGESTS);
    let kept = before.iter().skip(left_out).cloned();
    Arc::new(kept.chain([one]).collect())
}

impl Hunt {
    fn digests(&self, way: Way) -> Arc<Vec<Digest>> {
        if self.way == way {
            Arc::clone(&self.memory.digests)
        } else {
            Arc::default()
        }
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
        assert_eq!(open(wrong, None, 0).unwrap_err().option, "looks");
        let id = open(Settings::default(), None, 0).unwrap();
        let next = happened(id, &Event::Asked(Observation::default()), 1000).unwrap();
        assert!(
            matches!(
                next.actions[..],
                [Action::StartSampling, Action::Look { number: 1, .. }]
            ),
            "{next:?}"
        );
        keep(id, b"nonsense", b"nonsense", None);
        assert!(memory(id).digests.is_empty() && memory(id).tables.is_empty());
        let table = serde_json::to_vec(&ClassTable::default()).unwrap();
        for _ in 0..9 {
            keep(id, b"", &table, None);
        }
        assert_eq!(memory(id).tables.len(), KEPT_DIGESTS);
        let kept = saved(id).unwrap();
        close(id);
        keep(id, b"", &table, None);
        assert!(happened(id, &Event::Stopped, 2000).is_none());
        let next = open(Settings::default(), Some(&kept), 5000).unwrap();
        let state = saved(next).unwrap();
        assert_eq!((state.stage, state.looks), (Stage::Warming, 0));
        close(next);
    }
}
