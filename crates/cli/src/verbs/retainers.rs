//! `memguard retainers`: who holds certain objects.

use memguard_heap_graph::query::Filter;
use memguard_heap_graph::retainers::{RetainersOptions, retainers};

use super::heaps::{self, Format, Subject};
use crate::context::Context;
use crate::error::CliError;
use crate::heap::HeapError;
use crate::render::describe;

/// Say who holds objects, in the words of the source
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("target").required(true).multiple(false)))]
pub(crate) struct Args {
    #[command(flatten)]
    subject: Subject,
    /// Objects of this class: `LogEntry`
    #[arg(long, group = "target", value_name = "NAME")]
    class: Option<String>,
    /// The object with this id, as DevTools shows it: `@1234`
    #[arg(long, group = "target", value_parser = id)]
    id: Option<u64>,
    /// What a variable or property of this name refers to: `requestLog`
    #[arg(long, group = "target")]
    name: Option<String>,
    /// Objects that a filter lets through, as in `memguard query`
    #[arg(long, group = "target", value_name = "FILTER")]
    filter: Option<String>,
    /// Most rows of a list
    #[arg(long, default_value_t = 20, value_name = "N")]
    top: usize,
    /// Threads; 0 for as many as there are
    #[arg(long, default_value_t = 0, value_name = "N")]
    threads: usize,
    #[command(flatten)]
    format: Format,
}

fn id(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix('@').unwrap_or(text);
    digits
        .parse()
        .map_err(|_| "expected a number such as 1234 or @1234".into())
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    let page = args.format.prepare(context)?;
    let filter = match (&args.class, args.id, &args.name, &args.filter) {
        (Some(class), ..) => Filter::class(class),
        (_, Some(id), ..) => Filter::id(id),
        (_, _, Some(name), _) => Filter::name(name),
        (.., Some(filter)) => filter.parse().map_err(HeapError::from)?,
        _ => return Err(CliError::Arguments("nothing was asked for".into())),
    };
    let (options, bar) = heaps::options(context, args.threads);
    let heap = args.subject.read(&options)?;
    let snapshot = heap.analyze(&options)?;
    let mut limits = RetainersOptions::default();
    limits.clusters = args.top;
    limits.holders = args.top;
    let report = retainers(&snapshot, &filter, &limits).map_err(HeapError::from)?;
    bar.clear();
    let document = describe::retainers(&report);
    args.format.print(
        context,
        page,
        "memguard.retainers/1",
        &report,
        &document,
        None,
    )
}
