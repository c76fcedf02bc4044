//! Reads the memory cgroup and those of its ancestors that carry a limit.

use std::path::{Path, PathBuf};

use super::discover::{Found, discover};
use super::file::{Buffer, Source};
use super::parse;
use crate::sample::{CgroupFigures, CgroupVersion};

/// cgroup v1 writes "unlimited" as the largest multiple of the page size, which depends on the
/// architecture. No machine has this much.
const UNLIMITED: u64 = 1 << 60;

/// What the files of the two interfaces are called.
struct Names {
    usage: &'static str,
    limit: &'static str,
    high: Option<&'static str>,
    events: &'static str,
    inactive_file: &'static str,
    active_file: &'static str,
}

const V1: Names = Names {
    usage: "memory.usage_in_bytes",
    limit: "memory.limit_in_bytes",
    high: None,
    events: "memory.oom_control",
    inactive_file: "total_inactive_file",
    active_file: "total_active_file",
};

const V2: Names = Names {
    usage: "memory.current",
    limit: "memory.max",
    high: Some("memory.high"),
    events: "memory.events",
    inactive_file: "inactive_file",
    active_file: "active_file",
};

impl Names {
    fn of(version: CgroupVersion) -> &'static Self {
        match version {
            CgroupVersion::V1 => &V1,
            CgroupVersion::V2 => &V2,
        }
    }
}

/// One group of the hierarchy: ours, or an ancestor.
#[derive(Debug)]
struct Level {
    limit_path: PathBuf,
    high_path: Option<PathBuf>,
    usage_path: PathBuf,
    stat_path: PathBuf,
    /// Held open only while the level counts: it is ours, or it has a limit.
    open: Option<(Source, Option<Source>)>,
    limit: Option<u64>,
    high: Option<u64>,
    inactive_file: u64,
    active_file: u64,
}

impl Level {
    fn new(directory: &Path, names: &Names) -> Self {
        Self {
            limit_path: directory.join(names.limit),
            high_path: names.high.map(|high| directory.join(high)),
            usage_path: directory.join(names.usage),
            stat_path: directory.join("memory.stat"),
            open: None,
            limit: None,
            high: None,
            inactive_file: 0,
            active_file: 0,
        }
    }

    /// Reads the limits anew, and opens or closes the polled files as the limits demand.
    fn refresh_limits(&mut self, own: bool, buffer: &mut Buffer) {
        self.limit = read_limit(&self.limit_path, buffer);
        self.high = self
            .high_path
            .as_deref()
            .and_then(|path| read_limit(path, buffer));
        if !own && self.limit.is_none() && self.high.is_none() {
            self.open = None;
        } else if self.open.is_none() {
            self.open = Source::open(&self.usage_path)
                .ok()
                .map(|usage| (usage, Source::open(&self.stat_path).ok()));
        }
    }

    fn usage(&self, buffer: &mut Buffer) -> Option<u64> {
        parse::number(self.open.as_ref()?.0.read(buffer)?)
    }

    fn stat<'b>(&self, buffer: &'b mut Buffer) -> Option<&'b [u8]> {
        self.open.as_ref()?.1.as_ref()?.read(buffer)
    }
}

fn read_limit(path: &Path, buffer: &mut Buffer) -> Option<u64> {
    let text = Source::open(path).ok()?;
    let limit = parse::limit(text.read(buffer)?).ok()??;
    (limit < UNLIMITED).then_some(limit)
}

/// A limit, what counts against it, and the file it stands in.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Margin {
    limit: u64,
    used: u64,
    level: usize,
}

impl Margin {
    fn ratio(&self) -> f64 {
        self.used as f64 / self.limit.max(1) as f64
    }
}

/// The process's memory cgroup.
pub struct Cgroup {
    found: Found,
    names: &'static Names,
    levels: Vec<Level>,
    events: Option<Source>,
    swap: Option<Source>,
    slow: Slow,
    limit_level: Option<usize>,
    high_level: Option<usize>,
}

/// Figures that are not read each time.
#[derive(Clone, Copy, Debug, Default)]
struct Slow {
    swap: Option<u64>,
    swap_limit: Option<u64>,
    oom_kills: Option<u64>,
    oom_group: Option<bool>,
    /// v1: the tightest limit of all ancestors, those that are not visible included.
    inherited_limit: Option<u64>,
}

impl Cgroup {
    /// Opens the group below `root`. The error is a sentence for people.
    pub fn open(root: &Path, buffer: &mut Buffer) -> Result<Self, String> {
        let found = discover(root)?;
        let names = Names::of(found.version);
        let levels = found
            .directories
            .iter()
            .map(|directory| Level::new(directory, names))
            .collect();
        let own = &found.directories[0];
        let events = Source::open(&own.join(names.events)).ok();
        let swap = match found.version {
            CgroupVersion::V1 => None,
            CgroupVersion::V2 => Source::open(&own.join("memory.swap.current")).ok(),
        };
        let mut cgroup = Self {
            found,
            names,
            levels,
            events,
            swap,
            slow: Slow::default(),
            limit_level: None,
            high_level: None,
        };
        cgroup.refresh_limits(buffer);
        cgroup.refresh_slow(buffer);
        let own = &cgroup.levels[0];
        match own.usage(buffer) {
            Some(_) => Ok(cgroup),
            None => Err(format!("{} can't be read", own.usage_path.display())),
        }
    }

