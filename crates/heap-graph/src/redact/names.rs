//! What may stay of a name.

use super::hash::Look;
use super::uses::{Flags, Use};
use super::{Redact, RedactKey, text};

/// Names of kinds of values, which V8 writes where the value itself would be.
const V8_VALUES: [&[u8]; 8] = [
    b"heap number",
    b"smi number",
    b"bigint",
    b"symbol",
    b"private symbol",
    b"(concatenated string)",
    b"(sliced string)",
    b"(external string)",
];

/// Property names of the language and of Node.js itself that stay in every mode: what follows a chain of references
/// goes by them.
const LANGUAGE: [&str; 44] = [
    "__proto__",
    "constructor",
    "prototype",
    "length",
    "name",
    "message",
    "stack",
    "cause",
    "arguments",
    "caller",
    "callee",
    "globalThis",
    "global",
    "process",
    "module",
    "exports",
    "require",
    "children",
    "parent",
    "default",
    "listener",
    "domain",
    "value",
    "writable",
    "get",
    "set",
    "next",
    "done",
    "then",
    "catch",
    "finally",
    "_events",
    "_eventsCount",
    "_maxListeners",
    "_readableState",
    "_writableState",
    "_idleNext",
    "_idlePrev",
    "_idleTimeout",
    "_onTimeout",
    "_handle",
    "_server",
    "_parent",
    "_cache",
];

/// Longest name, in bytes, that can be one.
const LONGEST_NAME: usize = 64;
/// A name with more digits is a number, an id or a token.
const MOST_DIGITS: usize = 4;

const EPHEMERON: &str = "part of key (";
const EPHEMERON_END: &str = " pair in WeakMap (table @";

/// Writes what stays of a value, as JSON without quotes.
pub(super) fn write_value(raw: &[u8], key: &RedactKey, out: &mut Vec<u8>) {
    if V8_VALUES.contains(&raw) {
        out.extend_from_slice(raw);
    } else {
        key.replace(raw, Look::Value, out);
    }
}

/// Writes what stays of a name, as JSON without quotes.
pub(super) fn write_name(
    raw: &[u8],
    flags: Flags,
    mode: Redact,
    key: &RedactKey,
    out: &mut Vec<u8>,
) {
    let rewritten = if flags.has(Use::Word) {
        word(raw, mode, key)
    } else if flags.has(Use::Script) {
        script(raw, mode, key)
    } else if LANGUAGE.iter().any(|name| name.as_bytes() == raw) {
        None
    } else if !looks_like_a_name(raw) {
        return key.replace(raw, Look::Key, out);
    } else if mode == Redact::All {
        return key.replace(raw, Look::Word, out);
    } else {
        None
    };
    match rewritten {
        Some(name) => text::encode(&name, out),
        None => out.extend_from_slice(raw),
    }
}

/// Whether a property's name can be one of the program's rather than data: short, of the signs that names and
/// HTTP headers are made of, with few digits.
fn looks_like_a_name(raw: &[u8]) -> bool {
    let sign = |byte: &u8| {
        byte.is_ascii_alphanumeric() || b"_$#-. <>():".contains(byte) || !byte.is_ascii()
    };
    raw.len() <= LONGEST_NAME
        && raw.iter().all(sign)
        && raw.iter().filter(|byte| byte.is_ascii_digit()).count() <= MOST_DIGITS
}

/// A word of the source or of V8: kept, but for the data that V8 puts into some.
fn word(raw: &[u8], mode: Redact, key: &RedactKey) -> Option<String> {
    // Most words have none of these signs.
    if !raw.iter().any(|byte| b"/<".contains(byte)) {
        return None;
    }
    let name = text::decode(raw);
    if let Some(entry) = ephemeron(&name, key) {
        return Some(entry);
    }
    if let Some(scheme) = scheme(&name) {
        return Some(format!(
            "{}{}",
            &name[..scheme],
            path(&name[scheme..], mode, key)
        ));
    }
    markup(&name, key)
}

/// `7 / part of key (KEY @1) -> value (VALUE @2) pair in WeakMap (table @3)`, without the names of key and
/// value: the value's may be the content of a string. Both edges of an entry have the same text, which must stay so.
fn ephemeron(name: &str, key: &RedactKey) -> Option<String> {
    let (before, rest) = name.split_once(EPHEMERON)?;
    let (entry, table) = rest.rsplit_once(EPHEMERON_END)?;
    let hidden = match entry.rsplit_once(") -> value (") {
        Some((held, value)) => format!(
            "{}) -> value ({}",
            hide_before_id(held, key),
            hide_before_id(value, key)
        ),
        None => hashed(entry, key),
    };
    Some(format!("{before}{EPHEMERON}{hidden}{EPHEMERON_END}{table}"))
}

