//! What can go wrong: settings and stored bytes.

/// An error of this crate. Match on [`Error::code`], which is stable.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of its range or contradicts another.
    #[error("invalid value for option '{option}': {value} (expected {expected})")]
    InvalidOption {
        /// Path of the option in camelCase: `violations`, `rules[2].warn`.
        option: String,
        /// The value as given.
        value: String,
        /// What would have been accepted.
        expected: String,
    },
    /// The bytes are no baseline, or were damaged.
    #[error("the stored baseline is damaged at byte {offset}: {problem}")]
    CorruptBaseline {
        /// Byte at which reading them failed.
        offset: usize,
        /// What is wrong there.
        problem: String,
    },
    /// The bytes were written by a later memguard.
    #[error(
        "the stored baseline has format {found} at byte {offset}, this release reads format {supported}"
    )]
    BaselineVersion {
        /// Byte at which the format number stands.
        offset: usize,
        /// The format number found there.
        found: u8,
        /// The only format number that this release reads.
        supported: u8,
    },
}

impl Error {
    /// The stable code, as `err.code` in JavaScript.
    pub const fn code(&self) -> &'static str {
        match self {
            Error::InvalidOption { .. } => "ERR_MEMGUARD_INVALID_ARG",
            Error::CorruptBaseline { .. } => "ERR_MEMGUARD_BASELINE_CORRUPT",
            Error::BaselineVersion { .. } => "ERR_MEMGUARD_BASELINE_VERSION",
        }
    }
}
