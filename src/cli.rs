//! Exports of the `memguard` command.

use memguard_cli::Host;
use memguard_heap_graph::CancelSignal;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::error::Result;
use crate::json;
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

    /// What has to be done before it is run: a `memguard_cli::Job` as JSON, or nothing.
    #[napi(catch_unwind)]
    pub fn job(&self, args: Vec<String>) -> Result<Option<String>> {
        let args = args.into_iter().map(Into::into).collect();
        memguard_cli::job(args)
            .as_ref()
            .map(json::print)
            .transpose()
    }

    /// Runs it on the pool; resolves with the exit code. `facts`: what came of the job, as JSON.
    #[napi(catch_unwind)]
    pub fn run(&self, args: Vec<String>, facts: Option<String>) -> AsyncTask<Background> {
        let cancel = self.cancel.clone();
        background(move || {
            let args = args.into_iter().map(Into::into).collect();
            Ok(memguard_cli::run(args, Host { facts }, cancel))
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
