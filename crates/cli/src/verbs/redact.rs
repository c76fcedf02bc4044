//! `memguard redact`: takes what users typed out of a snapshot.

use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::ValueEnum;
use memguard_heap_graph::compress::{self, Compression, Compressor};
use memguard_heap_graph::redact::{Redact, RedactError, RedactKey, Redactor};

use crate::context::Context;
use crate::error::CliError;
use crate::input::{self, STDIN, Source};
use crate::output::WholeFile;
use crate::progress::Progress;
use crate::render::bytes;

/// Longest key that is read from a file.
const MOST_KEY_BYTES: u64 = 64 << 10;

/// Take what users typed out of a snapshot, before it leaves the house
///
/// Contents of strings, numbers and regular expressions, keys of maps, names that look like data: each becomes a hash of
/// the same length. Classes, functions, variables, sizes and the shape of the heap stay, so that a leak is found as
/// before. The result opens in Chrome DevTools.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The snapshot, `.gz` and `.zst` included; `-` for standard input
    file: PathBuf,
    /// Where the result goes; compressed if it ends in `.gz` or `.zst`; `-` for standard output
    #[arg(long, short)]
    output: PathBuf,
    /// What goes: `strings` (values), `all` (names of properties and folders as well)
    #[arg(long, value_enum, default_value_t = Mode::Strings)]
    mode: Mode,
    /// A file with at least 16 secret bytes: equal strings then have equal hashes in all files made with it
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Replace the output file if there is one
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    Strings,
    All,
}

impl From<Mode> for Redact {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Strings => Self::Strings,
            Mode::All => Self::All,
        }
    }
}

pub(crate) fn run(args: &Args, context: &mut Context) -> Result<(), CliError> {
    let key = key(args)?;
    let source = Source::open(&args.file, &context.cancel)?;
    if args.output.as_os_str() == STDIN {
        let out = BufWriter::with_capacity(64 << 10, &mut context.out);
        let progress = context.progress;
        let cancel = context.cancel.clone();
        pipe(args, source, out, &key, &Progress::new(progress), || {
            cancel.is_cancelled()
        })?;
        return Ok(());
    }
    let output = WholeFile::create(&args.output, args.force)?;
    let progress = Progress::new(context.progress);
    let cancel = context.cancel.clone();
    let (output, read) = pipe(args, source, output, &key, &progress, || {
        cancel.is_cancelled()
    })?;
    output.finish()?;
    let written = std::fs::metadata(&args.output).map_or(0, |written| written.len());
    let line = format!(
        "{} → {} ({} → {})\n",
        input::shown(&args.file),
        args.output.display(),
        bytes(read),
        bytes(written)
    );
    context.out.write_all(line.as_bytes())?;
    Ok(())
}

fn key(args: &Args) -> Result<RedactKey, CliError> {
    let wrong = |file: &Path, source| CliError::Redact {
        file: file.display().to_string(),
        source,
    };
    let Some(file) = &args.key_file else {
        return RedactKey::random().map_err(|error| wrong(&args.file, error));
    };
    let mut secret = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(MOST_KEY_BYTES).read_to_end(&mut secret))
        .map_err(|error| CliError::file(file, error))?;
    RedactKey::derive(secret.trim_ascii()).map_err(|error| wrong(file, error))
}

/// Reads all of `source` through the redactor into `out`; answers it and how much was read.
fn pipe<W: Write>(
    args: &Args,
    source: Source,
    out: W,
    key: &RedactKey,
    progress: &Progress,
    cancelled: impl Fn() -> bool,
) -> Result<(W, u64), CliError> {
    let read_failed = |error| CliError::file(Path::new(&input::shown(&args.file)), error);
    let redact_failed = |source| match source {
        RedactError::Write { kind, message } => {
            CliError::file(&args.output, std::io::Error::new(kind, message))
        }
        source => CliError::Redact {
            file: input::shown(&args.file),
            source,
        },
    };
    progress.bytes("redacting", source.length);
    let taken = source.count();
    let mut plain = compress::decompressed(source).map_err(read_failed)?;
    let compressor = Compressor::new(out, Compression::of_path(&args.output))
        .map_err(|error| CliError::file(&args.output, error))?;
    let mut redactor = Redactor::new(compressor, args.mode.into(), key);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match plain.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(_) if cancelled() => return Err(CliError::Interrupted),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(read_failed(error)),
        };
        if let Err(error) = redactor.write_all(&buffer[..count]) {
            return Err(match error.downcast::<RedactError>() {
                Ok(error) => redact_failed(error),
                Err(error) => CliError::file(&args.output, error),
            });
        }
        progress.set(taken.load(Ordering::Relaxed));
    }
    let out = redactor
        .finish()
        .map_err(redact_failed)?
        .finish()
        .map_err(|error| CliError::file(&args.output, error))?;
    progress.clear();
    Ok((out, taken.load(Ordering::Relaxed)))
}
