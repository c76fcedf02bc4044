//! Systems on which this crate does nothing.

use crate::{Ended, Error, Limits, Outcome, PrepareOptions, Timings, Unshare, Verdict, Vital};

const REASON: &str = "forked snapshots need Linux";

/// Nothing to learn.
pub fn learn() {}

/// Nothing is given back where nothing is forked.
pub fn give_back_free_memory() {}

/// Why this process cannot be forked.
///
/// # Errors
/// Always.
pub fn support() -> Result<(), Error> {
    Err(Error::Unsupported(REASON.to_owned()))
}

/// Why this process cannot be forked.
///
/// # Errors
/// Always.
pub fn prepare(_: &PrepareOptions) -> Result<Prepared, Error> {
    Err(Error::Unsupported(REASON.to_owned()))
}

/// Never made.
pub enum Prepared {}

impl Prepared {
    /// Never called.
    pub fn is_idle(&self) -> bool {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    ///
    /// # Safety
    /// None needed.
    pub unsafe fn fork(
        self,
        _: Limits,
        _: impl FnOnce(&Child<'_>) -> Result<Vec<u8>, Vec<u8>>,
    ) -> Result<Forked, Error> {
        match self {}
    }
}

/// Never made.
pub struct Child<'a>(std::convert::Infallible, std::marker::PhantomData<&'a ()>);

impl Child<'_> {
    /// Never called.
    pub fn phase(&self, _: u32) {
        match self.0 {}
    }

    /// Never called.
    pub fn wrote(&self, _: u64) {
        match self.0 {}
    }

    /// Never called.
    pub fn pause_us(&self) -> u64 {
        match self.0 {}
    }

    /// Never called.
    pub fn is_orphan(&self) -> bool {
        match self.0 {}
    }

    /// Never called.
    pub fn cpu_us(&self) -> u64 {
        match self.0 {}
    }

    /// Never called.
    pub fn own_memory_bytes(&self) -> Option<u64> {
        match self.0 {}
    }
}

/// Never made.
pub enum Forked {}

impl Forked {
    /// Never called.
    pub fn pid(&self) -> i32 {
        match *self {}
    }

    /// Never called.
    pub fn timings(&self) -> Timings {
        match *self {}
    }

    /// Never called.
    pub fn busy_workers(&self) -> usize {
        match *self {}
    }

    /// Never called.
    pub fn unshare(&self, _: Unshare, _: usize) {
        match *self {}
    }

    /// Never called.
    pub fn wait(self, _: &mut dyn FnMut(&Vital) -> Verdict) -> Ended {
        let _ = Outcome::Done;
        match self {}
    }
}
