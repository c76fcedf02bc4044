//! The redactor against small snapshots.

use std::io::{self, Write};

use proptest::prelude::*;
use serde_json::Value;

use super::{Redact, RedactError, RedactKey, Redactor};

const NODE_KINDS: &str = r#"["hidden","array","string","object","code","closure","regexp","number","native","synthetic","concatenated string","sliced string","symbol","bigint","object shape"]"#;
const EDGE_KINDS: &str =
    r#"["context","element","property","internal","hidden","shortcut","weak"]"#;
const EPHEMERON: &str = "7 / part of key (Session @11) -> value (tok) -> value (en @13) @13) pair in WeakMap (table @15)";

fn key() -> RedactKey {
    RedactKey::derive(b"a key for the tests only").unwrap()
}

/// A snapshot with a node for each `(kind, name)`, and edges `(kind, name)` from the first to the second.
fn snapshot(nodes: &[(u32, &str)], edges: &[(u32, &str)]) -> String {
    let mut strings = vec!["<dummy>".to_owned()];
    let mut place = |name: &str| {
        strings
            .iter()
            .position(|known| known == name)
            .unwrap_or_else(|| {
                strings.push(name.to_owned());
                strings.len() - 1
            })
    };
    let mut id = 1;
    let nodes: Vec<String> = nodes
        .iter()
        .map(|(kind, name)| {
            id += 2;
            let count = if id == 3 { edges.len() } else { 0 };
            format!("{kind},{},{id},16,{count},0", place(name))
        })
        .collect();
    let edges: Vec<String> = edges
        .iter()
        .map(|(kind, name)| match name.parse::<u32>() {
            Ok(index) if matches!(kind, 1 | 4) => format!("{kind},{index},6"),
            _ => format!("{kind},{},6", place(name)),
        })
        .collect();
    format!(
        r#"{{"snapshot":{{"meta":{{"node_fields":["type","name","id","self_size","edge_count","detachedness"],"node_types":[{NODE_KINDS},"string","number","number","number","number"],"edge_fields":["type","name_or_index","to_node"],"edge_types":[{EDGE_KINDS},"string_or_number","node"],"location_fields":["object_index","script_id","line","column"]}},"title":"of Alice","node_count":{},"edge_count":{}}},
"nodes":[{}],
"edges":[{}],
"trace_function_infos":[],
"trace_tree":[0,[1,[]]],
"samples":[],
"notes":{{"a":["of Alice",{{}}]}},
"locations":[6,7,1,2],
"strings":{}}}"#,
        nodes.len(),
        edges.len(),
        nodes.join("\n,"),
        edges.join("\n,"),
        serde_json::to_string(&strings).unwrap(),
    )
}

fn redact(text: &[u8], mode: Redact) -> Result<String, RedactError> {
    redact_in_pieces(text, mode, text.len().max(1))
}

fn redact_in_pieces(text: &[u8], mode: Redact, piece: usize) -> Result<String, RedactError> {
    let mut redactor = Redactor::new(Vec::new(), mode, &key());
    for piece in text.chunks(piece) {
        if let Err(error) = redactor.write_all(piece) {
            let inner = error.into_inner().unwrap();
            return Err(*inner.downcast::<RedactError>().unwrap());
        }
    }
    redactor
        .finish()
        .map(|out| String::from_utf8_lossy(&out).into_owned())
}

struct Read {
    whole: Value,
    fields: usize,
}

impl Read {
    fn of(text: &str) -> Self {
        Self {
            whole: serde_json::from_str(text).unwrap(),
            fields: 6,
        }
    }

    fn column(&self, list: &str, stride: usize, at: usize) -> Vec<i64> {
        let list = self.whole[list].as_array().unwrap();
        list.iter()
            .skip(at)
            .step_by(stride)
            .map(|value| value.as_i64().unwrap())
            .collect()
    }

