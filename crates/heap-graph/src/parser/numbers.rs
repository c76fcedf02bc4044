//! An array of numbers, read by several threads at once.
//!
//! Each thread takes the next chunk (in turn, so that any reader will do), turns its text into numbers, waits until the thread with the chunk
//! before has said how many numbers came so far, says the same for its own, and hands its records to the sink while the
//! others go on. What comes out does not depend on the number of threads.

use parking_lot::{Condvar, Mutex};

use super::ReadError;
use super::error::show_byte;
use super::input::{Chunk, Input};
use super::tokens::{Expect, Stop, Tokens};

/// Whole records of an array.
pub(crate) struct Batch<'t> {
    /// How many records of the array come before these.
    pub(crate) first: u64,
    /// As many numbers a record as the array has fields.
    pub(crate) numbers: &'t [u32],
    /// Where the numbers begin among those that `wide` counts.
    base: usize,
    wide: &'t [(usize, i128)],
}

impl Batch<'_> {
    /// The number at an index of [`Batch::numbers`], in full; none if it is negative.
    #[inline]
    pub(crate) fn wide(&self, at: usize) -> Option<u64> {
        let number = self.numbers[at];
        if number == u32::MAX {
            u64::try_from(self.exact(at)).ok()
        } else {
            Some(u64::from(number))
        }
    }

    /// [`Batch::wide`] where V8 writes a number of 32 bits: up to V8 13 without a sign, since then with one, so that those from
    /// 2^31 on are negative.
    #[inline]
    pub(crate) fn unsigned(&self, at: usize) -> u64 {
        let number = self.numbers[at];
        if number == u32::MAX {
            self.unsigned_slow(at)
        } else {
            u64::from(number)
        }
    }

    #[cold]
    fn unsigned_slow(&self, at: usize) -> u64 {
        let exact = self.exact(at);
        // The scanner takes no negative numbers but those of 32 bits.
        let whole = if exact < 0 { exact + (1 << 32) } else { exact };
        u64::try_from(whole).unwrap_or(u64::MAX)
    }

    /// The number as it stands in the text.
    #[cold]
    pub(crate) fn exact(&self, at: usize) -> i128 {
        self.wide
            .binary_search_by_key(&(at + self.base), |entry| entry.0)
            .map_or(self.numbers[at].into(), |found| self.wide[found].1)
    }
}

/// A number that makes no sense where it stands.
pub(crate) struct Misfit {
    /// Its index in [`Batch::numbers`].
    pub(crate) at: usize,
    /// What should stand there.
    pub(crate) expected: String,
}

/// Takes the records of an array: from several threads, in any order.
pub(crate) trait Sink: Sync {
    fn take(&self, batch: &Batch<'_>) -> Result<(), Misfit>;
}

/// What the chunks so far came to.
struct Order {
    /// The chunk whose turn it is.
    next: u64,
    /// Numbers before it, those of the tail left out.
    done: u64,
    /// The beginning of a record whose rest is yet to come.
    tail: Vec<u32>,
    tail_wide: Vec<(usize, i128)>,
    expect: Expect,
    /// Nothing more is to be taken: the array has ended, well or badly.
    closed: bool,
    error: Option<ReadError>,
    unused: Vec<Chunk>,
}

impl Order {
    fn fail(&mut self, error: ReadError) {
        self.closed = true;
        // The first one in the file, whichever thread was faster.
        if self
            .error
            .as_ref()
            .is_none_or(|other| error.offset() < other.offset())
        {
            self.error = Some(error);
        }
    }
}

struct Shared<'i, 'r, S> {
    /// The input, and how many chunks were taken from it.
    source: Mutex<(&'i mut Input<'r>, u64)>,
    order: Mutex<Order>,
    turn: Condvar,
    sink: &'i S,
    fields: usize,
}

/// A chunk whose numbers were read, and what follows it.
struct Scanned {
    chunk: Chunk,
    stop: Stop,
}

/// Where the whole records lie among the numbers of a chunk.
struct Records {
    first: u64,
    base: usize,
    end: usize,
}

/// Reads the array whose first number is yet to come, up to the bracket that ends it, which is left in place. Returns how
/// many records there were.
pub(crate) fn read<S: Sink>(
    input: &mut Input<'_>,
    fields: usize,
    threads: usize,
    sink: &S,
) -> Result<u64, ReadError> {
    let shared = Shared {
        source: Mutex::new((input, 0)),
        order: Mutex::new(Order {
            next: 0,
            done: 0,
            tail: Vec::new(),
            tail_wide: Vec::new(),
            expect: Expect::Number,
            closed: false,
            error: None,
            unused: Vec::new(),
        }),
        turn: Condvar::new(),
        sink,
        fields,
    };
    std::thread::scope(|scope| {
        for number in 1..threads {
            let worker = || shared.work();
            // Without a thread the others do its part.
            if std::thread::Builder::new()
                .name(format!("memguard-read-{number}"))
                .spawn_scoped(scope, worker)
                .is_err()
            {
                break;
            }
        }
        shared.work();
    });
    let (input, _) = shared.source.into_inner();
    let order = shared.order.into_inner();
    if let Some(error) = order.error {
        return Err(error);
    }
    let offset = order.unused.iter().map(Chunk::offset).min().unwrap_or(0);
    input.give_back(order.unused);
    if !order.tail.is_empty() {
        return Err(ReadError::Inconsistent {
            offset,
            expected: format!("a multiple of {fields} numbers before the end of the array").into(),
            found: format!("{} numbers", order.done + order.tail.len() as u64),
        });
    }
    Ok(order.done / fields as u64)
}

impl<S: Sink> Shared<'_, '_, S> {
    fn work(&self) {
        let mut tokens = Tokens::default();
        while !self.order.lock().closed {
            let (taken, turn) = {
                let mut source = self.source.lock();
                let taken = source.0.next();
                source.1 += 1;
                (taken, source.1 - 1)
            };
            let scanned = taken.map(|chunk| {
                chunk.map(|chunk| {
                    tokens.clear(self.fields);
                    let stop = tokens.scan(chunk.rest());
                    Scanned { chunk, stop }
                })
            });
            let Some((scanned, records)) = self.publish(scanned, turn, &mut tokens) else {
                return;
            };
            self.hand_over(&tokens, scanned, &records);
        }
    }

