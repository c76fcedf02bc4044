//! Reads `/proc/<pid>/smaps` (`proc_pid_smaps(5)`) line by line: it is hundreds of kilobytes.

use std::io::{self, BufRead};

use super::mapping::{Mapping, MappingKind};

/// Reads and classifies this process's mappings.
#[cfg(target_os = "linux")]
pub fn read_self() -> io::Result<Vec<Mapping>> {
    let file = std::fs::File::open("/proc/self/smaps")?;
    let mut mappings = parse(io::BufReader::with_capacity(64 << 10, file))?;
    let executable = std::fs::read_link("/proc/self/exe").unwrap_or_default();
    let executable = executable.to_string_lossy();
    let executable = executable.strip_suffix(" (deleted)").unwrap_or(&executable);
    super::mapping::classify(&mut mappings, executable);
    Ok(mappings)
}

/// There is nothing to read on this system.
#[cfg(not(target_os = "linux"))]
pub fn read_self() -> io::Result<Vec<Mapping>> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "the ledger needs /proc/self/smaps, which exists on Linux only",
    ))
}

/// Mappings in the order of the text, not yet classified. Lines that make no sense are passed over.
#[cfg_attr(
    not(any(target_os = "linux", test)),
    expect(dead_code, reason = "nothing to parse there")
)]
pub fn parse(mut text: impl BufRead) -> io::Result<Vec<Mapping>> {
    let mut mappings: Vec<Mapping> = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if text.read_until(b'\n', &mut line)? == 0 {
            return Ok(mappings);
        }
        let line = String::from_utf8_lossy(line.trim_ascii_end());
        match header(&line) {
            Some(mapping) => mappings.push(mapping),
            None => {
                if let Some(mapping) = mappings.last_mut() {
                    attribute(mapping, &line);
                }
            }
        }
    }
}

/// `7f51c7e40000-7f51c7fd2000 r-xp 00000000 fe:00 1234   /usr/bin/node`
fn header(line: &str) -> Option<Mapping> {
    let mut rest = line;
    let mut word = || {
        rest = rest.trim_start_matches(' ');
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = after;
        word
    };
    let (start, end) = word().split_once('-')?;
    let start = u64::from_str_radix(start, 16).ok()?;
    let end = u64::from_str_radix(end, 16).ok()?;
    let permissions = word().as_bytes().try_into().ok()?;
    let _offset = word();
    let _device = word();
    let inode = word().parse().ok()?;
    Some(Mapping {
        start,
        end,
        permissions,
        inode,
        name: rest.trim_start_matches(' ').to_owned(),
        rss_bytes: 0,
        swap_bytes: 0,
        dont_fork: false,
        no_reserve: false,
        kind: MappingKind::Anonymous,
    })
}

/// `Rss:   1048 kB`, `VmFlags: rd wr mr mw me dc`.
fn attribute(mapping: &mut Mapping, line: &str) {
    let Some((key, value)) = line.split_once(':') else {
        return;
    };
    let bytes = || {
        let kilobytes: u64 = value.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        kilobytes.checked_mul(1024)
    };
    match key {
        "Rss" => mapping.rss_bytes = bytes().unwrap_or(0),
        "Swap" => mapping.swap_bytes = bytes().unwrap_or(0),
        "VmFlags" => {
            for flag in value.split_ascii_whitespace() {
                mapping.dont_fork |= flag == "dc";
                mapping.no_reserve |= flag == "nr";
            }
        }
        _ => {}
    }
}
