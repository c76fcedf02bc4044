//! `memguard snapshot`: a file for DevTools of the heap of a process, without V8's generator.

use std::io::Write;
use std::path::PathBuf;

use super::heaps;
use super::process::Process;
use crate::context::Context;
use crate::error::CliError;
use crate::output::WholeFile;

/// Write the heap of a running Node.js process, or of one that died, as a `.heapsnapshot` for DevTools
///
/// V8 itself is not asked: the process stands still for as long as it takes to copy its heap.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    process: Process,
    /// The file
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    let mut file = WholeFile::create(&args.output, args.force)?;
    let live = args.process.live()?;
    let (options, bar) = heaps::options(context, 0);
    let heap = crate::heap::Heap::read(crate::heap::HeapSource::Live(live), &options)?;
    bar.clear();
    heap.write(&mut file)?;
    file.finish()?;
    context
        .out
        .write_all(format!("{}\n", args.output.display()).as_bytes())?;
    Ok(())
}
