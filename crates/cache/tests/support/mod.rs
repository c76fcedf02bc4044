//! What the tests share: a generator, and caches with a clock in hand.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use memguard_cache::{Cache, Lookup};

/// SplitMix64: the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

pub fn cache(bound: u64) -> (Cache, Arc<AtomicU64>) {
    let now = Arc::new(AtomicU64::new(0));
    (Cache::with_clock(bound, Arc::clone(&now)).unwrap(), now)
}

/// The value of a key as a copy; `None` for a miss.
pub fn get(cache: &Cache, key: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0; 64];
    loop {
        match cache.get(key, &mut out) {
            Lookup::Miss => return None,
            Lookup::TooLong(meta) => out.resize(meta.len, 0),
            Lookup::Hit(meta) => {
                out.truncate(meta.len);
                return Some(out);
            }
        }
    }
}

pub fn keys(cache: &Cache) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut out = vec![0; 20_000];
    let mut cursor = Some(0);
    while let Some(at) = cursor {
        let (next, written) = cache.keys(at, &mut out);
        let mut rest = &out[..written];
        while let Some((len, tail)) = rest.split_first_chunk::<2>() {
            let (key, tail) = tail.split_at(u16::from_le_bytes(*len) as usize);
            found.push(key.to_vec());
            rest = tail;
        }
        cursor = next;
    }
    found
}
