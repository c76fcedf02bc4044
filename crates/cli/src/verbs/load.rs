//! `memguard load`: HTTP load, and the memory of the process that bears it.

use serde::{Deserialize, Serialize};

use super::heaps::Format;
use super::traffic::{LoadPlan, Traffic};
use crate::context::Context;
use crate::error::CliError;
use crate::render::describe;
use crate::run::{LoadFigures, Memory, Tolerances};
use crate::units::Millis;

/// How long it takes where nobody says.
const DURATION_MS: u64 = 10_000;

/// Put a server under HTTP load, and show its memory beside it
///
/// Each of the callers asks, waits for the answer and asks again. With --rate requests are due at fixed times instead, and what waits
/// behind a stall counts as waiting: latency is measured from when a request was due.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to ask; several take turns. `{i}` in it is replaced by the number of the request
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// For how long: 30s, 5m; 10s where neither this nor --requests is given
    #[arg(long, short, value_name = "TIME")]
    duration: Option<Millis>,
    /// So many requests and no more
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    requests: Option<u64>,
    #[command(flatten)]
    traffic: Traffic,
    /// The process whose memory is shown beside
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Its live heap too, by reading it from outside: it stands still for moments, some twelve times
    #[arg(long, requires = "pid")]
    live_heap: bool,
    #[command(flatten)]
    format: Format,
}

/// What JavaScript is to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadJob {
    /// What is sent.
    pub load: LoadPlan,
    /// For how long.
    pub duration_ms: Option<u64>,
    /// Whose memory is looked at.
    pub pid: Option<u32>,
    /// Whether its heap is counted.
    pub live_heap: bool,
    /// Whether progress may be shown.
    pub progress: bool,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoadReport {
    /// When it began, in ms since 1970.
    pub(crate) started_at_ms: u64,
    /// Whether it was ended before its time.
    pub(crate) interrupted: bool,
    pub(crate) load: LoadFigures,
    pub(crate) memory: Option<Memory>,
    /// What could not be measured, and why.
    #[serde(default)]
    pub(crate) missing: Vec<String>,
}

impl Args {
    pub(crate) fn job(&self, progress: bool) -> Result<LoadJob, CliError> {
        self.format.check()?;
        let mut load = self.traffic.plan(&self.urls)?;
        load.requests = self.requests;
        let duration = self.duration.map(|duration| duration.0);
        Ok(LoadJob {
            load,
            duration_ms: duration.or(self.requests.is_none().then_some(DURATION_MS)),
            pid: self.pid,
            live_heap: self.live_heap,
            progress,
        })
    }
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    args.job(false)?;
    let page = args.format.prepare(context)?;
    let mut report: LoadReport = context.host.facts()?;
    if let Some(memory) = &mut report.memory {
        memory.judge(&Tolerances::default());
    }
    let document = describe::load(&report);
    args.format
        .print(context, page, "memguard.load/1", &report, &document, None)?;
    if report.interrupted {
        return Err(CliError::Interrupted);
    }
    Ok(())
}
