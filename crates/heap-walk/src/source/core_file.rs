//! A core dump: a process that is dead.

use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::stop::STACK_POINTER_INDEX;
use super::{MemorySource, Region, RegionKind, ThreadState, region_of};
use crate::elf::{ElfFile, Segment, u32_at, u64_at};
use crate::error::WalkError;

const NT_PRSTATUS: u32 = 1;
const NT_FILE: u32 = 0x4649_4c45;
/// Where the registers begin in `struct elf_prstatus`, and the thread's id.
const PRSTATUS_REGISTERS: usize = 112;
const PRSTATUS_TID: usize = 32;

/// A core dump, as the kernel, systemd-coredump or gcore write them. The file is mapped, not loaded.
#[derive(Debug)]
pub struct CoreFile {
    path: PathBuf,
    map: Mmap,
    regions: Vec<Region>,
    /// Where in the file the bytes of each region are, and how many there are.
    pieces: Vec<(u64, u64)>,
    threads: Vec<ThreadState>,
    executables: Vec<PathBuf>,
}

impl CoreFile {
    /// Opens a core dump. `executable` is the program that died; without it, what the core itself says.
    ///
    /// # Errors
    /// [`WalkError::Io`] or [`WalkError::BadElf`].
    pub fn open(path: &Path, executable: Option<&Path>) -> Result<Self, WalkError> {
        let elf = ElfFile::open(path)?;
        // SAFETY: a file that is cut short while it is mapped would fault; a core dump is not written to any more,
        // and whoever truncates it meanwhile ends this process, which has nothing to lose.
        let map = unsafe { Mmap::map(elf.file()) }.map_err(|source| WalkError::Io {
            what: "map the core file",
            path: path.to_owned(),
            source,
        })?;
        let mut loads: Vec<&Segment> = elf
            .segments
            .iter()
            .filter(|s| s.is_load() && s.memory_size > 0)
            .collect();
        if loads.is_empty() {
            return Err(elf.bad("not a core dump: it has no memory in it"));
        }
        loads.sort_by_key(|s| s.address);
        let mut core = Self {
            path: path.to_owned(),
            map,
            regions: Vec::new(),
            pieces: Vec::new(),
            threads: Vec::new(),
            executables: executable.map(Path::to_owned).into_iter().collect(),
        };
        for segment in loads {
            // What was not dumped (text of files, for one) has no bytes in the file.
            let length = segment.file_size.min(segment.memory_size);
            core.regions.push(Region {
                start: segment.address,
                end: segment.address.saturating_add(length),
                readable: length > 0,
                writable: segment.flags & 2 != 0,
                kind: RegionKind::Anonymous,
            });
            core.pieces.push((segment.file_offset, length));
        }
        for note in elf.segments.iter().filter(|s| s.is_note()) {
            core.read_notes(&elf.read(note.file_offset, note.file_size)?);
        }
        Ok(core)
    }

    fn read_notes(&mut self, notes: &[u8]) {
        let mut at = 0;
        while at + 12 <= notes.len() {
            let name = u32_at(notes, at) as usize;
            let length = u32_at(notes, at + 4) as usize;
            let kind = u32_at(notes, at + 8);
            let start = at
                .saturating_add(12)
                .saturating_add(name.next_multiple_of(4));
            let end = start.saturating_add(length);
            let Some(body) = notes.get(start..end) else {
                break;
            };
            match kind {
                NT_PRSTATUS => self.threads.push(thread(body)),
                NT_FILE => self.read_files(body),
                _ => {}
            }
            at = start.saturating_add(length.next_multiple_of(4));
        }
    }

    /// NT_FILE: count, page size, then (start, end, offset) each, then the names.
    fn read_files(&mut self, body: &[u8]) {
        let count = usize::try_from(u64_at(body, 0)).unwrap_or(0);
        let Some(names) = count.checked_mul(24).and_then(|n| body.get(16 + n..)) else {
            return;
        };
        for (index, name) in names.split(|&b| b == 0).take(count).enumerate() {
            let start = u64_at(body, 16 + index * 24);
            let path = PathBuf::from(String::from_utf8_lossy(name).into_owned());
            if let Ok(at) = self.regions.binary_search_by_key(&start, |r| r.start) {
                self.regions[at].kind = RegionKind::File(path.clone());
            }
            if !self.executables.contains(&path) {
                self.executables.push(path);
            }
        }
    }
}

fn thread(body: &[u8]) -> ThreadState {
    let registers: Vec<u64> = body
        .get(PRSTATUS_REGISTERS..)
        .unwrap_or(&[])
        .chunks_exact(8)
        .map(|word| u64_at(word, 0))
        .collect();
    let stack_pointer = registers.get(STACK_POINTER_INDEX).copied().unwrap_or(0);
    ThreadState {
        tid: u32_at(body, PRSTATUS_TID),
        stack_pointer,
        registers,
    }
}

impl MemorySource for CoreFile {
    fn describe(&self) -> String {
        self.path.display().to_string()
    }

    fn regions(&self) -> &[Region] {
        &self.regions
    }

    fn view(&self, address: u64, length: usize) -> Option<&[u8]> {
        let region = region_of(&self.regions, address)?;
        let index = self
            .regions
            .binary_search_by_key(&region.start, |r| r.start)
            .ok()?;
        let (offset, available) = self.pieces[index];
        let into = address - region.start;
        if into.checked_add(length as u64)? > available {
            return None;
        }
        let start = usize::try_from(offset + into).ok()?;
        self.map.get(start..start.checked_add(length)?)
    }

    fn threads(&self) -> &[ThreadState] {
        &self.threads
    }

    fn executables(&self) -> Vec<PathBuf> {
        self.executables.clone()
    }
}
