//! The hour in progress: one maximum for every half minute, whatever the sampling interval is.

use crate::baseline::week::Summary;
use crate::clock::HOUR_MS;

const SLOT_MS: u64 = 30_000;
/// What an hour must have to count: this many slots with a value …
const MIN_SLOTS: usize = 3;
/// … over at least a quarter of an hour.
const MIN_SPAN_SLOTS: u8 = 30;

/// At most 120 maxima of the hour in progress.
#[derive(Clone, Debug, Default)]
pub(super) struct HourSketch {
    hour: u64,
    slots: Vec<(u8, f32)>,
}

impl HourSketch {
    /// Adds a value; the summary of the hour before, if this begins another and there was enough of it.
    pub(super) fn add(&mut self, local_ms: u64, value: f64) -> Option<Summary> {
        // Nobody has so much memory, but infinity could not be stored.
        let value = value.min(f64::from(f32::MAX)) as f32;
        let (hour, slot) = (local_ms / HOUR_MS, (local_ms % HOUR_MS / SLOT_MS) as u8);
        let finished = if hour == self.hour {
            None
        } else {
            self.finish()
        };
        self.hour = hour;
        match self.slots.last_mut() {
            // A small step backwards of wall time (NTP) belongs to the last slot: slots only go forward.
            Some((last, max)) if *last >= slot => *max = max.max(value),
            _ => self.slots.push((slot, value)),
        }
        finished
    }

    /// Ends the hour: its summary, if there was enough of it.
    pub(super) fn finish(&mut self) -> Option<Summary> {
        let slots = std::mem::take(&mut self.slots);
        let span = slots.last()?.0 - slots.first()?.0;
        if slots.len() < MIN_SLOTS || span < MIN_SPAN_SLOTS {
            return None;
        }
        let mut values: Vec<f32> = slots.into_iter().map(|(_, value)| value).collect();
        values.sort_unstable_by(f32::total_cmp);
        let rank = |quantile: f64| {
            ((values.len() as f64 * quantile).ceil() as usize).clamp(1, values.len()) - 1
        };
        Some(Summary {
            epoch_hour: i32::try_from(self.hour).ok()?,
            median: values[rank(0.5)],
            high: values[rank(0.95)],
            slots: values.len() as u8,
        })
    }
}
