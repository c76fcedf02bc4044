//! Exports that look at the heaps of other processes, for the commands that measure.

use std::sync::Arc;

use memguard_cli::heap::HeapError;
use memguard_cli::looks::{Looks, count_heap as count};
use memguard_heap_graph::CancelSignal;
use memguard_hunt::{Context, Moment};
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use parking_lot::Mutex;

use crate::error::{CodedError, Result, coded};
use crate::json;
use crate::task::on_own_thread;

/// What is alive in the heap of a process: `HeapCount`.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn count_heap(env: &Env, pid: u32) -> Result<Object<'_>> {
    on_own_thread(env, move || count(pid).map_err(failed))
}

/// The looks of one hunt at a process from outside.
#[napi]
pub struct HeapLooks {
    cancel: CancelSignal,
    looks: Arc<Mutex<Looks>>,
}

#[napi]
impl HeapLooks {
    /// None yet.
    #[napi(constructor, catch_unwind)]
    #[must_use]
    pub fn new() -> Self {
        let cancel = CancelSignal::default();
        Self {
            looks: Arc::new(Mutex::new(Looks::new(cancel.clone()))),
            cancel,
        }
    }

    /// Looks, and keeps what is needed to compare: `Look`. `at`: a `Moment`.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn look<'e>(&self, env: &'e Env, pid: u32, at: String) -> Result<Object<'e>> {
        let at: Moment = json::parse(&at)?;
        let looks = Arc::clone(&self.looks);
        on_own_thread(env, move || looks.lock().look(pid, at).map_err(failed))
    }

    /// Looks, and says what grew since the looks before: `LeakReport`. `context`: a `Context`.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn investigate<'e>(&self, env: &'e Env, pid: u32, context: String) -> Result<Object<'e>> {
        let context: Context = json::parse(&context)?;
        let looks = Arc::clone(&self.looks);
        on_own_thread(env, move || {
            looks.lock().investigate(pid, context).map_err(failed)
        })
    }

    /// Ends what is under way early.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.cancel.cancel();
    }
}

fn failed(error: HeapError) -> CodedError {
    coded(error.code(), error)
}
