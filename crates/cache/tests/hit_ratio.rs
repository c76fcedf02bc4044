//! Hit ratios on seeded traces, against an exact LRU of as many entries: what the policy must win where usage is skewed
//! or scans pass, and the few points that it may lose where recency is all that counts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed test is to panic"
)]

mod support;

use std::collections::HashMap;

use memguard_cache::Lookup;
use support::{Random, cache};

const REQUESTS: usize = 400_000;
/// With the values below some 5,000 entries fit.
const BOUND: u64 = 1 << 20;
const VALUE: [u8; 120] = [7; 120];

/// Exact LRU by stamps.
struct Lru {
    capacity: usize,
    stamps: HashMap<u64, usize>,
    log: std::collections::VecDeque<(u64, usize)>,
}

impl Lru {
    fn access(&mut self, key: u64, now: usize) -> bool {
        let hit = self.stamps.insert(key, now).is_some();
        self.log.push_back((key, now));
        while self.stamps.len() > self.capacity {
            let (oldest, stamp) = self.log.pop_front().unwrap();
            if self.stamps.get(&oldest) == Some(&stamp) {
                self.stamps.remove(&oldest);
            }
        }
        hit
    }
}

/// By rejection-inversion (Hörmann and Derflinger, 1996).
fn zipf(random: &mut Random, n: f64, s: f64) -> u64 {
    let integral = |x: f64| {
        if (s - 1.0).abs() < 1e-9 {
            x.ln()
        } else {
            (x.powf(1.0 - s) - 1.0) / (1.0 - s)
        }
    };
    let inverse = |u: f64| {
        if (s - 1.0).abs() < 1e-9 {
            u.exp()
        } else {
            (1.0 + u * (1.0 - s)).powf(1.0 / (1.0 - s))
        }
    };
    let (low, high) = (integral(1.5) - 1.0, integral(n + 0.5));
    loop {
        let u = low + random.unit() * (high - low);
        let k = inverse(u).round().clamp(1.0, n);
        if u >= integral(k + 0.5) - k.powf(-s) {
            return k as u64 - 1;
        }
    }
}

/// Hit ratios in percent: ours, and that of an LRU of as many entries as ours came to hold.
fn compare(trace: &[u64]) -> (f64, f64) {
    let (cache, _) = cache(BOUND);
    let mut out = [0; 256];
    let mut hits = 0;
    for &key in trace {
        let key = key.to_le_bytes();
        match cache.get(&key, &mut out) {
            Lookup::Hit(_) => hits += 1,
            _ => assert!(cache.set(&key, &VALUE, 0, 0).unwrap().is_some()),
        }
    }
    let capacity = cache.size() as usize;
    assert!((4_500..6_500).contains(&capacity), "{capacity}");
    let mut lru = Lru {
        capacity,
        stamps: HashMap::new(),
        log: std::collections::VecDeque::new(),
    };
    let reference = trace
        .iter()
        .enumerate()
        .filter(|&(at, &key)| lru.access(key, at))
        .count();
    let percent = |hits: usize| 100.0 * hits as f64 / trace.len() as f64;
    (percent(hits), percent(reference))
}

/// Fails unless we are at most `loss` points below LRU, or `-loss` above it.
fn at_most_below(loss: f64, name: &str, trace: &[u64]) {
    let (ours, lru) = compare(trace);
    println!("{name}: {ours:.1} % of hits, LRU {lru:.1} %");
    assert!(lru - ours <= loss, "{name}: {ours:.1} %, LRU {lru:.1} %");
}

fn trace(seed: u64, mut next: impl FnMut(&mut Random, u64) -> u64) -> Vec<u64> {
    let mut random = Random(seed);
    (0..REQUESTS as u64)
        .map(|at| next(&mut random, at))
        .collect()
}

#[test]
fn skew_is_won() {
    at_most_below(
        -6.0,
        "zipf 0.8",
        &trace(1, |random, _| zipf(random, 100_000.0, 0.8)),
    );
    at_most_below(
        -3.0,
        "zipf 1.0",
        &trace(2, |random, _| zipf(random, 100_000.0, 1.0)),
    );
}

#[test]
fn scans_pass() {
    let mut scanning = 0;
    let mut fresh = 1 << 32;
    let scans = trace(4, |random, _| {
        if scanning == 0 && random.unit() < 1.0 / 20_000.0 {
            scanning = 10_000;
        }
        if scanning > 0 {
            scanning -= 1;
            fresh += 1;
            return fresh;
        }
        zipf(random, 50_000.0, 1.0)
    });
    at_most_below(-3.0, "zipf 1.0 and scans of twice the capacity", &scans);
    let once = trace(5, |random, at| match random.unit() < 0.5 {
        true => (1 << 32) + at,
        false => zipf(random, 50_000.0, 1.0),
    });
    at_most_below(-3.0, "zipf 1.0 and as many keys used once", &once);
}

#[test]
fn a_hot_set_that_moves_is_followed() {
    let shift = trace(7, |random, at| {
        zipf(random, 50_000.0, 1.0) + at / 40_000 * 50_000
    });
    at_most_below(3.0, "hot set replaced each 40,000 requests", &shift);
    let drift = trace(8, |random, at| zipf(random, 50_000.0, 1.0) + at / 4);
    at_most_below(4.0, "hot set drifting by a key in 4 requests", &drift);
}

#[test]
fn recency_is_followed() {
    let mut history: Vec<u64> = Vec::new();
    let recency = trace(9, |random, at| {
        let key = if !history.is_empty() && random.unit() < 0.75 {
            let distance = 1 + (-(1.0 - random.unit()).ln() * 4_000.0) as usize;
            history[history.len() - distance.min(history.len())]
        } else {
            at
        };
        history.push(key);
        key
    });
    at_most_below(3.0, "geometric stack distances", &recency);
}
