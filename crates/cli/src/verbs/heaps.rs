//! What the verbs that read snapshots have in common.

use std::io::Write;
use std::path::{Path, PathBuf};

use memguard_heap_graph::{Phase, Progress as Step, ProgressListener};
use parking_lot::Mutex;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::heap::{Heap, HeapOptions, HeapSource};
use crate::input::{self, STDIN};
use crate::live::{Live, LiveProcess};
use crate::output::WholeFile;
use crate::progress::Progress;
use crate::render::document::Document;
use crate::render::{html, markdown, terminal};

/// Which heap: a snapshot, a process that runs, or one that died.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
#[command(group(clap::ArgGroup::new("heap").required(true).multiple(false)))]
pub(crate) struct Subject {
    /// The snapshot, `.gz` and `.zst` included; `-` for standard input
    #[arg(group = "heap")]
    file: Option<PathBuf>,
    /// The process of this id instead: it stands still for a moment
    #[arg(long, group = "heap", value_name = "PID")]
    live: Option<u32>,
    /// A core dump instead
    #[arg(long, group = "heap", value_name = "FILE")]
    core: Option<PathBuf>,
    /// Of a process or a core dump, the heap of a worker, by the id of its thread: `memguard census` names them
    #[arg(long, value_name = "TID", conflicts_with = "file")]
    worker: Option<u32>,
}

impl Subject {
    /// Reads the heap.
    pub(crate) fn read(&self, options: &HeapOptions) -> Result<Heap, CliError> {
        let process = match (&self.file, self.live, &self.core) {
            (Some(file), ..) => return read(file, options),
            (None, Some(pid), _) => LiveProcess::Running(pid),
            (None, None, Some(file)) => LiveProcess::Core {
                file: file.clone(),
                executable: None,
            },
            (None, None, None) => return Err(CliError::Arguments("no heap was named".into())),
        };
        let thread = self.worker;
        Ok(Heap::read(
            HeapSource::Live(Live { process, thread }),
            options,
        )?)
    }
}

/// How a report is printed.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Format {
    /// Print JSON
    #[arg(long, conflicts_with_all = ["markdown", "html"])]
    json: bool,
    /// Print Markdown
    #[arg(long, conflicts_with = "html")]
    markdown: bool,
    /// Write a page for a browser: one file, with everything in it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the report as JSON to a file besides
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// The files that a report goes to.
#[derive(Default)]
pub(crate) struct Files {
    page: Option<WholeFile>,
    output: Option<WholeFile>,
}

impl Files {
    /// Whether there is a page for a browser, which has more room.
    pub(crate) fn has_page(&self) -> bool {
        self.page.is_some()
    }
}

/// A report with the name of its form, for `--json`.
#[derive(Serialize)]
struct Envelope<'r, R> {
    schema: &'static str,
    #[serde(flatten)]
    report: &'r R,
}

impl Format {
    /// Says early what would fail late, and how errors are told.
    pub(crate) fn prepare(&self, context: &mut Context) -> Result<Files, CliError> {
        context.json_errors = self.json;
        let create = |path: &Option<PathBuf>| {
            path.as_ref()
                .map(|path| WholeFile::create(path, self.force))
                .transpose()
        };
        Ok(Files {
            page: create(&self.html)?,
            output: create(&self.output)?,
        })
    }

    /// Fails early, changing nothing, where [`prepare`](Self::prepare) would.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        let taken = [&self.html, &self.output]
            .into_iter()
            .flatten()
            .find(|path| !self.force && path.symlink_metadata().is_ok());
        taken.map_or(Ok(()), |path| Err(CliError::taken(path)))
    }

    /// Prints a report. `chart`: what the page draws.
    pub(crate) fn print<R: Serialize>(
        &self,
        context: &mut Context,
        files: Files,
        schema: &'static str,
        report: &R,
        document: &Document,
        chart: Option<html::Chart<'_>>,
    ) -> Result<(), CliError> {
        let json = || -> Result<String, CliError> {
            let mut json = serde_json::to_string_pretty(&Envelope { schema, report })
                .map_err(std::io::Error::from)?;
            json.push('\n');
            Ok(json)
        };
        if let Some(mut file) = files.output {
            file.write_all(json()?.as_bytes())?;
            file.finish()?;
        }
        if let Some(mut file) = files.page {
            file.write_all(html::draw(document, chart).as_bytes())?;
            file.finish()?;
            if let Some(path) = &self.html {
                context
                    .out
                    .write_all(format!("{}\n", path.display()).as_bytes())?;
            }
            return Ok(());
        }
        let text = if self.json {
            json()?
        } else if self.markdown {
            markdown::draw(document)
        } else {
            terminal::draw(document, context.style)
        };
        context.out.write_all(text.as_bytes())?;
        Ok(())
    }
}

/// Where snapshots are read from: at most one of them standard input.
pub(crate) fn sources(files: &[&Path]) -> Result<Vec<HeapSource>, CliError> {
    if files
        .iter()
        .filter(|file| file.as_os_str() == STDIN)
        .count()
        > 1
    {
        let message = "only one snapshot can come from standard input";
        return Err(CliError::Arguments(message.into()));
    }
    Ok(files
        .iter()
        .map(|file| match file.as_os_str() == STDIN {
            true => HeapSource::Stream(Box::new(std::io::stdin()), input::shown(file)),
            false => HeapSource::File(file.to_path_buf()),
        })
        .collect())
}

/// How heaps are read by a verb, and the bar that tells of it.
pub(crate) fn options(context: &Context, threads: usize) -> (HeapOptions, Progress) {
    let bar = Progress::new(context.progress);
    let told = bar.clone();
    let phase: Mutex<Option<Phase>> = Mutex::new(None);
    let listener = ProgressListener::new(move |step: Step| {
        let mut phase = phase.lock();
        if *phase != Some(step.phase) || step.done == 0 {
            *phase = Some(step.phase);
            match step.phase {
                Phase::Read => told.bytes(step.phase.as_str(), step.total),
                _ => told.steps(step.phase.as_str(), step.total),
            }
        }
        told.set(step.done);
    });
    let options = HeapOptions {
        threads,
        cancel: context.cancel.clone(),
        progress: context.progress.then_some(listener),
    };
    (options, bar)
}

/// Reads one heap.
pub(crate) fn read(file: &Path, options: &HeapOptions) -> Result<Heap, CliError> {
    let mut sources = sources(&[file])?;
    let source = sources.remove(0);
    Ok(Heap::read(source, options)?)
}
