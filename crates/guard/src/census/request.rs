//! What is asked for, and what it costs.

use memguard_heap_graph::query::Filter;
use serde::Deserialize;

use super::CensusError;

/// What a child takes whatever the heap: its own pages of the program, tables of pages and maps.
const BASE_BYTES: u64 = 4 << 20;
/// A walk takes this part of the heap for marks,
const MARKS_PART: u64 = 64;
/// and 16 bytes for each object that waits to be walked: for all of them at most so much, or this part of a heap of small ones.
const WAITING_OBJECT_BYTES: u64 = 16;
const MOST_WAITING_BYTES: u64 = 8 << 20;
const WAITING_PART: u64 = 16;
/// For each object, in bytes, where an earlier census has counted them: the graph and what `analyze()` finds (measured: 81, with
/// all that a walk takes).
const ANALYSIS_OBJECT_BYTES: u64 = 78;
/// In hundredths of the used heap, of small objects (measured at 38 bytes each): the graph alone, with what `analyze()` finds
/// (measured: 140 and 210), and with what a hunt does.
const GRAPH_PERCENT: u64 = 200;
const ANALYSIS_PERCENT: u64 = 300;
const LOOK_PERCENT: u64 = 450;

/// A wish for a census.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CensusRequest {
    /// Used heap in bytes.
    pub heap_used_bytes: u64,
    /// How many objects there are, if an earlier census tells.
    #[serde(default)]
    pub objects: Option<u64>,
    /// Most classes that are told.
    pub classes: usize,
    /// Note where old objects are, for the next one.
    pub track: bool,
    /// The earlier census, by its number, whose old objects are looked for.
    #[serde(default)]
    pub since: Option<u32>,
    /// Walk it as a graph besides.
    #[serde(default)]
    pub graph: Option<GraphRequest>,
    /// Look at the graph for a hunt.
    #[serde(default)]
    pub look: Option<LookRequest>,
    /// Take it though it may cost the process its life.
    pub force: bool,
}

/// A look of a hunt.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LookRequest {
    /// The hunt.
    pub hunt: u32,
    /// Compare with the looks before, and report.
    pub investigate: bool,
    /// Somebody waits for it, or the hunt goes at a pace: its child is not the last to get a processor.
    pub hurried: bool,
    /// What is known beside the heap.
    pub context: Box<memguard_hunt::Context>,
    /// Why there is no memory for a graph: then objects are counted by class.
    #[serde(skip)]
    pub(super) no_graph: Option<String>,
}

/// What is asked of the graph.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GraphRequest {
    /// Most classes.
    #[serde(default)]
    pub classes: Option<usize>,
    /// Most rows of the dominators' tree.
    #[serde(default)]
    pub dominators: Option<usize>,
    /// Most rows of each other list.
    #[serde(default)]
    pub rows: Option<usize>,
    /// Whose retainers are told.
    #[serde(default)]
    pub retainers: Option<Retained>,
}

/// Objects whose retainers are asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Retained {
    /// Those of a class.
    Class(String),
    /// What a variable or property of this name refers to.
    Name(String),
    /// What a filter lets through, as in `memguard query`.
    Filter(String),
}

impl Retained {
    /// # Errors
    /// It is a filter that cannot be understood.
    pub(super) fn filter(&self) -> Result<Filter, CensusError> {
        match self {
            Self::Class(name) => Ok(Filter::class(name)),
            Self::Name(name) => Ok(Filter::name(name)),
            Self::Filter(text) => {
                text.parse()
                    .map_err(|error: memguard_heap_graph::query::FilterError| {
                        CensusError::new(error.code(), error.to_string())
                    })
            }
        }
    }
}

impl CensusRequest {
    /// Whether it takes a graph.
    pub(super) fn has_graph(&self) -> bool {
        let looks_at_one = |look: &LookRequest| look.no_graph.is_none();
        self.graph.is_some() || self.look.as_ref().is_some_and(looks_at_one)
    }

