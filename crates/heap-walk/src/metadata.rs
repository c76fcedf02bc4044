//! V8's post-mortem metadata: constants that every build of Node exports for debuggers.
//!
//! `v8dbg_class_JSFunction__shared__SharedFunctionInfo` is an `int` in the binary whose value is an offset; the type
//! at the end of the name differs between versions of V8 and is left out here. See V8's
//! `tools/gen-postmortem-metadata.py` for what there is.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use crate::elf::ElfFile;
use crate::error::WalkError;
use crate::source::MemorySource;

const PREFIX: &[u8] = b"v8dbg_";

/// The version of V8 itself, as its binary says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct V8Version {
    /// The 12 of 12.4.
    pub major: i32,
    /// The 4 of 12.4.
    pub minor: i32,
}

impl fmt::Display for V8Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// All constants of one binary.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    constants: HashMap<String, i32>,
    types: HashMap<String, u16>,
    version: Option<V8Version>,
}

impl Metadata {
    /// Reads the metadata of the process that `source` shows: from the first of its files that has any.
    ///
    /// # Errors
    /// [`WalkError::NoMetadata`] when no file has.
    pub fn of(source: &dyn MemorySource) -> Result<Self, WalkError> {
        source
            .executables()
            .iter()
            .filter_map(|path| Self::read(path).ok())
            .find(|metadata| !metadata.constants.is_empty())
            .ok_or_else(|| WalkError::NoMetadata {
                of: source.describe(),
            })
    }

    /// Reads the metadata of an executable or shared library. Empty when it has none.
    ///
    /// # Errors
    /// [`WalkError::Io`] or [`WalkError::BadElf`].
    pub fn read(path: &Path) -> Result<Self, WalkError> {
        let elf = ElfFile::open(path)?;
        let mut metadata = Self::default();
        let (mut major, mut minor) = (None, None);
        elf.dynamic_symbols(|name, address| match name {
            b"_ZN2v88internal7Version6major_E" => major = elf.int_at(address),
            b"_ZN2v88internal7Version6minor_E" => minor = elf.int_at(address),
            _ => {
                if let Some(rest) = name.strip_prefix(PREFIX)
                    && let Some(value) = elf.int_at(address)
                {
                    metadata.insert(&String::from_utf8_lossy(rest), value);
                }
            }
        })?;
        metadata.version = major
            .zip(minor)
            .map(|(major, minor)| V8Version { major, minor });
        Ok(metadata)
    }

    /// Whether all that a walk needs is there, and of a build whose heap can be read.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn check(&self) -> Result<(), WalkError> {
        crate::layout::Layout::new(self).map(drop)
    }

    /// Sets a constant, for tests and for what a debugger knows better.
    pub fn insert(&mut self, name: &str, value: i32) {
        let short = name.strip_prefix("class_").and_then(|rest| {
            let mut parts = rest.splitn(3, "__");
            Some(format!("class_{}__{}", parts.next()?, parts.next()?))
        });
        if let Some(kind) = name
            .strip_prefix("type_")
            .and_then(|rest| rest.split_once("__"))
            && let Ok(code) = u16::try_from(value)
        {
            self.types
                .insert(kind.1.trim_end_matches("_TYPE").to_owned(), code);
        }
        self.constants
            .insert(short.unwrap_or_else(|| name.to_owned()), value);
    }

    /// Takes a constant away, for tests. Names are those of [`Self::insert`].
    pub fn remove(&mut self, name: &str) {
        self.constants.remove(name);
        self.types.remove(name);
    }

    /// Sets the version, for tests.
    pub fn set_version(&mut self, version: V8Version) {
        self.version = Some(version);
    }

    /// The version of V8.
    ///
    /// # Errors
    /// [`WalkError::MissingConstant`] when the binary does not tell.
    pub fn version(&self) -> Result<V8Version, WalkError> {
        self.version.ok_or_else(|| missing("the version of V8"))
    }

    /// A constant by its name without `v8dbg_`.
    #[must_use]
    pub fn constant(&self, name: &str) -> Option<i32> {
        self.constants.get(name).copied()
    }

    /// All constants, by their names without `v8dbg_` (of fields, without their type).
    pub fn constants(&self) -> impl Iterator<Item = (&str, i32)> {
        self.constants
            .iter()
            .map(|(name, &value)| (name.as_str(), value))
    }

    /// The offset of a field in bytes. `None` also for what no object can have.
    #[must_use]
    pub fn field(&self, class: &str, field: &str) -> Option<usize> {
        let value = self.constants.get(&format!("class_{class}__{field}"))?;
        usize::try_from(*value)
            .ok()
            .filter(|&offset| offset < 2_048)
    }

    /// The instance type of that name, without `_TYPE`.
    #[must_use]
    pub fn type_code(&self, name: &str) -> Option<u16> {
        self.types.get(name).copied()
    }

    /// All instance types.
    pub fn types(&self) -> impl Iterator<Item = (&str, u16)> {
        self.types.iter().map(|(name, &code)| (name.as_str(), code))
    }

    /// A field that can't be done without.
    pub(crate) fn need_field(&self, class: &str, field: &str) -> Result<usize, WalkError> {
        self.field(class, field)
            .ok_or_else(|| missing(&format!("class_{class}__{field}")))
    }

    /// A type that can't be done without.
    pub(crate) fn need_type(&self, name: &str) -> Result<u16, WalkError> {
        self.type_code(name)
            .ok_or_else(|| missing(&format!("type_{name}")))
    }

    /// A constant that can't be done without.
    pub(crate) fn need(&self, name: &str) -> Result<i32, WalkError> {
        self.constant(name).ok_or_else(|| missing(name))
    }
}

fn missing(name: &str) -> WalkError {
    WalkError::MissingConstant {
        name: name.to_owned(),
    }
}