    fn string(&self, place: i64) -> String {
        self.whole["strings"][place as usize]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn node_names(&self) -> Vec<String> {
        self.column("nodes", self.fields, 1)
            .into_iter()
            .map(|place| self.string(place))
            .collect()
    }

    /// Names, or indices, of the edges.
    fn edge_names(&self) -> Vec<String> {
        self.column("edges", 3, 0)
            .into_iter()
            .zip(self.column("edges", 3, 1))
            .map(|(kind, name)| match kind {
                1 | 4 => name.to_string(),
                _ => self.string(name),
            })
            .collect()
    }
}

fn one_node(kind: u32, name: &str, mode: Redact) -> String {
    let text = redact(snapshot(&[(9, ""), (kind, name)], &[]).as_bytes(), mode).unwrap();
    Read::of(&text).node_names().remove(1)
}

fn one_edge(kind: u32, name: &str, mode: Redact) -> String {
    let text = snapshot(&[(9, ""), (3, "Object")], &[(kind, name)]);
    Read::of(&redact(text.as_bytes(), mode).unwrap())
        .edge_names()
        .remove(0)
}

#[test]
fn values_become_hashes_of_their_length_and_class() {
    for kind in [2, 6, 10, 11, 99] {
        let hash = one_node(kind, "hunter2 \u{1f600}\"\\\n", Redact::Strings);
        assert_eq!(hash.len(), "hunter2 ".len() + 2 + 3, "kind {kind}: {hash}");
        assert!(
            hash.bytes()
                .all(|sign| sign.is_ascii_alphanumeric() || b"-_".contains(&sign))
        );
    }
    let card = one_node(2, "4111111111111111", Redact::Strings);
    assert_ne!(card, "4111111111111111");
    assert!(
        card.len() == 16
            && card.bytes().all(|digit| digit.is_ascii_digit())
            && !card.starts_with('0')
    );
    let number = one_node(2, "-0.25e-7", Redact::Strings);
    assert!(
        number.starts_with("-") && &number[2..3] == "." && &number[5..7] == "e-",
        "{number}"
    );
    assert_eq!(one_node(2, "", Redact::Strings), "");
    assert_eq!(one_node(7, "heap number", Redact::All), "heap number");
}

#[test]
fn hashes_are_stable_for_a_key_and_differ_between_keys() {
    let text = snapshot(&[(9, ""), (2, "a secret value")], &[]);
    let once = redact(text.as_bytes(), Redact::Strings).unwrap();
    assert_eq!(once, redact(text.as_bytes(), Redact::Strings).unwrap());
    let mut other = Redactor::new(Vec::new(), Redact::Strings, &RedactKey::random().unwrap());
    other.write_all(text.as_bytes()).unwrap();
    assert_ne!(once.into_bytes(), other.finish().unwrap());
    // However JSON writes it, and whatever else is in the file.
    let escaped = text.replace("a secret value", r"\u0061 secret v\u0061lue");
    assert_eq!(
        Read::of(&redact(escaped.as_bytes(), Redact::Strings).unwrap()).node_names(),
        Read::of(&redact(text.as_bytes(), Redact::Strings).unwrap()).node_names()
    );
}

#[test]
fn a_name_that_is_also_a_value_stays_as_a_name_alone() {
    let text = snapshot(
        &[(9, ""), (2, "password"), (3, "password")],
        &[(2, "password"), (6, "4711"), (3, "x")],
    );
    let read = Read::of(&redact(text.as_bytes(), Redact::Strings).unwrap());
    let names = read.node_names();
    assert_ne!(names[1], "password");
    assert_eq!(names[2], "password");
    assert_eq!(read.edge_names(), ["password", "4711", "x"]);
    // V8 14 prints indices from 2^31 on as negative numbers: no less somebody's than others.
    let text = snapshot(&[(9, "")], &[(1, "1000"), (1, "999"), (1, "70000")]);
    let text = text.replace("1,1000,", "1,-1294967296,");
    assert!(text.contains("1,-1294967296,6"));
    let read = Read::of(&redact(text.as_bytes(), Redact::All).unwrap());
    let indices = read.column("edges", 3, 1);
    assert_eq!(indices[1], 999);
    assert!(indices[0] > 0 && indices[0] != 1_294_967_296 && indices[0] != 3_000_000_000);
    // The index of a weak reference does not let a PIN through.
    let text = snapshot(&[(9, ""), (2, "4711")], &[(6, "4711")]);
    let read = Read::of(&redact(text.as_bytes(), Redact::Strings).unwrap());
    assert_ne!(read.node_names()[1], "4711");
    assert_eq!(read.edge_names(), ["4711"]);
}

#[test]
fn the_graph_stays_the_same() {
    let text = snapshot(
        &[(9, ""), (3, "Session"), (2, "x"), (5, "handler")],
        &[(2, "a"), (1, "12"), (4, "70000"), (0, "cache")],
    );
    for mode in [Redact::Strings, Redact::All] {
        let before = Read::of(&text);
        let redacted = redact(text.as_bytes(), mode).unwrap();
        let after = Read::of(&redacted);
        for at in [0, 2, 3, 4, 5] {
            assert_eq!(before.column("nodes", 6, at), after.column("nodes", 6, at));
        }
        for at in [0, 2] {
            assert_eq!(before.column("edges", 3, at), after.column("edges", 3, at));
        }
        for part in ["locations", "trace_tree", "samples"] {
            assert_eq!(before.whole[part], after.whole[part]);
        }
        assert_eq!(
            before.whole["snapshot"]["meta"],
            after.whole["snapshot"]["meta"]
        );
        assert_eq!(after.whole["snapshot"]["redacted"], mode.as_str());
        // Titles and unknown parts could hold anything.
        assert!(!redacted.contains("Alice"));
        // Our own reader takes it.
        let graph = crate::read(redacted.as_bytes(), &crate::ReadOptions::default()).unwrap();
        assert_eq!((graph.node_count(), graph.edge_count()), (4, 4));
    }
}

#[test]
fn property_names_stay_unless_they_look_like_data() {
    for name in [
        "requestLogs",
        "content-type",
        "get foo",
        "<symbol kHandle>",
        "x509",
        "größe",
    ] {
        assert_eq!(one_edge(2, name, Redact::Strings), name);
        assert_ne!(one_edge(2, name, Redact::All), name);
    }
    for name in [
        "alice@example.com",
        "https://h/x?token=abc",
        "5f4dcc3b5aa765d61d8327",
        "a\"b",
    ] {
        assert_ne!(one_edge(2, name, Redact::Strings), name);
    }
    // Both look like what they were.
    assert!(
        one_edge(2, "requestLogs", Redact::All)
            .bytes()
            .all(|sign| sign.is_ascii_alphabetic())
    );
    assert!(one_edge(2, "alice@example.com", Redact::All).as_bytes()[0].is_ascii_digit());
    assert!(one_edge(2, "alice@example.com", Redact::Strings).as_bytes()[0].is_ascii_digit());
    for name in ["__proto__", "_events", "constructor"] {
        assert_eq!(one_edge(2, name, Redact::All), name);
    }
    assert_eq!(one_edge(0, "requestLogs", Redact::All), "requestLogs");
}

#[test]
fn large_indices_are_data_when_all_is_hidden() {
    assert_eq!(one_edge(1, "491511234", Redact::Strings), "491511234");
    assert_ne!(one_edge(1, "491511234", Redact::All), "491511234");
    assert_eq!(one_edge(1, "491511234", Redact::All).len(), 9);
    assert_eq!(one_edge(1, "999", Redact::All), "999");
    assert_eq!(one_edge(4, "70000", Redact::All), "70000");
}

#[test]
fn weak_map_entries_do_not_name_their_values() {
    let hidden = one_edge(3, EPHEMERON, Redact::Strings);
    assert_eq!(hidden.len(), EPHEMERON.len());
    assert!(
        !hidden.contains("tok") && !hidden.contains("Session"),
        "{hidden}"
    );
    assert!(hidden.starts_with("7 / part of key ("));
    assert!(
        hidden.ends_with(" @13) pair in WeakMap (table @15)"),
        "{hidden}"
    );
    // Both edges of an entry stay recognisable as such: the text after the number is the same.
    let other = one_edge(3, &EPHEMERON.replacen('7', "8", 1), Redact::Strings);
    assert_eq!(hidden[1..], other[1..]);
}

#[test]
fn scripts_keep_what_a_file_is_found_by() {
    let strings = |name| one_node(4, name, Redact::Strings);
    assert_eq!(strings("/srv/alice/app.js"), "/srv/alice/app.js");
    assert_eq!(strings("node:internal/timers"), "node:internal/timers");
    assert_eq!(strings("system / ScopeInfo"), "system / ScopeInfo");
    assert!(strings("file:///srv/a.mjs?token=abc").starts_with("file:///srv/a.mjs?"));
    assert!(!strings("file:///srv/a.mjs?token=abc").contains("token"));
    assert!(!strings("https://me:pw@host/a.js").contains("me:pw"));
    assert!(strings("https://me:pw@host/a.js").ends_with("@host/a.js"));
    assert!(!strings("data:text/javascript,secret()").contains("secret"));
    assert_eq!(
        one_node(3, "Window / https://host/p", Redact::Strings),
        "Window / https://host/p"
    );
    assert!(!one_node(3, "Window / https://host/p?t=secret", Redact::Strings).contains("secret"));

    let all = |name| one_node(4, name, Redact::All);
    let path = all("/srv/alice/app.js");
    assert!(
        path.ends_with("/app.js") && path.len() == 17 && !path.contains("alice"),
        "{path}"
    );
    assert!(
        all("/srv/alice/node_modules/express/lib/router.js")
            .ends_with("/node_modules/express/lib/router.js")
    );
    assert!(all(r"C:\\Users\\alice\\app.js").ends_with("app.js"));
    assert!(!all(r"C:\\Users\\alice\\app.js").contains("alice"));
    assert!(!all("https://alice.example/app.js").contains("alice"));
    assert_eq!(all("get requestLogs"), "get requestLogs");
    assert_eq!(
        all("(Call_ReceiverIsAny builtin code)"),
        "(Call_ReceiverIsAny builtin code)"
    );
}

#[test]
fn attributes_of_elements_are_data() {
    let element = one_node(8, r#"Detached <a href="/u/alice">"#, Redact::Strings);
    assert!(
        element.starts_with("Detached <a ") && element.ends_with('>') && !element.contains("alice")
    );
    assert_eq!(
        one_node(8, "Node / ContextifyScript", Redact::Strings),
        "Node / ContextifyScript"
    );
}

#[test]
fn long_texts_are_hashed_in_pieces() {
    let long: String = "0123456789äöü\u{1f600}\\\"".repeat(3000);
    for kind in [2, 3] {
        let text = snapshot(&[(9, ""), (kind, &long), (2, "after")], &[]);
        let whole = redact(text.as_bytes(), Redact::Strings).unwrap();
        let read = Read::of(&whole);
        assert_eq!(read.node_names()[1].len(), long.encode_utf16().count());
        assert!(!whole.contains("0123456789"));
        for piece in [1, 7, 4096, 8192, 8193] {
            assert_eq!(
                redact_in_pieces(text.as_bytes(), Redact::Strings, piece).unwrap(),
                whole
            );
        }
    }
    let value = snapshot(&[(9, ""), (2, &long)], &[]);
    let name = snapshot(&[(9, ""), (3, &long)], &[]);
    assert_eq!(
        Read::of(&redact(value.as_bytes(), Redact::All).unwrap()).node_names(),
        Read::of(&redact(name.as_bytes(), Redact::All).unwrap()).node_names(),
    );
}

#[test]
fn a_snapshot_cut_anywhere_is_no_snapshot() {
    let text = snapshot(&[(9, ""), (2, "secret")], &[(2, "a"), (3, EPHEMERON)]);
    for end in 0..text.len() {
        match redact(&text.as_bytes()[..end], Redact::Strings) {
            Err(RedactError::Truncated { offset, .. }) => assert_eq!(offset, end as u64),
            other => panic!("cut at {end}: {other:?}"),
        }
    }
    assert!(redact(format!("{text}\n\n").as_bytes(), Redact::Strings).is_ok());
}

#[test]
fn what_is_no_snapshot_is_refused_with_its_place() {
    let good = snapshot(&[(9, ""), (2, "secret")], &[(2, "a")]);
    let cases = [
        ("[]".to_owned(), "ERR_MEMGUARD_SNAPSHOT_SYNTAX"),
        ("{}".to_owned(), "ERR_MEMGUARD_SNAPSHOT_SYNTAX"),
        (
            r#"{"nodes":[]}"#.to_owned(),
            "ERR_MEMGUARD_SNAPSHOT_UNSUPPORTED",
        ),
        (
            r#"{"snapshot":{}}"#.to_owned(),
            "ERR_MEMGUARD_SNAPSHOT_SYNTAX",
        ),
        (format!("{good}x"), "ERR_MEMGUARD_SNAPSHOT_SYNTAX"),
        (
            good.replace("\"nodes\":[9,", "\"nodes\":[9.5,"),
            "ERR_MEMGUARD_SNAPSHOT_SYNTAX",
        ),
        (
            good.replace("\"nodes\":[9,", "\"nodes\":[9 9,"),
            "ERR_MEMGUARD_SNAPSHOT_SYNTAX",
        ),
        (
            good.replace("\"nodes\":[9,", "\"nodes\":["),
            "ERR_MEMGUARD_SNAPSHOT_SYNTAX",
        ),
        (
            good.replace("\"nodes\":[9,", "\"nodes\":[9999999999999999999,"),
            "ERR_MEMGUARD_SNAPSHOT_SYNTAX",
        ),
        (
            good.replace("\"edges\":[2,3,", "\"edges\":[2,-3,"),
            "ERR_MEMGUARD_SNAPSHOT_INCONSISTENT",
        ),
        (
            good.replace("\"edges\":[2,3,", "\"edges\":[2,4000000000,"),
            "ERR_MEMGUARD_SNAPSHOT_INCONSISTENT",
        ),
        (
            good.replace("\"edges\":[2,3,", "\"edges\":[2,30,"),
            "ERR_MEMGUARD_SNAPSHOT_INCONSISTENT",
        ),
        (
            good.replace("\"secret\"", "17"),
            "ERR_MEMGUARD_SNAPSHOT_SYNTAX",
        ),
        (
            good.replace("\"secret\"", "\"\\x\""),
            "ERR_MEMGUARD_SNAPSHOT_SYNTAX",
        ),
        (
            good.replace("\"samples\"", "\"nodes\"")
                .replace("\"strings\"", "\"x\""),
            "ERR_MEMGUARD_SNAPSHOT_SYNTAX",
        ),
    ];
    for (text, code) in cases {
        assert_ne!(text, good);
        let error = redact(text.as_bytes(), Redact::Strings).unwrap_err();
        assert_eq!(error.code(), code, "{text}: {error}");
        assert!(
            error
                .offset()
                .is_some_and(|offset| offset <= text.len() as u64)
        );
    }
}

#[test]
fn an_error_is_final() {
    let mut redactor = Redactor::new(Vec::new(), Redact::Strings, &key());
    assert!(redactor.write_all(b"nonsense").is_err());
    assert!(redactor.write_all(b"{}").is_err());
    assert!(redactor.flush().is_err());
    assert!(redactor.finish().is_err());

    #[derive(Debug)]
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut redactor = Redactor::new(Full, Redact::Strings, &key());
    redactor
        .write_all(snapshot(&[(9, "")], &[]).as_bytes())
        .unwrap();
    let error = redactor.finish().unwrap_err();
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::StorageFull);
}

#[test]
fn keys_and_modes_are_checked() {
    let error = RedactKey::derive(b"short").unwrap_err();
    assert_eq!(
        error.to_string(),
        "a key for redaction must have at least 16 bytes, this one has 5"
    );
    assert_eq!(format!("{:?}", key()), "RedactKey(…)");
    assert_eq!("all".parse(), Ok(Redact::All));
    assert_eq!(
        "some".parse::<Redact>().unwrap_err().code(),
        "ERR_MEMGUARD_INVALID_ARG"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn pieces_make_no_difference(
        names in prop::collection::vec((0_u32..16, ".{0,12}"), 1..8),
        edges in prop::collection::vec((0_u32..8, "[a-z0-9/@ ]{1,8}"), 0..6),
        piece in 1_usize..40,
        all in any::<bool>(),
    ) {
        let names: Vec<(u32, &str)> = names.iter().map(|(kind, name)| (*kind, name.as_str())).collect();
        let edges: Vec<(u32, &str)> = edges.iter().map(|(kind, name)| (*kind, name.as_str())).collect();
        let text = snapshot(&names, &edges);
        let mode = if all { Redact::All } else { Redact::Strings };
        let whole = redact(text.as_bytes(), mode).unwrap();
        prop_assert_eq!(&redact_in_pieces(text.as_bytes(), mode, piece).unwrap(), &whole);
        let before = Read::of(&text);
        for (name, after) in before.node_names().iter().zip(Read::of(&whole).node_names()) {
            prop_assert_eq!(name.encode_utf16().count(), after.encode_utf16().count());
        }
    }

    #[test]
    fn damage_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), piece in 1_usize..64) {
        let mut text = snapshot(&[(9, ""), (2, "secret")], &[(2, "a"), (3, EPHEMERON), (1, "7")]).into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        let _ = redact_in_pieces(&text, Redact::All, piece);
    }
}
