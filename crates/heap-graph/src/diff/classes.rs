//! Growth by class, as DevTools' Comparison view has it.

use std::collections::HashMap;

use crate::analysis::{
    Aggregate, Aggregates, Analysis, AnalyzeError, AnalyzeOptions, ClassBase, ClassKey,
};
use crate::model::NodeIndex;
use crate::report::{ClassDelta, DiffBy};
use crate::retainers::Scripts;
use crate::signature::script_in_signatures;
use crate::snapshot::Snapshot;

/// What is kept of the oldest heap until the newest is known, by whose interfaces its classes are found anew.
pub(crate) struct Oldest {
    base: ClassBase,
    scripts: Scripts,
}

impl Oldest {
    pub(crate) fn of(snapshot: &Snapshot<'_>) -> Result<Self, AnalyzeError> {
        Ok(Self {
            base: ClassBase::of(snapshot.analysis())?,
            scripts: snapshot.scripts().clone(),
        })
    }

    /// Rows by class, those that grew most first.
    pub(crate) fn deltas(
        self,
        newer: &Snapshot<'_>,
        by: DiffBy,
        options: &AnalyzeOptions,
    ) -> Result<Vec<ClassDelta>, AnalyzeError> {
        let Self { base, scripts } = self;
        base.analysis(|analysis| {
            let older = Heap {
                analysis,
                scripts: &scripts,
            };
            class_deltas(older, newer, by, options)
        })?
    }
}

/// A heap with classes: one of those that are compared.
#[derive(Clone, Copy)]
struct Heap<'a> {
    analysis: &'a Analysis<'a>,
    scripts: &'a Scripts,
}

/// What a class is joined by.
#[derive(PartialEq, Eq, Hash)]
enum Join {
    /// In one process: name and V8's number of the script.
    Exact(ClassKey),
    /// In any two heaps: name and script without its folder. Lines move from release to release.
    Folded(String, Option<String>),
}

impl Join {
    fn of(heap: Heap<'_>, key: &ClassKey, by: DiffBy) -> Self {
        match by {
            DiffBy::Ids => Self::Exact(key.clone()),
            DiffBy::Signature => {
                let script = key
                    .location
                    .and_then(|location| heap.scripts.name(location.script_id));
                Self::Folded(key.name.clone(), script.map(script_in_signatures))
            }
        }
    }
}

/// The classes of one row in both heaps.
#[derive(Default)]
struct Pair {
    before: Vec<Aggregate>,
    after: Vec<Aggregate>,
}

fn class_deltas(
    older: Heap<'_>,
    newest: &Snapshot<'_>,
    by: DiffBy,
    options: &AnalyzeOptions,
) -> Result<Vec<ClassDelta>, AnalyzeError> {
    let after = newest.aggregates();
    let before = Aggregates::with_interfaces(older.analysis, after.interfaces().clone(), options)?;
    let newer = Heap {
        analysis: newest.analysis(),
        scripts: newest.scripts(),
    };
    let mut pairs: HashMap<Join, Pair> = HashMap::new();
    for row in before.rows() {
        let join = Join::of(older, before.classes().key(row.class), by);
        pairs.entry(join).or_default().before.push(*row);
    }
    for row in after.rows() {
        let join = Join::of(newer, after.classes().key(row.class), by);
        pairs.entry(join).or_default().after.push(*row);
    }
    let members = match by {
        DiffBy::Ids => Some((
            before.classes().members(older.analysis)?,
            after.classes().members(newer.analysis)?,
        )),
        DiffBy::Signature => None,
    };
    let mut rows: Vec<ClassDelta> = pairs
        .into_values()
        .map(|pair| {
            let mut row = totals((older, &before), (newer, after), &pair);
            match &members {
                Some((old, new)) => by_ids(
                    &mut row,
                    &measured(older, pair.before.iter().flat_map(|row| old.of(row.class))),
                    &measured(newer, pair.after.iter().flat_map(|row| new.of(row.class))),
                ),
                None => net(&mut row, &pair),
            }
            row
        })
        .filter(|row| row.added_count + row.removed_count > 0 || row.size_delta != 0)
        .collect();
    rows.sort_by(|a, b| {
        b.size_delta
            .cmp(&a.size_delta)
            .then_with(|| (&a.name, &a.location).cmp(&(&b.name, &b.location)))
    });
    Ok(rows)
}

/// A row with what does not depend on how objects are matched.
fn totals(
    (older, before): (Heap<'_>, &Aggregates),
    (newer, after): (Heap<'_>, &Aggregates),
    pair: &Pair,
) -> ClassDelta {
    let (heap, aggregates, class) = match (pair.after.first(), pair.before.first()) {
        (Some(row), _) => (newer, after, row.class),
        (None, first) => (
            older,
            before,
            first.map(|row| row.class).unwrap_or_default(),
        ),
    };
    let key = aggregates.classes().key(class);
    let retained_before = sum(&pair.before, |row| row.retained_size);
    let retained_after = sum(&pair.after, |row| row.retained_size);
    ClassDelta {
        name: key.name.clone(),
        location: key.location.map(|location| heap.scripts.locate(location)),
        count_before: sum(&pair.before, |row| row.count),
        count_after: sum(&pair.after, |row| row.count),
        added_count: 0,
        removed_count: 0,
        count_delta: 0,
        added_size: 0,
        removed_size: 0,
        size_delta: 0,
        retained_before,
        retained_after,
        retained_delta: retained_after as i64 - retained_before as i64,
    }
}

fn sum(rows: &[Aggregate], what: fn(&Aggregate) -> u64) -> u64 {
    rows.iter().map(what).fold(0, u64::saturating_add)
}

/// Ids with shallow sizes, by id.
fn measured<'m>(heap: Heap<'_>, nodes: impl Iterator<Item = &'m NodeIndex>) -> Vec<(u64, u64)> {
    let graph = heap.analysis.graph();
    let mut objects: Vec<(u64, u64)> = nodes
        .map(|&node| (graph.node(node).id(), heap.analysis.shallow_size(node)))
        .collect();
    objects.sort_unstable();
    objects
}

/// What came and what went, by id: one merge. What stayed but changed its size is not told, as in DevTools.
fn by_ids(row: &mut ClassDelta, before: &[(u64, u64)], after: &[(u64, u64)]) {
    let mut old = before.iter().peekable();
    let mut removed = |size: u64| {
        row.removed_count += 1;
        row.removed_size += size;
    };
    for &(id, size) in after {
        while let Some(&(_, gone)) = old.next_if(|(old_id, _)| *old_id < id) {
            removed(gone);
        }
        if old.next_if(|(old_id, _)| *old_id == id).is_none() {
            row.added_count += 1;
            row.added_size += size;
        }
    }
    old.for_each(|&(_, gone)| removed(gone));
    row.count_delta = row.added_count as i64 - row.removed_count as i64;
    row.size_delta = row.added_size as i64 - row.removed_size as i64;
}

/// The net change, where objects cannot be told one by one.
fn net(row: &mut ClassDelta, pair: &Pair) {
    let (was, is) = (
        sum(&pair.before, |row| row.shallow_size),
        sum(&pair.after, |row| row.shallow_size),
    );
    row.count_delta = row.count_after as i64 - row.count_before as i64;
    row.size_delta = is as i64 - was as i64;
    row.added_count = row.count_after.saturating_sub(row.count_before);
    row.removed_count = row.count_before.saturating_sub(row.count_after);
    row.added_size = is.saturating_sub(was);
    row.removed_size = was.saturating_sub(is);
}
