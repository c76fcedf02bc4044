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
    /// Index into `numbers` and value of those that do not fit: of 2^32 and more, and negative ones.
    pub(crate) wide: Vec<(usize, i128)>,
    /// What must have been expected before the text; `None` if it is all white space.
    pub(crate) begins: Option<Expect>,
    /// What is expected after it.
    pub(crate) ends: Option<Expect>,
}

/// How many bytes are looked at together.
const BLOCK: usize = 64;
/// Eight digits of 0.
const ZEROES: u64 = 0x3030_3030_3030_3030;

/// A bit for each byte that is no digit.
#[inline]
fn non_digits(block: &[u8; BLOCK]) -> u64 {
    let mut bits = 0;
    for (at, bytes) in block.as_chunks::<8>().0.iter().enumerate() {
        let values = u64::from_le_bytes(*bytes) ^ ZEROES;
        // The highest bit of a byte is set if its value is above 9: by itself, or by 0x76 more. Nothing is carried over.
        let above = (((values & 0x7f7f_7f7f_7f7f_7f7f) + 0x7676_7676_7676_7676) | values)
            & 0x8080_8080_8080_8080;
        // Brings the eight bits together at the top.
        let gathered = (above >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits |= gathered << (8 * at);
    }
    bits
}

/// The number of eight digits, the first one in the lowest byte: two, then four, then all eight are added up at once.
#[inline]
const fn eight_digits(digits: u64) -> u32 {
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(10_000) + (fours >> 32)) as u32
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
        self.scan_with(text, Self::scan_blocks)
    }

    #[cfg(test)]
    fn scan_bytewise(&mut self, text: &[u8]) -> Stop {
        self.scan_with(text, |_, _, _, _| {})
    }

    #[inline]
    fn scan_with(
        &mut self,
        text: &[u8],
        scan_blocks: impl Fn(&mut Self, &[u8], &mut usize, &mut Expect),
    ) -> Stop {
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
        scan_blocks(self, text, &mut at, &mut expect);
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
                Expect::Number if byte == b'-' => {
                    at = match self.negative_number(text, at) {
                        Ok(end) => end,
                        Err(stop) => return stop,
                    };
                    expect = Expect::Separator;
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

    /// Reads what can be read in blocks of 64 bytes: plain numbers, commas and white space. Leaves the rest where it stands: the last
    /// bytes, the array's end, and everything that is wrong.
    ///
    /// The bytes that are no digits are found for a whole block at once, and each number is read in one piece, so that
    /// numbers do not wait for one another.
    fn scan_blocks(&mut self, text: &[u8], at: &mut usize, expect: &mut Expect) {
        let mut start = *at;
        let mut separated = *expect == Expect::Number;
        let mut block = start;
        'text: while let Some(bytes) = text[block..].first_chunk::<BLOCK>() {
            // A number is read together with the bytes behind it.
            if text.len() - block < BLOCK + 8 {
                break;
            }
            let mut ends = non_digits(bytes);
            while ends != 0 {
                let end = block + ends.trailing_zeros() as usize;
                ends &= ends - 1;
                let byte = text[end];
                if end > start {
                    if !separated || !self.plain_number(text, start, end) {
                        break 'text;
                    }
                    separated = byte == b',';
                    if !separated && !is_space(byte) {
                        start = end;
                        break 'text;
                    }
                } else if byte == b',' && !separated {
                    separated = true;
                } else if !is_space(byte) {
                    break 'text;
                }
                start = end + 1;
            }
            block += BLOCK;
        }
        *at = start;
        *expect = if separated {
            Expect::Number
        } else {
            Expect::Separator
        };
    }

    /// Reads the number between two places, behind which there are eight bytes more. Says whether it was one.
    #[inline]
    fn plain_number(&mut self, text: &[u8], start: usize, end: usize) -> bool {
        let length = end - start;
        let eight = |at: usize| {
            text[at..]
                .first_chunk()
                .map_or(0, |bytes| u64::from_le_bytes(*bytes))
        };
        if length <= 8 {
            let digits = (eight(start) ^ ZEROES) << (64 - 8 * length);
            self.numbers.push(eight_digits(digits));
            return true;
        }
        if length > 10 {
            return self.long_number(&text[start..end]).is_ok();
        }
        let above = text[start..end - 8]
            .iter()
            .fold(0, |value, byte| value * 10 + u64::from(byte - b'0'));
        let value = above * 100_000_000 + u64::from(eight_digits(eight(end - 8) ^ ZEROES));
        if value < u64::from(u32::MAX) {
            self.numbers.push(value as u32);
            return true;
        }
        self.long_number(&text[start..end]).is_ok()
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
            self.wide.push((self.numbers.len(), value.into()));
            self.numbers.push(u32::MAX);
        }
        Ok(())
    }

    /// Reads the number that begins at a minus; returns where it ends. V8 14 and later print what they hold in 32 bits with a
    /// sign, so that numbers from 2^31 on come out as negative ones; smaller ones than those are no V8's.
    #[cold]
    fn negative_number(&mut self, text: &[u8], start: usize) -> Result<usize, Stop> {
        let digits = &text[start + 1..];
        let length = digits
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let value = digits[..length].iter().try_fold(0_i32, |value, byte| {
            value.checked_mul(10)?.checked_sub(i32::from(byte - b'0'))
        });
        match value {
            _ if length == digits.len() => Err(Self::cut(start, start + 1 + length)),
            // A minus without digits, or before nothing.
            Some(0) => Err(Stop::Bad(start, Expect::Number.as_str())),
            Some(value) => {
                self.wide.push((self.numbers.len(), value.into()));
                self.numbers.push(u32::MAX);
                Ok(start + 1 + length)
            }
            None => Err(Stop::Bad(start, "a number of at least -2^31")),
        }
    }

    /// The byte at which the number of this index begins in the text that was scanned.
    pub(crate) fn position(text: &[u8], index: usize) -> usize {
        let mut seen = 0;
        let mut inside = false;
        for (at, byte) in text.iter().enumerate() {
            let digit = byte.is_ascii_digit() || *byte == b'-';
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

    /// Whatever stands where: in blocks and byte by byte the same is read.
    #[test]
    fn blocks_make_no_difference() {
        let pieces = [
            "7",
            "42",
            "4294967294",
            "4294967295",
            "4294967296",
            "99999999",
            "100000000",
            "1234567890123",
            "00000000012",
            "18446744073709551615",
            "-2147483648",
            "18446744073709551616",
            "-1",
            "-2147483649",
            "-0",
            "1-1",
            "1.5",
            "1 2",
            "",
            "null",
            "[",
            "]",
        ];
        let mut state = 1_u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % below
        };
        for _ in 0..2000 {
            let mut text = String::new();
            let odd = random(3) == 0;
            for _ in 0..random(80) {
                text.push_str(pieces[random(if odd { pieces.len() } else { 11 })]);
                text.push_str([",", ",", "\n,", ", ", " ,\r\n"][random(5)]);
            }
            text.push_str(["]", "", "1]", "12"][random(4)]);
            let mut slow = Tokens::default();
            let expected = slow.scan_bytewise(text.as_bytes());
            let mut fast = Tokens::default();
            let found = fast.scan(text.as_bytes());
            assert_eq!(found, expected, "{text}");
            assert_eq!(fast.numbers, slow.numbers, "{text}");
            assert_eq!(fast.wide, slow.wide, "{text}");
            assert_eq!((fast.begins, fast.ends), (slow.begins, slow.ends), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_array_of_numbers() {
        let separator = Expect::Separator.as_str();
        for text in ["1,-]", "1,-0]", "1,--2]", "1,-,2]", "1,+2]"] {
            assert_eq!(
                scan(text).1,
                Stop::Bad(2, Expect::Number.as_str()),
                "{text}"
            );
        }
        assert_eq!(scan("1-2]").1, Stop::Bad(1, separator));
        assert_eq!(scan("1,-2").1, Stop::Cut(2));
        assert_eq!(
            scan("1,-2147483649]").1,
            Stop::Bad(2, "a number of at least -2^31")
        );
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
        assert_eq!(tokens.wide, [(1, 1 << 32), (3, u64::MAX.into())]);
        assert_eq!(Tokens::position(text, 2), 13);
    }

    #[test]
    fn numbers_with_a_sign_are_kept_apart() {
        let mut tokens = Tokens::default();
        let text = b"7,-5,\n-2147483648 ,3]";
        assert_eq!(tokens.scan(text), Stop::End(text.len() - 1));
        assert_eq!(tokens.numbers, [7, u32::MAX, u32::MAX, 3]);
        assert_eq!(tokens.wide, [(1, -5), (2, i32::MIN.into())]);
        assert_eq!(Tokens::position(text, 1), 2);
    }
}
