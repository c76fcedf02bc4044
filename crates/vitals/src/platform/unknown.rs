//! Systems this crate knows no figures of: everything is missing, and says so.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::platform::{Capability, Platform};
use crate::sample::OsReading;

/// No figures but the time.
pub struct Unknown {
    opened: Instant,
}

impl Unknown {
    /// Starts the clock.
    pub fn open() -> Self {
        Self {
            opened: Instant::now(),
        }
    }
}

impl Platform for Unknown {
    fn read(&mut self) -> OsReading {
        let millis = |duration: std::time::Duration| duration.as_millis() as u64;
        OsReading {
            at_ms: millis(self.opened.elapsed()),
            wall_ms: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, millis),
            ..OsReading::default()
        }
    }

    fn capabilities(&self) -> Vec<Capability> {
        vec![Capability::no(
            "process",
            format!(
                "memory figures of {} are not supported",
                std::env::consts::OS
            ),
        )]
    }
}
