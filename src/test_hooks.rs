//! Exports that misbehave on purpose, for the tests that prove the host survives them. Never shipped.

use napi_derive::napi;

/// Panics in an export.
#[napi(catch_unwind)]
pub fn panic_in_export() {
    panic!("expected by the test");
}
