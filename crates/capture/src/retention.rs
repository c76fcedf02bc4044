//! Which snapshots a folder keeps: a pure function from files, policy and who is alive to deletions or a
//! refusal.
//!
//! The budget is the folder's, not the process's. What may be deleted is the process's own files and those
//! whose process is gone, oldest first. Files of processes that are running are never touched: when they
//! fill the budget, the capture is refused, which happens before its cost is paid. `O(n log n)`.

use std::fmt;

use serde::Serialize;

use crate::error::Bytes;

/// What a snapshot folder may hold. It applies to the folder as a whole, whoever wrote the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetentionPolicy {
    /// The most snapshots. Default 5.
    pub max_count: u64,
    /// The most bytes of snapshots. Default no bound.
    pub max_bytes: Option<u64>,
    /// Snapshots older than this many milliseconds are deleted. Default no bound.
    pub max_age_ms: Option<u64>,
    /// Bytes that must stay free on the disk: old snapshots make way, and a capture that would still go
    /// below is refused. Default 256 MB.
    pub min_free_disk_bytes: u64,
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self {
            max_count: 5,
            max_bytes: None,
            max_age_ms: None,
            min_free_disk_bytes: 256 << 20,
        }
    }
}

/// Whose a snapshot is, seen from this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Ours: may be deleted.
    Mine,
    /// Of a process that is gone, or nobody's: may be deleted.
    Orphan,
    /// Of another process that is running: not to be touched.
    Living,
}

/// A snapshot in the folder, as far as retention is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// When it was taken, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Whose it is.
    pub standing: Standing,
}

/// What is about to enter the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incoming {
    /// Nothing: the folder is only being tidied.
    Nothing,
    /// A capture that is about to begin, of this many bytes as far as can be told.
    Expected(u64),
    /// A capture that lies complete under its temporary name and has this many bytes.
    Written(u64),
}

impl Incoming {
    fn files_and_bytes(self) -> (u64, u64) {
        match self {
            Self::Nothing => (0, 0),
            Self::Expected(bytes) | Self::Written(bytes) => (1, bytes),
        }
    }
}

/// Captures of this and other processes that are under way: they have a right to their place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnderWay {
    /// How many.
    pub files: u64,
    /// Their reserved or actual sizes, whichever is larger, in bytes.
    pub bytes: u64,
    /// What of that is not yet written and will still be taken from the disk, in bytes.
    pub unwritten_bytes: u64,
}

/// Everything the plan depends on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The snapshots in the folder, in any order.
    pub files: &'a [Candidate],
    /// Captures under way, the incoming one not counted.
    pub under_way: UnderWay,
    /// What is to enter.
    pub incoming: Incoming,
    /// Free bytes on the disk; `None` where unknown, and then not judged.
    pub disk_free_bytes: Option<u64>,
    /// The time, in milliseconds since 1970.
    pub now_ms: u64,
}

/// Why a snapshot is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// Older than the policy's maximum age.
    Age,
    /// More files than the policy allows.
    Count,
    /// More bytes than the policy allows.
    Bytes,
    /// Less free disk than the policy demands.
    Disk,
}

/// A deletion: an index into [`Situation::files`] and the rule behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Victim {
    /// Index of the file.
    pub index: usize,
    /// Why it goes.
    pub rule: Rule,
}

/// A limit of the folder's budget that cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The number of files.
    Count {
        /// The policy's maximum.
        max_count: u64,
    },
    /// The sum of their sizes.
    Bytes {
        /// The policy's maximum in bytes.
        max_bytes: u64,
        /// What the new snapshot needs, in bytes.
        needed_bytes: u64,
    },
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Count { max_count } => write!(f, "at most {max_count} snapshots are kept"),
            Self::Bytes {
                max_bytes,
                needed_bytes,
            } => {
                write!(
                    f,
                    "at most {} are kept, the new snapshot needs {}",
                    Bytes(max_bytes),
                    Bytes(needed_bytes)
                )
            }
        }
    }
}

/// Why there is no room even when everything is deleted that may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The budget is held by files that may not be deleted.
    Budget {
        /// The limit that would be exceeded.
        limit: Limit,
        /// Files that stay, captures under way included.
        held_files: u64,
        /// Their size in bytes.
        held_bytes: u64,
    },
    /// The disk has no room.
    Disk {
        /// What the new snapshot needs, in bytes.
        needed_bytes: u64,
        /// What is free now, in bytes.
        free_bytes: u64,
        /// What must stay free, in bytes: the policy's reserve and captures under way.
        reserved_bytes: u64,
    },
}

/// A stamp this far in the future was made by a clock that has since been set back.
const DISTRUST_MS: u64 = 3_600_000;

