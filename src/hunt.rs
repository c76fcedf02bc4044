//! Exports of the hunt: its machine. Looks are censuses.

use memguard_guard::hunt;
use napi_derive::napi;

use crate::error::{Result, coded};
use crate::json;

/// Begins to hunt.
#[napi(catch_unwind)]
pub fn open_hunt(settings: String) -> Result<u32> {
    hunt::open(json::parse(&settings)?).map_err(|error| coded(error.code(), error))
}

/// Other settings for a hunt that goes on.
#[napi(catch_unwind)]
pub fn update_hunt(id: u32, settings: String) -> Result<()> {
    hunt::update(id, json::parse(&settings)?).map_err(|error| coded(error.code(), error))
}

/// Tells a hunt what has happened; answers what is to be done, null for one that is closed.
#[napi(catch_unwind)]
pub fn step_hunt(id: u32, event: String, now_ms: f64) -> Result<Option<String>> {
    let event = json::parse(&event)?;
    hunt::happened(id, &event, now_ms.max(0.0) as u64)
        .as_ref()
        .map(json::print)
        .transpose()
}

/// Forgets a hunt.
#[napi(catch_unwind)]
pub fn close_hunt(id: u32) {
    hunt::close(id);
}
