//! Programs from a seed: what they hold over hours and days, under a garbage collector that is modelled on V8's.
//!
//! Limits are 1, levels are shares of it. A quarter of the programs are seen from outside, as a cgroup sees them: there
//! are no collections in their readings, and garbage counts.

use std::f64::consts::TAU;

use super::chance::Chance;
use super::program::{Origin, Program, Row};

const STEP_MS: u64 = 10_000;
const STEP_H: f64 = STEP_MS as f64 / 3_600_000.0;

/// What a program holds, by the hour.
type Shape = Box<dyn FnMut(f64, &mut Chance) -> f64>;

/// Family, whether it leaks, and how one of it is made; the number is hours for which it is watched.
type Family = (&'static str, bool, fn(&mut Chance) -> (f64, Shape));

const FAMILIES: [Family; 24] = [
    ("linear", true, linear),
    ("by-load", true, by_load),
    ("stairs", true, stairs),
    ("late", true, late),
    ("accelerating", true, accelerating),
    ("sub-linear", true, sub_linear),
    ("noisy", true, noisy),
    ("slow", true, slow),
    ("under-saw-tooth", true, under_saw_tooth),
    ("queue", true, queue),
    ("paused", true, paused),
    ("fast", true, fast),
    ("steady", false, steady),
    ("warm-up", false, warm_up),
    ("diurnal", false, diurnal),
    ("batch-job", false, batch_job),
    ("traffic-step", false, traffic_step),
    ("session-ttl", false, session_ttl),
    ("flushed-cache", false, flushed_cache),
    ("wandering", false, wandering),
    ("lru-filling", false, lru_filling),
    ("bursts", false, bursts),
    ("two-caches", false, two_caches),
    ("ratchet", false, ratchet),
];

/// `count` programs of each family.
pub fn programs(count: u64, seed: u64) -> Vec<Program> {
    FAMILIES
        .iter()
        .enumerate()
        .flat_map(|(index, family)| {
            (0..count).map(move |n| program(family, n, seed + index as u64 * 10_007 + n * 101))
        })
        .collect()
}

fn program(&(family, leaking, make): &Family, n: u64, seed: u64) -> Program {
    let mut chance = Chance::new(seed);
    let (hours, mut shape) = make(&mut chance);
    let outside = n % 4 == 3;
    let mut collector = Collector::new(outside, &mut chance);
    let mut rows = Vec::new();
    let mut failed_at_ms = None;
    for step in 0..(hours / STEP_H) as u64 {
        let at_ms = step * STEP_MS;
        let held = shape(step as f64 * STEP_H, &mut chance).max(0.005);
        if held >= 1.0 {
            failed_at_ms = Some(at_ms);
            break;
        }
        let row = collector.step(at_ms, held, &mut chance);
        if row.used >= 1.0 {
            failed_at_ms = Some(at_ms);
            break;
        }
        rows.push(row);
    }
    Program {
        name: format!("{family}-{n}"),
        family: family.to_owned(),
        origin: Origin::Simulated,
        leaking,
        pace: 1.0,
        limit: 1.0,
        grace: 0.0,
        failed_at_ms,
        rows,
    }
}

/// When garbage goes: as in V8, when the heap has grown by a factor since the last major GC; sometimes also when idle.
struct Collector {
    outside: bool,
    factor: f64,
    garbage_per_h: f64,
    floating: f64,
    idle_every_h: f64,
    garbage: f64,
    threshold: f64,
    live: Option<(f64, u64)>,
    committed: f64,
}

impl Collector {
    fn new(outside: bool, chance: &mut Chance) -> Self {
        Self {
            outside,
            factor: chance.between(1.25, 2.2),
            // From a collection every two hours to one a minute.
            garbage_per_h: 0.05 * 200_f64.powf(chance.next()),
            floating: chance.between(0.0, 0.03),
            idle_every_h: chance.between(0.1, 6.0),
            garbage: 0.0,
            threshold: 0.04,
            live: None,
            committed: 0.0,
        }
    }

    fn step(&mut self, at_ms: u64, held: f64, chance: &mut Chance) -> Row {
        self.garbage += self.garbage_per_h * STEP_H * chance.between(0.5, 1.5);
        let idle = chance.next() < STEP_H / self.idle_every_h;
        if idle || held + self.garbage >= self.threshold.min(0.98) {
            self.garbage = held * self.floating * chance.next();
            let live = held + self.garbage;
            self.live = Some((live, at_ms.max(1)));
            self.threshold = (live * self.factor).max(live + 0.02);
        }
        let used = held + self.garbage;
        if self.outside {
            // Memory that V8 has let go of comes back to the system slowly, and a little of it never.
            let settled = held * 1.04 + 0.3 * self.garbage.min(0.1);
            self.committed = settled.max(self.committed * (1.0 - 0.4 * STEP_H));
            let noise = 0.004 * chance.even();
            return Row {
                at_ms,
                used: self.committed + noise,
                live: None,
            };
        }
        Row {
            at_ms,
            used: used.min(0.999),
            live: self.live,
        }
    }
}

/// Where a program begins, and how long it is watched.
fn start(chance: &mut Chance) -> (f64, f64) {
    (chance.between(0.05, 0.4), chance.between(8.0, 48.0))
}

/// Start-up: the base is there after some minutes.
fn warm(base: f64, t: f64) -> f64 {
    base * (0.3 + 0.7 * (1.0 - (-t / 0.05).exp()))
}

/// A day's load between 0 and 1, from a phase.
fn day(t: f64, phase: f64) -> f64 {
    0.5 - 0.5 * ((t / 24.0 + phase) * TAU).cos()
}

fn linear(chance: &mut Chance) -> (f64, Shape) {
    let (base, hours) = start(chance);
    let fill = chance.log_between(1.0, 40.0);
    (
        hours,
        Box::new(move |t, _| warm(base, t) + (1.0 - base) * t / fill),
    )
}

fn fast(chance: &mut Chance) -> (f64, Shape) {
    let base = chance.between(0.05, 0.4);
    let begin = chance.between(0.0, 6.0);
    let fill = chance.log_between(0.35, 1.5);
    (
        12.0,
        Box::new(move |t, _| warm(base, t) + (1.0 - base) * (t - begin).max(0.0) / fill),
    )
}

fn by_load(chance: &mut Chance) -> (f64, Shape) {
    let (base, hours) = start(chance);
    let phase = chance.next();
    let fill = chance.log_between(3.0, 40.0);
    let sessions = chance.between(0.0, 0.15);
    let mut leaked = 0.0;
    (
        hours,
        Box::new(move |t, chance| {
            leaked += 2.0 * day(t, phase) * STEP_H / fill * chance.between(0.5, 1.5);
            warm(base, t) + sessions * day(t, phase) + leaked
        }),
    )
}

fn stairs(chance: &mut Chance) -> (f64, Shape) {
    let (base, hours) = start(chance);
    let every = chance.log_between(0.2, 4.0);
    let lump = chance.between(0.02, 0.12);
    let mut leaked = 0.0;
    (
        hours,
        Box::new(move |t, chance| {
            if chance.next() < STEP_H / every {
                leaked += lump * chance.between(0.3, 1.7);
            }
            warm(base, t) + leaked
        }),
    )
}

fn late(chance: &mut Chance) -> (f64, Shape) {
    let (base, hours) = start(chance);
    let begin = hours * chance.between(0.2, 0.8);
    let fill = chance.log_between(0.5, 8.0);
    (
        hours,
        Box::new(move |t, _| warm(base, t) + (1.0 - base) * (t - begin).max(0.0) / fill),
    )
}

fn accelerating(chance: &mut Chance) -> (f64, Shape) {
    let (base, hours) = start(chance);
    let doubling = chance.log_between(0.4, 5.0);
    let seed = chance.log_between(0.001, 0.02);
    (
        hours,
        Box::new(move |t, _| warm(base, t) + seed * ((t / doubling).exp2() - 1.0)),
    )
}

fn sub_linear(chance: &mut Chance) -> (f64, Shape) {
    let (base, hours) = start(chance);
    let power = chance.between(0.35, 0.8);
    let reach = chance.between(0.5, 1.6);
    (
        hours,
        Box::new(move |t, _| warm(base, t) + (1.0 - base) * reach * (t / hours).powf(power)),
    )
}

fn noisy(chance: &mut Chance) -> (f64, Shape) {
    let (base, hours) = start(chance);
    let fill = chance.log_between(2.0, 40.0);
    let depth = chance.between(0.02, 0.12);
    let mut noise = 0.0;
    (
        hours,
        Box::new(move |t, chance| {
            noise = 0.97 * noise + 0.25 * depth * chance.even();
            warm(base, t) + (1.0 - base) * t / fill + noise
        }),
    )
}

fn slow(chance: &mut Chance) -> (f64, Shape) {
    let fill = chance.log_between(48.0, 240.0);
    let hours = chance.between(24.0, 72.0);
    // It may have been running for days when the guard is started.
    let base = chance.between(0.1, 0.97);
    (hours, Box::new(move |t, _| base + t / fill))
}

fn under_saw_tooth(chance: &mut Chance) -> (f64, Shape) {
    let (base, hours) = start(chance);
    let base = base * 0.7;
    let fill = chance.log_between(2.0, 40.0);
    let depth = chance.between(0.08, 0.25);
    let period = chance.log_between(0.1, 3.0);
    (
        hours,
        Box::new(move |t, _| {
            warm(base, t) + (1.0 - base - depth) * t / fill + depth * (t / period).fract()
        }),
    )
}

fn queue(chance: &mut Chance) -> (f64, Shape) {
    let (base, hours) = start(chance);
    let drift = 1.0 / chance.log_between(3.0, 60.0);
    let wander = chance.between(0.05, 0.4);
    let mut length = 0.0_f64;
    (
        hours,
        Box::new(move |t, chance| {
            length += drift * STEP_H + wander * STEP_H.sqrt() * 0.3 * chance.even();
            length = length.max(0.0);
            warm(base, t) + length
        }),
    )
}

fn paused(chance: &mut Chance) -> (f64, Shape) {
    let (base, hours) = start(chance);
    let fill = chance.log_between(1.5, 15.0);
    let (on, off) = (chance.log_between(0.3, 3.0), chance.log_between(0.3, 6.0));
    let mut leaked = 0.0;
    (
        hours,
        Box::new(move |t, _| {
            if t % (on + off) < on {
                leaked += STEP_H / fill;
            }
            warm(base, t) + leaked
        }),
    )
}

/// A healthy program's highest level.
fn ceiling(chance: &mut Chance) -> f64 {
    chance.between(0.15, 0.88)
}

fn long(chance: &mut Chance) -> f64 {
    chance.between(18.0, 60.0)
}

fn steady(chance: &mut Chance) -> (f64, Shape) {
    let level = ceiling(chance);
    let noise = chance.between(0.0, 0.02);
    (
        long(chance),
        Box::new(move |t, chance| warm(level, t) + noise * chance.even()),
    )
}

fn warm_up(chance: &mut Chance) -> (f64, Shape) {
    let level = ceiling(chance);
    let tau = chance.log_between(0.05, 2.0);
    (
        long(chance),
        Box::new(move |t, chance| level * (1.0 - 0.9 * (-t / tau).exp()) + 0.005 * chance.even()),
    )
}

fn diurnal(chance: &mut Chance) -> (f64, Shape) {
    let top = ceiling(chance);
    let bottom = top * chance.between(0.15, 0.7);
    let phase = chance.next();
    let sharp = chance.between(1.0, 4.0);
    (
        48.0 + long(chance),
        Box::new(move |t, chance| {
            let load = 1.0 - (1.0 - day(t, phase)).powf(sharp);
            warm(bottom, t) + (top - bottom) * load * (1.0 + 0.02 * chance.even())
        }),
    )
}

fn batch_job(chance: &mut Chance) -> (f64, Shape) {
    let top = ceiling(chance);
    let base = top * chance.between(0.2, 0.7);
    let period = chance.log_between(0.25, 24.0);
    let busy = chance.between(0.05, 0.6);
    let offset = chance.next();
    let mut height = top;
    let mut was_idle = true;
    (
        long(chance),
        Box::new(move |t, chance| {
            let phase = (t / period + offset).fract();
            if phase >= busy {
                was_idle = true;
                return warm(base, t);
            }
            if std::mem::take(&mut was_idle) {
                height = top * chance.between(0.8, 1.0);
            }
            warm(base, t) + (height - base).max(0.0) * phase / busy
        }),
    )
}

fn traffic_step(chance: &mut Chance) -> (f64, Shape) {
    let hours = long(chance);
    let mut level = ceiling(chance) * 0.5;
    let mut target = level;
    let every = chance.between(3.0, 20.0);
    let settle = chance.log_between(0.02, 0.7);
    (
        hours,
        Box::new(move |t, chance| {
            if chance.next() < STEP_H / every {
                target = ceiling(chance);
            }
            level += (target - level) * (STEP_H / settle).min(1.0);
            warm(level, t)
        }),
    )
}

fn session_ttl(chance: &mut Chance) -> (f64, Shape) {
    let level = ceiling(chance);
    let base = level * chance.between(0.1, 0.5);
    let ttl = chance.log_between(0.25, 8.0);
    (
        long(chance),
        Box::new(move |t, chance| {
            warm(base, t) + (level - base) * (t / ttl).min(1.0) * (1.0 + 0.02 * chance.even())
        }),
    )
}

fn flushed_cache(chance: &mut Chance) -> (f64, Shape) {
    let top = ceiling(chance);
    let base = top * chance.between(0.1, 0.6);
    let period = chance.log_between(0.3, 24.0);
    let power = chance.between(0.6, 1.0);
    (
        long(chance),
        Box::new(move |t, _| warm(base, t) + (top - base) * (t / period).fract().powf(power)),
    )
}

fn wandering(chance: &mut Chance) -> (f64, Shape) {
    let middle = chance.between(0.2, 0.6);
    let most = (0.9 - middle).min(middle * 0.8);
    let back = chance.log_between(0.3, 6.0);
    let wander = chance.between(0.05, 0.25);
    let mut away = 0.0_f64;
    (
        long(chance),
        Box::new(move |t, chance| {
            away += wander * 1.7 * STEP_H.sqrt() * chance.even() - away * STEP_H / back;
            away = away.clamp(-most, most);
            warm(middle, t) + away
        }),
    )
}

fn lru_filling(chance: &mut Chance) -> (f64, Shape) {
    let top = ceiling(chance);
    let base = top * chance.between(0.1, 0.5);
    let fill = chance.log_between(0.5, 24.0);
    let power = chance.between(0.4, 1.0);
    (
        long(chance),
        Box::new(move |t, _| warm(base, t) + (top - base) * (t / fill).min(1.0).powf(power)),
    )
}

fn bursts(chance: &mut Chance) -> (f64, Shape) {
    let top = ceiling(chance);
    let base = top * chance.between(0.2, 0.6);
    let every = chance.log_between(0.3, 8.0);
    let tau = chance.log_between(0.03, 0.5);
    let mut load = 0.0_f64;
    let mut goal = 0.0_f64;
    (
        long(chance),
        Box::new(move |t, chance| {
            if chance.next() < STEP_H / every {
                goal = chance.next();
            }
            goal -= goal * STEP_H / (2.0 * tau);
            load += (goal - load) * (STEP_H / tau).min(1.0);
            warm(base, t) + (top - base) * load
        }),
    )
}

fn two_caches(chance: &mut Chance) -> (f64, Shape) {
    let top = ceiling(chance);
    let base = top * chance.between(0.1, 0.4);
    let hours = long(chance);
    let second = hours * chance.between(0.2, 0.7);
    let length = chance.log_between(0.2, 5.0);
    (
        hours,
        Box::new(move |t, _| {
            let ramp = |since: f64| (since / length).clamp(0.0, 1.0);
            warm(base, t) + (top - base) * 0.5 * (ramp(t) + ramp(t - second))
        }),
    )
}

/// Fragmentation: it rises at each new peak of the load, less and less, and does not come back.
fn ratchet(chance: &mut Chance) -> (f64, Shape) {
    let top = ceiling(chance);
    let base = top * chance.between(0.3, 0.7);
    let every = chance.log_between(0.5, 6.0);
    let mut kept = 0.0;
    (
        long(chance),
        Box::new(move |t, chance| {
            if chance.next() < STEP_H / every {
                kept += (top - base - kept) * chance.between(0.05, 0.4);
            }
            warm(base, t) + kept
        }),
    )
}
