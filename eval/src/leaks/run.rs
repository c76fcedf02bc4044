//! One run: figures go to trend and hunt as in a guard, heaps are read from outside when the hunt asks for it.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Instant;

use memguard_heap_graph::{AnalyzeOptions, HeapGraph, Snapshot};
use memguard_heap_walk::{GraphOptions, Target, graph, inspect};
use memguard_hunt::machine::{Action, Event, KEPT_DIGESTS, Observation, Settings, State, step};
use memguard_hunt::{
    Context, Digest, LeakReport, Look, MemoryPoint, Method, Moment, Trend, found, investigate,
};
use memguard_trend::{ForecastConfig, Makeup, MakeupReading, Part};

use super::case::Job;
use super::options::Options;
use super::peers::Peers;
use super::program::{Figures, Line, Program, Told};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What ran.
    pub job: Job,
    /// The report that was told, and how old the process was, in seconds.
    pub report: Option<(f64, LeakReport)>,
    /// The last report that was not told.
    pub last: Option<LeakReport>,
    /// Looks that were taken.
    pub looks: u32,
    /// The longest stop of the program for a look, in ms.
    pub longest_pause_ms: f64,
    /// What simpler rules say.
    pub peers: Peers,
    /// It did not end as it should.
    pub trouble: Option<String>,
}

pub(super) fn run(job: &Job, options: &Options) -> Outcome {
    let mut outcome = Outcome {
        job: job.clone(),
        report: None,
        last: None,
        looks: 0,
        longest_pause_ms: 0.0,
        peers: Peers::default(),
        trouble: None,
    };
    match Program::start(job, options) {
        Ok(mut program) => {
            let mut hunt = Hunt::new(program.pid(), options);
            let mut age_s = 0.0;
            while let Ok(line) = program.lines.recv() {
                match line {
                    Line::Figures(figures) => {
                        age_s = figures.at_ms as f64 / 1e3;
                        outcome.peers.observe(&figures);
                        if options.outside {
                            hunt.observe(&figures, &mut outcome);
                        }
                    }
                    Line::Leak(told) => outcome.hear(*told, age_s),
                    Line::Degraded(what) => outcome.trouble = Some(what),
                    Line::Looks(looks) => outcome.looks = looks.max(outcome.looks),
                }
            }
            if !program.ended_well() {
                outcome.trouble = Some("it did not end well".to_owned());
            }
        }
        Err(error) => outcome.trouble = Some(error.to_string()),
    }
    if let Some(folder) = &options.reports
        && let Some(report) = outcome
            .report
            .as_ref()
            .map(|told| &told.1)
            .or(outcome.last.as_ref())
        && let Ok(json) = serde_json::to_string_pretty(report)
    {
        let name = format!("{}-{}.json", job.case.id, job.mode.name());
        let _ =
            std::fs::create_dir_all(folder).and_then(|()| std::fs::write(folder.join(name), json));
    }
    outcome
}

/// What a guard would do.
struct Hunt {
    pid: u32,
    settings: Settings,
    state: State,
    makeup: Makeup,
    digests: VecDeque<Digest>,
    series: Vec<MemoryPoint>,
    looks: Vec<Look>,
}

impl Hunt {
    fn new(pid: u32, options: &Options) -> Self {
        let settings = Settings {
            pace: options.pace(),
            ..Settings::default()
        };
        let forecast = ForecastConfig {
            pace: settings.pace,
            ..ForecastConfig::default()
        };
        Self {
            pid,
            settings,
            state: State::default(),
            makeup: Makeup::new(&forecast),
            digests: VecDeque::new(),
            series: Vec::new(),
            looks: Vec::new(),
        }
    }

    fn observe(&mut self, figures: &Figures, outcome: &mut Outcome) {
        self.makeup.observe(&MakeupReading {
            at_ms: figures.at_ms,
            heap_used: figures.heap_used as f64,
            live: figures
                .live
                .zip(figures.live_at_ms)
                .map(|(live, at)| (live as f64, at)),
            heap_total: figures.heap_total as f64,
            external: figures.external as f64,
            rss: figures.rss as f64,
            allocation_rate: figures.rate,
            caches: None,
            handles: None,
        });
        self.series.push(MemoryPoint {
            at_ms: figures.at_ms,
            live_heap_bytes: figures.live,
            heap_used_bytes: figures.heap_used,
            heap_total_bytes: figures.heap_total,
            external_bytes: figures.external,
            rss_bytes: figures.rss,
            allocation_rate_bytes_per_s: figures.rate,
            handles: None,
        });
        let growing = self
            .makeup
            .growing()
            .iter()
            .any(|growth| matches!(growth.part, Part::LiveHeap | Part::External));
        let seen = Observation {
            uptime_ms: figures.at_ms,
            growing,
            level_bytes: figures.live.unwrap_or(figures.heap_used) + figures.external,
            busy: false,
            no_room: false,
        };
        self.step(&Event::Tick(seen), figures, outcome);
    }

