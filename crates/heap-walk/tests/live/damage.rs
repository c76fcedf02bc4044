//! Heaps that were torn: whatever is found in them, the walk ends, with figures or with an error.

use std::path::Path;

use memguard_heap_walk::Metadata;

use crate::support::{Program, image_of, walk};

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[test]
fn torn_heaps_end_in_figures_or_in_errors() {
    let node = Program::start("holders.js");
    let metadata = Metadata::read(Path::new(&format!("/proc/{}/exe", node.pid()))).unwrap();
    let (whole, pages) = image_of(&node, &metadata);
    let right = walk(&whole, &metadata).unwrap();

    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut refused, mut told) = (0, 0);
    // One word of so many is overwritten: by noise, by another word of the heap, by a reference into the middle of an object.
    for one_of in [100_000, 10_000, 1_000, 100, 20, 4] {
        let mut torn = whole.clone();
        let mut last = 1;
        for page in &pages {
            let Some(bytes) = torn.bytes_mut(page.start) else {
                continue;
            };
            let length = usize::try_from(page.end - page.start).unwrap();
            let length = length.min(bytes.len());
            for word in bytes[..length].chunks_exact_mut(8) {
                if dice.roll(one_of) != 0 {
                    continue;
                }
                let old = u64::from_le_bytes(word.try_into().unwrap());
                let new = match dice.roll(4) {
                    0 => dice.roll(u64::MAX),
                    1 => last,
                    2 => old.wrapping_add(8 * dice.roll(64)),
                    _ => dice.roll(1 << 31) << 32,
                };
                last = old;
                word.copy_from_slice(&new.to_le_bytes());
            }
        }
        match walk(&torn, &metadata) {
            Ok(count) => {
                told += 1;
                assert!(count < right * 2, "{count} objects of {right}");
            }
            Err(error) => {
                refused += 1;
                assert!(error.code().starts_with("ERR_MEMGUARD_CENSUS_"));
            }
        }
    }
    assert!(told > 0 && refused > 1, "{told} told, {refused} refused");
}

#[test]
fn pages_that_are_gone_are_no_objects() {
    let node = Program::start("holders.js");
    let metadata = Metadata::read(Path::new(&format!("/proc/{}/exe", node.pid()))).unwrap();
    let (whole, pages) = image_of(&node, &metadata);
    let right = walk(&whole, &metadata).unwrap();
    let mut dice = Dice(7);
    for share in [2, 8, 40] {
        // Gone as if they had been freed while the mappings were listed: zeros, headers and all.
        let mut torn = whole.clone();
        for page in pages.iter().filter(|_| dice.roll(share) == 0) {
            if let Some(bytes) = torn.bytes_mut(page.address) {
                let length = usize::try_from(page.end - page.address).unwrap();
                let length = length.min(bytes.len());
                bytes[..length].fill(0);
            }
        }
        match walk(&torn, &metadata) {
            Ok(count) => assert!(count <= right),
            Err(error) => assert!(error.code().starts_with("ERR_MEMGUARD_CENSUS_")),
        }
    }
}
