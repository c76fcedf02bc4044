//! A column of numbers that fit four bytes nearly always.

use super::near::NearColumn;

/// Four bytes a number, or eight from the moment that one needs them; two for addresses in their order.
#[derive(Clone, Debug)]
pub(crate) enum WideColumn {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
    Near(NearColumn),
}

impl Default for WideColumn {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl WideColumn {
    /// A column of narrow numbers, in which those at `exceptions` are other, wider ones.
    pub(crate) fn with_exceptions(narrow: Vec<u32>, exceptions: &[(u32, u64)]) -> Self {
        if exceptions.is_empty() {
            return Self::Narrow(narrow);
        }
        let mut wide: Vec<u64> = narrow.into_iter().map(u64::from).collect();
        for &(at, value) in exceptions {
            if let Some(slot) = wide.get_mut(at as usize) {
                *slot = value;
            }
        }
        Self::Wide(wide)
    }

    pub(crate) fn push(&mut self, value: u64) {
        match (&mut *self, u32::try_from(value)) {
            (Self::Narrow(values), Ok(value)) => values.push(value),
            (Self::Wide(values), _) => values.push(value),
            (Self::Near(values), _) => {
                if !values.push(value) {
                    let mut wide = Vec::with_capacity(values.capacity());
                    wide.extend(values.iter());
                    wide.push(value);
                    *self = Self::Wide(wide);
                }
            }
            (Self::Narrow(values), Err(_)) => {
                let mut wide: Vec<u64> = values.iter().map(|&value| u64::from(value)).collect();
                wide.push(value);
                *self = Self::Wide(wide);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Narrow(values) => values.len(),
            Self::Wide(values) => values.len(),
            Self::Near(values) => values.len(),
        }
    }

    /// Where the first number of this value is.
    pub(crate) fn position(&self, value: u64) -> Option<usize> {
        match self {
            Self::Narrow(values) => {
                let value = u32::try_from(value).ok()?;
                values.iter().position(|&other| other == value)
            }
            Self::Wide(values) => values.iter().position(|&other| other == value),
            Self::Near(values) => values.position(value),
        }
    }

    /// How many numbers at the front something is true of, in a column in which it is true of none behind the first
    /// that it is not true of.
    pub(crate) fn partition_point(&self, is_before: impl Fn(u64) -> bool) -> usize {
        match self {
            Self::Narrow(values) => values.partition_point(|&value| is_before(value.into())),
            Self::Wide(values) => values.partition_point(|&value| is_before(value)),
            Self::Near(values) => values.iter().take_while(|&value| is_before(value)).count(),
        }
    }

    pub(crate) fn shrink(&mut self) {
        match self {
            Self::Narrow(values) => values.shrink_to_fit(),
            Self::Wide(values) => values.shrink_to_fit(),
            Self::Near(values) => values.shrink(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> u64 {
        match self {
            Self::Narrow(values) => u64::from(values[at]),
            Self::Wide(values) => values[at],
            Self::Near(values) => values.get(at),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Narrow(values) => values.capacity() * 4,
            Self::Wide(values) => values.capacity() * 8,
            Self::Near(values) => values.heap_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widens_when_a_number_needs_it() {
        let mut column = WideColumn::default();
        column.push(7);
        assert!(matches!(column, WideColumn::Narrow(_)));
        column.push(1 << 40);
        column.push(8);
        assert_eq!(
            [column.get(0), column.get(1), column.get(2)],
            [7, 1 << 40, 8]
        );

        let mut column = WideColumn::Near(NearColumn::default());
        let strewn: Vec<u64> = (1..5_000).map(|it| it * 1_000_001).collect();
        strewn.iter().for_each(|&it| column.push(it));
        assert!(matches!(column, WideColumn::Wide(_)));
        assert!(
            strewn
                .iter()
                .enumerate()
                .all(|(at, &it)| column.get(at) == it && column.position(it) == Some(at))
        );

        let column = WideColumn::with_exceptions(vec![1, u32::MAX, 3], &[(1, 1 << 33)]);
        assert_eq!(
            [column.get(0), column.get(1), column.get(2)],
            [1, 1 << 33, 3]
        );
    }
}
