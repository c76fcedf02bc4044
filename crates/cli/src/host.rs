//! What only the process around the command knows.

use serde::de::DeserializeOwned;

use crate::error::CliError;

/// What the process around the command knows, which JavaScript has to tell.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// What came of the command's [`Job`](crate::Job), as JSON.
    pub facts: Option<String>,
}

impl Host {
    /// The facts as what the verb expects.
    pub(crate) fn facts<T: DeserializeOwned>(&self) -> Result<T, CliError> {
        let text = self.facts.as_deref().ok_or(CliError::Alone)?;
        serde_json::from_str(text).map_err(|_| CliError::Alone)
    }
}
