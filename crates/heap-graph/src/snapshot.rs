//! A heap with all that is known of it: what every report starts from.

use crate::analysis::{
    Aggregates, Analysis, AnalyzeError, AnalyzeOptions, ClassId, SYSTEM_DISTANCE,
};
use crate::control::CancelSignal;
use crate::diff::Provenance;
use crate::model::{HeapGraph, Location, NodeIndex, NodeKind};
use crate::report::{ObjectRef, SourceInfo, SourceLocation};
use crate::retainers::{Scripts, words};

/// A heap with all that is known of it: what every report starts from.
///
/// ```
/// use memguard_heap_graph::{AnalyzeOptions, EdgeKind, GraphBuilder, NodeKind, Snapshot};
///
/// let mut builder = GraphBuilder::new();
/// let root = builder.node(NodeKind::Synthetic, "", 1, 0);
/// let user = builder.node(NodeKind::Object, "User", 3, 24);
/// builder.edge(root, EdgeKind::Element, 1, user);
/// let graph = builder.finish()?;
///
/// let snapshot = Snapshot::of(&graph, &AnalyzeOptions::default())?;
/// assert_eq!(snapshot.object(user).name, "User");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Snapshot<'g> {
    analysis: Analysis<'g>,
    aggregates: Aggregates,
    scripts: Scripts,
    provenance: Provenance,
    cancel: CancelSignal,
}

impl<'g> Snapshot<'g> {
    /// Analyses a graph: dominators, retained sizes, distances, classes, scripts.
    ///
    /// # Errors
    /// When it was cancelled, and when there is no memory for it. What is asked of the snapshot later looks at the same signal, and
    /// fails when that is raised.
    pub fn of(graph: &'g HeapGraph, options: &AnalyzeOptions) -> Result<Self, AnalyzeError> {
        let analysis = Analysis::of(graph, options)?;
        let aggregates = Aggregates::of(&analysis, options)?;
        let mut snapshot = Self::new(analysis, aggregates);
        snapshot.cancel = options.cancel.clone();
        Ok(snapshot)
    }

    /// Takes what has been found out already.
    #[must_use]
    pub fn new(analysis: Analysis<'g>, aggregates: Aggregates) -> Self {
        let scripts = Scripts::of(analysis.graph());
        Self {
            analysis,
            aggregates,
            scripts,
            provenance: Provenance::default(),
            cancel: CancelSignal::default(),
        }
    }

    /// Says where it comes from.
    #[must_use]
    pub fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// An answer, unless the search for it ended early because the signal was raised.
    pub(crate) fn whole<R>(&self, answer: R) -> Result<R, AnalyzeError> {
        if self.cancel.is_cancelled() {
            return Err(AnalyzeError::Cancelled);
        }
        Ok(answer)
    }

    pub(crate) fn cancel(&self) -> &CancelSignal {
        &self.cancel
    }

    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &'g HeapGraph {
        self.analysis.graph()
    }

    /// Distances, dominators, retained sizes.
    #[must_use]
    pub fn analysis(&self) -> &Analysis<'g> {
        &self.analysis
    }

    /// Classes and their figures.
    #[must_use]
    pub fn aggregates(&self) -> &Aggregates {
        &self.aggregates
    }

    /// The names of its scripts.
    #[must_use]
    pub fn scripts(&self) -> &Scripts {
        &self.scripts
    }

    /// Where it comes from.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Where it comes from, as reports tell it.
    #[must_use]
    pub fn source(&self) -> SourceInfo {
        self.provenance.source.clone()
    }

    /// One object, as reports tell it.
    #[must_use]
    pub fn object(&self, node: NodeIndex) -> ObjectRef {
        let graph = self.graph();
        ObjectRef {
            id: graph.node(node).id(),
            class: words::shortened(self.class_name(self.class(node))),
            name: self.name(node),
            shallow_size: self.analysis.shallow_size(node),
            retained_size: self.analysis.retained_size(node),
            distance: self.distance(node),
            location: graph.location(node).map(|location| self.locate(location)),
        }
    }

    /// What to call an object in a sentence. Scopes are called by a script whose functions share them.
    fn name(&self, node: NodeIndex) -> String {
        const ASKED: usize = 64;
        let graph = self.graph();
        let name = words::object(graph, &self.scripts, node);
        if graph.node(node).kind() == NodeKind::Closure || name != words::SCOPE {
            return name;
        }
        let mut functions = self
            .analysis
            .retaining_nodes(node)
            .take(ASKED)
            .filter_map(|from| {
                let function = graph.node(from);
                (function.kind() == NodeKind::Closure).then(|| graph.location(from))?
            });
        match functions.find_map(|location| self.scripts.name(location.script_id)) {
            Some(script) => format!("{name} [{}]", words::file_name(script)),
            None => name,
        }
    }

    /// A location with its script's name.
    #[must_use]
    pub fn locate(&self, location: Location) -> SourceLocation {
        self.scripts.locate(location)
    }

    /// Steps from the nearest of the program's roots; none where only V8's own lead.
    #[must_use]
    pub fn distance(&self, node: NodeIndex) -> Option<u32> {
        told_distance(self.analysis.distance(node))
    }

    pub(crate) fn class(&self, node: NodeIndex) -> ClassId {
        self.aggregates.classes().class_of(node)
    }

    pub(crate) fn class_name(&self, class: ClassId) -> &str {
        &self.aggregates.classes().key(class).name
    }
}

/// DevTools' distance, where it is one of the program's own.
pub(crate) fn told_distance(distance: i32) -> Option<u32> {
    u32::try_from(distance)
        .ok()
        .filter(|_| distance < SYSTEM_DISTANCE)
}
