//! The decision whether to take a snapshot.

use std::path::Path;

use serde::Serialize;

use super::{Basis, Cost};
use crate::error::{Bytes, Error};

/// Left free for what the app itself allocates meanwhile.
const RESERVE_BYTES: u64 = 32 << 20;
/// What may be spent where nobody knows how much is left.
const BLIND_BYTES: u64 = 64 << 20;

/// How much memory is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryRoom {
    /// What may still be used before the nearest limit is hit, in bytes.
    pub available_bytes: u64,
    /// The nearest limit, in words that fit "before … is reached": `the cgroup limit`.
    pub limited_by: String,
}

/// What a capture may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Room {
    /// Memory; `None` where it cannot be determined, and then only what is certainly small is allowed.
    pub memory: Option<MemoryRoom>,
    /// Free disk in bytes; `None` where unknown, and then not judged: a full disk loses the snapshot, not
    /// the process.
    pub disk_free_bytes: Option<u64>,
    /// What of it must stay free, in bytes.
    pub disk_reserved_bytes: u64,
    /// The longest allowed pause in milliseconds.
    pub max_pause_ms: Option<u64>,
}

/// The decision in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Code {
    /// There is room.
    Ok,
    /// Not enough memory.
    NoMemory,
    /// Nobody knows how much memory is left, and the cost is not small.
    MemoryUnknown,
    /// Not enough disk.
    NoDisk,
    /// The pause would be too long.
    Pause,
}

/// Whether to take a snapshot, and why.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Whether there is room.
    pub allowed: bool,
    /// The reason in a word.
    pub code: Code,
    /// The reason in a sentence with figures.
    pub reason: String,
    /// The estimate it rests on.
    pub cost: Cost,
    #[serde(skip)]
    refusal: Option<Error>,
}

impl Decision {
    /// The refusal as an error, for the caller who wants to throw it.
    ///
    /// # Errors
    /// [`Error::NoMemory`], [`Error::MemoryUnknown`], [`Error::NoDisk`] or [`Error::Pause`].
    pub fn into_result(self) -> Result<Cost, Error> {
        self.refusal.map_or(Ok(self.cost), Err)
    }
}

/// The memory that must be there for a capture: the estimate, a margin for what it may be off, and a reserve
/// for the app.
#[must_use]
pub fn needed_memory_bytes(cost: &Cost) -> u64 {
    let percent = match cost.basis {
        // Rest on the most that was ever seen.
        Basis::HeapSize | Basis::ObjectCount => 10,
        // The same heap costs up to a tenth more or less, since V8's tables grow in steps.
        Basis::Measured => 20,
    };
    cost.memory_bytes
        .saturating_add(cost.memory_bytes.saturating_mul(percent) / 100)
        .saturating_add(RESERVE_BYTES)
}

/// Decides whether a capture of this cost has room. `dir` is the snapshot folder, for the message.
///
/// Memory is judged first, since a process that is killed loses everything; then disk, then the pause.
#[must_use]
pub fn decide(cost: &Cost, room: &Room, dir: &Path) -> Decision {
    let refusal = refuse(cost, room, dir);
    let (code, reason) = match &refusal {
        None => (Code::Ok, accept(cost, room)),
        Some((code, error)) => (*code, error.to_string()),
    };
    let refusal = refusal.map(|(_, error)| error);
    Decision {
        allowed: refusal.is_none(),
        code,
        reason,
        cost: *cost,
        refusal,
    }
}

fn refuse(cost: &Cost, room: &Room, dir: &Path) -> Option<(Code, Error)> {
    let needed_bytes = needed_memory_bytes(cost);
    match &room.memory {
        Some(MemoryRoom {
            available_bytes,
            limited_by,
        }) if needed_bytes > *available_bytes => {
            let (available_bytes, limited_by) = (*available_bytes, limited_by.clone());
            return Some((
                Code::NoMemory,
                Error::NoMemory {
                    needed_bytes,
                    available_bytes,
                    limited_by,
                },
            ));
        }
        None if cost.memory_bytes > BLIND_BYTES => {
            return Some((Code::MemoryUnknown, Error::MemoryUnknown { needed_bytes }));
        }
        _ => {}
    }
    if let Some(free_bytes) = room.disk_free_bytes
        && cost.disk_bytes.saturating_add(room.disk_reserved_bytes) > free_bytes
    {
        let error = Error::NoDisk {
            path: dir.to_owned(),
            needed_bytes: Some(cost.disk_bytes),
            free_bytes: Some(free_bytes),
            reserved_bytes: room.disk_reserved_bytes,
            source: None,
        };
        return Some((Code::NoDisk, error));
    }
    let expected_ms = cost.pause_ms.high;
    room.max_pause_ms
        .filter(|&max_ms| expected_ms > max_ms)
        .map(|max_ms| {
            (
                Code::Pause,
                Error::Pause {
                    expected_ms,
                    max_ms,
                },
            )
        })
}

fn accept(cost: &Cost, room: &Room) -> String {
    let left = match &room.memory {
        Some(memory) => {
            format!(
                "{} are left before {} is reached",
                Bytes(memory.available_bytes),
                memory.limited_by
            )
        }
        None => "how much is left is not known, but this is little".to_owned(),
    };
    format!(
        "A heap snapshot of about {} objects needs some {} of memory ({left}) and {} of disk, \
         and stops the process for about {} to {} ms.",
        cost.node_count,
        Bytes(cost.memory_bytes),
        Bytes(cost.disk_bytes),
        cost.pause_ms.low,
        cost.pause_ms.high
    )
}
