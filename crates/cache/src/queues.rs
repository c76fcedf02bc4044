//! First-in-first-out lists of slots, linked through them.

use crate::slots::{NONE, SlotTable};

/// A list of slots with the bytes of their entries.
#[derive(Debug)]
pub(crate) struct Queue {
    /// What a slot of this list has in `queue`.
    name: u8,
    head: u32,
    tail: u32,
    pub(crate) bytes: u64,
}

impl Queue {
    pub(crate) fn new(name: u8) -> Self {
        Self {
            name,
            head: NONE,
            tail: NONE,
            bytes: 0,
        }
    }

    /// The slot that came first.
    pub(crate) fn head(&self) -> Option<u32> {
        (self.head != NONE).then_some(self.head)
    }

    pub(crate) fn push(&mut self, slots: &mut SlotTable, slot: u32, bytes: u64) {
        let entry = slots.get_mut(slot);
        entry.queue = self.name;
        entry.previous = self.tail;
        entry.next = NONE;
        if self.tail == NONE {
            self.head = slot;
        } else {
            slots.get_mut(self.tail).next = slot;
        }
        self.tail = slot;
        self.bytes += bytes;
    }

    pub(crate) fn remove(&mut self, slots: &mut SlotTable, slot: u32, bytes: u64) {
        let (previous, next) = {
            let entry = slots.get(slot);
            (entry.previous, entry.next)
        };
        self.link(slots, previous, next);
        self.bytes -= bytes;
    }

    /// Puts `to`, a copy of `from`, in its place.
    pub(crate) fn replace(&mut self, slots: &mut SlotTable, to: u32) {
        let (previous, next) = {
            let entry = slots.get(to);
            (entry.previous, entry.next)
        };
        self.link(slots, previous, to);
        self.link(slots, to, next);
    }

    /// Makes two neighbours of two slots; `NONE` is what lies beyond the ends.
    fn link(&mut self, slots: &mut SlotTable, previous: u32, next: u32) {
        if previous == NONE {
            self.head = next;
        } else {
            slots.get_mut(previous).next = next;
        }
        if next == NONE {
            self.tail = previous;
        } else {
            slots.get_mut(next).previous = previous;
        }
    }
}
