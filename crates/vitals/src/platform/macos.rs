//! macOS, through the `sysinfo` crate. Resource limits are not read: the system doesn't enforce
//! those on memory.

use crate::platform::portable::Portable;
use crate::platform::{Capability, Platform};
use crate::sample::{OsReading, ResourceLimits};

/// The figures of this very process.
pub struct MacOs {
    portable: Portable,
}

impl MacOs {
    /// Opens the sources of this process.
    pub fn open() -> Self {
        Self {
            portable: Portable::open(),
        }
    }
}

impl Platform for MacOs {
    fn read(&mut self) -> OsReading {
        self.portable.read(ResourceLimits::default())
    }

    fn capabilities(&self) -> Vec<Capability> {
        self.portable.capabilities()
    }
}
