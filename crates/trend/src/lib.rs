//! Judgement over memory readings: thresholds, consecutive violations, hysteresis, baseline, GC effectiveness, forecast.
//!
//! # Overview
//! A [`Judge`] is fed with [`Reading`]s (what the operating system and V8 said at one moment) and [`MajorGc`]s
//! (one finished mark-compact), and answers with [`Event`]s: an [`Alert`] when something is wrong, a [`Recovery`]
//! when it is over. It is pure and deterministic: no I/O, no threads, and the only clocks are the two in the
//! reading, so weeks are simulated in milliseconds and a recorded trace gives the same events every time.
//!
//! Three kinds of judgement run side by side, each with its own level of calm → warn → critical:
//! * **Rules** ([`Rule`]): hard thresholds in ratios or bytes. N consecutive readings over the threshold within a
//!   window raise the level; a hysteresis and as many readings below it lower it; a cool-down keeps it from
//!   repeating itself. They hold from the first reading on.
//! * **GC effectiveness** ([`GcConfig`]): mark-compacts near the heap limit that give back little and eat the
//!   time, as V8 counts them before it aborts.
//! * **Baseline** ([`Baseline`]): what is usual for this hour of the day, learned over up to a week from calm
//!   runs only. It adds a lower, dynamic warning threshold and never replaces a hard one.
//!
//! Beside the judge, a [`Forecaster`] for each limit tells whether it will be reached within half an hour, and a
//! [`Makeup`] what the memory that grows is made of.
//!
//! ```
//! use memguard_trend::{Event, Figure, Judge, JudgeConfig, Level, Metric, Reading};
//!
//! let mut judge = Judge::new(JudgeConfig::default())?; // heap used > 85 % of its limit, 3 times in 5 min
//! let mut events = Vec::new();
//! for second in 0..3 {
//!     let heap = Figure::new(3_600_000_000.0).of(4_000_000_000.0, "heap limit");
//!     events.extend(judge.observe(&Reading::at(second * 1_000).with(Metric::HeapUsed, heap)));
//! }
//! assert_eq!(judge.level(), Level::Warn);
//! assert!(matches!(&events[..], [Event::Alert(alert)] if alert.sentence.contains("90 % of the 3.7 GB heap limit")));
//! # Ok::<(), memguard_trend::Error>(())
//! ```
//!
//! Of a measurement that is over, [`curve`] says whether it grows.
//!
//! # Cost
//! One reading against a handful of rules takes about a microsecond and allocates nothing unless an event comes
//! of it. A rule holds a few hundred bytes, the baseline about 5 KB per metric.
//!
//! # What it does not do
//! It neither samples, nor acts, nor touches files ([`Baseline::to_bytes`] is where its part ends).
#![forbid(unsafe_code)]

mod baseline;
mod clock;
mod config;
pub mod curve;
mod error;
mod event;
mod forecast;
mod format;
mod gc;
mod judge;
mod machine;
mod metric;
mod reading;
mod sentence;
mod state;

#[cfg(test)]
mod tests;

pub use baseline::{Baseline, BaselineKey, Origin, Restored, RunEnd, Usual};
pub use config::{BaselineConfig, GcConfig, JudgeConfig, Rule};
pub use error::Error;
pub use event::{Alert, AlertKind, Event, GcFigures, Level, Recovery};
#[cfg(feature = "study")]
pub use forecast::study;
pub use forecast::{
    ForecastConfig, ForecastLevel, Forecaster, Growth, LimitReading, Makeup, MakeupReading,
    Outlook, Part, Verdict, forecast_sentence,
};
pub use format::{format_bytes, format_duration, format_percent};
pub use judge::Judge;
pub use metric::{Figure, Metric, Threshold};
pub use reading::{MajorGc, Reading};
pub use state::{BaselineState, GcState, JudgeState, RuleState};
