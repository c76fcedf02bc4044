//! The array of nodes, into columns.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering};

use parking_lot::Mutex;

use super::header::NodeLayout;
use super::numbers::{Batch, Misfit, Sink};
use crate::columns::{Cell, OutOfMemory, zeroed};
use crate::model::{Detachedness, NodeIndex, SizeColumn, WideColumn};

/// Columns that are being filled.
pub(crate) struct NodeColumns {
    kinds: Vec<u8>,
    names: Vec<u32>,
    ids: Vec<u32>,
    self_sizes: Vec<u16>,
    /// The number of edges of each node, one place late, to be summed up.
    edge_counts: Vec<u32>,
}

/// The nodes as they are needed further on.
pub(crate) struct Nodes {
    pub(crate) kinds: Vec<u8>,
    pub(crate) names: Vec<u32>,
    pub(crate) ids: WideColumn,
    pub(crate) self_sizes: SizeColumn,
    pub(crate) edge_counts: Vec<u32>,
    pub(crate) detachedness: Vec<(NodeIndex, Detachedness)>,
}

/// What is rare enough to be kept in lists.
#[derive(Default)]
struct Rare {
    detachedness: Vec<(NodeIndex, Detachedness)>,
    wide_ids: Vec<(u32, u64)>,
    large_sizes: Vec<(u32, u64)>,
}

pub(crate) struct NodeSink<'c> {
    layout: &'c NodeLayout,
    kind_bytes: Vec<u8>,
    kinds: &'c [AtomicU8],
    names: &'c [AtomicU32],
    ids: &'c [AtomicU32],
    self_sizes: &'c [AtomicU16],
    edge_counts: &'c [AtomicU32],
    rare: Mutex<Rare>,
}

impl NodeColumns {
    pub(crate) fn new(nodes: usize) -> Result<Self, OutOfMemory> {
        Ok(Self {
            kinds: zeroed(nodes)?,
            names: zeroed(nodes)?,
            ids: zeroed(nodes)?,
            self_sizes: zeroed(nodes)?,
            edge_counts: zeroed(nodes + 1)?,
        })
    }

    /// Fills the columns by `fill`, and completes them.
    pub(crate) fn fill<E>(
        mut self,
        layout: &NodeLayout,
        fill: impl FnOnce(&NodeSink<'_>) -> Result<(), E>,
    ) -> Result<Nodes, E> {
        let sink = NodeSink {
            layout,
            kind_bytes: layout.kinds.iter().map(|&kind| kind as u8).collect(),
            kinds: u8::as_atomic(&mut self.kinds),
            names: u32::as_atomic(&mut self.names),
            ids: u32::as_atomic(&mut self.ids),
            self_sizes: u16::as_atomic(&mut self.self_sizes),
            edge_counts: &u32::as_atomic(&mut self.edge_counts)[1..],
            rare: Mutex::default(),
        };
        fill(&sink)?;
        let mut rare = sink.rare.into_inner();
        // Threads came in any order.
        rare.detachedness.sort_unstable_by_key(|entry| entry.0);
        Ok(Nodes {
            kinds: self.kinds,
            names: self.names,
            ids: WideColumn::with_exceptions(self.ids, &rare.wide_ids),
            self_sizes: SizeColumn::new(self.self_sizes, rare.large_sizes),
            edge_counts: self.edge_counts,
            detachedness: rare.detachedness,
        })
    }
}

impl Sink for NodeSink<'_> {
    fn take(&self, batch: &Batch<'_>) -> Result<(), Misfit> {
        let layout = self.layout;
        for (record, fields) in batch.numbers.chunks_exact(layout.fields).enumerate() {
            let index = batch.first as usize + record;
            let at = record * layout.fields;
            let (Some(kind), Some(name), Some(id), Some(size), Some(edges)) = (
                self.kinds.get(index),
                self.names.get(index),
                self.ids.get(index),
                self.self_sizes.get(index),
                self.edge_counts.get(index),
            ) else {
                let expected = format!(
                    "the end of `nodes` after the {} that `node_count` gives",
                    self.kinds.len()
                );
                return Err(Misfit { at, expected });
            };
            let Some(&kind_byte) = self.kind_bytes.get(fields[layout.kind] as usize) else {
                let expected = format!("a type of node below {}", self.kind_bytes.len());
                return Err(Misfit {
                    at: at + layout.kind,
                    expected,
                });
            };
            kind.store(kind_byte, Ordering::Relaxed);
            name.store(fields[layout.name], Ordering::Relaxed);
            id.store(fields[layout.id], Ordering::Relaxed);
            let small = u16::try_from(fields[layout.self_size]).unwrap_or(SizeColumn::LARGE);
            size.store(small, Ordering::Relaxed);
            edges.store(fields[layout.edge_count], Ordering::Relaxed);
            let wide = |field: usize| {
                let (at, expected) = (at + field, "a number that is not negative".to_owned());
                batch.wide(at).ok_or(Misfit { at, expected })
            };
            if small == SizeColumn::LARGE {
                let size = wide(layout.self_size)?;
                self.rare.lock().large_sizes.push((index as u32, size));
            }
            if fields[layout.id] == u32::MAX {
                let id = wide(layout.id)?;
                self.rare.lock().wide_ids.push((index as u32, id));
            }
            if let Some(detachedness) = layout
                .detachedness
                .map(|field| fields[field])
                .filter(|&state| state != 0)
            {
                let state = Detachedness::from_number(detachedness);
                if state != Detachedness::Unknown {
                    self.rare
                        .lock()
                        .detachedness
                        .push((NodeIndex(index as u32), state));
                }
            }
        }
        Ok(())
    }
}
