//! What the sampler thread does with the engine: ask the isolates, take a sample, have it judged.

use std::sync::Arc;

use memguard_vitals::{History, LimitNames, OsReading, join};

use super::{Engine, State};
use crate::clock::now_us;
use crate::recorder::Recorder;
use crate::settings::PaceSettings;
use crate::watch::Waker;

/// A critical alert that JavaScript has not fetched for this long is printed to stderr instead: its
/// event loop is blocked, and the process may not live to tell.
const PATIENCE_US: u64 = 250_000;

/// An event loop that is to be woken.
pub(crate) struct Asked {
    /// Where its answer is waited for. `None`: it has owed one for longer and is only woken again, since a
    /// wake-up can be lost; where the first is still on its way, the second does nothing.
    pub(crate) recorder: Option<&'static Recorder>,
    pub(crate) waker: Arc<dyn Waker>,
}

/// What came of a sample.
pub(crate) struct Taken {
    pub(crate) at_ms: u64,
    pub(crate) ratio: Option<f64>,
    pub(crate) some_avg10: Option<f64>,
    pub(crate) wakers: Vec<Arc<dyn Waker>>,
    /// Critical alerts that JavaScript did not fetch in time.
    pub(crate) unheard: Vec<String>,
}

impl Engine {
    /// The sampler of this generation has panicked. The next guard that opens starts another.
    pub(crate) fn sampler_failed(&self, generation: u64) {
        let mut state = self.state.lock();
        if state.generation == generation {
            state.sampling = false;
            state.sampler_error = Some("the sampler failed and has stopped".to_owned());
        }
    }

    /// Whether the sampler of this generation is still wanted, and how fast.
    pub(crate) fn wanted(&self, generation: u64) -> Option<(PaceSettings, bool)> {
        let mut state = self.state.lock();
        if state.generation != generation {
            return None;
        }
        let pace = state
            .watches
            .iter()
            .map(|watch| watch.settings.pace)
            .reduce(PaceSettings::faster);
        if pace.is_none() {
            state.sampling = false;
        }
        let live = state.watches.iter().any(|watch| watch.settings.listens.gc);
        pace.map(|pace| (pace, live))
    }

    /// Asks for fresh figures every event loop that may have any; answers whom to wake and wait for.
    pub(crate) fn ask(&self) -> Vec<Asked> {
        let now = now_us();
        let mut state = self.state.lock();
        let State {
            isolates, watches, ..
        } = &mut *state;
        isolates
            .iter_mut()
            .filter_map(|isolate| {
                let watch = watches.iter().find(|watch| watch.owner == isolate.id)?;
                let overdue = isolate.recorder().is_waiting();
                let recorder = isolate.ask(now).then(|| isolate.recorder());
                (overdue || recorder.is_some()).then(|| Asked {
                    recorder,
                    waker: Arc::clone(&watch.waker),
                })
            })
            .collect()
    }

    /// Interrupts the JavaScript of those that have not answered, to read their heaps all the same.
    /// Answers how many.
    pub(crate) fn interrupt(&self) -> usize {
        let state = self.state.lock();
        state
            .isolates
            .iter()
            .filter(|it| it.recorder().is_waiting())
            .filter_map(|it| it.isolate().map(|isolate| (it, isolate)))
            // SAFETY: an isolate is removed from the list, under this lock, before it ends.
            .map(|(it, isolate)| unsafe { it.recorder().request_reading(isolate) })
            .count()
    }

    /// Takes a sample, keeps it, has it judged. Answers whom to wake, and how near the limit is.
    pub(crate) fn take_sample(&self, reading: OsReading, names: &LimitNames) -> Taken {
        let mut state = self.state.lock();
        let figures = state.figures(reading.at_ms, true);
        let sample = join(reading, figures, names);
        state
            .history
            .get_or_insert_with(History::default)
            .push(&sample);
        state.judge(&sample);
        let now = now_us();
        let mut unheard = Vec::new();
        let busy_with_us: Vec<u32> = state
            .isolates
            .iter()
            .filter(|isolate| isolate.recorder().is_induced())
            .map(|isolate| isolate.id)
            .collect();
        let mut wakers = Vec::new();
        for watch in &mut state.watches {
            if watch.has_events() {
                wakers.push(Arc::clone(&watch.waker));
            }
            // A loop that we block ourselves, for a snapshot, is no news.
            if !busy_with_us.contains(&watch.owner) {
                unheard.extend(watch.unheard_alert(now, PATIENCE_US));
            }
        }
        let taken = Taken {
            at_ms: sample.at_ms,
            ratio: sample.limit.as_ref().map(|limit| limit.nearest.ratio),
            some_avg10: sample.pressure.map(|pressure| pressure.some_avg10),
            wakers,
            unheard,
        };
        state.latest = Some(sample);
        taken
    }
}
