//! What happens to the machine, and what it asks for.

use serde::{Deserialize, Serialize};

/// What is seen of memory at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observation {
    /// How old the process is, in ms.
    pub uptime_ms: u64,
    /// Something grows, and that is no chance.
    pub growing: bool,
    /// The level that grows, in bytes: live heap and external memory, or what is resident.
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
    /// A look was taken.
    #[serde(rename_all = "camelCase")]
    Looked {
        /// CPU time of it in ms.
        cpu_ms: u64,
        /// The level then, in bytes.
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
    /// The process was restarted: what `state` says of the time before holds, as far as it is not about that process.
    Restarted,
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
    /// More looks may change it: too few were taken, what grows slows down, or came in one step.
    pub unsettled: bool,
    /// It is large, and so was judged after fewer steps than others; but no limit is near, so that nobody is in a hurry who has not
    /// asked.
    pub early: bool,
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
    /// The growth that was told of has gone on: the last report stands for it from now on.
    Confirm,
    /// The growth that was told of has come to an end: it was none of those that go on for ever.
    Retract,
    /// The hunt ends without a report worth telling.
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
