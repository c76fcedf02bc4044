//! Captures under way, by a number that JavaScript keeps between their steps.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

/// What is under way, of one kind.
pub(crate) struct Tickets<T> {
    under_way: Mutex<Option<HashMap<u32, T>>>,
    next: AtomicU32,
}

impl<T> Tickets<T> {
    pub(crate) const fn new() -> Self {
        Self {
            under_way: Mutex::new(None),
            next: AtomicU32::new(1),
        }
    }

    /// A new ticket for it.
    pub(crate) fn issue(&self, under_way: T) -> u32 {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        self.put(ticket, under_way);
        ticket
    }

    /// Whoever takes it has it alone, until it is put back.
    pub(crate) fn take(&self, ticket: u32) -> Option<T> {
        self.under_way.lock().as_mut()?.remove(&ticket)
    }

    pub(crate) fn put(&self, ticket: u32, under_way: T) {
        self.under_way
            .lock()
            .get_or_insert_default()
            .insert(ticket, under_way);
    }

    /// The sum of a figure of all that is here.
    pub(crate) fn sum(&self, figure: impl Fn(&T) -> u64) -> u64 {
        self.under_way
            .lock()
            .as_ref()
            .map_or(0, |all| all.values().map(figure).sum())
    }
}
