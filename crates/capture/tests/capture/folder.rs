//! One process and its folder: what a capture leaves, what it refuses, what it survives.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{
    DEAD, capture, capture_now, files, keep, metadata, plant, request, snapshot, write_snapshot,
};
use memguard_capture::{Error, Folder, Request, RetentionPolicy, Rule, SideCar, now_ms};

const T: u64 = 1_795_254_874_123;

#[test]
fn a_capture_leaves_a_private_file_and_a_side_car_and_nothing_else() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("a/b");
    let folder = Folder::open(&dir, keep(5), "shop").unwrap();
    let pending = folder.begin(&request(T)).unwrap();
    assert!(pending.temp_path().exists());
    write_snapshot(&pending, 5000);
    let mut metadata = metadata();
    metadata.heap_used_bytes = Some(30 << 20);
    metadata.pause_ms = Some(12.5);
    metadata.node_version = Some("v22.23.3".into());
    let info = pending.commit(metadata).unwrap().snapshot;

    assert_eq!(
        info.file,
        folder
            .dir()
            .join("snapshot-2026-11-21T09-54-34.123Z-87pct.heapsnapshot")
    );
    assert_eq!((info.node_count, info.edge_count), (Some(3), Some(2)));
    assert_eq!(
        (info.pid, info.app.as_deref()),
        (Some(std::process::id()), Some("shop"))
    );
    assert_eq!(fs::read(&info.file).unwrap(), snapshot(5000));
    assert_eq!(folder.list().unwrap(), std::slice::from_ref(&info));
    let last = folder.last_capture().unwrap();
    assert_eq!(
        (last.node_count, last.pause_ms, last.node_major),
        (3, Some(12.5), Some(22))
    );
    folder.close();
    let left = files(&dir, "");
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(files(&dir, ".tmp").is_empty() && files(&dir, ".owner").is_empty());
    assert_private(&dir, 0o700);
    for file in left {
        assert_private(&dir.join(file), 0o600);
    }
}

#[cfg(unix)]
fn assert_private(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(
        fs::metadata(path).unwrap().permissions().mode() & 0o777,
        mode,
        "{}",
        path.display()
    );
}

#[cfg(not(unix))]
fn assert_private(_path: &Path, _mode: u32) {}

#[cfg(unix)]
#[test]
fn a_writer_that_makes_the_file_public_is_corrected() {
    use std::os::unix::fs::PermissionsExt;
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::open(temp.path(), keep(5), "shop").unwrap();
    let pending = folder.begin(&request(T)).unwrap();
    write_snapshot(&pending, 100);
    fs::set_permissions(pending.temp_path(), fs::Permissions::from_mode(0o644)).unwrap();
    assert_private(&pending.commit(metadata()).unwrap().snapshot.file, 0o600);
}

#[test]
fn captures_of_one_millisecond_get_names_of_their_own() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::open(temp.path(), keep(100), "shop").unwrap();
    let mut names: Vec<_> = (0..20)
        .map(|_| capture(&folder, T).unwrap().snapshot.file)
        .collect();
    names.dedup();
    assert_eq!(names.len(), 20);
    assert!(names.is_sorted());
    assert_eq!(files(temp.path(), "pct.heapsnapshot").len(), 20);
    assert_eq!(files(temp.path(), ".heapsnapshot.json").len(), 20);
}

#[test]
fn retention_keeps_the_newest_and_says_what_it_deleted() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::open(temp.path(), keep(3), "shop").unwrap();
    for step in 0..10 {
        let committed = capture(&folder, T + step * 1000).unwrap();
        assert_eq!(committed.deleted.len(), usize::from(step >= 3));
        assert!(
            committed
                .deleted
                .iter()
                .all(|deleted| deleted.rule == Rule::Count)
        );
        assert!(files(temp.path(), "pct.heapsnapshot").len() <= 3);
    }
    let kept: Vec<u64> = folder
        .list()
        .unwrap()
        .iter()
        .map(|info| info.created_at_ms - T)
        .collect();
    assert_eq!(kept, [9000, 8000, 7000]);
    assert_eq!(files(temp.path(), ".json").len(), 3);
}

