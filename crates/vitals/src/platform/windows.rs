//! Windows, through the `sysinfo` crate. Job objects are not read.

use crate::platform::portable::Portable;
use crate::platform::{Capability, Platform};
use crate::sample::{OsReading, ResourceLimits};

/// The figures of this very process.
pub struct Windows {
    portable: Portable,
}

impl Windows {
    /// Opens the sources of this process.
    pub fn open() -> Self {
        Self {
            portable: Portable::open(),
        }
    }
}

impl Platform for Windows {
    fn read(&mut self) -> OsReading {
        self.portable.read(ResourceLimits::default())
    }

    fn capabilities(&self) -> Vec<Capability> {
        self.portable.capabilities()
    }
}
