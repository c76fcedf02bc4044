//! The limit that really kills: the nearest of all that bound the process.
//!
//! # Which limit is "nearest"
//! The limits bound different things (one isolate's old space, everything in a cgroup, an address
//! space), so their headrooms in bytes can't be compared: 200 MB left of a 256 MB heap is far from
//! the end, 300 MB left of a 16 GB container is not. What can be compared is *by which factor* the
//! present use may still grow. If everything grows by the same factor, the limit with the highest
//! use ratio is hit first; that one is the nearest. Once the growth of each is known, time to the
//! limit is the better order, and that is the forecast's business.
//!
//! # What counts as used
//! - **heap, worker**: the live heap after the last major collection when it is fresh (60 s), else
//!   the used heap, against the *old-space* limit ([`crate::old_space`]). A stale live heap can
//!   only be met far from the limit: near it, V8 collects all the time.
//!   The nursery is added: V8 gives up as soon as the old space could not take in what a scavenge
//!   may promote. In a heap of gigabytes that is nothing; processes with a limit of 64 or 96 MB die
//!   of it at 80 to 95 % of their old space. At most a sixth of the limit is added.
//! - **cgroup, cgroupHigh**: usage without the inactive file cache, of the group that carries the
//!   limit, all of its processes together, since that is what the kernel compares. Garbage that V8
//!   has not collected counts here: the kernel doesn't know that it is garbage, and neither does V8
//!   know of the kernel's limit.
//! - **rlimit**: address space or data of the process. V8 reserves much address space, so a ratio
//!   that is high from the start and stays is normal for `RLIMIT_AS`.
//! - **machine**: the resident set, against itself plus what is available: memory that others hold
//!   is not ours to use, but it doesn't make us big either.

use serde::Serialize;

use crate::platform::LimitNames;
use crate::sample::{IsolateFigures, OsReading};

/// Age up to which the live heap of the last major collection stands for the heap.
pub const LIVE_HEAP_FRESH_MS: u64 = 60_000;

/// What a limit bounds, and so what happens at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LimitKind {
    /// Old space of the main thread's isolate: V8 aborts the process.
    Heap,
    /// Old space of a worker: the worker ends with `ERR_WORKER_OUT_OF_MEMORY`.
    Worker,
    /// The cgroup's hard limit: the kernel kills.
    Cgroup,
    /// The cgroup's `memory.high`: the kernel throttles the process, to a standstill if need be.
    CgroupHigh,
    /// `setrlimit`: allocations fail, and the process aborts.
    Rlimit,
    /// The machine's memory: the kernel swaps, then kills whom it likes.
    Machine,
}

/// One limit and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// What is bounded.
    pub kind: LimitKind,
    /// Which one, for people: the isolate's name, the cgroup's file, the rlimit.
    pub name: String,
    /// The bound.
    pub limit_bytes: u64,
    /// What counts against it.
    pub used_bytes: u64,
    /// `used / limit`; above 1 where the limit is soft or was lowered.
    pub ratio: f64,
    /// What is left; 0 when exceeded.
    pub headroom_bytes: u64,
}

impl Limit {
    /// A limit of `limit_bytes`, used by `used_bytes`. A limit of 0 counts as wholly used.
    pub fn new(
        kind: LimitKind,
        name: impl Into<String>,
        used_bytes: u64,
        limit_bytes: u64,
    ) -> Self {
        let ratio = if limit_bytes == 0 {
            1.0
        } else {
            used_bytes as f64 / limit_bytes as f64
        };
        Self {
            kind,
            name: name.into(),
            limit_bytes,
            used_bytes,
            ratio,
            headroom_bytes: limit_bytes.saturating_sub(used_bytes),
        }
    }
}

/// The nearest limit, and the others in order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveLimit {
    /// The nearest one. Its fields are this object's own in JSON.
    #[serde(flatten)]
    pub nearest: Limit,
    /// All others, nearest first.
    pub others: Vec<Limit>,
    /// How big the main thread's heap can become before *any* limit is hit: its old-space limit,
    /// or what the cgroup leaves for it once everything that is not its heap is taken off.
    /// `None` while the main thread's heap is unknown.
    pub heap_ceiling_bytes: Option<u64>,
}

