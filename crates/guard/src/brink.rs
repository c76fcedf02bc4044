//! The brink: an isolate that runs into its heap limit leaves a snapshot behind, or, where there is no room for one, a census.
//!
//! V8 asks a callback for a higher limit before it gives up. The callback grants a bounded step, has a place reserved and
//! a fork prepared on another thread, and asks V8 for an interrupt, which comes at the next stack check, inside an
//! endless loop as well. There the process is forked, the callback is taken back, and the limit restored: from then on
//! V8 treats the process as if nothing had been there, and whoever else has a say is asked. The child goes on, whatever
//! becomes of its parent.
//!
//! Where no stack check comes (in a long call of native code), V8 asks again: it gets one more step, and at the third
//! time the fork is made inside the callback, where V8's own generator still works, and JavaScript would not.
//!
//! V8 asks only the callback that was added last: while this one is armed, an earlier one (Node's own for
//! `--heapsnapshot-near-heap-limit`, a worker's that ends it) is not asked; it is when this one has had its turn.

use std::cell::RefCell;
use std::ffi::c_void;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use memguard_capture::profiles::ProfilePolicy;
use memguard_capture::{Compression, now_ms};
use memguard_v8_api::Isolate;
use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};

use crate::census::{self, CensusError, Left, Moment, NoSnapshot};
use crate::children;
use crate::snapshots::{
    self, Finished, Patience, Redaction, SnapshotFacts, SnapshotFolder, SnapshotRequest, Target,
    Wish,
};
use crate::thread;

/// What V8 is granted at a time above what it has: three times the largest semi-space, which may all survive at once, and a margin.
const STEP_BYTES: usize = 64 << 20;
/// How long the JavaScript thread waits for the place and the list of regions.
const PREPARATION: Duration = Duration::from_secs(3);
const MOST_RETRIES: u32 = 2;
/// For want of this, there is a census in place of the snapshot.
const NO_MEMORY: &str = "ERR_MEMGUARD_SNAPSHOT_NO_MEMORY";

/// What a snapshot at the limit is like.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BrinkSettings {
    /// Where it goes.
    pub folder: SnapshotFolder,
    /// Node's major version.
    pub node_line: u32,
    /// `process.version`.
    pub node_version: String,
    /// `worker_threads.threadId`.
    pub thread_id: u32,
    /// The least time since the last snapshot of this app: a process that crashes again and again must not fill the disk.
    pub cooldown_ms: u64,
    /// What is replaced by hashes before anything is written.
    #[serde(default)]
    pub redact: Option<Redaction>,
    /// How it is compressed.
    #[serde(default)]
    pub compression: Compression,
}

/// Where the process stood when it was forked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// Between two instructions of JavaScript.
    StackCheck,
    /// In native code that allocates: V8 was asking for a higher limit.
    Allocation,
}

/// What happened at the limit.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// A child takes a snapshot.
    #[serde(rename_all = "camelCase")]
    Forked {
        /// The child.
        pid: i32,
        /// How long the process stood still, in milliseconds.
        pause_ms: f64,
        /// The heap limit that was hit, in bytes.
        limit_bytes: usize,
        /// Where the process stood.
        at: At,
    },
    /// There is no snapshot.
    #[serde(rename_all = "camelCase")]
    Failed {
        /// A stable code.
        code: String,
        /// In words.
        message: String,
        /// The heap limit that was hit, in bytes.
        limit_bytes: usize,
        /// The table of classes that there is in its place: a file.
        census: Option<PathBuf>,
    },
    /// The snapshot is there.
    Taken(serde_json::Value),
}

type Tell = Box<dyn Fn(&Event) + Send + Sync>;

mod state {
    pub const ARMED: u8 = 0;
    /// One step was granted, and an interrupt asked for.
    pub const RAISED: u8 = 1;
    /// Two steps.
    pub const RAISED_TWICE: u8 = 2;
    /// A child failed, and another interrupt was asked for.
    pub const AGAIN: u8 = 3;
    /// It has had its turn.
    pub const SPENT: u8 = 4;
}

struct Brink {
    isolate: Isolate,
    settings: BrinkSettings,
    tell: Tell,
    state: AtomicU8,
    /// The limit before the first step.
    before: AtomicUsize,
    /// Whether V8 does not know the callback any more.
    is_forgotten: AtomicBool,
    retries: AtomicU32,
    preparation: Preparation,
}

