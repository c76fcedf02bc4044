//! The verbs, one file each: `Args` is its command line, `run` what it does.

pub(crate) mod analyze;
pub(crate) mod census;
pub(crate) mod ci;
pub(crate) mod compare_runs;
pub(crate) mod diff;
pub(crate) mod doctor;
mod heaps;
pub(crate) mod hunt;
pub(crate) mod load;
mod process;
pub(crate) mod profile;
pub(crate) mod query;
pub(crate) mod redact;
pub(crate) mod retainers;
pub(crate) mod snapshot;
pub(crate) mod traffic;
pub(crate) mod trial;

use crate::args::Verb;
use crate::context::Context;
use crate::error::CliError;

/// Runs a verb.
pub(crate) fn run(verb: Verb, context: &mut Context) -> Result<(), CliError> {
    match verb {
        Verb::Analyze(args) => analyze::run(&args, context),
        Verb::Census(args) => census::run(&args, context),
        Verb::Diff(args) => diff::run(&args, context),
        Verb::Retainers(args) => retainers::run(&args, context),
        Verb::Query(args) => query::run(&args, context),
        Verb::Redact(args) => redact::run(&args, context),
        Verb::Snapshot(args) => snapshot::run(&args, context),
        Verb::Profile(args) => profile::run(&args, context),
        Verb::Load(args) => load::run(&args, context),
        Verb::Ci(args) => ci::run(&args, context),
        Verb::Hunt(args) => hunt::run(&args, context),
        Verb::CompareRuns(args) => compare_runs::run(&args, context),
        Verb::Doctor(args) => doctor::run(&args, context),
    }
}