/// `NAME @12)` without the name.
fn hide_before_id(text: &str, key: &RedactKey) -> String {
    match text.rsplit_once(" @") {
        Some((name, id))
            if id
                .trim_end_matches(')')
                .bytes()
                .all(|sign| sign.is_ascii_digit()) =>
        {
            format!("{} @{id}", hashed(name, key))
        }
        _ => hashed(text, key),
    }
}

/// `<a href="…">`: an element of a document, whose attributes are data.
fn markup(name: &str, key: &RedactKey) -> Option<String> {
    let bare = name.strip_prefix("Detached ").unwrap_or(name);
    let space = bare.starts_with('<').then(|| bare.find(' '))??;
    let at = name.len() - bare.len() + space + 1;
    let (kept, attributes) = name.split_at(at);
    let (attributes, end) = match attributes.strip_suffix('>') {
        Some(inner) => (inner, ">"),
        None => (attributes, ""),
    };
    Some(format!("{kept}{}{end}", hashed(attributes, key)))
}

/// Name of a script, or of a function in it.
fn script(raw: &[u8], mode: Redact, key: &RedactKey) -> Option<String> {
    let opaque = raw.starts_with(b"(")
        || raw.starts_with(b"system / ")
        || raw.starts_with(b"node:")
        || !raw.iter().any(|byte| b"/\\:".contains(byte));
    if opaque {
        return None;
    }
    Some(path(&text::decode(raw), mode, key))
}

/// Where the scheme of a URL in `name` begins.
fn scheme(name: &str) -> Option<usize> {
    let colon = name.find("://")?;
    let letters = name[..colon]
        .bytes()
        .rev()
        .take_while(|sign| sign.is_ascii_alphanumeric() || b"+-.".contains(sign))
        .count();
    (letters > 0).then_some(colon - letters)
}

/// What stays of a path or URL.
fn path(name: &str, mode: Redact, key: &RedactKey) -> String {
    let (scheme, rest) = match name.find("://") {
        Some(colon) => name.split_at(colon + 3),
        None => match ["data:", "blob:", "javascript:"]
            .iter()
            .find(|scheme| name.starts_with(**scheme))
        {
            // Not a place at all: the code itself, or a number.
            Some(scheme) => return format!("{scheme}{}", hashed(&name[scheme.len()..], key)),
            None => ("", name),
        },
    };
    let end = match scheme {
        "" => rest.len(),
        _ => rest.find(['?', '#']).unwrap_or(rest.len()),
    };
    let (place, query) = rest.split_at(end);
    let mut kept = String::with_capacity(name.len());
    kept.push_str(scheme);
    let mut module = false;
    let last = place.rfind(['/', '\\']).map_or(0, |slash| slash + 1);
    let mut at = 0;
    for part in place.split_inclusive(['/', '\\']) {
        let bare = part.trim_end_matches(['/', '\\']);
        module |= bare == "node_modules";
        let credentials = (at == 0 && !scheme.is_empty())
            .then(|| bare.rfind('@'))
            .flatten();
        if mode == Redact::All && !module && at != last && !is_drive(bare) {
            kept.push_str(&hashed(bare, key));
        } else if let Some(end) = credentials {
            kept.push_str(&hashed(&bare[..end], key));
            kept.push_str(&bare[end..]);
        } else {
            kept.push_str(bare);
        }
        kept.push_str(&part[bare.len()..]);
        at += part.len();
    }
    if let Some(sign) = query.chars().next() {
        kept.push(sign);
        kept.push_str(&hashed(&query[sign.len_utf8()..], key));
    }
    kept
}

fn is_drive(part: &str) -> bool {
    matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic())
}

fn hashed(text: &str, key: &RedactKey) -> String {
    let mut raw = Vec::new();
    text::encode(text, &mut raw);
    let mut out = Vec::new();
    key.replace(&raw, Look::Value, &mut out);
    // Letters, digits and what numbers are made of.
    String::from_utf8(out).unwrap_or_default()
}