/// A capture that has begun.
#[derive(Clone)]
struct Prepared {
    ticket: u32,
    /// Why by no better method.
    method_reason: Option<String>,
}

/// What was prepared.
enum Ready {
    Snapshot(Prepared),
    /// There is no room for a snapshot.
    Census(Box<(children::Ready, NoSnapshot)>),
}

/// A capture that is begun on another thread, or why there is none.
#[derive(Default)]
struct Preparation {
    begun: Mutex<Option<Result<Ready, (String, String)>>>,
    ready: Condvar,
}

thread_local! {
    /// What is armed on this thread.
    static HERE: RefCell<Option<Arc<Brink>>> = const { RefCell::new(None) };
}

/// Isolates of all threads that may be interrupted: one leaves before it ends, under this lock.
static ALIVE: Mutex<Vec<Weak<Brink>>> = Mutex::new(Vec::new());

/// Arms this thread's isolate, in place of what was armed before. Answers whether V8 offers it.
///
/// # Safety
/// On the isolate's thread; [`disarm`] is called there before the isolate ends; the library stays loaded.
pub unsafe fn arm(settings: BrinkSettings, tell: Tell) -> bool {
    // SAFETY: passed on from the caller.
    unsafe { disarm() };
    let Some(isolate) = Isolate::current() else {
        return false;
    };
    // SAFETY: the current isolate is alive; the callback is a function of this library, without data.
    if !unsafe { isolate.add_near_heap_limit_callback(near_limit, std::ptr::null_mut()) } {
        return false;
    }
    let brink = Arc::new(Brink {
        isolate,
        settings,
        tell,
        state: AtomicU8::new(state::ARMED),
        before: AtomicUsize::new(0),
        is_forgotten: AtomicBool::new(false),
        retries: AtomicU32::new(0),
        preparation: Preparation::default(),
    });
    ALIVE.lock().push(Arc::downgrade(&brink));
    HERE.set(Some(brink));
    true
}

/// Takes back what is armed on this thread, and the limit with it.
///
/// # Safety
/// On the isolate's thread, while it is alive.
pub unsafe fn disarm() {
    let Some(brink) = HERE.take() else { return };
    let mut alive = ALIVE.lock();
    alive.retain(|other| other.strong_count() > 0 && !std::ptr::eq(other.as_ptr(), &*brink));
    drop(alive);
    brink.take_back();
}

unsafe extern "C" fn near_limit(_: *mut c_void, current: usize, _: usize) -> usize {
    let ask = || {
        let brink = HERE.with_borrow(|here| here.as_ref().map(Arc::clone));
        brink.map_or(current, |brink| brink.answer(current))
    };
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or(current)
}

unsafe extern "C" fn interrupt(_: *mut c_void, _: *mut c_void) {
    let act = || {
        if let Some(brink) = HERE.with_borrow(|here| here.as_ref().map(Arc::clone)) {
            brink.interrupted();
        }
    };
    let _ = catch_unwind(AssertUnwindSafe(act));
}

impl Brink {
    /// V8 asks for a higher limit.
    fn answer(self: &Arc<Self>, current: usize) -> usize {
        let raised = current.max(self.used()).saturating_add(STEP_BYTES);
        match self.state.load(Relaxed) {
            state::ARMED => {
                self.before.store(current, Relaxed);
                self.state.store(state::RAISED, Relaxed);
                self.prepare(current);
                // SAFETY: the isolate asks, so it is alive; the callback is a function of this library.
                unsafe {
                    self.isolate
                        .request_interrupt(interrupt, std::ptr::null_mut())
                };
                raised
            }
            state::RAISED => {
                self.state.store(state::RAISED_TWICE, Relaxed);
                raised
            }
            state::RAISED_TWICE => {
                self.capture(At::Allocation);
                raised
            }
            _ => {
                // It has had its turn: the next one is asked when this little is gone.
                self.forget_callback();
                current.saturating_add(STEP_BYTES / 16)
            }
        }
    }

    /// What is in the heap: one large object can lie far above the limit, and V8 gives up where it is still above the new one.
    fn used(&self) -> usize {
        // SAFETY: the isolate asks, so it is alive, and this is its thread. V8 counts here, and changes nothing.
        let statistics = unsafe { self.isolate.heap_statistics() };
        statistics.map_or(0, |it| usize::try_from(it.used).unwrap_or(0))
    }

