//! The census of a process that is dead.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use memguard_heap_walk::{
    CensusOptions, Group, MemorySource, ProcessMemory, RegionKind, StoppedProcess, Target, census,
    inspect,
};

use crate::support::Program;

const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const NT_FILE: u32 = 0x4649_4c45;

/// Writes what the kernel would write of a process: its anonymous memory, and which file it ran.
fn dump(memory: &ProcessMemory, executable: &Path, to: &Path) {
    let regions: Vec<_> = memory
        .regions()
        .iter()
        .filter(|r| r.readable && !matches!(r.kind, RegionKind::File(_) | RegionKind::Kernel))
        .collect();
    let note = note(executable);
    let headers = 64 + 56 * (regions.len() + 1);
    let mut out = BufWriter::new(File::create(to).unwrap());
    let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    elf.extend(4_u16.to_le_bytes());
    elf.extend(62_u16.to_le_bytes());
    elf.extend(1_u32.to_le_bytes());
    for word in [0_u64, 64, 0] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(0_u32.to_le_bytes());
    for half in [
        64_u16,
        56,
        u16::try_from(regions.len() + 1).unwrap(),
        0,
        0,
        0,
    ] {
        elf.extend(half.to_le_bytes());
    }
    let mut header = |kind: u32, offset: usize, address: u64, size: u64| {
        elf.extend(kind.to_le_bytes());
        elf.extend(6_u32.to_le_bytes());
        for word in [offset as u64, address, 0, size, size, 1] {
            elf.extend(word.to_le_bytes());
        }
    };
    header(PT_NOTE, headers, 0, note.len() as u64);
    let mut offset = headers + note.len();
    for region in &regions {
        let size = region.end - region.start;
        header(PT_LOAD, offset, region.start, size);
        offset += usize::try_from(size).unwrap();
    }
    out.write_all(&elf).unwrap();
    out.write_all(&note).unwrap();
    for region in regions {
        let mut bytes = vec![0; usize::try_from(region.end - region.start).unwrap()];
        memory.read(region.start, &mut bytes).unwrap();
        out.write_all(&bytes).unwrap();
    }
    out.flush().unwrap();
}

fn note(executable: &Path) -> Vec<u8> {
    let mut body = Vec::new();
    for word in [1_u64, 4_096, 0x40_0000, 0x50_0000, 0] {
        body.extend(word.to_le_bytes());
    }
    body.extend(executable.to_str().unwrap().as_bytes());
    body.push(0);
    let mut note = Vec::new();
    note.extend(5_u32.to_le_bytes());
    note.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    note.extend(NT_FILE.to_le_bytes());
    note.extend(b"CORE\0\0\0\0");
    note.extend(&body);
    note.resize(note.len().next_multiple_of(4), 0);
    note
}

#[test]
fn a_core_dump_is_as_good_as_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("core");
    {
        let node = Program::start("holders.js");
        let executable = std::fs::read_link(format!("/proc/{}/exe", node.pid())).unwrap();
        let stopped = StoppedProcess::stop(node.pid()).unwrap();
        dump(&ProcessMemory::of(&stopped).unwrap(), &executable, &file);
    }
    let target = Target::Core {
        file,
        executable: None,
    };
    let found = inspect(&target, |s| census(s, &CensusOptions::default())).unwrap();
    assert!(found.paused.is_none());
    let rows = &found.value.rows;
    let row = |name: &str| {
        rows.iter()
            .find(|row| row.group == Group::Object && row.name == name)
            .unwrap()
    };
    assert_eq!(row("LogEntry").all.count, 5_000);
    assert_eq!(row("Derived").all.count, 3_000);
    assert!(
        row("LogEntry")
            .place
            .as_ref()
            .unwrap()
            .script
            .ends_with("holders.js")
    );
}
