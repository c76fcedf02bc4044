//! The sampler thread: asks, reads, has it judged, sleeps.
//!
//! For each sample it first asks the event loops, which answer in microseconds when they are free
//! and tell their delay by it; one whose thread has not run since its last answer is left to sleep,
//! for that answer still holds. One that is busy is interrupted between two operations of its
//! JavaScript, so that an endless loop that fills the heap is seen too. What neither answers keeps
//! its last figures.

use std::io::Write;
use std::time::{Duration, Instant};

use memguard_vitals::{Pace, PaceInput, Vitals};

use crate::engine::Engine;
use crate::settings::PaceSettings;
use crate::{gate, thread};

/// How long the event loops have to answer before they are interrupted.
const ANSWER: Duration = Duration::from_millis(4);
/// How long interrupted JavaScript has to get to its next stack check.
const INTERRUPT: Duration = Duration::from_millis(2);
/// The shortest time between two samples, however often the sampler is kicked.
const LEAST: Duration = Duration::from_millis(50);
/// How often what was learned is written down.
const SAVE_EVERY: Duration = Duration::from_secs(3600);

/// Starts the sampler thread. It ends by itself when its generation is no longer wanted.
pub(crate) fn start(engine: &'static Engine, generation: u64) -> std::io::Result<()> {
    thread::start(
        "sampler",
        move || run(engine, generation),
        move || engine.sampler_failed(generation),
    )
}

fn run(engine: &'static Engine, generation: u64) {
    let mut vitals = Vitals::open();
    let mut current: Option<(PaceSettings, Pace)> = None;
    let mut saved = Instant::now();
    while let Some((settings, live)) = engine.wanted(generation) {
        let pace = match &mut current {
            Some((of, pace)) if *of == settings => pace,
            _ => &mut current.insert((settings, Pace::new(settings.options()))).1,
        };
        let interval = Duration::from_millis(sample(engine, &mut vitals, pace, live));
        let before = Instant::now();
        if before.duration_since(saved) >= SAVE_EVERY {
            saved = before;
            engine.save_baselines();
        }
        if gate::shared().sleep(interval) {
            std::thread::sleep(LEAST.min(interval).saturating_sub(before.elapsed()));
        }
    }
}

/// One sample; answers the milliseconds to the next.
fn sample(engine: &Engine, vitals: &mut Vitals, pace: &mut Pace, live: bool) -> u64 {
    let gate = gate::shared();
    gate.expect_figures();
    let asked = engine.ask();
    for asked in &asked {
        asked.waker.wake();
    }
    let awaited: Vec<_> = asked.iter().filter_map(|asked| asked.recorder).collect();
    // Meanwhile the operating system is read: an event loop that is free has answered by then, and
    // neither it nor this thread need sleep and wake the other.
    let reading = vitals.read();
    if !awaited.is_empty() {
        gate.await_figures(ANSWER, || {
            awaited.iter().all(|recorder| !recorder.is_waiting())
        });
    }
    if engine.interrupt() > 0 {
        gate.expect_figures();
        gate.await_figures(INTERRUPT, || true);
    }
    let taken = engine.take_sample(reading, &vitals.limit_names());
    for waker in &taken.wakers {
        waker.wake();
    }
    for sentence in &taken.unheard {
        // In one piece, since others write there too. Nobody may be reading, and that is no reason to fail.
        let line = format!("memguard: critical, and the event loop is blocked: {sentence}\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    gate.set_alert_on_major(taken.ratio.is_some_and(|ratio| ratio > gate::TIGHT));
    pace.next(PaceInput {
        at_ms: taken.at_ms,
        ratio: taken.ratio,
        some_avg10: taken.some_avg10,
        live,
    })
}
