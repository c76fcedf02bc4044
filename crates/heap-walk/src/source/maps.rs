//! `/proc/PID/maps`, as far as the census needs it.

use std::path::PathBuf;

use super::{Region, RegionKind};

/// Parses the text of a maps file. Lines that are not understood are left out.
pub(super) fn parse(text: &str) -> Vec<Region> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Region> {
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let flags = fields.next()?.as_bytes();
    let name = fields.nth(3).unwrap_or("").trim_start();
    let kind = match name {
        "" => RegionKind::Anonymous,
        "[heap]" => RegionKind::Heap,
        "[stack]" => RegionKind::Stack,
        // Memory that was given a name by prctl(PR_SET_VMA_ANON_NAME): V8's and glibc's among it.
        _ if name.starts_with("[anon:") || name.starts_with("[anon_shmem:") => {
            RegionKind::Anonymous
        }
        _ if name.starts_with('[') => RegionKind::Kernel,
        _ => RegionKind::File(PathBuf::from(
            name.strip_suffix(" (deleted)").unwrap_or(name),
        )),
    };
    Some(Region {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        readable: flags.first() == Some(&b'r') && kind != RegionKind::Kernel,
        writable: flags.get(1) == Some(&b'w'),
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_rights() {
        let regions = parse(
            "00400000-00b6f000 r--p 00000000 08:01 123        /opt/a b/node (deleted)\n\
             1000000-2000000 rw-p 00000000 00:00 0            [heap]\n\
             7f00-8f00 ---p 00000000 00:00 0 \n\
             9000-a000 rw-p 00000000 00:00 0                  [anon:v8]\n\
             ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n\
             nonsense\n",
        );
        assert_eq!(regions.len(), 5);
        assert_eq!(
            regions[0].kind,
            RegionKind::File(PathBuf::from("/opt/a b/node"))
        );
        assert!(regions[0].readable && !regions[0].writable);
        assert_eq!(regions[1].kind, RegionKind::Heap);
        assert!(!regions[2].readable);
        assert_eq!(regions[3].kind, RegionKind::Anonymous);
        assert_eq!(regions[4].kind, RegionKind::Kernel);
        assert!(!regions[4].readable);
    }
}
