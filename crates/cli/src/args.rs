//! The command line as a whole.

use std::ffi::OsString;
use std::io::Write;

use clap::error::ErrorKind;
use clap::{ColorChoice, Parser, Subcommand};

use crate::context::Color;
use crate::verbs;

/// Watches, understands and bounds the memory of Node.js programs.
#[derive(Debug, Parser)]
#[command(
    name = "memguard",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(
    after_help = "Snapshots may be compressed (.gz, .zst); `-` reads one from standard input.\n\
    Exit codes: 0 done, 1 failed, 2 wrong arguments, 130 interrupted."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    /// Colours: `auto` has them on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// No progress bar
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Analyze(verbs::analyze::Args),
    Census(verbs::census::Args),
    Diff(verbs::diff::Args),
    Retainers(verbs::retainers::Args),
    Query(verbs::query::Args),
    Snapshot(verbs::snapshot::Args),
    Redact(verbs::redact::Args),
    Profile(verbs::profile::Args),
    Load(verbs::load::Args),
    Ci(verbs::ci::Args),
    Hunt(verbs::hunt::Args),
    CompareRuns(verbs::compare_runs::Args),
    Doctor(verbs::doctor::Args),
}

/// Why there is nothing to run: help was asked for, or the line is wrong.
pub(crate) struct Ended(clap::Error);

impl Ended {
    /// Prints help to stdout and complaints to stderr; answers the exit code.
    pub(crate) fn print(self) -> u8 {
        let styled =
            |terminal: &console::Term| match terminal.is_term() && console::colors_enabled() {
                true => self.0.render().ansi().to_string(),
                false => self.0.render().to_string(),
            };
        match self.0.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                let _ = std::io::stdout().write_all(styled(&console::Term::stdout()).as_bytes());
                0
            }
            _ => {
                let _ = std::io::stderr().write_all(styled(&console::Term::stderr()).as_bytes());
                2
            }
        }
    }
}

/// Reads the command line, without the program's name.
pub(crate) fn parse(args: Vec<OsString>) -> Result<Args, Ended> {
    let named = std::iter::once(OsString::from("memguard")).chain(args);
    let command = <Args as clap::CommandFactory>::command().color(ColorChoice::Never);
    command
        .try_get_matches_from(named)
        .and_then(|matches| <Args as clap::FromArgMatches>::from_arg_matches(&matches))
        .map_err(Ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Args, Ended> {
        parse(line.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn the_definition_is_sound() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_filter_stands_behind_a_file_or_alone() {
        for line in ["query a.heapsnapshot detached", "query --live 7 detached"] {
            assert!(parsed(line).is_ok(), "{line}");
        }
        assert!(parsed("query detached").is_err());
    }

    #[test]
    fn help_is_no_error_and_a_wrong_line_is() {
        for (line, code) in [
            ("--help", 0),
            ("--version", 0),
            ("redact --help", 0),
            ("", 2),
            ("analyse", 2),
            ("redact", 2),
        ] {
            let Err(ended) = parsed(line) else {
                panic!("{line}")
            };
            assert_eq!(ended.print(), code, "{line}");
        }
    }
}
