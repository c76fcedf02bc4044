//! One rule with its state: from figures to the state machine, and from its changes to events.

use crate::machine::{Change, Machine, Pace};
use crate::sentence::{self, Run, figure_ratio};
use crate::state::RuleState;
use crate::{
    Alert, AlertKind, Event, Figure, Level, Metric, Reading, Recovery, Rule, Threshold, Usual,
};

/// A rule of the settings, or the dynamic one of a metric, with its state.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) rule: Rule,
    pub(super) machine: Machine,
    /// The last figure that was judged.
    pub(super) last: Option<Figure>,
    judged_at_ms: u64,
    kind: AlertKind,
}

impl Watched {
    pub(super) fn hard(rule: Rule) -> Self {
        Self {
            rule,
            kind: AlertKind::Threshold,
            machine: Machine::default(),
            last: None,
            judged_at_ms: 0,
        }
    }

    pub(super) fn dynamic(metric: Metric) -> Self {
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
            judged_at_ms: 0,
        }
    }

    /// The figure of a reading, unless it is missing or was judged a moment ago.
    pub(super) fn take_new(&mut self, now: u64, reading: &Reading, pace: &Pace) -> Option<Figure> {
        let figure = reading.get(self.rule.metric)?;
        let same = |last: &Figure| last.measured_at_ms == figure.measured_at_ms;
        let is_repeated = figure.measured_at_ms.is_some() && self.last.as_ref().is_some_and(same);
        if is_repeated && now - self.judged_at_ms < pace.repeat_after_ms() {
            return None;
        }
        self.judged_at_ms = now;
        Some(figure.clone())
    }

    /// Judges a reading by the thresholds of the rule.
    pub(super) fn judge(&mut self, now: u64, reading: &Reading, pace: &Pace) -> Option<Event> {
        let figure = self.take_new(now, reading, pace)?;
        let resolve = |threshold: Option<Threshold>| threshold?.resolve(self.rule.metric, &figure);
        let (warn, critical) = (resolve(self.rule.warn), resolve(self.rule.critical));
        let change = self.machine.step(now, figure.value, warn, critical, pace);
        let event = change.map(|change| self.event(now, &figure, change, None));
        self.last = Some(figure);
        event
    }

    pub(super) fn event(
        &self,
        now: u64,
        figure: &Figure,
        change: Change,
        usual: Option<&Usual>,
    ) -> Event {
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
    pub(super) fn release(&mut self, now: u64, why: &str) -> Option<Event> {
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
    pub(super) fn replace_rule(&mut self, rule: &Rule, now: u64) -> Option<Event> {
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

    pub(super) fn state(&self, needed: u32) -> RuleState {
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
