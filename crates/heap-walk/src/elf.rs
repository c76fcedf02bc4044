//! As much of ELF as the census needs: a symbol table, the values behind symbols, and the segments of a core file.
//!
//! Only 64-bit little-endian files are read; everything else is refused by name. All offsets in a file are taken
//! for untrusted: a table that reaches beyond the file's end is an error, never a panic.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::WalkError;

const SHT_DYNSYM: u32 = 11;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
/// A symbol table larger than this is a broken file: Node's own is 3 to 7 MB.
const MAX_TABLE_BYTES: u64 = 256 << 20;

/// One program header: a piece of the file and where it belongs in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) file_offset: u64,
    pub(crate) address: u64,
    pub(crate) file_size: u64,
    pub(crate) memory_size: u64,
}

impl Segment {
    pub(crate) fn is_load(&self) -> bool {
        self.kind == PT_LOAD
    }

    pub(crate) fn is_note(&self) -> bool {
        self.kind == PT_NOTE
    }
}

/// An opened ELF file whose headers were checked.
#[derive(Debug)]
pub(crate) struct ElfFile {
    path: PathBuf,
    file: File,
    length: u64,
    header: [u8; 64],
    pub(crate) segments: Vec<Segment>,
}

impl ElfFile {
    /// Opens a file and reads its program headers.
    ///
    /// # Errors
    /// [`WalkError::Io`] when it can't be read, [`WalkError::BadElf`] when it isn't a 64-bit little-endian ELF file.
    pub(crate) fn open(path: &Path) -> Result<Self, WalkError> {
        let io = |source| WalkError::Io {
            what: "open the ELF file",
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut elf = Self {
            path: path.to_owned(),
            file,
            length,
            header: [0; 64],
            segments: Vec::new(),
        };
        if length < 64 {
            return Err(elf.bad("shorter than an ELF header"));
        }
        elf.file.read_exact_at(&mut elf.header, 0).map_err(io)?;
        if !elf.header.starts_with(&[0x7f, b'E', b'L', b'F', 2, 1]) {
            return Err(elf.bad("not a 64-bit little-endian ELF file"));
        }
        elf.segments = elf.read_segments()?;
        Ok(elf)
    }

    pub(crate) fn bad(&self, why: &'static str) -> WalkError {
        WalkError::BadElf {
            path: self.path.clone(),
            why,
        }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    fn read_segments(&self) -> Result<Vec<Segment>, WalkError> {
        let count = u64::from(u16_at(&self.header, 56));
        let size = u64::from(u16_at(&self.header, 54));
        if count > 0 && size < 56 {
            return Err(self.bad("program headers of an unknown size"));
        }
        // More than 65,534 segments (a core of a process with very many mappings): the count is in section 0.
        let count = if count == 0xffff {
            u64::from(u32_at(&self.read(u64_at(&self.header, 40), 64)?, 44))
        } else {
            count
        };
        let table = self.read(u64_at(&self.header, 32), count * size)?;
        let size = usize::try_from(size).unwrap_or(56);
        Ok(table
            .chunks_exact(size.max(56))
            .map(|h| Segment {
                kind: u32_at(h, 0),
                flags: u32_at(h, 4),
                file_offset: u64_at(h, 8),
                address: u64_at(h, 16),
                file_size: u64_at(h, 32),
                memory_size: u64_at(h, 40),
            })
            .collect())
    }

    /// Reads a piece of the file.
    pub(crate) fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, WalkError> {
        if length > MAX_TABLE_BYTES
            || offset
                .checked_add(length)
                .is_none_or(|end| end > self.length)
        {
            return Err(self.bad("a table reaches beyond the end of the file"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.file
            .read_exact_at(&mut bytes, offset)
            .map_err(|source| WalkError::Io {
                what: "read the ELF file",
                path: self.path.clone(),
                source,
            })?;
        Ok(bytes)
    }

    /// Reads bytes at an address as the file says they are before the program runs. Zeroes where the file has none.
    fn read_at_address(&self, address: u64, out: &mut [u8]) -> bool {
        let length = out.len() as u64;
        let Some(segment) = self.segments.iter().find(|s| {
            s.is_load()
                && address >= s.address
                && address + length <= s.address.saturating_add(s.memory_size)
        }) else {
            return false;
        };
        let into = address - segment.address;
        if into + length > segment.file_size {
            out.fill(0);
            return true;
        }
        self.file
            .read_exact_at(out, segment.file_offset + into)
            .is_ok()
    }

    /// Reads an `int` that the program would find at this address at its start.
    pub(crate) fn int_at(&self, address: u64) -> Option<i32> {
        let mut bytes = [0; 4];
        self.read_at_address(address, &mut bytes)
            .then(|| i32::from_le_bytes(bytes))
    }

    /// Calls `visit` with the name and value of every defined symbol of the dynamic symbol table.
    ///
    /// Reads both tables as a whole (some 10 MB for Node's binary).
    pub(crate) fn dynamic_symbols(
        &self,
        mut visit: impl FnMut(&[u8], u64),
    ) -> Result<(), WalkError> {
        let (offset, entry, count) = (
            u64_at(&self.header, 40),
            u64::from(u16_at(&self.header, 58)),
            u64::from(u16_at(&self.header, 60)),
        );
        if count == 0 {
            return Err(self.bad("no section headers: its symbols were stripped away"));
        }
        if entry < 64 {
            return Err(self.bad("section headers of an unknown size"));
        }
        let sections = self.read(offset, count * entry)?;
        let section = |index: usize| {
            let start = index.checked_mul(usize::try_from(entry).ok()?)?;
            sections.get(start..start + 64)
        };
        for index in 0..usize::try_from(count).unwrap_or(0) {
            let Some(header) = section(index) else { break };
            if u32_at(header, 4) != SHT_DYNSYM {
                continue;
            }
            let symbols = self.read(u64_at(header, 24), u64_at(header, 32))?;
            let strings = section(u32_at(header, 40) as usize)
                .ok_or_else(|| self.bad("a symbol table without its strings"))?;
            let strings = self.read(u64_at(strings, 24), u64_at(strings, 32))?;
            for symbol in symbols.chunks_exact(24) {
                let value = u64_at(symbol, 8);
                let Some(name) = strings.get(u32_at(symbol, 0) as usize..) else {
                    continue;
                };
                let length = name.iter().position(|&b| b == 0).unwrap_or(0);
                if value != 0 && length > 0 {
                    visit(&name[..length], value);
                }
            }
        }
        Ok(())
    }
}

/// Little-endian figures out of a slice that is known to be long enough; zero beyond its end.
#[inline]
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes
        .get(at..at + 2)
        .map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

#[inline]
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

#[inline]
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
        .and_then(|b| <[u8; 8]>::try_from(b).ok())
        .map_or(0, u64::from_le_bytes)
}
