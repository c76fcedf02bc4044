//! One guard: its rules applied to the process and to the isolates that it answers for, and the
//! events that wait for its JavaScript.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use memguard_trend::{Figure, Judge, JudgeConfig, Level, MajorGc, Metric, Reading};
use memguard_vitals::limits::LimitKind;
use memguard_vitals::{IsolateFigures, Limit, PressureScope, Sample};
use serde::Serialize;

use crate::baseline_file::BaselineFile;
use crate::clock::now_us;
use crate::events::{Drained, GuardEvent, Subject};
use crate::forecast::{Counts, Forecast, Forecasts};
use crate::recorder::GcRecord;
use crate::settings::GuardSettings;

/// The number of the main thread's isolate.
const MAIN: u32 = 0;
/// Events that wait at most; more than this only pile up when the event loop is blocked.
const OUTBOX: usize = 512;

/// The name of the limit on address space.
const RLIMIT_AS: &str = "RLIMIT_AS";

/// Wakes the JavaScript of a guard. Called on the sampler's thread; must neither block nor fail.
pub trait Waker: Send + Sync {
    /// Have the guard's thread answer and fetch its events soon.
    fn wake(&self);
}

/// A running guard.
pub(crate) struct Watch {
    pub(crate) id: u32,
    /// Guards of the same key and isolate replace each other: a module that is loaded twice.
    pub(crate) key: Option<String>,
    /// The isolate that opened it.
    pub(crate) owner: u32,
    pub(crate) waker: Arc<dyn Waker>,
    pub(crate) settings: GuardSettings,
    process: Judge,
    isolates: HashMap<u32, Judge>,
    forecasts: Option<Forecasts>,
    outbox: VecDeque<GuardEvent>,
    sampled: bool,
    dropped_events: u64,
    /// When the oldest undelivered critical alert was raised.
    critical_since_us: Option<u64>,
    /// Where the baselines of the process and of the main thread are kept.
    files: Option<[BaselineFile; 2]>,
}

/// Where a guard stands, for its report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchState {
    /// The highest level of all subjects.
    pub level: Level,
    /// Events that were lost because JavaScript did not fetch them.
    pub dropped_events: u64,
    /// Each subject's rules.
    pub subjects: Vec<SubjectState>,
}

/// Where one subject's judge stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubjectState {
    /// Who is judged.
    pub subject: Subject,
    /// Level and rules.
    #[serde(flatten)]
    pub state: memguard_trend::JudgeState,
}

impl Watch {
    pub(crate) fn new(
        id: u32,
        key: Option<String>,
        owner: u32,
        old_space_limit: u64,
        waker: Arc<dyn Waker>,
        settings: GuardSettings,
    ) -> Result<Self, memguard_trend::Error> {
        settings.judge.validate()?;
        let forecasts = settings.forecast.map(Forecasts::new).transpose()?;
        // Workers come and go: what is usual is learned of the process and its main thread only.
        let files = settings
            .baseline_dir
            .as_deref()
            .filter(|_| owner == MAIN && settings.judge.baseline.is_some())
            .map(|dir| {
                ["process", "main"]
                    .map(|subject| BaselineFile::new(dir, &settings.app, subject, old_space_limit))
            });
        let process = new_judge(
            process_rules(&settings.judge),
            files.as_ref().map(|[process, _]| process),
        )?;
        let mut isolates = HashMap::new();
        if owner == MAIN {
            let judge = new_judge(
                isolate_rules(&settings.judge),
                files.as_ref().map(|[_, main]| main),
            )?;
            isolates.insert(MAIN, judge);
        }
        Ok(Self {
            id,
            key,
            owner,
            waker,
            process,
            settings,
            isolates,
            forecasts,
            outbox: VecDeque::new(),
            sampled: false,
            dropped_events: 0,
            critical_since_us: None,
            files,
        })
    }

