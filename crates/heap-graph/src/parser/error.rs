//! Why a snapshot cannot be read: where, and what was expected there.

use std::borrow::Cow;
use std::io;

/// Why a snapshot cannot be read. Nothing of the graph is given out then.
///
/// `offset` counts bytes of the snapshot's text from 0, after decompression where the file is compressed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The operating system, or the decompressor, refused.
    #[error("The heap snapshot cannot be read at byte {offset}: {source}.")]
    Io {
        /// How far reading had come.
        offset: u64,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// It begins as no heap snapshot does.
    #[error(
        "This is not a heap snapshot: expected {expected} at byte {offset}, but found {found}."
    )]
    NotASnapshot {
        /// Where that was noticed.
        offset: u64,
        /// What should stand there.
        expected: Cow<'static, str>,
        /// What stands there.
        found: String,
    },
    /// It ends too early.
    #[error(
        "The heap snapshot is cut off: it ends at byte {offset}, where {expected} is expected."
    )]
    Truncated {
        /// Where it ends.
        offset: u64,
        /// What should follow.
        expected: Cow<'static, str>,
    },
    /// It is not the JSON that a heap snapshot is made of.
    #[error(
        "The heap snapshot is damaged: expected {expected} at byte {offset}, but found {found}."
    )]
    Syntax {
        /// Where that was noticed.
        offset: u64,
        /// What should stand there.
        expected: Cow<'static, str>,
        /// What stands there.
        found: String,
    },
    /// Its parts contradict one another: wrong counts, references to what is not there.
    #[error(
        "The heap snapshot contradicts itself: expected {expected} at byte {offset}, but found {found}."
    )]
    Inconsistent {
        /// Where that was noticed.
        offset: u64,
        /// What should stand there.
        expected: Cow<'static, str>,
        /// What stands there.
        found: String,
    },
    /// It is larger than this version, the memory or the caller's limits allow.
    #[error("The heap snapshot is too large: {what}, at most {limit} (noticed at byte {offset}).")]
    TooLarge {
        /// Where that was noticed.
        offset: u64,
        /// What there is too much of.
        what: Cow<'static, str>,
        /// How much there may be.
        limit: u64,
    },
    /// The caller's [`CancelSignal`](crate::CancelSignal) ended it.
    #[error("Reading the heap snapshot was cancelled at byte {offset}.")]
    Cancelled {
        /// How far reading had come.
        offset: u64,
    },
}

impl ReadError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "ERR_MEMGUARD_SNAPSHOT_IO",
            Self::NotASnapshot { .. } => "ERR_MEMGUARD_NOT_A_SNAPSHOT",
            Self::Truncated { .. } => "ERR_MEMGUARD_SNAPSHOT_TRUNCATED",
            Self::Syntax { .. } => "ERR_MEMGUARD_SNAPSHOT_SYNTAX",
            Self::Inconsistent { .. } => "ERR_MEMGUARD_SNAPSHOT_INCONSISTENT",
            Self::TooLarge { .. } => "ERR_MEMGUARD_SNAPSHOT_TOO_LARGE",
            Self::Cancelled { .. } => "ERR_MEMGUARD_CANCELLED",
        }
    }

    /// The byte at which it was noticed.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        match self {
            Self::Io { offset, .. }
            | Self::NotASnapshot { offset, .. }
            | Self::Truncated { offset, .. }
            | Self::Syntax { offset, .. }
            | Self::Inconsistent { offset, .. }
            | Self::TooLarge { offset, .. }
            | Self::Cancelled { offset } => *offset,
        }
    }

    /// What was expected there, where something was.
    #[must_use]
    pub fn expected(&self) -> Option<&str> {
        match self {
            Self::NotASnapshot { expected, .. }
            | Self::Truncated { expected, .. }
            | Self::Syntax { expected, .. }
            | Self::Inconsistent { expected, .. } => Some(expected),
            Self::Io { .. } | Self::TooLarge { .. } | Self::Cancelled { .. } => None,
        }
    }

    pub(crate) fn out_of_memory(offset: u64, bytes: u64) -> Self {
        Self::TooLarge {
            offset,
            what: format!("there is no memory for {bytes} bytes of it").into(),
            limit: 0,
        }
    }
}

/// A byte as people read it: `'x'` or `byte 0xff`.
pub(crate) fn show_byte(byte: u8) -> String {
    if byte.is_ascii_graphic() {
        format!("{:?}", char::from(byte))
    } else {
        format!("byte {byte:#04x}")
    }
}