/// Decides what to delete so that `incoming` fits, or why it cannot fit.
///
/// A capture asks twice: before it begins, when everything under way counts against it, and when it is
/// written. A reservation that was granted in between may rest on files that its process will delete only
/// then, so the written capture deletes what it may to leave room for those under way, but is refused only
/// for files that are there: within one policy and its expected size, it never is.
///
/// Deletions come oldest first, and no more than are needed. A file whose stamp lies more than an hour in
/// the future counts as the oldest, since the clock that made it was wrong: otherwise it would outlive every
/// later snapshot. When the folder is only tidied ([`Incoming::Nothing`]), nothing is ever refused, and a
/// full disk does not cost the last file that may be deleted: the disk is seldom full because of us, and
/// that file may be the only evidence.
///
/// # Errors
/// [`Refusal`] when the budget or the disk is taken by what may not be deleted.
pub fn plan(policy: &RetentionPolicy, situation: &Situation<'_>) -> Result<Vec<Victim>, Refusal> {
    let Situation {
        files,
        under_way,
        incoming,
        disk_free_bytes,
        now_ms,
    } = *situation;
    let (new_files, new_bytes) = incoming.files_and_bytes();
    let is_expired = |file: &Candidate| {
        now_ms
            .checked_sub(file.created_at_ms)
            .is_some_and(|age| policy.max_age_ms.is_some_and(|max| age > max))
    };
    let age_key = |file: &Candidate| {
        if file.created_at_ms > now_ms.saturating_add(DISTRUST_MS) {
            0
        } else {
            file.created_at_ms
        }
    };

    let mut eligible: Vec<usize> = (0..files.len())
        .filter(|&index| files[index].standing != Standing::Living)
        .collect();
    // What has expired goes in any case, so it goes first; then by age.
    eligible.sort_by_key(|&index| {
        let file = &files[index];
        (!is_expired(file), age_key(file), index)
    });

    let sum = |indices: &mut dyn Iterator<Item = usize>| {
        indices.fold(0_u64, |sum, index| {
            sum.saturating_add(files[index].size_bytes)
        })
    };
    let mut count = (files.len() as u64)
        .saturating_add(under_way.files)
        .saturating_add(new_files);
    let mut bytes = sum(&mut (0..files.len()))
        .saturating_add(under_way.bytes)
        .saturating_add(new_bytes);
    let deletable = sum(&mut eligible.iter().copied());

    let max_bytes = policy.max_bytes.unwrap_or(u64::MAX);
    let reserved = policy
        .min_free_disk_bytes
        .saturating_add(under_way.unwritten_bytes);
    let to_write = if let Incoming::Expected(bytes) = incoming {
        bytes
    } else {
        0
    };
    let mut free = disk_free_bytes.unwrap_or(u64::MAX);

    if incoming != Incoming::Nothing {
        // A capture that is written has a reservation of its own: it makes way for the others as far as it
        // can, but is not refused for them.
        let ahead = if let Incoming::Expected(_) = incoming {
            under_way
        } else {
            UnderWay::default()
        };
        let held_files = (files.len() - eligible.len()) as u64 + ahead.files;
        let held_bytes = sum(&mut (0..files.len()))
            .saturating_sub(deletable)
            .saturating_add(ahead.bytes);
        let refuse = |limit| {
            Err(Refusal::Budget {
                limit,
                held_files,
                held_bytes,
            })
        };
        if held_files + new_files > policy.max_count {
            return refuse(Limit::Count {
                max_count: policy.max_count,
            });
        }
        if held_bytes.saturating_add(new_bytes) > max_bytes {
            return refuse(Limit::Bytes {
                max_bytes,
                needed_bytes: new_bytes,
            });
        }
    }
    if let Incoming::Expected(needed_bytes) = incoming
        && free.saturating_add(deletable) < reserved.saturating_add(to_write)
    {
        return Err(Refusal::Disk {
            needed_bytes,
            free_bytes: free,
            reserved_bytes: reserved,
        });
    }

    let mut victims = Vec::new();
    let mut left = eligible.len();
    for index in eligible {
        let file = &files[index];
        let rule = if is_expired(file) {
            Rule::Age
        } else if count > policy.max_count {
            Rule::Count
        } else if bytes > max_bytes {
            Rule::Bytes
        } else if free < reserved.saturating_add(to_write)
            && (left > 1 || incoming != Incoming::Nothing)
        {
            Rule::Disk
        } else {
            left -= 1;
            continue;
        };
        victims.push(Victim { index, rule });
        left -= 1;
        count -= 1;
        bytes = bytes.saturating_sub(file.size_bytes);
        free = free.saturating_add(file.size_bytes);
    }
    Ok(victims)
}

#[cfg(test)]
mod tests;
