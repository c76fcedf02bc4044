//! Classes: how many, how large, where.

use memguard_heap_walk::{Census, CensusOptions, Follow, Group, Row, Target, census, inspect};

use crate::support::{Program, line_of};

fn row<'c>(census: &'c Census, name: &str) -> &'c Row {
    census
        .rows
        .iter()
        .find(|row| row.group == Group::Object && row.name == name)
        .unwrap_or_else(|| panic!("no class {name}"))
}

#[test]
fn counts_what_the_program_made() {
    let mut node = Program::start("holders.js");
    let found = inspect(&node.target(), |s| census(s, &CensusOptions::default())).unwrap();
    let census = &found.value;

    let expected = [
        ("LogEntry", 5_000, 24 + 3 * 8),
        ("Derived", 3_000, 24 + 2 * 8),
        ("MyMap", 100, 32),
        ("InMap", 50, 24),
        ("InSet", 40, 24),
        ("InClosure", 1, 24),
        ("InWeakMap", 1, 24),
        ("InPrivate", 1, 24),
    ];
    for (name, count, at_least) in expected {
        let found = row(census, name);
        assert_eq!(found.all.count, count, "{name}");
        assert!(
            found.all.bytes >= count * at_least,
            "{name}: {:?}",
            found.all
        );
        assert_eq!(found.doubtful.count, 0, "{name}");
    }
    assert!(
        census.rows.iter().all(|row| row.name != "Garbage"),
        "dead objects are not counted"
    );
    assert!(
        census.rows.iter().all(|row| row.name != "OnlyWeak"),
        "weakly held ones neither"
    );

    let place = row(census, "LogEntry").place.clone().unwrap();
    assert!(place.script.ends_with("holders.js"), "{place:?}");
    // A class begins where its constructor does.
    assert_eq!(place.line, line_of("constructor(i)"));

    // Functions are told apart by place.
    let handler = census
        .rows
        .iter()
        .find(|row| row.group == Group::Closure && row.name == "handlers")
        .unwrap();
    assert_eq!(
        handler.place.as_ref().unwrap().line,
        line_of("function handlers")
    );

    assert!(census.buffer_bytes >= 300_000);
    assert!(census.total.bytes > 3_000_000 && census.total.bytes < census.page_bytes);
    assert!(census.young.bytes < census.total.bytes);
    assert_eq!(census.stats.false_references, 0);
    assert_eq!(found.attempts, 1);
    assert!(found.paused.is_some());
    assert!(node.is_running());
}

#[test]
fn weak_references_count_when_asked_to() {
    let node = Program::start("holders.js");
    let census_of = |follow| {
        inspect(&node.target(), |s| census(s, &CensusOptions { follow }))
            .unwrap()
            .value
    };
    let (strong, weak) = (census_of(Follow::Strong), census_of(Follow::WeakToo));
    assert!(weak.total.count > strong.total.count);
    // Not an object of a program more, right after a collection.
    assert_eq!(row(&strong, "LogEntry").all, row(&weak, "LogEntry").all);
    // But for what V8 copies literals from, of code that it has dropped.
    let count = |census| row(census, "Object").all.count;
    let more = count(&weak) - count(&strong);
    assert!(more <= 5, "{more} more objects");
}

#[test]
fn what_is_no_process_is_an_error() {
    let mut gone = std::process::Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    let error = inspect(&Target::Process(gone.id()), |s| {
        census(s, &CensusOptions::default())
    });
    assert_eq!(error.unwrap_err().code(), "ERR_MEMGUARD_CENSUS_NO_PROCESS");
}

#[test]
fn what_is_not_node_is_an_error_and_goes_on() {
    let mut other = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let error = inspect(&Target::Process(other.id()), |s| {
        census(s, &CensusOptions::default())
    });
    assert_eq!(error.unwrap_err().code(), "ERR_MEMGUARD_CENSUS_NO_METADATA");
    assert!(other.try_wait().unwrap().is_none());
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn what_is_no_core_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = |bytes: &[u8]| {
        std::fs::write(file.path(), bytes).unwrap();
        let target = Target::Core {
            file: file.path().to_owned(),
            executable: None,
        };
        inspect(&target, |s| census(s, &CensusOptions::default()))
            .unwrap_err()
            .code()
    };
    assert_eq!(error(b""), "ERR_MEMGUARD_CENSUS_BAD_ELF");
    assert_eq!(error(&[b'x'; 200]), "ERR_MEMGUARD_CENSUS_BAD_ELF");
    // A header that promises more than the file has.
    let mut header = vec![0_u8; 64];
    header[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
    header[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
    header[54..56].copy_from_slice(&56_u16.to_le_bytes());
    header[56..58].copy_from_slice(&3_u16.to_le_bytes());
    assert_eq!(error(&header), "ERR_MEMGUARD_CENSUS_BAD_ELF");
}
