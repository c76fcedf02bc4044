//! Whether hours and minutes agree: the same traces at the pace of production and at that of tests, `npm run eval -- pace`.
//!
//! A trace's times are divided by what the pace divides the time constants by, and both are run by the very code that a guard
//! runs: forecaster, make-up of the growth, and the hunt's machine, whose looks are answered by the truth. Nothing waits, and
//! nothing is left to chance but that times are whole milliseconds.

use std::io;
use std::path::Path;

use memguard_hunt::machine::{Action, Event, Found, Observation, Settings, State, step};
use memguard_trend::{
    ForecastConfig, ForecastLevel, Forecaster, LimitReading, Makeup, MakeupReading,
};

use crate::forecast::program::Program;
use crate::forecast::{recorded, simulated};

/// An hour in a minute, as `npm run eval -- leaks` and tests have it.
const FAST: f64 = 60.0;
/// Moments that differ by less are the same: two samples of production. Times are whole milliseconds at both paces, so that
/// what is due at a sample may be due at the next.
const SAME_MS: u64 = 20_000;
/// What is used of a limit of this size, where a trace tells shares of one.
const LIMIT_BYTES: f64 = 512e6;

/// What was decided, and when, in milliseconds of production.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decisions {
    levels: Vec<(u64, ForecastLevel)>,
    hunt: Vec<(u64, &'static str)>,
}

/// Runs every trace at both paces and prints what was decided.
///
/// # Errors
/// Traces cannot be read, or the paces do not agree.
pub fn run(root: &Path) -> io::Result<()> {
    let mut programs = simulated(1);
    programs.extend(recorded(root)?);
    println!(
        "| program | forecast (minute) | hunt (minute) | looks at pace 1 | at pace {FAST} | the same | largest difference |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut unlike = 0;
    for program in &programs {
        let (slow, fast) = (decisions(program, 1.0), decisions(program, FAST));
        let difference = slow.difference(&fast);
        unlike += u32::from(difference.is_none());
        println!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            program.name,
            list(
                slow.levels
                    .iter()
                    .map(|(at, level)| (*at, format!("{level:?}").to_lowercase()))
            ),
            list(
                slow.told()
                    .into_iter()
                    .map(|(at, what)| (at, what.to_owned()))
            ),
            slow.looks(),
            fast.looks(),
            if difference.is_some() {
                "yes"
            } else {
                "**no**"
            },
            difference.map_or_else(String::new, |ms| format!("{:.1} s", ms as f64 / 1e3)),
        );
    }
    println!(
        "\n{} of {} alike.",
        programs.len() as u32 - unlike,
        programs.len()
    );
    match unlike {
        0 => Ok(()),
        _ => Err(io::Error::other("hours and minutes do not agree")),
    }
}

fn list(events: impl Iterator<Item = (u64, String)>) -> String {
    const MOST: usize = 8;
    let all: Vec<String> = events
        .map(|(at, what)| format!("{what} {:.0}", at as f64 / 60e3))
        .collect();
    let more = all.len().saturating_sub(MOST);
    let mut text = all[..all.len().min(MOST)].join(", ");
    if more > 0 {
        text.push_str(&format!(", {more} more"));
    }
    text
}

