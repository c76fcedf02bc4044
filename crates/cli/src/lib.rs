//! The `memguard` command.
//!
//! `bin/memguard.js` hands its arguments to [`run`] through the addon. One file a verb lies in `verbs`: its
//! arguments and what it does; what it prints comes from `render`, from the report types of
//! `memguard-heap-graph`. A verb gets all it needs from its [`Context`](context::Context): streams, colours, progress, the
//! signal to stop.
//!
//! # Exit codes
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | it could not be done; the error and its code are on stderr |
//! | 2 | the command line is wrong |
//! | 130 | interrupted |
//! | 141 | whoever read the output has gone |

mod args;
pub mod ask;
mod context;
mod error;
pub mod feed;
pub mod heap;
mod host;
mod input;
mod job;
mod leak;
pub mod live;
pub mod looks;
mod output;
mod progress;
mod render;
mod run;
mod units;
mod verbs;

use std::ffi::OsString;

use memguard_heap_graph::CancelSignal;

pub use host::Host;
pub use job::{Job, job};
pub use leak::{Form, leak_report};
pub use output::abandon;

/// Runs a command: `args` without the name of the program. Answers the exit code. Blocks until it is done;
/// `cancel` ends it early.
#[must_use]
pub fn run(args: Vec<OsString>, host: Host, cancel: CancelSignal) -> u8 {
    let parsed = match args::parse(args) {
        Ok(parsed) => parsed,
        Err(ended) => return ended.print(),
    };
    let mut context = context::Context::of_process(host, cancel, parsed.color, parsed.quiet);
    match verbs::run(parsed.verb, &mut context) {
        Ok(()) => match context.out.flush() {
            Ok(()) => 0,
            Err(error) => error::CliError::from(error).report(&mut context),
        },
        Err(error) => {
            // What was printed before it failed stands before what is said of that.
            let _ = context.out.flush();
            error.report(&mut context)
        }
    }
}
