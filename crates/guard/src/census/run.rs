//! Tickets: a census is begun on a thread that may wait, forked on that of JavaScript, and ends on its reaper's.

use std::fs::File;
use std::io::{Read, Seek};
use std::time::Duration;

use memguard_fork::{Ended, Failure, Forked, Limits, Outcome, Priority, Unshare};
use memguard_v8_api::Isolate;
use serde::Serialize;

use super::child::{Here, read_tracked, walk};
use super::kept;
use super::request::{CensusFacts, CensusRequest};
use super::{CensusError, support};
use crate::children::{ForkError, Kept, Patience, Ready, Started, Tickets, Told, Turn, Watch};
use crate::hunt;
use crate::snapshots::room::memory_room;

/// The least bound of a child's memory: an estimate can be off by so much.
pub(super) const LEAST_BYTES: u64 = 128 << 20;
/// Left for the app beside the child, or a quarter of what is left where that is less.
const RESERVE_BYTES: u64 = 32 << 20;
/// While a child walks, this part of what is left of the memory is kept for the process.
pub(super) const KEPT_PART: u64 = 8;
/// With less than this left, a child that was killed is followed by another, which may have a better moment.
const SHORT_BYTES: u64 = 64 << 20;
/// A walk takes 50 ns an object, a graph with all that is asked of it a microsecond: minutes would be something else.
const CPU: Duration = Duration::from_secs(180);
const WALL: Duration = Duration::from_secs(600);
/// Reports are some hundred KB; a file that is longer is none of ours.
const MOST_ANSWER_BYTES: u64 = 512 << 20;

/// Censuses under way, by ticket.
static UNDER_WAY: Tickets<UnderWay> = Tickets::new();

struct UnderWay {
    request: CensusRequest,
    /// Where the child writes.
    output: File,
    kept: Kept,
    /// There was too little memory for the graph once.
    graph_failed: bool,
    ready: Option<Ready>,
}

/// A census that may be forked now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Begun {
    /// For [`fork`] or [`abort`].
    pub ticket: u32,
    /// Memory that it was estimated to take, in bytes.
    pub estimated_bytes: u64,
    /// Why there will be no graph, though one was asked for.
    pub no_graph: Option<String>,
}

/// Called on the reaper's thread when the child has ended.
type Done = Box<dyn FnOnce(Finished) + Send>;

/// How a census ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    /// The report, as JSON.
    #[serde(skip)]
    pub report: Option<String>,
    /// By what number the next census knows this one's old objects.
    pub tracked: Option<u32>,
    /// Why there is no report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// Processor time of the child, in milliseconds.
    pub cpu_ms: u64,
    /// Its life, in milliseconds.
    pub wall_ms: u64,
    /// Memory of its own at the peak, in bytes.
    pub memory_bytes: Option<u64>,
}

/// Why a child failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A stable code.
    pub code: String,
    /// In words.
    pub message: String,
    /// In a word.
    pub failure: &'static str,
    /// Whether another child could fare better; the ticket is still good for it.
    pub is_worth_retrying: bool,
}

/// Checks whether it can be had and whether there is room, and prepares a fork. Where there is room for a walk but not
/// for the graph that was asked for, there will be none, and the answer says why.
///
/// # Errors
/// Why it cannot be had, or must not be.
pub fn begin(request: CensusRequest) -> Result<Begun, CensusError> {
    let mut request = request;
    support()?;
    if let Some(retained) = request.graph.as_ref().and_then(|it| it.retainers.as_ref()) {
        retained.filter()?;
    }
    let mut no_graph = None;
    if !request.force
        && let Err(error) = check_room(request.bytes())
    {
        if !request.give_up_graph(&error.message) {
            return Err(error);
        }
        check_room(request.bytes())?;
        no_graph = Some(error.message);
    }
    let output = memory_file().map_err(|error| {
        CensusError::new(
            "ERR_MEMGUARD_CENSUS_UNSUPPORTED",
            format!("the kernel gives no file in memory for the report: {error}"),
        )
    })?;
    let kept = Kept::BuffersAndEmptyHalf;
    let ready = Ready::prepare(kept).map_err(of_fork)?;
    let estimated_bytes = request.bytes();
    let ticket = UNDER_WAY.issue(UnderWay {
        request,
        output,
        kept,
        graph_failed: false,
        ready: Some(ready),
    });
    Ok(Begun {
        ticket,
        estimated_bytes,
        no_graph,
    })
}

