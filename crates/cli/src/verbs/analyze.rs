//! `memguard analyze`: what is in a heap.

use memguard_heap_graph::insights::{ReportOptions, analyze};

use super::heaps::{self, Format, Subject};
use crate::context::Context;
use crate::error::CliError;
use crate::heap::HeapError;
use crate::render::describe::{self, Rows};
use crate::render::html::Chart;

/// Rows of the tree that a page has for its picture.
const TILES: usize = 3000;
/// Rows of a list on a page, where there is room.
const PAGE_ROWS: usize = 100;

/// Say what is in a heap: classes, dominators, duplicate strings, wasted room, packages
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    subject: Subject,
    /// Most rows of a list
    #[arg(long, default_value_t = 15, value_name = "N")]
    top: usize,
    /// Threads; 0 for as many as there are
    #[arg(long, default_value_t = 0, value_name = "N")]
    threads: usize,
    #[command(flatten)]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    let page = args.format.prepare(context)?;
    let (options, bar) = heaps::options(context, args.threads);
    let heap = args.subject.read(&options)?;
    let snapshot = heap.analyze(&options)?;
    let rows = match page.has_page() {
        true => args.top.max(PAGE_ROWS),
        false => args.top,
    };
    let mut limits = ReportOptions::default();
    limits.classes = rows;
    limits.rows = rows;
    if page.has_page() {
        limits.dominators = TILES;
    }
    let report = analyze(&snapshot, &limits).map_err(HeapError::from)?;
    bar.clear();
    let shown = Rows {
        dominators: args.top * 2,
        others: rows,
    };
    let document = describe::analyze(&report, shown);
    let chart = Chart::Dominators(&report.dominators);
    args.format.print(
        context,
        page,
        "memguard.analyze/1",
        &report,
        &document,
        Some(chart),
    )
}
