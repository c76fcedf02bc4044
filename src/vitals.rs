//! Exports about the process as a whole: the audit of its limits, the ledger of its RSS.

use memguard_guard::OwnHeap;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::error::{Result, coded};
use crate::json;
use crate::task::{Background, background};

/// Limits that do not fit each other or the machine.
#[napi(catch_unwind)]
pub fn audit() -> Result<String> {
    json::print(&memguard_guard::audit())
}

/// The resident set by parts; walks all mappings of the process, on the pool.
#[napi(catch_unwind)]
pub fn ledger(own_heap: String) -> Result<AsyncTask<Background>> {
    let own_heap: OwnHeap = json::parse(&own_heap)?;
    let input = memguard_guard::ledger_input(own_heap);
    Ok(background(move || {
        memguard_guard::vitals::Ledger::read(&input).map_err(|error| {
            let message = format!("the ledger needs a readable /proc/self/smaps: {error}");
            coded("ERR_MEMGUARD_UNSUPPORTED", message)
        })
    }))
}
