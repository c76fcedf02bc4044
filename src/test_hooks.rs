//! Exports that misbehave on purpose, for the tests that prove the host survives them. Never shipped.

#![expect(clippy::panic, reason = "that is what they are for")]

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use memguard_guard::{IsolateFacts, Waker};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::error::{Result, coded};
use crate::json;
use crate::task::{Background, background};

thread_local! {
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

/// Wake-ups that have panicked.
static PANICKED: AtomicU32 = AtomicU32::new(0);

/// Panics in an export.
#[napi(catch_unwind)]
pub fn panic_in_export() {
    panic!("expected by the test");
}

/// Panics in a job on the pool.
#[napi(catch_unwind)]
pub fn panic_in_background() -> AsyncTask<Background> {
    background(|| -> Result<()> { panic!("expected by the test") })
}

/// Has every later wake-up of this thread panic, or no more.
#[napi(catch_unwind)]
pub fn panic_in_wake_up(on: bool) {
    ARMED.set(on);
}

/// How many wake-ups have panicked.
#[napi(catch_unwind)]
pub fn panicked_wake_ups() -> u32 {
    PANICKED.load(Ordering::Relaxed)
}

pub(crate) fn panic_if_armed() {
    if ARMED.get() {
        PANICKED.fetch_add(1, Ordering::Relaxed);
        panic!("expected by the test");
    }
}

struct Panics;

impl Waker for Panics {
    fn wake(&self) {
        panic!("expected by the test");
    }
}

/// Opens a guard over which the sampler thread stumbles.
#[napi(catch_unwind)]
pub fn panic_in_sampler(settings: String, facts: String) -> Result<u32> {
    let facts: IsolateFacts = json::parse(&facts)?;
    // SAFETY: called by JavaScript, so on its isolate's thread; the test has opened a guard before by
    // `openGuard`, which hooks the end of the environment.
    let opened =
        unsafe { memguard_guard::open(None, json::parse(&settings)?, facts, Arc::new(Panics)) };
    opened
        .map(|opened| opened.guard)
        .map_err(|error| coded(error.code(), error))
}
