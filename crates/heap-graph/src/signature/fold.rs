//! Names without what differs from run to run: digits, hashes, keys, folders, minified letters.
//!
//! | in the heap | in a signature | why |
//! |---|---|---|
//! | `[17]`, entry of a `Map` | `[*]` | one of many |
//! | `.user42`, `Struct_20261121` | `.user#`, `Struct_#` | counted names |
//! | `.["ac4004dd-35af-…"]`, `.["/products/7"]`, `.3f9ac21b77e0` | `[key]` | keys of a dictionary, not words of the source |
//! | `.["content-type"]`, `.["<symbol kHandle>"]` | as it is | words of the source |
//! | `.["/srv/app-7/node_modules/x/a.js"]` | `.x/a.js` | installed elsewhere |
//! | variable, class or function `e`, `tt` | `?` | minified: another letter in the next release |
//! | `main.8f3e21aa.js` | `main.#.js` | bundles are named by their content |

use std::borrow::Cow;

/// What stands for a key of a dictionary.
pub(crate) const ANY_KEY: &str = "[key]";
/// What stands for an element or entry.
pub(crate) const ANY_ENTRY: &str = "[*]";
/// What stands for a minified name.
pub(crate) const MINIFIED: &str = "?";

/// Longer names are data, not words.
const MAX_WORD: usize = 64;
/// Words of two letters that people write.
const SHORT_WORDS: [&str; 26] = [
    "as", "at", "by", "cb", "db", "do", "el", "fn", "fs", "go", "id", "in", "io", "ip", "is", "me",
    "my", "no", "of", "ok", "on", "op", "os", "to", "up", "ws",
];
const SCRIPT_ENDINGS: [&str; 9] = [
    ".js", ".cjs", ".mjs", ".ts", ".tsx", ".jsx", ".json", ".node", ".wasm",
];

/// A property's name: itself, folded, or [`ANY_KEY`].
pub(crate) fn property(name: &str) -> Cow<'_, str> {
    let (prefix, word) = match name.split_once(' ') {
        Some((accessor @ ("get" | "set"), rest)) => (accessor, rest),
        _ => ("", name),
    };
    if word.starts_with('<') && word.len() <= MAX_WORD {
        return digits(name, 1);
    }
    if is_script(word) {
        return Cow::Owned(script(word));
    }
    if is_data(word) {
        return Cow::Borrowed(ANY_KEY);
    }
    if is_minified(word) {
        return Cow::Borrowed(MINIFIED);
    }
    if prefix.is_empty() {
        digits(word, 1)
    } else {
        digits(name, 1)
    }
}

/// A variable's name.
pub(crate) fn variable(name: &str) -> Cow<'_, str> {
    if is_minified(name) {
        Cow::Borrowed(MINIFIED)
    } else {
        digits(cut(name), 1)
    }
}

/// A class's or function's name. Runs of one or two digits belong to it: `Float64Array`, `Http2Session`.
pub(crate) fn class(name: &str) -> Cow<'_, str> {
    // `<div id="a7">` and `Detached <div …>`: the tag alone.
    if let Some(at) = name.find('<')
        && let Some(end) = name[at..].find(' ')
        && name.ends_with('>')
    {
        return Cow::Owned(format!("{}>", &name[..at + end]));
    }
    if is_minified(name) {
        Cow::Borrowed(MINIFIED)
    } else {
        digits(cut(name), 3)
    }
}

/// A script's path: from its package on, or the file alone (with its folder, where the file is an `index`).
pub(crate) fn script(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    if path.starts_with("node:") {
        return path.to_owned();
    }
    let slashes = path.replace('\\', "/");
    if let Some(at) = slashes.rfind("node_modules/") {
        return digits(cut(&slashes[at + "node_modules/".len()..]), 3).into_owned();
    }
    let mut segments = slashes.rsplit('/');
    let file = segments.next().unwrap_or_default();
    let folder = if file.starts_with("index.") {
        segments.next().filter(|name| !name.is_empty())
    } else {
        None
    };
    let short = folder.map_or_else(|| file.to_owned(), |folder| format!("{folder}/{file}"));
    hashed_segments(&digits(cut(&short), 3))
}

/// Parts between dots that are hashes become `#`.
fn hashed_segments(file: &str) -> String {
    let parts: Vec<&str> = file
        .split('.')
        .map(|part| if looks_hashed(part) { "#" } else { part })
        .collect();
    parts.join(".")
}

