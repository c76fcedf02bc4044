//! `memguard query`: objects that a filter lets through.

use memguard_heap_graph::query::Filter;
use memguard_heap_graph::retainers::query;

use super::heaps::{self, Format, Subject};
use crate::context::Context;
use crate::error::CliError;
use crate::heap::HeapError;
use crate::render::describe;

/// List objects by class, name, size, distance, path or content
///
/// A filter is made of tests: `class = LogEntry`, `retained > 1mb`, `string ~ "Bearer "`, `path ~ requestLog`,
/// `kind = closure`, `script ~ server.js`, `distance < 5`, `detached`; joined by `and`, `or`, `not`
/// and parentheses.
#[derive(Debug, clap::Args)]
// With --live or --core the filter alone is left.
#[command(allow_missing_positional = true)]
pub(crate) struct Args {
    #[command(flatten)]
    subject: Subject,
    /// The filter: `class = LogEntry and retained > 1mb`
    filter: String,
    /// Most rows
    #[arg(long, default_value_t = 50, value_name = "N")]
    top: usize,
    /// Threads; 0 for as many as there are
    #[arg(long, default_value_t = 0, value_name = "N")]
    threads: usize,
    #[command(flatten)]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    let page = args.format.prepare(context)?;
    let filter: Filter = args.filter.parse().map_err(HeapError::from)?;
    let (options, bar) = heaps::options(context, args.threads);
    let heap = args.subject.read(&options)?;
    let snapshot = heap.analyze(&options)?;
    let report = query(&snapshot, &filter, args.top).map_err(HeapError::from)?;
    bar.clear();
    let document = describe::query(&report);
    args.format
        .print(context, page, "memguard.query/1", &report, &document, None)
}
