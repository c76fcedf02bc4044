//! On Linux: the walk itself.

mod classes;

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use memguard_capture::now_ms;
use memguard_capture::profiles::keep_census;
use memguard_fork::Child;
use memguard_heap_graph::diff::{IdScope, Provenance};
use memguard_heap_graph::insights::{ReportOptions, analyze};
use memguard_heap_graph::report::{AnalyzeReport, RetainersReport};
use memguard_heap_graph::retainers::{RetainersOptions, retainers};
use memguard_heap_graph::{AnalyzeError, AnalyzeOptions, HeapGraph, Snapshot};
use memguard_heap_walk::{
    AddressSet, Census, CensusOptions, CensusReport, Follow, GraphOptions, Inspected, OwnMemory,
    Page, Process, Subject, TallyReport, Walk, WalkError, census, graph,
};
use memguard_hunt::{ClassTable, Context};
use serde::Serialize;

use super::super::CensusError;
use super::super::left::Left;
use super::super::request::{CensusFacts, CensusRequest, GraphRequest, LookRequest, Planted};
use super::super::support::metadata;
use super::{Here, phase};
use crate::children::ms;
use crate::hunt;
use crate::snapshots::faults;

/// Objects that are told of a class whose retainers are asked for.
const RETAINED_ROWS: usize = 20;

/// What the child tells, beside what was noted for the next census.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    #[serde(flatten)]
    census: CensusReport,
    /// Those in the old generation.
    old: TallyReport,
    /// V8's own figure.
    used_heap_bytes: u64,
    /// What of it is no object that is alive: garbage of since the last collection, mostly.
    unexplained_bytes: i64,
    /// The earlier census whose old objects were looked for.
    since: Option<u32>,
    /// Old objects that were there in it.
    survived: Option<TallyReport>,
    /// Whether what was planted was asked for, and found.
    self_test: bool,
    /// Memory that the child took for itself.
    child_memory_bytes: Option<u64>,
    graph: Option<GraphTold>,
    look: Option<hunt::Seen>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GraphTold {
    nodes: usize,
    edges: usize,
    #[serde(flatten)]
    built: Built,
    report: AnalyzeReport,
    retainers: Option<RetainersReport>,
}

/// What the child had taken when the graph stood, before anything was asked of it.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct Built {
    built_cpu_ms: f64,
    built_memory_bytes: Option<u64>,
}

/// Walks, and writes what is to be told to `to`: the report, where old objects are, the digest.
pub(in super::super) fn walk(
    child: &Child<'_>,
    here: Here,
    request: &CensusRequest,
    facts: &CensusFacts,
    earlier: Option<&AddressSet>,
    memory: &hunt::Memory,
    to: File,
) -> Result<(), CensusError> {
    faults::simulated_fault(child);
    child.give_back_memory();
    let (mut told, mut noted, walked) = with_subject(child, here, |subject| {
        child.phase(phase::WALKING);
        let mut walk = Walk::new(subject, Follow::Strong)?;
        let (census, tracked) = if request.track {
            let (census, set) = walk.census_since(earlier);
            (census, Some(set))
        } else {
            (walk.census(), None)
        };
        if let Some(planted) = &facts.planted {
            check(&census, planted)?;
        }
        let is_compared = request.track && earlier.is_some();
        let table = request
            .look
            .as_ref()
            .map(|look| classes::table(&census, is_compared, look.context.now));
        let mut told = tell(census, request, facts, is_compared);
        told.census.paused_ms = Some(ms(child.pause_us()));
        let noted = Noted {
            addresses: tracked.map(|set| set.to_bytes()),
            digest: None,
            table: table
                .as_ref()
                .and_then(|table| serde_json::to_vec(table).ok()),
        };
        if let Some((wish, why, table)) = by_class(request, table.as_ref()) {
            let (context, compare) = (&wish.context, wish.investigate);
            let seen = hunt::look_at_classes(table, context, why, compare, &memory.tables);
            told.look = Some(seen);
        }
        if !request.has_graph() {
            return Ok((told, noted, None));
        }
        child.phase(phase::GRAPH);
        child.give_back_memory();
        let graph = walk.graph(GraphOptions::default().string_characters)?;
        let built = Built {
            built_cpu_ms: ms(child.cpu_us()),
            built_memory_bytes: child.own_memory_bytes(),
        };
        let pages: Vec<Page> = subject.heap.pages().copied().collect();
        Ok((told, noted, Some((graph, built, pages))))
    })?;
    if let Some((graph, built, pages)) = walked {
        child.phase(phase::ANALYSING);
        let heap: Vec<_> = pages
            .iter()
            .filter(|page| page.heap != 0)
            .map(Page::range)
            .collect();
        // SAFETY: this is the child, and what looked at the heap is gone: the graph has all that is asked for from here on.
        unsafe { OwnMemory::unmap(&heap) };
        child.give_back_memory();
        let snapshot = analysed(&graph)?;
        child.give_back_memory();
        told.graph = match &request.graph {
            Some(wish) => Some(ask(&snapshot, built, wish)?),
            None => None,
        };
        if let Some(wish) = &request.look {
            // The next scavenge moves what is young.
            let young = pages.iter().filter(|page| page.is_young());
            let context = Context {
                young: young.map(|page| page.start..page.end).collect(),
                ..Context::clone(&wish.context)
            };
            let (seen, digest) = hunt::look(&snapshot, &context, wish.investigate, &memory.digests);
            told.look = Some(seen);
            let digest = digest.without_young(context.young);
            noted.digest = Some(digest.to_bytes());
        }
        told.child_memory_bytes = child.own_memory_bytes();
    }
    told.child_memory_bytes = child.own_memory_bytes().max(told.child_memory_bytes);
    child.phase(phase::WRITING);
    send(to, &told, &noted).map_err(|error| {
        CensusError::new(
            "ERR_MEMGUARD_CENSUS_IO",
            format!("the report could not be sent: {error}"),
        )
    })?;
    child.phase(phase::DONE);
    Ok(())
}

