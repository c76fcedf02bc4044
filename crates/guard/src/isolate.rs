//! One isolate that is watched: the main thread's or a worker's.

use memguard_v8_api::{Isolate, layout_matches};
use memguard_vitals::{GcFigures, IsolateFigures};

use crate::clock::now_us;
use crate::gate;
use crate::recorder::{GcRecord, Recorded, Recorder};
use crate::rest::Rest;
use crate::settings::IsolateFacts;

/// An isolate between the first guard that it opens and the last that it closes.
pub(crate) struct WatchedIsolate {
    pub(crate) id: u32,
    facts: IsolateFacts,
    /// As it was at the start; 0 when unknown.
    old_space_limit: u64,
    /// The V8 handle, where native readings were found to be right.
    isolate: Option<Isolate>,
    recorder: &'static Recorder,
    hooked: bool,
    /// A worker without a guard of its own, whose figures the main thread hands in.
    adopted: bool,
    /// Position in the recorder's ring up to which collections were taken.
    taken: u64,
    allocation: AllocationMeter,
    rest: Rest,
}

impl WatchedIsolate {
    /// Begins to watch the isolate of this thread.
    ///
    /// # Safety
    /// The caller is on the isolate's thread and calls [`WatchedIsolate::detach`] there before the
    /// isolate ends; the library stays loaded.
    pub(crate) unsafe fn attach(id: u32, facts: IsolateFacts, old_space_limit: u64) -> Self {
        let isolate = Isolate::current()
            .filter(|_| facts.native_v8)
            // SAFETY: the current isolate of this thread is alive.
            .filter(|isolate| match unsafe { isolate.heap_statistics() } {
                Some(read) => layout_matches(&read, &facts.heap.into()),
                None => false,
            });
        let recorder = Recorder::acquire(isolate);
        recorder.store_heap(&facts.heap.into());
        recorder.set_tight((old_space_limit as f64 * gate::TIGHT) as u64);
        // SAFETY: passed on from the caller; unhooked in `detach`.
        let hooked = isolate.is_some_and(|isolate| unsafe { recorder.hook(isolate) });
        Self {
            id,
            facts,
            old_space_limit,
            isolate,
            recorder,
            hooked,
            adopted: false,
            taken: 0,
            allocation: AllocationMeter::default(),
            rest: Rest::of_this_thread(),
        }
    }

    /// Begins to list a worker that runs no guard: nothing of its isolate is touched.
    pub(crate) fn adopt(id: u32, facts: IsolateFacts, old_space_limit: u64) -> Self {
        let recorder = Recorder::acquire(None);
        recorder.store_heap(&facts.heap.into());
        Self {
            id,
            facts,
            old_space_limit,
            isolate: None,
            recorder,
            hooked: false,
            adopted: true,
            taken: 0,
            allocation: AllocationMeter::default(),
            rest: Rest::unknown(),
        }
    }

    /// Ends the watch.
    ///
    /// # Safety
    /// On the isolate's thread, while it is alive.
    pub(crate) unsafe fn detach(self) {
        if let Some(isolate) = self.isolate.filter(|_| self.hooked) {
            // SAFETY: hooked at `attach`, and the caller vouches for the thread.
            unsafe { self.recorder.unhook(isolate) };
        }
        self.recorder.release();
    }

