//! What is known about a snapshot: given by the caller at the end of a capture, kept in the side-car beside
//! the file, and read back with suspicion, since anybody may write into a folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::names::{Compression, OwnerId, SnapshotName};

/// How a snapshot was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Method {
    /// `v8.writeHeapSnapshot`: the process stood still for [`SnapshotInfo::pause_ms`].
    Blocking,
    /// In a forked child: the process stood still for [`SnapshotInfo::pause_ms`] to be copied, and went on.
    Fork,
    /// In a forked child, which walked the heap itself, without V8's generator.
    Walk,
    /// A method that this version does not know, or none recorded.
    #[serde(other)]
    Unknown,
}

/// With which other snapshots the object ids of this one can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Ids {
    /// With those of the same process ([`SnapshotInfo::owner`]) and thread.
    Process,
    /// With those of no other snapshot: V8's table of ids was in a forked child, and is gone with it.
    None,
    /// Not known to be comparable with any.
    #[serde(other)]
    Unknown,
}

/// What the caller knows about a capture when it is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// How it was taken.
    pub method: Method,
    /// What object ids can be compared with.
    pub ids: Ids,
    /// Why, in a word: `alert`, `signal`, `api`.
    pub reason: String,
    /// The alert's level, where there was one.
    pub level: Option<String>,
    /// `process.version`.
    pub node_version: Option<String>,
    /// `worker_threads.threadId`: 0 is the main thread.
    pub thread_id: Option<u32>,
    /// How long the process stood still, in milliseconds.
    pub pause_ms: Option<f64>,
    /// Used heap right before, in bytes.
    pub heap_used_bytes: Option<u64>,
    /// Memory beyond the JavaScript heap (buffers, external strings) right before, in bytes.
    pub external_bytes: Option<u64>,
    /// How far the resident set grew while the snapshot was taken, in bytes. Measured by the
    /// [`Pending`](crate::Pending) itself where it is `None`, the method is blocking and the system tells.
    pub memory_growth_bytes: Option<u64>,
    /// Why this method and no better one, where there is something to tell.
    pub method_reason: Option<String>,
    /// How long the capture took from the reservation of its place, in milliseconds.
    pub duration_ms: Option<u64>,
    /// How many forked children failed before this one.
    pub retries: Option<u32>,
    /// Anything else for the side-car.
    pub extra: Map<String, Value>,
}

impl Metadata {
    /// Metadata with only what is always known.
    #[must_use]
    pub fn new(method: Method, ids: Ids, reason: impl Into<String>) -> Self {
        Self {
            method,
            ids,
            reason: reason.into(),
            level: None,
            node_version: None,
            thread_id: None,
            pause_ms: None,
            heap_used_bytes: None,
            external_bytes: None,
            memory_growth_bytes: None,
            method_reason: None,
            duration_ms: None,
            retries: None,
            extra: Map::new(),
        }
    }
}

/// The state of a snapshot's side-car.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SideCar {
    /// Read.
    Ok,
    /// There is none; what is known comes from the file's name and size.
    Missing,
    /// It is not ours or damaged; what could not be read is left out.
    Damaged,
}

/// A whole snapshot in a folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotInfo {
    /// Its path.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// How it is compressed.
    pub compression: Compression,
    /// What it is uncompressed, in bytes, where it is compressed.
    pub uncompressed_bytes: Option<u64>,
    /// When the capture began, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// Used heap as a percentage of its limit.
    pub pct: u16,
    /// How it was taken.
    pub method: Method,
    /// What object ids can be compared with.
    pub ids: Ids,
    /// Why it was taken.
    pub reason: Option<String>,
    /// The alert's level.
    pub level: Option<String>,
    /// The app, as given to [`Folder::open`](crate::Folder::open).
    pub app: Option<String>,
    /// The process id.
    pub pid: Option<u32>,
    /// The machine or container.
    pub host: Option<String>,
    /// The process as this folder knows it: the same for all snapshots of one run.
    pub owner: Option<String>,
    /// `worker_threads.threadId`: 0 is the main thread.
    pub thread_id: Option<u32>,
    /// `process.version`.
    pub node_version: Option<String>,
    /// How long the process stood still, in milliseconds.
    pub pause_ms: Option<f64>,
    /// Used heap right before, in bytes.
    pub heap_used_bytes: Option<u64>,
    /// Memory beyond the JavaScript heap right before, in bytes.
    pub external_bytes: Option<u64>,
    /// How far the resident set grew while the snapshot was taken, in bytes; of a forked child, what it had for itself.
    pub memory_growth_bytes: Option<u64>,
    /// Why this method and no better one.
    pub method_reason: Option<String>,
    /// How long the capture took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// How many forked children failed before this one.
    pub retries: Option<u32>,
    /// Objects in the snapshot.
    pub node_count: Option<u64>,
    /// References in the snapshot.
    pub edge_count: Option<u64>,
    /// The state of the side-car.
    pub side_car: SideCar,
    /// What else the side-car holds.
    pub extra: Map<String, Value>,
}

/// No side-car of ours comes near it.
pub(crate) const MAX_SIDE_CAR: u64 = 256 * 1024;

/// Reads `value` as a `T` and notes when something else is there.
struct Fields {
    map: Map<String, Value>,
    damaged: bool,
}

