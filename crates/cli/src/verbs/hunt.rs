//! `memguard hunt`: from a rising curve to the line of code.

use super::heaps::Format;
use super::trial::{Outcome, Pace, Subject, TrialPlan, TrialReport};
use crate::context::Context;
use crate::error::CliError;

/// Find a leak: in a process that runs, or in a program that is run under load
///
/// Confirms that memory grows, leaves out the warm-up, looks at the heap early and late, compares, and names what grows, who holds it
/// and where. The process needs to know nothing of memguard. With --verify, after the fix: fails unless memory is flat.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).multiple(false)))]
pub(crate) struct Args {
    /// The process
    #[arg(group = "whom")]
    pid: Option<u32>,
    /// Fail unless memory is flat: for the program with its fix
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    pace: Pace,
    #[command(flatten)]
    format: Format,
    /// The program and its arguments, after `--`
    #[arg(last = true, group = "whom", value_name = "COMMAND")]
    command: Vec<String>,
}

impl Args {
    pub(crate) fn plan(&self, progress: bool) -> Result<TrialPlan, CliError> {
        self.format.check()?;
        let subject = match self.pid {
            Some(pid) => Subject::Process(pid),
            None => Subject::Command(&self.command),
        };
        let mut plan = self.pace.plan(&subject)?;
        plan.progress = progress;
        Ok(plan)
    }
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    args.plan(false)?;
    let report = TrialReport::told(&args.format, "memguard.hunt/1", context)?;
    let found = report.outcome == Outcome::Grows && !args.verify;
    match report.failure() {
        Some(failure) if !found => Err(failure),
        _ => Ok(()),
    }
}
