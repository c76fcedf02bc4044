//! Everything that is process-wide: isolates, guards, history, and the sampler that serves them all.
//!
//! One lock guards it. It is held for microseconds, by the sampler once per sample and by
//! JavaScript when it opens, closes or asks; never while anything is waited for, and never in a GC
//! callback.

mod sampling;

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use memguard_v8_api::HeapStatistics;
use memguard_vitals::{
    AuditWarning, Capability, History, LedgerInput, Sample, Vitals, join, old_space_limit,
};
use parking_lot::Mutex;

use crate::clock::{now_ms, now_us};
use crate::events::{Drained, Subject};
use crate::forecast::Forecast;
use crate::isolate::WatchedIsolate;
use crate::ledger::OwnHeap;
use crate::recorder::GcRecord;
use crate::settings::{GuardSettings, IsolateFacts};
use crate::watch::{Waker, Watch, WatchState};
use crate::{gate, ledger, sampler};

thread_local! {
    /// The number of this thread's isolate, while it is watched.
    static HERE: Cell<Option<u32>> = const { Cell::new(None) };
}

/// The process-wide state.
pub(crate) struct Engine {
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    isolates: Vec<WatchedIsolate>,
    watches: Vec<Watch>,
    next_isolate: u32,
    next_watch: u32,
    /// Counts the sampler threads that were started: an older one ends when it sees a newer number.
    generation: u64,
    sampling: bool,
    history: Option<History>,
    latest: Option<Sample>,
    /// For samples on demand; opened when the first is asked for.
    on_demand: Option<Vitals>,
    sampler_error: Option<String>,
    baseline_error: Option<String>,
}

pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine {
        state: Mutex::default(),
    })
}

/// What a guard that was opened can be told.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// The guard's number, for all further calls.
    pub guard: u32,
    /// Whether heap statistics are read natively; if not, JavaScript hands them in.
    pub native_heap: bool,
    /// Whether collections are recorded natively; if not, JavaScript hands them in.
    pub native_gc: bool,
}

