//! Work on Node's thread pool, as a promise.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Task};
use napi_derive::napi;
use serde::Serialize;

use crate::error::{CodedError, internal};
use crate::json;

type Job = Box<dyn FnOnce() -> Result<String, CodedError> + Send>;

/// A job for the pool. Its promise resolves with `{"value": …}` or `{"error": {code, message}}`, since a
/// rejection could carry no code of ours; the JavaScript shim makes an error of it.
pub struct Background(Option<Job>);

/// Runs `job` on the pool; its panic becomes an error.
pub(crate) fn background<T: Serialize>(
    job: impl FnOnce() -> Result<T, CodedError> + Send + 'static,
) -> AsyncTask<Background> {
    AsyncTask::new(Background(Some(Box::new(move || json::print(&job()?)))))
}

#[napi]
impl Task for Background {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> napi::Result<String> {
        let result = match self.0.take() {
            Some(job) => catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| {
                Err(internal("a background job failed; nothing of it was kept"))
            }),
            None => Err(internal("a background job was run twice")),
        };
        Ok(match result {
            Ok(value) => format!("{{\"value\":{value}}}"),
            Err(error) => serde_json::json!({
                "error": { "code": error.status, "message": error.reason },
            })
            .to_string(),
        })
    }

    fn resolve(&mut self, _: Env, output: String) -> napi::Result<String> {
        Ok(output)
    }
}
