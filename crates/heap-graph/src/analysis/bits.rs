//! A bit a node: small enough to stay in a core's cache where a number a node does not.

use crate::columns::{OutOfMemory, zeroed};

#[derive(Clone, Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    pub(crate) fn new(count: usize) -> Result<Self, OutOfMemory> {
        Ok(Self {
            words: zeroed(count.div_ceil(64))?,
        })
    }

    #[inline]
    pub(crate) fn get(&self, at: u32) -> bool {
        self.words[at as usize / 64] >> (at % 64) & 1 != 0
    }

    /// [`Bits::get`] for what may lie behind the end, where no bit is set.
    #[inline]
    pub(crate) fn has(&self, at: u32) -> bool {
        self.words
            .get(at as usize / 64)
            .is_some_and(|word| word >> (at % 64) & 1 != 0)
    }

    /// The words of 64 bits each, for those that fill them in another way.
    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Sets the bit; says whether it was not set before.
    #[inline]
    pub(crate) fn insert(&mut self, at: u32) -> bool {
        let word = &mut self.words[at as usize / 64];
        let bit = 1 << (at % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Turns the bit over; says whether it was set before.
    #[inline]
    pub(crate) fn flip(&mut self, at: u32) -> bool {
        let word = &mut self.words[at as usize / 64];
        let bit = 1 << (at % 64);
        *word ^= bit;
        *word & bit == 0
    }

    /// How many bits are set.
    pub(crate) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// The bits that are not set among the first `count`, in order.
    pub(crate) fn unset(&self, count: usize) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(move |(at, &word)| {
            let mut left = !word;
            let first = at as u32 * 64;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                (bit < 64 && ((first + bit) as usize) < count).then_some(first + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_is_set_and_what_is_not() {
        let mut bits = Bits::new(130).unwrap();
        assert!(bits.insert(0) && bits.insert(64) && bits.insert(129) && !bits.insert(64));
        assert!(bits.get(129) && !bits.get(128));
        let unset: Vec<_> = bits.unset(130).collect();
        assert_eq!(unset.len(), 127);
        assert_eq!(
            (unset[0], unset[62], unset[63], unset[126]),
            (1, 63, 65, 128)
        );
    }
}
