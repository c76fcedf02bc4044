//! The two edges by which V8 shows an entry of a `WeakMap`.
//!
//! The value is held by the key and the map's table together. A snapshot has an edge from each of them to the value, both
//! internal and under a name that tells both, which is the only place where they can be recognised by.

use std::collections::HashMap;

use memchr::memmem;

use super::bits::Bits;
use crate::columns::OutOfMemory;
use crate::model::{HeapGraph, StringId};

const PAIR: &str = " pair in WeakMap (table @";

/// What the name of such an edge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ephemeron {
    /// The same for both edges of an entry.
    pub(crate) pair: u32,
    /// The id of the map's table.
    pub(crate) table: u64,
}

/// Every string that is the name of such an edge.
#[derive(Debug, Default)]
pub(crate) struct Ephemerons {
    names: Bits,
    by_name: HashMap<StringId, Ephemeron>,
}

impl Ephemerons {
    pub(crate) fn find(graph: &HeapGraph) -> Result<Self, OutOfMemory> {
        let mut names = Bits::new(graph.string_count())?;
        let mut by_name = HashMap::new();
        let mut pairs: HashMap<Vec<u8>, u32> = HashMap::new();
        for id in graph.strings.containing(PAIR.as_bytes()) {
            let text = graph.string(id);
            if let Some((part, table)) = parse(&text) {
                let next = pairs.len() as u32;
                let pair = *pairs.entry(part.as_bytes().to_vec()).or_insert(next);
                names.insert(id.0);
                by_name.insert(id, Ephemeron { pair, table });
            }
        }
        Ok(Self { names, by_name })
    }

    /// How many different entries there are.
    pub(crate) fn pairs(&self) -> usize {
        self.by_name.len()
    }

    /// What the name of an internal edge says, if it is one of these.
    #[inline]
    pub(crate) fn get(&self, name: u32) -> Option<Ephemeron> {
        if self.names.get(name) {
            self.by_name.get(&StringId(name)).copied()
        } else {
            None
        }
    }
}

/// Reads `7 / part of key (K @1) -> value (V @2) pair in WeakMap (table @3)`: what follows the number in front, and the
/// table's id. Names of keys and values may be anything that has no line break.
fn parse(name: &str) -> Option<(&str, u64)> {
    let part = name.trim_start_matches(|c: char| c.is_ascii_digit());
    if part.len() == name.len() || name.contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
        return None;
    }
    let rest = part.strip_prefix(" / part of key (")?.strip_suffix(')')?;
    let (rest, table) = split_id(rest)?;
    let rest = rest
        .strip_suffix(PAIR.trim_end_matches('@'))?
        .strip_suffix(')')?;
    let (rest, _) = split_id(rest)?;
    let rest = rest.strip_suffix(' ')?;
    // Somewhere in between the key ends and the value begins.
    let between = ") -> value (";
    let key_ends = |at: usize| split_id(&rest[..at]).is_some_and(|(key, _)| key.ends_with(' '));
    memmem::find_iter(rest.as_bytes(), between)
        .any(key_ends)
        .then_some((part, table))
}

/// Splits `text@12` into `text` and 12.
fn split_id(text: &str) -> Option<(&str, u64)> {
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &text[before.len()..];
    if digits.is_empty() {
        return None;
    }
    // An id too large for any node is none's.
    Some((
        before.strip_suffix('@')?,
        digits.parse().unwrap_or(u64::MAX),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_of_entries() {
        let name = "2 / part of key (User @8) -> value (system / X @9) pair in WeakMap (table @77)";
        assert_eq!(parse(name), Some((&name[1..], 77)));
        let nested =
            "12 / part of key (a) -> value (b @1) -> value (c @2) pair in WeakMap (table @3)";
        assert_eq!(parse(nested), Some((&nested[2..], 3)));
        let empty = "1 / part of key ( @1) -> value ( @2) pair in WeakMap (table @3)";
        assert!(parse(empty).is_some());
    }

    #[test]
    fn refuses_what_only_looks_similar() {
        for name in [
            " / part of key (a @1) -> value (b @2) pair in WeakMap (table @3)",
            "1 / part of key (a 1) -> value (b @2) pair in WeakMap (table @3)",
            "1 / part of key (a@1) -> value (b @2) pair in WeakMap (table @3)",
            "1 / part of key (a @1) -> value (b@2) pair in WeakMap (table @3)",
            "1 / part of key (a @1) -> value (b @2) pair in WeakMap (table @)",
            "1 / part of key (a @1) -> value (b @2) pair in WeakMap (table @3",
            "1 / part of key (a\n @1) -> value (b @2) pair in WeakMap (table @3)",
            "1 / part of key (a @1) pair in WeakMap (table @3)",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
