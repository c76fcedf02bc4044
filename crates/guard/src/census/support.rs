//! Whether the heap of this build can be read, as far as can be told without reading it.

use super::CensusError;

/// Whether a census can be had here: a fork, and V8's metadata. The first call reads the symbols of the node binary, some
/// milliseconds; what it found is kept.
///
/// # Errors
/// Why not.
pub fn support() -> Result<(), CensusError> {
    if let Err(error) = memguard_fork::support() {
        return Err(CensusError::new(
            "ERR_MEMGUARD_CENSUS_UNSUPPORTED",
            error.to_string(),
        ));
    }
    if memguard_v8_api::missing_symbols()
        .iter()
        .any(|name| name == "GetCurrent")
    {
        return Err(CensusError::new(
            "ERR_MEMGUARD_CENSUS_UNSUPPORTED",
            "this Node does not export how V8 is reached on a thread",
        ));
    }
    if crate::snapshots::faults::simulated_refusal().is_some() {
        return Err(CensusError::new(
            "ERR_MEMGUARD_CENSUS_NO_METADATA",
            "this build of Node.js exports no post-mortem metadata (v8dbg_*)",
        ));
    }
    read()
}

#[cfg(target_os = "linux")]
pub(super) use linux::metadata;
#[cfg(target_os = "linux")]
use linux::read;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::OnceLock;

    use memguard_heap_walk::{Metadata, WalkError};

    use super::CensusError;

    /// V8's metadata of this process: of the program itself, or of the library that V8 is in.
    pub(in super::super) fn metadata() -> Result<&'static Metadata, CensusError> {
        static METADATA: OnceLock<Result<Metadata, CensusError>> = OnceLock::new();
        METADATA
            .get_or_init(|| find().map_err(|error| super::super::child::told(&error)))
            .as_ref()
            .map_err(Clone::clone)
    }

    pub(super) fn read() -> Result<(), CensusError> {
        metadata().map(drop)
    }

    fn find() -> Result<Metadata, WalkError> {
        let own = Path::new("/proc/self/exe");
        let mut first = None;
        for file in std::iter::once(own.to_owned()).chain(libraries()) {
            let found = Metadata::read(&file).and_then(|found| found.check().map(|()| found));
            match found {
                Ok(found) => return Ok(found),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| WalkError::NoMetadata {
            of: "this process".to_owned(),
        }))
    }

    /// Distributions put V8 into a library of Node's.
    fn libraries() -> Vec<PathBuf> {
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let mut found: Vec<PathBuf> = maps
            .lines()
            .filter_map(|line| Some(&line[line.find('/')?..]))
            .filter(|path| {
                let name = path.rsplit('/').next().unwrap_or(path);
                name.starts_with("libnode") || name.starts_with("libv8")
            })
            .map(PathBuf::from)
            .collect();
        found.dedup();
        found
    }
}

#[cfg(not(target_os = "linux"))]
fn read() -> Result<(), CensusError> {
    Err(CensusError::new(
        "ERR_MEMGUARD_CENSUS_UNSUPPORTED",
        "a census needs Linux",
    ))
}