    /// Waits for its turn, and says how many numbers the chunk adds. Returns what is to be handed to the sink.
    fn publish(
        &self,
        scanned: Result<Option<Scanned>, ReadError>,
        turn: u64,
        tokens: &mut Tokens,
    ) -> Option<(Scanned, Records)> {
        let mut order = self.order.lock();
        while order.next != turn {
            self.turn.wait(&mut order);
        }
        order.next += 1;
        self.turn.notify_all();
        let scanned = match scanned {
            Ok(Some(scanned)) if order.closed => {
                order.unused.push(scanned.chunk);
                return None;
            }
            Ok(Some(scanned)) => scanned,
            _ if order.closed => return None,
            Ok(None) => {
                let offset = self.source.lock().0.next_offset();
                let expected = order.expect.as_str().into();
                order.fail(ReadError::Truncated { offset, expected });
                return None;
            }
            Err(error) => {
                order.fail(error);
                return None;
            }
        };
        if tokens.begins.is_some_and(|begins| begins != order.expect) {
            let spaces = scanned
                .chunk
                .rest()
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            let expected = order.expect.as_str();
            order.fail(syntax(&scanned.chunk, spaces, expected));
            return None;
        }
        order.expect = tokens.ends.unwrap_or(order.expect);

        // The beginning of a record that the chunks before have left goes before what was read here.
        let base = self.fields - order.tail.len();
        tokens.numbers[base..self.fields].copy_from_slice(&order.tail);
        tokens.wide.splice(
            0..0,
            order
                .tail_wide
                .drain(..)
                .map(|(at, value)| (base + at, value)),
        );
        let whole = (tokens.numbers.len() - base) / self.fields * self.fields;
        let first = order.done / self.fields as u64;
        let end = base + whole;
        order.done += whole as u64;
        order.tail.clear();
        order.tail.extend_from_slice(&tokens.numbers[end..]);
        let kept = tokens.wide.partition_point(|entry| entry.0 < end);
        order.tail_wide.extend(
            tokens
                .wide
                .drain(kept..)
                .map(|(at, value)| (at - end, value)),
        );

        match scanned.stop {
            Stop::More => {}
            Stop::End(_) => order.closed = true,
            Stop::Cut(_) => {
                let offset = scanned.chunk.offset() + scanned.chunk.rest().len() as u64;
                let expected = "the rest of a number".into();
                order.fail(ReadError::Truncated { offset, expected });
            }
            Stop::Bad(at, expected) => order.fail(syntax(&scanned.chunk, at, expected)),
        }
        Some((scanned, Records { first, base, end }))
    }

    fn hand_over(&self, tokens: &Tokens, scanned: Scanned, records: &Records) {
        let Records { first, base, end } = *records;
        let batch = Batch {
            first,
            numbers: &tokens.numbers[base..end],
            base,
            wide: &tokens.wide,
        };
        let Scanned { mut chunk, stop } = scanned;
        if let Err(misfit) = self.sink.take(&batch) {
            // A number of the chunk before is shown at the beginning of this one.
            let index = (misfit.at + base).saturating_sub(self.fields);
            let offset = chunk.offset() + Tokens::position(chunk.rest(), index) as u64;
            let found = batch.exact(misfit.at).to_string();
            self.order.lock().fail(ReadError::Inconsistent {
                offset,
                expected: misfit.expected.into(),
                found,
            });
        }
        match stop {
            Stop::End(at) => {
                chunk.at += at;
                self.order.lock().unused.push(chunk);
            }
            _ => self.source.lock().0.recycle(chunk),
        }
    }
}

fn syntax(chunk: &Chunk, at: usize, expected: &'static str) -> ReadError {
    let found = chunk
        .rest()
        .get(at)
        .map_or_else(String::new, |&byte| show_byte(byte));
    ReadError::Syntax {
        offset: chunk.offset() + at as u64,
        expected: expected.into(),
        found,
    }
}
