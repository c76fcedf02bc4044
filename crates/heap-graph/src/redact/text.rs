//! JSON's way of writing text.

/// Calls `take` for each UTF-16 unit of a JSON string without its quotes. What is no UTF-8 counts as U+FFFD.
pub(super) fn units(raw: &[u8], mut take: impl FnMut(u16)) {
    let mut rest = raw;
    while let Some((&first, after)) = rest.split_first() {
        rest = match first {
            b'\\' => escape(after, &mut take),
            0..=0x7f => {
                take(u16::from(first));
                after
            }
            _ => {
                let (character, length) = character(rest);
                let mut pair = [0; 2];
                character
                    .encode_utf16(&mut pair)
                    .iter()
                    .for_each(|unit| take(*unit));
                &rest[length..]
            }
        };
    }
}

fn escape<'a>(after: &'a [u8], take: &mut impl FnMut(u16)) -> &'a [u8] {
    let Some((&kind, rest)) = after.split_first() else {
        take(u16::from(b'\\'));
        return after;
    };
    let plain = match kind {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'u' => {
            let hex = rest
                .get(..4)
                .and_then(|hex| std::str::from_utf8(hex).ok())
                .and_then(|hex| u16::from_str_radix(hex, 16).ok());
            take(hex.unwrap_or(0xfffd));
            return rest.get(4..).unwrap_or_default();
        }
        other => other,
    };
    take(u16::from(plain));
    rest
}

/// The first character of `bytes` and its length; U+FFFD and 1 for what is none.
fn character(bytes: &[u8]) -> (char, usize) {
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    valid
        .chars()
        .next()
        .map_or(('\u{fffd}', 1), |first| (first, first.len_utf8()))
}

/// The text of a JSON string without its quotes; what is not Unicode becomes U+FFFD.
pub(super) fn decode(raw: &[u8]) -> String {
    let mut all = Vec::with_capacity(raw.len());
    units(raw, |unit| all.push(unit));
    String::from_utf16_lossy(&all)
}

/// Appends `text` as a JSON string without quotes.
pub(super) fn encode(text: &str, out: &mut Vec<u8>) {
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\0'..='\u{1f}' => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(character)).as_bytes());
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Whether the text is a number as JavaScript prints one: `-12.5e+30`, `900n`.
pub(super) fn is_number(raw: &[u8]) -> bool {
    fn digits(text: &[u8]) -> Option<&[u8]> {
        let count = text.iter().take_while(|sign| sign.is_ascii_digit()).count();
        (count > 0).then(|| &text[count..])
    }
    let whole = raw.strip_prefix(b"-").unwrap_or(raw);
    let Some(mut rest) = digits(whole) else {
        return false;
    };
    if rest == b"n" {
        return true;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        let Some(after) = digits(fraction) else {
            return false;
        };
        rest = after;
    }
    if let Some(exponent) = rest.strip_prefix(b"e") {
        let signless = exponent
            .strip_prefix(b"+")
            .or_else(|| exponent.strip_prefix(b"-"))
            .unwrap_or(exponent);
        let Some(after) = digits(signless) else {
            return false;
        };
        rest = after;
    }
    rest.is_empty()
}