/// Walks the heap into a graph, and writes it as V8 would.
pub(crate) fn write_snapshot(
    child: &Child<'_>,
    here: Here,
    to: &mut dyn Write,
    writing: &mut dyn FnMut(),
) -> io::Result<()> {
    child.give_back_memory();
    let graph = with_subject(child, here, |subject| {
        Ok(graph(subject, &GraphOptions::default())?)
    })
    .map_err(|error| io::Error::other(error.message))?;
    writing();
    let mut buffered = io::BufWriter::with_capacity(256 << 10, to);
    memguard_heap_walk::write_snapshot(&graph, &mut buffered)?;
    buffered.flush()
}

/// Counts the heap, and writes the table into a folder. Answers the file.
pub(crate) fn leave(child: &Child<'_>, here: Here, wish: &Left) -> Result<PathBuf, CensusError> {
    child.give_back_memory();
    let request = wish.request();
    let facts = CensusFacts {
        used_heap_bytes: request.heap_used_bytes,
        planted: None,
        retries: 0,
    };
    let mut told = with_subject(child, here, |subject| {
        child.phase(phase::WALKING);
        let census = census(subject, &CensusOptions::default())?;
        Ok(tell(census, &request, &facts, false))
    })?;
    told.census.paused_ms = Some(ms(child.pause_us()));
    told.child_memory_bytes = child.own_memory_bytes();
    child.phase(phase::WRITING);
    let failed = |error: String| CensusError::new("ERR_MEMGUARD_CENSUS_IO", error);
    let mut table = serde_json::to_value(&told).map_err(|error| failed(error.to_string()))?;
    if let (Some(table), Ok(serde_json::Value::Object(moment))) =
        (table.as_object_mut(), serde_json::to_value(&wish.moment))
    {
        table.extend(moment);
    }
    let text = format!("{table:#}\n");
    let now = now_ms();
    let file = keep_census(
        &wish.dir,
        &wish.occasion,
        now,
        &wish.policy,
        text.as_bytes(),
    )
    .map_err(|error| failed(error.to_string()))?;
    child.phase(phase::DONE);
    Ok(file)
}

/// Something of the walker's, or of ours.
enum Failed {
    Walk(WalkError),
    Own(CensusError),
}

impl From<WalkError> for Failed {
    fn from(error: WalkError) -> Self {
        Self::Walk(error)
    }
}

impl From<CensusError> for Failed {
    fn from(error: CensusError) -> Self {
        Self::Own(error)
    }
}

impl From<Failed> for CensusError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Walk(error) => told(&error),
            Failed::Own(error) => error,
        }
    }
}

/// An error of the walker's, as it is told.
pub(in super::super) fn told(error: &WalkError) -> CensusError {
    CensusError::new(error.code(), error.to_string())
}

fn with_subject<T>(
    child: &Child<'_>,
    here: Here,
    work: impl FnOnce(&Subject<'_, '_>) -> Result<T, Failed>,
) -> Result<T, CensusError> {
    child.phase(phase::FINDING);
    let mark = 0_u8;
    let stack_pointer = (&raw const mark) as u64;
    // SAFETY: this is a forked child of one thread, which runs no JavaScript and unmaps nothing that was there before.
    let own = unsafe { OwnMemory::frozen() }
        .map_err(|error| told(&error))?
        .with_stack_pointer(stack_pointer);
    let metadata = faults::metadata(metadata()?);
    let process = Process::with_metadata(&own, &metadata).map_err(|error| told(&error))?;
    let found = process
        .isolates()
        .iter()
        .find(|isolate| isolate.address() == here.isolate as u64);
    let isolate = found.ok_or_else(|| {
        told(&WalkError::NoHeap {
            why: format!(
                "none of the {} heaps is that of this thread",
                process.isolates().len()
            ),
        })
    })?;
    let heap = process.load(isolate);
    let subject = Subject {
        process: &process,
        isolate,
        heap: &heap,
    };
    Ok(work(&subject)?)
}

