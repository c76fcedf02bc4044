//! When to look: the hunt as a state machine, without a clock, a thread or a heap of its own.
//!
//! The caller feeds [`Event`]s with the time at which they happened and does what [`Action`]s ask for; the machine
//! remembers everything in [`State`], which can be stored and read back after a restart. Of each look the caller keeps the
//! digest, the last [`KEPT_DIGESTS`] of them, for the looks that follow.
//!
//! ```text
//!            growth goes on                 enough growth, or time
//! warming → calm ⇄ suspicious → looking ⇄ waiting
//!                     ↑            │ a leak, and that is settled
//!              cooling down ← … ← verifying: does it go on?  → confirmed or retracted
//! ```
//!
//! * **Suspicion** comes from the trend of the curves. It makes looks frequent; without it there are a few all the same
//!   ([`Settings::patrol_ms`]), rarer and rarer, since a small leak under a large saw-tooth is seen in heaps long before
//!   it is seen in curves.
//! * **Enough growth** is counted in bytes, so that a fast leak is found sooner than a slow one.
//! * **Budget**: looks and hunts a day, CPU time, and no look while the process is busy or has no room.
//!
//! Every time constant is divided by [`Settings::pace`], so that the same logic runs in a minute what it runs in
//! production in hours.

mod budget;
mod event;
mod settings;
mod state;
#[cfg(test)]
mod tests;

pub use event::{Action, Event, Found, Observation, Reason};
pub use settings::{Settings, SettingsError};
pub use state::{KEPT_DIGESTS, Stage, State};

/// One step: what follows from an event at `now_ms`, a clock that only goes forward (a step back counts as no time).
#[must_use]
pub fn step(
    settings: &Settings,
    state: &State,
    event: &Event,
    now_ms: u64,
) -> (State, Vec<Action>) {
    let mut next = state.clone();
    let now = now_ms.max(state.now_ms);
    next.now_ms = now;
    let actions = state::Step {
        settings,
        state: &mut next,
        now,
        actions: Vec::new(),
    }
    .take(event);
    (next, actions)
}
