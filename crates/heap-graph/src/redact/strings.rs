//! The string table: each string becomes two, a name and a value.

use std::io::Write;

use super::hash::TextHash;
use super::names;
use super::redactor::Output;
use super::uses::{Use, Uses};
use super::{Redact, RedactError, RedactKey};

/// A longer text is data, whatever it is used as, and never wholly in memory.
const LONGEST: usize = 8 << 10;
/// Most bytes after which a piece is cut though a character does not end there.
const SLACK: usize = 16;

/// Reads `"a",\n"b"]` in pieces of any length.
pub(super) struct Strings {
    count: usize,
    place: Place,
    raw: Vec<u8>,
    /// Hash of a text longer than [`LONGEST`], without what is in `raw`.
    long: Option<TextHash>,
    escape: Escape,
    /// The source breaks the line before this string.
    line: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Before,
    Within,
    After,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Begun,
    Hex(u8),
}

/// What decides about a string.
pub(super) struct Rules<'a> {
    pub(super) mode: Redact,
    pub(super) key: &'a RedactKey,
    pub(super) uses: &'a Uses,
}

impl Strings {
    pub(super) fn new() -> Self {
        Self {
            count: 0,
            place: Place::First,
            raw: Vec::with_capacity(LONGEST + SLACK),
            long: None,
            escape: Escape::None,
            line: false,
        }
    }

    /// Takes bytes until the list ends: how many, and whether it has ended.
    pub(super) fn take<W: Write>(
        &mut self,
        data: &[u8],
        offset: u64,
        rules: &Rules<'_>,
        out: &mut Output<W>,
    ) -> Result<(usize, bool), RedactError> {
        let mut at = 0;
        while let Some(&byte) = data.get(at) {
            let here = offset + at as u64;
            let wrong = |expected| RedactError::Syntax {
                offset: here,
                expected,
            };
            match (self.place, byte) {
                (Place::Within, _) => {
                    at += self.within(&data[at..], here, rules.key)?;
                    if self.place == Place::After {
                        self.write(rules, out)?;
                    }
                    continue;
                }
                (_, b' ' | b'\n' | b'\r' | b'\t') => self.line |= byte == b'\n',
                (Place::First | Place::Before, b'"') => self.place = Place::Within,
                (Place::After, b',') => self.place = Place::Before,
                (Place::First | Place::After, b']') => {
                    if self.count < rules.uses.len() {
                        return Err(RedactError::Limit {
                            offset: here,
                            what: "the number of a string",
                        });
                    }
                    out.buffer.push(b']');
                    return Ok((at + 1, true));
                }
                (Place::After, _) => return Err(wrong("a comma or the end of the strings")),
                _ => return Err(wrong("a string")),
            }
            at += 1;
        }
        Ok((at, false))
    }

    /// Takes bytes of a text until it or the data ends: how many.
    fn within(&mut self, data: &[u8], offset: u64, key: &RedactKey) -> Result<usize, RedactError> {
        let mut at = 0;
        while let Some(&byte) = data.get(at) {
            let wrong = |expected| RedactError::Syntax {
                offset: offset + at as u64,
                expected,
            };
            self.escape = match (self.escape, byte) {
                (_, 0..0x20) => return Err(wrong("no control character in a string")),
                (Escape::None, b'"') => {
                    self.place = Place::After;
                    return Ok(at + 1);
                }
                (Escape::None, b'\\') => {
                    self.cut_if_long(byte, key);
                    Escape::Begun
                }
                (Escape::None, _) => {
                    self.cut_if_long(byte, key);
                    at += self.plain(&data[at..]);
                    continue;
                }
                (Escape::Begun, b'u') => Escape::Hex(4),
                (Escape::Begun, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                    Escape::None
                }
                (Escape::Hex(1), _) if byte.is_ascii_hexdigit() => Escape::None,
                (Escape::Hex(left), _) if byte.is_ascii_hexdigit() => Escape::Hex(left - 1),
                _ => return Err(wrong("an escape sequence of JSON")),
            };
            self.raw.push(byte);
            at += 1;
        }
        Ok(at)
    }

    /// Takes the first byte of `data`, and what follows as long as it is plain and there is room: how many.
    fn plain(&mut self, data: &[u8]) -> usize {
        let room = LONGEST.saturating_sub(self.raw.len()).max(1);
        let most = &data[..data.len().min(room)];
        let run = most
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
            .unwrap_or(most.len())
            .max(1);
        self.raw.extend_from_slice(&most[..run]);
        run
    }

    /// Hands what there is of a long text to its hash, if a character begins with `next`.
    fn cut_if_long(&mut self, next: u8, key: &RedactKey) {
        let begins = next & 0b1100_0000 != 0b1000_0000;
        if self.raw.len() >= LONGEST && (begins || self.raw.len() >= LONGEST + SLACK) {
            self.long.get_or_insert_with(|| key.hash()).feed(&self.raw);
            self.raw.clear();
        }
    }

    /// Writes both entries of the text that has ended.
    fn write<W: Write>(
        &mut self,
        rules: &Rules<'_>,
        out: &mut Output<W>,
    ) -> Result<(), RedactError> {
        let flags = rules.uses.of(self.count);
        if self.count > 0 {
            out.buffer.push(b',');
        }
        if self.line {
            out.buffer.push(b'\n');
            self.line = false;
        }
        self.count += 1;
        let is_value = flags.has(Use::Value);
        if let Some(mut hash) = self.long.take() {
            hash.feed(&self.raw);
            for (used, between) in [(flags.is_name(), &b"\""[..]), (is_value, b"\",\"")] {
                out.buffer.extend_from_slice(between);
                if used {
                    hash.pieces(|piece| {
                        out.buffer.extend_from_slice(piece);
                        out.spill()
                    })?;
                }
            }
        } else {
            out.buffer.push(b'"');
            if flags.is_name() {
                names::write_name(&self.raw, flags, rules.mode, rules.key, &mut out.buffer);
            }
            out.buffer.extend_from_slice(b"\",\"");
            if is_value {
                names::write_value(&self.raw, rules.key, &mut out.buffer);
            }
        }
        out.buffer.push(b'"');
        self.raw.clear();
        out.spill()
    }
}
