//! The array of source locations.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::header::LocationLayout;
use super::numbers::{Batch, Misfit, Sink};
use crate::model::{Location, Locations, NodeIndex};

/// Collects locations; each different place is kept once.
pub(crate) struct LocationSink<'h> {
    layout: &'h LocationLayout,
    node_fields: u32,
    nodes: u32,
    collected: Mutex<Collected>,
}

#[derive(Default)]
struct Collected {
    ids: HashMap<Location, u32>,
    places: Vec<Location>,
    nodes: Vec<(NodeIndex, u32)>,
}

impl<'h> LocationSink<'h> {
    pub(crate) fn new(layout: &'h LocationLayout, nodes: usize, node_fields: usize) -> Self {
        Self {
            layout,
            node_fields: node_fields as u32,
            nodes: nodes as u32,
            collected: Mutex::default(),
        }
    }

    pub(crate) fn finish(self) -> Locations {
        let collected = self.collected.into_inner();
        Locations::new(collected.places, collected.nodes)
    }
}

impl Sink for LocationSink<'_> {
    fn take(&self, batch: &Batch<'_>) -> Result<(), Misfit> {
        let layout = self.layout;
        let collected = &mut *self.collected.lock();
        let mut last = None;
        for (record, fields) in batch.numbers.chunks_exact(layout.fields).enumerate() {
            let at = record * layout.fields;
            let flat = batch.unsigned(at + layout.node);
            let node = flat / u64::from(self.node_fields);
            if node >= u64::from(self.nodes) || node * u64::from(self.node_fields) != flat {
                let end = u64::from(self.nodes) * u64::from(self.node_fields);
                let expected = format!(
                    "the place of a node, a multiple of {} below {end}",
                    self.node_fields
                );
                return Err(Misfit {
                    at: at + layout.node,
                    expected,
                });
            }
            let (script_id, line, column) = (
                fields[layout.script],
                fields[layout.line],
                fields[layout.column],
            );
            let location = Location {
                script_id,
                line,
                column,
            };
            // Objects of one class often follow one another.
            let place = match last {
                Some((before, place)) if before == location => place,
                _ => *collected.ids.entry(location).or_insert_with(|| {
                    collected.places.push(location);
                    collected.places.len() as u32 - 1
                }),
            };
            last = Some((location, place));
            collected.nodes.push((NodeIndex(node as u32), place));
        }
        Ok(())
    }
}