    pub(crate) fn reconfigure(
        &mut self,
        settings: GuardSettings,
        names: impl Fn(u32) -> String,
    ) -> Result<(), memguard_trend::Error> {
        settings.judge.validate()?;
        // What was seen under another pace is of no use; under the same it is kept.
        if self.forecasts.as_ref().map(Forecasts::config) != settings.forecast.as_ref() {
            self.forecasts = settings.forecast.map(Forecasts::new).transpose()?;
        }
        let now = now_us();
        let events = self.process.reconfigure(process_rules(&settings.judge))?;
        self.post_all(events, &Subject::process(), now);
        for id in self.isolates.keys().copied().collect::<Vec<_>>() {
            let mut rules = isolate_rules(&settings.judge);
            if id != MAIN {
                rules.baseline = None;
            }
            if let Some(judge) = self.isolates.get_mut(&id) {
                let events = judge.reconfigure(rules)?;
                self.post_all(events, &Subject::isolate(id, names(id)), now);
            }
        }
        self.settings = settings;
        Ok(())
    }

    pub(crate) fn state(&self, names: impl Fn(u32) -> String) -> WatchState {
        let mut subjects = vec![SubjectState {
            subject: Subject::process(),
            state: self.process.state(),
        }];
        let mut isolates: Vec<_> = self.isolates.iter().collect();
        isolates.sort_by_key(|(id, _)| **id);
        subjects.extend(isolates.into_iter().map(|(id, judge)| SubjectState {
            subject: Subject::isolate(*id, names(*id)),
            state: judge.state(),
        }));
        WatchState {
            level: self.level(),
            dropped_events: self.dropped_events,
            subjects,
        }
    }

    pub(crate) fn level(&self) -> Level {
        self.isolates
            .values()
            .map(Judge::level)
            .fold(self.process.level(), Level::max)
    }

