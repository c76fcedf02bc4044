//! What a mapping of the process is, told by its address, permissions, flags, name and neighbours.
//!
//! The signs, checked on Node 18, 20, 22, 24 and 26 (Linux x64, glibc):
//! - V8 excludes its heaps from `fork`, and nothing else in a Node process does: flag `dc` of
//!   `VmFlags`. With a large heap, their resident sum is within 1 % of what V8 calls the spaces'
//!   physical size up to Node 24, and up to 9 % above it on 26; with a small one it is up to 1.2 MB
//!   below it.
//! - glibc's first arena is `[heap]`; the others are regions aligned to 64 MB, mapped without
//!   reserving swap (`nr`).
//! - A thread's stack follows a guard of one page without any permission.
//! - A program's or library's zero-initialised data follows its last file mapping without a gap.
//! - glibc from 2.41 on names its mappings.

/// What a mapping is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MappingKind {
    /// Part of a V8 heap.
    Heap,
    /// Machine code that V8 or another compiler made at run time.
    JitCode,
    /// An arena of malloc.
    Arena,
    /// Anonymous memory with no further sign: malloc's large chunks, and everything else.
    Anonymous,
    /// A thread's stack.
    Stack,
    /// The process's executable.
    Binary,
    /// A shared library.
    Library,
    /// Another mapped file.
    File,
    /// Memory shared with other processes.
    Shared,
    /// The kernel's own (`[vdso]`).
    Kernel,
}

/// One mapping, as `smaps` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// First address beyond.
    pub end: u64,
    /// Permissions as the kernel writes them, such as `rw-p`.
    pub permissions: [u8; 4],
    /// The mapped file's inode; 0 without a file.
    pub inode: u64,
    /// File, or the kernel's name in brackets, or nothing.
    pub name: String,
    /// Resident bytes.
    pub rss_bytes: u64,
    /// Bytes in swap.
    pub swap_bytes: u64,
    /// `dc` in `VmFlags`: not copied on `fork`.
    pub dont_fork: bool,
    /// `nr` in `VmFlags`: no swap reserved.
    pub no_reserve: bool,
    /// What it is; see [`classify`].
    pub kind: MappingKind,
}

const ARENA_ALIGNMENT: u64 = 64 << 20;

/// Larger than any thread's stack that Node makes; a larger mapping after a guard is something else
/// that the kernel has merged with the stack below it.
const LARGEST_STACK: u64 = 64 << 20;

/// Zero-initialised data of Node and its libraries is much smaller. A larger mapping behind a file
/// is an allocation that happened to land there.
const LARGEST_DATA: u64 = 1 << 20;

impl Mapping {
    /// Whether it begins where a region of an arena begins.
    pub fn starts_arena(&self) -> bool {
        self.start.is_multiple_of(ARENA_ALIGNMENT)
    }

    fn size(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    fn is_executable(&self) -> bool {
        self.permissions[2] == b'x'
    }

    fn is_writable(&self) -> bool {
        self.permissions[1] == b'w'
    }

    fn is_guard(&self) -> bool {
        self.permissions.starts_with(b"---") && self.size() <= 64 << 10
    }
}

/// Gives each mapping its kind. They must be in order of address; `executable` is the process's own
/// file.
pub fn classify(mappings: &mut [Mapping], executable: &str) {
    for i in 0..mappings.len() {
        let (before, rest) = mappings.split_at_mut(i);
        let Some(mapping) = rest.first_mut() else {
            return;
        };
        mapping.kind = kind_of(mapping, before.last(), executable);
    }
    // An object is a library if any of its mappings can be executed.
    let libraries: Vec<String> = mappings
        .iter()
        .filter(|m| m.kind == MappingKind::File && m.is_executable())
        .map(|m| m.name.clone())
        .collect();
    for i in 0..mappings.len() {
        if mappings[i].kind == MappingKind::File && libraries.contains(&mappings[i].name) {
            mappings[i].kind = MappingKind::Library;
        }
        let owner = match i.checked_sub(1).map(|before| &mappings[before]) {
            Some(before) if before.end == mappings[i].start && before.inode != 0 => before.kind,
            _ => continue,
        };
        let is_data = mappings[i].kind == MappingKind::Anonymous
            && mappings[i].name.is_empty()
            && mappings[i].size() <= LARGEST_DATA;
        if is_data && matches!(owner, MappingKind::Binary | MappingKind::Library) {
            mappings[i].kind = owner;
        }
    }
}

fn kind_of(mapping: &Mapping, before: Option<&Mapping>, executable: &str) -> MappingKind {
    let name = mapping.name.as_str();
    if mapping.dont_fork {
        return if mapping.is_executable() {
            MappingKind::JitCode
        } else {
            MappingKind::Heap
        };
    }
    if name.starts_with("/memfd:")
        || name.starts_with("/dev/shm/")
        || name.starts_with("/SYSV")
        || name.starts_with("/dev/zero")
        || name.starts_with("[anon_shmem:")
    {
        return MappingKind::Shared;
    }
    if mapping.inode != 0 {
        let file = name.strip_suffix(" (deleted)").unwrap_or(name);
        return if file == executable {
            MappingKind::Binary
        } else {
            MappingKind::File
        };
    }
    if name == "[heap]" || name.starts_with("[anon: glibc: malloc") {
        return MappingKind::Arena;
    }
    if name.starts_with("[stack") || name.starts_with("[anon: glibc: pthread stack") {
        return MappingKind::Stack;
    }
    if name.starts_with('[') && !name.starts_with("[anon:") {
        return MappingKind::Kernel;
    }
    if mapping.is_executable() {
        return MappingKind::JitCode;
    }
    let aligned_region = mapping.starts_arena() && mapping.size() <= ARENA_ALIGNMENT;
    if mapping.is_writable() && (mapping.no_reserve || aligned_region) {
        return MappingKind::Arena;
    }
    let after_guard = before.is_some_and(|b| b.is_guard() && b.end == mapping.start);
    if mapping.is_writable() && after_guard && mapping.size() <= LARGEST_STACK {
        return MappingKind::Stack;
    }
    MappingKind::Anonymous
}
