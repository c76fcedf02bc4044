//! A guard's forecasts: one for each limit that it answers for, and what the memory that grows is made of.

use memguard_trend::{
    Error, ForecastConfig, ForecastLevel, Forecaster, Growth, LimitReading, Makeup, MakeupReading,
    Outlook, Verdict, forecast_sentence,
};
use memguard_vitals::limits::LimitKind;
use memguard_vitals::{IsolateFigures, Sample};
use serde::Serialize;

use crate::events::Subject;

/// Where one limit is headed, as JavaScript sees it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// Whose limit it is.
    pub subject: Subject,
    /// What happens at it.
    pub limit_kind: LimitKind,
    /// What it is called in sentences.
    pub limit_name: String,
    /// How likely, when, how fast.
    #[serde(flatten)]
    pub outlook: Outlook,
    /// What kind of growth it is.
    pub verdict: Verdict,
    /// The parts of memory that grow.
    pub evidence: Vec<Growth>,
    /// All of this for a person.
    pub sentence: String,
}

/// A forecast whose level has changed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForecastEvent {
    /// Always `forecast`.
    #[serde(rename = "type")]
    event_type: &'static str,
    /// The level before.
    previous_level: ForecastLevel,
    #[serde(flatten)]
    forecast: Forecast,
}

/// Caches and handles as JavaScript counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub caches: Option<(f64, f64)>,
    pub handles: Option<f64>,
}

/// The forecasts of one guard.
pub(crate) struct Forecasts {
    config: ForecastConfig,
    limits: Vec<Watched>,
    makeup: Makeup,
    pub(crate) counts: Counts,
}

struct Watched {
    subject: Subject,
    kind: LimitKind,
    forecaster: Forecaster,
}

/// V8 needs room for what a scavenge may move: at most this share of the old space is held back for it.
const MOST_NURSERY: u64 = 6;

impl Forecasts {
    pub(crate) fn new(config: ForecastConfig) -> Result<Self, Error> {
        config.validate()?;
        Ok(Self {
            makeup: Makeup::new(&config),
            config,
            limits: Vec::new(),
            counts: Counts::default(),
        })
    }

    pub(crate) fn config(&self) -> &ForecastConfig {
        &self.config
    }

    /// Takes a sample; answers the forecasts whose level it changed.
    pub(crate) fn observe(
        &mut self,
        sample: &Sample,
        is_mine: impl Fn(u32) -> bool,
        with_process: bool,
    ) -> Vec<ForecastEvent> {
        let mut changed = Vec::new();
        self.makeup.observe(&makeup(sample, &is_mine, self.counts));
        for isolate in sample.isolates.iter().filter(|it| is_mine(it.id)) {
            let Some(reading) = heap_reading(sample, isolate) else {
                continue;
            };
            let kind = if isolate.id == 0 {
                LimitKind::Heap
            } else {
                LimitKind::Worker
            };
            changed.extend(self.step(Some(isolate), kind, &reading));
        }
        if with_process && let Some((kind, reading)) = process_reading(sample) {
            changed.extend(self.step(None, kind, &reading));
        }
        let event = |(index, previous_level): (usize, ForecastLevel)| {
            Some(ForecastEvent {
                event_type: "forecast",
                previous_level,
                forecast: self.forecast(self.limits.get(index)?)?,
            })
        };
        changed.into_iter().filter_map(event).collect()
    }

    /// All forecasts, the most likely end first.
    pub(crate) fn all(&self) -> Vec<Forecast> {
        let mut all: Vec<Forecast> = self
            .limits
            .iter()
            .filter_map(|watched| self.forecast(watched))
            .collect();
        all.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
        all
    }

    pub(crate) fn forget_isolate(&mut self, id: u32) {
        self.limits.retain(|watched| watched.subject.id != Some(id));
    }

    /// Answers where the limit stands in the list, and its level before, when that has changed.
    fn step(
        &mut self,
        isolate: Option<&IsolateFigures>,
        kind: LimitKind,
        reading: &LimitReading,
    ) -> Option<(usize, ForecastLevel)> {
        let id = isolate.map(|isolate| isolate.id);
        let known = self
            .limits
            .iter()
            .position(|watched| watched.subject.id == id && watched.kind == kind);
        let index = match known {
            Some(index) => index,
            None => {
                // A process is bounded by its cgroup or, without one, by the machine: not by both.
                self.limits.retain(|watched| watched.subject.id != id);
                let subject = isolate.map_or_else(Subject::process, |isolate| {
                    Subject::isolate(isolate.id, isolate.name.clone())
                });
                self.limits.push(Watched {
                    subject,
                    kind,
                    forecaster: Forecaster::new(self.config).ok()?,
                });
                self.limits.len() - 1
            }
        };
        let before = self.limits[index].forecaster.observe(reading)?;
        Some((index, before))
    }

