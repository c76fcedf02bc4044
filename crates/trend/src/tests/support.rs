//! Readings and processes for the tests.

use crate::{Alert, Event, Figure, Judge, JudgeConfig, Metric, Reading, Recovery, Rule, Threshold};

pub const MB: f64 = 1_048_576.0;
pub const GB: f64 = 1024.0 * MB;
pub const SECOND: u64 = 1_000;
pub const MINUTE: u64 = 60 * SECOND;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;
/// Monday, 2026-01-05, 00:00 UTC.
pub const MONDAY: u64 = 1_767_571_200_000;

pub fn rule(
    id: &str,
    metric: Metric,
    warn: Option<Threshold>,
    critical: Option<Threshold>,
) -> Rule {
    Rule {
        id: id.to_owned(),
        metric,
        warn,
        critical,
    }
}

/// Only hard rules, with the paces of the defaults.
pub fn hard(rules: Vec<Rule>) -> JudgeConfig {
    JudgeConfig {
        rules,
        gc: None,
        baseline: None,
        ..JudgeConfig::default()
    }
}

/// Heap used, warn over 85 %, critical over 95 %, of 1000 bytes.
pub fn heap_judge() -> Judge {
    let ratios = rule(
        "heap",
        Metric::HeapUsed,
        Some(Threshold::Ratio(0.85)),
        Some(Threshold::Ratio(0.95)),
    );
    Judge::new(hard(vec![ratios])).unwrap()
}

pub fn heap(at_ms: u64, used: f64) -> Reading {
    Reading::at(at_ms).with(Metric::HeapUsed, Figure::new(used).of(1000.0, "heap limit"))
}

/// An event in short: `alert warn`, `alert warn→critical`, `recovered`, …
pub fn short(event: &Event) -> String {
    match event {
        Event::Alert(alert) if alert.level == alert.previous_level => {
            format!("still {}", alert.level.name())
        }
        Event::Alert(alert) => format!("{}→{}", alert.previous_level.name(), alert.level.name()),
        Event::Eased(recovery) | Event::Recovered(recovery) => {
            format!(
                "{}→{}",
                recovery.previous_level.name(),
                recovery.level.name()
            )
        }
    }
}

pub fn shorts(events: &[Event]) -> Vec<String> {
    events.iter().map(short).collect()
}

pub fn alert(event: &Event) -> &Alert {
    match event {
        Event::Alert(alert) => alert,
        other => panic!("no alert: {other:?}"),
    }
}

pub fn recovery(event: &Event) -> &Recovery {
    match event {
        Event::Eased(recovery) | Event::Recovered(recovery) => recovery,
        other => panic!("no recovery: {other:?}"),
    }
}

/// Deterministic noise: xorshift64*.
pub struct Noise(pub u64);

impl Noise {
    /// Evenly between -1 and 1.
    pub fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        bits as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// A server with day and night, weekends, a nightly batch, noise and short spikes; on demand with a leak.
pub struct Server {
    pub noise: Noise,
    pub started_wall: u64,
    /// From this age on (ms), it leaks so many bytes an hour.
    pub leak: Option<(u64, f64)>,
    pub age: u64,
}

pub const HEAP_LIMIT: f64 = 4.0 * GB;

impl Server {
    pub fn new(seed: u64, started_wall: u64) -> Self {
        let noise = Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Self {
            noise,
            started_wall,
            leak: None,
            age: 0,
        }
    }

    pub fn leaking(mut self, from: u64, bytes_per_hour: f64) -> Self {
        self.leak = Some((from, bytes_per_hour));
        self
    }

    /// The reading after another `step` ms.
    pub fn next(&mut self, step: u64) -> Reading {
        self.age += step;
        let wall = self.started_wall + self.age;
        let hour = wall % DAY / HOUR;
        let phase = (wall % DAY) as f64 / DAY as f64 * std::f64::consts::TAU;
        // Nothing at 3 in the night, most at 15:00; little on Saturday and Sunday.
        let weekday = (wall / DAY + 3) % 7;
        let load = 0.5 - 0.5 * (phase - std::f64::consts::TAU / 8.0).cos();
        let load = if weekday >= 5 { load * 0.4 } else { load };
        let batch = if hour == 3 && wall % HOUR < 20 * MINUTE {
            150.0 * MB
        } else {
            0.0
        };
        // One reading in a hundred catches a request that is three times as big as all the rest.
        let spike = if self.noise.next() > 0.98 {
            400.0 * MB
        } else {
            0.0
        };
        let leaked = match self.leak {
            Some((from, per_hour)) => self.age.saturating_sub(from) as f64 / HOUR as f64 * per_hour,
            None => 0.0,
        };
        let live = 120.0 * MB + 150.0 * MB * load + batch + leaked + 12.0 * MB * self.noise.next();
        let rss =
            220.0 * MB + 260.0 * MB * load + batch + spike + leaked + 25.0 * MB * self.noise.next();
        let mut reading = Reading::at(1_000_000 + self.age);
        reading.wall_ms = wall;
        reading.age_ms = self.age;
        // A major GC every two minutes.
        let measured = (1_000_000 + self.age) / (2 * MINUTE) * (2 * MINUTE);
        reading
            .with(
                Metric::HeapUsed,
                Figure::new(live * 1.3).of(HEAP_LIMIT, "heap limit"),
            )
            .with(
                Metric::LiveHeap,
                Figure::new(live)
                    .of(HEAP_LIMIT, "old-space limit")
                    .measured_at(measured),
            )
            .with(Metric::Rss, Figure::new(rss))
    }

    /// Runs it under a judge and gives back what was said, with the age at which.
    pub fn run(&mut self, judge: &mut Judge, for_ms: u64, step: u64) -> Vec<(u64, Event)> {
        let until = self.age + for_ms;
        let mut said = Vec::new();
        while self.age < until {
            let reading = self.next(step);
            let age = self.age;
            said.extend(
                judge
                    .observe(&reading)
                    .into_iter()
                    .map(|event| (age, event)),
            );
        }
        said
    }
}