fn is_script(name: &str) -> bool {
    (name.contains('/') || name.contains('\\'))
        && SCRIPT_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether a property's name is no word that anybody wrote: too long, not spelled like one, or a hash.
fn is_data(name: &str) -> bool {
    let bare = name.strip_prefix('#').unwrap_or(name);
    if bare.is_empty() || bare.len() > MAX_WORD || bare.as_bytes()[0].is_ascii_digit() {
        return true;
    }
    // Words joined by dashes (`content-type`) are written by people as long as no digits are in them.
    let spelled = bare
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    let dashed = bare.chars().all(|c| c.is_alphabetic() || c == '-') && !bare.starts_with('-');
    (!spelled && !dashed) || looks_hashed(bare)
}

/// Hexadecimal of eight digits or more with a number in it, or letters mixed with several numbers.
fn looks_hashed(name: &str) -> bool {
    let bytes = name.as_bytes();
    let numbers = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    if numbers == 0 || bytes.len() < 8 {
        return false;
    }
    let runs = bytes
        .windows(2)
        .filter(|pair| pair[0].is_ascii_digit() && !pair[1].is_ascii_digit())
        .count();
    bytes.iter().all(u8::is_ascii_hexdigit) || (bytes.len() >= 12 && runs >= 3)
}

fn is_minified(name: &str) -> bool {
    name.len() <= 2
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$')
        && !SHORT_WORDS.contains(&name)
}

/// At most [`MAX_WORD`] bytes, in whole characters.
fn cut(name: &str) -> &str {
    if name.len() <= MAX_WORD {
        return name;
    }
    let end = (0..=MAX_WORD)
        .rev()
        .find(|&at| name.is_char_boundary(at))
        .unwrap_or(0);
    &name[..end]
}

/// Runs of at least `least` digits become `#`.
fn digits(name: &str, least: usize) -> Cow<'_, str> {
    if !name.bytes().any(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(name);
    }
    let mut folded = String::with_capacity(name.len());
    let mut run = String::new();
    for character in name.chars().chain(['\0']) {
        if character.is_ascii_digit() {
            run.push(character);
            continue;
        }
        if run.len() >= least {
            folded.push('#');
        } else {
            folded.push_str(&run);
        }
        run.clear();
        if character != '\0' {
            folded.push(character);
        }
    }
    Cow::Owned(folded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_of_the_source_stay() {
        for name in [
            "requestLogs",
            "_events",
            "content-type",
            "<symbol kHandle>",
            "$store",
            "#private",
            "get size",
            "id",
            "größe",
        ] {
            assert_eq!(property(name), name);
        }
        for name in [
            "LogEntry",
            "Float64Array",
            "Http2Session",
            "system / Context",
            "Node / TCPSocketWrap",
        ] {
            assert_eq!(class(name), name);
        }
    }

    #[test]
    fn keys_numbers_and_hashes_go() {
        for name in [
            "ac4004dd-35af-4f37-a41a-e3cfae222927",
            "/products/7",
            "17",
            "3f9ac21b77e0",
            "user:17",
            "a b",
            "",
            "deadbeef1",
        ] {
            assert_eq!(property(name), ANY_KEY, "{name}");
        }
        assert_eq!(property(&"x".repeat(200)), ANY_KEY);
        assert_eq!(property("user42"), "user#");
        assert_eq!(property("sK3dLm92Xq1zz"), ANY_KEY);
        assert_eq!(class("Struct_20261121"), "Struct_#");
        assert_eq!(class("<div id=\"row7\" class=\"x\">"), "<div>");
        assert_eq!(class("Detached <li class=a>"), "Detached <li>");
    }

    #[test]
    fn minified_names_and_places_of_installation_go() {
        assert_eq!(
            (property("e"), variable("tt"), class("a")),
            (MINIFIED.into(), MINIFIED.into(), MINIFIED.into())
        );
        assert_eq!((variable("db"), class("fn")), ("db".into(), "fn".into()));
        assert_eq!(script("/srv/releases/20261121/server.js"), "server.js");
        assert_eq!(script("C:\\app\\jobs\\index.ts"), "jobs/index.ts");
        assert_eq!(
            script("/a/node_modules/b/node_modules/ajv/dist/core.js"),
            "ajv/dist/core.js"
        );
        assert_eq!(script("file:///app/dist/main.8f3e21aa.js?v=3"), "main.#.js");
        assert_eq!(script("node:internal/timers"), "node:internal/timers");
        assert_eq!(property("/app/node_modules/x/a.js"), "x/a.js");
    }

    proptest! {
        #[test]
        fn any_name_can_be_folded_and_folding_again_changes_nothing_but_keys(name: String) {
            let folded = variable(&name);
            prop_assert_eq!(variable(&folded), folded.clone());
            prop_assert!(folded.len() <= MAX_WORD);
            let _ = (property(&name), class(&name), script(&name));
        }
    }
}
