//! Exports of the `memguard` command.

use memguard_cli::Host;
use memguard_heap_graph::CancelSignal;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::task::{Background, background};

/// A command that can be interrupted.
#[napi]
#[derive(Default)]
pub struct Command {
    cancel: CancelSignal,
}

#[napi]
impl Command {
    /// A command that has not begun.
    #[napi(constructor, catch_unwind)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs it on the pool; resolves with the exit code. `capabilities`: as JSON, for the verb that asks.
    #[napi(catch_unwind)]
    pub fn run(&self, args: Vec<String>, capabilities: Option<String>) -> AsyncTask<Background> {
        let cancel = self.cancel.clone();
        background(move || {
            let args = args.into_iter().map(Into::into).collect();
            Ok(memguard_cli::run(args, Host { capabilities }, cancel))
        })
    }

    /// Asks it to end soon, and clean.
    #[napi(catch_unwind)]
    pub fn interrupt(&self) {
        self.cancel.cancel();
    }

    /// Removes what it has not finished, for a process that ends at once.
    #[napi(catch_unwind)]
    pub fn abandon(&self) {
        memguard_cli::abandon();
    }
}
