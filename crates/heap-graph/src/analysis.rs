//! What follows from a graph: distances, dominators, retained sizes, classes, by the rules of Chrome's DevTools, so that its
//! numbers and ours are the same (those of npm `chrome-devtools-frontend` 1.0.1705227).

mod aggregates;
mod base;
mod bits;
mod classes;
mod distances;
mod dominators;
mod ephemerons;
mod interfaces;
mod names;
mod page;
mod references;
mod retained;
mod retainers;
mod shallow;
mod statistics;
mod threads;
mod watch;

use std::borrow::Cow;
use std::sync::Arc;

pub use aggregates::{Aggregate, Aggregates};
pub(crate) use base::ClassBase;
pub(crate) use bits::Bits;
pub use classes::{ClassId, ClassKey, Classes, Members};
pub use distances::{SYSTEM_DISTANCE, UNREACHED};
pub use interfaces::{Interface, Interfaces};
pub(crate) use retained::Dominated;
pub use retainers::Retainer;
pub use statistics::Statistics;

use crate::columns::{OutOfMemory, Spare};
use crate::control::{CancelSignal, Phase, ProgressListener, thread_count};
use crate::model::{Detachedness, HeapGraph, NodeIndex, SizeColumn, WideColumn};
use distances::{Context, DistanceColumn, Distances};
use dominators::{Dominators, Search};
use ephemerons::Ephemerons;
use names::{DomStates, WellKnown};
use references::References;
use retainers::{Essential, Retainers};
use watch::Watch;

/// Why a graph could not be analysed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnalyzeError {
    /// The caller's [`CancelSignal`] ended it.
    #[error("The analysis of the heap was cancelled.")]
    Cancelled,
    /// There is no memory for it.
    #[error("There is no memory for {bytes} bytes that the analysis of the heap needs.")]
    OutOfMemory {
        /// How much was asked for at once.
        bytes: u64,
    },
}

impl AnalyzeError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Cancelled => "ERR_MEMGUARD_CANCELLED",
            Self::OutOfMemory { .. } => "ERR_MEMGUARD_SNAPSHOT_TOO_LARGE",
        }
    }
}

impl From<OutOfMemory> for AnalyzeError {
    fn from(error: OutOfMemory) -> Self {
        Self::OutOfMemory { bytes: error.bytes }
    }
}

/// How to analyse a graph.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AnalyzeOptions {
    /// Threads that work at once; 0, the default, for as many as the process may use. Results are the same for any number.
    pub threads: usize,
    /// Whether to take less memory for a little more time: 8 bytes a node less, and some 2 of the 4 an edge. [`Analysis::dominated`]
    /// looks at all nodes then, and references to a node are unpacked when somebody asks for them.
    pub compact: bool,
    /// Ends the call from another thread.
    pub cancel: CancelSignal,
    /// Is told which step is done.
    pub progress: Option<ProgressListener>,
}

/// What keeps every node of a graph alive, how far it is from the roots, and how much it retains.
///
/// Takes 26 bytes a node and 4 bytes an edge besides the graph, or 18 and some 2 if it is [`compact`](AnalyzeOptions::compact), and some
/// 16 bytes a node more while it is made.
#[derive(Debug)]
pub struct Analysis<'g> {
    graph: &'g HeapGraph,
    names: WellKnown,
    states: DomStates,
    shallow: SizeColumn,
    distances: DistanceColumn,
    dominators: Vec<u32>,
    retained: WideColumn,
    /// Made when it is needed in a compact one.
    dominated: Option<Dominated>,
    retainers: References,
    page_owned: Bits,
    interfaces: Arc<Interfaces>,
    classes: Arc<Classes>,
}

impl<'g> Analysis<'g> {
    /// Analyses a graph.
    ///
    /// # Errors
    /// When it was cancelled, and when there is no memory for it.
    pub fn of(graph: &'g HeapGraph, options: &AnalyzeOptions) -> Result<Self, AnalyzeError> {
        let threads = thread_count(options.threads);
        let watch = Watch::new(options.cancel.clone(), options.progress.clone(), 6);
        watch.check_now()?;
        let names = WellKnown::find(graph);
        let states = DomStates::of(graph)?;
        let ephemerons = Ephemerons::find(graph, threads, &watch)?;

        let context = Context {
            graph,
            names: &names,
            states: &states,
            ephemerons: &ephemerons,
        };
        let search = || -> Result<_, AnalyzeError> {
            let Distances {
                distances,
                page_owned,
                spare,
            } = distances::distances(&context, &watch)?;
            watch.step(Phase::Distances);
            let essential = Essential::new(graph, &ephemerons, &page_owned);
            let search = Search::from_root(&essential, spare, &watch)?;
            Ok((distances, page_owned, search))
        };
        let refer_back = || {
            let others = threads.saturating_sub(1).max(1);
            Retainers::of(graph, &ephemerons, others, &watch)
        };
        let ((distances, page_owned, search), retainers) =
            threads::both(threads, search, refer_back)?;
        watch.step(Phase::Dominators);

        let essential = Essential::new(graph, &ephemerons, &page_owned);
        let dominate = || dominators::dominators(search, &essential, &retainers, &watch);
        let describe = || -> Result<_, AnalyzeError> {
            let shallow = shallow::shallow_sizes(graph, &names, &states, &watch)?;
            watch.step(Phase::Classes);
            let interfaces = Interfaces::infer(graph, &names, &watch)?;
            let classes = Classes::assign(graph, &names, &states, &interfaces, &watch)?;
            watch.step(Phase::Classes);
            Ok((shallow, interfaces, classes))
        };
        let (dominators, (shallow, interfaces, classes)) =
            threads::both(threads, dominate, describe)?;
        watch.step(Phase::Dominators);

        drop(ephemerons);

        let Dominators {
            of: dominators,
            order,
            mut spare,
        } = dominators;
        let mut others = Spare::default();
        others.keep(spare.with_room(graph.node_count())?);
        let of_roots = || match options.compact {
            true => Ok(None),
            false => Dominated::of(&dominators, graph.root().0, spare).map(Some),
        };
        let (retained, dominated) = threads::both(
            threads,
            || retained::retained_sizes(&dominators, order, &shallow, others),
            of_roots,
        )?;
        let retainers = match options.compact {
            true => References::packed(retainers)?,
            false => References::Plain(retainers),
        };
        watch.step(Phase::Dominators);
        Ok(Self {
            graph,
            names,
            states,
            shallow,
            distances,
            dominators,
            retained,
            dominated,
            retainers,
            page_owned,
            interfaces: Arc::new(interfaces),
            classes: Arc::new(classes),
        })
    }

