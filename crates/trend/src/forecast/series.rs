//! What a level was, over nine horizons, in a bounded memory: blocks of time, fine for the last three horizons and
//! coarse for all.

use std::collections::VecDeque;

/// Fine blocks to a horizon, and coarse ones.
const FINE: u64 = 20;
const COARSE: u64 = 5;
/// Pairs of points are what a decision costs.
const MOST_POINTS: usize = 24;
/// How many horizons each reach back.
const FINE_REACH: u64 = 3;
const COARSE_REACH: u64 = 9;

/// A stretch of time, summed up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Block {
    /// When the last reading in it was taken.
    pub at_ms: u64,
    /// The least that was used.
    pub low: f64,
    /// The least and the most that was live after a major GC, where there was one.
    pub live: Option<(f64, f64)>,
}

/// One window of a series, oldest first: times in horizons before now (negative), levels as they were.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Window {
    /// Time in horizons, the last at most 0.
    pub at: Vec<f64>,
    /// Bytes.
    pub level: Vec<f64>,
    /// Whether these are live heaps after major GCs; else it is the lower envelope of what was used.
    pub live: bool,
}

impl Window {
    /// The lowest of each few neighbours, so that there are not many more than `most`.
    fn thinned(self, most: usize) -> Self {
        let group = self.level.len().div_ceil(most.max(1));
        if group <= 1 {
            return self;
        }
        let lowest = |(at, level): (&[f64], &[f64])| {
            let points = at.iter().copied().zip(level.iter().copied());
            points.min_by(|a, b| a.1.total_cmp(&b.1))
        };
        let (at, level) = self
            .at
            .chunks(group)
            .zip(self.level.chunks(group))
            .filter_map(lowest)
            .unzip();
        Self { at, level, ..self }
    }
}

/// The history of one level.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    horizon_ms: u64,
    fine: Blocks,
    coarse: Blocks,
    last_live: Option<(f64, u64)>,
    past: Past,
}

/// What is remembered for good.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Past {
    /// The highest level that is older than half a horizon.
    pub peak: Option<f64>,
    /// The highest level since the last relapse, and the lowest since that.
    crest: f64,
    /// The deepest fall from a crest.
    pub deepest: f64,
    /// How often the level fell by a fifth of its crest or more, and rose again.
    pub relapses: u32,
    fallen: bool,
    trough: f64,
}

#[derive(Clone, Debug)]
struct Blocks {
    step_ms: u64,
    capacity: usize,
    blocks: VecDeque<Block>,
}

impl Series {
    pub(crate) fn new(horizon_ms: u64) -> Self {
        Self {
            horizon_ms,
            fine: Blocks::new(horizon_ms / FINE, FINE * FINE_REACH),
            coarse: Blocks::new(horizon_ms / COARSE, COARSE * COARSE_REACH),
            last_live: None,
            past: Past::default(),
        }
    }

    /// Takes what is used now, and the live heap after the last major GC with the time of that GC.
    pub(crate) fn push(&mut self, at_ms: u64, used: f64, live: Option<(f64, u64)>) {
        let fresh = live
            .filter(|(_, measured)| self.last_live.is_none_or(|(_, before)| *measured > before));
        if fresh.is_some() {
            self.last_live = fresh;
        }
        let live = fresh.map(|(live, _)| live);
        self.fine.push(at_ms, used, live);
        if let Some(finished) = self.coarse.push(at_ms, used, live) {
            self.past
                .take(finished.live.map_or(finished.low, |live| live.1));
        }
    }

    /// What is live now, as far as is known: after the last major GC, or less if less is used.
    pub(crate) fn level(&self) -> Option<f64> {
        let low = self.fine.blocks.back()?.low;
        Some(self.last_live.map_or(low, |(live, _)| live.min(low)))
    }

    /// The least that was used in the last block.
    pub(crate) fn low(&self) -> Option<f64> {
        self.fine.blocks.back().map(|block| block.low)
    }

    /// How long ago the last major GC was, in horizons.
    pub(crate) fn since_live(&self) -> Option<f64> {
        let now = self.fine.blocks.back()?.at_ms;
        let (_, measured) = self.last_live?;
        Some(now.saturating_sub(measured) as f64 / self.horizon_ms as f64)
    }