#[test]
fn retention_by_bytes_and_age() {
    let temp = tempfile::tempdir().unwrap();
    let policy = RetentionPolicy {
        max_bytes: Some(3500),
        max_age_ms: Some(60_000),
        ..keep(100)
    };
    let folder = Folder::open(temp.path(), policy, "shop").unwrap();
    for step in 0..5 {
        capture(&folder, T + step * 1000).unwrap();
        let total: u64 = folder
            .list()
            .unwrap()
            .iter()
            .map(|info| info.size_bytes)
            .sum();
        assert!(total <= 3500, "{total}");
    }
    assert_eq!(folder.list().unwrap().len(), 3);
    assert_eq!(folder.prune(T + 63_500).unwrap().len(), 2);
    assert_eq!(folder.prune(T + 1_000_000).unwrap()[0].rule, Rule::Age);
    assert!(folder.list().unwrap().is_empty());
}

#[test]
fn what_had_to_go_before_a_capture_began_is_told_as_well() {
    let temp = tempfile::tempdir().unwrap();
    let policy = RetentionPolicy {
        max_age_ms: Some(60_000),
        ..keep(2)
    };
    let folder = Folder::open(temp.path(), policy, "shop").unwrap();
    capture(&folder, T).unwrap();
    capture(&folder, T + 50_000).unwrap();
    let pending = folder.begin(&request(T + 100_000)).unwrap();
    assert_eq!(folder.list().unwrap().len(), 1, "too old: gone at once");
    // Somebody puts another one there meanwhile, which is too old as well.
    plant(temp.path(), "2020-01-01T00-00-00.000Z", None);
    write_snapshot(&pending, 1000);
    let committed = pending.commit(metadata()).unwrap();
    let told: Vec<Rule> = committed.deleted.iter().map(|it| it.rule).collect();
    assert_eq!(told, [Rule::Age, Rule::Age]);
    assert_eq!(folder.list().unwrap().len(), 2);
}

#[test]
fn a_snapshot_that_became_larger_than_the_budget_is_not_kept() {
    let temp = tempfile::tempdir().unwrap();
    let policy = RetentionPolicy {
        max_bytes: Some(3000),
        ..keep(5)
    };
    let folder = Folder::open(temp.path(), policy, "shop").unwrap();
    capture(&folder, T).unwrap();
    let pending = folder.begin(&request(T + 1)).unwrap();
    write_snapshot(&pending, 4000);
    let error = pending.commit(metadata()).unwrap_err();
    assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_BUDGET_FULL");
    assert!(
        error.to_string().contains("2.9 KB") && error.to_string().contains("3.9 KB"),
        "{error}"
    );
    assert_eq!(
        folder.list().unwrap().len(),
        1,
        "the old one is still there"
    );
    assert!(files(temp.path(), ".tmp").is_empty());
    let huge = Request {
        expected_bytes: 3001,
        ..request(T + 2)
    };
    assert_eq!(
        folder.begin(&huge).unwrap_err().code(),
        "ERR_MEMGUARD_SNAPSHOT_BUDGET_FULL"
    );
}

#[test]
fn an_unfinished_file_never_gets_a_name() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::open(temp.path(), keep(5), "shop").unwrap();
    let whole = snapshot(1000);
    for length in [0, 1, 20, 300, 999, whole.len() - 2] {
        let pending = folder.begin(&request(T)).unwrap();
        fs::write(pending.temp_path(), &whole[..length]).unwrap();
        let error = pending.commit(metadata()).unwrap_err();
        assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_INCOMPLETE", "{length}");
        assert!(
            error
                .to_string()
                .contains(temp.path().file_name().unwrap().to_str().unwrap()),
            "{error}"
        );
    }
    let pending = folder.begin(&request(T)).unwrap();
    fs::remove_file(pending.temp_path()).unwrap();
    assert_eq!(
        pending.commit(metadata()).unwrap_err().code(),
        "ERR_MEMGUARD_SNAPSHOT_IO"
    );
    let pending = folder.begin(&request(T)).unwrap();
    pending.abort();
    drop(folder.begin(&request(T)).unwrap());
    assert!(files(temp.path(), ".tmp").is_empty());
    assert!(
        files(temp.path(), "pct.heapsnapshot").is_empty() && files(temp.path(), ".json").is_empty()
    );
}

