//! A ring that grows to its capacity in chunks, and one that merges what it is given by time.

use std::collections::VecDeque;
use std::mem::size_of;

use super::{FIGURES, Raw};

/// Points that are added to a ring's allocation at a time.
const CHUNK: usize = 64;

/// The last `capacity` points.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    points: VecDeque<T>,
    capacity: usize,
}

impl<T> Ring<T> {
    pub fn new(capacity: usize) -> Self {
        Self {
            points: VecDeque::new(),
            capacity: capacity.max(1),
        }
    }

    pub fn push(&mut self, point: T) {
        if self.points.len() == self.capacity {
            self.points.pop_front();
        } else if self.points.len() == self.points.capacity() {
            // `reserve_exact`, lest doubling overshoot the promised bound.
            let more = CHUNK.min(self.capacity - self.points.len());
            self.points.reserve_exact(more);
        }
        self.points.push_back(point);
    }

    pub fn first(&self) -> Option<&T> {
        self.points.front()
    }

    pub fn last(&self) -> Option<&T> {
        self.points.back()
    }

    pub fn is_full(&self) -> bool {
        self.points.len() == self.capacity
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.points.iter()
    }

    pub fn memory_bytes(&self) -> usize {
        self.points.capacity() * size_of::<T>()
    }

    pub fn max_memory_bytes(&self) -> usize {
        self.capacity * size_of::<T>()
    }
}

/// Several readings in one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Merged {
    /// Start of the span.
    pub at_ms: u64,
    pub mean: [f32; FIGURES],
    pub min: [f32; FIGURES],
    pub max: [f32; FIGURES],
}

impl Merged {
    pub fn of(raw: &Raw) -> Self {
        Self {
            at_ms: raw.at_ms,
            mean: raw.values,
            min: raw.values,
            max: raw.values,
        }
    }
}

/// Sums up to one merged point. NaN figures don't count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    at_ms: u64,
    count: [u32; FIGURES],
    sum: [f64; FIGURES],
    min: [f32; FIGURES],
    max: [f32; FIGURES],
}

impl Sum {
    pub fn new(at_ms: u64) -> Self {
        Self {
            at_ms,
            count: [0; FIGURES],
            sum: [0.0; FIGURES],
            min: [f32::NAN; FIGURES],
            max: [f32::NAN; FIGURES],
        }
    }

    pub fn add(&mut self, point: &Merged) {
        for i in 0..FIGURES {
            if point.mean[i].is_nan() {
                continue;
            }
            self.count[i] = self.count[i].saturating_add(1);
            self.sum[i] += f64::from(point.mean[i]);
            // `min` and `max` ignore a NaN on the left.
            self.min[i] = self.min[i].min(point.min[i]);
            self.max[i] = self.max[i].max(point.max[i]);
        }
    }

    pub fn merged(&self) -> Merged {
        let mut mean = [f32::NAN; FIGURES];
        for (i, mean) in mean.iter_mut().enumerate() {
            if self.count[i] > 0 {
                *mean = (self.sum[i] / f64::from(self.count[i])) as f32;
            }
        }
        Merged {
            at_ms: self.at_ms,
            mean,
            min: self.min,
            max: self.max,
        }
    }
}

/// A ring of points of a fixed span, with the one that is being filled.
#[derive(Debug)]
pub(crate) struct Merger {
    span_ms: u64,
    ring: Ring<Merged>,
    open: Option<(u64, Sum)>,
}

impl Merger {
    pub fn new(span_ms: u64, points: usize) -> Self {
        Self {
            span_ms: span_ms.max(1),
            ring: Ring::new(points),
            open: None,
        }
    }

    pub fn push(&mut self, raw: &Raw) {
        let span = raw.at_ms / self.span_ms;
        let sum = match &mut self.open {
            Some((open, sum)) if *open == span => sum,
            open => {
                if let Some((_, sum)) = open.take() {
                    self.ring.push(sum.merged());
                }
                &mut open.insert((span, Sum::new(span * self.span_ms))).1
            }
        };
        sum.add(&Merged::of(raw));
    }

    pub fn first_ms(&self) -> Option<u64> {
        self.ring.first().map(|point| point.at_ms)
    }

    pub fn is_full(&self) -> bool {
        self.ring.is_full()
    }

    /// How far back the ring reaches when it is full.
    pub fn reach_ms(&self) -> u64 {
        self.span_ms.saturating_mul(self.ring.capacity as u64)
    }

    /// Points that end after `from`, the unfinished one last.
    pub fn iter(&self, from: u64) -> impl Iterator<Item = Merged> {
        let open = self.open.as_ref().map(|(_, sum)| sum.merged());
        self.ring
            .iter()
            .copied()
            .chain(open)
            .filter(move |point| point.at_ms.saturating_add(self.span_ms) > from)
    }

    pub fn memory_bytes(&self) -> usize {
        self.ring.memory_bytes()
    }

    pub fn max_memory_bytes(&self) -> usize {
        self.ring.max_memory_bytes()
    }
}