/// The limits that bound the process now, the nearest first in rank; `None` where not one is known.
///
/// Costs one small allocation a limit.
pub fn effective_limit(
    reading: &OsReading,
    isolates: &[IsolateFigures],
    names: &LimitNames,
) -> Option<EffectiveLimit> {
    let mut limits = Vec::with_capacity(isolates.len() + 5);
    limits.extend(isolates.iter().filter_map(|i| heap_limit(i, reading.at_ms)));
    cgroup_limits(reading, names, &mut limits);
    rlimits(reading, &mut limits);
    if let Some(machine) = reading.machine
        && machine.total_bytes > 0
    {
        let rss = reading.process.rss_bytes;
        let bound = rss
            .saturating_add(machine.available_bytes)
            .min(machine.total_bytes);
        limits.push(Limit::new(LimitKind::Machine, "machine memory", rss, bound));
    }
    // A stable sort: of equal ratios the more specific, listed first, wins.
    limits.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    let mut ranked = limits.into_iter();
    let nearest = ranked.next()?;
    Some(EffectiveLimit {
        nearest,
        others: ranked.collect(),
        heap_ceiling_bytes: isolates
            .iter()
            .find(|i| i.id == 0)
            .and_then(|main| heap_ceiling(reading, main)),
    })
}

/// Bytes of an isolate's heap that count against its limit: see the module's head.
pub fn counted_heap(isolate: &IsolateFigures, at_ms: u64) -> u64 {
    match (isolate.live_heap_bytes, isolate.live_heap_at_ms) {
        (Some(live), Some(then)) if at_ms.saturating_sub(then) <= LIVE_HEAP_FRESH_MS => {
            live.min(isolate.heap_used_bytes)
        }
        _ => isolate.heap_used_bytes,
    }
}

fn heap_limit(isolate: &IsolateFigures, at_ms: u64) -> Option<Limit> {
    if isolate.old_space_limit_bytes == 0 {
        return None;
    }
    let kind = if isolate.id == 0 {
        LimitKind::Heap
    } else {
        LimitKind::Worker
    };
    Some(Limit::new(
        kind,
        isolate.name.as_str(),
        counted_heap(isolate, at_ms).saturating_add(promotion_reserve(isolate)),
        isolate.old_space_limit_bytes,
    ))
}

/// What must stay free in the old space for the next scavenge.
fn promotion_reserve(isolate: &IsolateFigures) -> u64 {
    isolate.nursery_bytes.min(isolate.old_space_limit_bytes / 6)
}

fn cgroup_limits(reading: &OsReading, names: &LimitNames, limits: &mut Vec<Limit>) {
    let Some(cgroup) = reading.cgroup else { return };
    let mut push = |kind, name: &Option<String>, fallback: &str, limit, used: Option<u64>| {
        if let Some(limit) = limit {
            let name = name.as_deref().unwrap_or(fallback);
            limits.push(Limit::new(
                kind,
                name,
                used.unwrap_or(cgroup.working_set_bytes),
                limit,
            ));
        }
    };
    push(
        LimitKind::Cgroup,
        &names.cgroup,
        "cgroup memory limit",
        cgroup.limit_bytes,
        cgroup.limit_used_bytes,
    );
    push(
        LimitKind::CgroupHigh,
        &names.cgroup_high,
        "cgroup memory.high",
        cgroup.high_bytes,
        cgroup.high_used_bytes,
    );
}

fn rlimits(reading: &OsReading, limits: &mut Vec<Limit>) {
    let process = &reading.process;
    if let (Some(limit), Some(used)) = (reading.rlimits.address_space_bytes, process.virtual_bytes)
    {
        limits.push(Limit::new(LimitKind::Rlimit, "RLIMIT_AS", used, limit));
    }
    if let (Some(limit), Some(used)) = (reading.rlimits.data_bytes, process.data_bytes) {
        limits.push(Limit::new(LimitKind::Rlimit, "RLIMIT_DATA", used, limit));
    }
}

fn heap_ceiling(reading: &OsReading, main: &IsolateFigures) -> Option<u64> {
    if main.old_space_limit_bytes == 0 {
        return None;
    }
    let by_cgroup = reading.cgroup.and_then(|cgroup| {
        let limit = cgroup.limit_bytes?;
        let used = cgroup.limit_used_bytes.unwrap_or(cgroup.working_set_bytes);
        let not_heap = used.saturating_sub(main.heap_total_bytes);
        Some(limit.saturating_sub(not_heap))
    });
    Some(by_cgroup.map_or(main.old_space_limit_bytes, |bytes| {
        bytes.min(main.old_space_limit_bytes)
    }))
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
