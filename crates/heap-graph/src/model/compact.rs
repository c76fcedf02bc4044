//! Columns of numbers that are small nearly always: the few others are kept apart, by index.

use std::collections::HashMap;

use super::blocks::BlockColumn;
use crate::columns::prefetch;

/// Sizes in bytes, two bytes each: of a hundred objects one, if any, has 64 kB or more.
#[derive(Clone, Debug, Default)]
pub(crate) struct SizeColumn {
    small: Vec<u16>,
    /// By index, those that are [`SizeColumn::LARGE`] above.
    large: Vec<(u32, u64)>,
}

impl SizeColumn {
    /// What stands in place of a size that is kept apart.
    pub(crate) const LARGE: u16 = u16::MAX;

    /// A column of these sizes, of which the large ones come in any order.
    pub(crate) fn new(small: Vec<u16>, mut large: Vec<(u32, u64)>) -> Self {
        large.sort_unstable_by_key(|entry| entry.0);
        large.shrink_to_fit();
        Self { small, large }
    }

    pub(crate) fn with_capacity(count: usize) -> Self {
        Self {
            small: Vec::with_capacity(count),
            large: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, size: u64) {
        let small = short(size);
        if small == Self::LARGE {
            self.large.push((self.small.len() as u32, size));
        }
        self.small.push(small);
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> u64 {
        match self.small[at] {
            Self::LARGE => self.large_at(at),
            size => size.into(),
        }
    }

    #[cold]
    fn large_at(&self, at: usize) -> u64 {
        self.large
            .binary_search_by_key(&(at as u32), |entry| entry.0)
            .map_or(0, |found| self.large[found].1)
    }

    /// Every size, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let mut large = self.large.iter();
        self.small.iter().map(move |&size| match size {
            Self::LARGE => large.next().map_or(0, |entry| entry.1),
            size => size.into(),
        })
    }

    /// All sizes together.
    pub(crate) fn sum(&self) -> u64 {
        self.iter().fold(0, u64::saturating_add)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.small.capacity() * 2 + self.large.capacity() * size_of::<(u32, u64)>()
    }
}

#[inline]
fn short(size: u64) -> u16 {
    u16::try_from(size).unwrap_or(SizeColumn::LARGE)
}

/// A [`SizeColumn`] in which sizes are moved from one place to another.
pub(crate) struct SizeMoves {
    small: Vec<u16>,
    large: HashMap<u32, u64>,
}

impl SizeMoves {
    pub(crate) fn new(sizes: &SizeColumn) -> Self {
        Self {
            small: sizes.small.clone(),
            large: sizes.large.iter().copied().collect(),
        }
    }

    /// Adds the whole size at one place to that at another one.
    pub(crate) fn shift(&mut self, from: usize, to: usize) {
        let sum = self.take(from).saturating_add(self.take(to));
        self.small[to] = short(sum);
        if self.small[to] == SizeColumn::LARGE {
            self.large.insert(to as u32, sum);
        }
    }

    fn take(&mut self, at: usize) -> u64 {
        match std::mem::take(&mut self.small[at]) {
            SizeColumn::LARGE => self.large.remove(&(at as u32)).unwrap_or(0),
            size => size.into(),
        }
    }

    pub(crate) fn finish(self) -> SizeColumn {
        SizeColumn::new(self.small, self.large.into_iter().collect())
    }
}

/// Names and numbers of edges.
#[derive(Clone, Debug)]
pub(crate) enum LabelColumn {
    /// As a file has them, in any order and by several threads.
    Short(ShortLabels),
    /// As a builder was given them.
    Blocks(BlockColumn),
}

impl Default for LabelColumn {
    fn default() -> Self {
        Self::Blocks(BlockColumn::default())
    }
}

impl LabelColumn {
    #[inline]
    pub(crate) fn get(&self, at: usize) -> u32 {
        match self {
            Self::Short(labels) => labels.get(at),
            Self::Blocks(labels) => labels.get(at),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Short(labels) => labels.heap_bytes(),
            Self::Blocks(labels) => labels.heap_bytes(),
        }
    }
}

impl FromIterator<u32> for LabelColumn {
    fn from_iter<I: IntoIterator<Item = u32>>(labels: I) -> Self {
        Self::Blocks(labels.into_iter().collect())
    }
}

/// Names of nodes, or other numbers of which many are alike.
#[derive(Clone, Debug)]
pub(crate) enum NameColumn {
    /// As a file has them, in any order and by several threads.
    Plain(Vec<u32>),
    /// As a builder was given them.
    Blocks(BlockColumn),
}

impl Default for NameColumn {
    fn default() -> Self {
        Self::Plain(Vec::new())
    }
}

impl NameColumn {
    #[inline]
    pub(crate) fn get(&self, at: usize) -> u32 {
        match self {
            Self::Plain(names) => names[at],
            Self::Blocks(names) => names.get(at),
        }
    }

    /// Fetches a name for who will ask for it soon.
    #[inline]
    pub(crate) fn prefetch(&self, at: usize) {
        match self {
            Self::Plain(names) => prefetch(names, at),
            Self::Blocks(names) => names.prefetch(at),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Plain(names) => names.capacity() * 4,
            Self::Blocks(names) => names.heap_bytes(),
        }
    }
}

/// Labels of three bytes each: few heaps have 16,777,215 strings, or arrays of so many elements.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShortLabels {
    low: Vec<u16>,
    high: Vec<u8>,
    /// By index, those that are [`ShortLabels::LARGE`] above.
    large: Vec<(u32, u32)>,
}