    /// JavaScript has come to a stack check.
    fn interrupted(self: &Arc<Self>) {
        match self.state.load(Relaxed) {
            state::RAISED | state::RAISED_TWICE => {
                self.capture(At::StackCheck);
                self.take_back();
            }
            state::AGAIN => self.capture(At::StackCheck),
            _ => {}
        }
    }

    /// Has a capture begun on another thread.
    fn prepare(self: &Arc<Self>, used_bytes: usize) {
        let of = Arc::clone(self);
        let begin = move || of.preparation.set(of.begin(used_bytes));
        let failed = Arc::clone(self);
        let started = thread::start("brink", begin, move || {
            failed
                .preparation
                .set(Err(broken("a fault of memguard's own")));
        });
        if let Err(error) = started {
            let message = format!("no thread could be started: {error}");
            self.preparation.set(Err(broken(&message)));
        }
    }

    fn begin(&self, used_bytes: usize) -> Result<Ready, (String, String)> {
        let settings = &self.settings;
        let request = SnapshotRequest {
            folder: settings.folder.clone(),
            pct: 100.0,
            heap_used_bytes: used_bytes as u64,
            large_object_bytes: 0,
            node_line: settings.node_line,
            cooldown_ms: settings.cooldown_ms,
            max_pause_ms: None,
            force: false,
            method: Wish::Child,
            to: Target::Folder,
            redact: settings.redact,
            compression: settings.compression,
        };
        let error = match snapshots::begin(&request) {
            Ok(begun) => {
                return Ok(Ready::Snapshot(Prepared {
                    ticket: begun.ticket,
                    method_reason: begun.method_reason,
                }));
            }
            Err(error) => error,
        };
        let (code, message) = (error.code().to_owned(), error.to_string());
        if code == NO_MEMORY
            && let Ok(ready) = census::prepare_to_leave(used_bytes as u64)
        {
            return Ok(Ready::Census(Box::new((
                ready,
                NoSnapshot { code, message },
            ))));
        }
        Err((code, message))
    }

    /// Forks, or tells why not. On the isolate's thread.
    fn capture(self: &Arc<Self>, at: At) {
        self.state.store(state::SPENT, Relaxed);
        let limit_bytes = self.before.load(Relaxed);
        let forked = match self.preparation.wait() {
            Ok(Ready::Snapshot(prepared)) => self.fork(prepared),
            Ok(Ready::Census(prepared)) => {
                let (ready, no_snapshot) = *prepared;
                match self.leave_census(ready, no_snapshot.clone()) {
                    Ok(()) => return,
                    Err(_) => Err((no_snapshot.code, no_snapshot.message)),
                }
            }
            Err(error) => Err(error),
        };
        let event = match forked {
            Ok(started) => {
                let place = match at {
                    At::StackCheck => "",
                    At::Allocation => " in native code",
                };
                say(&format!(
                    "the heap limit of {} MB is reached{place}; process {} writes a snapshot to {}, whatever becomes of this one",
                    limit_bytes >> 20,
                    started.pid,
                    self.settings.folder.dir.display()
                ));
                Event::Forked {
                    pid: started.pid,
                    pause_ms: started.pause_ms,
                    limit_bytes,
                    at,
                }
            }
            Err((code, message)) => {
                say(&format!(
                    "the heap limit of {} MB is reached, and there is no snapshot: {message}",
                    limit_bytes >> 20
                ));
                Event::Failed {
                    code,
                    message,
                    limit_bytes,
                    census: None,
                }
            }
        };
        (self.tell)(&event);
    }

    /// Has a child count the heap, and tells of it when it has.
    fn leave_census(
        self: &Arc<Self>,
        ready: children::Ready,
        no_snapshot: NoSnapshot,
    ) -> Result<(), CensusError> {
        let folder = &self.settings.folder;
        let limit_bytes = self.before.load(Relaxed);
        let left = Left {
            dir: folder.dir.clone(),
            policy: ProfilePolicy {
                max_count: folder.max_count,
                max_age_ms: folder.max_age_ms,
                min_free_disk_bytes: folder.min_free_disk_bytes,
            },
            occasion: "limit".to_owned(),
            heap_used_bytes: self.used() as u64,
            moment: Moment {
                created_at_ms: now_ms(),
                node_version: self.settings.node_version.clone(),
                thread_id: self.settings.thread_id,
                limit_bytes,
                no_snapshot: no_snapshot.clone(),
            },
        };
        let brink = Arc::downgrade(self);
        let done = move |left: Result<PathBuf, CensusError>| {
            if let Some(brink) = brink.upgrade() {
                (brink.tell)(&Event::Failed {
                    code: no_snapshot.code,
                    message: no_snapshot.message,
                    limit_bytes,
                    census: left.ok(),
                });
            }
        };
        // SAFETY: called on the isolate's thread only; a guard that is open has pinned this library.
        let started = unsafe { census::fork_to_leave(ready, left, done) }?;
        say(&format!(
            "the heap limit of {} MB is reached; there is no room for a snapshot, process {} leaves a census in {}",
            limit_bytes >> 20,
            started.pid,
            folder.dir.display()
        ));
        Ok(())
    }