    pub(crate) fn recorder(&self) -> &'static Recorder {
        self.recorder
    }

    pub(crate) fn isolate(&self) -> Option<Isolate> {
        self.isolate
    }

    pub(crate) fn hooked(&self) -> bool {
        self.hooked
    }

    pub(crate) fn is_adopted(&self) -> bool {
        self.adopted
    }

    pub(crate) fn thread_id(&self) -> u32 {
        self.facts.thread_id
    }

    pub(crate) fn name(&self) -> &str {
        &self.facts.name
    }

    /// Where V8 gives up now: what is not young generation of a limit that may have been raised since.
    pub(crate) fn old_space_limit(&self) -> u64 {
        let limit = self.recorder.read().heap.limit;
        let young = (self.facts.heap.limit as u64).saturating_sub(self.old_space_limit);
        if limit == 0 || self.facts.heap.limit == 0.0 {
            self.old_space_limit
        } else {
            limit.saturating_sub(young)
        }
    }

    pub(crate) fn facts(&self) -> &IsolateFacts {
        &self.facts
    }

    /// Asks the event loop for fresh figures, unless what it said last still holds: then that counts
    /// as said now. Answers whether it was asked.
    pub(crate) fn ask(&mut self, now_us: u64) -> bool {
        if self.recorder.is_waiting() {
            return false;
        }
        if self.rest.holds(now_us) {
            self.recorder.confirm_heap(now_us);
            return false;
        }
        self.rest.asked();
        self.recorder.ping();
        true
    }

    /// Collections that were not taken yet, and how many were missed.
    pub(crate) fn take_collections(&mut self) -> (Vec<GcRecord>, u64) {
        let (records, next, lost) = self.recorder.collections_since(self.taken);
        self.taken = next;
        (records, lost)
    }

    /// The figures for a sample, on the clock of `to_sample_ms`. `measure` moves the allocation
    /// meter on, which only the sampler does.
    pub(crate) fn figures(
        &mut self,
        to_sample_ms: impl Fn(u64) -> u64,
        measure: bool,
    ) -> IsolateFigures {
        let recorded = self.recorder.read();
        if measure {
            self.allocation.update(&recorded);
            if !self.recorder.is_waiting() {
                self.rest.answered(now_us());
            }
        }
        IsolateFigures {
            id: self.id,
            thread_id: self.facts.thread_id,
            name: self.facts.name.clone(),
            heap_used_bytes: recorded.heap.used,
            heap_total_bytes: recorded.heap.total,
            heap_size_limit_bytes: recorded.heap.limit,
            // Without a reading there is nothing to hold against the limit.
            old_space_limit_bytes: if recorded.heap.total == 0 {
                0
            } else {
                self.old_space_limit()
            },
            external_bytes: recorded.heap.external,
            array_buffers_bytes: recorded.array_buffers,
            nursery_bytes: recorded.new_space_peak,
            malloced_bytes: recorded.heap.malloced,
            live_heap_bytes: recorded.live_after_major,
            live_heap_at_ms: recorded
                .live_after_major
                .map(|_| to_sample_ms(recorded.last_major_at_us)),
            allocation_rate_bytes_per_s: self.allocation.bytes_per_s,
            gc: GcFigures {
                major_count: recorded.major_count,
                minor_count: recorded.minor_count,
                major_ms: recorded.major_us as f64 / 1e3,
                minor_ms: recorded.minor_us as f64 / 1e3,
                ..GcFigures::default()
            },
            event_loop_delay_ms: (!self.adopted).then_some(recorded.loop_delay_us as f64 / 1e3),
            read_at_ms: to_sample_ms(recorded.read_at_us),
        }
    }
}

/// Bytes allocated per second between two samples.
///
/// V8 counts them itself from Node 26 on. Before, the greater of two estimates stands in: what the
/// heap grew by, and the number of scavenges times the nursery's capacity, since a scavenge comes
/// when the nursery is full.
#[derive(Default)]
struct AllocationMeter {
    last: Option<Recorded>,
    bytes_per_s: Option<f64>,
}

impl AllocationMeter {
    fn update(&mut self, now: &Recorded) {
        let last = self.last.replace(*now);
        let Some(last) = last else { return };
        let elapsed_us = now.read_at_us.saturating_sub(last.read_at_us);
        if elapsed_us == 0 {
            self.last = Some(last);
            return;
        }
        let allocated = match (last.heap.allocated_ever, now.heap.allocated_ever) {
            (Some(before), Some(after)) => after.saturating_sub(before),
            _ => {
                let scavenged = (now.minor_count - last.minor_count) * now.new_space_capacity;
                scavenged.max(now.heap.used.saturating_sub(last.heap.used))
            }
        };
        self.bytes_per_s = Some(allocated as f64 * 1e6 / elapsed_us as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(at_s: u64, used: u64, minor_count: u64) -> Recorded {
        Recorded {
            read_at_us: at_s * 1_000_000,
            minor_count,
            new_space_capacity: 16,
            heap: memguard_v8_api::HeapStatistics {
                used,
                ..Default::default()
            },
            ..Recorded::default()
        }
    }

    #[test]
    fn allocation_is_counted_by_scavenges_or_by_growth() {
        let mut meter = AllocationMeter::default();
        meter.update(&recorded(1, 100, 0));
        assert_eq!(meter.bytes_per_s, None);
        meter.update(&recorded(3, 90, 10));
        assert_eq!(meter.bytes_per_s, Some(80.0));
        meter.update(&recorded(4, 1090, 10));
        assert_eq!(meter.bytes_per_s, Some(1000.0));
    }

    #[test]
    fn figures_that_are_not_fresh_change_nothing() {
        let mut meter = AllocationMeter::default();
        meter.update(&recorded(1, 100, 0));
        meter.update(&recorded(2, 200, 0));
        meter.update(&recorded(2, 200, 0));
        assert_eq!(meter.bytes_per_s, Some(100.0));
    }

    #[test]
    fn where_v8_counts_its_count_is_taken() {
        let mut meter = AllocationMeter::default();
        let mut first = recorded(1, 100, 0);
        first.heap.allocated_ever = Some(5000);
        let mut second = recorded(2, 90, 50);
        second.heap.allocated_ever = Some(5321);
        meter.update(&first);
        meter.update(&second);
        assert_eq!(meter.bytes_per_s, Some(321.0));
    }
}