    /// Judges a sample. `is_mine` says which isolates this guard answers for, `with_process` whether
    /// the process as a whole is judged too.
    pub(crate) fn observe(
        &mut self,
        sample: &Sample,
        is_mine: impl Fn(u32) -> bool,
        with_process: bool,
        now_us: u64,
    ) -> Result<(), memguard_trend::Error> {
        let offset = self.settings.utc_offset_minutes;
        if with_process {
            let events = self.process.observe(&process_reading(sample, offset));
            self.post_all(events, &Subject::process(), now_us);
        }
        for isolate in sample.isolates.iter().filter(|isolate| is_mine(isolate.id)) {
            let judge = match self.isolates.entry(isolate.id) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    let mut rules = isolate_rules(&self.settings.judge);
                    rules.baseline = None;
                    entry.insert(Judge::new(rules)?)
                }
            };
            let events = judge.observe(&isolate_reading(sample, isolate, offset));
            self.post_all(
                events,
                &Subject::isolate(isolate.id, isolate.name.clone()),
                now_us,
            );
        }
        if let Some(forecasts) = &mut self.forecasts {
            for event in forecasts.observe(sample, &is_mine, with_process) {
                self.post(GuardEvent::Forecast(Box::new(event)));
            }
        }
        if self.level() > Level::Calm {
            // An alarm anywhere makes this run one that nobody learns from.
            self.process.distrust_run();
            self.isolates.values_mut().for_each(Judge::distrust_run);
        }
        self.sampled = self.settings.listens.sample;
        Ok(())
    }

    /// Judges and passes on the collections of an isolate that this guard answers for.
    pub(crate) fn collected(
        &mut self,
        subject: &Subject,
        old_space_limit: u64,
        records: &[(u64, GcRecord)],
        lost: u64,
        now_us: u64,
    ) {
        let id = subject.id;
        let mut missed = lost;
        for (at_ms, record) in records {
            if record.is_telling()
                && let Some(judge) = id.and_then(|id| self.isolates.get_mut(&id))
            {
                let events = judge.observe_major_gc(&MajorGc {
                    at_ms: *at_ms,
                    duration_ms: record.duration_us as f64 / 1e3,
                    used_before: record.used_before,
                    used_after: record.used_after,
                    limit: old_space_limit,
                });
                self.post_all(events, subject, now_us);
            }
            if self.settings.listens.gc {
                let missed = std::mem::take(&mut missed);
                self.post(GuardEvent::gc(subject.clone(), *at_ms, record, missed));
            }
        }
    }

    /// What was learned and is to be written, as far as anything was.
    pub(crate) fn baselines(&self) -> Vec<(BaselineFile, Vec<u8>)> {
        let Some([process, main]) = &self.files else {
            return Vec::new();
        };
        [
            (process, Some(&self.process)),
            (main, self.isolates.get(&MAIN)),
        ]
        .into_iter()
        .filter_map(|(file, judge)| {
            let judge = judge?;
            let known = judge.state().baseline?.hours;
            (known > 0).then(|| (file.clone(), judge.baseline().to_bytes()))
        })
        .collect()
    }

    /// The process ends well: what was learned may be trusted.
    pub(crate) fn commit_baselines(&mut self) {
        self.process.commit_baseline();
        if let Some(main) = self.isolates.get_mut(&MAIN) {
            main.commit_baseline();
        }
    }

    pub(crate) fn forget_isolate(&mut self, id: u32) {
        self.isolates.remove(&id);
        if let Some(forecasts) = &mut self.forecasts {
            forecasts.forget_isolate(id);
        }
    }

    /// Where the limits are headed; nothing when forecasts are off.
    pub(crate) fn forecasts(&self) -> Vec<Forecast> {
        self.forecasts.as_ref().map_or(Vec::new(), Forecasts::all)
    }

    /// What JavaScript counts.
    pub(crate) fn count(&mut self, caches: Option<(f64, f64)>, handles: Option<f64>) {
        if let Some(forecasts) = &mut self.forecasts {
            forecasts.counts = Counts { caches, handles };
        }
    }

    pub(crate) fn has_events(&self) -> bool {
        self.sampled || !self.outbox.is_empty()
    }

    pub(crate) fn drain(&mut self) -> Drained {
        self.critical_since_us = None;
        Drained {
            events: self.outbox.drain(..).collect(),
            sampled: std::mem::take(&mut self.sampled),
        }
    }

    /// The critical alert that JavaScript has not fetched for `patience_us`, once.
    pub(crate) fn unheard_alert(&mut self, now_us: u64, patience_us: u64) -> Option<String> {
        let since = self.critical_since_us?;
        if now_us.saturating_sub(since) < patience_us {
            return None;
        }
        self.critical_since_us = None;
        self.outbox.iter().rev().find_map(|event| {
            event
                .critical_sentence()
                .map(|sentence| sentence.to_owned())
        })
    }

    fn post_all(&mut self, events: Vec<memguard_trend::Event>, subject: &Subject, now_us: u64) {
        for event in events {
            let event = GuardEvent::Judged {
                subject: subject.clone(),
                event,
            };
            if event.critical_sentence().is_some() {
                self.critical_since_us.get_or_insert(now_us);
            }
            self.post(event);
        }
    }

    fn post(&mut self, event: GuardEvent) {
        if self.outbox.len() >= OUTBOX {
            self.outbox.pop_front();
            self.dropped_events += 1;
        }
        self.outbox.push_back(event);
    }
}

fn new_judge(
    config: JudgeConfig,
    file: Option<&BaselineFile>,
) -> Result<Judge, memguard_trend::Error> {
    match file {
        Some(file) => Judge::with_baseline(config, file.load()),
        None => Judge::new(config),
    }
}

fn is_of_process(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::EffectiveUse | Metric::Rss | Metric::CgroupUse | Metric::Pressure
    )
}

/// The part of the rules that is about the process as a whole.
fn process_rules(config: &JudgeConfig) -> JudgeConfig {
    JudgeConfig {
        gc: None,
        ..part(config, is_of_process)
    }
}

/// The part of the rules that is about each isolate.
fn isolate_rules(config: &JudgeConfig) -> JudgeConfig {
    part(config, |metric| !is_of_process(metric))
}

fn part(config: &JudgeConfig, belongs: impl Fn(Metric) -> bool) -> JudgeConfig {
    let mut part = config.clone();
    part.rules.retain(|rule| belongs(rule.metric));
    part.baseline = part.baseline.and_then(|mut baseline| {
        baseline.metrics.retain(|metric| belongs(*metric));
        (!baseline.metrics.is_empty()).then_some(baseline)
    });
    part
}

