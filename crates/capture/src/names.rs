//! Names of everything that lies in a snapshot folder.
//!
//! | name | what |
//! |---|---|
//! | `snapshot-2026-11-21T09-54-34.123Z-87pct.heapsnapshot` | a whole snapshot |
//! | `snapshot-….heapsnapshot.gz`, `.zst` | the same, compressed |
//! | `snapshot-….heapsnapshot.json`, `….gz.json` | its side-car |
//! | `.memguard-<owner>-<n>-<bytes>.heapsnapshot.tmp` | a snapshot being written; `bytes` are reserved for it |
//! | `.memguard-<owner>-<n>.json.tmp` | any other file being written |
//! | `.memguard-<owner>.owner` | locked as long as that process uses the folder |
//! | `.memguard-<hash of the app>.state` | when that app last began a capture |
//! | `.memguard.lock` | the folder's lock |
//!
//! `<owner>` is `<pid>-<start time>-<nonce>`. Names sort by time, and hold on every file system
//! (no colons). A name that does not fit its pattern exactly belongs to somebody else and is never touched.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The lock file of a folder.
pub const LOCK: &str = ".memguard.lock";
const HIDDEN: &str = ".memguard-";
const OWNER: &str = ".owner";
const SNAPSHOT_TEMP: &str = ".heapsnapshot.tmp";
const JSON_TEMP: &str = ".json.tmp";
const STATE: &str = ".state";

/// How a snapshot's file is compressed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

impl Compression {
    const ALL: [Self; 3] = [Self::None, Self::Gzip, Self::Zstd];

    /// What is put behind `.heapsnapshot`.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// The first bytes of such a file.
    pub(crate) fn magic(self) -> &'static [u8] {
        match self {
            Self::None => b"{\"snapshot\":",
            Self::Gzip => &[0x1f, 0x8b],
            Self::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
        }
    }
}

/// The name of a whole snapshot: when it was begun and how full the heap was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotName {
    /// When the capture began, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// Used heap as a percentage of its limit, at most 999.
    pub pct: u16,
    /// How the file is compressed.
    pub compression: Compression,
}

impl SnapshotName {
    /// The name for a capture. Times beyond the year 9999 and percentages above 999 are capped.
    #[must_use]
    pub fn new(created_at_ms: u64, pct: u16) -> Self {
        Self {
            created_at_ms: created_at_ms.min(MAX_MS),
            pct: pct.min(999),
            compression: Compression::None,
        }
    }

    /// The name of the same capture, compressed.
    #[must_use]
    pub fn compressed(self, compression: Compression) -> Self {
        Self {
            compression,
            ..self
        }
    }

    /// The name one millisecond later, for when this one is taken.
    #[must_use]
    pub fn next(self) -> Self {
        Self::new(self.created_at_ms + 1, self.pct).compressed(self.compression)
    }

    /// The name of the side-car beside the snapshot.
    #[must_use]
    pub fn side_car(self) -> String {
        format!("{self}.json")
    }

    /// Reads the name of a side-car.
    #[must_use]
    pub fn of_side_car(file_name: &str) -> Option<Self> {
        file_name.strip_suffix(".json")?.parse().ok()
    }
}

impl fmt::Display for SnapshotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "snapshot-{}-{}pct.heapsnapshot{}",
            timestamp(self.created_at_ms),
            self.pct,
            self.compression.suffix()
        )
    }
}

/// The file name is not that of a snapshot of ours.
#[derive(Debug, PartialEq, Eq)]
pub struct NotASnapshot;

impl FromStr for SnapshotName {
    type Err = NotASnapshot;

    fn from_str(file_name: &str) -> Result<Self, NotASnapshot> {
        let parse = || {
            let rest = file_name.strip_prefix("snapshot-")?;
            let (rest, suffix) = rest.split_once("pct.heapsnapshot")?;
            let compression = Compression::ALL
                .into_iter()
                .find(|one| one.suffix() == suffix)?;
            let (time, pct) = rest.rsplit_once('-')?;
            let name = Self::new(parse_timestamp(time)?, number(pct)?).compressed(compression);
            // Only what we would write ourselves: no leading zeros, no 31st of February.
            (name.to_string() == file_name).then_some(name)
        };
        parse().ok_or(NotASnapshot)
    }
}

/// A process that uses the folder. The nonce tells apart what shares a process id: several copies of the
/// library in one process, containers with process ids of their own, a folder opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OwnerId {
    /// Process id, as the process itself sees it.
    pub pid: u32,
    /// When the process started, in the platform's own unit; 0 where unknown.
    pub start_time: u64,
    /// Random.
    pub nonce: u32,
}

impl OwnerId {
    /// The file that this owner keeps locked.
    #[must_use]
    pub fn lock_file(self) -> String {
        format!("{HIDDEN}{self}{OWNER}")
    }

