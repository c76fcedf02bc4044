//! An error of a child's work, as it comes to the parent.

use memguard_fork::Failure;
use serde::{Deserialize, Serialize};

/// An error, as the child tells it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Told {
    /// The child's answer.
    pub(crate) fn into_answer(self) -> Vec<u8> {
        serde_json::to_vec(&self).unwrap_or_default()
    }

    /// What a child that failed has answered; a child answers only where it was its work that failed.
    pub(crate) fn read(failure: Failure, answer: &[u8]) -> Option<Self> {
        (failure == Failure::Work)
            .then(|| serde_json::from_slice(answer).ok())
            .flatten()
    }
}