    /// Does without a graph, for a reason in words. Answers whether there was to be one.
    pub(super) fn give_up_graph(&mut self, why: &str) -> bool {
        let had_graph = self.has_graph();
        self.graph = None;
        if let Some(look) = self.look.as_mut().filter(|look| look.no_graph.is_none()) {
            look.no_graph = Some(why.to_owned());
            // Who stayed is known by where old objects were.
            self.track = true;
        }
        had_graph
    }

    /// Of the heap as it is now: what was known when it was begun may be seconds old, where a child has failed since.
    pub(super) fn renew(&mut self, heap_used_bytes: u64) {
        let before = u128::from(self.heap_used_bytes.max(1));
        let grown = |objects: u64| u128::from(objects) * u128::from(heap_used_bytes) / before;
        self.objects = self
            .objects
            .map(|objects| u64::try_from(grown(objects)).unwrap_or(u64::MAX));
        self.heap_used_bytes = heap_used_bytes;
    }

    /// For a table of so many classes, and nothing else.
    pub(super) fn of_table(heap_used_bytes: u64, classes: usize) -> Self {
        Self {
            heap_used_bytes,
            objects: None,
            classes,
            track: false,
            since: None,
            graph: None,
            look: None,
            force: false,
        }
    }

    /// Memory that a child will take, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes_for(self.objects)
    }

    /// Memory that a child may take at most, in bytes, however many objects there are: as many as were counted in a heap that was half
    /// garbage are too few where there is none.
    pub(super) fn most_bytes(&self) -> u64 {
        self.bytes_for(None).saturating_mul(2)
    }

    fn bytes_for(&self, objects: Option<u64>) -> u64 {
        let heap = self.heap_used_bytes;
        let waiting = objects.map_or(heap / WAITING_PART, |objects| {
            objects.saturating_mul(WAITING_OBJECT_BYTES)
        });
        let walk = BASE_BYTES
            .saturating_add(heap / MARKS_PART)
            .saturating_add(waiting.min(MOST_WAITING_BYTES));
        let of_heap = |percent| of_heap(heap, percent);
        let by_count =
            |objects: u64| walk.saturating_add(objects.saturating_mul(ANALYSIS_OBJECT_BYTES));
        match (&self.graph, &self.look) {
            _ if !self.has_graph() => walk,
            (_, Some(_)) => of_heap(LOOK_PERCENT),
            (_, None) => {
                let by_size = of_heap(ANALYSIS_PERCENT);
                objects.map_or(by_size, |it| by_count(it).min(by_size))
            }
        }
    }
}

/// Memory that a child takes for a graph of a heap, in bytes.
pub(crate) fn graph_bytes(heap_used_bytes: u64) -> u64 {
    of_heap(heap_used_bytes, GRAPH_PERCENT)
}

fn of_heap(heap_used_bytes: u64, percent: u64) -> u64 {
    BASE_BYTES.saturating_add(heap_used_bytes.saturating_mul(percent) / 100)
}

/// What is known at the moment of the fork.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CensusFacts {
    /// V8's own figure: what objects, dead ones included, take.
    pub used_heap_bytes: u64,
    /// What was put into the heap for the self-test.
    #[serde(default)]
    pub planted: Option<Planted>,
    /// How many children failed before.
    #[serde(default)]
    pub retries: u32,
}

/// Objects that must be found, exactly so many.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Planted {
    /// Their class.
    pub class: String,
    /// How many there are.
    pub count: u64,
    /// The least that each of them takes, in bytes.
    pub least_bytes: u64,
    /// The most.
    pub most_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heap_that_has_grown_is_bounded_as_it_is_now() {
        let mut request = CensusRequest::of_table(100 << 20, 10);
        request.graph = Some(GraphRequest::default());
        // Counted when half of the heap was garbage.
        request.objects = Some(1_000_000);
        let (estimated, most) = (request.bytes(), request.most_bytes());
        assert!(most >= 4 * estimated, "{most} for {estimated}");
        request.renew(300 << 20);
        assert_eq!(request.objects, Some(3_000_000));
        assert!(request.bytes() > 2 * estimated && request.most_bytes() > 2 * most);
        request.renew(0);
        request.renew(100 << 20);
        assert_eq!(
            request.objects,
            Some(0),
            "nothing can be told of an empty heap"
        );
    }
}
