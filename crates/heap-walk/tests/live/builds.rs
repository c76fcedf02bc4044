//! Builds of Node.js whose heap can't be read: real processes, of binaries that were changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use memchr::memmem;
use memguard_heap_walk::{CensusOptions, Metadata, census, inspect};

use crate::support::Program;

/// The binary that `node` runs.
fn binary() -> PathBuf {
    let node = Program::start("holders.js");
    fs::read_link(format!("/proc/{}/exe", node.pid())).unwrap()
}

/// What is said of a process of a changed binary, and whether that goes on.
fn code_of(folder: &Path, name: &str, bytes: &[u8]) -> &'static str {
    let file = folder.join(name);
    fs::write(&file, bytes).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let mut node = Program::start_by(file.as_os_str(), "holders.js");
    let found = inspect(&node.target(), |s| census(s, &CensusOptions::default()));
    assert!(node.is_running());
    found.map_or_else(|error| error.code(), |_| "nothing")
}

/// Gives symbols of a binary other names, which must not be longer.
fn renamed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let old = [b"\0", from.as_bytes(), b"\0"].concat();
    let mut new = [b"\0", to.as_bytes()].concat();
    new.resize(old.len(), 0);
    let mut changed = bytes.to_vec();
    let places = memmem::find_iter(bytes, &old);
    let count = places
        .map(|at| changed[at..at + new.len()].copy_from_slice(&new))
        .count();
    assert!(count > 0, "{from} is in the binary");
    changed
}

#[test]
fn stripped_and_compressed_builds_are_refused() {
    let binary = binary();
    let bytes = fs::read(&binary).unwrap();
    let folder = tempfile::tempdir().unwrap();

    // A constant of the value 4 stands in for the size of a tagged word.
    let metadata = Metadata::read(&binary).unwrap();
    let four = metadata.constants().find(|(name, value)| {
        *value == 4 && !name.contains("__") && name.len() >= "TaggedSize".len()
    });
    let four = four.unwrap().0.to_owned();
    let hidden = renamed(&bytes, "v8dbg_TaggedSize", "v8dbg_Tagged");
    let compressed = renamed(&hidden, &format!("v8dbg_{four}"), "v8dbg_TaggedSize");
    assert_eq!(
        code_of(folder.path(), "compressed", &compressed),
        "ERR_MEMGUARD_CENSUS_POINTER_COMPRESSION"
    );
    assert_eq!(
        code_of(folder.path(), "lacking", &hidden),
        "ERR_MEMGUARD_CENSUS_MISSING_CONSTANT"
    );

    let mut stripped = bytes.clone();
    for at in memmem::find_iter(&bytes, b"\0v8dbg_") {
        stripped[at + 1..at + 7].copy_from_slice(b"gone__");
    }
    assert_eq!(
        code_of(folder.path(), "stripped", &stripped),
        "ERR_MEMGUARD_CENSUS_NO_METADATA"
    );
}
