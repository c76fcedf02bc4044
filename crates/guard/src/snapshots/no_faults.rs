//! Nothing goes wrong on purpose: in place of `faults.rs`, outside of tests.

use memguard_fork::{Child, PrepareOptions};

pub(crate) fn simulated_refusal() -> Option<String> {
    None
}

pub(crate) fn simulated(options: PrepareOptions) -> PrepareOptions {
    options
}

pub(crate) fn simulated_fault(_: &Child<'_>) {}

#[cfg(target_os = "linux")]
pub(crate) fn metadata(
    metadata: &memguard_heap_walk::Metadata,
) -> std::borrow::Cow<'_, memguard_heap_walk::Metadata> {
    std::borrow::Cow::Borrowed(metadata)
}
