//! What JavaScript hands over: settings of a guard, facts of an isolate. Already checked there for
//! people's mistakes; what is checked here is that the parts fit each other.

use std::path::PathBuf;

use memguard_trend::{ForecastConfig, JudgeConfig};
use memguard_vitals::{HeapFlags, OldSpaceFacts, PaceOptions};
use serde::Deserialize;

/// Settings of one guard.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardSettings {
    /// Rules and how they are judged. The guard splits them between process and isolates.
    pub judge: JudgeConfig,
    /// Forecasts; `None` turns them off.
    #[serde(default)]
    pub forecast: Option<ForecastConfig>,
    /// Sampling intervals.
    pub pace: PaceSettings,
    /// Folder in which the learned baseline is kept; `None`: it is not kept.
    pub baseline_dir: Option<PathBuf>,
    /// What a baseline is valid for.
    pub app: AppIdentity,
    /// Local time minus UTC, for the baseline's hours of the day.
    pub utc_offset_minutes: i32,
    /// Which events somebody listens to: those that cost something are made only then.
    pub listens: Listens,
}

/// Sampling intervals in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaceSettings {
    /// The slowest that the user accepts.
    pub check_interval_ms: u64,
    /// When nothing is going on.
    pub calm_interval_ms: u64,
    /// When something is.
    pub min_interval_ms: u64,
}

/// The program that is watched: a baseline of another program or release does not apply.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppIdentity {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Node's major version.
    pub node_line: u32,
}

/// Which events have listeners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listens {
    /// `sample`: each sample wakes JavaScript.
    pub sample: bool,
    /// `gc`: minor collections are recorded one by one too.
    pub gc: bool,
}

/// Facts of the isolate that opens a guard, from its own JavaScript.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IsolateFacts {
    /// `worker_threads.threadId`; 0 is the main thread.
    pub thread_id: u32,
    /// The name that people know it by.
    pub name: String,
    /// `v8.getHeapStatistics()` of this moment, by which native readings are checked.
    pub heap: ReportedHeap,
    /// What the old-space limit is worked out from.
    pub limits: LimitFacts,
    /// Whether V8's own entry points may be used at all.
    pub native_v8: bool,
}

/// What JavaScript knows of the limits that an isolate was started with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitFacts {
    /// Node's major version.
    pub node_line: u32,
    /// `NODE_OPTIONS`.
    pub node_options: String,
    /// `process.execArgv`.
    pub exec_argv: Vec<String>,
    /// A worker's `resourceLimits.maxYoungGenerationSizeMb`.
    pub worker_young_mb: Option<f64>,
    /// A worker's `resourceLimits.maxOldGenerationSizeMb`.
    pub worker_old_mb: Option<f64>,
}

impl LimitFacts {
    /// For the vitals, which also need the memory that Node found at its start.
    pub(crate) fn old_space_facts(&self, memory_bytes: u64) -> OldSpaceFacts {
        let arguments = self.exec_argv.iter().map(String::as_str);
        OldSpaceFacts {
            node_major: self.node_line,
            flags: HeapFlags::parse(&self.node_options, arguments),
            memory_bytes,
            worker_young_mb: self.worker_young_mb,
            worker_old_mb: self.worker_old_mb,
        }
    }
}

/// Heap statistics as JavaScript reads them, in bytes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportedHeap {
    /// `total_heap_size`
    pub total: f64,
    /// `used_heap_size`
    pub used: f64,
    /// `heap_size_limit`
    pub limit: f64,
    /// `malloced_memory`
    pub malloced: f64,
    /// `external_memory`
    pub external: f64,
}

impl PaceSettings {
    /// As the vitals' pace wants them.
    pub fn options(self) -> PaceOptions {
        PaceOptions {
            calm_ms: self.calm_interval_ms,
            fast_ms: self.min_interval_ms,
            slowest_ms: self.check_interval_ms,
            ..PaceOptions::default()
        }
    }

    /// The faster of both in every respect: one sampler serves all guards.
    #[must_use]
    pub fn faster(self, other: Self) -> Self {
        Self {
            check_interval_ms: self.check_interval_ms.min(other.check_interval_ms),
            calm_interval_ms: self.calm_interval_ms.min(other.calm_interval_ms),
            min_interval_ms: self.min_interval_ms.min(other.min_interval_ms),
        }
    }
}

impl From<ReportedHeap> for memguard_v8_api::HeapStatistics {
    fn from(reported: ReportedHeap) -> Self {
        Self {
            total: reported.total as u64,
            used: reported.used as u64,
            limit: reported.limit as u64,
            malloced: reported.malloced as u64,
            external: reported.external as u64,
            allocated_ever: None,
        }
    }
}

impl From<ReportedHeap> for memguard_v8_api::ReportedHeapStatistics {
    fn from(reported: ReportedHeap) -> Self {
        Self {
            total: reported.total as u64,
            used: reported.used as u64,
            limit: reported.limit as u64,
            external: reported.external as u64,
        }
    }
}
