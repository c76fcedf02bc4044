//! What is counted: decisions, failures that were foreseen, alarms that were false.

use super::program::Program;

/// What something that forecasts said of one program.
pub struct Said {
    /// At each decision, in horizons since the start: the probability, or 0 and 1.
    pub answers: Vec<(f64, f64)>,
    /// The stretches in which it was alarmed.
    pub alarms: Vec<(f64, f64)>,
}

/// Sums over programs.
#[derive(Clone, Debug, Default)]
pub struct Score {
    decisions: u64,
    right: u64,
    positive: u64,
    said: u64,
    hit: u64,
    /// Failures that could have been foreseen, and those that were.
    pub failures: u64,
    /// See `failures`.
    pub foreseen: u64,
    /// Alarms after which the limit was reached within two horizons, and the others.
    pub true_alarms: u64,
    /// See `true_alarms`.
    pub false_alarms: u64,
    /// False ones of programs that do not leak.
    pub false_healthy: u64,
    /// Programs that never reached the limit, and how many of them had an alarm.
    pub unharmed: u64,
    /// See `unharmed`.
    pub unharmed_alarmed: u64,
    /// Days that were watched.
    pub days: f64,
    brier: f64,
    leads: Vec<f64>,
    missed: Vec<String>,
}

/// How far ahead, in horizons, an alarm must come to be of use: five minutes.
const AHEAD: f64 = 1.0 / 6.0;
/// How long before the failure, in horizons, an alarm is not too early.
const EARLY: f64 = 2.0;

impl Score {
    /// Counts a program. `threshold` is the probability that counts as a yes.
    pub fn add(&mut self, program: &Program, said: &Said, threshold: f64) {
        let failed = program
            .failed_at_ms
            .map(|at| at as f64 / program.horizon_ms());
        self.days += program.days();
        for (at, probability) in &said.answers {
            let positive = failed.is_some_and(|failed| failed - at <= 1.0);
            let yes = *probability >= threshold;
            self.decisions += 1;
            self.right += u64::from(yes == positive);
            self.positive += u64::from(positive);
            self.said += u64::from(yes);
            self.hit += u64::from(yes && positive);
            self.brier += (probability - f64::from(u8::from(positive))).powi(2);
        }
        let is_true = |from: f64| failed.is_some_and(|failed| failed - from <= EARLY);
        let good = said
            .alarms
            .iter()
            .filter(|(from, _)| is_true(*from))
            .count() as u64;
        let bad = said.alarms.len() as u64 - good;
        self.true_alarms += good;
        self.false_alarms += bad;
        self.false_healthy += if program.leaking { 0 } else { bad };
        match failed {
            // Who dies before anything could be said was not foreseeable by anyone.
            Some(failed) if failed >= 0.5 + 2.0 * AHEAD => {
                self.failures += 1;
                let seen = said
                    .alarms
                    .iter()
                    .find(|(from, to)| *from <= failed - AHEAD && *to >= failed - AHEAD);
                match seen {
                    Some((from, _)) => {
                        self.foreseen += 1;
                        self.leads.push((failed - from) * 30.0);
                    }
                    None => self.missed.push(program.family.clone()),
                }
            }
            Some(_) => {}
            None => {
                self.unharmed += 1;
                self.unharmed_alarmed += u64::from(!said.alarms.is_empty());
            }
        }
    }

    /// Share of decisions that were right.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.decisions as f64
    }

    /// Share of decisions that were positive.
    pub fn base_rate(&self) -> f64 {
        self.positive as f64 / self.decisions as f64
    }

    /// Share of the decisions' yeses that were right, and of the positive ones that got a yes.
    pub fn by_decision(&self) -> (f64, f64) {
        (
            self.hit as f64 / self.said as f64,
            self.hit as f64 / self.positive as f64,
        )
    }

    /// Share of alarms that were true.
    pub fn precision(&self) -> f64 {
        self.true_alarms as f64 / (self.true_alarms + self.false_alarms) as f64
    }

    /// Share of failures that were seen five minutes ahead.
    pub fn recall(&self) -> f64 {
        self.foreseen as f64 / self.failures as f64
    }

    /// False alarms a day of one program.
    pub fn false_per_day(&self) -> f64 {
        self.false_alarms as f64 / self.days
    }

    /// Mean squared error of the probabilities.
    pub fn brier(&self) -> f64 {
        self.brier / self.decisions as f64
    }

    /// Median minutes from the alarm to the failure.
    pub fn lead(&self) -> Option<f64> {
        let mut leads = self.leads.clone();
        leads.sort_unstable_by(f64::total_cmp);
        leads.get(leads.len() / 2).copied()
    }

    /// Families of the failures that were missed, with how many.
    pub fn missed(&self) -> Vec<(String, usize)> {
        let mut names = self.missed.clone();
        names.sort();
        let mut counted: Vec<(String, usize)> = Vec::new();
        for name in names {
            match counted.last_mut() {
                Some((last, count)) if *last == name => *count += 1,
                _ => counted.push((name, 1)),
            }
        }
        counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counted
    }
}

/// Alarms from answers, by the forecaster's own rule: twice in a row raises, three times lowers.
pub fn alarms(answers: &[(f64, f64)], threshold: f64) -> Vec<(f64, f64)> {
    let mut alarms: Vec<(f64, f64)> = Vec::new();
    let mut count = 0;
    let mut on = false;
    for (at, probability) in answers {
        let counts = if on {
            *probability < threshold * 0.5
        } else {
            *probability >= threshold
        };
        count = if counts { count + 1 } else { 0 };
        if !on && count == 2 {
            alarms.push((*at, f64::INFINITY));
        } else if on && count == 3 {
            if let Some(last) = alarms.last_mut() {
                last.1 = *at;
            }
        } else {
            continue;
        }
        on = !on;
        count = 0;
    }
    alarms
}
