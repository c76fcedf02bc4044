//! What the memory that grows is made of, as far as figures alone can tell.

use serde::{Deserialize, Serialize};

use super::ForecastConfig;
use super::robust::{Trend, trend};
use super::series::Series;
use crate::clock::ForwardClock;

/// What memory is made of at one moment, in bytes. All isolates of a process together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MakeupReading {
    /// Monotonic time in ms.
    pub at_ms: u64,
    /// Used bytes of the heaps.
    pub heap_used: f64,
    /// Bytes live after the last major GC, and when that was.
    pub live: Option<(f64, u64)>,
    /// Bytes that V8 holds for the heaps.
    pub heap_total: f64,
    /// Bytes outside of the heaps that their objects keep alive.
    pub external: f64,
    /// Resident set size.
    pub rss: f64,
    /// Bytes allocated per second: what stands for the load.
    pub allocation_rate: Option<f64>,
    /// What the caches that are known hold, and may hold at most.
    pub caches: Option<(f64, f64)>,
    /// Handles and requests of the event loop: sockets, timers, files.
    pub handles: Option<f64>,
}

/// What kind of growth it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Nothing grows.
    None,
    /// Live objects of JavaScript.
    JsHeap,
    /// Memory outside of the heap that objects keep alive: Buffers, ArrayBuffers, what addons report.
    External,
    /// Resident memory that V8 knows nothing of, at a steady rate.
    Native,
    /// The same, but less and less: what allocators keep after a peak looks like this.
    Fragmentation,
    /// A cache with a bound that it has not reached, or something that fills ever more slowly.
    CacheFilling,
    /// Memory that goes with the load and came down with it before.
    Load,
    /// A limit is being used up, but by none of these, or too little was seen.
    Unknown,
}

/// One part of memory that grows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Growth {
    /// Which part.
    pub part: Part,
    /// How fast, in bytes an hour (a count for handles).
    pub per_hour: f64,
    /// Its share of all growth, 0 to 1; 0 for caches and handles, which lie within the others.
    pub share: f64,
    /// Mann–Kendall's z of the trend.
    pub z: f64,
    /// Whether it becomes slower.
    pub slowing: bool,
}

/// A part of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// Live objects on the heap.
    LiveHeap,
    /// Outside of the heap, held by objects.
    External,
    /// Resident, and neither of the heap nor of its objects.
    Rest,
    /// In caches that memguard knows.
    Caches,
    /// Handles and requests: a count.
    Handles,
}

/// Keeps what is needed to tell kinds of growth apart: some 30 KB.
#[derive(Clone, Debug)]
pub struct Makeup {
    horizon_ms: f64,
    clock: ForwardClock,
    parts: [(Part, Series); 5],
    load: Series,
    rss: f64,
    cache_room: Option<f64>,
}

/// Beyond this z a trend is no chance.
const SIGNIFICANT: f64 = 1.645;
/// Growth below this share of the resident set an hour is none.
const NEGLIGIBLE: f64 = 0.002;
/// Kendall's tau with the load from which growth is the load's.
const WITH_LOAD: f64 = 0.6;

impl Makeup {
    /// Knows nothing yet.
    pub fn new(config: &ForecastConfig) -> Self {
        let horizon_ms = config.horizon_ms();
        let part = |part| (part, Series::new(horizon_ms));
        Self {
            horizon_ms: horizon_ms as f64,
            clock: ForwardClock::default(),
            parts: [
                part(Part::LiveHeap),
                part(Part::External),
                part(Part::Rest),
                part(Part::Caches),
                part(Part::Handles),
            ],
            load: Series::new(horizon_ms),
            rss: 0.0,
            cache_room: None,
        }
    }

    /// Takes a reading.
    pub fn observe(&mut self, reading: &MakeupReading) {
        let now = self.clock.advance(reading.at_ms);
        let live = reading
            .live
            .map(|(live, at)| (live, now.saturating_sub(reading.at_ms.saturating_sub(at))));
        self.rss = reading.rss;
        if let Some((held, most)) = reading.caches {
            self.cache_room = Some((most - held).max(0.0));
        }
        let rest = (reading.rss - reading.heap_total - reading.external).max(0.0);
        for (part, series) in &mut self.parts {
            match part {
                Part::LiveHeap => series.push(now, reading.heap_used, live),
                Part::External => series.push(now, reading.external, None),
                Part::Rest => series.push(now, rest, None),
                Part::Caches => {
                    if let Some((held, _)) = reading.caches {
                        series.push(now, held, None);
                    }
                }
                Part::Handles => {
                    if let Some(handles) = reading.handles {
                        series.push(now, handles, None);
                    }
                }
            }
        }
        if let Some(rate) = reading.allocation_rate {
            // Every rate counts, also those that are followed by lower ones.
            self.load.push(now, rate, Some((rate, now.max(1))));
        }
    }

