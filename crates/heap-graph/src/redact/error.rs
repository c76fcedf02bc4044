//! Why a snapshot could not be redacted.

use std::io;

/// Why a snapshot could not be redacted. What has been written until then is not a whole snapshot and must be
/// thrown away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedactError {
    /// It is not JSON, or not a snapshot.
    #[error("not a heap snapshot: expected {expected} at byte {offset}")]
    Syntax {
        /// Where, in bytes from the start.
        offset: u64,
        /// What should have stood there.
        expected: &'static str,
    },
    /// It ends too early.
    #[error("the heap snapshot ends at byte {offset}, where {expected} was expected")]
    Truncated {
        /// Its length in bytes.
        offset: u64,
        /// What should have followed.
        expected: &'static str,
    },
    /// Its parts stand in an order in which one pass cannot redact it.
    #[error(
        "this heap snapshot cannot be redacted in one pass: {what} at byte {offset}; V8 writes the strings last"
    )]
    Order {
        /// Where, in bytes from the start.
        offset: u64,
        /// What stands in the wrong place.
        what: &'static str,
    },
    /// A figure is beyond what any snapshot of that size could have.
    #[error("not a heap snapshot: {what} before byte {offset} is out of range")]
    Limit {
        /// Where, in bytes from the start.
        offset: u64,
        /// Which figure.
        what: &'static str,
    },
    /// There was no memory to note the uses of strings.
    #[error("no memory left to note the uses of {strings} strings")]
    OutOfMemory {
        /// How many strings.
        strings: usize,
    },
    /// The system gave no random numbers.
    #[error("no random key could be had from the system")]
    Random,
    /// The key is too short to protect anything.
    #[error("a key for redaction must have at least 16 bytes, this one has {length}")]
    Key {
        /// Its length in bytes.
        length: usize,
    },
    /// Neither `strings` nor `all`.
    #[error("redaction must be 'strings' or 'all', not {0:?}")]
    Mode(String),
    /// What comes after could not be written.
    #[error("the redacted snapshot could not be written: {message}")]
    Write {
        /// What kind of fault.
        kind: io::ErrorKind,
        /// What the system said.
        message: String,
    },
}

impl RedactError {
    /// The error's stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "ERR_MEMGUARD_SNAPSHOT_SYNTAX",
            Self::Limit { .. } => "ERR_MEMGUARD_SNAPSHOT_INCONSISTENT",
            Self::Truncated { .. } => "ERR_MEMGUARD_SNAPSHOT_TRUNCATED",
            Self::Order { .. } => "ERR_MEMGUARD_SNAPSHOT_UNSUPPORTED",
            Self::OutOfMemory { .. } => "ERR_MEMGUARD_SNAPSHOT_TOO_LARGE",
            Self::Random => "ERR_MEMGUARD_REDACT_RANDOM",
            Self::Key { .. } | Self::Mode(_) => "ERR_MEMGUARD_INVALID_ARG",
            Self::Write { .. } => "ERR_MEMGUARD_WRITE",
        }
    }

    /// Where in the snapshot, in bytes from its start.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Syntax { offset, .. }
            | Self::Truncated { offset, .. }
            | Self::Order { offset, .. }
            | Self::Limit { offset, .. } => Some(*offset),
            _ => None,
        }
    }
}

impl From<io::Error> for RedactError {
    fn from(error: io::Error) -> Self {
        Self::Write {
            kind: error.kind(),
            message: error.to_string(),
        }
    }
}

impl From<RedactError> for io::Error {
    fn from(error: RedactError) -> Self {
        let kind = match &error {
            RedactError::Write { kind, .. } => *kind,
            RedactError::OutOfMemory { .. } => io::ErrorKind::OutOfMemory,
            RedactError::Truncated { .. } => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