impl Engine {
    /// One beside the process's own, whose sampler is the caller.
    #[cfg(feature = "bench")]
    pub(crate) fn without_sampler() -> &'static Self {
        Box::leak(Box::new(Self {
            state: Mutex::new(State {
                sampling: true,
                ..State::default()
            }),
        }))
    }

    /// Opens a guard for the isolate of this thread.
    ///
    /// # Safety
    /// On an isolate's thread; [`Engine::close`] for each guard or [`Engine::leave`] is called there
    /// before the isolate ends.
    pub(crate) unsafe fn open(
        &'static self,
        key: Option<String>,
        settings: GuardSettings,
        facts: IsolateFacts,
        waker: Arc<dyn Waker>,
    ) -> Result<Opened, memguard_trend::Error> {
        let mut state = self.state.lock();
        let here = HERE.get();
        // Built before anything changes, so that wrong settings leave no trace.
        let owner = here.unwrap_or_else(|| state.free_isolate_id(facts.thread_id));
        let memory = state.memory_at_start();
        let limit = old_space_limit(
            facts.heap.limit as u64,
            &facts.limits.old_space_facts(memory),
        );
        let watch = Watch::new(state.next_watch, key, owner, limit, waker, settings)?;
        state.next_watch += 1;
        if here.is_none() {
            // The main thread lists workers that run no guard; this one does now.
            state.release(|it| it.is_adopted() && it.thread_id() == facts.thread_id);
            memguard_v8_api::pin_this_library();
            memguard_fork::learn();
            // SAFETY: passed on from the caller.
            let isolate = unsafe { WatchedIsolate::attach(owner, facts, limit) };
            state.isolates.push(isolate);
            HERE.set(Some(owner));
        }
        let replaced = state.take_replaced(&watch);
        let guard = watch.id;
        state.watches.push(watch);
        state.listeners_changed();
        state.ensure_sampler(self);
        let isolate = state.isolates.iter().find(|isolate| isolate.id == owner);
        let opened = Opened {
            guard,
            native_heap: isolate.is_some_and(|isolate| isolate.isolate().is_some()),
            native_gc: isolate.is_some_and(WatchedIsolate::hooked),
        };
        drop(state);
        for other in replaced {
            other.waker.wake();
        }
        gate::shared().kick();
        Ok(opened)
    }

    pub(crate) fn update(
        &self,
        guard: u32,
        settings: GuardSettings,
    ) -> Result<(), memguard_trend::Error> {
        let mut state = self.state.lock();
        let State {
            isolates, watches, ..
        } = &mut *state;
        if let Some(watch) = watches.iter_mut().find(|watch| watch.id == guard) {
            watch.reconfigure(settings, |id| name_of(isolates, id))?;
        }
        state.listeners_changed();
        drop(state);
        gate::shared().kick();
        Ok(())
    }

    /// Closes a guard; with the last of an isolate the isolate is left alone, with the last of the
    /// process the sampler ends. Closing what is closed does nothing.
    ///
    /// # Safety
    /// On the thread that opened it.
    pub(crate) unsafe fn close(&self, guard: u32) {
        let mut state = self.state.lock();
        let Some(index) = state.watches.iter().position(|watch| watch.id == guard) else {
            return;
        };
        let mut closed = state.watches.swap_remove(index);
        closed.commit_baselines();
        if !state
            .watches
            .iter()
            .any(|watch| watch.owner == closed.owner)
        {
            // SAFETY: passed on from the caller.
            unsafe { state.detach(closed.owner) };
        }
        state.listeners_changed();
        drop(state);
        gate::shared().kick();
        for (file, bytes) in closed.baselines() {
            // Nobody is left to be told, and nothing is lost but hours of learning.
            let _ = file.save(&bytes);
        }
    }

    /// Writes what all guards have learned so far. Blocks for the disk: called by the sampler.
    pub(crate) fn save_baselines(&self) {
        let files: Vec<_> = self
            .state
            .lock()
            .watches
            .iter()
            .flat_map(Watch::baselines)
            .collect();
        let failed = files
            .into_iter()
            .find_map(|(file, bytes)| file.save(&bytes).err());
        self.state.lock().baseline_error =
            failed.map(|error| format!("the baseline cannot be kept: {error}"));
    }

    /// Closes everything of this thread's isolate, whose environment ends.
    ///
    /// # Safety
    /// On the isolate's thread, while it is alive.
    pub(crate) unsafe fn leave(&self) {
        let Some(here) = HERE.get() else { return };
        let mut state = self.state.lock();
        state.watches.retain(|watch| watch.owner != here);
        // SAFETY: passed on from the caller.
        unsafe { state.detach(here) };
        state.listeners_changed();
        drop(state);
        gate::shared().kick();
    }

    /// The event loop of this thread's isolate answers the sampler.
    ///
    /// # Safety
    /// On the isolate's thread, while it is alive.
    pub(crate) unsafe fn answer(&self, heap: Option<HeapStatistics>) {
        let Some((recorder, isolate)) = self.here(|it| (it.recorder(), it.isolate())) else {
            return;
        };
        // SAFETY: passed on from the caller.
        unsafe { recorder.answer(isolate, heap) };
    }

    /// Lists a worker that runs no guard of its own; `None` when it does run one.
    pub(crate) fn adopt_worker(&self, facts: IsolateFacts) -> Option<u32> {
        let mut state = self.state.lock();
        if state
            .isolates
            .iter()
            .any(|it| it.thread_id() == facts.thread_id)
        {
            return None;
        }
        let id = state.free_isolate_id(facts.thread_id);
        let mb = facts.limits.worker_old_mb.unwrap_or(0.0);
        let isolate = WatchedIsolate::adopt(id, facts, (mb * f64::from(1 << 20)) as u64);
        state.isolates.push(isolate);
        Some(id)
    }

    /// Figures of an adopted worker.
    pub(crate) fn report_worker(&self, id: u32, heap: &HeapStatistics) {
        let state = self.state.lock();
        if let Some(isolate) = state
            .isolates
            .iter()
            .find(|it| it.id == id && it.is_adopted())
        {
            isolate.recorder().store_heap(heap);
        }
    }

    /// Forgets an adopted worker.
    pub(crate) fn release_worker(&self, id: u32) {
        self.state
            .lock()
            .release(|it| it.id == id && it.is_adopted());
    }

    /// Array buffers of this thread's isolate, in bytes.
    pub(crate) fn report_array_buffers(&self, bytes: u64) {
        if let Some(recorder) = self.here(WatchedIsolate::recorder) {
            recorder.store_array_buffers(bytes);
        }
    }

    /// Whether the collections of this thread's isolate are of our own making from now on.
    pub(crate) fn set_induced(&self, induced: bool) {
        if let Some(recorder) = self.here(WatchedIsolate::recorder) {
            recorder.set_induced(induced);
        }
    }

    /// A collection of this thread's isolate that JavaScript observed.
    pub(crate) fn report_gc(&self, record: GcRecord) {
        if let Some(recorder) = self.here(WatchedIsolate::recorder) {
            recorder.record_gc(record);
        }
    }

    pub(crate) fn drain(&self, guard: u32) -> Option<Drained> {
        let mut state = self.state.lock();
        state
            .watches
            .iter_mut()
            .find(|watch| watch.id == guard)
            .map(Watch::drain)
    }

    /// That a guard is no more is news too.
    pub(crate) fn has_events(&self, guard: u32) -> bool {
        let state = self.state.lock();
        state
            .watches
            .iter()
            .find(|watch| watch.id == guard)
            .is_none_or(Watch::has_events)
    }

    pub(crate) fn watch_state(&self, guard: u32) -> Option<WatchState> {
        let state = self.state.lock();
        state
            .watches
            .iter()
            .find(|watch| watch.id == guard)
            .map(|watch| watch.state(|id| name_of(&state.isolates, id)))
    }

    /// A guard's forecasts.
    pub(crate) fn forecasts(&self, guard: u32) -> Option<Vec<Forecast>> {
        let state = self.state.lock();
        let watch = state.watches.iter().find(|watch| watch.id == guard)?;
        Some(watch.forecasts())
    }

    /// Caches and handles of a guard's JavaScript.
    pub(crate) fn report_counts(
        &self,
        guard: u32,
        caches: Option<(f64, f64)>,
        handles: Option<f64>,
    ) {
        let mut state = self.state.lock();
        if let Some(watch) = state.watches.iter_mut().find(|watch| watch.id == guard) {
            watch.count(caches, handles);
        }
    }

    /// A sample of this moment: this isolate's figures are read now, those of the others are their last.
    ///
    /// # Safety
    /// On the isolate's thread, while it is alive.
    pub(crate) unsafe fn sample_now(&self, heap: Option<HeapStatistics>) -> Sample {
        // SAFETY: passed on from the caller.
        unsafe { self.answer(heap) };
        let mut state = self.state.lock();
        let mut vitals = state.on_demand.take().unwrap_or_else(Vitals::open);
        vitals.expire();
        let reading = vitals.read();
        let figures = state.figures(reading.at_ms, false);
        let sample = join(reading, figures, &vitals.limit_names());
        state.on_demand = Some(vitals);
        sample
    }

    /// The sampler's last sample.
    pub(crate) fn latest(&self) -> Option<Sample> {
        self.state.lock().latest.clone()
    }

    /// Reads the history under the lock.
    pub(crate) fn with_history<T>(&self, read: impl FnOnce(&History) -> T) -> Option<T> {
        self.state.lock().history.as_ref().map(read)
    }

    /// What the ledger must be told of V8.
    pub(crate) fn ledger_input(&self, own: OwnHeap) -> LedgerInput {
        let mut state = self.state.lock();
        ledger::input(own, HERE.get(), &mut state.isolates)
    }

    /// Limits that do not fit each other or the machine.
    pub(crate) fn audit(&self) -> Vec<AuditWarning> {
        let mut state = self.state.lock();
        let memory = state.memory_at_start();
        let reading = state.on_demand.get_or_insert_with(Vitals::open).read();
        let facts = crate::audit::facts(&reading, &mut state.isolates, memory);
        drop(state);
        memguard_vitals::audit(&facts)
    }

    /// What works here.
    pub(crate) fn capabilities(&self) -> Vec<Capability> {
        let mut state = self.state.lock();
        let mut all = state
            .on_demand
            .get_or_insert_with(Vitals::open)
            .capabilities();
        for (name, error) in [
            ("sampler", &state.sampler_error),
            ("baseline", &state.baseline_error),
        ] {
            all.push(match error {
                Some(reason) => Capability::no(name, reason.as_str()),
                None => Capability::yes(name),
            });
        }
        all
    }

    /// All bytes that this thread's isolate has allocated: see [`crate::allocated_bytes`].
    ///
    /// # Safety
    /// On the isolate's thread, while it is alive.
    pub(crate) unsafe fn allocated_bytes(&self) -> Option<u64> {
        let (recorder, isolate, hooked) =
            self.here(|it| (it.recorder(), it.isolate(), it.hooked()))?;
        // What collections free is seen by V8's callbacks alone.
        let isolate = isolate.filter(|_| hooked)?;
        // SAFETY: passed on from the caller.
        unsafe { recorder.allocated(isolate) }
    }

    /// Major collections of this thread's isolate, and the live heap after the last.
    pub(crate) fn major_collections(&self) -> (u64, Option<u64>) {
        let recorded = self.here(|it| it.recorder().read());
        recorded.map_or((0, None), |it| (it.major_count, it.live_after_major))
    }

    fn here<T>(&self, read: impl FnOnce(&WatchedIsolate) -> T) -> Option<T> {
        let here = HERE.get()?;
        let state = self.state.lock();
        state.isolates.iter().find(|it| it.id == here).map(read)
    }
}

