//! A ring of the last collections: one writer, one reader, no lock.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// How many collections are kept. At two readings a second that is room for 500 collections a
/// second before one is lost (and counted as lost).
const CAPACITY: u64 = 256;

/// Which part of the heap was collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GcKind {
    /// The nursery: a scavenge or minor mark-sweep.
    Minor,
    /// The whole heap: mark-sweep-compact.
    Major,
}

/// One collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GcRecord {
    /// Which part of the heap.
    pub kind: GcKind,
    /// When it ended, on the guard's clock.
    pub at_us: u64,
    /// From V8's prologue to its epilogue.
    pub duration_us: u64,
    /// Used bytes before it; 0 when unknown.
    pub used_before: u64,
    /// Used bytes after it.
    pub used_after: u64,
    /// Somebody asked for it: a forced collection, or one that belongs to a snapshot.
    pub induced: bool,
}

impl GcRecord {
    /// Whether what it freed is known.
    pub fn knows_before(&self) -> bool {
        self.used_before != 0
    }

    /// Whether it says something of how the app fares.
    pub fn is_telling(&self) -> bool {
        self.kind == GcKind::Major && self.knows_before() && !self.induced
    }
}

#[derive(Default)]
struct Entry {
    /// Duration in microseconds times four, 1 more for a major, 2 more for an induced collection.
    duration_and_kind: AtomicU64,
    at_us: AtomicU64,
    used_before: AtomicU64,
    used_after: AtomicU64,
}

pub(super) struct GcRing {
    /// How many collections were ever written.
    written: AtomicU64,
    entries: Box<[Entry]>,
}

impl GcRing {
    pub(super) fn new() -> Self {
        Self {
            written: AtomicU64::new(0),
            entries: (0..CAPACITY).map(|_| Entry::default()).collect(),
        }
    }

    pub(super) fn reset(&self) {
        self.written.store(0, Ordering::Release);
    }

    /// Writes a collection; called by the isolate's thread only.
    pub(super) fn push(&self, record: &GcRecord) {
        let written = self.written.load(Ordering::Relaxed);
        // A reader that sees any of the stores below also sees `written` as it is now, and so knows
        // that this place is being overwritten.
        fence(Ordering::Release);
        let entry = &self.entries[(written % CAPACITY) as usize];
        let kind = u64::from(record.kind == GcKind::Major) | u64::from(record.induced) << 1;
        entry
            .duration_and_kind
            .store(record.duration_us << 2 | kind, Ordering::Relaxed);
        entry.at_us.store(record.at_us, Ordering::Relaxed);
        entry
            .used_before
            .store(record.used_before, Ordering::Relaxed);
        entry.used_after.store(record.used_after, Ordering::Relaxed);
        self.written.store(written + 1, Ordering::Release);
    }

    /// The records from position `from` on, the next position, and how many were overwritten.
    pub(super) fn since(&self, from: u64) -> (Vec<GcRecord>, u64, u64) {
        let end = self.written.load(Ordering::Acquire);
        let first = from.max(end.saturating_sub(CAPACITY)).min(end);
        let records: Vec<_> = (first..end).map(|position| self.read(position)).collect();
        // The oldest entries may have been overwritten while they were read: one whose place the
        // writer has reached, or is writing now, does not count.
        fence(Ordering::Acquire);
        let safe_from = (self.written.load(Ordering::Relaxed) + 1).saturating_sub(CAPACITY);
        let torn = safe_from.saturating_sub(first).min(end - first);
        let records = records.into_iter().skip(torn as usize).collect();
        let lost = first.saturating_sub(from) + torn;
        (records, end, lost)
    }

    fn read(&self, position: u64) -> GcRecord {
        let entry = &self.entries[(position % CAPACITY) as usize];
        let duration_and_kind = entry.duration_and_kind.load(Ordering::Relaxed);
        GcRecord {
            kind: if duration_and_kind & 1 == 1 {
                GcKind::Major
            } else {
                GcKind::Minor
            },
            at_us: entry.at_us.load(Ordering::Relaxed),
            duration_us: duration_and_kind >> 2,
            used_before: entry.used_before.load(Ordering::Relaxed),
            used_after: entry.used_after.load(Ordering::Relaxed),
            induced: duration_and_kind & 2 != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(n: u64) -> GcRecord {
        GcRecord {
            kind: if n.is_multiple_of(3) {
                GcKind::Major
            } else {
                GcKind::Minor
            },
            at_us: n,
            duration_us: n * 2,
            used_before: n * 3,
            used_after: n * 4,
            induced: n.is_multiple_of(5),
        }
    }

    #[test]
    fn what_was_written_is_read_once_and_in_order() {
        let ring = GcRing::new();
        (0..5).for_each(|n| ring.push(&record(n)));
        let (records, next, lost) = ring.since(2);
        assert_eq!(records, [record(2), record(3), record(4)]);
        assert_eq!((next, lost), (5, 0));
        assert_eq!(ring.since(next), (vec![], 5, 0));
    }

    #[test]
    fn a_reader_that_comes_late_is_told_what_it_missed() {
        let ring = GcRing::new();
        (0..CAPACITY + 10).for_each(|n| ring.push(&record(n)));
        let (records, next, lost) = ring.since(0);
        assert_eq!(records.len() as u64 + lost, next);
        assert_eq!(records.last(), Some(&record(CAPACITY + 9)));
        assert!(lost >= 10);
    }

    #[test]
    fn a_position_of_an_earlier_isolate_is_not_an_underflow() {
        let ring = GcRing::new();
        ring.push(&record(1));
        ring.reset();
        assert_eq!(ring.since(1), (vec![], 0, 0));
    }

    #[test]
    fn a_racing_reader_never_sees_a_torn_record() {
        let ring = GcRing::new();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..200_000).for_each(|n| ring.push(&record(n))));
            let mut seen = 0;
            while seen < 200_000 {
                let (records, next, lost) = ring.since(seen);
                assert_eq!(records.len() as u64 + lost, next - seen);
                for read in records {
                    assert_eq!(read, record(read.at_us));
                }
                seen = next;
            }
        });
    }
}
