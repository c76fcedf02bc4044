//! Linux: `/proc` and the cgroup filesystems.
//!
//! What is polled stays open and is read with `pread` into one buffer: opening costs more than
//! reading. Figures that are dear and explain rather than decide (`memory.stat`, `status`, `meminfo`,
//! `stat`: 7 to 14 µs each) are read at most every 5 s, limits every minute.

mod cgroup;
mod discover;
mod file;
mod parse;

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use cgroup::Cgroup;
use file::{BUFFER_LEN, Buffer, Source};
use rustix::time::{ClockId, clock_gettime};

use crate::platform::{Capability, LimitNames, Platform};
use crate::sample::{
    CgroupFigures, MachineFigures, OsReading, Pressure, PressureScope, ProcessFigures,
    ResourceLimits,
};

const SLOW_EVERY_MS: u64 = 5_000;
const LIMITS_EVERY_MS: u64 = 60_000;

/// The figures of this very process.
pub struct Linux {
    root: PathBuf,
    buffer: Box<Buffer>,
    clock: Clock,
    page_bytes: u64,
    ticks_per_second: u64,
    statm: Opened,
    stat: Opened,
    status: Opened,
    meminfo: Opened,
    cgroup: Result<Cgroup, String>,
    pressure: Result<(Source, PressureScope), String>,
    slow_at: Option<u64>,
    limits_at: Option<u64>,
    /// The figures of the process that are dear, those of now being zero.
    slow: ProcessFigures,
    machine: Option<MachineFigures>,
    rlimits: ResourceLimits,
}

/// A file, or why there is none.
type Opened = Result<Source, String>;

/// Milliseconds since the process started.
struct Clock {
    opened: Instant,
    age_at_open_ms: u64,
}

impl Clock {
    fn now_ms(&self) -> u64 {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.age_at_open_ms.saturating_add(since)
    }
}

impl Linux {
    /// Opens the sources of this process.
    pub fn open() -> Self {
        Self::open_at(Path::new("/"))
    }

    /// Opens the same files below another root: a tree written by a test, or a host's mounted into
    /// a container.
    pub fn open_at(root: &Path) -> Self {
        let mut buffer: Box<Buffer> = Box::new([0; BUFFER_LEN]);
        let stat = open(root, "proc/self/stat", &mut buffer);
        let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
        let started = stat
            .as_ref()
            .ok()
            .and_then(|stat| parse::stat(stat.read(&mut buffer)?).start_ticks);
        let cgroup = Cgroup::open(root, &mut buffer);
        let pressure = open_pressure(root, cgroup.as_ref().ok(), &mut buffer);
        let mut linux = Self {
            root: root.to_owned(),
            clock: Clock {
                opened: Instant::now(),
                age_at_open_ms: started.map_or(0, |ticks| age_ms(ticks, ticks_per_second)),
            },
            page_bytes: rustix::param::page_size() as u64,
            ticks_per_second,
            statm: open(root, "proc/self/statm", &mut buffer),
            stat,
            status: open(root, "proc/self/status", &mut buffer),
            meminfo: open(root, "proc/meminfo", &mut buffer),
            cgroup,
            pressure,
            slow_at: None,
            limits_at: None,
            slow: ProcessFigures::default(),
            machine: None,
            rlimits: read_rlimits(),
            buffer,
        };
        linux.limits_at = Some(linux.clock.now_ms());
        linux
    }

    fn process(&mut self) -> ProcessFigures {
        let mut figures = self.slow;
        if let Some(text) = read(&self.statm, &mut self.buffer) {
            let pages = |n| parse::field(text, n).and_then(|p| p.checked_mul(self.page_bytes));
            figures.virtual_bytes = pages(0);
            figures.rss_bytes = pages(1).unwrap_or(0);
            figures.data_bytes = pages(5);
        }
        figures
    }

    fn refresh_slow(&mut self) {
        self.slow = ProcessFigures {
            swap_bytes: read(&self.status, &mut self.buffer)
                .and_then(|t| parse::named_kb(t, "VmSwap")),
            ..ProcessFigures::default()
        };
        if let Some(text) = read(&self.stat, &mut self.buffer) {
            let stat = parse::stat(text);
            self.slow.threads = stat.threads.and_then(|n| u32::try_from(n).ok());
            self.slow.major_faults = stat.major_faults;
            self.slow.cpu_ms = stat
                .cpu_ticks
                .map(|ticks| ticks.saturating_mul(1000) / self.ticks_per_second);
        }
        self.machine = read(&self.meminfo, &mut self.buffer).and_then(machine);
        if let Ok(cgroup) = &mut self.cgroup {
            cgroup.refresh_slow(&mut self.buffer);
        }
    }

    fn refresh_limits(&mut self) {
        self.rlimits = read_rlimits();
        // A service manager may move a running process to another group.
        let moved = match (&self.cgroup, discover::discover(&self.root)) {
            (Ok(cgroup), Ok(found)) => *cgroup.found() != found,
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => true,
            (Err(_), Err(_)) => false,
        };
        if moved {
            self.cgroup = Cgroup::open(&self.root, &mut self.buffer);
            self.pressure = open_pressure(&self.root, self.cgroup.as_ref().ok(), &mut self.buffer);
        } else if let Ok(cgroup) = &mut self.cgroup {
            cgroup.refresh_limits(&mut self.buffer);
        }
    }

