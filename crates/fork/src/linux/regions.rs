//! Which memory the child must have: V8's own, which a fork leaves out; and which it need not have.
//!
//! Which regions are marked is read from `smaps` on a thread that may wait, since the kernel walks page tables for it
//! (some 15 ms for each GB). At the fork `maps` tells what is there now, which takes a tenth of a millisecond whatever
//! there is: all memory without a file is shown to the child, but what somebody else has marked.
//!
//! Only regions that were *seen* marked, and are exactly as they were, are marked again. All others are left visible:
//! should one be V8's, later forks of the process copy a little more; should it be a thread's stack, a mark on it would
//! have a later fork of that thread run without one.

use std::io;

use super::chunks::{Memory, Young};
use super::maps::{self, Mapping, Region};
use crate::PrepareOptions;

/// A large region at an address that is no multiple of this was not made by V8's heap.
const V8_ALIGNMENT: usize = 256 * 1024;
/// Regions of this size are held to the alignment.
const LARGE: usize = 1 << 20;
/// The least that a buffer must have to be kept from the child.
const BUFFER: usize = 1 << 20;
/// The most of them: each is a region of its own for the moment of the fork, and the kernel allows some 65,000.
const MOST_BUFFERS: usize = 4096;
/// The least that all of them must have together: below that there is nothing to gain.
const WORTH_KEEPING: usize = 16 << 20;

/// Drivers that hand this process's memory to a device. What they pinned must not be copied by a fork.
const DEVICES: [&str; 5] = [
    "/dev/infiniband/",
    "/dev/nvidia",
    "/dev/vfio/",
    "/dev/kfd",
    "/dev/dri/",
];

/// What is known of the memory, of one moment.
#[derive(Debug, Default)]
pub struct Inventory {
    /// V8's, marked. All lists are sorted.
    marked: Vec<Region>,
    /// Marked, but by somebody else: never touched.
    foreign: Vec<Region>,
    /// Regions with buffers that a child does not need.
    buffers: Vec<Buffers>,
    /// One half of it is of no use to a child that only reads.
    young: Young,
}

/// A region that consists of nothing but large blocks of `malloc`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Buffers {
    region: Region,
    /// What the child does not need: the blocks without their first pages, since V8 frees in the child what is dead by
    /// then, and `free` reads the head of a block.
    bodies: Vec<Region>,
}

/// What is done around a fork.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Made visible to the child.
    pub show: Vec<Region>,
    /// Marked again afterwards.
    pub mark: Vec<Region>,
    /// Kept from the child, and made visible again afterwards.
    pub keep: Vec<Region>,
    /// Those marked again that can be written to.
    pub write: Vec<Region>,
    /// Of the marked ones, what is not shown: V8's own mark stays.
    pub hide: Vec<Region>,
}

/// Why there is no inventory.
#[derive(Debug)]
pub enum Unreadable {
    /// The kernel's account of the memory.
    Io(io::Error),
    /// It does not tell which regions a fork leaves out.
    NoFlags,
    /// A device has a hand in this memory.
    Device(String),
}

impl Inventory {
    /// Reads the list. Waits for the kernel to walk the page tables.
    pub fn read(options: &PrepareOptions) -> Result<Self, Unreadable> {
        let text = std::fs::read(options.proc_root.join("self/smaps")).map_err(Unreadable::Io)?;
        let mut inventory = Self::parse(&text, options.keep_buffers.then_some(bodies_of))?;
        let memory = options
            .keep_empty_half
            .then(|| Memory::open(&options.proc_root));
        if let Some(memory) = memory.flatten() {
            inventory.young = Young::find(&memory, &inventory.marked);
        }
        Ok(inventory)
    }

    fn parse(
        text: &[u8],
        bodies_of: Option<fn(&Region) -> Vec<Region>>,
    ) -> Result<Self, Unreadable> {
        let all = maps::flagged(text);
        if let Some(device) = all.iter().find_map(|it| device(it.mapping.name)) {
            return Err(Unreadable::Device(device));
        }
        let mut inventory = Self::default();
        let mut count = 0;
        for it in &all {
            let region = &it.mapping.region;
            if !it.mapping.is_anonymous {
                continue;
            }
            if it.is_kept_from_children {
                if it.is_special || !could_be_v8(&it.mapping) {
                    inventory.foreign.push(region.clone());
                } else {
                    inventory.marked.push(region.clone());
                }
            } else if it.mapping.rights == b"rw-p" && !it.is_special && region.len() >= BUFFER {
                let bodies = bodies_of.map_or_else(Vec::new, |bodies_of| bodies_of(region));
                count += bodies.len();
                if !bodies.is_empty() && count <= MOST_BUFFERS {
                    inventory.buffers.push(Buffers {
                        region: region.clone(),
                        bodies,
                    });
                }
            }
        }
        if inventory.marked.is_empty() && !text.windows(8).any(|word| word == b"VmFlags:") {
            return Err(Unreadable::NoFlags);
        }
        let bodies = inventory.buffers.iter().flat_map(|it| &it.bodies);
        if bodies.map(Region::len).sum::<usize>() < WORTH_KEEPING {
            inventory.buffers.clear();
        }
        Ok(inventory)
    }