/// A guard answers for its own isolate; the main thread's also for those that have no guard of their own.
fn is_mine(owner: u32, isolate: u32, owners: &[u32]) -> bool {
    owner == isolate || owner == 0 && !owners.contains(&isolate)
}

fn name_of(isolates: &[WatchedIsolate], id: u32) -> String {
    isolates
        .iter()
        .find(|isolate| isolate.id == id)
        .map(|isolate| isolate.name().to_owned())
        .unwrap_or_default()
}

impl State {
    /// The memory that Node tells V8 of: the machine's or the cgroup's, the lesser.
    fn memory_at_start(&mut self) -> u64 {
        let reading = self.on_demand.get_or_insert_with(Vitals::open).read();
        let machine = reading
            .machine
            .map_or(u64::MAX, |machine| machine.total_bytes);
        let cgroup = reading.cgroup.and_then(|cgroup| cgroup.limit_bytes);
        machine.min(cgroup.unwrap_or(u64::MAX))
    }

    /// The main thread's isolate is number 0; workers count from 1.
    fn free_isolate_id(&mut self, thread_id: u32) -> u32 {
        if thread_id == 0 {
            return 0;
        }
        self.next_isolate += 1;
        self.next_isolate
    }

    fn listeners_changed(&self) {
        let owners = self.owners();
        for isolate in &self.isolates {
            let wanted = self.watches.iter().any(|watch| {
                watch.settings.listens.gc && is_mine(watch.owner, isolate.id, &owners)
            });
            isolate.recorder().set_stream_minor(wanted);
        }
    }

