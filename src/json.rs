//! JSON text in and out.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Result, internal};

/// Reads what our own JavaScript wrote.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(internal)
}

/// Writes what our own JavaScript reads.
pub(crate) fn print(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(internal)
}