    /// What to do, by what is mapped now.
    pub fn plan(&self, maps: &[u8]) -> Plan {
        self.plan_without(maps, &self.young.empty_half())
    }

    fn plan_without(&self, maps: &[u8], empty_half: &[Region]) -> Plan {
        let mut plan = Plan::default();
        for mapping in maps::mappings(maps).filter(|mapping| mapping.is_anonymous) {
            let region = &mapping.region;
            // A buffer counts only if it is exactly as it was: what lies there could be another by now.
            if mapping.rights == b"rw-p"
                && let Ok(at) = self
                    .buffers
                    .binary_search_by_key(&region.start, |it| it.region.start)
                && self.buffers[at].region == *region
            {
                plan.keep.extend_from_slice(&self.buffers[at].bodies);
                continue;
            }
            let mut hide: &[Region] = &[];
            if holds(&self.marked, region) {
                plan.mark.push(region.clone());
                if mapping.rights == b"rw-p" {
                    plan.write.push(region.clone());
                    hide = within(empty_half, region);
                    plan.hide.extend_from_slice(hide);
                }
            }
            let own = maps::without(region, &self.foreign);
            for part in own.flat_map(|part| maps::without(&part, hide)) {
                match plan.show.last_mut() {
                    Some(last) if last.end == part.start => last.end = part.end,
                    _ => plan.show.push(part),
                }
            }
        }
        plan
    }

    pub fn marked_bytes(&self) -> usize {
        self.marked.iter().map(Region::len).sum()
    }
}

pub fn device(name: &[u8]) -> Option<String> {
    DEVICES
        .iter()
        .find(|device| name.starts_with(device.as_bytes()))
        .map(|_| String::from_utf8_lossy(name).into_owned())
}

/// V8 takes its heap's chunks at multiples of their size, so that a large writable region elsewhere is somebody
/// else's (WebAssembly memory too, which the generator does not read).
fn could_be_v8(mapping: &Mapping<'_>) -> bool {
    mapping.rights != b"rw-p"
        || mapping.region.len() < LARGE
        || mapping.region.start.is_multiple_of(V8_ALIGNMENT)
}

/// The large blocks of a region that consists of nothing but such of glibc's `malloc`, each of which says so in its head;
/// without their first pages. Nothing where there is anything else.
fn bodies_of(region: &Region) -> Vec<Region> {
    const MMAPPED: usize = 2;
    let page = super::page_size();
    let mut bodies = Vec::new();
    let mut at = region.start;
    while at < region.end {
        let Some([before, size]) = peek(at) else {
            return Vec::new();
        };
        let length = size & !7;
        let is_block = size & 7 == MMAPPED && before == 0 && length >= page;
        if !is_block || !length.is_multiple_of(page) || length > region.end - at {
            return Vec::new();
        }
        if length >= BUFFER {
            bodies.push(at + page..at + length);
        }
        at += length;
    }
    bodies
}

/// Reads two words of this process through the kernel, so that what was unmapped meanwhile is an error, not a fault.
pub fn peek(address: usize) -> Option<[usize; 2]> {
    let mut words = [0_usize; 2];
    let length = size_of_val(&words);
    let local = libc::iovec {
        iov_base: words.as_mut_ptr().cast(),
        iov_len: length,
    };
    let remote = libc::iovec {
        iov_base: address as *mut libc::c_void,
        iov_len: length,
    };
    // SAFETY: the kernel writes to `words` alone; a bad remote address is EFAULT.
    let read = unsafe {
        libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0)
    };
    (usize::try_from(read) == Ok(length)).then_some(words)
}

/// Whether a sorted list has exactly this region.
fn holds(regions: &[Region], region: &Region) -> bool {
    regions
        .binary_search_by_key(&region.start, |other| other.start)
        .is_ok_and(|at| regions[at] == *region)
}

/// Those of a sorted list that lie within a region.
fn within<'a>(list: &'a [Region], region: &Region) -> &'a [Region] {
    let first = list.partition_point(|it| it.start < region.start);
    let count = list[first..].partition_point(|it| it.end <= region.end);
    &list[first..first + count]
}

/// Tells the kernel. What it refuses (a region that is gone) is left out.
pub fn advise(regions: &[Region], advice: libc::c_int) {
    for region in regions {
        advise_one(region, advice);
    }
}

/// Answers whether the kernel took it.
pub fn advise_one(region: &Region, advice: libc::c_int) -> bool {
    // SAFETY: two kinds of advice (`MADV_DOFORK`, `MADV_DONTFORK`) change what a fork copies, the third
    // (`MADV_POPULATE_WRITE`) which page frames lie beneath; none of them what is in the memory.
    unsafe { libc::madvise(region.start as *mut libc::c_void, region.len(), advice) == 0 }
}

