//! All judgements of one process or isolate, side by side.

mod dynamic;
mod watched;

use crate::baseline::Baseline;
use crate::clock::ForwardClock;
use crate::gc::GcJudge;
use crate::judge::dynamic::Dynamic;
use crate::judge::watched::Watched;
use crate::machine::Pace;
use crate::state::{GcState, JudgeState};
use crate::{BaselineKey, Error, Event, JudgeConfig, Level, MajorGc, Metric, Reading};

/// Turns readings into events. One for a process, or for an isolate; it belongs to one thread at a time.
///
/// Cost: about a microsecond a reading; no allocation unless an event comes of it.
#[derive(Clone, Debug)]
pub struct Judge {
    config: JudgeConfig,
    clock: ForwardClock,
    rules: Vec<Watched>,
    dynamic: Vec<Dynamic>,
    gc: GcJudge,
    baseline: Baseline,
    /// Monotonic time of the last reading as it came.
    last_at_ms: u64,
}

impl Judge {
    /// A judge without a stored baseline.
    ///
    /// # Errors
    /// [`Error::InvalidOption`]: see [`JudgeConfig::validate`].
    pub fn new(config: JudgeConfig) -> Result<Self, Error> {
        Self::with_baseline(config, Baseline::new(BaselineKey::default()))
    }

    /// A judge that goes on with a stored baseline. It is ignored, and kept, when the settings turn baselines off.
    ///
    /// # Errors
    /// [`Error::InvalidOption`]: see [`JudgeConfig::validate`].
    pub fn with_baseline(config: JudgeConfig, mut baseline: Baseline) -> Result<Self, Error> {
        config.validate()?;
        baseline.begin_run();
        let rules = config.rules.iter().cloned().map(Watched::hard).collect();
        let mut judge = Self {
            config,
            clock: ForwardClock::default(),
            rules,
            dynamic: Vec::new(),
            gc: GcJudge::default(),
            baseline,
            last_at_ms: 0,
        };
        judge.fit_baseline();
        Ok(judge)
    }

    /// The settings in force.
    pub fn config(&self) -> &JudgeConfig {
        &self.config
    }

    /// What has been learned: for [`Baseline::to_bytes`].
    pub fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// The run ends well: see [`Baseline::commit`].
    pub fn commit_baseline(&mut self) {
        self.baseline.commit();
    }

    /// Something else that watches the same process (another judge, the operating system) is above calm: the
    /// baseline must not learn from such a run either. Call it as long as that is so; it costs next to nothing.
    pub fn distrust_run(&mut self) {
        self.baseline.alarm(self.clock.now());
    }

    /// Takes a reading. Figures that are missing neither violate a rule nor let it recover.
    pub fn observe(&mut self, reading: &Reading) -> Vec<Event> {
        let now = self.clock.advance(reading.at_ms);
        self.last_at_ms = reading.at_ms;
        let mut events = Vec::new();
        let pace = pace(&self.config);
        for watched in &mut self.rules {
            events.extend(watched.judge(now, reading, &pace));
        }
        self.judge_dynamic(now, reading, &mut events);
        events.extend(self.gc.tick(reading.at_ms, self.config.window_ms));
        self.learn(now, reading);
        events
    }

    /// Takes a finished major GC. They may come in late, but in order.
    pub fn observe_major_gc(&mut self, gc: &MajorGc) -> Vec<Event> {
        let Some(config) = self.config.gc else {
            return Vec::new();
        };
        let event = self.gc.observe(gc, &config, &self.config);
        if self.gc.level() > Level::Calm {
            self.baseline.alarm(self.clock.now());
        }
        event.into_iter().collect()
    }

    /// The highest level of all judgements.
    pub fn level(&self) -> Level {
        let rules = self.rules.iter().map(|watched| watched.machine.level());
        let dynamic = self
            .dynamic
            .iter()
            .map(|dynamic| dynamic.watched.machine.level());
        rules.chain(dynamic).fold(self.gc.level(), Ord::max)
    }