#[test]
fn the_cool_down_survives_deletion_abortion_and_restart() {
    let temp = tempfile::tempdir().unwrap();
    let cool = |now_ms| Request {
        cooldown_ms: 60_000,
        ..request(now_ms)
    };
    let folder = Folder::open(temp.path(), keep(5), "shop").unwrap();
    assert_eq!(
        (folder.last_capture_ms(), folder.cooldown_left_ms(T, 60_000)),
        (None, 0)
    );
    folder.begin(&cool(T)).unwrap().abort();
    folder.close();
    assert!(files(temp.path(), "pct.heapsnapshot").is_empty());

    let folder = Folder::open(temp.path(), keep(5), "shop").unwrap();
    assert_eq!(folder.last_capture_ms(), Some(T));
    assert_eq!(folder.cooldown_left_ms(T + 20_000, 60_000), 40_000);
    match folder.begin(&cool(T + 20_000)).unwrap_err() {
        error @ Error::Cooldown {
            left_ms: 40_000,
            cooldown_ms: 60_000,
            ..
        } => {
            assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_COOLDOWN");
        }
        other => panic!("{other}"),
    }
    // Another app in the same folder has a cool-down of its own.
    let other = Folder::open(temp.path(), keep(5), "mail").unwrap();
    other.begin(&cool(T + 20_000)).unwrap().abort();
    folder.begin(&cool(T + 60_000)).unwrap().abort();
    // The clock is set back by a year.
    folder.begin(&cool(T - 365 * 86_400_000)).unwrap().abort();
    assert!(folder.begin(&cool(T - 365 * 86_400_000 + 59_999)).is_err());
    // A damaged state file is no state file; the next capture repairs it.
    for name in files(temp.path(), ".state") {
        fs::write(temp.path().join(name), b"{\"app\":\"sh").unwrap();
    }
    assert_eq!(folder.last_capture_ms(), None);
    capture(&folder, T).unwrap();
    for name in files(temp.path(), ".state") {
        fs::remove_file(temp.path().join(name)).unwrap();
    }
    assert_eq!(
        folder.cooldown_left_ms(T + 1, 60_000),
        59_999,
        "the snapshot itself is a witness"
    );
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let foreign = [
        "Heap.20261121.095434.1.0.001.heapsnapshot",
        "mine.heapsnapshot",
        "snapshot-2026-11-21-87pct.heapsnapshot",
        "notes.json",
        ".memguard-whatever.tmp",
        ".hidden.tmp",
    ];
    for name in foreign {
        fs::write(dir.join(name), b"x").unwrap();
    }
    fs::create_dir(dir.join("snapshot-2026-11-21T09-54-34.123Z-87pct.heapsnapshot")).unwrap();
    let folder = Folder::open(dir, keep(1), "shop").unwrap();
    for step in 0..3 {
        capture(&folder, T + step).unwrap();
    }
    folder.prune(T + 10).unwrap();
    assert_eq!(folder.list().unwrap().len(), 1);
    for name in foreign {
        assert!(dir.join(name).exists(), "{name}");
    }
}

#[test]
fn files_without_a_side_car_and_with_a_foreign_one_are_listed_and_pruned() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    plant(dir, "2026-01-01T00-00-00.000Z", None);
    plant(dir, "2026-01-02T00-00-00.000Z", Some("{\"pid\":"));
    plant(
        dir,
        "2026-01-03T00-00-00.000Z",
        Some(&format!("{{\"owner\":\"{DEAD}\",\"pid\":4000000}}")),
    );
    let huge = format!("{{\"reason\":\"{}\"}}", "x".repeat(1 << 20));
    plant(dir, "2026-01-04T00-00-00.000Z", Some(&huge));
    let folder = Folder::open(dir, keep(2), "shop").unwrap();
    let states: Vec<SideCar> = folder
        .list()
        .unwrap()
        .iter()
        .map(|info| info.side_car)
        .collect();
    assert_eq!(
        states,
        [
            SideCar::Damaged,
            SideCar::Ok,
            SideCar::Damaged,
            SideCar::Missing
        ]
    );
    assert_eq!(folder.prune(T).unwrap().len(), 2);
    assert_eq!(folder.list().unwrap()[1].pid, Some(4_000_000));
}

