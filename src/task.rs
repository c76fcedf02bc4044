//! Work off the JavaScript thread, as a promise: on Node's pool, or in a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::bindgen_prelude::{AsyncTask, Function, Object};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, Task};
use napi_derive::napi;
use serde::Serialize;

use crate::error::{Result, coded, internal};
use crate::json;

type Job = Box<dyn FnOnce() -> Result<String> + Send>;

/// A job for the pool. Its promise resolves with `{"value": …}` or `{"error": {code, message}}`, since a
/// rejection could carry no code of ours; the JavaScript shim makes an error of it.
pub struct Background(Option<Job>);

/// Runs `job` on the pool; its panic becomes an error.
pub(crate) fn background<T: Serialize>(
    job: impl FnOnce() -> Result<T> + Send + 'static,
) -> AsyncTask<Background> {
    AsyncTask::new(Background(Some(Box::new(move || json::print(&job()?)))))
}

/// Runs `job` in a thread of its own, for what takes long or waits for what the pool does: it would keep others
/// from the pool's few threads. Resolves as [`Background`] does.
pub(crate) fn on_own_thread<'e, T: Serialize>(
    env: &'e Env,
    job: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<Object<'e>> {
    let (deferred, promise) = env.create_deferred::<String, _>().map_err(internal)?;
    std::thread::Builder::new()
        .name("memguard-heap".into())
        .spawn(move || {
            let answer = answer(Box::new(move || json::print(&job()?)));
            // Where the environment has ended meanwhile, this does nothing.
            deferred.resolve(move |_| Ok(answer));
        })
        .map_err(|error| {
            coded(
                "ERR_MEMGUARD_UNSUPPORTED",
                format!("no thread could be started: {error}"),
            )
        })?;
    Ok(promise)
}

/// A way to tell `listener` something, once, from another thread. The process is kept alive until then, where `keep_alive` says so.
pub(crate) fn teller(
    listener: Function<String, ()>,
    keep_alive: bool,
) -> Result<Box<dyn Fn(String) + Send>> {
    if keep_alive {
        let tell = listener
            .build_threadsafe_function::<String>()
            .build_callback(|told| Ok(told.value))
            .map_err(internal)?;
        return Ok(Box::new(move |text| {
            tell.call(text, ThreadsafeFunctionCallMode::NonBlocking);
        }));
    }
    let tell = listener
        .build_threadsafe_function::<String>()
        .weak::<true>()
        .build_callback(|told| Ok(told.value))
        .map_err(internal)?;
    Ok(Box::new(move |text| {
        tell.call(text, ThreadsafeFunctionCallMode::NonBlocking);
    }))
}

/// Runs a job and says what came of it.
fn answer(job: Job) -> String {
    let result = catch_unwind(AssertUnwindSafe(job))
        .unwrap_or_else(|_| Err(internal("a background job failed; nothing of it was kept")));
    match result {
        Ok(value) => format!("{{\"value\":{value}}}"),
        Err(error) => serde_json::json!({
            "error": { "code": error.status, "message": error.reason },
        })
        .to_string(),
    }
}

#[napi]
impl Task for Background {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> napi::Result<String> {
        let twice = || -> Job { Box::new(|| Err(internal("a background job was run twice"))) };
        Ok(answer(self.0.take().unwrap_or_else(twice)))
    }

    fn resolve(&mut self, _: Env, output: String) -> napi::Result<String> {
        Ok(output)
    }
}
