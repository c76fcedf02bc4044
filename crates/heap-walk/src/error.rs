//! Why a census could not be had.

use std::io;
use std::path::PathBuf;

/// Why the heap of a process was not read. Nothing of it harms the process that was looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// A file could not be read.
    #[error("could not {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that should be an ELF file is none, or a broken one.
    #[error("{} can't be used as an ELF file: {why}", path.display())]
    BadElf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no such process.
    #[error("there is no process {pid}")]
    NoProcess {
        /// The id that was asked for.
        pid: u32,
    },
    /// The system does not let us read that process.
    #[error(
        "no right to read process {pid} ({source}): run as the same user, or as one with CAP_SYS_PTRACE; \
         where /proc/sys/kernel/yama/ptrace_scope is not 0, only a parent or root may"
    )]
    NotPermitted {
        /// The process.
        pid: u32,
        /// What the system said.
        source: io::Error,
    },
    /// A thread of the process did not stop when asked to.
    #[error("process {pid} did not stop within {waited_ms} ms")]
    DidNotStop {
        /// The process.
        pid: u32,
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// No loaded file of the process exports V8's post-mortem metadata.
    #[error(
        "no file of {of} exports V8's post-mortem metadata (symbols v8dbg_*): it is not Node.js, or a build \
         that was stripped of them"
    )]
    NoMetadata {
        /// The process or file that was looked at.
        of: String,
    },
    /// A constant that can't be done without is missing from the metadata.
    #[error("V8's metadata lacks {name}: this build's heap can't be read")]
    MissingConstant {
        /// The constant, without `v8dbg_`.
        name: String,
    },
    /// A constant of the metadata has a value that no build of V8 has.
    #[error(
        "V8's metadata says {name} = {value}, expected {expected}: this build's heap can't be read"
    )]
    BadConstant {
        /// The constant, without `v8dbg_`.
        name: String,
        /// Its value.
        value: i64,
        /// What was expected.
        expected: &'static str,
    },
    /// A build with compressed pointers (Electron and some unofficial builds).
    #[error(
        "this build of V8 compresses pointers (tagged size {tagged_size}): its heap can't be read yet"
    )]
    PointerCompression {
        /// Bytes of a tagged word.
        tagged_size: i32,
    },
    /// A version of V8 whose layouts are not known.
    #[error(
        "the heap of V8 {version} is not known: known are those of Node.js 18, 20, 22, 24 and 26"
    )]
    UnknownVersion {
        /// The version found.
        version: String,
    },
    /// The process has no heap of V8, or none that can be recognised.
    #[error("no heap of V8 was found: {why}")]
    NoHeap {
        /// What was missing.
        why: String,
    },
    /// The thread that was asked for runs no JavaScript.
    #[error(
        "there is no heap of V8 for thread {thread}, but for: {}",
        known.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
    )]
    NoThread {
        /// The thread.
        thread: u32,
        /// Threads with heaps.
        known: Vec<u32>,
    },
    /// The heap does not look as the metadata says.
    #[error("the self-test failed: {check}: {detail}")]
    SelfTest {
        /// The check.
        check: &'static str,
        /// What was found.
        detail: String,
    },
    /// There are more objects or references than a graph can hold.
    #[error("the heap has more {what} than a graph can hold ({limit})")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// Memory that should be there could not be read.
    #[error("could not read {length} bytes at {address:#x}: {source}")]
    Unreadable {
        /// Where.
        address: u64,
        /// How much.
        length: usize,
        /// What the system said.
        source: io::Error,
    },
}

impl WalkError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "ERR_MEMGUARD_CENSUS_IO",
            Self::BadElf { .. } => "ERR_MEMGUARD_CENSUS_BAD_ELF",
            Self::NoProcess { .. } => "ERR_MEMGUARD_CENSUS_NO_PROCESS",
            Self::NotPermitted { .. } => "ERR_MEMGUARD_CENSUS_NOT_PERMITTED",
            Self::DidNotStop { .. } => "ERR_MEMGUARD_CENSUS_DID_NOT_STOP",
            Self::NoMetadata { .. } => "ERR_MEMGUARD_CENSUS_NO_METADATA",
            Self::MissingConstant { .. } => "ERR_MEMGUARD_CENSUS_MISSING_CONSTANT",
            Self::BadConstant { .. } => "ERR_MEMGUARD_CENSUS_BAD_CONSTANT",
            Self::PointerCompression { .. } => "ERR_MEMGUARD_CENSUS_POINTER_COMPRESSION",
            Self::UnknownVersion { .. } => "ERR_MEMGUARD_CENSUS_UNKNOWN_V8",
            Self::NoHeap { .. } => "ERR_MEMGUARD_CENSUS_NO_HEAP",
            Self::NoThread { .. } => "ERR_MEMGUARD_CENSUS_NO_THREAD",
            Self::SelfTest { .. } => "ERR_MEMGUARD_CENSUS_SELF_TEST",
            Self::TooLarge { .. } => "ERR_MEMGUARD_CENSUS_TOO_LARGE",
            Self::Unreadable { .. } => "ERR_MEMGUARD_CENSUS_UNREADABLE",
        }
    }
}
