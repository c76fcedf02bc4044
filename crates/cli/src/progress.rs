//! The progress bar on stderr.

use std::fmt;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::render;

/// A bar with an estimate of the time left, or none: the calls are the same.
#[derive(Clone)]
pub(crate) struct Progress(ProgressBar);

const BYTES: &str = "{msg:10} {wide_bar:.cyan/dim} {done}/{size} {eta_precise}";
const STEPS: &str = "{msg:10} {wide_bar:.cyan/dim} {percent:>3} % {eta_precise}";
const UNKNOWN: &str = "{msg:10} {spinner} {done} {elapsed_precise}";

impl Progress {
    /// A bar, if there may be one.
    pub(crate) fn new(shown: bool) -> Self {
        let target = if shown {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        Self(ProgressBar::with_draw_target(None, target))
    }

    /// Begins a phase that is measured in bytes.
    pub(crate) fn bytes(&self, name: &'static str, total: Option<u64>) {
        self.begin(name, total, if total.is_some() { BYTES } else { UNKNOWN });
    }

    /// Begins a phase that is measured in steps.
    pub(crate) fn steps(&self, name: &'static str, total: Option<u64>) {
        self.begin(name, total, if total.is_some() { STEPS } else { UNKNOWN });
    }

    fn begin(&self, name: &'static str, total: Option<u64>, template: &str) {
        if let Ok(drawn) = ProgressStyle::with_template(template) {
            // In the units of the reports.
            let done = |state: &ProgressState, text: &mut dyn fmt::Write| {
                let _ = text.write_str(&render::bytes(state.pos()));
            };
            let size = |state: &ProgressState, text: &mut dyn fmt::Write| {
                let _ = text.write_str(&render::bytes(state.len().unwrap_or(0)));
            };
            self.0
                .set_style(drawn.with_key("done", done).with_key("size", size));
        }
        self.0.set_message(name);
        self.0.reset();
        match total {
            Some(total) => self.0.set_length(total),
            None => self.0.unset_length(),
        }
        // Where nothing is told for long, the time goes on being counted.
        if !self.0.is_hidden() {
            self.0.enable_steady_tick(Duration::from_millis(250));
        }
    }

    /// How far the phase has come.
    pub(crate) fn set(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
