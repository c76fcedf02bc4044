//! `memguard ci`: a program under load, as a gate.

use super::heaps::Format;
use super::trial::{Pace, Subject, TrialPlan, TrialReport};
use crate::context::Context;
use crate::error::CliError;
use crate::units::Bound;

/// Run a program under load and fail if its memory grows
///
/// After a warm-up the live heap (all garbage collected), external memory and RSS of each of its processes are measured. What grows is
/// measured again; if it does so again, the report says what and who holds it, and the exit code is 1. With 0 it may pass.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Fail if memory grows; so it is as well where --max-heap is not given
    #[arg(long)]
    flat: bool,
    /// Fail if more of the heap is alive: a share of its limit such as 85%, or a size such as 400mb
    #[arg(long, value_name = "BOUND")]
    max_heap: Option<Bound>,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    format: Format,
    /// The program and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Args {
    pub(crate) fn plan(&self, progress: bool) -> Result<TrialPlan, CliError> {
        self.format.check()?;
        let mut plan = self.pace.plan(&Subject::Command(&self.command))?;
        plan.flat = self.flat || self.max_heap.is_none();
        plan.looks = plan.flat;
        plan.bound(self.max_heap);
        plan.progress = progress;
        Ok(plan)
    }
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    args.plan(false)?;
    let report = TrialReport::told(&args.format, "memguard.ci/1", context)?;
    report.failure().map_or(Ok(()), Err)
}
