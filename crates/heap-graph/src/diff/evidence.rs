//! Whether object ids mean the same in two heaps: what the heaps themselves say.
//!
//! V8 gives each object the next odd number when a snapshot first meets it, and never a number twice. So in one process
//! (1) an id that is in both heaps is the same object, of the same kind and name; (2) whatever is in the older heap had its
//! number then, so that an object of the newer with a number in the older's range must be in the older too. Forked or
//! other processes number alike only as far as their heaps are walked alike: the built-ins at the start.

use super::provenance::{IdScope, Provenance};
use crate::model::{HeapGraph, NodeIndex, NodeKind};
use crate::report::{Comparison, DiffBy, IdEvidence};

/// Common ids of one process agree in kind and name but for a few that V8 renames.
const LEAST_AGREEMENT: f64 = 0.97;
/// Share of the newer's ids in the older's range that may be unknown to the older.
const MOST_IMPOSSIBLE: f64 = 0.02;
/// Fewer common ids prove nothing.
const LEAST_COMMON: u64 = 32;

/// Ids of JavaScript objects with the node, by id: 16 bytes an object.
pub(crate) type Ids = Vec<(u64, NodeIndex)>;

pub(crate) fn sorted_ids(graph: &HeapGraph) -> Ids {
    let counts = |kind: NodeKind| !matches!(kind, NodeKind::Synthetic | NodeKind::Native);
    let mut ids: Ids = graph
        .nodes()
        .filter(|node| counts(node.kind()))
        .map(|node| (node.id(), node.index()))
        .collect();
    ids.sort_unstable();
    ids
}

/// Compares the ids of an older heap with those of a newer one: one merge of the two.
pub(crate) fn compare(
    older: (&HeapGraph, &[(u64, NodeIndex)]),
    newer: (&HeapGraph, &[(u64, NodeIndex)]),
) -> IdEvidence {
    let ((old_graph, old_ids), (new_graph, new_ids)) = (older, newer);
    let range_end = old_ids.last().map_or(0, |entry| entry.0);
    let (mut common, mut agreeing, mut impossible) = (0_u64, 0_u64, 0_u64);
    let mut old = old_ids.iter().peekable();
    for &(id, node) in new_ids {
        while old.next_if(|entry| entry.0 < id).is_some() {}
        match old.peek() {
            Some(&&(same, before)) if same == id => {
                common += 1;
                agreeing += u64::from(is_alike((old_graph, before), (new_graph, node)));
            }
            _ => impossible += u64::from(id < range_end),
        }
    }
    let smaller = old_ids.len().min(new_ids.len()).max(1) as f64;
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

/// Whether two nodes may be the same object at two moments. V8 renames code and flattens strings, so these only need
/// their kind's family.
fn is_alike(
    (old_graph, old): (&HeapGraph, NodeIndex),
    (new_graph, new): (&HeapGraph, NodeIndex),
) -> bool {
    let (old, new) = (old_graph.node(old), new_graph.node(new));
    match (old.kind(), new.kind()) {
        (a, b) if a.is_string() && b.is_string() => a != b || old.name() == new.name(),
        (a, b) if a != b => false,
        (NodeKind::Object | NodeKind::Closure | NodeKind::Symbol | NodeKind::RegExp, _) => {
            old.name() == new.name()
        }
        _ => true,
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