    /// A temporary snapshot of this owner.
    #[must_use]
    pub fn snapshot_temp(self, number: u64, reserved_bytes: u64) -> String {
        format!("{HIDDEN}{self}-{number}-{reserved_bytes}{SNAPSHOT_TEMP}")
    }

    /// Any other temporary file of this owner.
    #[must_use]
    pub fn json_temp(self, number: u64) -> String {
        format!("{HIDDEN}{self}-{number}{JSON_TEMP}")
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:08x}", self.pid, self.start_time, self.nonce)
    }
}

/// The text is not an owner.
#[derive(Debug, PartialEq, Eq)]
pub struct NotAnOwner;

impl FromStr for OwnerId {
    type Err = NotAnOwner;

    fn from_str(text: &str) -> Result<Self, NotAnOwner> {
        let parse = || {
            let mut parts = text.split('-');
            let owner = Self {
                pid: number(parts.next()?)?,
                start_time: number(parts.next()?)?,
                nonce: u32::from_str_radix(parts.next()?, 16).ok()?,
            };
            (owner.to_string() == text).then_some(owner)
        };
        parse().ok_or(NotAnOwner)
    }
}

/// What a file in the folder is, by its name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole snapshot.
    Snapshot(SnapshotName),
    /// The side-car of a snapshot.
    SideCar(SnapshotName),
    /// A snapshot being written.
    SnapshotTemp {
        /// Who writes it.
        owner: OwnerId,
        /// Bytes reserved for it.
        reserved_bytes: u64,
    },
    /// Another file being written.
    JsonTemp {
        /// Who writes it.
        owner: OwnerId,
    },
    /// The lock file of an owner.
    Owner(OwnerId),
    /// When an app last began a capture.
    State,
}

impl Kind {
    /// Sorts a file by its name; `None` for everything that is not ours.
    #[must_use]
    pub fn of(file_name: &str) -> Option<Self> {
        if let Ok(name) = file_name.parse() {
            return Some(Self::Snapshot(name));
        }
        if let Some(name) = SnapshotName::of_side_car(file_name) {
            return Some(Self::SideCar(name));
        }
        let rest = file_name.strip_prefix(HIDDEN)?;
        if let Some(owner) = rest.strip_suffix(OWNER) {
            return owner.parse().ok().map(Self::Owner);
        }
        if let Some(hash) = rest.strip_suffix(STATE) {
            return (hash.len() == 16 && u64::from_str_radix(hash, 16).is_ok())
                .then_some(Self::State);
        }
        if let Some(rest) = rest.strip_suffix(SNAPSHOT_TEMP) {
            let (rest, reserved_bytes) = rest.rsplit_once('-')?;
            let (owner, counter) = rest.rsplit_once('-')?;
            number::<u64>(counter)?;
            let owner = owner.parse().ok()?;
            return Some(Self::SnapshotTemp {
                owner,
                reserved_bytes: number(reserved_bytes)?,
            });
        }
        let (owner, counter) = rest.strip_suffix(JSON_TEMP)?.rsplit_once('-')?;
        number::<u64>(counter)?;
        owner.parse().ok().map(|owner| Self::JsonTemp { owner })
    }
}

/// The state file of an app: its key may hold anything, so the name is a hash (FNV-1a, 64 bit).
#[must_use]
pub fn state_file(app: &str) -> String {
    let hash = app.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{HIDDEN}{hash:016x}{STATE}")
}

/// Digits only: `parse` alone would let a sign through.
fn number<T: FromStr>(text: &str) -> Option<T> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// The last millisecond of the year 9999.
const MAX_MS: u64 = 253_402_300_799_999;
const DAY_MS: u64 = 86_400_000;

/// `2026-11-21T09-54-34.123Z`. The calendar is Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>), for dates from 1970 on.
pub(crate) fn timestamp(ms: u64) -> String {
    let (days, ms) = (ms / DAY_MS, ms % DAY_MS);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}.{:03}Z",
        ms % 1000
    )
}

