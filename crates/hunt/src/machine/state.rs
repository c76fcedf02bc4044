//! What the machine remembers, and how it goes on.

use serde::{Deserialize, Serialize};

use super::budget::Spent;
use super::{Action, Event, Found, Observation, Reason, Settings};

/// So many digests are worth keeping: the newest heap is compared with these.
pub const KEPT_DIGESTS: usize = 4;
/// Waits of the patrol double up to so many times the first.
const LONGEST_PATROL: u64 = 16;
/// Looks after which a suspicion that is neither settled nor backed by the curve is left to the patrol.
const MOST_SUSPICIOUS_LOOKS: u32 = 8;
/// Failed looks in a row that end a hunt.
const MOST_FAILURES: u32 = 3;

/// What a hunt is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// The process is too young.
    #[default]
    Warming,
    /// Nothing grows, as far as curves tell. A look now and then.
    Calm,
    /// Something grows: looks are frequent.
    Hunting,
    /// A report was told. Does the growth go on?
    Verifying,
    /// After that.
    CoolingDown,
    /// The guard was stopped.
    Stopped,
}

/// All that the machine remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct State {
    /// What it is doing.
    pub stage: Stage,
    /// Since when, in ms of the clock of its events.
    pub since_ms: u64,
    /// Looks of this hunt so far, those of the patrol before it included.
    pub looks: u32,
    /// Somebody asked for this hunt.
    pub asked: bool,
    /// A look is under way since then.
    pub looking_since_ms: Option<u64>,
    pub(super) now_ms: u64,
    last_look_ms: Option<u64>,
    level_at_look: u64,
    growing_since_ms: Option<u64>,
    /// The last look saw what may be a leak.
    suspected: bool,
    patrols: u32,
    failures: u32,
    sampling: bool,
    spent: Spent,
}

/// One step of the machine.
pub(super) struct Step<'s> {
    pub(super) settings: &'s Settings,
    pub(super) state: &'s mut State,
    pub(super) now: u64,
    pub(super) actions: Vec<Action>,
}

