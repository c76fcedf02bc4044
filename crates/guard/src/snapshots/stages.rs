//! What the child's text passes through on its way to its place.

use std::io::{self, Write};

use memguard_fork::Child;

use super::place::Place;

/// How often the disk is looked at while a file grows.
const LOOK_EVERY: u64 = 16 << 20;

/// Counts what passes, tells the parent, and stops before the disk is full.
pub(super) struct Meter<'a, W> {
    to: W,
    child: &'a Child<'a>,
    place: &'a Place,
    written: u64,
    looked_at: u64,
}

impl<'a, W: Write> Meter<'a, W> {
    pub(super) fn new(to: W, child: &'a Child<'a>, place: &'a Place) -> Self {
        Self {
            to,
            child,
            place,
            written: 0,
            looked_at: 0,
        }
    }

    fn look_at_disk(&mut self) -> io::Result<()> {
        if self.written - self.looked_at < LOOK_EVERY {
            return Ok(());
        }
        self.looked_at = self.written;
        let reserve = self.place.disk_reserve();
        match self.place.disk_free() {
            Some(free) if free < reserve => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

impl<W: Write> Write for Meter<'_, W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.look_at_disk()?;
        let length = self.to.write(text)?;
        self.written += length as u64;
        self.child.wrote(self.written);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
