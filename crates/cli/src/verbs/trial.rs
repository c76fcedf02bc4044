//! What `ci` and `hunt` have in common: a program under load, measured until it is certain whether its memory grows.

use memguard_hunt::LeakReport;
use serde::{Deserialize, Serialize};

use super::heaps::Format;
use super::traffic::{LoadPlan, Traffic};
use crate::context::Context;
use crate::error::CliError;
use crate::render::describe;
use crate::run::{LoadFigures, Memory, Part, Tolerances};
use crate::units::{Bound, Millis};

/// Looks at memory in one measurement: enough for a slope with a narrow interval, few enough for forced collections.
const SAMPLES: u32 = 24;
/// From outside each look stops the process.
const SAMPLES_FROM_OUTSIDE: u32 = 12;

/// Options of a measurement.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(crate) struct Pace {
    /// What to ask meanwhile, with the options of `memguard load`; may be repeated, several take turns
    #[arg(long = "load", value_name = "URL")]
    urls: Vec<String>,
    #[command(flatten)]
    traffic: Traffic,
    /// How long one measurement takes; what seems to grow is measured again
    #[arg(long, short, default_value = "30s", value_name = "TIME")]
    duration: Millis,
    /// What comes before counts as warm-up; half of the duration where nothing is said
    #[arg(long, value_name = "TIME")]
    warm_up: Option<Millis>,
    /// How long the program may take until it answers
    #[arg(long, default_value = "60s", value_name = "TIME")]
    wait: Millis,
}

/// What JavaScript is to do.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialPlan {
    /// The program and its arguments; empty for a process that runs.
    pub command: Vec<String>,
    /// The process that runs.
    pub pid: Option<u32>,
    /// What is sent.
    pub load: Option<LoadPlan>,
    /// How long the program may take until it answers.
    pub wait_ms: u64,
    /// What counts as warm-up.
    pub warm_up_ms: u64,
    /// How long one measurement takes.
    pub duration_ms: u64,
    /// Looks at memory in one measurement.
    pub samples: u32,
    /// Whether growth is judged, and measured again.
    pub flat: bool,
    /// Whether the heap is looked at, to say who grows.
    pub looks: bool,
    /// The share of the heap's limit that may be alive.
    pub max_heap_share: Option<f64>,
    /// The bytes that may be alive.
    pub max_heap_bytes: Option<u64>,
    /// What is no growth.
    pub(crate) tolerances: Tolerances,
    /// Whether progress may be shown.
    pub progress: bool,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    /// Nothing grows.
    Flat,
    /// Something grew, but not twice the same, or ever less.
    Unsettled,
    /// Something grows, and did so again.
    Grows,
    /// More is alive than may be.
    OverLimit,
    /// The program ended while it was measured.
    Ended,
    /// There were too few looks to judge by.
    TooShort,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrialReport {
    pub(crate) started_at_ms: u64,
    pub(crate) interrupted: bool,
    pub(crate) command: Vec<String>,
    pub(crate) outcome: Outcome,
    /// What grows, where something does.
    pub(crate) growing: Option<Part>,
    /// What was alive, and what might have been, where that was too much.
    pub(crate) over_limit: Option<OverLimit>,
    /// How the program ended, where it did so by itself.
    pub(crate) exit: Option<Exit>,
    /// Measurements that were made.
    pub(crate) windows: u32,
    pub(crate) load: Option<LoadFigures>,
    /// The process that grows; of a program that is flat, the largest.
    pub(crate) memory: Option<Memory>,
    /// Its other processes.
    pub(crate) others: Vec<Memory>,
    /// Who grows.
    pub(crate) leak: Option<LeakReport>,
    /// What could not be had, each in a sentence.
    pub(crate) missing: Vec<String>,
}

/// Too much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OverLimit {
    pub(crate) live_heap_bytes: u64,
    pub(crate) max_bytes: u64,
    pub(crate) heap_limit_bytes: Option<u64>,
}

/// The end of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<String>,
}

impl Pace {
    /// What is to be done with a program, or with a process that runs.
    pub(crate) fn plan(&self, subject: &Subject<'_>) -> Result<TrialPlan, CliError> {
        let (command, pid) = match *subject {
            Subject::Command(command) => (command.to_vec(), None),
            Subject::Process(pid) => (Vec::new(), Some(pid)),
        };
        let load = match self.urls.is_empty() {
            true => None,
            false => Some(self.traffic.plan(&self.urls)?),
        };
        Ok(TrialPlan {
            samples: if pid.is_some() {
                SAMPLES_FROM_OUTSIDE
            } else {
                SAMPLES
            },
            command,
            pid,
            load,
            wait_ms: self.wait.0,
            warm_up_ms: self.warm_up.map_or(self.duration.0 / 2, |it| it.0),
            duration_ms: self.duration.0,
            flat: true,
            looks: true,
            max_heap_share: None,
            max_heap_bytes: None,
            tolerances: Tolerances::default(),
            progress: false,
        })
    }
}

