//! How many objects of which class: what is known of a heap where there is no memory for its graph.

use serde::{Deserialize, Serialize};

use crate::context::Frame;
use crate::report::HeapSize;

/// What kind of thing a [`ClassRow`] counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClassKind {
    /// Objects of JavaScript.
    Object,
    /// Functions.
    Closure,
    /// Strings.
    Text,
    /// Numbers, symbols, regular expressions, variables that functions share.
    Value,
    /// What V8 keeps for itself, and what others hold it by: its growth explains nothing.
    #[default]
    Internal,
}

/// One class of a [`ClassTable`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassRow {
    /// What kind of thing it is.
    pub kind: ClassKind,
    /// The class, the function, the kind of string.
    pub name: String,
    /// Where its constructor or the function stands.
    pub place: Option<Frame>,
    /// Its objects.
    pub count: u64,
    /// Their shallow size in bytes; that of ArrayBuffers with what lies outside of the heap.
    pub bytes: u64,
    /// Those in the old generation.
    pub old: u64,
    /// Old ones of the table before that are still there; none where that was not noted.
    pub survived: Option<u64>,
}

/// How many objects of which class a heap held: some ten KB, whatever the heap's size. A census tells it, for a few MB of
/// memory, where a graph takes a multiple of the heap.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassTable {
    /// When, and how large the heap was.
    pub size: HeapSize,
    /// Classes, the largest first.
    pub rows: Vec<ClassRow>,
    /// More there are, none of them larger than the last.
    pub is_cut: bool,
}

impl ClassRow {
    /// Whether it is the same class.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name && self.place == other.place
    }

    /// Whether it is a class or function of the program, not of Node's or V8's.
    pub(crate) fn is_of_the_program(&self) -> bool {
        self.place
            .as_ref()
            .is_some_and(|place| !place.script.is_empty() && !place.script.starts_with("node:"))
    }
}

impl ClassTable {
    /// Count and bytes of a class; none where it may have been left out.
    pub(crate) fn of(&self, class: &ClassRow) -> Option<&ClassRow> {
        self.rows.iter().find(|row| row.is_of(class))
    }

    /// What a class that is not listed has at most, in bytes.
    pub(crate) fn most_unlisted(&self) -> u64 {
        match self.rows.last() {
            Some(last) if self.is_cut => last.bytes,
            _ => 0,
        }
    }
}
