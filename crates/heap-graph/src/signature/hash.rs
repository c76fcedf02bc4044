//! A hash that is the same in every process and release: signatures are compared and stored by it.

/// FNV-1a, 64 bits (Fowler, Noll, Vo), with the finaliser of SplitMix64 so that every bit counts.
pub(crate) fn hash_text(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(hash)
}

/// The hash of a sequence that continues `hash` by `next`.
pub(crate) const fn chain(hash: u64, next: u64) -> u64 {
    mix(hash.rotate_left(23) ^ next)
}

const fn mix(mut hash: u64) -> u64 {
    hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// Hashes small keys of numbers that come from within: their parts are mixed, nothing more.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NumberHasher(u64);

/// Builds [`NumberHasher`].
pub(crate) type NumberHash = std::hash::BuildHasherDefault<NumberHasher>;

impl std::hash::Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = chain(self.0, number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_that_were_stored_stay_valid() {
        assert_eq!(hash_text(""), 0xc381_7c01_6ba4_ff30);
        assert_eq!(
            chain(hash_text("a"), hash_text("b")),
            15_976_257_610_133_707_846
        );
        assert_ne!(chain(1, 2), chain(2, 1));
    }
}
