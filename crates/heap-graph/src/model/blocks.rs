//! A column of numbers of which few different ones stand near each other: names of nodes, labels of edges.
//!
//! A heap is millions of objects of a few classes, and neighbours are alike: of 256 labels in a row some twenty are
//! different, or each is one more than the last (elements of an array). So each block of 256 numbers is kept in the way that takes
//! least: counted up from its first, or as indices of as many bits as it takes into a table of those that occur, or as they are. That
//! is the dictionary encoding of column stores, by the block.

use crate::columns::prefetch;

/// Numbers in a block.
const BLOCK: usize = 256;
/// Places of the hash table by which a block's different numbers are told: twice as many as there can be.
const PLACES: usize = 2 * BLOCK;

/// The five highest bits of a block: how many bits an index into its table has, or one of these.
const SHIFT: u32 = 59;
const COUNTED: u64 = 30;
const PLAIN: u64 = 31;

/// Half a byte to four a number, by how many different ones there are in a block; a look-up costs three loads.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockColumn {
    /// Of each block, how it is kept, and where in `words`.
    blocks: Vec<u64>,
    /// Of each block its indices, then its table.
    words: Vec<u32>,
    /// What is no whole block yet.
    rest: Vec<u32>,
}

impl BlockColumn {
    pub(crate) fn len(&self) -> usize {
        self.blocks.len() * BLOCK + self.rest.len()
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> u32 {
        let within = at % BLOCK;
        let Some(&block) = self.blocks.get(at / BLOCK) else {
            return self.rest[at - self.blocks.len() * BLOCK];
        };
        let begin = (block & ((1 << SHIFT) - 1)) as usize;
        match block >> SHIFT {
            COUNTED => self.words[begin].wrapping_add(within as u32),
            PLAIN => self.words[begin + within],
            bits => {
                let bits = bits as usize;
                let (word, bit) = (begin + within * bits / 32, within * bits % 32);
                // Behind the last index is the table: there is always a next word.
                let two = u64::from(self.words[word]) | u64::from(self.words[word + 1]) << 32;
                let index = (two >> bit) as usize & ((1 << bits) - 1);
                self.words[begin + BLOCK / 32 * bits + index]
            }
        }
    }

    /// Fetches what a number is made of, for who will ask for it soon.
    #[inline]
    pub(crate) fn prefetch(&self, at: usize) {
        if let Some(&block) = self.blocks.get(at / BLOCK) {
            prefetch(&self.words, (block & ((1 << SHIFT) - 1)) as usize);
        }
    }

    /// Every number, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.len()).map(|at| self.get(at))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.blocks.capacity() * 8 + (self.words.capacity() + self.rest.capacity()) * 4
    }
}

/// Fills a [`BlockColumn`].
#[derive(Clone, Debug)]
pub(crate) struct BlockWriter {
    column: BlockColumn,
    /// Where each number of the block at hand is in its table.
    indices: Vec<u8>,
    table: Vec<u32>,
    /// A hash table of indices and one more: of the numbers in `table`.
    places: Box<[u16; PLACES]>,
}

impl Default for BlockWriter {
    fn default() -> Self {
        Self {
            column: BlockColumn::default(),
            indices: Vec::with_capacity(BLOCK),
            table: Vec::with_capacity(BLOCK),
            places: Box::new([0; PLACES]),
        }
    }
}

impl BlockWriter {
    pub(crate) fn len(&self) -> usize {
        self.column.blocks.len() * BLOCK + self.indices.len()
    }

    #[inline]
    pub(crate) fn push(&mut self, value: u32) {
        // Fibonacci hashing: D. Knuth, The Art of Computer Programming 3, 6.4.
        let mut place = (value.wrapping_mul(0x9e37_79b9) >> (32 - PLACES.ilog2())) as usize;
        let index = loop {
            match self.places[place % PLACES].checked_sub(1) {
                Some(index) if self.table[usize::from(index)] == value => break index,
                Some(_) => place += 1,
                None => break self.add(value, place % PLACES),
            }
        };
        self.indices.push(index as u8);
        if self.indices.len() == BLOCK {
            self.close();
        }
    }