fn reading(sample: &Sample, offset: i32) -> Reading {
    let mut reading = Reading::at(sample.at_ms);
    reading.wall_ms = sample.wall_ms;
    reading.utc_offset_minutes = offset;
    reading
}

fn process_reading(sample: &Sample, offset: i32) -> Reading {
    let mut reading = reading(sample, offset);
    if let Some(limit) = &sample.limit {
        // V8 reserves address space by the gigabyte: much use of that limit is no news.
        let nearest = std::iter::once(&limit.nearest)
            .chain(&limit.others)
            .find(|limit| limit.name != RLIMIT_AS);
        if let Some(nearest) = nearest {
            let figure = Figure::new(nearest.used_bytes as f64)
                .of(nearest.limit_bytes as f64, limit_name(nearest));
            reading.set(Metric::EffectiveUse, figure);
        }
    }
    let rss = Figure::new(sample.process.rss_bytes as f64);
    let rss = match (&sample.cgroup, &sample.machine) {
        (Some(cgroup), _) if cgroup.limit_bytes.is_some() => rss.of(
            cgroup.limit_bytes.unwrap_or_default() as f64,
            "cgroup limit",
        ),
        (_, Some(machine)) => rss.of(machine.total_bytes as f64, "machine memory"),
        _ => rss,
    };
    reading.set(Metric::Rss, rss);
    if let Some(cgroup) = &sample.cgroup {
        let used = cgroup.limit_used_bytes.unwrap_or(cgroup.working_set_bytes);
        let figure = Figure::new(used as f64);
        let figure = match cgroup.limit_bytes {
            Some(limit) => figure.of(limit as f64, "cgroup limit"),
            None => figure,
        };
        reading.set(Metric::CgroupUse, figure);
    }
    // The machine's pressure is everybody's doing: only the cgroup's own says that we are short.
    if let Some(pressure) = sample
        .pressure
        .filter(|it| it.scope == PressureScope::Cgroup)
    {
        reading.set(Metric::Pressure, Figure::new(pressure.some_avg10));
    }
    reading
}

fn isolate_reading(sample: &Sample, isolate: &IsolateFigures, offset: i32) -> Reading {
    let mut reading = reading(sample, offset);
    if isolate.heap_size_limit_bytes == 0 {
        return reading;
    }
    let used = Figure::new(isolate.heap_used_bytes as f64).measured_at(isolate.read_at_ms);
    let limit = isolate.heap_size_limit_bytes as f64;
    reading.set(Metric::HeapUsed, used.clone().of(limit, "heap limit"));
    reading.set(
        Metric::HeapUsedOfTotal,
        used.of(isolate.heap_total_bytes as f64, "heap total"),
    );
    if let (Some(live), Some(at_ms)) = (isolate.live_heap_bytes, isolate.live_heap_at_ms) {
        let mut figure = Figure::new(live as f64).measured_at(at_ms);
        if isolate.old_space_limit_bytes > 0 {
            figure = figure.of(isolate.old_space_limit_bytes as f64, "old-space limit");
        }
        reading.set(Metric::LiveHeap, figure);
    }
    let external = Figure::new(isolate.external_bytes as f64).of(limit, "heap limit");
    reading.set(Metric::External, external);
    if let Some(bytes) = isolate.array_buffers_bytes {
        let figure = Figure::new(bytes as f64).of(limit, "heap limit");
        reading.set(Metric::ArrayBuffers, figure);
    }
    reading
}

/// How a sentence calls the nearest limit.
fn limit_name(nearest: &Limit) -> String {
    match nearest.kind {
        LimitKind::Heap => "old-space limit".to_owned(),
        LimitKind::Worker => format!("old-space limit of worker {}", nearest.name),
        LimitKind::Cgroup => "cgroup limit".to_owned(),
        LimitKind::CgroupHigh => "cgroup memory.high".to_owned(),
        LimitKind::Rlimit => nearest.name.clone(),
        LimitKind::Machine => "machine memory".to_owned(),
    }
}
