//! Numbers out of text: the loop in which nearly all of a snapshot's bytes are spent.

/// What the grammar of an array of numbers asks for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Number,
    Separator,
}

impl Expect {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Separator => "a comma or the end of the array",
        }
    }
}

/// Why [`Tokens::scan`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The text is used up.
    More,
    /// The array ends with the bracket at this byte.
    End(usize),
    /// The text ends within the number that begins at this byte.
    Cut(usize),
    /// What stands at this byte is not what was expected.
    Bad(usize, &'static str),
}

/// The numbers of a piece of text.
#[derive(Default)]
pub(crate) struct Tokens {
    /// Numbers; those that do not fit are [`u32::MAX`] here and in `wide` as well.
    pub(crate) numbers: Vec<u32>,
    /// Index into `numbers` and value of those that do not fit.
    pub(crate) wide: Vec<(usize, u64)>,
    /// What must have been expected before the text; `None` if it is all white space.
    pub(crate) begins: Option<Expect>,
    /// What is expected after it.
    pub(crate) ends: Option<Expect>,
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

impl Tokens {
    /// Empties it, but for room at the front for numbers that come before the text.
    pub(crate) fn clear(&mut self, room: usize) {
        self.numbers.clear();
        self.numbers.resize(room, 0);
        self.wide.clear();
        (self.begins, self.ends) = (None, None);
    }

    /// Reads the numbers of a text. Appends to what is there.
    pub(crate) fn scan(&mut self, text: &[u8]) -> Stop {
        let mut at = text.iter().take_while(|&&byte| is_space(byte)).count();
        let Some(&first) = text.get(at) else {
            (self.begins, self.ends) = (None, None);
            return Stop::More;
        };
        let mut expect = if matches!(first, b',' | b']') {
            Expect::Separator
        } else {
            Expect::Number
        };
        self.begins = Some(expect);
        loop {
            let Some(&byte) = text.get(at) else {
                self.ends = Some(expect);
                return Stop::More;
            };
            match expect {
                Expect::Number if byte.is_ascii_digit() => {
                    let end = match self.number(text, at) {
                        Ok(end) => end,
                        Err(stop) => return stop,
                    };
                    at = end;
                    expect = Expect::Separator;
                    // Nearly always a comma follows at once, and the next number after it.
                    if text.get(at) == Some(&b',') {
                        at += 1;
                        expect = Expect::Number;
                    }
                }
                Expect::Separator if byte == b',' => {
                    at += 1;
                    expect = Expect::Number;
                }
                Expect::Separator if byte == b']' => return Stop::End(at),
                _ if is_space(byte) => at += 1,
                _ => return Stop::Bad(at, expect.as_str()),
            }
        }
    }

    /// Reads the number that begins at a digit; returns where it ends.
    #[inline]
    fn number(&mut self, text: &[u8], start: usize) -> Result<usize, Stop> {
        let mut value = 0_u32;
        let mut at = start;
        loop {
            let Some(byte) = text.get(at) else {
                return Err(Self::cut(start, at));
            };
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(u32::from(digit));
            at += 1;
        }
        // Nine digits always fit.
        if at - start > 9 {
            self.long_number(&text[start..at])
                .map_err(|expected| Stop::Bad(start, expected))?;
        } else {
            self.numbers.push(value);
        }
        Ok(at)
    }

    /// A number that the text does not end: the file's end, or more digits than are looked for at the end of a chunk.
    #[cold]
    fn cut(start: usize, end: usize) -> Stop {
        if end - start > 20 {
            Stop::Bad(start, "a number below 2^64")
        } else {
            Stop::Cut(start)
        }
    }

    #[cold]
    fn long_number(&mut self, digits: &[u8]) -> Result<(), &'static str> {
        let value = digits.iter().try_fold(0_u64, |value, byte| {
            value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))
        });
        let value = value.ok_or("a number below 2^64")?;
        if let Ok(value) = u32::try_from(value) {
            self.numbers.push(value);
        } else {
            self.wide.push((self.numbers.len(), value));
            self.numbers.push(u32::MAX);
        }
        Ok(())
    }

    /// The byte at which the number of this index begins in the text that was scanned.
    pub(crate) fn position(text: &[u8], index: usize) -> usize {
        let mut seen = 0;
        let mut inside = false;
        for (at, byte) in text.iter().enumerate() {
            let digit = byte.is_ascii_digit();
            if digit && !inside {
                if seen == index {
                    return at;
                }
                seen += 1;
            }
            inside = digit;
        }
        text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> (Vec<u32>, Stop, Option<Expect>, Option<Expect>) {
        let mut tokens = Tokens::default();
        let stop = tokens.scan(text.as_bytes());
        (tokens.numbers, stop, tokens.begins, tokens.ends)
    }

    #[test]
    fn reads_numbers_and_says_what_comes_next() {
        use Expect::{Number, Separator};
        assert_eq!(
            scan("1,22,\n333 ]"),
            (vec![1, 22, 333], Stop::End(10), Some(Number), None)
        );
        assert_eq!(
            scan("\n,4,5,"),
            (vec![4, 5], Stop::More, Some(Separator), Some(Number))
        );
        assert_eq!(
            scan(",4 \n"),
            (vec![4], Stop::More, Some(Separator), Some(Separator))
        );
        assert_eq!(scan(" \r\n\t"), (vec![], Stop::More, None, None));
        assert_eq!(
            scan("4294967295,0]"),
            (vec![u32::MAX, 0], Stop::End(12), Some(Number), None)
        );
    }

    #[test]
    fn refuses_what_is_no_array_of_numbers() {
        let separator = Expect::Separator.as_str();
        assert_eq!(scan("1,-2]").1, Stop::Bad(2, Expect::Number.as_str()));
        assert_eq!(scan("1.5]").1, Stop::Bad(1, separator));
        assert_eq!(scan("1 2]").1, Stop::Bad(2, separator));
        assert_eq!(scan("1,,2]").1, Stop::Bad(2, Expect::Number.as_str()));
        assert_eq!(scan("1,]").1, Stop::Bad(2, Expect::Number.as_str()));
        assert_eq!(scan("1,23").1, Stop::Cut(2));
        assert_eq!(scan("null]").1, Stop::Bad(0, Expect::Number.as_str()));
        assert_eq!(
            scan("5,18446744073709551616]").1,
            Stop::Bad(2, "a number below 2^64")
        );
    }

    #[test]
    fn wide_numbers_are_kept_apart() {
        let mut tokens = Tokens::default();
        let text = b"7,4294967296,0000000000009,18446744073709551615]";
        assert_eq!(tokens.scan(text), Stop::End(47));
        assert_eq!(tokens.numbers, [7, u32::MAX, 9, u32::MAX]);
        assert_eq!(tokens.wide, [(1, 1 << 32), (3, u64::MAX)]);
        assert_eq!(Tokens::position(text, 2), 13);
    }
}