/// What a guard at this pace decides of a program whose time runs as much faster.
pub fn decisions(program: &Program, pace: f64) -> Decisions {
    let config = ForecastConfig {
        pace,
        ..ForecastConfig::default()
    };
    let settings = Settings {
        pace,
        ..Settings::default()
    };
    let Ok(mut forecaster) = Forecaster::new(config) else {
        return Decisions::default();
    };
    let mut makeup = Makeup::new(&config);
    let mut state = State::default();
    let mut told = Decisions::default();
    // Traces have a pace of their own; what is decided is told in the time of production.
    let scaled = |at_ms: u64| (at_ms as f64 * program.pace / pace).round() as u64;
    let told_at = |at_ms: u64| (at_ms as f64 * program.pace).round() as u64;
    let unit = if program.limit <= 2.0 {
        LIMIT_BYTES
    } else {
        1.0
    };
    for row in &program.rows {
        let now = scaled(row.at_ms);
        let live = row.live.map(|(live, at)| (live, scaled(at)));
        let changed = forecaster.observe(&LimitReading {
            at_ms: now,
            used: row.used,
            live,
            limit: program.limit,
            grace: program.grace,
        });
        if changed.is_some() {
            told.levels.push((told_at(row.at_ms), forecaster.level()));
        }
        makeup.observe(&MakeupReading {
            at_ms: now,
            heap_used: row.used * unit,
            live: live.map(|(live, at)| (live * unit, at)),
            heap_total: program.limit * unit,
            external: 0.0,
            rss: program.limit * unit,
            allocation_rate: None,
            caches: None,
            handles: None,
        });
        let level_bytes = (live.map_or(row.used, |(live, _)| live) * unit) as u64;
        let mut events = vec![Event::Tick(Observation {
            uptime_ms: now,
            growing: !makeup.growing().is_empty(),
            level_bytes,
            ..Observation::default()
        })];
        while let Some(event) = events.pop() {
            let (next, actions) = step(&settings, &state, &event, now);
            state = next;
            for action in actions {
                if let Action::Look { number, .. } = action {
                    events.push(Event::Looked {
                        cpu_ms: 100,
                        level_bytes,
                        found: truth(program, number),
                    });
                }
                told.hunt
                    .extend(name(action).map(|name| (told_at(row.at_ms), name)));
            }
        }
    }
    told
}

/// What a look sees.
fn truth(program: &Program, number: u32) -> Option<Found> {
    (number > 1).then_some(Found {
        leak: program.leaking,
        confidence: 0.85,
        unsettled: program.leaking && number < 4,
        early: false,
    })
}

const fn name(action: Action) -> Option<&'static str> {
    match action {
        Action::Look { .. } => Some("look"),
        Action::Announce => Some("told"),
        Action::Confirm => Some("confirmed"),
        Action::Retract => Some("retracted"),
        Action::Dismiss { .. } => Some("dismissed"),
        Action::StartSampling | Action::StopSampling => None,
    }
}

impl Decisions {
    /// The largest difference in time, where the same was told in the same order at the same time. Of looks nobody hears: one that comes a
    /// sample later may meet another moment.
    pub fn difference(&self, other: &Self) -> Option<u64> {
        let levels = apart(&self.levels, &other.levels)?;
        let told = apart(&self.told(), &other.told())?;
        Some(levels.max(told)).filter(|ms| *ms <= SAME_MS)
    }

    fn looks(&self) -> usize {
        self.hunt.iter().filter(|(_, what)| *what == "look").count()
    }

    /// What somebody hears of.
    fn told(&self) -> Vec<(u64, &'static str)> {
        let is_heard = |what: &str| matches!(what, "told" | "confirmed" | "retracted");
        self.hunt
            .iter()
            .filter(|(_, what)| is_heard(what))
            .copied()
            .collect()
    }
}

fn apart<T: PartialEq>(a: &[(u64, T)], b: &[(u64, T)]) -> Option<u64> {
    if a.len() != b.len() || a.iter().zip(b).any(|(a, b)| a.1 != b.1) {
        return None;
    }
    a.iter()
        .zip(b)
        .map(|(a, b)| a.0.abs_diff(b.0))
        .max()
        .or(Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_minutes_agree() {
        let mut told = 0;
        // Five hours of each family: more belongs into the table.
        let short = simulated(1).into_iter().map(|mut program| {
            program.rows.truncate(2_000);
            program
        });
        for program in short {
            let (slow, fast) = (decisions(&program, 1.0), decisions(&program, FAST));
            assert!(
                slow.difference(&fast).is_some(),
                "{}: {slow:?} {fast:?}",
                program.name
            );
            told += slow
                .told()
                .iter()
                .filter(|(_, what)| *what == "told")
                .count();
        }
        assert!(told >= 6, "{told}");
    }
}
