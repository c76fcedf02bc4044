//! A suspect, with all that rules ask of it.

use memguard_heap_graph::diff::Grown;
use memguard_heap_graph::report::{GrowthCluster, PathStep};
use memguard_heap_graph::{NodeIndex, Snapshot};

use crate::context::Context;
use crate::investigate::external_delta;
use crate::report::ContentGrowth;

/// Classes of its contents that a suspect names.
const MOST_CONTENTS: usize = 6;
/// Objects of a way in source words.
const MOST_WORDS: usize = 5;

/// A suspect, with all that rules ask of it.
pub(crate) struct Case<'a, 'g> {
    pub(crate) now: &'a Snapshot<'g>,
    pub(crate) row: &'a GrowthCluster,
    pub(crate) context: &'a Context,
    /// What holds what grows, where that is an object of its own.
    pub(crate) holder: Option<NodeIndex>,
    /// The objects of the way's steps, from what grows to the root.
    pub(crate) way: Vec<NodeIndex>,
}

impl<'a, 'g> Case<'a, 'g> {
    pub(crate) fn of(
        now: &'a Snapshot<'g>,
        grown: &Grown,
        row: &'a GrowthCluster,
        example: Option<NodeIndex>,
        context: &'a Context,
    ) -> Self {
        let way = way(now, grown, row, example);
        Self {
            now,
            row,
            context,
            holder: way.get(1).copied(),
            way,
        }
    }

