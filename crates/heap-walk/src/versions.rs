//! What V8's metadata does not tell, by version of V8: the layouts that changed between the lines of Node.
//!
//! Everything here was found on the official builds (by reading V8's sources of that version and by adjacency: after
//! an object of the right size stands another object) and is checked again by the self-test of every census. A
//! version that is not listed is refused.

use crate::error::WalkError;
use crate::metadata::V8Version;

/// How a ScopeInfo is laid out: what a function's variables are called and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeInfoLayout {
    /// V8 10 and 11: flags are a Smi, positions come after the names and only in some kinds of scopes.
    Late,
    /// V8 12: as before, but how many variables a module has comes before the names.
    LateWithModuleFirst,
    /// V8 13: flags are a raw word, positions come before the names.
    First,
    /// V8 14: as 13, and a function's scope has one word more.
    FirstWithFunctionData,
}

/// How machine code stands in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeLayout {
    /// V8 10: Code holds its instructions.
    Inline,
    /// V8 11: instructions in an InstructionStream whose sizes stand in its Code.
    StreamSizedByCode,
    /// V8 12 and later: an InstructionStream that knows its size.
    Stream,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VersionRow {
    /// V8 of this version ...
    pub(crate) version: V8Version,
    /// ... in this line of Node.
    pub(crate) node: u32,
    /// Bytes before the slots of a FeedbackVector.
    pub(crate) feedback_vector_header: u16,
    /// FeedbackMetadata also counts parameters of closures that it creates (2 bytes each).
    pub(crate) feedback_metadata_counts_closures: bool,
    /// FreeSpace says its size in words, not in bytes.
    pub(crate) free_space_in_words: bool,
    /// ScopeInfo.
    pub(crate) scope_info: ScopeInfoLayout,
    /// A class without a name is called by what its own property `name` says.
    pub(crate) class_named_by_property: bool,
    /// The bit among a symbol's flags that says that it is the name of a private field or the brand of a class.
    pub(crate) private_name_flag: u32,
    /// V8's snapshots count the characters of external strings among their bytes.
    pub(crate) snapshot_counts_external_characters: bool,
    /// V8's snapshots count what stands in read-only memory, which isolates share.
    pub(crate) snapshot_counts_read_only: bool,
    /// Functions name their code by a handle, in the word before their SharedFunctionInfo.
    pub(crate) code_by_handle: bool,
    /// In V8's snapshots, C++ objects of Node that hold their wrapper are held by the root itself.
    pub(crate) wrappers_below_root: bool,
    /// Code.
    pub(crate) code: CodeLayout,
    /// Fields of a PromiseReaction from its second word on.
    pub(crate) promise_reaction: [&'static str; 5],
    /// Where a WeakCell keeps what its registry was told to hold.
    pub(crate) weak_cell_holdings: u16,
    /// Where a WeakCell has its target and, after it, the token to unregister by: both weak.
    pub(crate) weak_cell_target: u16,
}

const V10_REACTION: [&str; 5] = [
    "next",
    "reject_handler",
    "fulfill_handler",
    "promise_or_capability",
    "continuation_data",
];
const V12_REACTION: [&str; 5] = [
    "next",
    "continuation_data",
    "reject_handler",
    "fulfill_handler",
    "promise_or_capability",
];

const ROWS: [VersionRow; 5] = [
    VersionRow {
        version: V8Version {
            major: 10,
            minor: 2,
        },
        node: 18,
        feedback_vector_header: 48,
        feedback_metadata_counts_closures: false,
        free_space_in_words: false,
        scope_info: ScopeInfoLayout::Late,
        class_named_by_property: false,
        private_name_flag: 1 << 4,
        snapshot_counts_external_characters: false,
        snapshot_counts_read_only: true,
        code_by_handle: false,
        wrappers_below_root: true,
        code: CodeLayout::Inline,
        promise_reaction: V10_REACTION,
        weak_cell_holdings: 32,
        weak_cell_target: 16,
    },
    VersionRow {
        version: V8Version {
            major: 11,
            minor: 3,
        },
        node: 20,
        feedback_vector_header: 56,
        feedback_metadata_counts_closures: false,
        free_space_in_words: false,
        scope_info: ScopeInfoLayout::Late,
        class_named_by_property: false,
        private_name_flag: 1 << 4,
        snapshot_counts_external_characters: false,
        snapshot_counts_read_only: true,
        code_by_handle: false,
        wrappers_below_root: true,
        code: CodeLayout::StreamSizedByCode,
        promise_reaction: V10_REACTION,
        weak_cell_holdings: 32,
        weak_cell_target: 16,
    },
    VersionRow {
        version: V8Version {
            major: 12,
            minor: 4,
        },
        node: 22,
        feedback_vector_header: 56,
        feedback_metadata_counts_closures: false,
        free_space_in_words: false,
        scope_info: ScopeInfoLayout::LateWithModuleFirst,
        class_named_by_property: false,
        private_name_flag: 1 << 4,
        snapshot_counts_external_characters: false,
        snapshot_counts_read_only: true,
        code_by_handle: false,
        wrappers_below_root: true,
        code: CodeLayout::Stream,
        promise_reaction: V12_REACTION,
        weak_cell_holdings: 32,
        weak_cell_target: 16,
    },
    VersionRow {
        version: V8Version {
            major: 13,
            minor: 6,
        },
        node: 24,
        feedback_vector_header: 48,
        feedback_metadata_counts_closures: true,
        free_space_in_words: true,
        scope_info: ScopeInfoLayout::First,
        class_named_by_property: false,
        private_name_flag: 1 << 4,
        snapshot_counts_external_characters: true,
        snapshot_counts_read_only: false,
        code_by_handle: true,
        wrappers_below_root: false,
        code: CodeLayout::Stream,
        promise_reaction: V12_REACTION,
        weak_cell_holdings: 32,
        weak_cell_target: 16,
    },
    VersionRow {
        version: V8Version {
            major: 14,
            minor: 6,
        },
        node: 26,
        feedback_vector_header: 48,
        feedback_metadata_counts_closures: true,
        free_space_in_words: true,
        scope_info: ScopeInfoLayout::FirstWithFunctionData,
        class_named_by_property: true,
        private_name_flag: 1 << 1,
        snapshot_counts_external_characters: true,
        snapshot_counts_read_only: false,
        code_by_handle: true,
        wrappers_below_root: false,
        code: CodeLayout::Stream,
        promise_reaction: V12_REACTION,
        weak_cell_holdings: 16,
        weak_cell_target: 24,
    },
];

/// The row of a version.
///
/// # Errors
/// [`WalkError::UnknownVersion`].
pub(crate) fn row(version: V8Version) -> Result<&'static VersionRow, WalkError> {
    ROWS.iter()
        .find(|row| row.version == version)
        .ok_or_else(|| WalkError::UnknownVersion {
            version: version.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_five_lines_and_refuses_others() {
        assert_eq!(
            row(V8Version {
                major: 11,
                minor: 3
            })
            .unwrap()
            .node,
            20
        );
        for version in [(9, 4), (11, 4), (13, 7), (15, 0)] {
            let version = V8Version {
                major: version.0,
                minor: version.1,
            };
            let error = row(version).unwrap_err();
            assert_eq!(error.code(), "ERR_MEMGUARD_CENSUS_UNKNOWN_V8");
            assert!(error.to_string().contains(&version.to_string()));
        }
    }
}
