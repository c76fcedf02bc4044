//! Keyed hashes of the length and class of what they replace.

use super::{RedactError, text};

/// Shortest key of a caller's.
const LEAST_KEY_BYTES: usize = 16;
const CONTEXT: &str = "memguard 2026-11 key for redacted heap snapshots";
/// 64 signs, so that six bits of the hash are one of them without bias.
const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LETTERS: usize = 52;
/// Longest text that is looked at as a number.
const NUMBER_UNITS: usize = 64;

/// What the replacement of a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// A number if it was one, else letters, digits, `-` and `_`.
    Value,
    /// Letters alone: a word, which readers of the heap tell from others.
    Word,
    /// A digit first: a key of a dictionary, which readers of the heap take as one of many.
    Key,
}

/// The key of the hashes. Who has it can try guesses, who has not cannot.
#[derive(Clone)]
pub struct RedactKey([u8; 32]);

impl RedactKey {
    /// A key for one file, that nobody knows. In a process that is about to fork, make it before.
    ///
    /// # Errors
    /// [`RedactError::Random`] when the system gives no random numbers.
    pub fn random() -> Result<Self, RedactError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|_| RedactError::Random)?;
        Ok(Self(key))
    }

    /// A key from a secret, so that several files can be compared: at least 16 bytes that cannot be guessed.
    ///
    /// # Errors
    /// [`RedactError::Key`] when it is shorter.
    pub fn derive(secret: &[u8]) -> Result<Self, RedactError> {
        if secret.len() < LEAST_KEY_BYTES {
            return Err(RedactError::Key {
                length: secret.len(),
            });
        }
        Ok(Self(blake3::derive_key(CONTEXT, secret)))
    }

    /// Begins the hash of a text that comes in pieces.
    pub(super) fn hash(&self) -> TextHash {
        TextHash {
            hasher: Box::new(blake3::Hasher::new_keyed(&self.0)),
            units: 0,
        }
    }

    /// The hash of a whole text, as JSON without quotes, appended to `out`. `raw` is JSON as well.
    pub(super) fn replace(&self, raw: &[u8], look: Look, out: &mut Vec<u8>) {
        if raw.is_empty() {
            return;
        }
        let mut hash = self.hash();
        hash.feed(raw);
        if look != Look::Word && raw.len() <= NUMBER_UNITS && text::is_number(raw) {
            return hash.digits(raw, out);
        }
        let start = out.len();
        let mut xof = hash.hasher.finalize_xof();
        let mut left = hash.units;
        while left > 0 {
            let more = left.min(64) as usize;
            signs(&mut xof, more, out);
            left -= more as u64;
        }
        match look {
            Look::Value => {}
            Look::Word => {
                for sign in &mut out[start..] {
                    if !sign.is_ascii_alphabetic() {
                        *sign = SIGNS[usize::from(*sign) % LETTERS];
                    }
                }
            }
            Look::Key => out[start] = b'0' + out[start] % 10,
        }
    }

    /// `index` replaced by a number of as many digits.
    pub(super) fn index(&self, index: u64) -> u64 {
        /// Largest index of an array.
        const LAST: u64 = u32::MAX as u64 - 1;
        let mut digits = Vec::new();
        self.replace(index.to_string().as_bytes(), Look::Key, &mut digits);
        digits
            .iter()
            .fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0'))
            .min(LAST)
    }
}

impl std::fmt::Debug for RedactKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedactKey(…)")
    }
}

/// The hash of a text that comes in pieces. By UTF-16 units, so that it does not matter how JSON wrote it.
pub(super) struct TextHash {
    hasher: Box<blake3::Hasher>,
    units: u64,
}

impl TextHash {
    /// Takes a piece that ends between two characters.
    pub(super) fn feed(&mut self, raw: &[u8]) {
        let mut bytes = [0; 512];
        let mut filled = 0;
        text::units(raw, |unit| {
            if filled == bytes.len() {
                self.hasher.update(&bytes);
                filled = 0;
            }
            bytes[filled..filled + 2].copy_from_slice(&unit.to_le_bytes());
            filled += 2;
            self.units += 1;
        });
        self.hasher.update(&bytes[..filled]);
    }

    /// The hash, in pieces: however long the text was, no more than one is in memory.
    pub(super) fn pieces<E>(&self, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut xof = self.hasher.finalize_xof();
        let mut left = self.units;
        let mut piece = Vec::with_capacity(4096);
        while left > 0 {
            let more = left.min(4096) as usize;
            piece.clear();
            signs(&mut xof, more, &mut piece);
            take(&piece)?;
            left -= more as u64;
        }
        Ok(())
    }

    fn digits(self, number: &[u8], out: &mut Vec<u8>) {
        let mut bytes = [0; NUMBER_UNITS];
        self.hasher.finalize_xof().fill(&mut bytes);
        let first = number.iter().position(u8::is_ascii_digit);
        let several = number.iter().filter(|sign| sign.is_ascii_digit()).count() > 1;
        for (place, (&sign, byte)) in number.iter().zip(bytes).enumerate() {
            out.push(match sign {
                // No leading zero where there was none.
                b'1'..=b'9' if Some(place) == first && several => b'1' + byte % 9,
                b'0' if Some(place) == first && several => b'0',
                b'0'..=b'9' => b'0' + byte % 10,
                other => other,
            });
        }
    }
}

fn signs(xof: &mut blake3::OutputReader, count: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + count, 0);
    let piece = &mut out[start..];
    xof.fill(piece);
    for byte in piece {
        *byte = SIGNS[usize::from(*byte & 63)];
    }
}
