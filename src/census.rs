//! Exports of the census: what waits is done on the pool, the fork on the thread whose heap is walked.

use memguard_guard::census::{self, CensusError, CensusRequest, Finished};
use memguard_guard::snapshots::Patience;
use napi::bindgen_prelude::{AsyncTask, Function};
use napi_derive::napi;

use crate::error::{CodedError, Result, coded};
use crate::json;
use crate::task::{Background, background, teller};

fn of_census(error: CensusError) -> CodedError {
    coded(error.code, error.message)
}

/// Why there can be no census here, as far as can be told without one; null where there can be.
#[napi(catch_unwind)]
pub fn census_support() -> Option<String> {
    census::support().err().map(|error| error.message)
}

/// Checks the room, and prepares a fork.
#[napi(catch_unwind)]
pub fn begin_census(request: String) -> Result<AsyncTask<Background>> {
    let request: CensusRequest = json::parse(&request)?;
    Ok(background(move || {
        census::begin(request).map_err(of_census)
    }))
}

/// Forks this process; the child takes the census that was begun. `on_done` gets JSON when it has ended. Answers what the
/// parent knows at once; null while V8's workers are busy and it is not pressed.
#[napi(catch_unwind)]
pub fn fork_census(
    ticket: u32,
    facts: String,
    keep_alive: bool,
    pressed: bool,
    on_done: Function<String, ()>,
) -> Result<Option<String>> {
    let facts = json::parse(&facts)?;
    let tell = teller(on_done, keep_alive)?;
    let done = Box::new(move |finished: Finished| {
        if let Ok(ended) = json::print(&finished) {
            let report = finished.report.as_deref().unwrap_or("null");
            tell(format!("{{\"ended\":{ended},\"report\":{report}}}"));
        }
    });
    let patience = Patience::of_caller(pressed);
    // SAFETY: called by JavaScript, so on its isolate's thread; a guard that is open has pinned this
    // library.
    let started = unsafe { census::fork(ticket, facts, patience, done) };
    started
        .map_err(of_census)?
        .as_ref()
        .map(json::print)
        .transpose()
}

/// Gets a census whose child failed ready for another; without its graph, if that was too much.
#[napi(catch_unwind)]
pub fn prepare_census(ticket: u32, without_graph: bool) -> AsyncTask<Background> {
    background(move || census::prepare_again(ticket, without_graph).map_err(of_census))
}

/// Gives up a census.
#[napi(catch_unwind)]
pub fn abort_census(ticket: u32) {
    census::abort(ticket);
}

/// What grew between two censuses' reports.
#[napi(catch_unwind)]
pub fn compare_censuses(earlier: String, later: String, top: u32) -> Result<String> {
    let change = census::compare(&earlier, &later, top as usize).map_err(of_census)?;
    json::print(&change)
}
