//! What one isolate's own thread writes down for the sampler: heap figures and collections.
//!
//! The writer is always the isolate's thread (in a GC callback, an interrupt or a wake-up of its
//! event loop), the reader is the sampler. All fields are atomics: no lock can be held while V8
//! collects garbage, and a reader that sees two figures of adjacent moments does no harm.
//!
//! A recorder is allocated once and reused by later isolates, never freed: an interrupt that V8
//! still has queued when an environment ends finds valid memory. Cost: about 13 KB an isolate.

mod callbacks;
mod ring;

use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering::Relaxed};

use memguard_v8_api::{GcTypes, HeapStatistics, Isolate};
use parking_lot::Mutex;

use crate::clock::now_us;
use ring::GcRing;
pub use ring::{GcKind, GcRecord};

/// Counters and last figures of one isolate.
pub struct Recorder {
    active: AtomicBool,
    /// The isolate's address, to tell a late callback of an earlier isolate apart.
    isolate: AtomicPtr<()>,
    heap: HeapFigures,
    pub(crate) gc: GcFigures,
    ring: GcRing,
    /// Minor collections go to the ring too, with bytes: someone listens to `gc` events.
    stream_minor: AtomicBool,
    /// Somebody counts what is allocated: what each collection frees is added up.
    counting: AtomicBool,
    freed: AtomicU64,
    /// Collections are of our own making: a snapshot's, a forced one. They say nothing of the app.
    induced: AtomicBool,
    /// From this live heap on, the sampler is woken by a major collection.
    tight_bytes: AtomicU64,
    ping_sent_us: AtomicU64,
    loop_delay_us: AtomicU64,
    array_buffers: AtomicU64,
    new_space_index: AtomicU64,
    gate: &'static crate::gate::Gate,
}

/// The last heap statistics that were read, in bytes.
#[derive(Default)]
struct HeapFigures {
    total: AtomicU64,
    used: AtomicU64,
    limit: AtomicU64,
    malloced: AtomicU64,
    external: AtomicU64,
    allocated_ever: AtomicU64,
    new_space_capacity: AtomicU64,
    new_space_peak: AtomicU64,
    read_at_us: AtomicU64,
}

/// Counts and times since the isolate was attached.
#[derive(Default)]
pub(crate) struct GcFigures {
    minor_count: AtomicU64,
    minor_us: AtomicU64,
    major_count: AtomicU64,
    major_us: AtomicU64,
    live_after_major: AtomicU64,
    last_major_at_us: AtomicU64,
    /// Start of the collection that is running, and the used bytes at that moment.
    started_us: AtomicU64,
    used_before: AtomicU64,
}

/// A copy of everything that a recorder holds, for the sampler.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recorded {
    /// The last heap statistics.
    pub heap: HeapStatistics,
    /// Capacity of the nursery in bytes; 0 when unknown.
    pub new_space_capacity: u64,
    /// The largest that it ever was: V8 shrinks it when it reduces memory, and lets it grow again.
    pub new_space_peak: u64,
    /// When they were read, on the guard's clock; 0: never.
    pub read_at_us: u64,
    /// Minor collections since the isolate was attached, and the time in them.
    pub minor_count: u64,
    /// Microseconds in minor collections.
    pub minor_us: u64,
    /// Major collections.
    pub major_count: u64,
    /// Microseconds in major collections.
    pub major_us: u64,
    /// Used bytes right after the last major collection, if there was one.
    pub live_after_major: Option<u64>,
    /// When that was.
    pub last_major_at_us: u64,
    /// How long the event loop took to answer the last ping; while it has not answered, how long it has been waiting.
    pub loop_delay_us: u64,
    /// Bytes of array buffers as Node counts them, if reported.
    pub array_buffers: Option<u64>,
}

const UNKNOWN: u64 = u64::MAX;

/// Recorders that no isolate uses at the moment.
static SPARE: Mutex<Vec<&'static Recorder>> = Mutex::new(Vec::new());