    /// The isolates that have a guard of their own.
    fn owners(&self) -> Vec<u32> {
        self.watches.iter().map(|watch| watch.owner).collect()
    }

    /// Takes out the guard that this one replaces. Its JavaScript learns of it when it is woken and fetches events.
    fn take_replaced(&mut self, by: &Watch) -> Vec<Watch> {
        if by.key.is_none() {
            return Vec::new();
        }
        self.watches
            .extract_if(.., |other| other.key == by.key && other.owner == by.owner)
            .collect()
    }

    fn ensure_sampler(&mut self, engine: &'static Engine) {
        if self.sampling {
            return;
        }
        self.generation += 1;
        match sampler::start(engine, self.generation) {
            Ok(()) => {
                self.sampling = true;
                self.sampler_error = None;
            }
            Err(error) => self.sampler_error = Some(format!("no sampler thread: {error}")),
        }
    }

    /// # Safety
    /// On the isolate's thread, while it is alive.
    unsafe fn detach(&mut self, id: u32) {
        HERE.set(None);
        for watch in &mut self.watches {
            watch.forget_isolate(id);
        }
        if let Some(index) = self.isolates.iter().position(|isolate| isolate.id == id) {
            let isolate = self.isolates.swap_remove(index);
            // SAFETY: passed on from the caller.
            unsafe { isolate.detach() };
        }
        if self.watches.is_empty() {
            self.release(WatchedIsolate::is_adopted);
            self.on_demand = None;
            self.latest = None;
            self.history = None;
        }
    }

    /// Forgets adopted workers: of their isolates nothing is held.
    fn release(&mut self, which: impl Fn(&WatchedIsolate) -> bool) {
        while let Some(index) = self.isolates.iter().position(&which) {
            let adopted = self.isolates.swap_remove(index);
            for watch in &mut self.watches {
                watch.forget_isolate(adopted.id);
            }
            adopted.recorder().release();
        }
    }

    fn figures(&mut self, at_ms: u64, measure: bool) -> Vec<memguard_vitals::IsolateFigures> {
        let now = now_ms();
        let to_sample_ms = |us: u64| at_ms.saturating_sub(now.saturating_sub(us / 1000));
        self.isolates.sort_by_key(|isolate| isolate.id);
        self.isolates
            .iter_mut()
            .map(|isolate| isolate.figures(to_sample_ms, measure))
            .collect()
    }

    fn judge(&mut self, sample: &Sample) {
        let now = now_us();
        let to_sample_ms = |us: u64| sample.at_ms.saturating_sub(now.saturating_sub(us) / 1000);
        let owners = self.owners();
        let main_is_guarded = owners.contains(&0);
        for watch in &mut self.watches {
            let owner = watch.owner;
            let with_process = owner == 0 || !main_is_guarded;
            // Settings were validated when the guard was opened: no judge can refuse them now.
            let _ = watch.observe(sample, |id| is_mine(owner, id, &owners), with_process, now);
        }
        for isolate in &mut self.isolates {
            let (records, lost) = isolate.take_collections();
            if records.is_empty() {
                continue;
            }
            let records: Vec<_> = records
                .into_iter()
                .map(|record| (to_sample_ms(record.at_us), record))
                .collect();
            let subject = Subject::isolate(isolate.id, isolate.name().to_owned());
            let limit = isolate.old_space_limit();
            for watch in &mut self.watches {
                if is_mine(watch.owner, isolate.id, &owners) {
                    watch.collected(&subject, limit, &records, lost, now);
                }
            }
        }
    }
}