#[cfg(unix)]
#[test]
fn pipes_and_links_in_the_folder_neither_block_nor_mislead() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let path = plant(dir, "2026-01-01T00-00-00.000Z", None);
    let side_car = path.with_extension("heapsnapshot.json");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&side_car)
            .status()
            .unwrap()
            .success()
    );
    let secret = dir.join("secret");
    fs::write(&secret, "secret").unwrap();
    let link = dir.join("snapshot-2026-01-02T00-00-00.000Z-50pct.heapsnapshot");
    std::os::unix::fs::symlink(&secret, &link).unwrap();
    let folder = Folder::open(dir, keep(1), "shop").unwrap();
    let listed = folder.list().unwrap();
    assert_eq!((listed.len(), listed[0].side_car), (1, SideCar::Damaged));
    capture_now(&folder).unwrap();
    assert!(secret.exists() && link.symlink_metadata().is_ok());
}

#[test]
fn leftovers_of_the_dead_are_removed_and_counted() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let folder = Folder::open(dir, keep(5), "shop").unwrap();
    let mine = folder.begin(&request(T)).unwrap();
    fs::write(
        dir.join(format!(".memguard-{DEAD}-0-500.heapsnapshot.tmp")),
        b"half",
    )
    .unwrap();
    fs::write(dir.join(format!(".memguard-{DEAD}-1.json.tmp")), b"{").unwrap();
    fs::write(dir.join(format!(".memguard-{DEAD}.owner")), b"").unwrap();
    fs::write(
        dir.join("snapshot-2026-01-01T00-00-00.000Z-50pct.heapsnapshot.json"),
        b"{}",
    )
    .unwrap();
    let swept = folder.sweep().unwrap();
    assert_eq!(
        (
            swept.interrupted_captures,
            swept.other_files,
            swept.freed_bytes
        ),
        (1, 3, 7)
    );
    assert!(mine.temp_path().exists());
    assert_eq!(folder.sweep().unwrap(), memguard_capture::Sweep::default());
}

#[test]
fn all_handles_of_a_process_are_one_owner() {
    let temp = tempfile::tempdir().unwrap();
    let a = Folder::open(temp.path(), keep(1), "shop").unwrap();
    let b = Folder::open(
        &temp
            .path()
            .join("../")
            .join(temp.path().file_name().unwrap()),
        keep(1),
        "shop",
    )
    .unwrap();
    assert_eq!(files(temp.path(), ".owner").len(), 1);
    capture(&a, T).unwrap();
    capture(&b, T + 1).unwrap();
    assert_eq!(
        a.list().unwrap().len(),
        1,
        "one handle may delete what another has written"
    );
    let pending = b.begin(&request(T + 2)).unwrap();
    a.close();
    b.close();
    assert_eq!(
        files(temp.path(), ".owner").len(),
        1,
        "the capture under way holds the owner"
    );
    write_snapshot(&pending, 100);
    pending.commit(metadata()).unwrap();
    assert!(files(temp.path(), ".owner").is_empty());
}

#[test]
fn a_capture_may_move_between_threads() {
    fn movable<T: Send + Sync>(_: &T) {}
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::open(temp.path(), keep(5), "shop").unwrap();
    let pending = folder.begin(&request(T)).unwrap();
    movable(&folder);
    movable(&pending);
    write_snapshot(&pending, 100);
    std::thread::spawn(move || pending.commit(metadata()).unwrap())
        .join()
        .unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn the_growth_of_memory_is_measured_when_this_process_was_blocked() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::open(temp.path(), keep(5), "shop").unwrap();
    let pending = folder.begin(&request(T)).unwrap();
    write_snapshot(&pending, 100);
    // More than any other test here ever holds, so that the peak is this one's.
    let ballast = vec![1_u8; 300 << 20];
    assert!(ballast.iter().step_by(4096).all(|&byte| byte == 1));
    drop(ballast);
    let growth = pending
        .commit(metadata())
        .unwrap()
        .snapshot
        .memory_growth_bytes
        .unwrap();
    assert!((290 << 20..600 << 20).contains(&growth), "{growth}");
    let mut known = metadata();
    known.memory_growth_bytes = Some(7);
    let pending = folder.begin(&request(T)).unwrap();
    write_snapshot(&pending, 100);
    assert_eq!(
        pending.commit(known).unwrap().snapshot.memory_growth_bytes,
        Some(7)
    );
}

