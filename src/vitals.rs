//! Exports about the process as a whole: the audit of its limits, the ledger of its RSS.

use napi_derive::napi;

use crate::error::Result;
use crate::json;

/// Limits that do not fit each other or the machine.
#[napi(catch_unwind)]
pub fn audit() -> Result<String> {
    json::print(&memguard_guard::audit())
}
