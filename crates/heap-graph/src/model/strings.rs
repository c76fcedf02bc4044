//! The string table: every string as it stood in the file, decoded when somebody asks.
//!
//! Few strings of a snapshot are ever looked at, so they are kept as the bytes between the quotes, one after
//! the other, with 4 bytes a string for where it ends (8 if all of them are more than 4 GB).

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memmem};

use super::index::StringId;
use super::wide::WideColumn;

/// Strings as raw JSON text (what stands between the quotes).
#[derive(Clone, Debug, Default)]
pub(crate) struct StringTable {
    bytes: Vec<u8>,
    /// Where each string ends; it begins where the one before it ends.
    ends: WideColumn,
}

impl StringTable {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn push_raw(&mut self, raw: &[u8]) {
        self.bytes.extend_from_slice(raw);
        self.finish_string();
    }

    /// Bytes of a string that is not complete yet: [`StringTable::finish_string`] completes it.
    pub(crate) fn push_part(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
    }

    pub(crate) fn finish_string(&mut self) {
        self.ends.push(self.bytes.len() as u64);
    }

    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink();
    }

    /// Bytes that the table occupies.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.heap_bytes()
    }

    /// The text between the quotes, escapes and all. Empty for an id that is not in the table.
    pub(crate) fn raw(&self, id: StringId) -> &[u8] {
        let index = id.index();
        if index >= self.ends.len() {
            return &[];
        }
        let end = self.ends.get(index);
        let start = if index == 0 {
            0
        } else {
            self.ends.get(index - 1)
        };
        &self.bytes[start as usize..end as usize]
    }

    /// The string. Borrowed unless it has escapes or is not UTF-8.
    pub(crate) fn get(&self, id: StringId) -> Cow<'_, str> {
        decode(self.raw(id))
    }

    /// The first string with exactly this text, for texts that JSON does not escape.
    pub(crate) fn find(&self, text: &str) -> Option<StringId> {
        if text.is_empty() {
            return (0..self.len() as u32)
                .map(StringId)
                .find(|&id| self.raw(id).is_empty());
        }
        self.containing(text.as_bytes())
            .find(|&id| self.raw(id) == text.as_bytes())
    }

    /// The strings in whose raw text a part occurs: each once, in order.
    pub(crate) fn containing<'t>(&'t self, part: &'t [u8]) -> impl Iterator<Item = StringId> + 't {
        self.containing_in(part, 0..self.len() as u32)
    }

    /// [`StringTable::containing`] for some of the strings.
    pub(crate) fn containing_in<'t>(
        &'t self,
        part: &'t [u8],
        ids: Range<u32>,
    ) -> impl Iterator<Item = StringId> + 't {
        let finder = memmem::Finder::new(part);
        let end_of = |before: u32| match before.checked_sub(1) {
            Some(last) => self.ends.get(last as usize) as usize,
            None => 0,
        };
        let bytes = &self.bytes[..end_of(ids.end)];
        let mut from = end_of(ids.start);
        std::iter::from_fn(move || {
            loop {
                let found = from + finder.find(bytes.get(from..)?)?;
                // The string that this byte belongs to, empty ones before it left out.
                let index = self.ends.partition_point(|end| end <= found as u64);
                if index >= self.ends.len() {
                    return None;
                }
                let end = self.ends.get(index) as usize;
                if found + part.len() <= end {
                    from = end;
                    return Some(StringId(index as u32));
                }
                from = found + 1;
            }
        })
    }
}

