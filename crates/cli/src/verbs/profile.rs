//! `memguard profile`: who allocates, from a profile file.

use std::io::Read;
use std::path::{Path, PathBuf};

use memguard_heap_graph::compress;
use memguard_profile::compare::compare;
use memguard_profile::sites::{ReportOptions, report};
use memguard_profile::{Profile, ProfileError, read};

use super::heaps::Format;
use crate::context::Context;
use crate::error::CliError;
use crate::input::{self, Source};
use crate::render::describe;
use crate::render::html::Chart;

/// Boxes of the flame graph on a page.
const BOXES: usize = 4000;
/// Rows of a list on a page, where there is room.
const PAGE_ROWS: usize = 100;
/// No profile comes near it: V8 would have died of it.
const MOST_BYTES: u64 = 2 << 30;

/// Say who allocates: functions, what the app's own code causes, a flame graph
///
/// Reads `.heapprofile` files, from `guard.profile()` or from Chrome DevTools.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The profile, `.gz` and `.zst` included; `-` for standard input
    file: PathBuf,
    /// An earlier profile: say what has changed since
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// Most rows of a list
    #[arg(long, default_value_t = 15, value_name = "N")]
    top: usize,
    #[command(flatten)]
    format: Format,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    let page = args.format.prepare(context)?;
    let rows = match page.has_page() {
        true => args.top.max(PAGE_ROWS),
        false => args.top,
    };
    let profile = open(&args.file, context)?;
    if let Some(since) = &args.since {
        let mut comparison = compare(&open(since, context)?, &profile, rows);
        comparison.before.file = Some(input::shown(since));
        comparison.after.file = Some(input::shown(&args.file));
        let document = describe::profiles_compared(&comparison);
        let schema = "memguard.profiles-compared/1";
        return args
            .format
            .print(context, page, schema, &comparison, &document, None);
    }
    let mut options = ReportOptions::default();
    options.rows = rows;
    options.flame = if page.has_page() { BOXES } else { 0 };
    let mut report = report(&profile, &options);
    report.source.file = Some(input::shown(&args.file));
    let document = describe::profile(&report);
    let chart = Some(Chart::Flame(&report.flame));
    let schema = "memguard.profile/1";
    args.format
        .print(context, page, schema, &report, &document, chart)
}

fn open(file: &Path, context: &Context) -> Result<Profile, CliError> {
    let failed = |error| match context.cancel.is_cancelled() {
        true => CliError::Interrupted,
        false => CliError::file(Path::new(&input::shown(file)), error),
    };
    let source = Source::open(file, &context.cancel)?;
    let mut json = Vec::new();
    compress::decompressed(source)
        .and_then(|plain| plain.take(MOST_BYTES).read_to_end(&mut json))
        .map_err(failed)?;
    let parsed = match json.len() as u64 {
        MOST_BYTES.. => Err(ProfileError::TooLarge(format!(
            "it has more than {MOST_BYTES} bytes"
        ))),
        _ => read(&json),
    };
    parsed.map_err(|source| CliError::Profile {
        file: input::shown(file),
        source,
    })
}