impl Step<'_> {
    pub(super) fn take(mut self, event: &Event) -> Vec<Action> {
        match event {
            Event::Stopped => self.stop(),
            Event::Restarted => self.restart(),
            _ if self.state.stage == Stage::Stopped => {}
            Event::Tick(observation) => self.tick(observation),
            Event::Asked(observation) => self.asked(observation),
            Event::Looked {
                cpu_ms,
                level_bytes,
                found,
            } => self.looked(*cpu_ms, *level_bytes, found.as_ref()),
            Event::LookFailed { retry } => self.failed(*retry),
        }
        self.actions
    }

    fn enter(&mut self, stage: Stage) {
        if self.state.stage != stage {
            self.state.stage = stage;
            self.state.since_ms = self.now;
        }
        let sampling = matches!(stage, Stage::Hunting | Stage::Verifying);
        if sampling != self.state.sampling {
            self.state.sampling = sampling;
            self.actions.push(if sampling {
                Action::StartSampling
            } else {
                Action::StopSampling
            });
        }
    }

    fn since(&self, then: Option<u64>) -> u64 {
        then.map_or(u64::MAX, |then| self.now.saturating_sub(then))
    }

    fn tick(&mut self, seen: &Observation) {
        self.state.growing_since_ms = match self.state.growing_since_ms {
            _ if !seen.growing => None,
            None => Some(self.now),
            since => since,
        };
        if let Some(began) = self.state.looking_since_ms {
            if self.since(Some(began)) >= self.settings.look_timeout_ms {
                self.failed(true);
            }
            return;
        }
        if self.state.stage == Stage::Warming
            && seen.uptime_ms >= self.settings.paced(self.settings.warm_up_ms)
        {
            self.enter(Stage::Calm);
        }
        let grows = self.state.growing_since_ms.is_some()
            && self.since(self.state.growing_since_ms)
                >= self.settings.paced(self.settings.suspicion_ms);
        match self.state.stage {
            Stage::Calm if grows => {
                self.state.patrols = 0;
                self.enter(Stage::Hunting);
                self.hunt(seen);
            }
            Stage::Calm => self.patrol(seen),
            Stage::Hunting => self.hunt(seen),
            Stage::Verifying => self.verify(seen),
            Stage::CoolingDown => {
                if self.since(Some(self.state.since_ms))
                    >= self.settings.paced(self.settings.cool_down_ms)
                {
                    self.forget();
                    self.enter(Stage::Calm);
                }
            }
            Stage::Warming | Stage::Stopped => {}
        }
    }

    /// Looks now and then, rarer and rarer.
    fn patrol(&mut self, seen: &Observation) {
        let first = self.settings.paced(self.settings.patrol_ms);
        if self.settings.patrol_ms == 0 {
            return;
        }
        // Three at an even pace, as a hunt needs; then each after twice the time.
        let doublings = self.state.patrols.saturating_sub(self.settings.looks);
        let wait = first.saturating_mul((1_u64 << doublings.min(10)).min(LONGEST_PATROL));
        if self.state.last_look_ms.is_none() || self.since(self.state.last_look_ms) >= wait {
            let asked_for = self.look(seen);
            self.state.patrols += u32::from(asked_for);
        }
    }

    /// Looks when there is enough growth, or enough time has passed.
    fn hunt(&mut self, seen: &Observation) {
        let waited = self.since(self.state.last_look_ms);
        let due = if self.state.last_look_ms.is_none() {
            true
        } else if waited < self.settings.paced(self.settings.min_wait_ms) {
            false
        } else {
            self.has_grown(seen) || waited >= self.longest_wait()
        };
        if due {
            self.look(seen);
        }
    }

    /// What a look has seen is worth another one sooner than a curve that rises by little.
    fn longest_wait(&self) -> u64 {
        let Settings {
            min_wait_ms,
            max_wait_ms,
            ..
        } = *self.settings;
        self.settings.paced(if self.state.suspected {
            min_wait_ms.midpoint(max_wait_ms)
        } else {
            max_wait_ms
        })
    }

    fn has_grown(&self, seen: &Observation) -> bool {
        let by_share = self.state.level_at_look as f64 * self.settings.min_growth_share;
        let least = self.settings.min_growth_bytes.max(by_share as u64);
        seen.level_bytes >= self.state.level_at_look.saturating_add(least)
    }

    fn verify(&mut self, seen: &Observation) {
        let waited = self.since(self.state.last_look_ms);
        let patience = self.settings.paced(self.settings.verify_ms);
        let due = waited >= self.settings.paced(self.settings.min_wait_ms) && self.has_grown(seen);
        if due || waited >= patience {
            self.look(seen);
        }
    }

    /// Asks for a look if the moment suits and the budget allows. Answers whether it did.
    fn look(&mut self, seen: &Observation) -> bool {
        if seen.busy || seen.no_room {
            return false;
        }
        // Who asks is answered, whatever was spent.
        let is_within = self.state.spent.look(self.settings, self.now);
        if !is_within && !self.state.asked {
            return false;
        }
        self.state.looking_since_ms = Some(self.now);
        self.actions.push(Action::Look {
            number: self.state.looks + 1,
            investigate: self.state.looks > 0,
        });
        true
    }

    fn asked(&mut self, seen: &Observation) {
        self.state.asked = true;
        self.enter(Stage::Hunting);
        if self.state.looking_since_ms.is_none() {
            let ready = Observation {
                busy: false,
                no_room: false,
                ..*seen
            };
            self.look(&ready);
        }
    }

    fn looked(&mut self, cpu_ms: u64, level_bytes: u64, found: Option<&Found>) {
        let state = &mut *self.state;
        state.looking_since_ms = None;
        state.last_look_ms = Some(self.now);
        state.level_at_look = level_bytes;
        state.looks += 1;
        state.failures = 0;
        state.spent.cpu(cpu_ms);
        let enough = if state.asked { 2 } else { self.settings.looks };
        let was_compared = found.is_some();
        let found = found.copied().unwrap_or_default();
        let is_leak = found.leak && found.confidence >= self.settings.confidence;
        let is_settled = !found.unsettled && (state.asked || !found.early);
        let settled = is_settled || (state.asked && state.looks > self.settings.looks);
        state.suspected = found.leak;
        let is_by_looks = state.growing_since_ms.is_none() && !state.asked;
        match state.stage {
            Stage::Verifying if !was_compared => {}
            // It still grew in the last step, and by much less than before: it may have come to its end in it.
            Stage::Verifying if is_leak && found.unsettled => {}
            Stage::Verifying => {
                self.actions.push(if is_leak {
                    Action::Confirm
                } else {
                    Action::Retract
                });
                self.enter(Stage::CoolingDown);
            }
            Stage::Calm if found.leak && !settled && state.looks < MOST_SUSPICIOUS_LOOKS => {
                self.enter(Stage::Hunting);
            }
            Stage::Hunting if is_by_looks && !settled && state.looks >= MOST_SUSPICIOUS_LOOKS => {
                self.dismiss(Reason::NotSure);
            }
            _ if state.looks < enough || !settled || !was_compared => {}
            Stage::Hunting | Stage::Calm if is_leak || state.asked => {
                self.announce(is_leak);
            }
            Stage::Hunting if state.growing_since_ms.is_none() => {
                self.dismiss(Reason::GrowthEnded);
            }
            _ => {}
        }
    }

    fn announce(&mut self, is_leak: bool) {
        let asked = std::mem::take(&mut self.state.asked);
        if asked || self.state.spent.report(self.settings, self.now) {
            self.actions.push(Action::Announce);
        }
        self.enter(if is_leak {
            Stage::Verifying
        } else {
            Stage::Calm
        });
    }

    fn dismiss(&mut self, reason: Reason) {
        self.actions.push(Action::Dismiss { reason });
        self.state.asked = false;
        self.enter(Stage::Calm);
    }

    /// The next hunt begins anew.
    fn forget(&mut self) {
        self.state.looks = 0;
        self.state.patrols = 0;
        self.state.last_look_ms = None;
        self.state.growing_since_ms = None;
        self.state.suspected = false;
    }

    fn failed(&mut self, retry: bool) {
        self.state.looking_since_ms = None;
        self.state.last_look_ms = Some(self.now);
        self.state.failures += 1;
        if !retry || self.state.failures >= MOST_FAILURES {
            self.state.failures = 0;
            self.actions.push(Action::Dismiss {
                reason: Reason::LooksFailed,
            });
            self.state.asked = false;
            self.enter(Stage::CoolingDown);
        }
    }

    fn restart(&mut self) {
        let spent = self.state.spent;
        *self.state = State {
            now_ms: self.now,
            since_ms: self.now,
            spent,
            ..State::default()
        };
    }

    fn stop(&mut self) {
        let was_hunting = matches!(self.state.stage, Stage::Hunting);
        self.enter(Stage::Stopped);
        self.state.looking_since_ms = None;
        if was_hunting {
            self.actions.push(Action::Dismiss {
                reason: Reason::Stopped,
            });
        }
    }
}