#[test]
fn threads_share_the_budget() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::open(temp.path(), keep(4), "shop").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    capture_now(&folder).unwrap();
                    assert!(files(temp.path(), "pct.heapsnapshot").len() <= 4);
                }
            });
        }
    });
    assert_eq!(folder.list().unwrap().len(), 4);
    assert!(files(temp.path(), ".tmp").is_empty());
}

#[test]
fn a_folder_that_was_removed_is_made_again() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("snapshots");
    let folder = Folder::open(&dir, keep(3), "shop").unwrap();
    capture(&folder, T).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    capture(&folder, T + 1).unwrap();
    assert_eq!(folder.list().unwrap().len(), 1);
    assert_eq!(files(&dir, ".owner").len(), 1);
}

#[test]
fn a_folder_that_cannot_be_one_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("file");
    fs::write(&file, b"").unwrap();
    for (path, expected) in [
        (file.clone(), "it is not a folder"),
        (file.join("below/it"), "not a folder"),
    ] {
        let error = Folder::open(&path, keep(5), "shop").unwrap_err();
        assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_DIR");
        assert!(
            error.to_string().contains(expected) && error.to_string().contains("file"),
            "{error}"
        );
    }
    let missing = memguard_capture::list(&temp.path().join("missing")).unwrap_err();
    assert_eq!(missing.code(), "ERR_MEMGUARD_SNAPSHOT_IO");
}

#[test]
fn a_lock_that_is_never_released_delays_but_does_not_block() {
    let temp = tempfile::tempdir().unwrap();
    let folder = Folder::open(temp.path(), keep(2), "shop")
        .unwrap()
        .with_lock_wait(Duration::from_millis(50));
    capture(&folder, T).unwrap();
    capture(&folder, T + 1).unwrap();
    let pending = folder.begin(&request(T + 2)).unwrap();
    write_snapshot(&pending, 100);
    let lock = fs::File::open(temp.path().join(".memguard.lock")).unwrap();
    lock.lock().unwrap();
    let start = Instant::now();
    let error = folder.begin(&request(T + 3)).unwrap_err();
    assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_BUSY");
    assert!(start.elapsed() < Duration::from_secs(5));
    // What was paid for is kept, within the budget.
    pending.commit(metadata()).unwrap();
    assert_eq!(files(temp.path(), "pct.heapsnapshot").len(), 2);
    drop(lock);
    capture(&folder, T + 4).unwrap();
}

#[test]
fn too_little_free_disk_is_refused_before_the_cost_is_paid() {
    let temp = tempfile::tempdir().unwrap();
    let policy = RetentionPolicy {
        min_free_disk_bytes: u64::MAX / 2,
        ..keep(5)
    };
    let folder = Folder::open(temp.path(), policy, "shop").unwrap();
    let room = folder.disk_room().unwrap();
    assert!(room.free_bytes.unwrap() > 0 && room.reserved_bytes == u64::MAX / 2);
    let error = folder.begin(&request(now_ms())).unwrap_err();
    assert_eq!(error.code(), "ERR_MEMGUARD_SNAPSHOT_NO_DISK");
    assert!(files(temp.path(), ".tmp").is_empty());
    assert_eq!(folder.last_capture_ms(), None, "nothing was begun");
}

#[test]
fn thousands_of_files_are_no_trouble() {
    let temp = tempfile::tempdir().unwrap();
    for index in 0..3000 {
        plant(
            temp.path(),
            &format!("2026-01-01T00-{:02}-{:02}.000Z", index / 60, index % 60),
            Some("{}"),
        );
        fs::write(temp.path().join(format!("other-{index}")), b"").unwrap();
    }
    let folder = Folder::open(temp.path(), keep(5), "shop").unwrap();
    assert_eq!(folder.list().unwrap().len(), 3000);
    assert_eq!(capture(&folder, T).unwrap().deleted.len(), 2996);
    assert_eq!(files(temp.path(), "pct.heapsnapshot").len(), 5);
    assert_eq!(files(temp.path(), ".heapsnapshot.json").len(), 5);
    assert_eq!(folder.prune(T).unwrap(), []);
}