    /// The steps of the way, the root first.
    pub(crate) fn steps(&self) -> &'a [PathStep] {
        self.row
            .example
            .as_ref()
            .map_or(&[], |path| path.steps.as_slice())
    }

    /// The step of what grows.
    pub(crate) fn last(&self) -> Option<&'a PathStep> {
        self.steps().last()
    }

    /// The step of what holds it.
    pub(crate) fn holding(&self) -> Option<&'a PathStep> {
        self.steps().iter().rev().nth(1)
    }

    /// What grows. Where each object is held by a root of its own (a handle of Node's, that is), what hangs on it.
    pub(crate) fn class(&self) -> String {
        let is_named = |class: &str| {
            class != "Object" && !class.starts_with(['(', '{']) && !class.starts_with("function")
        };
        self.own_root()
            .and_then(|_| {
                let mut contents = self.row.contents.rows.iter();
                contents.find(|row| row.count_delta > 0 && is_named(&row.class))
            })
            .map_or_else(|| self.row.class.clone(), |row| row.class.clone())
    }

    /// The root, where what grows are roots.
    fn own_root(&self) -> Option<&'a PathStep> {
        match self.steps() {
            [root] if root.object.class == "(synthetic)" => Some(root),
            _ => None,
        }
    }

    /// What else is among it.
    pub(crate) fn contents(&self) -> Vec<ContentGrowth> {
        self.row
            .contents
            .rows
            .iter()
            .filter(|row| row.size_delta > 0)
            .take(MOST_CONTENTS)
            .map(|row| ContentGrowth {
                class: row.class.clone(),
                count_delta: row.count_delta,
                size_delta: row.size_delta,
            })
            .collect()
    }

    /// How many more objects of classes that a rule knows are among it.
    pub(crate) fn more_of(&self, is: impl Fn(&str) -> bool) -> i64 {
        self.row
            .contents
            .rows
            .iter()
            .filter(|row| is(&row.class))
            .map(|row| row.count_delta)
            .sum()
    }

    /// By how many bytes classes that a rule knows grew among it, as a share of all its growth.
    pub(crate) fn share_of(&self, is: impl Fn(&str) -> bool) -> f64 {
        let of: i64 = self
            .row
            .contents
            .rows
            .iter()
            .filter(|row| is(&row.class))
            .map(|row| row.size_delta)
            .sum();
        of.max(0) as f64 / self.row.size_delta.max(1) as f64
    }

    pub(crate) fn external_delta(&self) -> i64 {
        external_delta(self.row)
    }

    /// The nearest step, from the end, of a class that a rule knows.
    pub(crate) fn nearest(&self, is: impl Fn(&str) -> bool) -> Option<&'a PathStep> {
        self.steps()
            .iter()
            .rev()
            .find(|step| is(&step.object.class))
    }

    /// The place, from the end, of a reference that a rule knows; 0 for that to what grows.
    pub(crate) fn edge_at(&self, is: impl Fn(&str) -> bool) -> Option<usize> {
        self.steps()
            .iter()
            .rev()
            .position(|step| step.edge.as_deref().is_some_and(&is))
    }

    pub(crate) fn holder_class(&self) -> String {
        let root = self.own_root();
        root.or_else(|| self.holding()).map_or_else(
            || self.row.holder.clone(),
            |step| {
                if root.is_some()
                    || step.object.name.starts_with("function ")
                    || step.object.name == "context"
                {
                    step.object.name.clone()
                } else {
                    step.object.class.clone()
                }
            },
        )
    }

    /// What the source calls the holder: the nearest name on the way to it.
    pub(crate) fn holder_name(&self) -> Option<String> {
        let before = self.steps().iter().rev().skip(1);
        let own = self
            .last()
            .and_then(|step| word(step.edge.as_deref()?))
            .filter(|_| self.row.count_delta <= 0);
        own.or_else(|| {
            before
                .take(4)
                .find_map(|step| word(step.edge.as_deref().unwrap_or_default()))
        })
        .or_else(|| word(self.last()?.edge.as_deref()?))
    }

    pub(crate) fn last_edge(&self) -> Option<String> {
        self.last()?.edge.clone()
    }

    /// The way in source words, from the nearest function or the root on: `requestLog → Array → LogEntry`.
    pub(crate) fn words(&self) -> String {
        let steps = self.steps();
        if steps.is_empty() {
            return self.row.words.clone();
        }
        if let Some(root) = self.own_root() {
            let (root, class) = (&root.object.name, self.class());
            return if *root == class {
                class
            } else {
                format!("{root} → {class}")
            };
        }
        let is_anchor = |step: &PathStep| {
            step.object.name.starts_with("function ")
                || matches!(step.object.class.as_str(), "Window" | "global" | "process")
                || step.edge.is_none()
        };
        let last = steps.len() - 1;
        let from = (0..last).rev().find(|&at| is_anchor(&steps[at]));
        let mut from = from.map_or(0, |at| at + 1);
        if last.saturating_sub(from) >= MOST_WORDS {
            from = last - MOST_WORDS + 1;
        }
        let mut parts = Vec::new();
        for (at, step) in steps.iter().enumerate().skip(from) {
            let edge = step.edge.as_deref().unwrap_or_default();
            if let Some(word) = word(edge) {
                parts.push(word);
            }
            let is_plain = step.object.name == "Object" && at < last;
            if !is_plain || parts.is_empty() {
                parts.push(step.object.name.clone());
            }
        }
        parts.join(" → ")
    }

    /// The scripts on the way.
    pub(crate) fn files(&self) -> Vec<&'a str> {
        let mut files: Vec<&str> = self
            .steps()
            .iter()
            .filter_map(|step| step.object.location.as_ref()?.script.as_deref())
            .filter(|script| !script.starts_with("node:"))
            .collect();
        files.dedup();
        files
    }
}

/// The objects of a way's steps, from what grows to the root.
fn way(
    now: &Snapshot<'_>,
    grown: &Grown,
    row: &GrowthCluster,
    example: Option<NodeIndex>,
) -> Vec<NodeIndex> {
    let steps = row.example.as_ref().map_or(&[][..], |path| &path.steps);
    let mut left = steps.iter().rev().map(|step| step.object.id).peekable();
    let mut way = Vec::new();
    let mut at = example;
    while let Some(node) = at {
        if left.next_if_eq(&now.graph().node(node).id()).is_some() {
            way.push(node);
        }
        at = grown
            .tree
            .parent(now.graph(), node)
            .map(|(parent, _)| parent);
    }
    way
}

/// The word of the source in a reference: `.sessions` and `context .sessions` are `sessions`, `[0]` and `(table)` are none.
pub(crate) fn word(edge: &str) -> Option<String> {
    let edge = edge.strip_prefix("context ").unwrap_or(edge);
    let name = edge.strip_prefix('.')?;
    (!name.starts_with("get(")).then(|| name.to_owned())
}