impl Recorder {
    /// Takes a spare recorder, or makes one, and binds it to the isolate of this thread.
    pub fn acquire(isolate: Option<Isolate>) -> &'static Self {
        let recorder = SPARE.lock().pop().unwrap_or_else(|| {
            Box::leak(Box::new(Self {
                active: AtomicBool::new(false),
                isolate: AtomicPtr::default(),
                heap: HeapFigures::default(),
                gc: GcFigures::default(),
                ring: GcRing::new(),
                stream_minor: AtomicBool::new(false),
                counting: AtomicBool::new(false),
                freed: AtomicU64::new(0),
                induced: AtomicBool::new(false),
                tight_bytes: AtomicU64::new(UNKNOWN),
                ping_sent_us: AtomicU64::new(0),
                loop_delay_us: AtomicU64::new(0),
                array_buffers: AtomicU64::new(UNKNOWN),
                new_space_index: AtomicU64::new(UNKNOWN),
                gate: crate::gate::shared(),
            }))
        });
        recorder.reset(isolate);
        recorder
    }

    fn reset(&self, isolate: Option<Isolate>) {
        self.isolate.store(
            isolate.map_or(std::ptr::null_mut(), Isolate::address),
            Relaxed,
        );
        self.heap.each(|field| field.store(0, Relaxed));
        self.gc.each(|field| field.store(0, Relaxed));
        self.ring.reset();
        self.stream_minor.store(false, Relaxed);
        self.counting.store(false, Relaxed);
        self.freed.store(0, Relaxed);
        self.induced.store(false, Relaxed);
        self.tight_bytes.store(UNKNOWN, Relaxed);
        self.ping_sent_us.store(0, Relaxed);
        self.loop_delay_us.store(0, Relaxed);
        self.array_buffers.store(UNKNOWN, Relaxed);
        self.new_space_index.store(UNKNOWN, Relaxed);
        self.active.store(true, Relaxed);
    }

    /// Gives the recorder back for a later isolate. Callbacks must be unregistered by then.
    pub fn release(&'static self) {
        self.active.store(false, Relaxed);
        self.isolate.store(std::ptr::null_mut(), Relaxed);
        SPARE.lock().push(self);
    }

    /// Stores figures that were read from V8, natively or by JavaScript.
    pub fn store_heap(&self, heap: &HeapStatistics) {
        self.heap.total.store(heap.total, Relaxed);
        self.heap.used.store(heap.used, Relaxed);
        self.heap.limit.store(heap.limit, Relaxed);
        self.heap.malloced.store(heap.malloced, Relaxed);
        self.heap.external.store(heap.external, Relaxed);
        self.heap
            .allocated_ever
            .store(heap.allocated_ever.unwrap_or(UNKNOWN), Relaxed);
        self.heap.read_at_us.store(now_us().max(1), Relaxed);
    }

    /// Bytes of array buffers, which only Node's own counter knows.
    pub fn store_array_buffers(&self, bytes: u64) {
        self.array_buffers.store(bytes, Relaxed);
    }

    /// Whether minor collections go to the event ring too; costs two heap readings a scavenge.
    pub fn set_stream_minor(&self, on: bool) {
        self.stream_minor.store(on, Relaxed);
    }

    /// All bytes that were allocated in the heap since this was first asked: what is used, and what collections have freed
    /// since. V8's own count (Node 26 on) moves by whole allocation areas, and cannot tell one request from the next.
    /// `None` where the heap cannot be read.
    ///
    /// # Safety
    /// As for [`Isolate::heap_statistics`].
    pub unsafe fn allocated(&self, isolate: Isolate) -> Option<u64> {
        // SAFETY: passed on from the caller.
        let heap = unsafe { isolate.heap_statistics() }?;
        if !self.counting.load(Relaxed) {
            self.counting.store(true, Relaxed);
        }
        Some(heap.used.saturating_add(self.freed.load(Relaxed)))
    }

    /// Whether what a collection frees must be known.
    fn weighs(&self) -> bool {
        self.stream_minor.load(Relaxed) || self.counting.load(Relaxed)
    }

    /// Whether collections are of our own making from now on.
    pub fn set_induced(&self, induced: bool) {
        self.induced.store(induced, Relaxed);
    }

    /// Whether they are.
    pub fn is_induced(&self) -> bool {
        self.induced.load(Relaxed)
    }

    /// From which live heap on a major collection wakes the sampler: a ramp may be over before its
    /// next regular look.
    pub fn set_tight(&self, bytes: u64) {
        self.tight_bytes.store(bytes, Relaxed);
    }

    /// Notes that the event loop is being asked to answer. Keeps the first of several unanswered.
    pub fn ping(&self) {
        let _ = self
            .ping_sent_us
            .compare_exchange(0, now_us().max(1), Relaxed, Relaxed);
    }

    /// The sampler found that the thread has not run since: the last heap figures are those of now.
    pub fn confirm_heap(&self, now_us: u64) {
        self.heap.read_at_us.store(now_us.max(1), Relaxed);
    }

    /// Whether a ping has not been answered yet.
    pub fn is_waiting(&self) -> bool {
        self.ping_sent_us.load(Relaxed) != 0
    }

    /// The event loop answers: how late it was is its delay. `heap` are figures that JavaScript
    /// read, where the native reading is not to be had.
    ///
    /// # Safety
    /// Called on the isolate's thread, while the isolate is alive.
    pub unsafe fn answer(&self, isolate: Option<Isolate>, heap: Option<HeapStatistics>) {
        let sent = self.ping_sent_us.swap(0, Relaxed);
        if sent != 0 {
            self.loop_delay_us
                .store(now_us().saturating_sub(sent), Relaxed);
        }
        if let Some(isolate) = isolate {
            // SAFETY: passed on from the caller.
            unsafe { self.read_heap(isolate) };
        } else if let Some(heap) = heap {
            self.store_heap(&heap);
        }
        self.gate.notify();
    }

    /// A major collection that JavaScript observed, where V8's callbacks are not to be had.
    pub fn record_gc(&self, record: GcRecord) {
        let us = record.duration_us;
        match record.kind {
            GcKind::Major => {
                self.gc.major_count.fetch_add(1, Relaxed);
                self.gc.major_us.fetch_add(us, Relaxed);
                self.gc.live_after_major.store(record.used_after, Relaxed);
                self.gc.last_major_at_us.store(record.at_us.max(1), Relaxed);
            }
            GcKind::Minor => {
                self.gc.minor_count.fetch_add(1, Relaxed);
                self.gc.minor_us.fetch_add(us, Relaxed);
                if !self.stream_minor.load(Relaxed) {
                    return;
                }
            }
        }
        self.ring.push(&record);
    }

    /// A copy for the sampler.
    pub fn read(&self) -> Recorded {
        let sent = self.ping_sent_us.load(Relaxed);
        let waiting = if sent == 0 {
            0
        } else {
            now_us().saturating_sub(sent)
        };
        let known = |value: u64| (value != UNKNOWN).then_some(value);
        Recorded {
            heap: HeapStatistics {
                total: self.heap.total.load(Relaxed),
                used: self.heap.used.load(Relaxed),
                limit: self.heap.limit.load(Relaxed),
                malloced: self.heap.malloced.load(Relaxed),
                external: self.heap.external.load(Relaxed),
                allocated_ever: known(self.heap.allocated_ever.load(Relaxed)),
            },
            new_space_capacity: self.heap.new_space_capacity.load(Relaxed),
            new_space_peak: self.heap.new_space_peak.load(Relaxed),
            read_at_us: self.heap.read_at_us.load(Relaxed),
            minor_count: self.gc.minor_count.load(Relaxed),
            minor_us: self.gc.minor_us.load(Relaxed),
            major_count: self.gc.major_count.load(Relaxed),
            major_us: self.gc.major_us.load(Relaxed),
            live_after_major: (self.gc.last_major_at_us.load(Relaxed) != 0)
                .then(|| self.gc.live_after_major.load(Relaxed)),
            last_major_at_us: self.gc.last_major_at_us.load(Relaxed),
            loop_delay_us: self.loop_delay_us.load(Relaxed).max(waiting),
            array_buffers: known(self.array_buffers.load(Relaxed)),
        }
    }

    /// Collections since position `from`: the records, the next position, how many were lost
    /// because the ring had gone round.
    pub fn collections_since(&self, from: u64) -> (Vec<GcRecord>, u64, u64) {
        self.ring.since(from)
    }

    /// Registers the GC callbacks with V8. Returns whether V8 offers them.
    ///
    /// # Safety
    /// Called on the isolate's thread while it is alive; [`Recorder::unhook`] is called before its end.
    pub unsafe fn hook(&'static self, isolate: Isolate) -> bool {
        let data = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: a recorder is never freed, the callbacks are functions of this library, which
        // the caller keeps pinned, and neither touches the heap or unwinds.
        unsafe {
            isolate.add_gc_callbacks(
                callbacks::prologue,
                callbacks::epilogue,
                data,
                GcTypes::MINOR_AND_MAJOR,
            )
        }
    }

    /// What V8 calls around a minor collection, where there is no V8.
    #[cfg(feature = "bench")]
    pub(crate) fn minor_collection(&'static self) {
        let data = std::ptr::from_ref(self).cast_mut().cast();
        let isolate = self.isolate.load(Relaxed).cast();
        // SAFETY: the data is a recorder, and for a minor collection the isolate is compared only.
        unsafe { callbacks::prologue(isolate, 1, 0, data) };
        // SAFETY: as above.
        unsafe { callbacks::epilogue(isolate, 1, 0, data) };
    }

    /// Takes the GC callbacks back.
    ///
    /// # Safety
    /// As for [`Recorder::hook`], which answered true.
    pub unsafe fn unhook(&'static self, isolate: Isolate) {
        let data = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: registered with this very data by contract.
        unsafe { isolate.remove_gc_callbacks(callbacks::prologue, callbacks::epilogue, data) };
    }

    /// Asks V8 for a heap reading at the next stack check, also within an endless loop.
    ///
    /// # Safety
    /// The isolate is alive during the call.
    pub unsafe fn request_reading(&'static self, isolate: Isolate) {
        let data = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: a recorder is never freed; the callback checks that it still belongs to the isolate.
        unsafe { isolate.request_interrupt(callbacks::interrupt, data) };
    }

    fn belongs_to(&self, isolate: *mut ()) -> bool {
        self.active.load(Relaxed) && self.isolate.load(Relaxed) == isolate
    }

    /// # Safety
    /// As for [`Isolate::heap_statistics`].
    unsafe fn read_heap(&self, isolate: Isolate) {
        // SAFETY: passed on from the caller.
        if let Some(heap) = unsafe { isolate.heap_statistics() } {
            self.store_heap(&heap);
        }
        if self.new_space_index.load(Relaxed) == UNKNOWN {
            // SAFETY: passed on from the caller.
            let index = unsafe { new_space_index(isolate) };
            self.new_space_index.store(index as u64, Relaxed);
        }
        let index = self.new_space_index.load(Relaxed) as usize;
        // SAFETY: passed on from the caller.
        let capacity = unsafe { isolate.space_statistics(index) }.map_or(0, |space| space.capacity);
        self.heap.new_space_capacity.store(capacity, Relaxed);
        self.heap.new_space_peak.fetch_max(capacity, Relaxed);
    }
}

/// Where V8 lists the nursery; past the last space when it does not.
///
/// # Safety
/// As for [`Isolate::heap_statistics`].
unsafe fn new_space_index(isolate: Isolate) -> usize {
    // SAFETY: passed on from the caller.
    let count = unsafe { isolate.space_count() };
    for index in 0..count {
        // SAFETY: passed on from the caller.
        let space = unsafe { isolate.space_statistics(index) };
        if space.is_some_and(|space| space.is_new_space) {
            return index;
        }
    }
    count
}

impl HeapFigures {
    fn each(&self, apply: impl Fn(&AtomicU64)) {
        [
            &self.total,
            &self.used,
            &self.limit,
            &self.malloced,
            &self.external,
            &self.allocated_ever,
            &self.new_space_capacity,
            &self.new_space_peak,
            &self.read_at_us,
        ]
        .into_iter()
        .for_each(apply);
    }
}

impl GcFigures {
    fn each(&self, apply: impl Fn(&AtomicU64)) {
        [
            &self.minor_count,
            &self.minor_us,
            &self.major_count,
            &self.major_us,
            &self.live_after_major,
            &self.last_major_at_us,
            &self.started_us,
            &self.used_before,
        ]
        .into_iter()
        .for_each(apply);
    }
}
