//! JSON's structure around the arrays of numbers: a pull parser over chunks, without recursion.

use std::borrow::Cow;

use memchr::memchr2;

use super::ReadError;
use super::error::show_byte;
use super::input::{Chunk, Input};
use super::numbers::{self, Sink};

pub(crate) struct Scanner<'r> {
    input: Input<'r>,
    chunk: Chunk,
}

impl<'r> Scanner<'r> {
    pub(crate) fn new(input: Input<'r>) -> Self {
        Self {
            input,
            chunk: Chunk::default(),
        }
    }

    pub(crate) fn input(&self) -> &Input<'r> {
        &self.input
    }

    /// The offset of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        if self.chunk.rest().is_empty() {
            self.input.next_offset()
        } else {
            self.chunk.offset()
        }
    }

    /// Bytes to look at: none at the end of the file alone.
    fn fill(&mut self) -> Result<&[u8], ReadError> {
        while self.chunk.rest().is_empty() {
            let Some(next) = self.input.next()? else {
                return Ok(&[]);
            };
            let done = std::mem::replace(&mut self.chunk, next);
            self.input.recycle(done);
        }
        Ok(self.chunk.rest())
    }

    fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        Ok(self.fill()?.first().copied())
    }

    /// The next byte that is not white space; left in place.
    pub(crate) fn token(&mut self) -> Result<Option<u8>, ReadError> {
        loop {
            let rest = self.fill()?;
            if rest.is_empty() {
                return Ok(None);
            }
            let spaces = rest
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
                .count();
            if spaces < rest.len() {
                let byte = rest[spaces];
                self.chunk.at += spaces;
                return Ok(Some(byte));
            }
            self.chunk.at += spaces;
        }
    }

    /// Steps over the byte that was looked at.
    pub(crate) fn step(&mut self) {
        self.chunk.at += 1;
    }

    /// The error for what stands here in place of what was expected.
    pub(crate) fn unexpected(&self, expected: impl Into<Cow<'static, str>>) -> ReadError {
        let (offset, expected) = (self.offset(), expected.into());
        match self.chunk.rest().first() {
            Some(&byte) => ReadError::Syntax {
                offset,
                expected,
                found: show_byte(byte),
            },
            None => ReadError::Truncated { offset, expected },
        }
    }

    /// Steps over a byte that must come next, white space before it left out.
    pub(crate) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), ReadError> {
        if self.token()? == Some(byte) {
            self.step();
            return Ok(());
        }
        Err(self.unexpected(expected))
    }

    /// Steps over a comma and says yes, or over the closing byte and says no.
    pub(crate) fn more(&mut self, close: u8, expected: &'static str) -> Result<bool, ReadError> {
        match self.token()? {
            Some(b',') => {
                self.step();
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.step();
                Ok(false)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// Reads a string in pieces: what stands between the quotes, escapes and all.
    pub(crate) fn string(&mut self, mut take: impl FnMut(&[u8])) -> Result<(), ReadError> {
        self.expect(b'"', "a string")?;
        loop {
            let rest = self.fill()?;
            if rest.is_empty() {
                return Err(self.unexpected("the end of a string"));
            }
            match memchr2(b'"', b'\\', rest) {
                None => {
                    take(rest);
                    self.chunk.at += rest.len();
                }
                Some(at) if rest[at] == b'"' => {
                    take(&rest[..at]);
                    self.chunk.at += at + 1;
                    return Ok(());
                }
                Some(at) => {
                    take(&rest[..=at]);
                    self.chunk.at += at + 1;
                    let Some(escaped) = self.peek()? else {
                        return Err(self.unexpected("the end of a string"));
                    };
                    take(&[escaped]);
                    self.step();
                }
            }
        }
    }

    /// A key of an object and the colon behind it; longer ones than any that matters are cut.
    pub(crate) fn key(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut key = Vec::new();
        self.string(|part| {
            let room = 64_usize.saturating_sub(key.len());
            key.extend_from_slice(&part[..part.len().min(room)]);
        })?;
        self.expect(b':', "a colon")?;
        Ok(key)
    }

    /// Steps over a value of any kind, however deep, and hands its text out in pieces.
    pub(crate) fn value(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut depth = 0_u64;
        loop {
            let Some(byte) = self.token()? else {
                return Err(self.unexpected("a value"));
            };
            match byte {
                b'"' => {
                    take(b"\"")?;
                    let mut failed = None;
                    self.string(|part| {
                        if let (None, Err(error)) = (&failed, take(part)) {
                            failed = Some(error);
                        }
                    })?;
                    if let Some(error) = failed {
                        return Err(error);
                    }
                    take(b"\"")?;
                }
                b'[' | b'{' => {
                    depth += 1;
                    take(&[byte])?;
                    self.step();
                    continue;
                }
                b']' | b'}' => {
                    if depth == 0 {
                        return Err(self.unexpected("a value"));
                    }
                    depth -= 1;
                    take(&[byte])?;
                    self.step();
                }
                b',' | b':' if depth > 0 => {
                    take(&[byte])?;
                    self.step();
                    continue;
                }
                _ => {
                    let is_scalar = |byte: &u8| {
                        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
                    };
                    let length = self
                        .chunk
                        .rest()
                        .iter()
                        .take_while(|byte| is_scalar(byte))
                        .count();
                    if length == 0 {
                        return Err(self.unexpected("a value"));
                    }
                    take(&self.chunk.rest()[..length])?;
                    self.chunk.at += length;
                    // A number or a word that goes on in the next chunk.
                    if self.chunk.rest().is_empty()
                        && self.peek()?.is_some_and(|byte| is_scalar(&byte))
                    {
                        continue;
                    }
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Reads an array of numbers, with several threads; returns how many records it has.
    pub(crate) fn numbers<S: Sink>(
        &mut self,
        fields: usize,
        threads: usize,
        sink: &S,
    ) -> Result<u64, ReadError> {
        self.expect(b'[', "an array")?;
        if self.token()? == Some(b']') {
            self.step();
            return Ok(0);
        }
        if !self.chunk.rest().is_empty() {
            self.input.give_back(vec![std::mem::take(&mut self.chunk)]);
        }
        let records = numbers::read(&mut self.input, fields, threads, sink)?;
        self.expect(b']', "the end of the array")?;
        Ok(records)
    }
}