    pub(crate) fn past(&self) -> &Past {
        &self.past
    }

    /// The last `horizons`, by fine blocks up to one horizon and by coarse ones beyond; at most some twenty points.
    pub(crate) fn window(&self, horizons: f64) -> Window {
        let blocks = if horizons <= 1.0 {
            &self.fine
        } else {
            &self.coarse
        };
        blocks
            .window(horizons, self.horizon_ms as f64)
            .thinned(MOST_POINTS)
    }

    /// The highest level of the last `horizons`.
    pub(crate) fn highest(&self, horizons: f64) -> f64 {
        let Some(now) = self.fine.blocks.back().map(|block| block.at_ms) else {
            return 0.0;
        };
        let reach = (horizons * self.horizon_ms as f64) as u64;
        self.fine
            .blocks
            .iter()
            .filter(|block| now - block.at_ms <= reach)
            .filter_map(|block| block.live.map(|live| live.1))
            .fold(self.level().unwrap_or_default(), f64::max)
    }
}

impl Past {
    /// Takes the level of a coarse block that is over.
    fn take(&mut self, level: f64) {
        self.peak = Some(self.peak.map_or(level, |peak| peak.max(level)));
        if level >= self.crest {
            self.crest = level;
            self.fallen = false;
            return;
        }
        self.deepest = self.deepest.max(self.crest - level);
        if !self.fallen && level < 0.8 * self.crest {
            self.fallen = true;
            self.relapses = self.relapses.saturating_add(1);
            self.trough = level;
        }
        if self.fallen {
            self.trough = self.trough.min(level);
            // It rises again: what comes next is a tooth of its own.
            if level > self.trough * 1.1 {
                self.crest = level;
                self.fallen = false;
            }
        }
    }
}

impl Blocks {
    fn new(step_ms: u64, capacity: u64) -> Self {
        Self {
            step_ms: step_ms.max(1),
            capacity: capacity as usize + 1,
            blocks: VecDeque::new(),
        }
    }

    /// Answers the block that is over with this reading.
    fn push(&mut self, at_ms: u64, used: f64, live: Option<f64>) -> Option<Block> {
        let live = live.map(|live| (live, live));
        if let Some(last) = self.blocks.back_mut()
            && last.at_ms / self.step_ms == at_ms / self.step_ms
        {
            last.at_ms = at_ms;
            last.low = last.low.min(used);
            last.live = match (last.live, live) {
                (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
                (a, b) => a.or(b),
            };
            return None;
        }
        let finished = self.blocks.back().copied();
        if self.blocks.len() >= self.capacity {
            self.blocks.pop_front();
        }
        self.blocks.push_back(Block {
            at_ms,
            low: used,
            live,
        });
        finished
    }

    fn window(&self, horizons: f64, horizon_ms: f64) -> Window {
        let Some(now) = self.blocks.back().map(|block| block.at_ms) else {
            return Window::default();
        };
        let ago = |block: &Block| (now - block.at_ms) as f64 / horizon_ms;
        let inside: Vec<&Block> = self
            .blocks
            .iter()
            .filter(|block| ago(block) <= horizons)
            .collect();
        let mut at = Vec::with_capacity(inside.len());
        let mut level = Vec::with_capacity(inside.len());
        for block in &inside {
            if let Some((least, _)) = block.live {
                at.push(-ago(block));
                level.push(least);
            }
        }
        if level.len() >= ENOUGH_LIVE {
            return Window {
                at,
                level,
                live: true,
            };
        }
        // What is used later cannot have been live in addition before: the least of all that follows.
        let mut least = f64::INFINITY;
        let mut envelope: Vec<f64> = inside
            .iter()
            .rev()
            .map(|block| {
                least = least.min(block.low);
                least
            })
            .collect();
        envelope.reverse();
        Window {
            at: inside.iter().map(|block| -ago(block)).collect(),
            level: envelope,
            live: false,
        }
    }
}

/// With fewer major GCs in a window than this, the lower envelope of what was used stands in.
const ENOUGH_LIVE: usize = 4;
