//! What a command needs JavaScript to do before it can tell anything.

use std::ffi::OsString;

use serde::Serialize;

use crate::args::{self, Verb};
use crate::error::CliError;
use crate::verbs::load::LoadJob;
use crate::verbs::trial::TrialPlan;

/// Work for the process around the command. Its outcome goes back as [`Host::facts`](crate::Host).
#[derive(Debug, Serialize)]
#[serde(tag = "name", content = "plan", rename_all = "camelCase")]
pub enum Job {
    /// `capabilities()`.
    Capabilities,
    /// HTTP load, and the memory of a process beside it.
    Load(LoadJob),
    /// A program or process, measured until it is certain whether its memory grows.
    Trial(Box<TrialPlan>),
}

/// What `args` need; nothing where they need nothing, or make no sense: then [`run`](crate::run) says so.
#[must_use]
pub fn job(args: Vec<OsString>) -> Option<Job> {
    let parsed = args::parse(args).ok()?;
    let shown = !parsed.quiet;
    let job: Result<Job, CliError> = match &parsed.verb {
        Verb::Doctor(_) => Ok(Job::Capabilities),
        Verb::Load(args) => args.job(shown).map(Job::Load),
        Verb::Ci(args) => args.plan(shown).map(|plan| Job::Trial(Box::new(plan))),
        Verb::Hunt(args) => args.plan(shown).map(|plan| Job::Trial(Box::new(plan))),
        _ => return None,
    };
    job.ok()
}