/// What was planted must be found: so many, of that size.
fn check(census: &Census, planted: &Planted) -> Result<(), WalkError> {
    let failed = |detail| WalkError::SelfTest {
        check: "planted",
        detail,
    };
    let sizes = planted.least_bytes * planted.count..=planted.most_bytes * planted.count;
    // Others may have a class of that name.
    let mut rows = census
        .rows
        .iter()
        .filter(|row| row.name == planted.class)
        .peekable();
    let seen = rows.peek().map_or(0, |row| row.all.count);
    if rows.any(|row| row.all.count == planted.count && sizes.contains(&row.all.bytes)) {
        return Ok(());
    }
    let (expected, class) = (planted.count, &planted.class);
    Err(failed(format!(
        "{seen} objects of class {class} were found in place of {expected}"
    )))
}

fn tell(census: Census, request: &CensusRequest, facts: &CensusFacts, is_compared: bool) -> Told {
    let old = TallyReport {
        count: census.total.count.saturating_sub(census.young.count),
        bytes: census.total.bytes.saturating_sub(census.young.bytes),
    };
    let mut survived = TallyReport::default();
    for row in &census.rows {
        survived.count += row.survived.count;
        survived.bytes += row.survived.bytes;
    }
    let found = Inspected {
        value: census,
        paused: None,
        attempts: facts.retries + 1,
        thread: None,
        others: Vec::new(),
    };
    let source = format!("process {}", std::os::unix::process::parent_id());
    let mut report = CensusReport::new(source, &found, request.classes);
    if is_compared {
        report = report.with_survivors(&found.value);
    }
    let alive = i64::try_from(report.total.bytes).unwrap_or(i64::MAX);
    Told {
        old,
        used_heap_bytes: facts.used_heap_bytes,
        unexplained_bytes: i64::try_from(facts.used_heap_bytes).unwrap_or(i64::MAX) - alive,
        since: request.since.filter(|_| is_compared),
        survived: is_compared.then_some(survived),
        self_test: facts.planted.is_some(),
        child_memory_bytes: None,
        graph: None,
        look: None,
        census: report,
    }
}

fn analysed(graph: &HeapGraph) -> Result<Snapshot<'_>, CensusError> {
    let mut options = AnalyzeOptions::default();
    // A child has one processor's share at most, and its stacks count.
    options.threads = 1;
    options.compact = true;
    let mut provenance = Provenance::default();
    provenance.source.pid = Some(std::os::unix::process::parent_id());
    provenance.ids = IdScope::Snapshot;
    let snapshot = Snapshot::of(graph, &options).map_err(of_analysis)?;
    Ok(snapshot.with_provenance(provenance))
}

fn of_analysis(error: AnalyzeError) -> CensusError {
    CensusError::new(error.code(), error.to_string())
}

fn ask(snapshot: &Snapshot<'_>, built: Built, wish: &GraphRequest) -> Result<GraphTold, Failed> {
    let mut limits = ReportOptions::default();
    limits.classes = wish.classes.unwrap_or(limits.classes);
    limits.dominators = wish.dominators.unwrap_or(limits.dominators);
    limits.rows = wish.rows.unwrap_or(limits.rows);
    let retained = wish.retainers.as_ref().map(|of| of.filter()).transpose()?;
    let who_holds = |filter| {
        let mut limits = RetainersOptions::default();
        limits.clusters = RETAINED_ROWS;
        limits.holders = RETAINED_ROWS;
        retainers(snapshot, &filter, &limits)
    };
    Ok(GraphTold {
        nodes: snapshot.graph().node_count(),
        edges: snapshot.graph().edge_count(),
        built,
        report: analyze(snapshot, &limits).map_err(of_analysis)?,
        retainers: retained.map(who_holds).transpose().map_err(of_analysis)?,
    })
}

/// What is kept for later, as bytes.
struct Noted {
    addresses: Option<Vec<u8>>,
    digest: Option<Vec<u8>>,
    table: Option<Vec<u8>>,
}

/// What a hunt asks of a heap for whose graph there is no memory.
fn by_class<'r>(
    request: &'r CensusRequest,
    table: Option<&'r ClassTable>,
) -> Option<(&'r LookRequest, &'r str, &'r ClassTable)> {
    let look = request.look.as_ref()?;
    Some((look, look.no_graph.as_deref()?, table?))
}

/// Each part after its length.
fn send(mut to: File, told: &Told, noted: &Noted) -> io::Result<()> {
    let report = serde_json::to_vec(told)?;
    let none = Vec::new();
    let addresses = noted.addresses.as_ref().unwrap_or(&none);
    let digest = noted.digest.as_ref().unwrap_or(&none);
    let table = noted.table.as_ref().unwrap_or(&none);
    for part in [&report, addresses, digest, table] {
        to.write_all(&(part.len() as u64).to_le_bytes())?;
        to.write_all(part)?;
    }
    to.flush()
}

/// In the parent: what was noted, and its size.
pub(in super::super) fn read_tracked(bytes: &[u8]) -> Option<(AddressSet, usize)> {
    let set = AddressSet::from_bytes(bytes)?;
    let size = set.size();
    Some((set, size))
}