    fn add(&mut self, value: u32, place: usize) -> u16 {
        let index = self.table.len() as u16;
        self.table.push(value);
        self.places[place] = index + 1;
        index
    }

    /// Puts away a block that is whole.
    fn close(&mut self) {
        let words = &mut self.column.words;
        let begin = words.len() as u64;
        let different = self.table.len();
        let bits = different.next_power_of_two().ilog2() as usize;
        let first = self.table[0];
        let is_counted = |(at, &value): (usize, &u32)| value == first.wrapping_add(at as u32);
        let kept = if different == BLOCK && self.table.iter().enumerate().all(is_counted) {
            words.push(first);
            COUNTED
        } else if BLOCK / 32 * bits + different >= BLOCK {
            words.extend(
                self.indices
                    .iter()
                    .map(|&index| self.table[usize::from(index)]),
            );
            PLAIN
        } else {
            let (mut waiting, mut held) = (0_u64, 0);
            for &index in &self.indices {
                waiting |= u64::from(index) << held;
                held += bits;
                if held >= 32 {
                    words.push(waiting as u32);
                    waiting >>= 32;
                    held -= 32;
                }
            }
            words.extend_from_slice(&self.table);
            // Indices of no bits at all: `get` reads a word behind them as well.
            words.extend((different == 1).then_some(0));
            bits as u64
        };
        self.column.blocks.push(kept << SHIFT | begin);
        self.indices.clear();
        self.table.clear();
        self.places.fill(0);
    }

    /// All that was pushed.
    pub(crate) fn finish(mut self) -> BlockColumn {
        let table = &self.table;
        self.column.rest = self
            .indices
            .iter()
            .map(|&index| table[usize::from(index)])
            .collect();
        self.column.words.shrink_to_fit();
        self.column.blocks.shrink_to_fit();
        self.column
    }
}

impl FromIterator<u32> for BlockColumn {
    fn from_iter<I: IntoIterator<Item = u32>>(values: I) -> Self {
        let mut writer = BlockWriter::default();
        for value in values {
            writer.push(value);
        }
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that a column of these numbers takes, each of which comes out as it went in.
    fn words(values: &[u32]) -> usize {
        let column: BlockColumn = values.iter().copied().collect();
        assert_eq!(column.len(), values.len());
        assert!(column.iter().eq(values.iter().copied()));
        column.words.len()
    }

    #[test]
    fn blocks_are_kept_in_the_way_that_takes_least() {
        let block = BLOCK as u32;
        assert_eq!(words(&[7; BLOCK]), 2);
        assert_eq!(
            words(&(1_000_000..1_000_000 + block).collect::<Vec<_>>()),
            1
        );
        for different in [2, 3, 16, 17, 33, 100, 128] {
            let values: Vec<u32> = (0..block)
                .map(|at| at * 7 % different * 0x0101_0101)
                .collect();
            let bits = different.next_power_of_two().ilog2();
            assert_eq!(
                words(&values),
                (8 * bits + different) as usize,
                "{different}"
            );
        }
        let strewn: Vec<u32> = (0..block).map(|at| at.wrapping_mul(0x9e37_79b9)).collect();
        assert_eq!(words(&strewn), BLOCK);
    }

    #[test]
    fn numbers_come_out_as_they_went_in_whatever_they_are() {
        assert_eq!(words(&[]), 0);
        assert_eq!(words(&[u32::MAX]), 0);
        // Numbers that count up beyond the last one, runs, repetitions, extremes, and a rest that is no block.
        let mut values: Vec<u32> = (0..600).map(|at| u32::MAX - 300 + at % 301).collect();
        values.extend((0..5_000_u32).map(|at| at.wrapping_mul(at) % 61));
        values.extend((0..3_000).map(|at| if at % 3 == 0 { at } else { at % 20 }));
        values.extend([0, u32::MAX].repeat(400));
        words(&values);
    }
}