    /// Where everything stands.
    pub fn state(&self) -> JudgeState {
        let needed = self.config.violations;
        let hard = self.rules.iter().map(|watched| watched.state(needed));
        let dynamic = self
            .dynamic
            .iter()
            .map(|dynamic| dynamic.watched.state(needed));
        JudgeState {
            level: self.level(),
            rules: hard.chain(dynamic).collect(),
            gc: self.config.gc.map(|_| GcState {
                level: self.gc.level(),
                time_ratio: self.gc.time_ratio(),
                live_ratio: self.gc.live_ratio(),
                ineffective: self.gc.ineffective(),
            }),
            baseline: self.config.baseline.as_ref().map(|_| self.baseline.state()),
        }
    }

    /// Takes other settings while running. A rule with the same id and metric keeps its level, its cool-down and,
    /// if its thresholds are the same, its count; one that is gone, or has lost the threshold of its level, recovers.
    ///
    /// # Errors
    /// [`Error::InvalidOption`]: nothing has been changed then.
    pub fn reconfigure(&mut self, config: JudgeConfig) -> Result<Vec<Event>, Error> {
        config.validate()?;
        let now = self.clock.now();
        let mut events = Vec::new();
        let mut before = std::mem::take(&mut self.rules);
        for rule in &config.rules {
            let same = |watched: &Watched| {
                watched.rule.id == rule.id && watched.rule.metric == rule.metric
            };
            let mut watched = match before.iter().position(same) {
                Some(i) => before.swap_remove(i),
                None => Watched::hard(rule.clone()),
            };
            events.extend(watched.replace_rule(rule, now));
            self.rules.push(watched);
        }
        events.extend(
            before
                .iter_mut()
                .filter_map(|watched| watched.release(now, "no longer watched")),
        );
        if config.gc.is_none() {
            events.extend(self.gc.release(self.last_at_ms));
        }
        self.config = config;
        events.extend(self.fit_baseline());
        Ok(events)
    }

    /// One dynamic rule for each metric of the settings, no other.
    fn fit_baseline(&mut self) -> Vec<Event> {
        let now = self.clock.now();
        let metrics: &[Metric] = self
            .config
            .baseline
            .as_ref()
            .map_or(&[], |config| &config.metrics);
        let mut events = Vec::new();
        self.dynamic.retain_mut(|dynamic| {
            let kept = metrics.contains(&dynamic.metric());
            if !kept {
                events.extend(dynamic.watched.release(now, "no longer watched"));
            }
            kept
        });
        for metric in metrics {
            if !self
                .dynamic
                .iter()
                .any(|dynamic| dynamic.metric() == *metric)
            {
                self.dynamic.push(Dynamic::new(*metric));
            }
        }
        if !metrics.is_empty() {
            self.baseline.set_metrics(metrics);
        }
        events
    }

    fn judge_dynamic(&mut self, now: u64, reading: &Reading, events: &mut Vec<Event>) {
        let Some(config) = &self.config.baseline else {
            return;
        };
        self.baseline.tick(now, reading);
        if reading.age_ms < self.config.warmup_ms {
            return;
        }
        let pace = Pace {
            sustain_ms: config.sustain_ms,
            ..pace(&self.config)
        };
        for dynamic in &mut self.dynamic {
            let metric = dynamic.metric();
            let found = self.baseline.usual_now(metric, now, reading, config);
            events.extend(dynamic.judge(now, reading, found, &self.rules, &pace));
        }
    }

    fn learn(&mut self, now: u64, reading: &Reading) {
        let calm = self.level() == Level::Calm;
        match &self.config.baseline {
            Some(config) if calm => {
                self.baseline
                    .learn(now, reading, self.config.warmup_ms, config)
            }
            Some(_) => self.baseline.alarm(now),
            None => {}
        }
    }
}

fn pace(config: &JudgeConfig) -> Pace {
    Pace {
        violations: config.violations,
        window_ms: config.window_ms,
        hysteresis: config.hysteresis,
        recover_after: config.recover_after,
        cooldown_ms: config.cooldown_ms,
        sustain_ms: 0,
    }
}
