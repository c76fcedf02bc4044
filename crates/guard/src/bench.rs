//! What a guard does again and again, callable by itself outside of Node, so that its instructions
//! and its memory can be counted.

use std::sync::Arc;

use memguard_v8_api::HeapStatistics;
use memguard_vitals::{History, LimitNames, OsReading, Sample, Vitals};

use crate::engine::Engine;
use crate::recorder::Recorder;
use crate::settings::{GuardSettings, IsolateFacts};
use crate::watch::Waker;

/// The calm pace.
const STEP_MS: u64 = 10_000;
const MB: u64 = 1 << 20;

struct Nobody;

impl Waker for Nobody {
    fn wake(&self) {}
}

/// A guard with one isolate, whose sampler, event loop and clock are the caller.
pub struct Bench {
    engine: &'static Engine,
    recorder: &'static Recorder,
    vitals: Vitals,
    names: LimitNames,
    reading: OsReading,
    ticks: u64,
}

impl Bench {
    /// Opens a guard on this thread, by the settings and facts that JavaScript would hand over.
    ///
    /// # Errors
    /// They are not valid.
    pub fn open(settings: &str, facts: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let settings: GuardSettings = serde_json::from_str(settings)?;
        let facts: IsolateFacts = serde_json::from_str(facts)?;
        let engine = Engine::without_sampler();
        // SAFETY: there is no V8 in this process, so no isolate that could end.
        unsafe { engine.open(None, settings, facts, Arc::new(Nobody)) }?;
        let asked = engine.ask().pop();
        let recorder = asked
            .and_then(|asked| asked.recorder)
            .ok_or("no isolate was opened")?;
        let mut vitals = Vitals::open();
        let names = vitals.limit_names();
        let reading = vitals.read();
        Ok(Self {
            engine,
            recorder,
            vitals,
            names,
            reading,
            ticks: 0,
        })
    }

    /// What V8 calls around a scavenge.
    pub fn minor_collection(&self) {
        self.recorder.minor_collection();
    }

    /// The operating system's part of a sample.
    pub fn read(&mut self) -> OsReading {
        self.vitals.read()
    }

    /// The rest of a sample, at the calm pace of a simulated clock: the event loop is asked and
    /// answers, figures are joined, kept in the history and judged.
    pub fn tick(&mut self) {
        self.ticks += 1;
        self.reading.at_ms += STEP_MS;
        self.reading.wall_ms += STEP_MS;
        self.engine.ask();
        let used = (40 + self.ticks % 30) * MB;
        let heap = HeapStatistics {
            total: 80 * MB,
            used,
            limit: 2096 * MB,
            malloced: MB,
            external: 2 * MB,
            allocated_ever: None,
        };
        // SAFETY: there is no V8 in this process: the isolate is not touched.
        unsafe { self.engine.answer(Some(heap)) };
        self.engine.take_sample(self.reading, &self.names);
    }

    /// The last sample.
    pub fn sample(&self) -> Option<Sample> {
        self.engine.latest()
    }

    /// Keeps a sample in a history, a calm interval after the one before.
    pub fn push(&self, history: &mut History, sample: &mut Sample) {
        sample.at_ms += STEP_MS;
        history.push(sample);
    }
}