/// Decodes the text between a JSON string's quotes.
///
/// As JavaScript's `JSON.parse` over decoded UTF-8, with two differences that a Rust string imposes: a surrogate
/// without its other half becomes U+FFFD, and an escape that JSON does not have stands for the character after
/// the backslash.
pub(crate) fn decode(raw: &[u8]) -> Cow<'_, str> {
    if memchr(b'\\', raw).is_none() {
        return String::from_utf8_lossy(raw);
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr(b'\\', rest) {
        bytes.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let Some((&escape, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        match escape {
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'r' => bytes.push(b'\r'),
            b'b' => bytes.push(8),
            b'f' => bytes.push(12),
            b'u' => {
                let (character, used) = unicode_escape(rest);
                rest = &rest[used..];
                let mut buffer = [0; 4];
                bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            }
            other => bytes.push(other),
        }
    }
    bytes.extend_from_slice(rest);
    Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The character of what follows `\u`, and how many bytes of it were used.
fn unicode_escape(rest: &[u8]) -> (char, usize) {
    let Some(first) = hex4(rest) else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    if let Some(character) = char::from_u32(first) {
        return (character, 4);
    }
    // A surrogate: only a high one with a low one after it makes a character.
    let low = rest
        .get(4..)
        .and_then(|rest| rest.strip_prefix(b"\\u"))
        .and_then(hex4);
    match low {
        Some(low @ 0xDC00..=0xDFFF) if first < 0xDC00 => {
            let code = 0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00);
            (
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                10,
            )
        }
        _ => (char::REPLACEMENT_CHARACTER, 4),
    }
}

fn hex4(bytes: &[u8]) -> Option<u32> {
    bytes.get(..4)?.iter().try_fold(0, |value, &byte| {
        Some(value * 16 + char::from(byte).to_digit(16)?)
    })
}

/// Appends text in the table's form: a backslash is the only character that must be escaped there.
pub(crate) fn encode(text: &str) -> Cow<'_, [u8]> {
    if memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text.as_bytes());
    }
    Cow::Owned(text.replace('\\', "\\\\").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(strings: &[&str]) -> StringTable {
        let mut table = StringTable::default();
        for string in strings {
            table.push_raw(string.as_bytes());
        }
        table
    }

    #[test]
    fn decodes_escapes_surrogates_and_invalid_bytes() {
        assert!(matches!(decode(b"plain"), Cow::Borrowed("plain")));
        assert_eq!(decode(br#"a\n\t\r\b\f\"\\\/z"#), "a\n\t\r\u{8}\u{c}\"\\/z");
        assert_eq!(decode(br"\u00e9\u20AC"), "é€");
        assert_eq!(decode(br"\ud83d\ude00!"), "😀!");
        assert_eq!(decode(br"\ud83d!"), "\u{fffd}!");
        assert_eq!(decode(br"\ude00\ud83d\u0041"), "\u{fffd}\u{fffd}A");
        assert_eq!(decode(b"\xff\xc3\xa9"), "\u{fffd}é");
        assert_eq!(decode(b"\xff\\n"), "\u{fffd}\n");
        assert_eq!(decode(br"\u12"), "\u{fffd}12");
        assert_eq!(decode(br"\"), "");
    }

    #[test]
    fn encoded_text_decodes_to_itself() {
        for text in ["", "plain", r"C:\new\u0041", "a\"b\n"] {
            assert_eq!(decode(&encode(text)), text);
        }
    }

    #[test]
    fn finds_whole_strings_only() {
        let table = table(&[
            "",
            "map descriptors",
            "(map",
            "x(map)",
            "(map)",
            "",
            "(map)",
        ]);
        assert_eq!(table.find("(map)"), Some(StringId(4)));
        assert_eq!(table.find("(map"), Some(StringId(2)));
        assert_eq!(table.find("none"), None);
        assert_eq!(table.find(""), Some(StringId(0)));
        assert_eq!(
            table.containing(b"map)").map(|id| id.0).collect::<Vec<_>>(),
            [3, 4, 6]
        );
        // Across the border of two strings there is nothing, but right behind it there may be.
        assert_eq!(table.containing(b"s(map").count(), 0);
        assert_eq!(self::table(&["a", "aa"]).find("aa"), Some(StringId(1)));
        assert_eq!(table.get(StringId(3)), "x(map)");
        assert_eq!(table.get(StringId(99)), "");
    }
}