#[cfg(target_os = "linux")]
fn memory_file() -> std::io::Result<File> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    Ok(File::from(rustix::fs::memfd_create(
        "memguard-census",
        flags,
    )?))
}

#[cfg(not(target_os = "linux"))]
fn memory_file() -> std::io::Result<File> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Where there is too little, what the allocator of this process keeps for later is given back first: some megabytes, where much was
/// freed.
pub(super) fn check_room(needed: u64) -> Result<(), CensusError> {
    if room_for(needed).is_ok() {
        return Ok(());
    }
    memguard_fork::give_back_free_memory();
    room_for(needed)
}

fn room_for(needed: u64) -> Result<(), CensusError> {
    let Some(room) = memory_room(0) else {
        return Ok(());
    };
    let reserve = RESERVE_BYTES.min(room.available_bytes / KEPT_PART);
    if needed.saturating_add(reserve) <= room.available_bytes {
        return Ok(());
    }
    Err(CensusError::new(
        "ERR_MEMGUARD_CENSUS_NO_MEMORY",
        format!(
            "it would take some {} MB of memory, but only {} MB are left before {} is reached",
            needed.div_ceil(1 << 20),
            room.available_bytes >> 20,
            room.limited_by
        ),
    ))
}

pub(super) fn of_fork(error: ForkError) -> CensusError {
    let code = match error {
        ForkError::Busy => "ERR_MEMGUARD_CENSUS_BUSY",
        _ => "ERR_MEMGUARD_CENSUS_FORK",
    };
    CensusError::new(code, error.to_string())
}

