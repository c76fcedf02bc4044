//! A column of numbers most of which are little above the one before: addresses of objects, page by page.

/// How far apart the numbers of a run are, or a multiple of it: words of a heap.
const STEP: u64 = 8;
/// Beyond so many runs for each number, eight bytes a number are less: a run takes 16.
const MOST_RUNS_PART: usize = 4;

/// Two bytes a number, and 16 for each run of numbers that are multiples of 8 above its first, less than half a megabyte.
#[derive(Clone, Debug, Default)]
pub(crate) struct NearColumn {
    steps: Vec<u16>,
    runs: Vec<Run>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    /// The index of its first number.
    from: u32,
    base: u64,
}

impl Run {
    fn steps_to(&self, value: u64) -> Option<u16> {
        let above = value.checked_sub(self.base)?;
        let steps = above.is_multiple_of(STEP).then_some(above / STEP)?;
        u16::try_from(steps).ok()
    }
}

impl NearColumn {
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self {
            steps: Vec::with_capacity(count),
            runs: Vec::new(),
        }
    }

    /// Adds a number; false if there are too many runs for this to be the smaller form, or if it cannot be one: nothing is added then.
    pub(crate) fn push(&mut self, value: u64) -> bool {
        if let Some(steps) = self.runs.last().and_then(|run| run.steps_to(value)) {
            self.steps.push(steps);
            return true;
        }
        let Ok(from) = u32::try_from(self.steps.len()) else {
            return false;
        };
        if self.runs.len() > 1_024 + self.steps.len() / MOST_RUNS_PART {
            return false;
        }
        self.runs.push(Run { from, base: value });
        self.steps.push(0);
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.steps.capacity()
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> u64 {
        let steps = self.steps[at];
        let run = self.runs.partition_point(|run| run.from as usize <= at) - 1;
        self.runs[run].base + u64::from(steps) * STEP
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.runs.iter().enumerate().flat_map(|(at, run)| {
            self.steps[self.range(at)]
                .iter()
                .map(|&steps| run.base + u64::from(steps) * STEP)
        })
    }

    /// Where the first number of this value is: looks through the runs, and through those alone that may have it.
    pub(crate) fn position(&self, value: u64) -> Option<usize> {
        let runs = self.runs.iter().enumerate();
        runs.filter_map(|(at, run)| Some((at, run.steps_to(value)?)))
            .find_map(|(at, steps)| {
                let range = self.range(at);
                let found = self.steps[range.clone()].iter().position(|&it| it == steps);
                found.map(|found| range.start + found)
            })
    }

    pub(crate) fn shrink(&mut self) {
        self.steps.shrink_to_fit();
        self.runs.shrink_to_fit();
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.steps.capacity() * 2 + self.runs.capacity() * size_of::<Run>()
    }

    /// The numbers of a run.
    fn range(&self, run: usize) -> std::ops::Range<usize> {
        let end = self.runs.get(run + 1);
        self.runs[run].from as usize..end.map_or(self.steps.len(), |next| next.from as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_page_by_page() {
        let addresses = [
            1,
            3,
            0x7f00_0004_0010,
            0x7f00_0004_0028,
            0x7f00_0007_fff8,
            0x7f00_000b_fff8,
            // Half a megabyte further, one that is no word, one before.
            0x7f00_0013_fff8,
            0x7f00_0013_fff9,
            0x10,
            u64::MAX,
        ];
        let mut column = NearColumn::with_capacity(addresses.len());
        assert!(addresses.iter().all(|&address| column.push(address)));
        assert_eq!(column.iter().collect::<Vec<_>>(), addresses);
        for (at, &address) in addresses.iter().enumerate() {
            assert_eq!(
                (column.get(at), column.position(address)),
                (address, Some(at))
            );
        }
        assert_eq!(column.position(0x7f00_0004_0018), None);
        assert_eq!((column.len(), column.runs.len()), (10, 7));
    }

    #[test]
    fn numbers_that_are_not_near_are_refused_in_the_end() {
        let mut column = NearColumn::default();
        let taken = (0..10_000_u64)
            .take_while(|at| column.push(at.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .count();
        assert_eq!((column.len(), column.iter().count()), (taken, taken));
        assert!((1_024..2_000).contains(&taken), "{taken}");
    }
}
