//! The bytes of a snapshot, chunk by chunk, from wherever they come.
//!
//! Chunks end behind a byte that is neither digit nor minus, so that no number is cut in two. Several threads may take chunks in turn (behind
//! a lock) and give back those that they have no use for.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ReadError;
use crate::control::{CancelSignal, Phase, Progress, ProgressListener};

/// Large enough to make locks and system calls cheap, small enough to stay in a core's own cache.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;
/// The longest number that is looked for at the end of a chunk.
const LONGEST_NUMBER: usize = 32;
/// How much a compressed file may grow. V8's snapshots shrink to a twentieth or so; gzip's own limit is a thousandth.
const MOST_EXPANSION: u64 = 256;
/// Up to here the expansion does not matter.
const FREE_EXPANSION_BYTES: u64 = 64 << 20;

/// Some bytes of the snapshot, of which those before `at` are done with.
#[derive(Default)]
pub(crate) struct Chunk {
    buffer: Vec<u8>,
    end: usize,
    /// The first byte that is not done with.
    pub(crate) at: usize,
    /// Offset of the buffer's first byte in the snapshot.
    start: u64,
}

impl Chunk {
    /// What is not done with.
    #[inline]
    pub(crate) fn rest(&self) -> &[u8] {
        &self.buffer[self.at..self.end]
    }

    /// The offset in the snapshot of the first byte that is not done with.
    pub(crate) fn offset(&self) -> u64 {
        self.start + self.at as u64
    }
}

/// Where bytes come from and under which limits.
pub(crate) struct Input<'r> {
    reader: Box<dyn Read + Send + 'r>,
    given_back: VecDeque<Chunk>,
    carry: Vec<u8>,
    spare: Vec<Vec<u8>>,
    /// Offset of the next byte to hand out.
    offset: u64,
    ended: bool,
    /// Bytes taken from the file itself: fewer than handed out where it is compressed.
    taken: Arc<AtomicU64>,
    /// Bytes of the file itself, where known.
    total: Option<u64>,
    compressed: bool,
    max_bytes: u64,
    cancel: CancelSignal,
    progress: Option<ProgressListener>,
    told: u64,
}

/// What [`Input::new`] must know besides the reader.
pub(crate) struct InputOptions {
    pub(crate) taken: Arc<AtomicU64>,
    pub(crate) total: Option<u64>,
    pub(crate) compressed: bool,
    pub(crate) max_bytes: u64,
    pub(crate) cancel: CancelSignal,
    pub(crate) progress: Option<ProgressListener>,
}

impl<'r> Input<'r> {
    pub(crate) fn new(reader: Box<dyn Read + Send + 'r>, options: InputOptions) -> Self {
        let InputOptions {
            taken,
            total,
            compressed,
            max_bytes,
            cancel,
            progress,
        } = options;
        Self {
            reader,
            given_back: VecDeque::new(),
            carry: Vec::new(),
            spare: Vec::new(),
            offset: 0,
            ended: false,
            taken,
            total,
            compressed,
            max_bytes,
            cancel,
            progress,
            told: 0,
        }
    }

    /// How many bytes the snapshot's text has, where that is known: for a file that is not compressed.
    pub(crate) fn known_length(&self) -> Option<u64> {
        self.total.filter(|_| !self.compressed)
    }

    /// The offset of the next byte to be handed out.
    pub(crate) fn next_offset(&self) -> u64 {
        self.given_back.front().map_or(self.offset, Chunk::offset)
    }

    /// The next chunk, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Chunk>, ReadError> {
        if let Some(chunk) = self.given_back.pop_front() {
            return Ok(Some(chunk));
        }
        if self.cancel.is_cancelled() {
            return Err(ReadError::Cancelled {
                offset: self.offset,
            });
        }
        let mut buffer = self
            .spare
            .pop()
            .unwrap_or_else(|| vec![0; CHUNK_BYTES + LONGEST_NUMBER]);
        let mut end = self.carry.len();
        buffer[..end].copy_from_slice(&self.carry);
        self.carry.clear();
        while end < CHUNK_BYTES && !self.ended {
            match self.reader.read(&mut buffer[end..CHUNK_BYTES]) {
                Ok(0) => self.ended = true,
                Ok(count) => end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(ReadError::Io {
                        offset: self.offset + end as u64,
                        source,
                    });
                }
            }
        }
        if end == 0 {
            self.tell(true);
            return Ok(None);
        }
        if !self.ended {
            let digits = buffer[..end]
                .iter()
                .rev()
                .take(LONGEST_NUMBER)
                .take_while(|&&byte| byte.is_ascii_digit() || byte == b'-')
                .count();
            if digits < LONGEST_NUMBER {
                self.carry.extend_from_slice(&buffer[end - digits..end]);
                end -= digits;
            }
        }
        let chunk = Chunk {
            buffer,
            end,
            at: 0,
            start: self.offset,
        };
        self.offset += end as u64;
        self.check_limits()?;
        self.tell(false);
        Ok(Some(chunk))
    }

    /// Puts chunks back that were taken last, in any order among themselves.
    pub(crate) fn give_back(&mut self, mut chunks: Vec<Chunk>) {
        chunks.sort_by_key(|chunk| chunk.start);
        for chunk in chunks.into_iter().rev() {
            self.given_back.push_front(chunk);
        }
    }

    /// Takes the memory of a chunk that is done with, for the next one.
    pub(crate) fn recycle(&mut self, chunk: Chunk) {
        if !chunk.buffer.is_empty() {
            self.spare.push(chunk.buffer);
        }
    }

    fn check_limits(&self) -> Result<(), ReadError> {
        let too_large = |what: &'static str, limit| ReadError::TooLarge {
            offset: self.offset,
            what: what.into(),
            limit,
        };
        if self.offset > self.max_bytes {
            return Err(too_large(
                "more bytes than `max_bytes` allows",
                self.max_bytes,
            ));
        }
        let taken = self.taken.load(Ordering::Relaxed);
        if self.compressed
            && self.offset > FREE_EXPANSION_BYTES
            && self.offset / MOST_EXPANSION > taken
        {
            return Err(too_large(
                "a compressed file that expands more than any heap snapshot does",
                MOST_EXPANSION,
            ));
        }
        Ok(())
    }

    fn tell(&mut self, ended: bool) {
        let Some(listener) = &self.progress else {
            return;
        };
        let done = self.taken.load(Ordering::Relaxed);
        let step = self
            .total
            .map_or(8 << 20, |total| total / 100)
            .max(CHUNK_BYTES as u64);
        if done >= self.told + step || (ended && done > self.told) {
            self.told = done;
            listener.tell(Progress {
                phase: Phase::Read,
                done,
                total: self.total,
            });
        }
    }
}

/// Counts the bytes that are read through it.
pub(crate) struct Counting<R> {
    pub(crate) inner: R,
    pub(crate) count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
