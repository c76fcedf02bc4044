//! Why a profile cannot be read.

/// Why a profile cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// It is no JSON, or ends too early.
    #[error("no JSON at line {line}, column {column}: {message}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// It is JSON and no allocation profile.
    #[error("not an allocation profile: {0}")]
    NotAProfile(String),
    /// Its tree is deeper than any stack that V8 records, or has more nodes than can be counted.
    #[error("the profile is too large: {0}")]
    TooLarge(String),
}

impl ProfileError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "ERR_MEMGUARD_PROFILE_SYNTAX",
            Self::NotAProfile(_) => "ERR_MEMGUARD_NOT_A_PROFILE",
            Self::TooLarge(_) => "ERR_MEMGUARD_PROFILE_TOO_LARGE",
        }
    }
}
