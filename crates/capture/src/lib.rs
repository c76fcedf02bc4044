//! Heap snapshots on disk: what one will cost, whether there is room, names, side-cars, retention.
//!
//! The snapshot itself is taken by somebody else (V8, asked on the JavaScript thread). This crate does what
//! comes before and after it, so that a snapshot never costs the process its life and a folder never holds
//! half a file, more than its budget, or what a dead process left behind.
//!
//! # A capture
//! ```
//! use memguard_capture::headroom::{HeapFacts, MemoryRoom, Room, decide, estimate};
//! use memguard_capture::{Compression, Folder, Ids, Metadata, Method, Request, RetentionPolicy, now_ms};
//!
//! # let temp = std::env::temp_dir().join(format!("memguard-doc-{}", std::process::id()));
//! # let dir = temp.as_path();
//! let policy = RetentionPolicy { min_free_disk_bytes: 0, ..RetentionPolicy::default() };
//! let folder = Folder::open(dir, policy, "shop@2.1.0")?;
//!
//! // 1. What will it cost, and is there room?
//! let facts = HeapFacts { heap_used_bytes: 30 << 20, node_major: Some(22), last: folder.last_capture(), ..HeapFacts::default() };
//! let cost = estimate(&facts);
//! let disk = folder.disk_room()?;
//! let room = Room {
//!     memory: Some(MemoryRoom { available_bytes: 1 << 30, limited_by: "the cgroup limit".into() }),
//!     disk_free_bytes: disk.free_bytes,
//!     disk_reserved_bytes: disk.reserved_bytes,
//!     max_pause_ms: None,
//! };
//! let cost = decide(&cost, &room, folder.dir()).into_result()?;
//!
//! // 2. Reserve a place, let V8 write, and publish.
//! let request = Request { now_ms: now_ms(), pct: 87, expected_bytes: cost.disk_bytes, cooldown_ms: 0, compression: Compression::None };
//! let pending = folder.begin(&request)?;
//! # std::fs::write(pending.temp_path(), r#"{"snapshot":{"meta":{},"node_count":0,"edge_count":0},"nodes":[],"edges":[],"strings":[]}"#).unwrap();
//! // … v8.writeHeapSnapshot(pending.temp_path()) …
//! let committed = pending.commit(Metadata::new(Method::Blocking, Ids::Process, "alert"))?;
//! assert_eq!(folder.list()?, [committed.snapshot]);
//! # drop(folder);
//! # std::fs::remove_dir_all(dir).unwrap();
//! # Ok::<(), memguard_capture::Error>(())
//! ```
//!
//! # Several processes, one folder
//! The budget is the folder's. A process deletes its own oldest snapshots and those of dead processes,
//! never those of another that is running; when these fill the budget, [`Folder::begin`] refuses before the
//! cost is paid. Who lives is told by a locked file per process: this works between all processes of
//! one kernel, in containers as well. On a network file system it is as good as its locks: give each machine
//! a folder of its own there.
//!
//! # What it does not do
//! No threads, no timers, no snapshot. It blocks on the file system only, and on the folder's lock for at
//! most [`LOCK_WAIT`].

mod error;
mod folder;
pub mod headroom;
mod info;
mod lock;
mod names;
mod owner;
mod platform;
pub mod profiles;
pub mod retention;
mod shape;

pub use error::Error;
pub use folder::{
    Committed, Deleted, DiskRoom, Folder, LOCK_WAIT, Pending, Request, Sweep, cooldown_left_ms,
    list, now_ms,
};
pub use info::{Ids, Metadata, Method, SideCar, SnapshotInfo};
pub use names::Compression;
pub use platform::disk_free;
pub use retention::{RetentionPolicy, Rule};
pub use shape::{Shape, ShapeMeter};