/// Gets a census ready for another attempt; without its graph, if that was too much: at the second time, where there is still room for it,
/// since what the process writes meanwhile is copied for the child and may have been what was too much.
///
/// # Errors
/// The ticket is not known, or the system refuses.
pub fn prepare_again(ticket: u32, without_graph: bool) -> Result<(), CensusError> {
    let mut under_way = UNDER_WAY
        .take(ticket)
        .ok_or_else(|| of_fork(ForkError::NoTicket))?;
    // Gives the turn back, if it still has it.
    under_way.ready = None;
    if without_graph {
        let is_hopeless = under_way.graph_failed
            || under_way.request.look.is_some()
            || check_room(under_way.request.bytes()).is_err();
        if is_hopeless {
            let why = "the child that was to walk it had too little memory";
            under_way.request.give_up_graph(why);
        }
        under_way.graph_failed = true;
    }
    let result = under_way
        .output
        .set_len(0)
        .and_then(|()| under_way.output.rewind())
        .map_err(|error| CensusError::new("ERR_MEMGUARD_CENSUS_IO", error.to_string()))
        .and_then(|()| Ready::prepare(under_way.kept).map_err(of_fork));
    match result {
        Ok(ready) => {
            under_way.ready = Some(ready);
            UNDER_WAY.put(ticket, under_way);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Gives a census up.
pub fn abort(ticket: u32) {
    drop(UNDER_WAY.take(ticket));
}

/// Forks this process; the child walks the heap of this thread's isolate. `done` is called on another thread when it has
/// ended. Answers `None` while V8's workers are busy and `patience` is to come again.
///
/// # Errors
/// There is no child; the ticket is gone.
///
/// # Safety
/// On the isolate's thread; the library stays loaded.
pub unsafe fn fork(
    ticket: u32,
    facts: CensusFacts,
    patience: Patience,
    done: Done,
) -> Result<Option<Started>, CensusError> {
    let no_isolate = || of_fork(ForkError::NoIsolate);
    let here = Here::of(Isolate::current().ok_or_else(no_isolate)?);
    let mut under_way = UNDER_WAY
        .take(ticket)
        .ok_or_else(|| of_fork(ForkError::NoTicket))?;
    if patience == Patience::ComeAgain && !under_way.ready.as_ref().is_none_or(Ready::is_idle) {
        UNDER_WAY.put(ticket, under_way);
        return Ok(None);
    }
    let Some(ready) = under_way.ready.take() else {
        return Err(of_fork(ForkError::NoTicket));
    };
    under_way.request.renew(facts.used_heap_bytes);
    let look = under_way.request.look.as_ref();
    let memory = look.map(|look| hunt::memory(look.hunt)).unwrap_or_default();
    let earlier = match under_way.request.since {
        Some(id) => kept::find(id, here.isolate),
        None => memory.tracked.clone(),
    };
    let limits = limits(&under_way, patience);
    let to = under_way
        .output
        .try_clone()
        .map_err(|error| CensusError::new("ERR_MEMGUARD_CENSUS_IO", error.to_string()))?;
    let (limits, to) = keep(limits, to);
    let request = &under_way.request;
    // SAFETY: passed on from the caller; the child's work reads memory, and writes to a file of its own.
    let forked = unsafe {
        ready.fork(limits, |child| {
            let walked = walk(
                child,
                here,
                request,
                &facts,
                earlier.as_deref(),
                &memory,
                to,
            );
            walked
                .map(|()| Vec::new())
                .map_err(CensusError::into_answer)
        })
    };
    let (forked, reaper) = forked.map_err(of_fork)?;
    let started = Started::of(&forked);
    reaper.hand_over(move |turn| reap(ticket, forked, under_way, here, turn, done));
    Ok(Some(started))
}

fn limits(under_way: &UnderWay, patience: Patience) -> Limits {
    let request = &under_way.request;
    let most = request.most_bytes().max(LEAST_BYTES);
    Limits {
        idle_wait: patience.idle_wait(),
        memory_bytes: (!request.force).then_some(most),
        cpu: CPU,
        wall: WALL,
        // Nobody would read what it found.
        orphan: Duration::from_secs(1),
        priority: match &request.look {
            Some(look) if look.hurried => Priority::Low,
            _ => patience.priority(),
        },
        ..Limits::default()
    }
}

/// The child keeps the file it writes to.
#[cfg(unix)]
fn keep(mut limits: Limits, to: File) -> (Limits, File) {
    limits.keep_fds.push(std::os::fd::AsRawFd::as_raw_fd(&to));
    (limits, to)
}

#[cfg(not(unix))]
fn keep(limits: Limits, to: File) -> (Limits, File) {
    (limits, to)
}

/// On the reaper's thread.
fn reap(ticket: u32, forked: Forked, mut under_way: UnderWay, here: Here, turn: Turn, done: Done) {
    let mut watch = Watch::keeping(KEPT_PART);
    forked.unshare(
        Unshare::Young,
        watch.unshared_bytes(under_way.request.bytes()),
    );
    let ended = forked.wait(&mut |vital| watch.look(vital));
    let mut finished = Finished::of(&ended, under_way.request.has_graph());
    if finished.error.is_none() {
        match read_answer(&mut under_way.output) {
            Ok(Answer {
                report,
                addresses,
                digest,
                table,
            }) => {
                let tracked = read_tracked(&addresses);
                match &under_way.request.look {
                    Some(look) => {
                        let fits = tracked.filter(|(_, size)| *size <= kept::MOST_BYTES);
                        hunt::keep(look.hunt, &digest, &table, fits.map(|(set, _)| set));
                    }
                    None => {
                        finished.tracked =
                            tracked.and_then(|(set, size)| kept::keep(here.isolate, set, size));
                    }
                }
                finished.report = Some(report);
            }
            Err(error) => finished.error = Some(Problem::unreadable(&error)),
        }
    }
    let goes_on = finished
        .error
        .as_ref()
        .is_some_and(|problem| problem.is_worth_retrying);
    if goes_on {
        let was_too_much =
            matches!(&ended.outcome, Outcome::Failed { failure, .. } if is_too_much(*failure));
        if !was_too_much {
            // Whether or not one of them was missed: the next child gets them all.
            under_way.kept = Kept::Nothing;
        }
        UNDER_WAY.put(ticket, under_way);
    }
    drop(turn);
    done(finished);
}

/// What the child has written.
struct Answer {
    report: String,
    addresses: Vec<u8>,
    digest: Vec<u8>,
    table: Vec<u8>,
}

fn read_answer(file: &mut File) -> std::io::Result<Answer> {
    use std::io::{Error, ErrorKind};
    file.rewind()?;
    let mut part = || {
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let mut bytes = Vec::new();
        if length <= MOST_ANSWER_BYTES {
            file.take(length).read_to_end(&mut bytes)?;
        }
        if bytes.len() as u64 == length {
            Ok(bytes)
        } else {
            Err(Error::from(ErrorKind::UnexpectedEof))
        }
    };
    Ok(Answer {
        report: String::from_utf8(part()?).map_err(Error::other)?,
        addresses: part()?,
        digest: part()?,
        table: part()?,
    })
}

impl Finished {
    fn of(ended: &Ended, had_graph: bool) -> Self {
        let error = match &ended.outcome {
            Outcome::Done => None,
            Outcome::Failed { failure, detail } => {
                Some(Problem::of(*failure, detail, &ended.answer, had_graph))
            }
        };
        Self {
            report: None,
            tracked: None,
            error,
            cpu_ms: ended.cpu_ms,
            wall_ms: ended.wall_ms,
            memory_bytes: ended.memory_bytes,
        }
    }
}

/// The guard ends a child that needs too much memory, or the kernel does.
fn is_too_much(failure: Failure) -> bool {
    matches!(failure, Failure::Memory | Failure::Killed)
}

/// Whether so little memory is left that it may be what a child was killed for: what the process wrote meanwhile, in a collection perhaps, was
/// copied for it.
fn is_short() -> bool {
    memory_room(0).is_some_and(|room| room.available_bytes < SHORT_BYTES)
}

impl Problem {
    fn of(failure: Failure, detail: &str, answer: &[u8], had_graph: bool) -> Self {
        let told = Told::read(failure, answer).unwrap_or_else(|| Told {
            code: match failure {
                Failure::Memory => "ERR_MEMGUARD_CENSUS_NO_MEMORY",
                _ => "ERR_MEMGUARD_CENSUS_FORK",
            }
            .to_owned(),
            message: format!("the child that was to walk the heap failed: {failure} ({detail})"),
        });
        // The moment may have been a bad one; and without the graph it takes little memory.
        let of_the_moment = matches!(
            told.code.as_str(),
            "ERR_MEMGUARD_CENSUS_SELF_TEST" | "ERR_MEMGUARD_CENSUS_NO_HEAP"
        );
        let is_worth_retrying = failure.is_worth_retrying()
            || of_the_moment
            || ((had_graph || is_short()) && is_too_much(failure));
        Self {
            code: told.code,
            message: told.message,
            failure: failure.name(),
            is_worth_retrying,
        }
    }

    fn unreadable(error: &std::io::Error) -> Self {
        Self {
            code: "ERR_MEMGUARD_CENSUS_IO".to_owned(),
            message: format!("the child's report could not be read: {error}"),
            failure: "work",
            is_worth_retrying: false,
        }
    }
}
