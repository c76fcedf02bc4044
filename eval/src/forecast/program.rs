//! A program as the forecaster sees it: readings over time, a limit, and how it ended.

/// What was known at one moment. Sizes are bytes, or shares of the limit in simulations.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Since the start.
    pub at_ms: u64,
    /// Used bytes.
    pub used: f64,
    /// Live heap after the last major GC, and when that was.
    pub live: Option<(f64, u64)>,
}

/// Where programs come from; tables are made for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A simulation with a fixed seed.
    Simulated,
    /// A trace of a real process with its real limit and end.
    Recorded,
    /// The same traces below limits that were chosen afterwards.
    Relimited,
    /// Traces of programs with npm packages; never part of the training.
    Foreign,
    /// Some of the recorded programs at a slower pace; never part of the training.
    Slowed,
}

/// One run of a program.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Programs of one family behave alike: they are never split between training and test.
    pub family: String,
    /// Where it is from.
    pub origin: Origin,
    /// Whether it leaks.
    pub leaking: bool,
    /// How many times faster its time runs than that of the defaults.
    pub pace: f64,
    /// The limit.
    pub limit: f64,
    /// What may be used beyond it.
    pub grace: f64,
    /// When the limit was reached.
    pub failed_at_ms: Option<u64>,
    /// Oldest first, up to the failure.
    pub rows: Vec<Row>,
}

impl Program {
    /// Half an hour, at its pace.
    pub fn horizon_ms(&self) -> f64 {
        1_800_000.0 / self.pace
    }

    /// How long it was watched, in days of the defaults' time.
    pub fn days(&self) -> f64 {
        let lasted = self.rows.last().map_or(0, |row| row.at_ms);
        lasted as f64 * self.pace / 86_400_000.0
    }
}