impl Fields {
    fn take<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        match self.map.remove(name)? {
            Value::Null => None,
            value => {
                let read = serde_json::from_value(value).ok();
                self.damaged |= read.is_none();
                read
            }
        }
    }
}

impl SnapshotInfo {
    /// What is known of a snapshot from its name and size, and from its side-car: `None` when there is
    /// none. Name and size always win over the side-car.
    pub(crate) fn read(
        dir: &Path,
        name: SnapshotName,
        size_bytes: u64,
        side_car: Option<&[u8]>,
    ) -> Self {
        let (map, state) = match side_car.map(serde_json::from_slice::<Value>) {
            None => (Map::new(), SideCar::Missing),
            Some(Ok(Value::Object(map))) => (map, SideCar::Ok),
            Some(_) => (Map::new(), SideCar::Damaged),
        };
        let mut fields = Fields {
            map,
            damaged: state == SideCar::Damaged,
        };
        for derived in [
            "file",
            "sizeBytes",
            "compression",
            "createdAtMs",
            "pct",
            "sideCar",
        ] {
            fields.map.remove(derived);
        }
        let mut info = Self {
            file: dir.join(name.to_string()),
            size_bytes,
            compression: name.compression,
            uncompressed_bytes: fields.take("uncompressedBytes"),
            created_at_ms: name.created_at_ms,
            pct: name.pct,
            method: fields.take("method").unwrap_or(Method::Unknown),
            ids: fields.take("ids").unwrap_or(Ids::Unknown),
            reason: fields.take("reason"),
            level: fields.take("level"),
            app: fields.take("app"),
            pid: fields.take("pid"),
            host: fields.take("host"),
            owner: fields.take("owner"),
            thread_id: fields.take("threadId"),
            node_version: fields.take("nodeVersion"),
            pause_ms: fields.take("pauseMs"),
            heap_used_bytes: fields.take("heapUsedBytes"),
            external_bytes: fields.take("externalBytes"),
            memory_growth_bytes: fields.take("memoryGrowthBytes"),
            method_reason: fields.take("methodReason"),
            duration_ms: fields.take("durationMs"),
            retries: fields.take("retries"),
            node_count: fields.take("nodeCount"),
            edge_count: fields.take("edgeCount"),
            extra: fields.take("extra").unwrap_or_default(),
            side_car: state,
        };
        if fields.damaged {
            info.side_car = SideCar::Damaged;
        }
        info
    }

    /// The content of the side-car: everything but what would be wrong once the file is moved.
    pub(crate) fn to_side_car(&self) -> serde_json::Result<Vec<u8>> {
        let mut value = serde_json::to_value(self)?;
        if let Value::Object(map) = &mut value {
            map.remove("file");
            map.remove("sideCar");
        }
        serde_json::to_vec_pretty(&value)
    }

    /// The owner, where the side-car names one.
    pub(crate) fn owner_id(&self) -> Option<OwnerId> {
        self.owner.as_deref()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(side_car: Option<&[u8]>) -> SnapshotInfo {
        SnapshotInfo::read(
            Path::new("/s"),
            SnapshotName::new(1_795_254_874_123, 87),
            42,
            side_car,
        )
    }

    #[test]
    fn without_a_side_car_the_name_and_the_size_are_known() {
        let info = read(None);
        assert_eq!(
            (info.size_bytes, info.created_at_ms, info.pct),
            (42, 1_795_254_874_123, 87)
        );
        assert_eq!(
            (info.side_car, info.method, info.ids),
            (SideCar::Missing, Method::Unknown, Ids::Unknown)
        );
        assert_eq!(info.owner_id(), None);
    }

    #[test]
    fn a_side_car_comes_back_as_it_was_written() {
        let mut info = read(None);
        info.side_car = SideCar::Ok;
        info.method = Method::Blocking;
        info.ids = Ids::Process;
        info.reason = Some("alert".into());
        info.owner = Some("7-9-0000000a".into());
        info.pause_ms = Some(1654.5);
        info.node_count = Some(639_244);
        info.extra.insert("rule".into(), json!({"name": "heap"}));
        assert_eq!(read(Some(&info.to_side_car().unwrap())), info);
        assert_eq!(info.owner_id().unwrap().pid, 7);
    }

    #[test]
    fn damaged_and_foreign_side_cars_lose_only_what_cannot_be_read() {
        for damaged in ["", "{", "[]", "null", "\"x\"", "\u{0}\u{0}"] {
            assert_eq!(
                read(Some(damaged.as_bytes())).side_car,
                SideCar::Damaged,
                "{damaged}"
            );
        }
        let info = read(Some(br#"{"pid":"x","reason":"signal","nodeCount":-1,"sizeBytes":1,"pct":3,"file":"/etc/passwd","method":"telepathy","other":1}"#));
        assert_eq!(
            (info.pid, info.node_count, info.reason.as_deref()),
            (None, None, Some("signal"))
        );
        assert_eq!(
            (info.size_bytes, info.pct, info.method),
            (42, 87, Method::Unknown)
        );
        assert!(info.file.starts_with("/s"));
        assert_eq!(info.side_car, SideCar::Damaged);
        let deep = "[".repeat(100_000);
        assert_eq!(read(Some(deep.as_bytes())).side_car, SideCar::Damaged);
    }

    proptest! {
        #[test]
        fn no_content_makes_it_panic(content: Vec<u8>) {
            let _ = read(Some(&content));
        }
    }
}
