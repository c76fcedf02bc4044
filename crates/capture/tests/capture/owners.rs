//! Who is alive, where process ids do not help.

use std::fs::{self, File};
use std::path::Path;

use memguard_capture::Folder;

use crate::support::{capture, files, keep, plant};

const T: u64 = 1_795_254_874_123;

/// Writes an owner file as another process would, and a snapshot of that owner.
fn plant_owner(dir: &Path, id: &str, scope: &str) -> File {
    let path = dir.join(format!(".memguard-{id}.owner"));
    fs::write(&path, scope).unwrap();
    plant(
        dir,
        "2026-01-01T00-00-00.000Z",
        Some(&format!("{{\"owner\":\"{id}\"}}")),
    );
    File::options().read(true).write(true).open(path).unwrap()
}

#[test]
fn a_locked_owner_lives_whatever_its_process_id_says() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    // Process 1 of another namespace: the number says nothing here, the lock does.
    let other = plant_owner(dir, "1-123-0000000b", "another-host  pid:[1]");
    other.lock().unwrap();
    let theirs = ".memguard-1-123-0000000b-0-10.heapsnapshot.tmp";
    fs::write(dir.join(theirs), b"half").unwrap();

    let folder = Folder::open(dir, keep(3), "shop").unwrap();
    for step in 0..4 {
        capture(&folder, T + step).unwrap();
    }
    // One is theirs, one place is reserved for their capture, so one is ours.
    assert_eq!(folder.list().unwrap().len(), 2);
    let narrow = Folder::open(dir, keep(2), "shop").unwrap();
    let error = capture(&narrow, T + 9).unwrap_err();
    assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_BUDGET_FULL");
    assert!(
        error.to_string().contains("2 files") && error.to_string().contains("at most 2"),
        "{error}"
    );
    assert_eq!(narrow.prune(T + 9).unwrap().len(), 1, "ours only");
    assert!(dir.join(theirs).exists());

    drop(other);
    capture(&narrow, T + 10).unwrap();
    capture(&narrow, T + 11).unwrap();
    assert!(!dir.join(theirs).exists());
    assert!(files(dir, "50pct.heapsnapshot").is_empty());
    assert_eq!(files(dir, ".owner").len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn where_locks_mean_nothing_a_running_process_is_still_recognised() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let folder = Folder::open(dir, keep(1), "shop").unwrap();
    let own = files(dir, ".owner").remove(0);
    let scope = fs::read_to_string(dir.join(&own)).unwrap();
    // Our own process id and start time under another nonce, unlocked: it runs, as far as can be told.
    let id = own
        .trim_start_matches(".memguard-")
        .trim_end_matches(".owner");
    let twin = format!("{}-0000000c", id.rsplit_once('-').unwrap().0);
    plant_owner(dir, &twin, &scope);
    assert_eq!(
        capture(&folder, T).unwrap_err().code(),
        "ERR_MEMGUARD_SNAPSHOT_BUDGET_FULL"
    );
    // The same number, but started at another time or on another machine: somebody else.
    fs::write(dir.join(format!(".memguard-{twin}.owner")), "elsewhere").unwrap();
    capture(&folder, T).unwrap();
    assert!(files(dir, "50pct.heapsnapshot").is_empty());
}