    fn step(&mut self, event: &Event, figures: &Figures, outcome: &mut Outcome) {
        let (state, actions) = step(&self.settings, &self.state, event, figures.at_ms);
        self.state = state;
        for action in actions {
            match action {
                Action::Look { investigate, .. } => {
                    let event = self.look(investigate, figures, outcome);
                    self.step(&event, figures, outcome);
                }
                Action::Announce if outcome.report.is_none() => {
                    let report = outcome.last.take();
                    outcome.report = report.map(|report| (figures.at_ms as f64 / 1e3, report));
                }
                Action::Retract => {
                    outcome.report = None;
                }
                _ => {}
            }
        }
    }

    fn look(&mut self, compare: bool, figures: &Figures, outcome: &mut Outcome) -> Event {
        let began = Instant::now();
        let taken = inspect(&Target::Process(self.pid), |subject| {
            let young: Vec<Range<u64>> = subject
                .heap
                .pages()
                .filter(|page| page.is_young())
                .map(|page| page.start..page.end)
                .collect();
            Ok((graph(subject, &GraphOptions::default())?, young))
        });
        let ((graph, young), paused) = match taken {
            Ok(found) => (found.value, found.paused),
            Err(error) => {
                // A program that has just ended has no heap.
                if outcome.looks == 0 {
                    outcome.trouble = Some(format!("a look failed: {error}"));
                }
                return Event::LookFailed { retry: true };
            }
        };
        let pause_ms = paused.map(|paused| paused.as_secs_f64() * 1e3);
        outcome.looks += 1;
        outcome.longest_pause_ms = outcome.longest_pause_ms.max(pause_ms.unwrap_or_default());
        let at = Moment {
            at_ms: figures.at_ms,
            unix_ms: 0,
        };
        self.looks.push(Look {
            at,
            method: Method::Inspect,
            pause_ms,
            took_ms: Some(began.elapsed().as_secs_f64() * 1e3),
        });
        let told = self.tell(&graph, young, at, compare, outcome);
        Event::Looked {
            cpu_ms: began.elapsed().as_millis() as u64,
            level_bytes: figures.live.unwrap_or(figures.heap_used) + figures.external,
            found: told,
        }
    }

    fn tell(
        &mut self,
        graph: &HeapGraph,
        young: Vec<Range<u64>>,
        at: Moment,
        compare: bool,
        outcome: &mut Outcome,
    ) -> Option<memguard_hunt::machine::Found> {
        let snapshot = Snapshot::of(graph, &AnalyzeOptions::default()).ok()?;
        let told = compare.then(|| {
            let context = Context {
                now: at,
                series: self.series.clone(),
                trend: Trend {
                    verdict: Some(self.makeup.verdict()),
                    growing: self.makeup.growing(),
                    ..Trend::default()
                },
                looks: self.looks.clone(),
                read_sources: true,
                ..Context::default()
            };
            let report = investigate(
                &self.digests.iter().collect::<Vec<_>>(),
                &snapshot,
                &context,
            );
            let gist = found(&report);
            outcome.last = Some(report);
            gist
        });
        self.digests
            .push_back(Digest::of(&snapshot, at).without_young(young));
        if self.digests.len() > KEPT_DIGESTS {
            self.digests.pop_front();
        }
        told
    }
}

impl Outcome {
    /// The guard of the program has told something of its own hunt.
    fn hear(&mut self, told: Told, age_s: f64) {
        let looks = &told.report.how.looks;
        self.looks = looks.len() as u32;
        let pauses = looks.iter().filter_map(|look| look.pause_ms);
        self.longest_pause_ms = pauses.fold(self.longest_pause_ms, f64::max);
        match told.status.as_str() {
            "found" if self.report.is_none() => self.report = Some((age_s, told.report)),
            "retracted" => {
                self.report = None;
                self.last = Some(told.report);
            }
            _ => {}
        }
    }

    pub(super) fn line(&self) -> String {
        let told = match (&self.report, &self.last) {
            (Some((at, report)), _) => format!("leak at {at:.0} s: {}", report.summary),
            (None, Some(report)) => format!("nothing told; last: {}", report.summary),
            (None, None) => "nothing told".to_owned(),
        };
        let trouble = self
            .trouble
            .as_ref()
            .map(|trouble| format!(" [{trouble}]"))
            .unwrap_or_default();
        format!(
            "{} {}: {} looks, {told}{trouble}",
            self.job.case.id,
            self.job.mode.name(),
            self.looks
        )
    }
}
