//! Exports of the hunt: its machine, looks that are no censuses, and what is made of reports.

use std::path::PathBuf;

use memguard_cli::{Form, leak_report};
use memguard_guard::hunt;
use memguard_hunt::machine::State;
use memguard_hunt::{Context, LeakReport, Merged, merge};
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::error::{Result, coded};
use crate::json;
use crate::task::on_own_thread;

/// Begins to hunt; `saved` is what `savedHunt` told in a process before.
#[napi(catch_unwind)]
pub fn open_hunt(settings: String, saved: Option<String>, now_ms: f64) -> Result<u32> {
    // What cannot be read was written by another release: there is nothing to go on from.
    let saved: Option<State> = saved.and_then(|text| serde_json::from_str(&text).ok());
    hunt::open(
        json::parse(&settings)?,
        saved.as_ref(),
        now_ms.max(0.0) as u64,
    )
    .map_err(|error| coded(error.code(), error))
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

/// What a hunt remembers, for the process that comes after this one.
#[napi(catch_unwind)]
pub fn saved_hunt(id: u32) -> Result<Option<String>> {
    hunt::saved(id).as_ref().map(json::print).transpose()
}

/// Forgets a hunt.
#[napi(catch_unwind)]
pub fn close_hunt(id: u32) {
    hunt::close(id);
}

/// Looks at a snapshot file in place of a heap: `Seen`.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn look_at_file(
    env: &Env,
    id: u32,
    file: String,
    context: String,
    compare: bool,
) -> Result<Object<'_>> {
    let context: Context = json::parse(&context)?;
    on_own_thread(env, move || {
        hunt::look_at_file(id, &PathBuf::from(file), &context, compare)
            .map_err(|error| coded(error.code, error.message))
    })
}

/// What can be said without a heap: `Seen`.
#[napi(catch_unwind)]
pub fn look_at_figures(context: String) -> Result<String> {
    let context: Context = json::parse(&context)?;
    json::print(&hunt::look_at_figures(&context))
}

/// What `malloc` says of itself: `AllocatorFigures`.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn allocator_figures(env: &Env) -> Result<Object<'_>> {
    on_own_thread(env, || Ok(hunt::allocator_figures()))
}

/// A report for people: `text`, `markdown` or `html`.
#[napi(catch_unwind)]
pub fn leak_report_as(report: String, form: String) -> Result<String> {
    let report: LeakReport = json::parse(&report)?;
    let form = match form.as_str() {
        "markdown" => Form::Markdown,
        "html" => Form::Html,
        _ => Form::Text,
    };
    Ok(leak_report(&report, form))
}

/// Counts a report in with the earlier ones of its leak, as `Merged`; it is the first where there are none, or none that can be read.
#[napi(catch_unwind)]
pub fn count_leak(earlier: Option<String>, report: String) -> Result<String> {
    let report: LeakReport = json::parse(&report)?;
    let earlier = earlier
        .and_then(|text| serde_json::from_str::<Merged>(&text).ok())
        .filter(|earlier| earlier.signature == report.signature);
    let counted = match earlier {
        Some(mut ticket) => {
            ticket.count_in(report);
            Some(ticket)
        }
        None => merge([report]).pop(),
    };
    json::print(&counted)
}
