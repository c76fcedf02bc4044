//! The figures of each class: how many objects, how large, how much they retain, how near they are.

use std::sync::Arc;

use super::bits::Bits;
use super::classes::{ClassId, Classes};
use super::interfaces::Interfaces;
use super::watch::Watch;
use super::{Analysis, AnalyzeError, AnalyzeOptions, Dominated};
use crate::control::Phase;
use crate::model::NodeIndex;

/// The figures of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// The class.
    pub class: ClassId,
    /// Nodes of it, those without a shallow size left out.
    pub count: u64,
    /// Sum of their shallow sizes in bytes.
    pub shallow_size: u64,
    /// Bytes that would be freed with all of them. What one of them retains of another of them counts once.
    pub retained_size: u64,
    /// The least distance of any of them.
    pub distance: i32,
}

/// The classes of a heap and their figures.
#[derive(Clone, Debug)]
pub struct Aggregates {
    interfaces: Arc<Interfaces>,
    classes: Arc<Classes>,
    rows: Vec<Aggregate>,
}

/// On the stack of the walk: not a node but the class that ends here.
const CLOSE: u32 = 1 << 31;

impl Aggregates {
    /// Adds up, with plain objects by the interfaces of the graph itself.
    ///
    /// # Errors
    /// When it was cancelled, and when there is no memory for it.
    pub fn of(analysis: &Analysis<'_>, options: &AnalyzeOptions) -> Result<Self, AnalyzeError> {
        let watch = Watch::new(options.cancel.clone(), options.progress.clone(), 1);
        Self::with(
            analysis,
            Arc::clone(&analysis.interfaces),
            Arc::clone(&analysis.classes),
            &watch,
        )
    }

    /// [`Aggregates::of`] with the interfaces of another graph, to compare with that one.
    ///
    /// # Errors
    /// When it was cancelled, and when there is no memory for it.
    pub fn with_interfaces(
        analysis: &Analysis<'_>,
        interfaces: Interfaces,
        options: &AnalyzeOptions,
    ) -> Result<Self, AnalyzeError> {
        let watch = Watch::new(options.cancel.clone(), options.progress.clone(), 1);
        let Analysis {
            graph,
            names,
            states,
            ..
        } = analysis;
        let classes = Classes::assign(graph, names, states, &interfaces, &watch)?;
        Self::with(analysis, Arc::new(interfaces), Arc::new(classes), &watch)
    }

    fn with(
        analysis: &Analysis<'_>,
        interfaces: Arc<Interfaces>,
        classes: Arc<Classes>,
        watch: &Watch,
    ) -> Result<Self, AnalyzeError> {
        let mut rows: Vec<Aggregate> = (0..classes.count() as u32)
            .map(|class| Aggregate {
                class: ClassId(class),
                count: 0,
                shallow_size: 0,
                retained_size: 0,
                distance: i32::MAX,
            })
            .collect();
        for node in (0..analysis.graph.node_count() as u32).map(NodeIndex) {
            let size = analysis.shallow_size(node);
            if size != 0 {
                let row = &mut rows[classes.class_of(node).index()];
                row.count += 1;
                row.shallow_size = row.shallow_size.saturating_add(size);
                row.distance = row.distance.min(analysis.distance(node));
            }
        }
        analysis.with_dominated(|dominated| {
            add_retained(analysis, dominated, &classes, &mut rows, watch)
        })??;
        rows.retain(|row| row.count != 0);
        watch.step(Phase::Classes);
        Ok(Self {
            interfaces,
            classes,
            rows,
        })
    }

    /// The figures of every class that has a node of any size, in no particular order.
    #[must_use]
    pub fn rows(&self) -> &[Aggregate] {
        &self.rows
    }

    /// The classes.
    #[must_use]
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// The interfaces by which plain objects were classed.
    #[must_use]
    pub fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }
}

/// Adds to each class what its nodes retain, but for those that a node of the same class dominates: a walk down the dominators'
/// tree that knows which classes it is inside of.
fn add_retained(
    analysis: &Analysis<'_>,
    dominated: &Dominated,
    classes: &Classes,
    rows: &mut [Aggregate],
    watch: &Watch,
) -> Result<(), AnalyzeError> {
    let mut open = Bits::new(classes.count())?;
    let mut stack = vec![analysis.graph.root().0];
    let mut steps = 0;
    while let Some(node) = stack.pop() {
        if node & CLOSE != 0 {
            open.flip(node & !CLOSE);
            continue;
        }
        steps += 1;
        watch.check(steps)?;
        let dominated = dominated.of_node(node);
        if analysis.shallow_size(NodeIndex(node)) != 0 {
            let class = classes.class_of(NodeIndex(node));
            if !open.get(class.0) {
                let row = &mut rows[class.index()];
                row.retained_size = row
                    .retained_size
                    .saturating_add(analysis.retained_size(NodeIndex(node)));
                if !dominated.is_empty() {
                    open.insert(class.0);
                    stack.push(CLOSE | class.0);
                }
            }
        }
        stack.extend_from_slice(dominated);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_retains_what_its_members_share_once() {
        use crate::{EdgeKind, GraphBuilder, NodeKind};
        let mut builder = GraphBuilder::new();
        let root = builder.node(NodeKind::Synthetic, "", 1, 0);
        let global = builder.node(NodeKind::Object, "global", 3, 10);
        let outer = builder.node(NodeKind::Object, "Node", 5, 20);
        let inner = builder.node(NodeKind::Object, "Node", 7, 30);
        let text = builder.node(NodeKind::String, "text", 9, 40);
        builder.edge(root, EdgeKind::Shortcut, "global", global);
        builder.edge(global, EdgeKind::Property, "list", outer);
        builder.edge(outer, EdgeKind::Property, "next", inner);
        builder.edge(inner, EdgeKind::Property, "text", text);
        let graph = builder.finish().unwrap();
        let analysis = Analysis::of(&graph, &AnalyzeOptions::default()).unwrap();
        let aggregates = Aggregates::of(&analysis, &AnalyzeOptions::default()).unwrap();

        let class = aggregates.classes().class_of(inner);
        let row = aggregates
            .rows()
            .iter()
            .find(|row| row.class == class)
            .unwrap();
        let expected = Aggregate {
            class,
            count: 2,
            shallow_size: 50,
            retained_size: 90,
            distance: 2,
        };
        assert_eq!(*row, expected);
        assert_eq!(aggregates.classes().key(class).to_string(), ",Node");
        assert_eq!(
            aggregates.classes().members(&analysis).unwrap().of(class),
            [outer, inner]
        );
        assert_eq!(analysis.total_size(), 100);
    }
}
