//! A stream that is pushed from one thread and read in another, with little in between.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use memguard_heap_graph::CancelSignal;

/// Pieces that may wait: with those of a file stream in Node.js, half a megabyte.
const WAITING: usize = 8;
/// How soon a reader that waits sees that it was cancelled.
const LOOK: Duration = Duration::from_millis(20);

/// Why a piece was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Too many wait; `drained` will be called.
    Full,
    /// Nobody reads any more: all was read that is needed, or it failed.
    Closed,
}

/// The end of a stream into which pieces are put. Dropping it ends the stream.
#[derive(Debug)]
pub struct Feed {
    pieces: SyncSender<Vec<u8>>,
    wanted: Arc<AtomicBool>,
}

impl Feed {
    /// A stream, and the reader at its other end, which calls `drained` when there is room again after
    /// [`Refused::Full`]. The reader fails once `cancel` is given.
    pub fn new(
        cancel: CancelSignal,
        drained: impl Fn() + Send + 'static,
    ) -> (Self, impl Read + Send + 'static) {
        let (pieces, taken) = sync_channel(WAITING);
        let wanted = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            pieces: taken,
            piece: Vec::new(),
            at: 0,
            wanted: Arc::clone(&wanted),
            drained,
            cancel,
        };
        (Self { pieces, wanted }, reader)
    }

    /// Puts a piece in.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn put(&self, piece: Vec<u8>) -> Result<(), Refused> {
        let refused = |error| match error {
            TrySendError::Full(piece) => Ok(piece),
            TrySendError::Disconnected(_) => Err(Refused::Closed),
        };
        let Err(full) = self.pieces.try_send(piece) else {
            return Ok(());
        };
        let piece = refused(full)?;
        self.wanted.store(true, Ordering::SeqCst);
        // The reader may have made room before it could see that somebody waits.
        match self.pieces.try_send(piece).map_err(refused) {
            Ok(()) => {
                self.wanted.store(false, Ordering::SeqCst);
                Ok(())
            }
            Err(Ok(_)) => Err(Refused::Full),
            Err(Err(closed)) => Err(closed),
        }
    }
}

struct Reader<D> {
    pieces: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
    wanted: Arc<AtomicBool>,
    drained: D,
    cancel: CancelSignal,
}

impl<D: Fn()> Read for Reader<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            match self.pieces.recv_timeout(LOOK) {
                Ok(piece) => {
                    (self.piece, self.at) = (piece, 0);
                    if self.wanted.swap(false, Ordering::SeqCst) {
                        (self.drained)();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) if self.cancel.is_cancelled() => {
                    return Err(io::Error::other("cancelled"));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        let count = buffer.len().min(self.piece.len() - self.at);
        buffer[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_put_in_comes_out_in_order() {
        let (told, tell) = std::sync::mpsc::channel();
        let (feed, mut reader) = Feed::new(CancelSignal::default(), move || told.send(()).unwrap());
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            all
        });
        let mut expected = Vec::new();
        for piece in 0..200_u8 {
            let bytes = vec![piece; usize::from(piece) * 7];
            expected.extend_from_slice(&bytes);
            while feed.put(bytes.clone()) == Err(Refused::Full) {
                tell.recv().unwrap();
            }
        }
        drop(feed);
        assert!(reading.join().unwrap() == expected);
    }

    #[test]
    fn a_reader_that_has_gone_or_was_cancelled_ends_it() {
        let (feed, reader) = Feed::new(CancelSignal::default(), || {});
        drop(reader);
        assert_eq!(feed.put(vec![1]), Err(Refused::Closed));

        let cancel = CancelSignal::default();
        let (feed, mut reader) = Feed::new(cancel.clone(), || {});
        cancel.cancel();
        assert!(reader.read(&mut [0; 4]).is_err());
        drop(feed);
    }
}
