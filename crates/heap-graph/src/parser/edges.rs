//! The array of edges, into columns.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering};

use parking_lot::Mutex;

use super::header::EdgeLayout;
use super::numbers::{Batch, Misfit, Sink};
use crate::columns::{Cell, OutOfMemory, zeroed};
use crate::model::{LabelColumn, ShortLabels, pack_edge};

/// The edges as they are needed further on.
pub(crate) struct Edges {
    pub(crate) labels: LabelColumn,
    pub(crate) words: Vec<u32>,
    /// The highest string that names an edge.
    pub(crate) max_name: Option<u32>,
}

pub(crate) struct EdgeSink<'c> {
    layout: &'c EdgeLayout,
    /// The kind of each type, as the word of an edge to node 0, and whether it is named by a string.
    kinds: Vec<(u32, bool)>,
    low_labels: &'c [AtomicU16],
    high_labels: &'c [AtomicU8],
    large_labels: Mutex<Vec<(u32, u32)>>,
    words: &'c [AtomicU32],
    node_fields: u64,
    nodes: u64,
    per_field: f64,
    /// One more than the highest string that names an edge.
    names: AtomicU32,
}

/// Fills the columns of so many edges by `fill`.
pub(crate) fn fill<E: From<OutOfMemory>>(
    edges: usize,
    layout: &EdgeLayout,
    nodes: usize,
    node_fields: usize,
    fill: impl FnOnce(&EdgeSink<'_>) -> Result<(), E>,
) -> Result<Edges, E> {
    let mut low_labels = zeroed::<u16>(edges)?;
    let mut high_labels = zeroed::<u8>(edges)?;
    let mut words = zeroed::<u32>(edges)?;
    let sink = EdgeSink {
        layout,
        kinds: layout
            .kinds
            .iter()
            .map(|&kind| (pack_edge(kind, 0), !kind.has_index()))
            .collect(),
        low_labels: u16::as_atomic(&mut low_labels),
        high_labels: u8::as_atomic(&mut high_labels),
        large_labels: Mutex::default(),
        words: u32::as_atomic(&mut words),
        node_fields: node_fields as u64,
        nodes: nodes as u64,
        per_field: 1.0 / node_fields as f64,
        names: AtomicU32::new(0),
    };
    fill(&sink)?;
    let max_name = sink.names.into_inner().checked_sub(1);
    let large_labels = sink.large_labels.into_inner();
    Ok(Edges {
        labels: LabelColumn::Short(ShortLabels::new(low_labels, high_labels, large_labels)),
        words,
        max_name,
    })
}

impl EdgeSink<'_> {
    /// The node whose fields begin at this number of the array of nodes.
    ///
    /// A product with the reciprocal, rounded, is exact for every multiple and far cheaper than a division; what is no multiple
    /// shows when it is multiplied back.
    #[inline]
    fn node(&self, flat: u64) -> Option<u32> {
        let node = (flat as f64 * self.per_field + 0.5) as u64;
        (node < self.nodes && node * self.node_fields == flat).then_some(node as u32)
    }
}

impl Sink for EdgeSink<'_> {
    fn take(&self, batch: &Batch<'_>) -> Result<(), Misfit> {
        let layout = self.layout;
        let mut names = 0;
        for (record, fields) in batch.numbers.chunks_exact(layout.fields).enumerate() {
            let index = batch.first as usize + record;
            let at = record * layout.fields;
            let (Some(low), Some(high), Some(word)) = (
                self.low_labels.get(index),
                self.high_labels.get(index),
                self.words.get(index),
            ) else {
                let expected = format!(
                    "the end of `edges` after the {} that `edge_count` gives",
                    self.words.len()
                );
                return Err(Misfit { at, expected });
            };
            let Some(&(kind, named)) = self.kinds.get(fields[layout.kind] as usize) else {
                let expected = format!("a type of edge below {}", self.kinds.len());
                return Err(Misfit {
                    at: at + layout.kind,
                    expected,
                });
            };
            let Some(target) = self.node(batch.unsigned(at + layout.target)) else {
                let (fields, end) = (self.node_fields, self.nodes * self.node_fields);
                let expected = format!("the place of a node, a multiple of {fields} below {end}");
                return Err(Misfit {
                    at: at + layout.target,
                    expected,
                });
            };
            let mut name = fields[layout.label];
            if name == u32::MAX {
                let at = at + layout.label;
                let index = u32::try_from(batch.unsigned(at)).ok();
                name = index.filter(|_| !named).ok_or_else(|| Misfit {
                    at,
                    expected: if named {
                        "a string"
                    } else {
                        "an index below 2^32"
                    }
                    .to_owned(),
                })?;
            }
            if named {
                names = names.max(name + 1);
            }
            if name >= ShortLabels::LARGE {
                self.large_labels.lock().push((index as u32, name));
            }
            let label = name.min(ShortLabels::LARGE);
            low.store(label as u16, Ordering::Relaxed);
            high.store((label >> 16) as u8, Ordering::Relaxed);
            word.store(kind | target, Ordering::Relaxed);
        }
        self.names.fetch_max(names, Ordering::Relaxed);
        Ok(())
    }
}
