//! What the child's text passes through on its way to its place.

use std::fs::File;
use std::io::{self, Write};

use memguard_capture::{Compression, Shape, ShapeMeter};
use memguard_fork::Child;
use memguard_heap_graph::compress::{self, Compressor};

use super::place::Place;

/// How often the disk is looked at while a file grows.
const LOOK_EVERY: u64 = 16 << 20;

fn compressor<W: Write>(to: W, compression: Compression) -> io::Result<Compressor<W>> {
    let kind = match compression {
        Compression::None => compress::Compression::None,
        Compression::Gzip => compress::Compression::Gzip,
        Compression::Zstd => compress::Compression::Zstd,
    };
    Compressor::new(to, kind)
}

/// The text of a snapshot on its way into a file or a pipe: looked at, and compressed where that is asked for.
pub(super) struct Text<W: Write>(ShapeMeter<Compressor<W>>);

impl<W: Write> Text<W> {
    pub(super) fn new(to: W, compression: Compression) -> io::Result<Self> {
        compressor(to, compression).map(|to| Self(ShapeMeter::new(to)))
    }

    /// Writes what is still to be written. Answers what has passed, which was whole.
    pub(super) fn finish(self) -> io::Result<Shape> {
        let (shape, compressor) = self.0.finish()?;
        compressor.finish()?.flush()?;
        Ok(shape)
    }
}

impl<W: Write> Write for Text<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Compresses one file into another.
pub(super) fn compress(mut from: File, to: File, compression: Compression) -> io::Result<Shape> {
    let mut text = Text::new(to, compression)?;
    io::copy(&mut from, &mut text)?;
    text.finish()
}

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
