//! How much memory is left before the nearest limit.

use memguard_capture::headroom::MemoryRoom;
use memguard_vitals::{OsReading, Vitals};

/// What is left before the nearest limit, less what captures under way will take.
pub(crate) fn memory_room(taken_bytes: u64) -> Option<MemoryRoom> {
    let mut room = nearest(&Vitals::open().read())?;
    room.available_bytes = room.available_bytes.saturating_sub(taken_bytes);
    Some(room)
}

/// The nearest limit, and what is left before it.
pub(crate) fn nearest(reading: &OsReading) -> Option<MemoryRoom> {
    let left = |limit: Option<u64>, used: Option<u64>| Some(limit?.saturating_sub(used?));
    let cgroup = reading.cgroup.as_ref();
    let process = &reading.process;
    [
        (
            cgroup.and_then(|it| {
                let used = it.limit_used_bytes.unwrap_or(it.working_set_bytes);
                // The kernel drops all of the file cache before it kills: what reading a large file leaves there, such
                // as node's own program, takes nothing from a capture.
                left(
                    it.limit_bytes,
                    Some(used.saturating_sub(it.limit_active_file_bytes.unwrap_or(0))),
                )
            }),
            "the cgroup limit",
        ),
        (
            left(reading.rlimits.address_space_bytes, process.virtual_bytes),
            "RLIMIT_AS",
        ),
        (
            left(reading.rlimits.data_bytes, process.data_bytes),
            "RLIMIT_DATA",
        ),
        (
            reading.machine.map(|machine| machine.available_bytes),
            "the machine's memory",
        ),
    ]
    .into_iter()
    .filter_map(|(available, name)| Some((available?, name)))
    .min_by_key(|(available, _)| *available)
    .map(|(available_bytes, name)| MemoryRoom {
        available_bytes,
        limited_by: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use memguard_vitals::{CgroupFigures, CgroupVersion, MachineFigures};

    const CGROUP: CgroupFigures = CgroupFigures {
        version: CgroupVersion::V2,
        usage_bytes: 900,
        working_set_bytes: 700,
        limit_bytes: Some(1000),
        limit_used_bytes: None,
        limit_active_file_bytes: None,
        high_bytes: None,
        high_used_bytes: None,
        swap_bytes: None,
        swap_limit_bytes: None,
        oom_kills: None,
        oom_group: None,
    };

    #[test]
    fn the_least_room_counts_and_is_named() {
        let reading = OsReading {
            cgroup: Some(CGROUP),
            machine: Some(MachineFigures {
                total_bytes: 8000,
                available_bytes: 5000,
                swap_total_bytes: None,
            }),
            ..OsReading::default()
        };
        let room = nearest(&reading).unwrap();
        assert_eq!(
            (room.available_bytes, room.limited_by.as_str()),
            (300, "the cgroup limit")
        );
    }

    #[test]
    fn file_cache_takes_no_room() {
        let reading = OsReading {
            cgroup: Some(CgroupFigures {
                limit_used_bytes: Some(950),
                limit_active_file_bytes: Some(200),
                ..CGROUP
            }),
            ..OsReading::default()
        };
        assert_eq!(nearest(&reading).unwrap().available_bytes, 250);
    }

    #[test]
    fn where_nothing_is_known_nothing_is_claimed() {
        assert_eq!(nearest(&OsReading::default()), None);
    }
}