/// The inverse of [`timestamp`] (`days_from_civil` by the same author). Days and months that do not exist
/// come out as another date, which the caller notices when it formats the result again.
fn parse_timestamp(text: &str) -> Option<u64> {
    let text = text.strip_suffix('Z')?;
    let (date, time) = text.split_once('T')?;
    let mut date = date.split('-');
    let (year, month, day): (u64, u64, u64) = (
        number(date.next()?)?,
        number(date.next()?)?,
        number(date.next()?)?,
    );
    let (time, ms) = time.split_once('.')?;
    let mut time = time.split('-');
    let (hour, minute, second): (u64, u64, u64) = (
        number(time.next()?)?,
        number(time.next()?)?,
        number(time.next()?)?,
    );
    let ms: u64 = number(ms)?;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 || ms > 999 {
        return None;
    }
    let year = year - u64::from(month <= 2);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let year_of_era = year % 400;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (year / 400 * 146_097 + day_of_era).checked_sub(719_468)?;
    Some(days * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1000 + ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_the_iso_time_without_colons_and_the_percentage() {
        let name = SnapshotName::new(1_795_254_874_123, 87);
        assert_eq!(
            name.to_string(),
            "snapshot-2026-11-21T09-54-34.123Z-87pct.heapsnapshot"
        );
        assert_eq!(name.side_car(), format!("{name}.json"));
        assert_eq!(
            name.next().to_string(),
            "snapshot-2026-11-21T09-54-34.124Z-87pct.heapsnapshot"
        );
    }

    #[test]
    fn days_around_leap_years_come_out_right() {
        for (ms, expected) in [
            (0, "1970-01-01T00-00-00.000Z"),
            (951_782_400_000, "2000-02-29T00-00-00.000Z"),
            (4_107_542_399_999, "2100-02-28T23-59-59.999Z"),
            (4_107_542_400_000, "2100-03-01T00-00-00.000Z"),
            (MAX_MS, "9999-12-31T23-59-59.999Z"),
        ] {
            assert_eq!(timestamp(ms), expected);
            assert_eq!(parse_timestamp(expected), Some(ms));
        }
    }

    #[test]
    fn what_is_not_exactly_ours_is_nobodys() {
        for foreign in [
            "",
            "snapshot-.heapsnapshot",
            "snapshot-2026-11-21T09-54-34.123Z-087pct.heapsnapshot",
            "snapshot-2026-02-30T09-54-34.123Z-87pct.heapsnapshot",
            "snapshot-2026-11-21T09:54:34.123Z-87pct.heapsnapshot",
            "snapshot-2026-11-21T09-54-34.123Z--7pct.heapsnapshot",
            "snapshot-+026-11-21T09-54-34.123Z-7pct.heapsnapshot",
            "snapshot-2026-11-21T09-54-34.123Z-87pct.heapsnapshot.bz2",
            "snapshot-2026-11-21T09-54-34.123Z-87pct.heapsnapshot.gz.gz",
            "Heap.20261121.095434.1.0.001.heapsnapshot",
            ".memguard-1-2.owner",
            ".memguard-1-2-zz.owner",
            ".memguard-1-2-0000000g.owner",
            ".memguard-1-2-0000000a-x-5.heapsnapshot.tmp",
            ".memguard-1-2-0000000a-5.heapsnapshot.tmp",
            ".memguard-1-2-0000000a.json.tmp",
            ".memguard-12.state",
            ".memguard.lock",
            "notes.json",
        ] {
            assert_eq!(Kind::of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn state_files_of_different_apps_differ() {
        assert_ne!(state_file("a"), state_file("b"));
        assert_eq!(Kind::of(&state_file("../../etc/passwd")), Some(Kind::State));
    }

    proptest! {
        #[test]
        fn names_come_back_and_sort_by_time(ms in 0..=MAX_MS, later in 0..=MAX_MS, pct in 0_u16..2000) {
            let name = SnapshotName::new(ms, pct);
            prop_assert_eq!(Kind::of(&name.to_string()), Some(Kind::Snapshot(name)));
            prop_assert_eq!(Kind::of(&name.side_car()), Some(Kind::SideCar(name)));
            for compression in Compression::ALL {
                let name = name.compressed(compression);
                prop_assert_eq!(Kind::of(&name.to_string()), Some(Kind::Snapshot(name)));
                prop_assert_eq!(Kind::of(&name.side_car()), Some(Kind::SideCar(name)));
                prop_assert_eq!(name.next().compression, compression);
            }
            let other = SnapshotName::new(later, pct);
            prop_assert_eq!(name.to_string().cmp(&other.to_string()), ms.cmp(&later));
        }

        #[test]
        fn hidden_names_come_back(pid: u32, start_time: u64, nonce: u32, n: u64, reserved_bytes: u64) {
            let owner = OwnerId { pid, start_time, nonce };
            prop_assert_eq!(Kind::of(&owner.lock_file()), Some(Kind::Owner(owner)));
            prop_assert_eq!(
                Kind::of(&owner.snapshot_temp(n, reserved_bytes)),
                Some(Kind::SnapshotTemp { owner, reserved_bytes })
            );
            prop_assert_eq!(Kind::of(&owner.json_temp(n)), Some(Kind::JsonTemp { owner }));
        }

        #[test]
        fn no_name_makes_it_panic(name in "\\PC*", tail in "[-0-9a-fTZ.]{0,40}") {
            let _ = Kind::of(&name);
            let _ = Kind::of(&format!("snapshot-{tail}pct.heapsnapshot"));
            let _ = Kind::of(&format!(".memguard-{tail}.heapsnapshot.tmp"));
        }
    }
}
