//! When to look: the hunt as a state machine, without a clock, a thread or a heap of its own.
//!
//! The caller feeds [`Event`]s with the time at which they happened and does what [`Action`]s ask for; the machine remembers
//! everything in [`State`], which can be stored and read back after a restart.
//!
//! ```text
//! warming → calm → suspicious → looking(1) → waiting → looking(2) → waiting → looking(3) → reported → calm
//!                                                ↘ growth ended: dismissed, cools down
//! ```
//!
//! Every time constant is divided by [`Settings::pace`], so that the same logic runs in a minute what it runs in
//! production in hours.

use serde::{Deserialize, Serialize};

/// How patient and how frugal a hunt is. Times are in ms, before they are divided by `pace`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Divides every time: 1 in production; 60 makes seconds of minutes.
    pub pace: f64,
    /// No suspicion before the process is so old.
    pub warm_up_ms: u64,
    /// Growth must have gone on for so long before a first look.
    pub suspicion_ms: u64,
    /// Between two looks at least so long.
    pub min_wait_ms: u64,
    /// Between two looks at most so long: then growth is over and the hunt dismissed.
    pub max_wait_ms: u64,
    /// Between two looks the level must have grown by so many bytes,
    pub min_growth_bytes: u64,
    /// and by this share of what it was.
    pub min_growth_share: f64,
    /// Looks of one hunt before it reports.
    pub looks: u32,
    /// Looks more, at most, where the report is not sure.
    pub extra_looks: u32,
    /// From this confidence on a report is told.
    pub confidence: f64,
    /// After a report or a dismissal no hunt for so long; doubled with each dismissal in a row, up to a day.
    pub cool_down_ms: u64,
    /// Most hunts a day.
    pub hunts_per_day: u32,
    /// Most looks a day.
    pub looks_per_day: u32,
    /// Share of the time that looks may take, of one core.
    pub cpu_share: f64,
}

impl Default for Settings {
    fn default() -> Self {
        const MINUTE: u64 = 60_000;
        Self {
            pace: 1.0,
            warm_up_ms: 10 * MINUTE,
            suspicion_ms: 5 * MINUTE,
            min_wait_ms: 10 * MINUTE,
            max_wait_ms: 240 * MINUTE,
            min_growth_bytes: 256 << 10,
            min_growth_share: 0.01,
            looks: 3,
            extra_looks: 2,
            confidence: 0.5,
            cool_down_ms: 60 * MINUTE,
            hunts_per_day: 12,
            looks_per_day: 60,
            cpu_share: 0.01,
        }
    }
}

/// What is seen of memory at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observation {
    /// How old the process is, in ms.
    pub uptime_ms: u64,
    /// Something grows, and that is no chance.
    pub growing: bool,
    /// The level that grows, in bytes: live heap, or external memory, or what is resident.
    pub level_bytes: u64,
    /// The process has no time for it now: a peak of traffic, memory pressure.
    pub busy: bool,
    /// There is no memory for a look now.
    pub no_room: bool,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum Event {
    /// Time went on, and this is what memory looks like. Every few seconds, or with each sample.
    Tick(Observation),
    /// A look was taken; it took so long, in ms of one core.
    Looked {
        /// CPU time of it.
        cpu_ms: u64,
        /// Level at that time, in bytes.
        level_bytes: u64,
        /// What the report says, where there was something to compare with.
        found: Option<Found>,
    },
    /// A look failed.
    LookFailed {
        /// Trying again later has a chance.
        retry: bool,
    },
    /// Somebody asks for a hunt now, whatever the curve says.
    Asked(Observation),
    /// The guard was stopped.
    Stopped,
}

/// The gist of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Found {
    /// The verdict is one of those that have to be mended.
    pub leak: bool,
    /// Its confidence.
    pub confidence: f64,
    /// More looks may change it: what grows slows down, or has grown in one step only.
    pub unsettled: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum Action {
    /// Sample allocations from now on.
    StartSampling,
    /// No longer.
    StopSampling,
    /// Look at the heap, and answer with [`Event::Looked`] or [`Event::LookFailed`].
    Look {
        /// Which look of the hunt, from 1.
        number: u32,
        /// Compare with the digests of the looks before and write a report.
        investigate: bool,
    },
    /// Tell of the report of the last look: event, log line, files.
    Announce,
    /// The hunt ends without a report worth telling; digests may go.
    Dismiss {
        /// Why.
        reason: Reason,
    },
}

/// Why a hunt ended without a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// Growth came to an end.
    GrowthEnded,
    /// No report was sure enough.
    NotSure,
    /// Looks failed.
    LooksFailed,
    /// The guard was stopped.
    Stopped,
}

/// What a hunt is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// The process is too young.
    #[default]
    Warming,
    /// Nothing grows.
    Calm,
    /// Something grows; not for long yet.
    Suspicious,
    /// A look is under way.
    Looking,
    /// For more growth, or for a calmer moment.
    Waiting,
    /// After a report or a dismissal.
    CoolingDown,
    /// The guard was stopped.
    Stopped,
}

/// All that the machine remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct State {
    /// What it is doing.
    pub stage: Stage,
    /// Since when, in ms of the clock of its events.
    pub since_ms: u64,
    /// Looks of this hunt so far.
    pub looks: u32,
    /// Somebody asked for this hunt.
    pub asked: bool,
}

/// One step: what follows from an event at `now_ms`, a clock that only goes forward.
#[must_use]
pub fn step(
    settings: &Settings,
    state: &State,
    event: &Event,
    now_ms: u64,
) -> (State, Vec<Action>) {
    let _ = (settings, event, now_ms);
    (state.clone(), Vec::new())
}
