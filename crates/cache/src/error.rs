//! What can go wrong, each with its stable code.

/// An error of a cache.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The entry could not be held even by an empty cache.
    #[error("an entry of {bytes} bytes is larger than maxEntryBytes, which is {limit}")]
    TooLarge {
        /// Bytes of key and value.
        bytes: usize,
        /// The most that an entry may take.
        limit: usize,
    },
    /// The key is longer than [`crate::MAX_KEY_BYTES`].
    #[error("a key of {bytes} bytes is too long; at most {limit} are allowed")]
    KeyTooLong {
        /// Bytes of the encoded key.
        bytes: usize,
        /// The most that are allowed.
        limit: usize,
    },
    /// The bound is outside of what can be managed.
    #[error("maxBytes is {given}; expected {least} to {most}")]
    Bound {
        /// What was asked for.
        given: u64,
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// The name is that of a cache with another bound.
    #[error("the cache {name:?} exists with a maxBytes of {existing}, not {given}")]
    Mismatch {
        /// Its name.
        name: String,
        /// The bound that it has.
        existing: u64,
        /// The bound that was asked for.
        given: u64,
    },
    /// No such cache, or its last user has closed it.
    #[error("{what} does not exist in this process, or its last user has closed it")]
    NotFound {
        /// How it was named.
        what: String,
    },
    /// The operating system gave no memory.
    #[error("the operating system gave no memory for the cache")]
    NoMemory,
}

impl Error {
    /// The code that JavaScript sees.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } | Self::KeyTooLong { .. } => "ERR_MEMGUARD_CACHE_TOO_LARGE",
            Self::Bound { .. } => "ERR_MEMGUARD_INVALID_ARG",
            Self::Mismatch { .. } => "ERR_MEMGUARD_CACHE_MISMATCH",
            Self::NotFound { .. } => "ERR_MEMGUARD_CACHE_NOT_FOUND",
            Self::NoMemory => "ERR_MEMGUARD_CACHE_NO_MEMORY",
        }
    }
}
