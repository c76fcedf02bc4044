//! Damage: what a fuzzer does to a file, with some knowledge of what the file is.

use crate::Random;

/// Damages texts, the same way for the same seed.
#[derive(Clone, Debug)]
pub struct Mutator {
    random: Random,
}

/// What a number or a word is replaced by.
const NASTY: [&[u8]; 24] = [
    b"0",
    b"1",
    b"-1",
    b"7",
    b"4294967295",
    b"4294967296",
    b"536870912",
    b"18446744073709551615",
    b"18446744073709551616",
    b"99999999999999999999999999999999999999999999",
    b"1.5",
    b"1e9",
    b"",
    b",",
    b",,",
    b"]",
    b"[",
    b"}",
    b"{",
    b"\"",
    b"\\",
    b"null",
    b"\xff\xfe",
    b"\\ud800",
];

impl Mutator {
    /// Begins anew.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
        }
    }

    /// Damages a text in one to four places.
    pub fn damage(&mut self, text: &mut Vec<u8>) {
        for _ in 0..=self.random.below(4) {
            if text.is_empty() {
                return;
            }
            match self.random.below(9) {
                0 => text.truncate(self.random.below(text.len())),
                1 => {
                    let at = self.random.below(text.len());
                    text[at] ^= 1 << self.random.below(8);
                }
                2 => {
                    let at = self.random.below(text.len());
                    text[at] = self.random.number() as u8;
                }
                3 => {
                    let (from, to) = self.span(text.len(), 64);
                    text.drain(from..to);
                }
                4 => {
                    let (from, to) = self.span(text.len(), 200);
                    let copy = text[from..to].to_vec();
                    let at = self.random.below(text.len());
                    text.splice(at..at, copy);
                }
                5 => {
                    let at = self.random.below(text.len());
                    let nasty = *self.random.pick(&NASTY);
                    text.splice(at..at, nasty.iter().copied());
                }
                6 => self.swap_keys(text),
                _ => self.replace_number(text),
            }
        }
    }

    fn span(&mut self, length: usize, most: usize) -> (usize, usize) {
        let from = self.random.below(length);
        (from, (from + 1 + self.random.below(most)).min(length))
    }

    /// Puts another number in place of one.
    fn replace_number(&mut self, text: &mut Vec<u8>) {
        let start = self.random.below(text.len());
        let Some(from) = (start..text.len()).find(|&at| text[at].is_ascii_digit()) else {
            return;
        };
        let to = (from..text.len())
            .find(|&at| !text[at].is_ascii_digit())
            .unwrap_or(text.len());
        let nasty = *self.random.pick(&NASTY[..12]);
        text.splice(from..to, nasty.iter().copied());
    }

    /// Calls one section by the name of another.
    fn swap_keys(&mut self, text: &mut Vec<u8>) {
        let keys: [&[u8]; 7] = [
            b"nodes",
            b"edges",
            b"strings",
            b"locations",
            b"node_count",
            b"edge_count",
            b"node_fields",
        ];
        let (old, new) = (*self.random.pick(&keys), *self.random.pick(&keys));
        let found = text.windows(old.len()).position(|window| window == old);
        if let Some(at) = found {
            text.splice(at..at + old.len(), new.iter().copied());
        }
    }
}
