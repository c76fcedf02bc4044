//! `memguard compare-runs`: whether a fix is one.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use memguard_trend::curve::Course;
use serde::Serialize;

use super::heaps::Format;
use crate::context::Context;
use crate::error::CliError;
use crate::render::describe;
use crate::run::{LoadFigures, Memory, Part, PartGrowth, Run, Tolerances};

/// No run of ours comes near it.
const MOST_BYTES: u64 = 64 << 20;
/// Files that can be compared.
const SCHEMAS: [&str; 3] = ["memguard.load/1", "memguard.ci/1", "memguard.hunt/1"];

/// Compare two runs, before and after a fix: does memory still grow, and what became of the throughput?
///
/// Takes what load, ci or hunt have written with --json or --output. Exit code 0: nothing grows after; 1: something does.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run before
    before: PathBuf,
    /// The run after
    after: PathBuf,
    #[command(flatten)]
    format: Format,
}

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Change {
    /// It grew neither before nor after.
    Flat,
    /// It grew before, and does not any more.
    Fixed,
    /// Nobody can say, with so few points.
    Unknown,
    /// It grows, but more slowly than before.
    Slower,
    /// It grows as before.
    StillGrows,
    /// It grows, and did not before.
    Worse,
}

/// One part of memory in both.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartChange {
    pub(crate) part: Part,
    pub(crate) change: Change,
    pub(crate) before: PartGrowth,
    pub(crate) after: PartGrowth,
}

/// Both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunComparison {
    pub(crate) before_file: String,
    pub(crate) after_file: String,
    /// The worst of all parts.
    pub(crate) change: Change,
    /// In a sentence.
    pub(crate) sentence: String,
    pub(crate) memory: Vec<PartChange>,
    pub(crate) load: Option<[LoadFigures; 2]>,
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    let page = args.format.prepare(context)?;
    let (before, after) = (read(&args.before)?, read(&args.after)?);
    let report = compare([&args.before, &args.after], before, after);
    let document = describe::compare_runs(&report);
    args.format.print(
        context,
        page,
        "memguard.compare-runs/1",
        &report,
        &document,
        None,
    )?;
    match report.change {
        Change::Flat | Change::Fixed => Ok(()),
        _ => Err(CliError::Verdict {
            code: "ERR_MEMGUARD_LEAK",
            message: report.sentence,
        }),
    }
}

fn read(path: &Path) -> Result<Run, CliError> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut text))
        .map_err(|error| CliError::file(path, error))?;
    let wrong = |what: String| {
        let path = path.display();
        CliError::Arguments(format!(
            "{path} {what}; expected what memguard load, ci or hunt write with --json or --output"
        ))
    };
    let mut run: Run =
        serde_json::from_slice(&text).map_err(|error| wrong(format!("is no run: {error}")))?;
    if !SCHEMAS.contains(&run.schema.as_str()) {
        return Err(wrong(format!("is of the form {:?}", run.schema)));
    }
    match &mut run.memory {
        Some(memory) => memory.judge(&Tolerances::default()),
        None => {
            return Err(wrong(
                "has no curve of memory (load has one with --pid)".to_owned(),
            ));
        }
    }
    Ok(run)
}

fn compare(files: [&Path; 2], before: Run, after: Run) -> RunComparison {
    let memory = match (&before.memory, &after.memory) {
        (Some(before), Some(after)) => changes(before, after),
        _ => Vec::new(),
    };
    let change = memory
        .iter()
        .map(|part| part.change)
        .max()
        .unwrap_or(Change::Unknown);
    let [before_file, after_file] = files.map(|file| file.display().to_string());
    RunComparison {
        sentence: sentence(change, &memory),
        before_file,
        after_file,
        change,
        memory,
        load: match (before.load, after.load) {
            (Some(before), Some(after)) => Some([before, after]),
            _ => None,
        },
    }
}

