//! Exports of the allocation profile and of allocation by route.

use memguard_guard::profiles::{self, ProfileRequest};
use memguard_profile::requests::RouteLeaks;
use napi::bindgen_prelude::{AsyncTask, Float64ArraySlice};
use napi_derive::napi;

use crate::error::{Result, coded};
use crate::json;
use crate::task::{Background, background};

/// Reads a profile that V8's sampler handed out, says what it says, and keeps it.
#[napi(catch_unwind)]
pub fn finish_profile(profile: String, request: String) -> Result<AsyncTask<Background>> {
    let request: ProfileRequest = json::parse(&request)?;
    Ok(background(move || {
        profiles::finish(&profile, &request).map_err(|error| coded(error.code(), error))
    }))
}

/// All bytes that this thread's isolate has allocated since it was first asked; NaN while they are not counted.
#[napi(catch_unwind)]
pub fn allocated_bytes() -> f64 {
    // SAFETY: called by JavaScript, so on its isolate's thread.
    unsafe { memguard_guard::allocated_bytes() }.map_or(f64::NAN, |bytes| bytes as f64)
}

/// Major collections of this thread's isolate so far, and the live heap after the last: `[count, bytes]`; bytes are NaN before
/// the first.
#[napi(catch_unwind)]
pub fn major_collections() -> Vec<f64> {
    let (count, live) = memguard_guard::major_collections();
    vec![count as f64, live.map_or(f64::NAN, |bytes| bytes as f64)]
}

/// Which routes leave live heap behind, window by window.
#[napi]
#[derive(Default)]
pub struct RouteWindows(RouteLeaks);

#[napi]
impl RouteWindows {
    /// Nothing seen yet.
    #[napi(constructor, catch_unwind)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One window from a major collection to the next.
    #[napi(catch_unwind)]
    pub fn observe(&mut self, seconds: f64, requests: Float64ArraySlice, growth_bytes: f64) {
        self.0.observe(seconds, &requests, growth_bytes);
    }

    /// What each route leaves behind, by its index, and how many windows were seen.
    #[napi(catch_unwind)]
    pub fn estimates(&self) -> Result<String> {
        json::print(&serde_json::json!({
            "windows": self.0.windows(),
            "routes": self.0.estimates(),
        }))
    }
}
