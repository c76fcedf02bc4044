//! How the child shares the machine: last in line for the processor and the disk, first in line for the OOM killer,
//! bounded in memory and processor time.

use std::path::Path;

use crate::{Limits, Priority};

/// Above this share of time in which somebody waits for a processor (in percent), a child that only takes what is
/// left over would get nothing.
const SCARCE: f64 = 20.0;
/// So does one among more threads than this, per processor, that could run right now.
const CROWD: f64 = 2.0;

/// Puts the child last.
///
/// # Safety
/// In a forked child only.
pub unsafe fn step_back(proc_root: &Path, priority: Priority) {
    const IOPRIO_WHO_PROCESS: i32 = 1;
    const IOPRIO_BEST_EFFORT_LAST: i32 = (2 << 13) | 7;
    const IOPRIO_IDLE: i32 = 3 << 13;
    /// Against a thread of normal niceness each of them gets some 1.5, 10 and 25 % of a processor.
    const NICENESS: [i32; 3] = [19, 10, 5];
    let idle = priority == Priority::Idle && !is_processor_scarce(proc_root);
    let _ = std::fs::write(proc_root.join("self/oom_score_adj"), "1000");
    // SAFETY: priorities and the name of this process; what is refused stays as it is.
    unsafe {
        let niceness = match priority {
            Priority::Idle if idle => NICENESS[0],
            Priority::Idle => NICENESS[1],
            Priority::Low => NICENESS[2],
        };
        libc::setpriority(libc::PRIO_PROCESS, 0, niceness);
        let io = if idle {
            IOPRIO_IDLE
        } else {
            IOPRIO_BEST_EFFORT_LAST
        };
        libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, io);
        if idle {
            let none: libc::sched_param = std::mem::zeroed();
            // Through the kernel: musl's own function refuses on principle.
            libc::syscall(
                libc::SYS_sched_setscheduler,
                0,
                libc::SCHED_IDLE,
                &raw const none,
            );
        }
        libc::prctl(libc::PR_SET_NAME, c"memguard-child".as_ptr());
    }
}

/// Gives free memory of `malloc` back, now and from now on.
pub fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    {
        /// Otherwise the largest block that was ever freed says from where on blocks are given back.
        const LARGE_BLOCK: i32 = 64 << 10;
        // SAFETY: settings of the allocator, under its locks, which the C library's fork leaves whole.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BLOCK);
            libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE_BLOCK);
        }
    }
    trim();
}

/// Gives free memory of `malloc` back.
pub fn trim() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the allocator's own tidying, under its locks.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// By the kernel's pressure figures; where there are none, by the load per processor. Either is an average of some time past:
/// a crowd that has just come is seen by itself.
fn is_processor_scarce(proc_root: &Path) -> bool {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
    let load = std::fs::read_to_string(proc_root.join("loadavg")).unwrap_or_default();
    let mut fields = load.split_ascii_whitespace();
    let average = fields.next().and_then(|it| it.parse::<f64>().ok());
    // `running/all`, after the three averages.
    let running = fields
        .nth(2)
        .and_then(|it| it.split('/').next()?.parse::<f64>().ok());
    if running.is_some_and(|running| running > CROWD * processors) {
        return true;
    }
    if let Ok(text) = std::fs::read_to_string(proc_root.join("pressure/cpu")) {
        let average = text
            .split_ascii_whitespace()
            .find_map(|word| word.strip_prefix("avg10="))
            .and_then(|number| number.parse::<f64>().ok());
        return average.is_some_and(|average| average > SCARCE);
    }
    average.is_some_and(|average| average > processors)
}

/// Bounds the child's memory and processor time.
///
/// # Safety
/// In a forked child only.
pub unsafe fn bound(proc_root: &Path, limits: &Limits) {
    // Relative to what is there: V8 reserves address space that counts as data.
    if let (Some(more), Some(now)) = (limits.memory_bytes, data_bytes(proc_root)) {
        // SAFETY: a limit of this process alone.
        unsafe { limit(libc::RLIMIT_DATA as i32, now.saturating_add(more), 0) };
    }
    let seconds = limits.cpu.as_secs().max(1);
    // SAFETY: limits of this process alone. The second, hard one kills where the first was not heard.
    unsafe {
        limit(libc::RLIMIT_CPU as i32, seconds, 5);
        limit(libc::RLIMIT_CORE as i32, 0, 0);
    }
}

/// # Safety
/// In a forked child only.
unsafe fn limit(resource: i32, soft: u64, slack: u64) {
    let mut now = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: it fills the struct. The kind of the resource's number differs between C libraries.
    unsafe { libc::getrlimit(resource as _, &raw mut now) };
    let wanted = libc::rlimit {
        rlim_cur: soft.min(now.rlim_max),
        rlim_max: soft.saturating_add(slack).min(now.rlim_max),
    };
    // SAFETY: it reads the struct.
    unsafe { libc::setrlimit(resource as _, &raw const wanted) };
}

fn data_bytes(proc_root: &Path) -> Option<u64> {
    status_bytes(proc_root, "VmData:")
}

fn status_bytes(proc_root: &Path, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(proc_root.join("self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.split_ascii_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// Memory that this process has for itself: what it allocated, and its copies of what it inherited.
pub fn own_bytes(proc_root: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(proc_root.join("self/smaps_rollup")).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("Private_Dirty:"))
        .and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok())
        .map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_scarce_by_the_average_or_by_those_who_wait_now() {
        let processors = std::thread::available_parallelism().unwrap().get();
        let proc_root = tempfile::tempdir().unwrap();
        let scarce = |load: &str, pressure: Option<&str>| {
            std::fs::write(proc_root.path().join("loadavg"), load).unwrap();
            let folder = proc_root.path().join("pressure");
            let _ = std::fs::remove_dir_all(&folder);
            if let Some(average) = pressure {
                std::fs::create_dir(&folder).unwrap();
                let text = format!("some avg10={average} avg60=0.00 avg300=0.00 total=1\n");
                std::fs::write(folder.join("cpu"), text).unwrap();
            }
            is_processor_scarce(proc_root.path())
        };
        let calm = "0.10 0.20 0.30 1/200 4711\n";
        let crowd = format!("0.10 0.20 0.30 {}/200 4711\n", 2 * processors + 1);
        let loaded = format!("{}.5 0.20 0.30 1/200 4711\n", processors);
        assert!(!scarce(calm, Some("19.90")));
        assert!(scarce(calm, Some("20.10")));
        assert!(scarce(&crowd, Some("0.00")));
        assert!(!scarce(calm, None));
        assert!(scarce(&crowd, None));
        assert!(scarce(&loaded, None));
        // What was, is over by the kernel's own figures.
        assert!(!scarce(&loaded, Some("0.00")));
        assert!(!scarce("", None));
    }
}
