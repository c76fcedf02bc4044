//! `memguard diff`: what grew between two or three snapshots, and who holds it.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use memguard_heap_graph::diff::DiffOptions;
use memguard_heap_graph::report::DiffBy;

use super::heaps::{self, Format};
use crate::context::Context;
use crate::error::CliError;
use crate::heap;
use crate::render::describe;

/// Say what grew between two or three snapshots, and who holds it
///
/// With three, also what came between the first two and is alive in the third.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The oldest snapshot
    before: PathBuf,
    /// A later one
    after: PathBuf,
    /// A still later one
    third: Option<PathBuf>,
    /// What objects are matched by; without, what the files say decides
    #[arg(long, value_enum)]
    by: Option<By>,
    /// Most rows of a list
    #[arg(long, default_value_t = 20, value_name = "N")]
    top: usize,
    /// Threads; 0 for as many as there are
    #[arg(long, default_value_t = 0, value_name = "N")]
    threads: usize,
    #[command(flatten)]
    format: Format,
}

/// What objects are matched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// Object ids, as in DevTools: snapshots of one process, taken in place
    Ids,
    /// Who holds them: forked snapshots, other processes, pods, releases
    Signature,
}

impl From<By> for DiffBy {
    fn from(by: By) -> Self {
        match by {
            By::Ids => Self::Ids,
            By::Signature => Self::Signature,
        }
    }
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    let page = args.format.prepare(context)?;
    let files: Vec<&Path> = [Some(&args.before), Some(&args.after), args.third.as_ref()]
        .into_iter()
        .flatten()
        .map(PathBuf::as_path)
        .collect();
    let sources = heaps::sources(&files)?;
    let (options, bar) = heaps::options(context, args.threads);
    let mut how = DiffOptions::default();
    how.by = args.by.map(DiffBy::from);
    how.classes = args.top;
    how.clusters = args.top;
    how.analyze = options.analyze();
    let report = heap::compare(sources, how, &options)?;
    bar.clear();
    let document = describe::diff(&report);
    args.format
        .print(context, page, "memguard.diff/1", &report, &document, None)
}
