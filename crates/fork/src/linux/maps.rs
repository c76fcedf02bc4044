//! What is mapped: `/proc/self/maps` and `/proc/self/smaps`.

use std::ops::Range;

/// Addresses.
pub type Region = Range<usize>;

/// One line of `maps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping<'a> {
    pub region: Region,
    /// `rwxp`
    pub rights: &'a [u8],
    /// Private memory without file or name.
    pub is_anonymous: bool,
    pub name: &'a [u8],
}

/// One mapping of `smaps`, with its flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flagged<'a> {
    pub mapping: Mapping<'a>,
    /// `dc`: a fork leaves it out.
    pub is_kept_from_children: bool,
    /// `ht`, `io`, `pf`, `lo`: of huge pages, a device's, locked.
    pub is_special: bool,
}

/// The mappings of `maps`.
pub fn mappings(text: &[u8]) -> impl Iterator<Item = Mapping<'_>> {
    text.split(|byte| *byte == b'\n').filter_map(mapping)
}

/// The mappings of `smaps`.
pub fn flagged(text: &[u8]) -> Vec<Flagged<'_>> {
    let mut all: Vec<Flagged<'_>> = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        if let Some(flags) = line.strip_prefix(b"VmFlags:") {
            if let Some(last) = all.last_mut() {
                for flag in flags.split(|byte| *byte == b' ') {
                    last.is_kept_from_children |= flag == b"dc";
                    last.is_special |= matches!(flag, b"ht" | b"io" | b"pf" | b"lo");
                }
            }
        } else if let Some(mapping) = mapping(line) {
            all.push(Flagged {
                mapping,
                is_kept_from_children: false,
                is_special: false,
            });
        }
    }
    all
}

/// `7f12a000-7f13a000 rw-p 00000000 00:00 0      [name]`
fn mapping(line: &[u8]) -> Option<Mapping<'_>> {
    // The details in smaps begin with a capital letter.
    if !line.first()?.is_ascii_hexdigit() || line.first()?.is_ascii_uppercase() {
        return None;
    }
    let mut words = line
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    let range = words.next()?;
    let dash = range.iter().position(|byte| *byte == b'-')?;
    let region = hexadecimal(&range[..dash])?..hexadecimal(&range[dash + 1..])?;
    let rights = words.next()?;
    let (_offset, _device) = (words.next()?, words.next()?);
    let inode = words.next()?;
    let name = words.next().unwrap_or_default();
    Some(Mapping {
        is_anonymous: rights.ends_with(b"p") && inode == b"0" && name.is_empty(),
        region,
        rights,
        name,
    })
}

fn hexadecimal(digits: &[u8]) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The parts of `region` that none of `known` covers; `known` is sorted and does not overlap.
pub fn without<'a>(region: &Region, known: &'a [Region]) -> impl Iterator<Item = Region> + use<'a> {
    let first = known.partition_point(|other| other.end <= region.start);
    let (mut at, end) = (region.start, region.end);
    let mut others = known[first..].iter();
    std::iter::from_fn(move || {
        while at < end {
            let Some(other) = others.next().filter(|other| other.start < end) else {
                let rest = at..end;
                at = end;
                return Some(rest);
            };
            let gap = at..other.start;
            at = at.max(other.end);
            if gap.start < gap.end {
                return Some(gap);
            }
        }
        None
    })
}

#[cfg(test)]
#[expect(
    clippy::single_range_in_vec_init,
    reason = "a region is a range, and a list may have one"
)]
mod tests {
    use super::*;

    const SMAPS: &[u8] = b"\
00400000-0b8c2000 r-xp 00000000 fe:00 1234                               /usr/bin/node
Size:              12 kB
Rss:               12 kB
VmFlags: rd ex mr mw me
33ac00000-33ac40000 rw-p 00000000 00:00 0
AnonHugePages:      0 kB
VmFlags: rd wr mr mw me dc ac sd
7ffd0000-7ffe0000 rw-p 00000000 00:00 0                          [stack]
VmFlags: rd wr mr mw me gd ac
80000000-80001000 rw-p 00000000 00:00 0
VmFlags: rd wr dc lo
";

    #[test]
    fn marks_and_names_are_read() {
        let all = flagged(SMAPS);
        let told: Vec<_> = all
            .iter()
            .map(|it| {
                (
                    it.mapping.region.start,
                    it.mapping.is_anonymous,
                    it.is_kept_from_children,
                    it.is_special,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (0x40_0000, false, false, false),
                (0x3_3ac0_0000, true, true, false),
                (0x7ffd_0000, false, false, false),
                (0x8000_0000, true, true, true),
            ]
        );
        assert_eq!(all[0].mapping.rights, b"r-xp");
        assert_eq!(all[2].mapping.name, b"[stack]");
    }

    #[test]
    fn nonsense_is_no_mapping() {
        for line in ["", "Size: 4 kB", "zz", "1-2", "1-2 rw-p 0 0", "-", "9-"] {
            assert_eq!(mappings(line.as_bytes()).count(), 0, "{line}");
        }
    }

    #[test]
    fn what_is_new_is_what_no_known_region_covers() {
        let known = [10..20, 30..40, 40..50];
        let new = |region: Region| without(&region, &known).collect::<Vec<_>>();
        assert_eq!(new(0..5), [0..5]);
        assert_eq!(new(0..100), [0..10, 20..30, 50..100]);
        assert_eq!(new(12..18), [] as [Region; 0]);
        assert_eq!(new(15..35), [20..30]);
        assert_eq!(new(35..45), [] as [Region; 0]);
        assert_eq!(new(60..70), [60..70]);
        assert_eq!(new(20..30), [20..30]);
    }
}
