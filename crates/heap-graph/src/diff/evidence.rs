//! Whether object ids mean the same in two heaps: what the heaps themselves say.
//!
//! V8 gives each object the next odd number when a snapshot first meets it, and never a number twice. So in one process
//! (1) an id that is in both heaps is the same object, of the same kind and name; (2) whatever is in the older heap had its
//! number then, so that an object of the newer with a number in the older's range must be in the older too. Forked or
//! other processes number alike only as far as their heaps are walked alike: the built-ins at the start.

use super::provenance::{IdScope, Provenance};
use crate::model::{HeapGraph, NodeIndex, NodeKind, StringId};
use crate::report::{Comparison, DiffBy, IdEvidence};
use crate::signature::hash_text;

/// Common ids of one process agree in kind and name but for a few that V8 renames.
const LEAST_AGREEMENT: f64 = 0.97;
/// Share of the newer's ids in the older's range that may be unknown to the older.
const MOST_IMPOSSIBLE: f64 = 0.02;
/// Fewer common ids prove nothing.
const LEAST_COMMON: u64 = 32;

/// What an object is known again by: 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Known {
    pub(crate) id: u64,
    pub(crate) node: NodeIndex,
    looks: Looks,
}

/// The JavaScript objects of a heap, by id.
pub(crate) type Ids = Vec<Known>;

pub(crate) fn sorted_ids(graph: &HeapGraph) -> Ids {
    let counts = |kind: NodeKind| !matches!(kind, NodeKind::Synthetic | NodeKind::Native);
    let mut names = NameHashes {
        graph,
        by_string: vec![0; graph.string_count()],
    };
    let mut ids: Ids = graph
        .nodes()
        .filter(|node| counts(node.kind()))
        .map(|node| Known {
            id: node.id(),
            node: node.index(),
            looks: Looks::of(node.kind(), || names.of(node.name_id())),
        })
        .collect();
    ids.sort_unstable();
    ids
}

/// Hashes of names, each made once; 0 for one that has not been.
struct NameHashes<'g> {
    graph: &'g HeapGraph,
    by_string: Vec<u32>,
}

impl NameHashes<'_> {
    fn of(&mut self, name: StringId) -> u32 {
        let known = &mut self.by_string[name.index()];
        if *known == 0 {
            *known = hash_text(&self.graph.string(name)) as u32 | 1;
        }
        *known
    }
}

/// Kind and name of an object, as far as they tell it from others: the kind in the upper five bits, a hash of the name below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Looks(u32);

impl Looks {
    const NAME_BITS: u32 = 27;

    fn of(kind: NodeKind, name: impl FnOnce() -> u32) -> Self {
        let is_named = kind.is_string()
            || matches!(
                kind,
                NodeKind::Object | NodeKind::Closure | NodeKind::Symbol | NodeKind::RegExp
            );
        let name = if is_named { name() } else { 0 };
        Self((kind as u32) << Self::NAME_BITS | name >> (32 - Self::NAME_BITS))
    }

    fn kind(self) -> NodeKind {
        NodeKind::from_byte((self.0 >> Self::NAME_BITS) as u8)
    }

    /// Whether two nodes may be the same object at two moments. V8 renames code and flattens strings, so these only need
    /// their kind's family.
    fn is_like(self, other: Self) -> bool {
        let (one, another) = (self.kind(), other.kind());
        self == other || (one != another && one.is_string() && another.is_string())
    }
}

/// Compares the ids of an older heap with those of a newer one: one merge of the two.
pub(crate) fn compare(older: &[Known], newer: &[Known]) -> IdEvidence {
    let range_end = older.last().map_or(0, |entry| entry.id);
    let (mut common, mut agreeing, mut impossible) = (0_u64, 0_u64, 0_u64);
    let mut old = older.iter().peekable();
    for entry in newer {
        while old.next_if(|before| before.id < entry.id).is_some() {}
        match old.peek() {
            Some(before) if before.id == entry.id => {
                common += 1;
                agreeing += u64::from(before.looks.is_like(entry.looks));
            }
            _ => impossible += u64::from(entry.id < range_end),
        }
    }
    let smaller = older.len().min(newer.len()).max(1) as f64;
    IdEvidence {
        common,
        agreeing,
        agreement: if common == 0 {
            0.0
        } else {
            agreeing as f64 / common as f64
        },
        overlap: common as f64 / smaller,
        impossible,
    }
}

/// Decides by what to compare.
pub(crate) fn decide(
    asked: Option<DiffBy>,
    sources: &[&Provenance],
    evidence: Vec<IdEvidence>,
) -> Comparison {
    let said = side_cars(sources);
    let contradiction = evidence.iter().find_map(contradiction);
    let (by, reason) = match (asked, said, contradiction) {
        (Some(by), _, _) => (by, asked_reason(by)),
        (None, Said::Different(reason), _) => (DiffBy::Signature, reason),
        (None, Said::Same, Some(doubt)) => (
            DiffBy::Signature,
            format!("the side-cars name one process, but {doubt}"),
        ),
        (None, Said::Nothing, Some(doubt)) => (DiffBy::Signature, doubt),
        (None, Said::Same, None) => (
            DiffBy::Ids,
            format!("the side-cars name one process, and {}", support(&evidence)),
        ),
        (None, Said::Nothing, None) => (DiffBy::Ids, support(&evidence)),
    };
    Comparison {
        by,
        forced: asked.is_some(),
        reason,
        evidence,
    }
}

enum Said {
    Nothing,
    Same,
    Different(String),
}

fn side_cars(sources: &[&Provenance]) -> Said {
    if sources.iter().any(|source| source.ids == IdScope::Snapshot) {
        return Said::Different(
            "a side-car says that its snapshot was forked, and object ids die with the fork"
                .to_owned(),
        );
    }
    let known: Vec<&IdScope> = sources
        .iter()
        .map(|source| &source.ids)
        .filter(|scope| **scope != IdScope::Unknown)
        .collect();
    if known.windows(2).any(|pair| pair[0] != pair[1]) {
        return Said::Different("the side-cars name different processes or threads".to_owned());
    }
    if known.len() == sources.len() {
        Said::Same
    } else {
        Said::Nothing
    }
}

fn asked_reason(by: DiffBy) -> String {
    let name = match by {
        DiffBy::Ids => "ids",
        DiffBy::Signature => "signature",
    };
    format!("asked for by {name}")
}

/// What speaks against ids, if anything does.
fn contradiction(evidence: &IdEvidence) -> Option<String> {
    if evidence.common < LEAST_COMMON {
        return Some(format!(
            "only {} object ids are in both files",
            evidence.common
        ));
    }
    if evidence.agreement < LEAST_AGREEMENT {
        return Some(format!(
            "of {} common object ids only {:.1} % stand for the same kind and name",
            evidence.common,
            evidence.agreement * 100.0
        ));
    }
    let in_range = (evidence.common + evidence.impossible) as f64;
    (evidence.impossible as f64 > MOST_IMPOSSIBLE * in_range).then(|| {
        format!(
            "{} objects of the newer file have ids that the older would have to know, too",
            evidence.impossible
        )
    })
}

fn support(evidence: &[IdEvidence]) -> String {
    let common: u64 = evidence
        .iter()
        .map(|evidence| evidence.common)
        .min()
        .unwrap_or_default();
    let agreement = evidence
        .iter()
        .map(|evidence| evidence.agreement)
        .fold(1.0, f64::min);
    format!(
        "of {common} common object ids {:.1} % stand for the same kind and name",
        agreement * 100.0
    )
}
