//! What of an analysed heap is needed to find its classes anew, when the rest of it is gone.
//!
//! 25 bytes a node, the strings, and 7 bytes for each property of a plain object: a third of the heap with its analysis.

use super::distances::DistanceColumn;
use super::interfaces::properties_alone;
use super::names::{DomStates, WellKnown};
use super::retained::Dominated;
use super::{Analysis, AnalyzeError};
use crate::columns::Spare;
use crate::model::{HeapGraph, SizeColumn, WideColumn};

/// Nodes with their sizes and dominators, and what their classes follow from.
pub(crate) struct ClassBase {
    /// No other edges than interfaces are matched by.
    graph: HeapGraph,
    names: WellKnown,
    states: DomStates,
    shallow: SizeColumn,
    distances: DistanceColumn,
    dominators: Vec<u32>,
    retained: WideColumn,
}

impl ClassBase {
    pub(crate) fn of(analysis: &Analysis<'_>) -> Result<Self, AnalyzeError> {
        Ok(Self {
            graph: properties_alone(analysis.graph, &analysis.names)?,
            names: analysis.names,
            states: analysis.states.clone(),
            shallow: analysis.shallow.clone(),
            distances: analysis.distances.clone(),
            dominators: analysis.dominators.clone(),
            retained: analysis.retained.clone(),
        })
    }

    /// Calls a function with an analysis that knows sizes, distances and dominators, but nobody who refers to anything.
    pub(crate) fn analysis<R>(
        self,
        ask: impl FnOnce(&Analysis<'_>) -> R,
    ) -> Result<R, AnalyzeError> {
        let dominated = Dominated::of(&self.dominators, self.graph.root().0, Spare::default())?;
        Ok(ask(&Analysis {
            graph: &self.graph,
            names: self.names,
            states: self.states,
            shallow: self.shallow,
            distances: self.distances,
            dominators: self.dominators,
            retained: self.retained,
            dominated: Some(dominated),
            retainers: Default::default(),
            page_owned: Default::default(),
            interfaces: Default::default(),
            classes: Default::default(),
        }))
    }
}