    /// The directory in the unified hierarchy with the group's pressure file, if it is mounted.
    pub fn unified(&self) -> Option<&Path> {
        self.found.unified.as_deref()
    }

    /// What was found, to see whether the process has been moved.
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// The files that carry the nearest limit and the nearest `memory.high`.
    pub fn limit_paths(&self) -> (Option<&Path>, Option<&Path>) {
        let level = |index: Option<usize>| index.and_then(|i| self.levels.get(i));
        let limit = match level(self.limit_level) {
            Some(level) => Some(level.limit_path.as_path()),
            None => self
                .hidden_limit()
                .map(|_| self.levels[0].stat_path.as_path()),
        };
        let high = level(self.high_level).and_then(|level| level.high_path.as_deref());
        (limit, high)
    }

    /// Reads the figures. `None` when the group is gone.
    pub fn read(&mut self, buffer: &mut Buffer) -> Option<CgroupFigures> {
        let usage = self.levels[0].usage(buffer)?;
        let working_set = usage.saturating_sub(self.levels[0].inactive_file);
        let mut limit: Option<Margin> = None;
        let mut high: Option<Margin> = None;
        for (index, level) in self.levels.iter().enumerate() {
            if level.limit.is_none() && level.high.is_none() {
                continue;
            }
            let usage = if index == 0 {
                Some(usage)
            } else {
                level.usage(buffer)
            };
            let Some(usage) = usage else { continue };
            let used = usage.saturating_sub(level.inactive_file);
            let margin = |bytes| Margin {
                limit: bytes,
                used,
                level: index,
            };
            limit = nearest(limit, level.limit.map(margin));
            high = nearest(high, level.high.map(margin));
        }
        self.limit_level = limit.map(|m| m.level);
        self.high_level = high.map(|m| m.level);
        if let Some(bytes) = self.hidden_limit() {
            // What others use of it is unknown: our own part is the least that counts.
            self.limit_level = None;
            limit = Some(Margin {
                limit: bytes,
                used: working_set,
                level: 0,
            });
        }
        Some(CgroupFigures {
            version: self.found.version,
            usage_bytes: usage,
            working_set_bytes: working_set,
            limit_bytes: limit.map(|m| m.limit),
            limit_used_bytes: limit.map(|m| m.used),
            limit_active_file_bytes: limit.map(|m| self.levels[m.level].active_file),
            high_bytes: high.map(|m| m.limit),
            high_used_bytes: high.map(|m| m.used),
            swap_bytes: self.slow.swap,
            swap_limit_bytes: self.slow.swap_limit,
            oom_kills: self.slow.oom_kills,
            oom_group: self.slow.oom_group,
        })
    }

    /// Reads what changes slowly: the file cache, swap, kills. Dearer files; every few seconds.
    pub fn refresh_slow(&mut self, buffer: &mut Buffer) {
        let v1 = self.found.version == CgroupVersion::V1;
        for (index, level) in self.levels.iter_mut().enumerate() {
            let Some(stat) = level.stat(buffer) else {
                continue;
            };
            let inactive = parse::named(stat, self.names.inactive_file);
            if v1 && index == 0 {
                self.slow.swap = parse::named(stat, "total_swap");
                self.slow.inherited_limit = parse::named(stat, "hierarchical_memory_limit")
                    .filter(|limit| *limit < UNLIMITED);
            }
            let active = parse::named(stat, self.names.active_file);
            level.inactive_file = inactive.unwrap_or(0);
            level.active_file = active.unwrap_or(0);
        }
        if let Some(swap) = &self.swap {
            self.slow.swap = swap.read(buffer).and_then(parse::number);
        }
        if let Some(events) = &self.events {
            self.slow.oom_kills = events
                .read(buffer)
                .and_then(|text| parse::named(text, "oom_kill"));
        }
    }

    /// Reads the limits anew: they can be changed in place, and are every minute.
    pub fn refresh_limits(&mut self, buffer: &mut Buffer) {
        for (index, level) in self.levels.iter_mut().enumerate() {
            level.refresh_limits(index == 0, buffer);
        }
        let own = &self.found.directories[0];
        match self.found.version {
            CgroupVersion::V1 => {
                let both = read_limit(&own.join("memory.memsw.limit_in_bytes"), buffer);
                self.slow.swap_limit = both
                    .zip(self.levels[0].limit)
                    .map(|(both, memory)| both.saturating_sub(memory));
            }
            CgroupVersion::V2 => {
                self.slow.swap_limit = read_limit(&own.join("memory.swap.max"), buffer);
                self.slow.oom_group = Source::open(&own.join("memory.oom.group"))
                    .ok()
                    .and_then(|file| parse::number(file.read(buffer)?))
                    .map(|flag| flag == 1);
            }
        }
    }

    /// v1: a limit of an ancestor outside of our mount, tighter than all that can be seen.
    fn hidden_limit(&self) -> Option<u64> {
        let inherited = self.slow.inherited_limit?;
        let visible = self.levels.iter().filter_map(|level| level.limit).min();
        visible
            .is_none_or(|visible| inherited < visible)
            .then_some(inherited)
    }
}

/// The margin that is used up most; the inner level's of equals.
fn nearest(best: Option<Margin>, next: Option<Margin>) -> Option<Margin> {
    match (best, next) {
        (Some(best), Some(next)) if next.ratio() > best.ratio() => Some(next),
        (None, next) => next,
        (best, _) => best,
    }
}
