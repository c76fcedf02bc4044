//! What macOS and Windows have in common, through the `sysinfo` crate.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::platform::Capability;
use crate::sample::{MachineFigures, OsReading, ProcessFigures, ResourceLimits};

/// The figures of this process and machine.
pub struct Portable {
    system: Option<System>,
    pid: Option<Pid>,
    opened: Instant,
    age_at_open_ms: u64,
    reason: String,
}

impl Portable {
    /// Finds this process.
    pub fn open() -> Self {
        let (pid, mut reason) = match sysinfo::get_current_pid() {
            Ok(pid) => (Some(pid), String::new()),
            Err(error) => (None, error.to_string()),
        };
        let system = System::new()
            .inspect_err(|error| reason = error.to_string())
            .ok();
        let mut portable = Self {
            system,
            pid,
            opened: Instant::now(),
            age_at_open_ms: 0,
            reason,
        };
        portable.refresh();
        portable.age_at_open_ms = portable
            .process()
            .map_or(0, |process| process.run_time().saturating_mul(1000));
        portable
    }

    /// Reads everything; `rlimits` are the caller's.
    pub fn read(&mut self, rlimits: ResourceLimits) -> OsReading {
        self.refresh();
        let since_open = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        OsReading {
            at_ms: self.age_at_open_ms.saturating_add(since_open),
            wall_ms: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
            process: self.process().map_or_else(ProcessFigures::default, figures),
            cgroup: None,
            pressure: None,
            machine: self.machine(),
            rlimits,
        }
    }

    /// What works here.
    pub fn capabilities(&self) -> Vec<Capability> {
        let process = if self.process().is_some() {
            Capability::yes("process")
        } else {
            Capability::no("process", self.reason.as_str())
        };
        let machine = if self.machine().is_some() {
            Capability::yes("machine")
        } else {
            Capability::no("machine", "the system doesn't tell its memory")
        };
        let linux_only = "exists on Linux only";
        vec![
            process,
            machine,
            Capability::no("processSwap", linux_only),
            Capability::no("cgroup", linux_only),
            Capability::no("memoryPressure", linux_only),
        ]
    }

    fn refresh(&mut self) {
        let Some(system) = &mut self.system else {
            return;
        };
        system.refresh_memory();
        if let Some(pid) = self.pid {
            system.refresh_processes_specifics(
                ProcessesToUpdate::Some(&[pid]),
                false,
                ProcessRefreshKind::nothing().with_memory().with_cpu(),
            );
        }
    }

    fn process(&self) -> Option<&sysinfo::Process> {
        self.system.as_ref()?.process(self.pid?)
    }

    fn machine(&self) -> Option<MachineFigures> {
        let system = self.system.as_ref()?;
        let total_bytes = system.total_memory();
        (total_bytes > 0).then(|| MachineFigures {
            total_bytes,
            available_bytes: system.available_memory(),
            swap_total_bytes: Some(system.total_swap()),
        })
    }
}

fn figures(process: &sysinfo::Process) -> ProcessFigures {
    ProcessFigures {
        rss_bytes: process.memory(),
        virtual_bytes: Some(process.virtual_memory()),
        cpu_ms: Some(process.accumulated_cpu_time()),
        ..ProcessFigures::default()
    }
}
