//! Exports that misbehave on purpose, for the tests that prove the host survives them. Never shipped.

#![expect(clippy::panic, reason = "that is what they are for")]

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use memguard_guard::snapshots::faults::{Fault, simulate};
use memguard_guard::{IsolateFacts, Waker};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::error::{Result, coded};
use crate::json;
use crate::task::{Background, background};

#[cfg(target_os = "linux")]
#[path = "test_hooks/forbid.rs"]
mod forbid;

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

/// Has a fault happen to the next forked captures: `none`, `no-symbols`, `no-proc`, `crash`, `abort`, `panic`, `memory`,
/// `dead-thread`, `kept-buffer`, `slow`, `hang`, `wrong-metadata`.
#[napi(catch_unwind)]
pub fn simulate_fault(name: String, times: i32) -> Result<()> {
    let fault = match name.as_str() {
        "none" => Fault::None,
        "no-symbols" => Fault::NoSymbols,
        "no-proc" => Fault::NoProc,
        "crash" => Fault::Crash,
        "abort" => Fault::Abort,
        "panic" => Fault::Panic,
        "memory" => Fault::Memory,
        "dead-thread" => Fault::DeadThread,
        "kept-buffer" => Fault::KeptBuffer,
        "slow" => Fault::Slow,
        "hang" => Fault::Hang,
        "wrong-metadata" => Fault::WrongMetadata,
        _ => return Err(coded("ERR_TEST", format!("no fault {name}"))),
    };
    simulate(fault, times);
    Ok(())
}

/// Has this process not export one of V8's entry points any more; without a name, answers the names of all.
#[napi(catch_unwind)]
pub fn hide_symbol(name: Option<String>) -> Vec<String> {
    memguard_guard::hide_symbol(name.as_deref())
}

/// Has the kernel refuse to make processes from now on, by a seccomp filter of all threads that are made later and of this one.
#[cfg(target_os = "linux")]
#[napi(catch_unwind)]
pub fn forbid_forks() -> bool {
    forbid::forks()
}

/// Has the kernel refuse, likewise, all that a fork would use if it were there, and can do without.
#[cfg(target_os = "linux")]
#[napi(catch_unwind)]
pub fn forbid_extras() -> bool {
    forbid::extras()
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
