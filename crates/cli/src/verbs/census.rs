//! `memguard census`: what is in the heap of a process.

use super::heaps::Format;
use super::process::Process;
use crate::context::Context;
use crate::error::CliError;

/// Count what is in the heap of a running Node.js process, or of one that died
///
/// The process needs to know nothing of memguard. It is stopped for as long as it takes to copy its heap, and goes on
/// before the heap is looked at. Takes the right to trace it: the same user, or CAP_SYS_PTRACE.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    process: Process,
    /// Most rows
    #[arg(long, default_value_t = 30, value_name = "N")]
    top: usize,
    #[command(flatten)]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    let page = args.format.prepare(context)?;
    let live = args.process.live()?;
    #[cfg(not(target_os = "linux"))]
    {
        let _ = page;
        Err(crate::live::unsupported(&live).into())
    }
    #[cfg(target_os = "linux")]
    {
        let report = crate::live::census_of(&live, args.top)?;
        let document = crate::render::describe::census(&report);
        args.format
            .print(context, page, "memguard.census/1", &report, &document, None)
    }
}