fn changes(before: &Memory, after: &Memory) -> Vec<PartChange> {
    Part::ALL
        .into_iter()
        .filter_map(|part| {
            let (before, after) = (*before.part(part)?, *after.part(part)?);
            let change = change_of(&before, &after);
            Some(PartChange {
                part,
                change,
                before,
                after,
            })
        })
        .collect()
}

fn change_of(before: &PartGrowth, after: &PartGrowth) -> Change {
    match (before.course, after.course) {
        (_, Course::Unknown) | (Course::Unknown, _) => Change::Unknown,
        (Course::Grows, Course::Grows) if is_slower(before, after) => Change::Slower,
        (Course::Grows, Course::Grows) => Change::StillGrows,
        (_, Course::Grows) => Change::Worse,
        (Course::Grows, _) => Change::Fixed,
        _ => Change::Flat,
    }
}

/// Whether the intervals of the slopes lie apart: by requests where both had some, for the load may have been another.
fn is_slower(before: &PartGrowth, after: &PartGrowth) -> bool {
    let (before, after) = match (
        before.bytes_per_1000_requests_interval,
        after.bytes_per_1000_requests_interval,
    ) {
        (Some(before), Some(after)) => (before, after),
        _ => (
            before.bytes_per_hour_interval,
            after.bytes_per_hour_interval,
        ),
    };
    after[1] < before[0]
}

fn sentence(change: Change, memory: &[PartChange]) -> String {
    let of = |wanted: Change| -> String {
        let names: Vec<&str> = memory
            .iter()
            .filter(|part| part.change == wanted)
            .map(|part| part.part.title())
            .collect();
        names.join(" and ")
    };
    match change {
        Change::Flat => "nothing grows, neither before nor after".to_owned(),
        Change::Fixed => format!("fixed: {} grew before and does not any more", of(change)),
        Change::Unknown => "it cannot be told: too few samples in one of the runs".to_owned(),
        Change::Slower => format!(
            "not fixed: {} grows more slowly, and still grows",
            of(change)
        ),
        Change::StillGrows => format!("not fixed: {} grows as before", of(change)),
        Change::Worse => format!("worse: {} grows, and did not before", of(change)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Sample;

    const MB: f64 = 1_048_576.0;

    fn run_of(per_sample: f64) -> Run {
        let samples = (0..20_u32)
            .map(|at| Sample {
                at_ms: f64::from(at) * 500.0,
                requests: u64::from(at) * 100,
                rss_bytes: Some((80.0 * MB) as u64),
                live_heap_bytes: Some((10.0 * MB + f64::from(at) * per_sample) as u64),
                external_bytes: None,
                window: 1,
            })
            .collect();
        let mut memory = Memory {
            pid: 7,
            samples,
            ..Memory::default()
        };
        memory.judge(&Tolerances::default());
        Run {
            schema: SCHEMAS[0].to_owned(),
            load: None,
            memory: Some(memory),
        }
    }

    fn change(before: f64, after: f64) -> Change {
        let file = Path::new("run.json");
        compare([file, file], run_of(before), run_of(after)).change
    }

    #[test]
    fn a_fix_is_told_from_none() {
        assert_eq!(change(MB, 0.0), Change::Fixed);
        assert_eq!(change(0.0, 0.0), Change::Flat);
        assert_eq!(change(MB, MB), Change::StillGrows);
        assert_eq!(change(MB, MB / 4.0), Change::Slower);
        assert_eq!(change(0.0, MB), Change::Worse);
    }

    #[test]
    fn too_little_proves_nothing() {
        let mut short = run_of(MB);
        if let Some(memory) = &mut short.memory {
            memory.samples.truncate(4);
            memory.judge(&Tolerances::default());
        }
        let file = Path::new("run.json");
        let report = compare([file, file], run_of(MB), short);
        assert_eq!(report.change, Change::Unknown);
        assert!(report.sentence.contains("too few"));
    }
}