    fn cgroup(&mut self) -> Option<CgroupFigures> {
        self.cgroup.as_mut().ok()?.read(&mut self.buffer)
    }

    fn pressure(&mut self) -> Option<Pressure> {
        let (source, scope) = self.pressure.as_ref().ok()?;
        let [some_avg10, some_avg60, full_avg10, full_avg60] =
            parse::pressure(source.read(&mut self.buffer)?)?;
        Some(Pressure {
            scope: *scope,
            some_avg10,
            some_avg60,
            full_avg10,
            full_avg60,
        })
    }
}

impl Platform for Linux {
    fn read(&mut self) -> OsReading {
        let at_ms = self.clock.now_ms();
        let due =
            |last: Option<u64>, every| last.is_none_or(|then| at_ms.saturating_sub(then) >= every);
        if due(self.limits_at, LIMITS_EVERY_MS) {
            self.limits_at = Some(at_ms);
            self.refresh_limits();
        }
        if due(self.slow_at, SLOW_EVERY_MS) {
            self.slow_at = Some(at_ms);
            self.refresh_slow();
        }
        OsReading {
            at_ms,
            wall_ms: wall_ms(),
            process: self.process(),
            cgroup: self.cgroup(),
            pressure: self.pressure(),
            machine: self.machine,
            rlimits: self.rlimits,
        }
    }

    fn expire(&mut self) {
        self.limits_at = None;
        self.slow_at = None;
    }

    fn capabilities(&self) -> Vec<Capability> {
        let process = self.statm.as_ref().and(self.stat.as_ref());
        vec![
            capability("process", process.map(drop)),
            capability("processSwap", self.status.as_ref().map(drop)),
            capability("machine", self.meminfo.as_ref().map(drop)),
            capability("cgroup", self.cgroup.as_ref().map(drop)),
            capability("memoryPressure", self.pressure.as_ref().map(drop)),
        ]
    }

    fn limit_names(&self) -> LimitNames {
        let Ok(cgroup) = &self.cgroup else {
            return LimitNames::default();
        };
        let name = |path: &Path| {
            let shown = path.strip_prefix(&self.root).unwrap_or(path);
            format!("/{}", shown.display())
        };
        let (limit, high) = cgroup.limit_paths();
        LimitNames {
            cgroup: limit.map(name),
            cgroup_high: high.map(name),
        }
    }
}

fn capability(name: &'static str, state: Result<(), &String>) -> Capability {
    match state {
        Ok(()) => Capability::yes(name),
        Err(reason) => Capability::no(name, reason.as_str()),
    }
}

fn open(root: &Path, file: &str, buffer: &mut Buffer) -> Opened {
    let shown = Path::new("/").join(file);
    let source = Source::open(&root.join(file)).map_err(|error| file::reason(&shown, &error))?;
    match source.read(buffer) {
        Some(_) => Ok(source),
        None => Err(format!("{} can be opened but not read", shown.display())),
    }
}

fn read<'b>(source: &Opened, buffer: &'b mut Buffer) -> Option<&'b [u8]> {
    source.as_ref().ok()?.read(buffer)
}

/// The cgroup's own pressure where the kernel gives it, else the machine's.
fn open_pressure(
    root: &Path,
    cgroup: Option<&Cgroup>,
    buffer: &mut Buffer,
) -> Result<(Source, PressureScope), String> {
    // The root group has a pressure file too, but it is the machine's; only others have events.
    let own = cgroup
        .and_then(Cgroup::unified)
        .filter(|directory| directory.join("cgroup.events").exists())
        .and_then(|directory| Source::open(&directory.join("memory.pressure")).ok());
    if let Some(source) = own
        && source.read(buffer).and_then(parse::pressure).is_some()
    {
        return Ok((source, PressureScope::Cgroup));
    }
    open(root, "proc/pressure/memory", buffer).map(|source| (source, PressureScope::Machine))
}

fn machine(meminfo: &[u8]) -> Option<MachineFigures> {
    let total = parse::named_kb(meminfo, "MemTotal")?;
    Some(MachineFigures {
        total_bytes: total,
        // Kernels before 3.14 don't estimate; free memory is then the least there is.
        available_bytes: parse::named_kb(meminfo, "MemAvailable")
            .or_else(|| parse::named_kb(meminfo, "MemFree"))?,
        swap_total_bytes: parse::named_kb(meminfo, "SwapTotal"),
    })
}

fn read_rlimits() -> ResourceLimits {
    ResourceLimits {
        address_space_bytes: rlimit(libc::RLIMIT_AS as _),
        data_bytes: rlimit(libc::RLIMIT_DATA as _),
    }
}

/// `None` where there is no limit, or a sandbox does not let it be read (which rustix takes for impossible).
fn rlimit(resource: libc::c_uint) -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: it fills the struct. The kind of the resource's number differs between C libraries.
    let answer = unsafe { libc::getrlimit(resource as _, &raw mut limit) };
    (answer == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// Age of a process that started `ticks` after boot.
fn age_ms(ticks: u64, ticks_per_second: u64) -> u64 {
    let boot = clock_gettime(ClockId::Boottime);
    let since_boot = u64::try_from(boot.tv_sec)
        .unwrap_or(0)
        .saturating_mul(1000)
        .saturating_add(u64::try_from(boot.tv_nsec / 1_000_000).unwrap_or(0));
    since_boot.saturating_sub(ticks.saturating_mul(1000) / ticks_per_second)
}

fn wall_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[path = "linux/tests.rs"]
mod tests;
