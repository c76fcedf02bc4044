//! What every verb is given.

use std::io::Write;

use clap::ValueEnum;
use memguard_heap_graph::CancelSignal;

use crate::host::Host;
use crate::output::Patient;
use crate::render::Style;

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// Streams, their style, and the signal to stop.
pub(crate) struct Context {
    pub(crate) out: Box<dyn Write + Send>,
    pub(crate) err: Box<dyn Write + Send>,
    pub(crate) style: Style,
    /// Whether stderr may have a progress bar.
    pub(crate) progress: bool,
    /// Whether errors are printed as JSON.
    pub(crate) json_errors: bool,
    pub(crate) cancel: CancelSignal,
    pub(crate) host: Host,
}

/// Width where nobody says another.
const WIDTH: usize = 100;

impl Context {
    /// For the standard streams.
    pub(crate) fn of_process(host: Host, cancel: CancelSignal, color: Color, quiet: bool) -> Self {
        let terminal = console::Term::stdout();
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal.is_term() && console::colors_enabled(),
        };
        let width = terminal
            .size_checked()
            .map_or(WIDTH, |(_, columns)| usize::from(columns).clamp(60, 160));
        Self {
            out: Box::new(Patient::new(std::io::stdout())),
            err: Box::new(Patient::new(std::io::stderr())),
            style: Style { color, width },
            progress: !quiet && console::Term::stderr().is_term(),
            json_errors: false,
            cancel,
            host,
        }
    }
}
