//! Full disks and folders that cannot be written, for real.

#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus};

use memguard_capture::{Folder, SideCar};

use crate::processes::{child, given_dir};
use crate::support::{files, keep, metadata, request, snapshot, write_snapshot};

const T: u64 = 1_795_254_874_123;
const PAGE: u64 = 4096;

/// Runs a child after a few lines of shell.
fn run_after(shell: &str, test: &str, dir: &Path) -> ExitStatus {
    let inner = child(test, dir);
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{shell} && exec \"$@\""), "sh"])
        .arg(inner.get_program())
        .args(inner.get_args());
    command
        .env("MEMGUARD_TEST_DIR", dir)
        .stdout(std::process::Stdio::null());
    command.status().unwrap()
}

/// The same in a mount namespace of its own; `None` where this machine does not permit one.
fn run_mounted(mount: &str, test: &str, dir: &Path) -> Option<ExitStatus> {
    let permitted = Command::new("unshare")
        .args(["-rm", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs \"$0\""])
        .arg(dir)
        .stderr(std::process::Stdio::null())
        .status();
    if !permitted.is_ok_and(|status| status.success()) {
        return None;
    }
    let inner = child(test, dir);
    let mut command = Command::new("unshare");
    command
        .args([
            "-rm",
            "sh",
            "-c",
            &format!("{mount} && shift && exec \"$@\""),
            "sh",
        ])
        .arg(dir);
    command
        .arg(inner.get_program())
        .args(inner.get_args())
        .env("MEMGUARD_TEST_DIR", dir);
    Some(
        command
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap(),
    )
}

fn assert_clean(dir: &Path) {
    assert!(files(dir, ".tmp").is_empty(), "{:?}", files(dir, ".tmp"));
    let folder = memguard_capture::list(dir).unwrap();
    assert!(folder.iter().all(|info| info.side_car == SideCar::Ok));
    for info in &folder {
        assert!(fs::read(&info.file).unwrap().ends_with(b"]}"));
    }
    assert_eq!(files(dir, ".heapsnapshot.json").len(), folder.len());
}

#[test]
#[ignore = "a child process of the test below: no file of it can be larger than 512 or 1024 bytes"]
fn child_cannot_write_large_files() {
    let folder = Folder::open(&given_dir(), keep(5), "shop").unwrap();
    let pending = folder.begin(&request(T)).unwrap();
    let mut large = metadata();
    large.extra.insert("text".into(), "x".repeat(2000).into());
    fs::write(pending.temp_path(), snapshot(0)).unwrap();
    let error = pending.commit(large).unwrap_err();
    assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_NO_DISK", "{error}");
    assert!(error.to_string().contains("a write failed"), "{error}");

    let pending = folder.begin(&request(T)).unwrap();
    assert!(
        fs::write(pending.temp_path(), snapshot(5000)).is_err(),
        "the limit holds"
    );
    let error = pending.commit(metadata()).unwrap_err();
    assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_INCOMPLETE", "{error}");
    assert_clean(&given_dir());
    assert!(folder.list().unwrap().is_empty());
}

#[test]
fn a_write_that_fails_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let limit = "trap '' XFSZ && ulimit -f 1";
    assert!(run_after(limit, "disk::child_cannot_write_large_files", temp.path()).success());
    assert_clean(temp.path());
}

#[test]
#[ignore = "a child process of the test below, on a disk of 16 pages"]
fn child_fills_its_disk() {
    let dir = given_dir();
    let folder = Folder::open(&dir, keep(2), "shop").unwrap();
    let (mut stored, mut refused, mut broken) = (0, 0, 0);
    for round in 0..40_u64 {
        // Everything is full but for a few pages.
        let free_pages = round % 6;
        let filler = dir.join("filler");
        let _ = fs::remove_file(&filler);
        let file = fs::File::create(&filler).unwrap();
        let chunk = vec![0; 4096];
        while std::io::Write::write_all(&mut &file, &chunk).is_ok() {}
        let full = file.metadata().unwrap().len() / PAGE * PAGE;
        file.set_len(full.saturating_sub(free_pages * PAGE))
            .unwrap();

        let outcome = folder.begin(&request(T + round)).and_then(|pending| {
            let _ = fs::write(pending.temp_path(), snapshot(6000));
            pending.commit(metadata())
        });
        match outcome {
            Ok(_) => stored += 1,
            Err(error) if error.code() == "ERR_MEMGUARD_SNAPSHOT_NO_DISK" => refused += 1,
            Err(error) if error.code() == "ERR_MEMGUARD_SNAPSHOT_INCOMPLETE" => broken += 1,
            Err(error) => panic!("{error}"),
        }
        assert_clean(&dir);
        assert!(folder.list().unwrap().len() <= 2);
    }
    assert!(
        stored > 0 && refused > 0 && broken > 0,
        "{stored} {refused} {broken}"
    );
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=64k tmpfs \"$1\"";
    match run_mounted(mount, "disk::child_fills_its_disk", temp.path()) {
        Some(status) => assert!(status.success()),
        None => a_write_that_fails_leaves_nothing(),
    }
}

#[test]
#[ignore = "a child process of the test below, in a folder mounted read-only"]
fn child_finds_its_folder_read_only() {
    for dir in [given_dir(), given_dir().join("below")] {
        let error = Folder::open(&dir, keep(5), "shop").unwrap_err();
        assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_DIR", "{error}");
        assert!(error.to_string().contains("read-only"), "{error}");
    }
    assert_eq!(
        memguard_capture::list(&given_dir()).unwrap().len(),
        1,
        "it can still be listed"
    );
}

#[test]
fn a_read_only_folder_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let folder = Folder::open(dir, keep(5), "shop").unwrap();
    let pending = folder.begin(&request(T)).unwrap();
    write_snapshot(&pending, 500);
    pending.commit(metadata()).unwrap();
    drop(folder);
    let mount = "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\"";
    match run_mounted(mount, "disk::child_finds_its_folder_read_only", dir) {
        Some(status) => assert!(status.success()),
        None => {
            let error = Folder::open(Path::new("/proc/memguard"), keep(5), "shop").unwrap_err();
            assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_DIR", "{error}");
        }
    }
}