#[cfg(test)]
#[expect(
    clippy::single_range_in_vec_init,
    reason = "a region is a range, and a list may have one"
)]
mod tests {
    use super::super::page_size;
    use super::*;

    const SMAPS: &[u8] = b"\
100000-200000 rw-p 00000000 00:00 0
VmFlags: rd wr dc
200000-280000 rw-p 00000000 00:00 0
VmFlags: rd wr dc
301000-501000 rw-p 00000000 00:00 0
VmFlags: rd wr dc
a00000-a01000 rw-p 00000000 00:00 0
VmFlags: rd wr dc lo
4000000-8000000 rw-p 00000000 00:00 0
VmFlags: rd wr
";

    fn without_head(region: &Region) -> Vec<Region> {
        vec![region.start + 0x1000..region.end]
    }

    #[test]
    fn v8s_regions_are_told_from_others() {
        let inventory = Inventory::parse(SMAPS, Some(without_head)).unwrap();
        assert_eq!(
            inventory.marked,
            [0x10_0000..0x20_0000, 0x20_0000..0x28_0000]
        );
        // The large one at another place, and the locked one.
        assert_eq!(
            inventory.foreign,
            [0x30_1000..0x50_1000, 0xa0_0000..0xa0_1000]
        );
        assert_eq!(
            inventory.buffers,
            [Buffers {
                region: 0x400_0000..0x800_0000,
                bodies: vec![0x400_1000..0x800_0000],
            }]
        );
        assert_eq!(inventory.marked_bytes(), 0x18_0000);
    }

    #[test]
    fn all_is_shown_but_what_others_marked_and_only_what_was_seen_is_marked_again() {
        let inventory = Inventory::parse(SMAPS, Some(without_head)).unwrap();
        let maps = b"\
100000-200000 rw-p 00000000 00:00 0
200000-2c0000 rw-p 00000000 00:00 0
301000-581000 rw-p 00000000 00:00 0
700000-800000 rw-p 00000000 00:00 0
900000-980000 r--p 00000000 fe:00 77   /lib/x.so
4000000-8000000 rw-p 00000000 00:00 0
";
        assert_eq!(
            inventory.plan(maps),
            Plan {
                show: vec![
                    0x10_0000..0x2c_0000,
                    0x50_1000..0x58_1000,
                    0x70_0000..0x80_0000
                ],
                // The second has grown: who knows what it is now.
                mark: vec![0x10_0000..0x20_0000],
                keep: vec![0x400_1000..0x800_0000],
                write: vec![0x10_0000..0x20_0000],
                hide: vec![],
            }
        );
        // The buffer has become another: it is the child's like all else.
        assert_eq!(inventory.plan(b"4000000-7000000 rw-p 0 00:00 0").keep, []);
    }

    #[test]
    fn the_empty_half_of_the_young_generation_keeps_its_marks_where_it_was_seen_marked() {
        let inventory = Inventory::parse(SMAPS, None).unwrap();
        let maps = b"\
100000-200000 rw-p 00000000 00:00 0
200000-2c0000 rw-p 00000000 00:00 0
";
        let empty = [
            0x10_0000..0x14_0000,
            0x18_0000..0x1c_0000,
            0x20_0000..0x24_0000,
        ];
        let plan = inventory.plan_without(maps, &empty);
        assert_eq!(plan.hide, empty[..2]);
        // The last one's region is not as it was.
        assert_eq!(
            plan.show,
            [0x14_0000..0x18_0000, 0x1c_0000..0x20_0000 + 0xc_0000]
        );
        assert_eq!(plan.mark, [0x10_0000..0x20_0000]);
    }

    #[test]
    fn devices_and_silent_kernels_forbid_it() {
        let text = b"1000-2000 rw-s 00000000 00:05 9   /dev/infiniband/uverbs0\nVmFlags: rd wr\n";
        assert!(matches!(
            Inventory::parse(text, None),
            Err(Unreadable::Device(name)) if name == "/dev/infiniband/uverbs0"
        ));
        assert!(matches!(
            Inventory::parse(b"1000-2000 rw-p 0 00:00 0\n", None),
            Err(Unreadable::NoFlags)
        ));
    }

    #[test]
    #[cfg(target_env = "gnu")]
    fn a_large_block_of_malloc_is_recognised_and_nothing_else() {
        let block = vec![1_u8; 48 << 20];
        let inventory = Inventory::read(&PrepareOptions::default()).unwrap();
        let start = block.as_ptr() as usize;
        let kept = |address: usize| {
            let mut bodies = inventory.buffers.iter().flat_map(|it| &it.bodies);
            bodies.any(|body| body.contains(&address))
        };
        // All but the page with the head, which `free` reads.
        assert!(kept(start + page_size()) && kept(start + block.len() - 1));
        assert!(!kept(start - 8));
        let stack = 0_u8;
        assert!(!kept(&raw const stack as usize));
        assert_eq!(peek(8), None);
    }
}