impl ShortLabels {
    /// What stands in place of a label that is kept apart.
    pub(crate) const LARGE: u32 = 0xff_ffff;

    /// A column of these labels, of which the large ones come in any order.
    pub(crate) fn new(low: Vec<u16>, high: Vec<u8>, mut large: Vec<(u32, u32)>) -> Self {
        large.sort_unstable();
        large.shrink_to_fit();
        Self { low, high, large }
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> u32 {
        match u32::from(self.low[at]) | u32::from(self.high[at]) << 16 {
            Self::LARGE => self.large_at(at),
            label => label,
        }
    }

    #[cold]
    fn large_at(&self, at: usize) -> u32 {
        self.large
            .binary_search_by_key(&(at as u32), |entry| entry.0)
            .map_or(Self::LARGE, |found| self.large[found].1)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.low.capacity() * 2
            + self.high.capacity()
            + self.large.capacity() * size_of::<(u32, u32)>()
    }
}

/// Numbers of two bytes each, or four from the moment that one needs them.
#[derive(Clone, Debug)]
pub(crate) enum NarrowColumn {
    Two(Vec<u16>),
    Four(Vec<u32>),
}

impl Default for NarrowColumn {
    fn default() -> Self {
        Self::Two(Vec::new())
    }
}

impl NarrowColumn {
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self::Two(Vec::with_capacity(count))
    }

    #[inline]
    pub(crate) fn push(&mut self, value: u32) {
        match (&mut *self, u16::try_from(value)) {
            (Self::Two(values), Ok(value)) => values.push(value),
            (Self::Four(values), _) => values.push(value),
            (Self::Two(_), Err(_)) => self.widen(value),
        }
    }

    #[cold]
    fn widen(&mut self, next: u32) {
        self.widen_all();
        self.push(next);
    }

    fn widen_all(&mut self) {
        if let Self::Two(values) = self {
            let mut wide = Vec::with_capacity(values.capacity());
            wide.extend(values.iter().map(|&value| u32::from(value)));
            *self = Self::Four(wide);
        }
    }

    /// Puts a number at an index, with zeroes up to there.
    pub(crate) fn put(&mut self, at: usize, value: u32) {
        if u16::try_from(value).is_err() {
            self.widen_all();
        }
        let length = self.len().max(at + 1);
        match self {
            Self::Two(values) => {
                values.resize(length, 0);
                values[at] = value as u16;
            }
            Self::Four(values) => {
                values.resize(length, 0);
                values[at] = value;
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Two(values) => values.len(),
            Self::Four(values) => values.len(),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Two(values) => values.capacity() * 2,
            Self::Four(values) => values.capacity() * 4,
        }
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> u32 {
        match self {
            Self::Two(values) => values[at].into(),
            Self::Four(values) => values[at],
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let (two, four): (&[u16], &[u32]) = match self {
            Self::Two(values) => (values, &[]),
            Self::Four(values) => (&[], values),
        };
        two.iter()
            .map(|&value| u32::from(value))
            .chain(four.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_kept_whatever_they_are() {
        let sizes = [0, 16, 65_534, 65_535, 65_536, 1 << 40, 8];
        let mut column = SizeColumn::default();
        for size in sizes {
            column.push(size);
        }
        assert_eq!(column.iter().collect::<Vec<_>>(), sizes);
        assert_eq!((0..7).map(|at| column.get(at)).collect::<Vec<_>>(), sizes);
        assert_eq!(column.sum(), sizes.iter().sum::<u64>());

        let mut moves = SizeMoves::new(&column);
        moves.shift(2, 1);
        moves.shift(5, 6);
        moves.shift(3, 0);
        moves.shift(4, 5);
        let expected = [65_535, 65_550, 0, 0, 0, 65_536, (1 << 40) + 8];
        let moved = moves.finish();
        assert_eq!(moved.iter().collect::<Vec<_>>(), expected);
        assert_eq!((0..7).map(|at| moved.get(at)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn labels_are_kept_whatever_they_are() {
        let low = vec![0, 65_535, 0, 0xfffe, 0xffff, 1, 0xffff];
        let high = vec![0, 0, 1, 0xff, 0xff, 0, 0xff];
        let column = ShortLabels::new(low, high, vec![(6, u32::MAX), (4, 0xff_ffff)]);
        let labels = [0, 65_535, 65_536, 0xff_fffe, 0xff_ffff, 1, u32::MAX];
        assert_eq!((0..7).map(|at| column.get(at)).collect::<Vec<_>>(), labels);
    }

    #[test]
    fn a_narrow_column_widens_when_a_number_needs_it() {
        let mut column = NarrowColumn::with_capacity(2);
        for value in [1, 65_535, 65_536, 7] {
            column.push(value);
        }
        assert_eq!(column.iter().collect::<Vec<_>>(), [1, 65_535, 65_536, 7]);
        assert_eq!((column.get(1), column.get(2)), (65_535, 65_536));
    }
}
