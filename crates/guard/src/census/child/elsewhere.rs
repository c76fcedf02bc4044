//! Where no heap can be read.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use memguard_fork::Child;

use super::super::CensusError;
use super::super::kept::AddressSet;
use super::super::left::Left;
use super::super::request::{CensusFacts, CensusRequest};
use super::Here;

/// Never called: no child is forked here.
pub(in super::super) fn walk(
    _: &Child<'_>,
    _: Here,
    _: &CensusRequest,
    _: &CensusFacts,
    _: Option<&AddressSet>,
    _: &crate::hunt::Memory,
    _: File,
) -> Result<(), CensusError> {
    super::super::support()
}

/// Never called, either.
pub(crate) fn write_snapshot(
    _: &Child<'_>,
    _: Here,
    _: &mut dyn Write,
    _: &mut dyn FnMut(),
) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nor this.
pub(crate) fn leave(_: &Child<'_>, _: Here, _: &Left) -> Result<PathBuf, CensusError> {
    Err(CensusError::new(
        "ERR_MEMGUARD_CENSUS_UNSUPPORTED",
        "a census needs Linux",
    ))
}

/// Nothing was noted.
pub(in super::super) fn read_tracked(_: &[u8]) -> Option<(AddressSet, usize)> {
    None
}