    /// The parts that grow, fastest first; caches and handles last.
    pub fn growing(&self) -> Vec<Growth> {
        let per_hour = 3_600_000.0 / self.horizon_ms;
        let negligible = (NEGLIGIBLE * self.rss).max(1.0);
        let mut growing: Vec<Growth> = self
            .parts
            .iter()
            .filter_map(|(part, series)| {
                let [one, three, nine] = [1.0, 3.0, 9.0].map(|horizons| {
                    let window = series.window(horizons);
                    trend(&window.at, &window.level)
                });
                let fastest = if one.slope > three.slope { one } else { three };
                let is_count = *part == Part::Handles;
                let enough = fastest.slope * per_hour > if is_count { 1.0 } else { negligible };
                (enough && one.z.max(three.z) > SIGNIFICANT).then(|| Growth {
                    part: *part,
                    per_hour: fastest.slope * per_hour,
                    share: 0.0,
                    z: one.z.max(three.z),
                    slowing: is_slowing(&one, &three) || is_slowing(&three, &nine),
                })
            })
            .collect();
        let is_whole = |part: Part| !matches!(part, Part::Caches | Part::Handles);
        let whole: f64 = growing
            .iter()
            .filter(|it| is_whole(it.part))
            .map(|it| it.per_hour)
            .sum();
        for growth in &mut growing {
            if is_whole(growth.part) {
                growth.share = growth.per_hour / whole;
            }
        }
        growing.sort_by(|a, b| {
            is_whole(b.part)
                .cmp(&is_whole(a.part))
                .then(b.per_hour.total_cmp(&a.per_hour))
        });
        growing
    }

    /// What kind of growth it is. Nothing is called a leak of JavaScript unless the live heap grows.
    pub fn verdict(&self) -> Verdict {
        let growing = self.growing();
        let Some(first) = growing.first() else {
            return Verdict::None;
        };
        match first.part {
            Part::LiveHeap if self.goes_with_load() => Verdict::Load,
            Part::LiveHeap if first.slowing || self.is_cache(&growing, first.per_hour) => {
                Verdict::CacheFilling
            }
            Part::LiveHeap => Verdict::JsHeap,
            Part::External if self.is_cache(&growing, first.per_hour) => Verdict::CacheFilling,
            Part::External => Verdict::External,
            Part::Rest if first.slowing => Verdict::Fragmentation,
            Part::Rest => Verdict::Native,
            Part::Caches | Part::Handles => Verdict::Unknown,
        }
    }

    /// Whether most of the growth is a cache's that still has room.
    fn is_cache(&self, growing: &[Growth], whole: f64) -> bool {
        let cache = growing.iter().find(|it| it.part == Part::Caches);
        self.cache_room.is_some_and(|room| room > 0.0)
            && cache.is_some_and(|cache| cache.per_hour > 0.5 * whole)
    }

    /// Whether the heap has gone up and down with the rate of allocation.
    fn goes_with_load(&self) -> bool {
        let [(_, heap), ..] = &self.parts;
        if heap.past().relapses == 0 {
            return false;
        }
        let (heap, load) = (heap.window(9.0), self.load.window(9.0));
        let pairs: Vec<(f64, f64)> = heap
            .at
            .iter()
            .zip(&heap.level)
            .filter_map(|(at, level)| {
                let near = load.at.iter().zip(&load.level);
                let (when, rate) =
                    near.min_by(|a, b| (a.0 - at).abs().total_cmp(&(b.0 - at).abs()))?;
                ((when - at).abs() < 0.3).then_some((*level, *rate))
            })
            .collect();
        pairs.len() >= 8 && kendall(&pairs) > WITH_LOAD
    }
}

/// Whether it grew of late at less than half of the rate of a longer time, which is no chance.
fn is_slowing(late: &Trend, long: &Trend) -> bool {
    long.z > SIGNIFICANT && late.slope < 0.5 * long.slope
}

/// Kendall's tau.
fn kendall(pairs: &[(f64, f64)]) -> f64 {
    let mut sum = 0.0;
    let mut count = 0.0;
    for (i, a) in pairs.iter().enumerate() {
        for b in &pairs[i + 1..] {
            let sign = (a.0 - b.0) * (a.1 - b.1);
            sum += f64::from(i8::from(sign > 0.0) - i8::from(sign < 0.0));
            count += 1.0;
        }
    }
    sum / f64::max(count, 1.0)
}