    fn forecast(&self, watched: &Watched) -> Option<Forecast> {
        let outlook = watched.forecaster.outlook()?;
        let (what, limit_name) = match watched.kind {
            LimitKind::Heap => ("live heap", "usable old space".to_owned()),
            LimitKind::Worker => (
                "live heap",
                format!("usable old space of worker {}", watched.subject.name),
            ),
            LimitKind::Cgroup => ("cgroup memory", "cgroup limit".to_owned()),
            _ => ("RSS", "memory that this process can have".to_owned()),
        };
        let verdict = match self.makeup.verdict() {
            // What is used up grows, but nothing of ours does.
            Verdict::None if outlook.growing => Verdict::Unknown,
            _ if !outlook.growing => Verdict::None,
            // The heap's own limit knows nothing of memory outside of it.
            other if watched.subject.id.is_some() => of_heap(other),
            other => other,
        };
        Some(Forecast {
            sentence: forecast_sentence(what, &limit_name, &outlook, verdict),
            subject: watched.subject.clone(),
            limit_kind: watched.kind,
            limit_name,
            outlook,
            verdict,
            evidence: self.makeup.growing(),
        })
    }
}

/// The verdict on a heap that grows: what grows faster outside of it is another limit's business.
fn of_heap(of_process: Verdict) -> Verdict {
    match of_process {
        Verdict::External | Verdict::Native | Verdict::Fragmentation => Verdict::JsHeap,
        other => other,
    }
}

/// What is nearest to its end: by probability, and of equal ones by use.
fn rank(forecast: &Forecast) -> f64 {
    let outlook = &forecast.outlook;
    let full = (outlook.level_bytes / outlook.limit_bytes).min(1.0);
    (outlook.probability.unwrap_or_default() * 1e3).round() + full
}

fn heap_reading(sample: &Sample, isolate: &IsolateFigures) -> Option<LimitReading> {
    let limit = isolate.old_space_limit_bytes;
    if limit == 0 || isolate.heap_total_bytes == 0 {
        return None;
    }
    let nursery = isolate.nursery_bytes.min(limit / MOST_NURSERY);
    Some(LimitReading {
        at_ms: sample.at_ms,
        used: isolate.heap_used_bytes as f64,
        live: live(isolate),
        limit: (limit - nursery) as f64,
        grace: nursery as f64,
    })
}

fn live(isolate: &IsolateFigures) -> Option<(f64, u64)> {
    Some((isolate.live_heap_bytes? as f64, isolate.live_heap_at_ms?))
}

/// The cgroup's limit, or what the process can have of the machine.
fn process_reading(sample: &Sample) -> Option<(LimitKind, LimitReading)> {
    let reading = |used: u64, limit: u64| LimitReading {
        at_ms: sample.at_ms,
        used: used as f64,
        live: None,
        limit: limit as f64,
        grace: 0.0,
    };
    if let Some(cgroup) = &sample.cgroup
        && let Some(limit) = cgroup.limit_bytes
    {
        let used = cgroup.limit_used_bytes.unwrap_or(cgroup.working_set_bytes);
        return Some((LimitKind::Cgroup, reading(used, limit)));
    }
    let machine = sample.machine.as_ref()?;
    let rss = sample.process.rss_bytes;
    Some((
        LimitKind::Machine,
        reading(rss, rss + machine.available_bytes),
    ))
}

fn makeup(sample: &Sample, is_mine: impl Fn(u32) -> bool, counts: Counts) -> MakeupReading {
    let mine = || sample.isolates.iter().filter(|it| is_mine(it.id));
    let sum = |of: fn(&IsolateFigures) -> u64| mine().map(of).sum::<u64>() as f64;
    let first = mine().next();
    MakeupReading {
        at_ms: sample.at_ms,
        heap_used: sum(|it| it.heap_used_bytes),
        // Of several heaps there is no one moment at which all were collected.
        live: if mine().count() == 1 {
            first.and_then(live)
        } else {
            None
        },
        heap_total: sum(|it| it.heap_total_bytes),
        external: sum(|it| it.external_bytes),
        rss: sample.process.rss_bytes as f64,
        allocation_rate: first.and_then(|it| it.allocation_rate_bytes_per_s),
        caches: counts.caches,
        handles: counts.handles,
    }
}
