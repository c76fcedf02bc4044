//! The two edges by which V8 shows an entry of a `WeakMap`.
//!
//! The value is held by the key and the map's table together. A snapshot has an edge from each of them to the value, both
//! internal and under a name that tells both, which is the only place where they can be recognised by.

use std::collections::HashMap;
use std::ops::Range;

use memchr::memmem;
use parking_lot::Mutex;

use super::bits::Bits;
use super::threads;
use super::watch::Watch;
use crate::AnalyzeError;
use crate::model::{EdgeKind, HeapGraph, StringId, edge_kind};

const PAIR: &str = " pair in WeakMap (table @";

/// What the name of such an edge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ephemeron {
    /// The same for both edges of an entry.
    pub(crate) pair: u32,
    /// The id of the map's table.
    pub(crate) table: u64,
}

/// Every such edge.
#[derive(Debug, Default)]
pub(crate) struct Ephemerons {
    /// By name, in the order of the string table.
    by_name: Vec<(StringId, Ephemeron)>,
    /// The edges; none at all if there is no such name.
    edges: Bits,
}

impl Ephemerons {
    pub(crate) fn find(
        graph: &HeapGraph,
        threads: usize,
        watch: &Watch,
    ) -> Result<Self, AnalyzeError> {
        let by_name = names(graph, threads)?;
        if by_name.is_empty() {
            return Ok(Self::default());
        }
        watch.check_now()?;
        let edges = edges(graph, &by_name, threads)?;
        Ok(Self { by_name, edges })
    }

    /// How many different entries there may be.
    pub(crate) fn pairs(&self) -> usize {
        self.by_name.len()
    }

    /// What the name of an edge says, if it is one of these.
    #[inline]
    pub(crate) fn get(&self, graph: &HeapGraph, edge: u32) -> Option<Ephemeron> {
        if self.edges.has(edge) {
            self.of_name(StringId(graph.edge_labels.get(edge as usize)))
        } else {
            None
        }
    }

    #[cold]
    fn of_name(&self, name: StringId) -> Option<Ephemeron> {
        let at = self.by_name.binary_search_by_key(&name, |entry| entry.0);
        at.ok().map(|at| self.by_name[at].1)
    }
}

/// The names of such edges, in the order of the string table. Each thread searches a part of it.
fn names(graph: &HeapGraph, threads: usize) -> Result<Vec<(StringId, Ephemeron)>, AnalyzeError> {
    let parts = split(graph.string_count(), threads, 1)
        .into_iter()
        .map(|ids| (ids, Mutex::new(Vec::new())))
        .collect::<Vec<_>>();
    threads::each(&parts, |(ids, found)| {
        let ids = ids.start as u32..ids.end as u32;
        for id in graph.strings.containing_in(PAIR.as_bytes(), ids) {
            let text = graph.string(id);
            if let Some((part, table)) = parse(&text) {
                let begin = text.len() - part.len();
                found.lock().push((id, begin, table));
            }
        }
        Ok(())
    })?;
    let mut pairs: HashMap<Vec<u8>, u32> = HashMap::new();
    let mut by_name = Vec::new();
    for (id, begin, table) in parts.into_iter().flat_map(|(_, found)| found.into_inner()) {
        let text = graph.string(id);
        let part = &text.as_bytes()[begin..];
        let pair = match pairs.get(part) {
            Some(&pair) => pair,
            None => {
                let pair = pairs.len() as u32;
                pairs.insert(part.to_vec(), pair);
                pair
            }
        };
        by_name.push((id, Ephemeron { pair, table }));
    }
    Ok(by_name)
}

/// The internal edges of these names. Each thread looks at a part of them.
fn edges(
    graph: &HeapGraph,
    by_name: &[(StringId, Ephemeron)],
    threads: usize,
) -> Result<Bits, AnalyzeError> {
    let mut names = Bits::new(graph.string_count())?;
    for (name, _) in by_name {
        names.insert(name.0);
    }
    let mut edges = Bits::new(graph.edge_count())?;
    let mut rest = edges.words_mut();
    let mut parts = Vec::new();
    for range in split(graph.edge_count(), threads, 64) {
        let (words, after) = rest.split_at_mut(range.len().div_ceil(64));
        rest = after;
        parts.push((range, Mutex::new(words)));
    }
    threads::each(&parts, |(range, words)| {
        let kinds = graph.edge_words[range.clone()].chunks(64);
        for (first, (kinds, word)) in (range.start..)
            .step_by(64)
            .zip(kinds.zip(words.lock().iter_mut()))
        {
            for (at, &kind) in kinds.iter().enumerate() {
                let is = edge_kind(kind) == EdgeKind::Internal
                    && names.has(graph.edge_labels.get(first + at));
                *word |= u64::from(is) << at;
            }
        }
        Ok(())
    })?;
    Ok(edges)
}

/// Splits a count into parts for some threads, each but the last of a multiple of `unit`.
fn split(count: usize, threads: usize, unit: usize) -> Vec<Range<usize>> {
    let parts = threads.clamp(1, 16).min(count / 4096 + 1);
    let border = |part: usize| (count / unit * part / parts * unit).min(count);
    (0..parts)
        .map(|part| {
            border(part)..if part + 1 == parts {
                count
            } else {
                border(part + 1)
            }
        })
        .collect()
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
