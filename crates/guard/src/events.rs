//! What a guard tells its JavaScript.

use memguard_trend::{Event, Level};
use serde::Serialize;

use crate::forecast::ForecastEvent;
use crate::recorder::{GcKind, GcRecord};

/// Whom an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// `process`, `main` or a worker's name.
    pub name: String,
    /// The isolate's number; `None` for the process.
    pub id: Option<u32>,
}

impl Subject {
    /// The process as a whole.
    pub fn process() -> Self {
        Self {
            name: "process".to_owned(),
            id: None,
        }
    }

    /// One isolate.
    pub fn isolate(id: u32, name: String) -> Self {
        Self { name, id: Some(id) }
    }
}

/// What JavaScript fetches when it was woken.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drained {
    /// Oldest first.
    pub events: Vec<GuardEvent>,
    /// Whether there was a new sample since the last time.
    pub sampled: bool,
}

/// One event; its `type` is the name under which JavaScript emits it.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum GuardEvent {
    /// A judge has spoken.
    Judged {
        /// About whom.
        subject: Subject,
        /// What.
        #[serde(flatten)]
        event: Event,
    },
    /// A collection.
    Gc(GcEvent),
    /// The level of a forecast has changed.
    Forecast(Box<ForecastEvent>),
}

/// One collection, as JavaScript sees it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GcEvent {
    /// Always `gc`.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// Whose heap.
    pub subject: Subject,
    /// Nursery or whole heap.
    pub kind: GcKind,
    /// When it ended, on the samples' clock.
    pub at_ms: u64,
    /// How long JavaScript stood still.
    pub duration_ms: f64,
    /// Used heap before it; `None` where only JavaScript could observe the collection.
    pub used_before_bytes: Option<u64>,
    /// Used heap after it.
    pub used_after_bytes: u64,
    /// The difference.
    pub freed_bytes: Option<i64>,
    /// Collections before this one of which no event could be made, because there were too many
    /// between two samples.
    pub missed: u64,
}

impl GuardEvent {
    pub(crate) fn gc(subject: Subject, at_ms: u64, record: &GcRecord, missed: u64) -> Self {
        Self::Gc(GcEvent {
            event_type: "gc",
            subject,
            kind: record.kind,
            at_ms,
            duration_ms: record.duration_us as f64 / 1e3,
            used_before_bytes: record.knows_before().then_some(record.used_before),
            used_after_bytes: record.used_after,
            freed_bytes: record
                .knows_before()
                .then(|| record.used_before as i64 - record.used_after as i64),
            missed,
        })
    }

    /// The sentence, if this is a critical alert.
    pub(crate) fn critical_sentence(&self) -> Option<&str> {
        match self {
            Self::Judged {
                event: Event::Alert(alert),
                ..
            } if alert.level == Level::Critical => Some(&alert.sentence),
            _ => None,
        }
    }
}
