//! The one object the sampler holds: reads the operating system, joins it with the isolates.

use crate::limits::effective_limit;
use crate::platform::{Capability, LimitNames, Native, Platform};
use crate::sample::{IsolateFigures, OsReading, Sample};

/// Reads the process's vital figures.
///
/// Holds a handful of file descriptors (Linux: at most a dozen), all given back on drop.
/// `Send`, not `Sync`: it belongs to one thread at a time.
pub struct Vitals {
    platform: Box<dyn Platform>,
}

impl Vitals {
    /// Opens this system's sources. Never fails: see [`Vitals::capabilities`] for what is missing.
    pub fn open() -> Self {
        Self::with_platform(Box::new(Native::open()))
    }

    /// The same over any platform, for tests and for systems this crate doesn't know.
    pub fn with_platform(platform: Box<dyn Platform>) -> Self {
        Self { platform }
    }

    /// Reads the operating system alone, without allocating.
    pub fn read(&mut self) -> OsReading {
        self.platform.read()
    }

    /// Makes the next reading read everything anew, limits and dear figures included, as a report
    /// wants it.
    pub fn expire(&mut self) {
        self.platform.expire();
    }

    /// Reads the operating system and joins it with what the caller knows of the isolates.
    pub fn sample(&mut self, isolates: Vec<IsolateFigures>) -> Sample {
        let reading = self.read();
        join(reading, isolates, &self.platform.limit_names())
    }

    /// What works here, what doesn't, and why.
    pub fn capabilities(&self) -> Vec<Capability> {
        self.platform.capabilities()
    }

    /// What the cgroup's limits are called.
    pub fn limit_names(&self) -> LimitNames {
        self.platform.limit_names()
    }
}

/// Makes a sample of a reading and the isolates' figures.
pub fn join(reading: OsReading, isolates: Vec<IsolateFigures>, names: &LimitNames) -> Sample {
    let limit = effective_limit(&reading, &isolates, names);
    Sample {
        at_ms: reading.at_ms,
        wall_ms: reading.wall_ms,
        process: reading.process,
        cgroup: reading.cgroup,
        pressure: reading.pressure,
        machine: reading.machine,
        isolates,
        limit,
    }
}