    fn fork(self: &Arc<Self>, prepared: Prepared) -> Result<snapshots::Started, (String, String)> {
        let settings = &self.settings;
        let ticket = prepared.ticket;
        let facts = SnapshotFacts {
            reason: "limit".to_owned(),
            level: Some("critical".to_owned()),
            node_version: settings.node_version.clone(),
            thread_id: settings.thread_id,
            pause_ms: 0.0,
            heap_used_bytes: self.before.load(Relaxed) as u64,
            external_bytes: 0,
            method_reason: prepared.method_reason.clone(),
            retries: self.retries.load(Relaxed),
        };
        let brink = Arc::downgrade(self);
        let done = Box::new(move |finished| match brink.upgrade() {
            Some(brink) => brink.ended(prepared, finished),
            None => snapshots::abort(ticket),
        });
        // SAFETY: called on the isolate's thread only; a guard that is open has pinned this library.
        unsafe { snapshots::fork(ticket, facts, Patience::AtTheLimit, done) }.map_err(|error| {
            snapshots::abort(ticket);
            ("ERR_MEMGUARD_SNAPSHOT_FORK".to_owned(), error.to_string())
        })
    }

    /// The child has ended. On its reaper's thread.
    fn ended(self: &Arc<Self>, prepared: Prepared, finished: Finished) {
        let Some(problem) = finished.error else {
            if let Some(committed) = finished.committed {
                (self.tell)(&Event::Taken(committed));
            }
            return;
        };
        let ticket = prepared.ticket;
        let may_try_again = problem.is_worth_retrying
            && self.retries.fetch_add(1, Relaxed) < MOST_RETRIES
            && snapshots::prepare_again(ticket).is_ok();
        if may_try_again {
            self.preparation.set(Ok(Ready::Snapshot(prepared)));
            self.state.store(state::AGAIN, Relaxed);
            let alive = ALIVE.lock();
            if alive
                .iter()
                .any(|other| std::ptr::eq(other.as_ptr(), &**self))
            {
                // SAFETY: the isolate leaves this list, under its lock, before it ends.
                unsafe {
                    self.isolate
                        .request_interrupt(interrupt, std::ptr::null_mut())
                };
                return;
            }
        }
        snapshots::abort(ticket);
        (self.tell)(&Event::Failed {
            code: problem.code,
            message: problem.message,
            limit_bytes: self.before.load(Relaxed),
            census: None,
        });
    }

    /// V8 forgets the callback, once, and the limit is what it was, or as near to it as the heap allows.
    fn take_back(&self) {
        self.remove_callback(self.before.load(Relaxed));
    }

    fn forget_callback(&self) {
        self.remove_callback(0);
    }

    fn remove_callback(&self, restore_bytes: usize) {
        if self.is_forgotten.swap(true, Relaxed) {
            return;
        }
        // SAFETY: called on the isolate's thread only, while it is alive; registered by `arm`, and not removed since.
        unsafe {
            self.isolate
                .remove_near_heap_limit_callback(near_limit, restore_bytes);
        }
    }
}

fn broken(message: &str) -> (String, String) {
    ("ERR_MEMGUARD_SNAPSHOT_FORK".to_owned(), message.to_owned())
}

/// The event loop may never turn again, so it is said here.
fn say(sentence: &str) {
    let line = format!("memguard: {sentence}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

impl Preparation {
    fn set(&self, begun: Result<Ready, (String, String)>) {
        *self.begun.lock() = Some(begun);
        self.ready.notify_all();
    }

    fn wait(&self) -> Result<Ready, (String, String)> {
        let mut begun = self.begun.lock();
        if begun.is_none() {
            self.ready.wait_for(&mut begun, PREPARATION);
        }
        begun
            .take()
            .unwrap_or_else(|| Err(broken("it could not be prepared in time")))
    }
}
