//! `memguard census`: what is in the heap of a process.

use std::path::PathBuf;

use super::heaps::Format;
use crate::context::Context;
use crate::error::CliError;
use crate::live::Live;

/// Count what is in the heap of a running Node.js process, or of one that died
///
/// The process needs to know nothing of memguard. It is stopped for as long as it takes to copy its heap, and goes on
/// before the heap is looked at. Takes the right to trace it: the same user, or CAP_SYS_PTRACE.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("process").required(true).multiple(false)))]
pub(crate) struct Args {
    /// The process
    #[arg(group = "process")]
    pid: Option<u32>,
    /// A core dump instead
    #[arg(long, group = "process", value_name = "FILE")]
    core: Option<PathBuf>,
    /// The node binary that died, where the core dump doesn't say or it was moved
    #[arg(long, requires = "core", value_name = "FILE")]
    executable: Option<PathBuf>,
    /// Most rows
    #[arg(long, default_value_t = 30, value_name = "N")]
    top: usize,
    #[command(flatten)]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    let page = args.format.prepare(context)?;
    let live = match (args.pid, &args.core) {
        (Some(pid), _) => Live::Process(pid),
        (None, Some(file)) => Live::Core {
            file: file.clone(),
            executable: args.executable.clone(),
        },
        (None, None) => return Err(CliError::Arguments("no process was named".into())),
    };
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