/// Whose memory.
pub(crate) enum Subject<'a> {
    Command(&'a [String]),
    Process(u32),
}

impl TrialPlan {
    /// Bounds the live heap.
    pub(crate) fn bound(&mut self, bound: Option<Bound>) {
        match bound {
            Some(Bound::Share(share)) => self.max_heap_share = Some(share),
            Some(Bound::Bytes(bytes)) => self.max_heap_bytes = Some(bytes),
            None => {}
        }
    }
}

impl TrialReport {
    /// The report of the host's measurement, judged and printed.
    pub(crate) fn told(
        format: &Format,
        schema: &'static str,
        context: &mut Context,
    ) -> Result<Self, CliError> {
        let files = format.prepare(context)?;
        let mut report: Self = context.host.facts()?;
        report.judge();
        let document = describe::trial(&report);
        format.print(context, files, schema, &report, &document, None)?;
        if report.interrupted {
            return Err(CliError::Interrupted);
        }
        Ok(report)
    }

    /// Judges the curves of all processes.
    pub(crate) fn judge(&mut self) {
        let tolerances = Tolerances::default();
        for memory in self.memory.iter_mut().chain(&mut self.others) {
            memory.judge(&tolerances);
        }
    }

    /// What came of it, in a sentence without its point.
    pub(crate) fn sentence(&self) -> String {
        let bytes = crate::render::bytes;
        match self.outcome {
            Outcome::Flat => "memory is flat: nothing grows".to_owned(),
            Outcome::Unsettled => "memory grew for a while, but not on and on".to_owned(),
            Outcome::Grows => self.growth(),
            Outcome::OverLimit => match &self.over_limit {
                Some(over) => format!(
                    "{} of the heap is alive, and {} may be{}",
                    bytes(over.live_heap_bytes),
                    bytes(over.max_bytes),
                    over.heap_limit_bytes
                        .map(|limit| format!(" (its limit is {})", bytes(limit)))
                        .unwrap_or_default()
                ),
                None => "more of the heap is alive than may be".to_owned(),
            },
            Outcome::Ended => format!(
                "the program ended while it was measured{}",
                self.how_it_ended()
            ),
            Outcome::TooShort => format!(
                "there were too few looks to judge by{}; a longer --duration helps",
                self.how_it_ended()
            ),
        }
    }

    fn growth(&self) -> String {
        let bytes = crate::render::bytes;
        let part = self.growing.unwrap_or(Part::LiveHeap);
        let growth = self.memory.as_ref().and_then(|memory| memory.part(part));
        let Some(growth) = growth else {
            return format!("{} grows", part.title());
        };
        let [low, high] = growth
            .bytes_per_hour_interval
            .map(|slope| bytes(slope.max(0.0) as u64));
        let requests = match growth.bytes_per_1000_requests {
            Some(slope) if slope > 0.0 => format!(", {} per 1,000 requests", bytes(slope as u64)),
            _ => String::new(),
        };
        format!(
            "{} grows by {} an hour ({low} to {high}){requests}: {} → {} in {} measurements",
            part.title(),
            bytes(growth.bytes_per_hour.max(0.0) as u64),
            bytes(growth.first_bytes as u64),
            bytes(growth.last_bytes as u64),
            self.windows
        )
    }

    fn how_it_ended(&self) -> String {
        match &self.exit {
            Some(Exit {
                signal: Some(signal),
                ..
            }) => format!(" ({signal})"),
            Some(Exit {
                code: Some(code), ..
            }) => format!(" (exit code {code})"),
            _ => String::new(),
        }
    }

    /// Why a gate stays shut: nothing where it may open.
    pub(crate) fn failure(&self) -> Option<CliError> {
        let code = match self.outcome {
            Outcome::Flat | Outcome::Unsettled => return None,
            Outcome::Grows => "ERR_MEMGUARD_LEAK",
            Outcome::OverLimit => "ERR_MEMGUARD_HEAP_LIMIT",
            Outcome::Ended => "ERR_MEMGUARD_PROGRAM_ENDED",
            Outcome::TooShort => "ERR_MEMGUARD_TOO_SHORT",
        };
        Some(CliError::Verdict {
            code,
            message: self.sentence(),
        })
    }
}
