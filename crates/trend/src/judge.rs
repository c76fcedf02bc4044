//! All judgements of one process or isolate, side by side.

use crate::baseline::{Baseline, Lookup, Usual};
use crate::clock::ForwardClock;
use crate::event::{Alert, AlertKind, Event, Level, Recovery};
use crate::gc::GcJudge;
use crate::machine::{Change, Machine, Pace};
use crate::sentence::{self, Run, figure_ratio};
use crate::state::{GcState, JudgeState, RuleState};
use crate::{BaselineKey, Error, Figure, JudgeConfig, MajorGc, Metric, Reading, Rule, Threshold};

/// Turns readings into events. One for a process, or for an isolate; it belongs to one thread at a time.
///
/// Cost: some hundred nanoseconds a reading; no allocation unless an event comes of it.
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

/// A rule with its state.
#[derive(Clone, Debug)]
struct Watched {
    rule: Rule,
    kind: AlertKind,
    machine: Machine,
    last: Option<Figure>,
}

/// The dynamic rule of one metric.
#[derive(Clone, Debug)]
struct Dynamic {
    watched: Watched,
    usual: Option<Usual>,
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
    pub fn with_baseline(config: JudgeConfig, baseline: Baseline) -> Result<Self, Error> {
        config.validate()?;
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

    /// Takes a reading. Figures that are missing neither violate a rule nor let it recover.
    pub fn observe(&mut self, reading: &Reading) -> Vec<Event> {
        let now = self.clock.advance(reading.at_ms);
        self.last_at_ms = reading.at_ms;
        let mut events = Vec::new();
        let pace = pace(&self.config);
        for watched in &mut self.rules {
            if let Some(figure) = watched.take_new(reading) {
                events.extend(watched.judge(now, &figure, &pace));
                watched.last = Some(figure);
            }
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
            let kept = metrics.contains(&dynamic.watched.rule.metric);
            if !kept {
                events.extend(dynamic.watched.release(now, "no longer watched"));
            }
            kept
        });
        for metric in metrics {
            if !self
                .dynamic
                .iter()
                .any(|dynamic| dynamic.watched.rule.metric == *metric)
            {
                self.dynamic.push(Dynamic {
                    watched: Watched::dynamic(*metric),
                    usual: None,
                });
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
            let metric = dynamic.watched.rule.metric;
            let usual = match self.baseline.usual_now(metric, now, reading, config) {
                Lookup::NoTime => continue,
                Lookup::Unknown => None,
                Lookup::Known(usual) => Some(usual),
            };
            let hard = self
                .rules
                .iter()
                .filter(|watched| watched.rule.metric == metric);
            events.extend(dynamic.judge(now, reading, usual, hard, &pace));
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

impl Dynamic {
    /// Judges against what is usual, but never above where a hard threshold of the same metric begins: from there
    /// on that one speaks.
    fn judge<'a>(
        &mut self,
        now: u64,
        reading: &Reading,
        usual: Option<Usual>,
        hard: impl Iterator<Item = &'a Watched>,
        pace: &Pace,
    ) -> Option<Event> {
        self.usual = usual;
        let metric = self.watched.rule.metric;
        let Some(usual) = usual else {
            self.watched.rule.warn = None;
            return self.watched.release(
                now,
                "nothing is known any more of what is usual at this hour",
            );
        };
        let threshold = if metric.learned_as_ratio() {
            Threshold::Ratio(usual.threshold)
        } else {
            Threshold::Bytes(usual.threshold as u64)
        };
        self.watched.rule.warn = Some(threshold);
        let figure = self.watched.take_new(reading)?;
        let learned = threshold.resolve(metric, &figure)?;
        let least_hard = hard
            .flat_map(|watched| [watched.rule.warn, watched.rule.critical])
            .flatten()
            .filter_map(|threshold| threshold.resolve(metric, &figure))
            .fold(f64::INFINITY, f64::min);
        let is_calm = self.watched.machine.level() == Level::Calm;
        let change = if learned >= least_hard && is_calm {
            self.watched.machine.restart_counting();
            None
        } else {
            self.watched
                .machine
                .step(now, figure.value, Some(learned.min(least_hard)), None, pace)
        };
        let event = change.map(|change| self.watched.event(now, &figure, change, Some(&usual)));
        self.watched.last = Some(figure);
        event
    }
}

impl Watched {
    fn hard(rule: Rule) -> Self {
        Self {
            rule,
            kind: AlertKind::Threshold,
            machine: Machine::default(),
            last: None,
        }
    }

    fn dynamic(metric: Metric) -> Self {
        let rule = Rule {
            id: format!("baseline:{}", metric.name()),
            metric,
            warn: None,
            critical: None,
        };
        Self {
            rule,
            kind: AlertKind::Baseline,
            machine: Machine::default(),
            last: None,
        }
    }

    /// The figure of a reading, unless it is missing or was judged before.
    fn take_new(&self, reading: &Reading) -> Option<Figure> {
        let figure = reading.get(self.rule.metric)?;
        let seen = |last: &Figure| last.measured_at_ms == figure.measured_at_ms;
        let is_repeated = figure.measured_at_ms.is_some() && self.last.as_ref().is_some_and(seen);
        (!is_repeated).then(|| figure.clone())
    }

    fn judge(&mut self, now: u64, figure: &Figure, pace: &Pace) -> Option<Event> {
        let resolve = |threshold: Option<Threshold>| threshold?.resolve(self.rule.metric, figure);
        let (warn, critical) = (resolve(self.rule.warn), resolve(self.rule.critical));
        let change = self.machine.step(now, figure.value, warn, critical, pace)?;
        Some(self.event(now, figure, change, None))
    }

    fn event(&self, now: u64, figure: &Figure, change: Change, usual: Option<&Usual>) -> Event {
        match change {
            Change::Raised { level, previous } => self.alert(now, figure, level, previous, usual),
            Change::Eased => {
                let lasted_ms = now - self.machine.raised_at_ms().unwrap_or(now);
                let sentence = sentence::lowered(
                    self.rule.metric,
                    figure,
                    "down from critical to warn",
                    lasted_ms,
                );
                Event::Eased(self.recovery(now, Some(figure), Level::Critical, lasted_ms, sentence))
            }
            Change::Recovered { previous, since_ms } => {
                let sentence =
                    sentence::lowered(self.rule.metric, figure, "calm again", now - since_ms);
                Event::Recovered(self.recovery(
                    now,
                    Some(figure),
                    previous,
                    now - since_ms,
                    sentence,
                ))
            }
        }
    }

    fn alert(
        &self,
        now: u64,
        figure: &Figure,
        level: Level,
        previous: Level,
        usual: Option<&Usual>,
    ) -> Event {
        let metric = self.rule.metric;
        let streak = self.machine.streak(level);
        let configured = if level == Level::Critical {
            self.rule.critical
        } else {
            self.rule.warn
        };
        let threshold = configured.unwrap_or(Threshold::Bytes(0));
        let run = Run {
            violations: streak.len(),
            span_ms: streak.span_ms(),
            lasted_ms: now - streak.began_ms(),
        };
        let sentence = match usual {
            Some(usual) => sentence::over_baseline(metric, figure, threshold, usual, &run),
            None => sentence::over_threshold(metric, figure, threshold, &run),
        };
        Event::Alert(Alert {
            level,
            previous_level: previous,
            kind: self.kind,
            rule: self.rule.id.clone(),
            metric,
            value: figure.value,
            of: figure.of,
            of_name: figure.of_name.as_deref().map(str::to_owned),
            ratio: figure_ratio(metric, figure),
            threshold,
            violations: run.violations,
            window_ms: run.span_ms,
            first_violation_at_ms: streak.began_ms(),
            at_ms: now,
            values: streak.values(),
            gc: None,
            sentence,
        })
    }

    fn recovery(
        &self,
        now: u64,
        figure: Option<&Figure>,
        previous: Level,
        lasted_ms: u64,
        sentence: String,
    ) -> Recovery {
        Recovery {
            level: self.machine.level(),
            previous_level: previous,
            kind: self.kind,
            rule: self.rule.id.clone(),
            metric: self.rule.metric,
            value: figure.map(|figure| figure.value),
            of: figure.and_then(|figure| figure.of),
            of_name: figure.and_then(|figure| figure.of_name.as_deref().map(str::to_owned)),
            ratio: figure.and_then(|figure| figure_ratio(self.rule.metric, figure)),
            lasted_ms,
            at_ms: now,
            sentence,
        }
    }

    /// Ends an episode for another reason than the values.
    fn release(&mut self, now: u64, why: &str) -> Option<Event> {
        self.machine.restart_counting();
        let Change::Recovered { previous, since_ms } = self.machine.release()? else {
            return None;
        };
        let sentence = format!(
            "{}: {why}, after {} at {}",
            self.rule.metric.label(),
            crate::format_duration(now - since_ms),
            previous.name()
        );
        Some(Event::Recovered(self.recovery(
            now,
            None,
            previous,
            now - since_ms,
            sentence,
        )))
    }

    /// Takes the thresholds of new settings.
    fn replace_rule(&mut self, rule: &Rule, now: u64) -> Option<Event> {
        let is_same = self.rule == *rule;
        self.rule = rule.clone();
        if is_same {
            return None;
        }
        self.machine.restart_counting();
        match self.machine.level() {
            Level::Critical if rule.critical.is_none() && rule.warn.is_some() => {
                self.machine.cap(Level::Warn)
            }
            Level::Critical if rule.critical.is_none() => {
                return self.release(now, "no longer watched");
            }
            Level::Warn if rule.warn.is_none() => return self.release(now, "no longer watched"),
            _ => {}
        }
        None
    }

    fn state(&self, needed: u32) -> RuleState {
        let figure = self.last.as_ref();
        RuleState {
            rule: self.rule.id.clone(),
            kind: self.kind,
            metric: self.rule.metric,
            level: self.machine.level(),
            value: figure.map(|figure| figure.value),
            of: figure.and_then(|figure| figure.of),
            of_name: figure.and_then(|figure| figure.of_name.as_deref().map(str::to_owned)),
            ratio: figure.and_then(|figure| figure_ratio(self.rule.metric, figure)),
            warn: self.rule.warn,
            critical: self.rule.critical,
            warn_violations: self.machine.streak(Level::Warn).len(),
            critical_violations: self.machine.streak(Level::Critical).len(),
            needed,
            raised_at_ms: self.machine.raised_at_ms(),
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