    /// The graph that was analysed.
    #[must_use]
    pub fn graph(&self) -> &'g HeapGraph {
        self.graph
    }

    /// Bytes of a node with those parts that it alone holds: backing stores, V8's bookkeeping. What was given to an owner counts 0 itself.
    /// The `Shallow size` of DevTools.
    #[must_use]
    #[inline]
    pub fn shallow_size(&self, node: NodeIndex) -> u64 {
        self.shallow.get(node.index())
    }

    /// Steps from the nearest of the program's roots, which count 1 themselves. From [`SYSTEM_DISTANCE`] on for what only V8's
    /// own roots hold, [`UNREACHED`] for what nothing strong leads to.
    #[must_use]
    #[inline]
    pub fn distance(&self, node: NodeIndex) -> i32 {
        self.distances.get(node.index())
    }

    /// The nearest node without which this one would be gone. The root is its own.
    #[must_use]
    #[inline]
    pub fn dominator(&self, node: NodeIndex) -> NodeIndex {
        NodeIndex(self.dominators[node.index()])
    }

    /// Bytes that would be freed with a node: its shallow size and those of all that it dominates.
    #[must_use]
    #[inline]
    pub fn retained_size(&self, node: NodeIndex) -> u64 {
        self.retained.get(node.index())
    }

    /// Bytes of the whole heap: what the root retains, and native memory outside of all nodes.
    #[must_use]
    pub fn total_size(&self) -> u64 {
        self.retained_size(self.graph.root())
            .saturating_add(self.graph.extra_native_bytes())
    }

    /// The nodes that have this one as their dominator, in the order of the file. Nothing is allocated. A look at all nodes if the
    /// analysis is [`compact`](AnalyzeOptions::compact).
    pub fn dominated(&self, node: NodeIndex) -> impl Iterator<Item = NodeIndex> + Clone + '_ {
        let (known, all) = match &self.dominated {
            Some(dominated) => (dominated.of_node(node.0), &[][..]),
            None => (&[][..], self.dominators.as_slice()),
        };
        let root = self.graph.root();
        let found = (0..).map(NodeIndex).zip(all);
        let found = found.filter(move |&(below, &above)| above == node.0 && below != root);
        let known = known.iter().map(|&node| NodeIndex(node));
        known.chain(found.map(|(node, _)| node))
    }

    /// Calls a function with the nodes that each node dominates, made for the call if they are not kept.
    pub(crate) fn with_dominated<R>(
        &self,
        ask: impl FnOnce(&Dominated) -> R,
    ) -> Result<R, AnalyzeError> {
        match &self.dominated {
            Some(dominated) => Ok(ask(dominated)),
            None => {
                let root = self.graph.root().0;
                Ok(ask(&Dominated::of(
                    &self.dominators,
                    root,
                    Spare::default(),
                )?))
            }
        }
    }

    /// How many references there are to a node, weak ones included.
    #[must_use]
    pub fn retainer_count(&self, node: NodeIndex) -> usize {
        self.retainers.count(node)
    }

    /// The nodes that refer to this one, once for each reference, in the order of the file. Nothing is allocated, no edge is looked at.
    pub fn retaining_nodes(&self, node: NodeIndex) -> impl Iterator<Item = NodeIndex> + Clone + '_ {
        self.retainers.sources(node)
    }

    /// The references to a node, weak ones included, in the order of the file. Looks through the edges of every node that refers to it: prefer
    /// [`Analysis::retaining_nodes`] in loops over many nodes.
    pub fn retainers(&self, node: NodeIndex) -> impl Iterator<Item = Retainer> + '_ {
        self.retainers.edges(self.graph, node)
    }

    /// The nodes that refer to this one in a way that counts for dominators: neither weakly, nor by a shortcut, nor from V8 or a
    /// debugger into what the program owns. The nearest of them on the way to the root tells why a node is alive.
    pub fn essential_retaining_nodes(
        &self,
        node: NodeIndex,
    ) -> impl Iterator<Item = NodeIndex> + '_ {
        self.retainers
            .essential(self.graph, &self.page_owned, node.0)
            .map(NodeIndex)
    }

    /// Whether a node is part of a document: as the producer said, or as follows from those that it hangs on.
    #[must_use]
    pub fn detachedness(&self, node: NodeIndex) -> Detachedness {
        self.states.get(node)
    }

    /// The name of a node, with `Detached ` before that of natives that are part of no document any more.
    #[must_use]
    pub fn name(&self, node: NodeIndex) -> Cow<'g, str> {
        self.states.name(self.graph, node)
    }
}
