//! Several real processes on one folder, some of them killed at the worst moment.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use memguard_capture::{Error, Folder, Request, RetentionPolicy, SideCar, now_ms};

use crate::support::{files, keep, metadata, request, snapshot, write_slowly};

const MAX_COUNT: u64 = 6;
const MAX_BYTES: u64 = 200_000;
const SIZE: usize = 40_000;
const DIR: &str = "MEMGUARD_TEST_DIR";
const ROUNDS: &str = "MEMGUARD_TEST_ROUNDS";

fn policy() -> RetentionPolicy {
    RetentionPolicy {
        max_bytes: Some(MAX_BYTES),
        ..keep(MAX_COUNT)
    }
}

/// Runs a test of this binary that is ignored otherwise, as a process of its own.
pub fn child(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            test,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DIR, dir);
    command.stdout(Stdio::null());
    command
}

/// The folder that a child was given.
pub fn given_dir() -> PathBuf {
    std::env::var_os(DIR)
        .expect("run by the other tests")
        .into()
}

/// A child that does not outlive a failed test.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(dir: &Path, rounds: u32) -> Kept {
    Kept(
        child("processes::child_captures_again_and_again", dir)
            .env(ROUNDS, rounds.to_string())
            .spawn()
            .unwrap(),
    )
}

#[test]
#[ignore = "a child process of the tests below"]
fn child_captures_again_and_again() {
    let dir = given_dir();
    let rounds: u32 = std::env::var(ROUNDS).unwrap().parse().unwrap();
    let folder = Folder::open(&dir, policy(), "shop")
        .unwrap()
        .with_lock_wait(Duration::from_secs(30));
    let mut mine = BTreeSet::new();
    for _ in 0..rounds {
        let request = Request {
            expected_bytes: SIZE as u64 + 50,
            ..request(now_ms())
        };
        match folder.begin(&request) {
            Ok(pending) => {
                write_slowly(&pending, SIZE);
                let committed = pending.commit(metadata()).unwrap();
                for deleted in &committed.deleted {
                    mine.remove(&deleted.file);
                }
                assert!(
                    mine.insert(committed.snapshot.file),
                    "a name was given twice"
                );
            }
            Err(Error::BudgetFull { .. }) => std::thread::sleep(Duration::from_millis(3)),
            Err(error) => panic!("{error}"),
        }
        for file in &mine {
            assert!(
                file.exists(),
                "{} was deleted by another process",
                file.display()
            );
        }
    }
}

/// What must hold at every moment, seen by somebody without the lock.
fn assert_sound(dir: &Path) {
    let names = files(dir, "pct.heapsnapshot");
    assert!(names.len() as u64 <= MAX_COUNT, "{names:?}");
    let mut bytes = 0;
    for name in names {
        // It may be deleted at any moment, but while it is there, it is whole.
        if let Ok(content) = fs::read(dir.join(name)) {
            assert_eq!(content, snapshot(SIZE));
            bytes += content.len() as u64;
        }
    }
    assert!(bytes <= MAX_BYTES, "{bytes}");
}

#[test]
fn processes_that_are_killed_in_the_middle_leave_nothing_half_done() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let mut children: Vec<Kept> = (0..4).map(|_| spawn(dir, u32::MAX)).collect();
    let (mut kills, mut caught_writing) = (0, 0);
    let start = Instant::now();
    while kills < 40 || caught_writing == 0 {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "{kills} kills, {caught_writing} while writing"
        );
        assert_sound(dir);
        std::thread::sleep(Duration::from_millis(7 + kills % 5 * 11));
        let index = usize::try_from(kills).unwrap() % children.len();
        let child = &mut children[index].0;
        assert!(
            child.try_wait().unwrap().is_none(),
            "a child failed by itself"
        );
        child.kill().unwrap();
        child.wait().unwrap();
        let pid = child.id();
        let prefix = format!(".memguard-{pid}-");
        caught_writing += files(dir, ".tmp")
            .iter()
            .filter(|name| name.starts_with(&prefix))
            .count();
        children[index] = spawn(dir, u32::MAX);
        kills += 1;
    }
    drop(children);
    assert_sound(dir);
    let folder = Folder::open(dir, policy(), "shop").unwrap();
    assert!(files(dir, ".tmp").is_empty());
    assert_eq!(files(dir, ".owner").len(), 1, "ours");
    let snapshots = folder.list().unwrap();
    assert!(!snapshots.is_empty());
    assert!(
        snapshots
            .iter()
            .all(|info| info.side_car == SideCar::Ok && info.node_count == Some(3))
    );
    assert_eq!(files(dir, ".heapsnapshot.json").len(), snapshots.len());
    // The dead have no claim any more.
    folder.prune(now_ms()).unwrap();
    crate::support::capture_now(&folder).unwrap();
}

#[test]
fn processes_that_live_never_lose_a_file_to_each_other() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let mut children: Vec<Kept> = (0..4).map(|_| spawn(dir, 40)).collect();
    let start = Instant::now();
    while children
        .iter_mut()
        .any(|child| child.0.try_wait().unwrap().is_none())
    {
        assert!(start.elapsed() < Duration::from_secs(120));
        assert_sound(dir);
    }
    for mut child in children {
        assert!(child.0.wait().unwrap().success());
    }
    assert!(files(dir, ".tmp").is_empty() && files(dir, ".owner").is_empty());
}

#[test]
#[ignore = "a child process of the test below"]
fn child_holds_a_snapshot_and_one_under_way() {
    let folder = Folder::open(&given_dir(), keep(2), "shop").unwrap();
    crate::support::capture_now(&folder).unwrap();
    let pending = folder.begin(&crate::support::request(now_ms())).unwrap();
    fs::write(pending.temp_path(), b"{\"snapshot\":").unwrap();
    fs::write(given_dir().join("ready"), b"").unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn what_a_running_process_holds_is_freed_by_its_death() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let child = Kept(
        child("processes::child_holds_a_snapshot_and_one_under_way", dir)
            .spawn()
            .unwrap(),
    );
    let start = Instant::now();
    while !dir.join("ready").exists() {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    let folder = Folder::open(dir, keep(2), "shop").unwrap();
    assert_eq!(
        crate::support::capture_now(&folder).unwrap_err().code(),
        "ERR_MEMGUARD_SNAPSHOT_BUDGET_FULL"
    );
    assert_eq!(folder.sweep().unwrap().interrupted_captures, 0);
    assert!(
        folder.cooldown_left_ms(now_ms(), 60_000) > 0,
        "the app's other process counts"
    );
    drop(child);
    let after = Folder::open(dir, keep(2), "shop").unwrap();
    assert_eq!(after.found_at_open().interrupted_captures, 1);
    assert_eq!(folder.sweep().unwrap().interrupted_captures, 0);
    crate::support::capture_now(&folder).unwrap();
    crate::support::capture_now(&folder).unwrap();
    assert_eq!(folder.list().unwrap().len(), 2);
}
