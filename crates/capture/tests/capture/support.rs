//! What the tests of a folder share.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use memguard_capture::{
    Committed, Compression, Error, Folder, Ids, Metadata, Method, Pending, Request,
    RetentionPolicy, now_ms,
};

/// A policy that keeps `max_count` files and does not look at the disk.
pub fn keep(max_count: u64) -> RetentionPolicy {
    RetentionPolicy {
        max_count,
        max_bytes: None,
        max_age_ms: None,
        min_free_disk_bytes: 0,
    }
}

pub fn request(now_ms: u64) -> Request {
    Request {
        now_ms,
        pct: 87,
        expected_bytes: 1000,
        cooldown_ms: 0,
        compression: Compression::None,
    }
}

/// A snapshot as V8 writes it, of about `size` bytes.
pub fn snapshot(size: usize) -> Vec<u8> {
    let head = r#"{"snapshot":{"meta":{"node_fields":["type","name","id","self_size","edge_count","detachedness"]},"node_count":3,"edge_count":2,"trace_function_count":0},"nodes":[0,0,1,0,1,0,0,0,3,0,1,0,0,0,5,0,0,0],"edges":[0,0,6,0,0,12],"strings":["#;
    let mut content = head.as_bytes().to_vec();
    content.extend(b"\"");
    content.resize(size.max(head.len() + 8), b'x');
    content.extend(b"\"]}");
    content
}

pub fn write_snapshot(pending: &Pending, size: usize) {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(pending.temp_path())
        .unwrap();
    file.write_all(&snapshot(size)).unwrap();
}

/// Writes in steps, so that a kill falls in between.
pub fn write_slowly(pending: &Pending, size: usize) {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(pending.temp_path())
        .unwrap();
    for chunk in snapshot(size).chunks(size / 4 + 1) {
        file.write_all(chunk).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

pub fn metadata() -> Metadata {
    Metadata::new(Method::Blocking, Ids::Process, "test")
}

/// A whole capture.
pub fn capture(folder: &Folder, now_ms: u64) -> Result<Committed, Error> {
    let pending = folder.begin(&request(now_ms))?;
    write_snapshot(&pending, 1000);
    pending.commit(metadata())
}

pub fn capture_now(folder: &Folder) -> Result<Committed, Error> {
    capture(folder, now_ms())
}

/// Names of the files in `dir` that end in `tail`, sorted.
pub fn files(dir: &Path, tail: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(tail))
        .collect();
    names.sort();
    names
}

/// An owner that no process is behind.
pub const DEAD: &str = "4000000-1-0000000a";

/// A whole snapshot that a dead process has left.
pub fn plant(dir: &Path, stamp: &str, side_car: Option<&str>) -> PathBuf {
    let path = dir.join(format!("snapshot-{stamp}-50pct.heapsnapshot"));
    fs::write(&path, snapshot(1000)).unwrap();
    if let Some(content) = side_car {
        fs::write(path.with_extension("heapsnapshot.json"), content).unwrap();
    }
    path
}
