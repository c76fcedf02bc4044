//! Errors of the crates as JavaScript errors with a stable `code`.

use std::fmt::Display;

/// An error whose status becomes the `code` of the JavaScript error.
pub(crate) type CodedError = napi::Error<String>;

/// Result of an export.
pub(crate) type Result<T> = std::result::Result<T, CodedError>;

/// An error with a code of the crate that made it.
pub(crate) fn coded(code: impl Into<String>, error: impl Display) -> CodedError {
    CodedError::new(code.into(), error.to_string())
}

/// Something that cannot happen unless this library has a fault.
pub(crate) fn internal(error: impl Display) -> CodedError {
    coded("ERR_MEMGUARD_INTERNAL", error)
}
