//! The sizes of cells.

/// The smallest cell: an owner, a short key and a number.
const LEAST: usize = 32;
/// Cells are aligned so that what lies in them can be copied by words.
const ALIGN: usize = 8;

/// Sizes that divide a page nearly evenly, four for each doubling: at most a fifth of a cell is not used.
#[derive(Debug)]
pub(crate) struct Classes {
    /// Ascending.
    cells: Vec<u32>,
    page: usize,
}

impl Classes {
    pub(crate) fn new(page: usize) -> Self {
        let mut cells = Vec::new();
        let (mut parts, mut step, mut in_step) = (2_usize, 1, 0);
        loop {
            let cell = page / parts / ALIGN * ALIGN;
            if cell < LEAST {
                break;
            }
            if cells.last() != Some(&(cell as u32)) {
                cells.push(cell as u32);
            }
            parts += step;
            in_step += 1;
            // 2 3 | 4 5 6 7 | 8 10 12 14 | 16 20 24 28 | …
            if parts >= 8 && in_step >= 4 && parts.is_power_of_two() {
                step *= 2;
                in_step = 0;
            }
        }
        cells.reverse();
        Self { cells, page }
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(crate) fn page(&self) -> usize {
        self.page
    }

    /// The smallest class that holds so many bytes; `None` when they need a region of their own.
    pub(crate) fn of(&self, bytes: usize) -> Option<u8> {
        let class = self.cells.partition_point(|&cell| (cell as usize) < bytes);
        (class < self.cells.len()).then_some(class as u8)
    }

    pub(crate) fn cell(&self, class: u8) -> usize {
        self.cells[class as usize] as usize
    }

    /// Cells in a page.
    pub(crate) fn count(&self, class: u8) -> u32 {
        (self.page / self.cell(class)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waste_is_bounded_at_every_size() {
        for page in [16 << 10, 64 << 10, 256 << 10, 4 << 20] {
            let classes = Classes::new(page);
            assert!(classes.len() < 128);
            assert_eq!(classes.of(page / 2), Some(classes.len() as u8 - 1));
            assert_eq!(classes.of(page / 2 + 1), None);
            for bytes in (LEAST..=page / 2).step_by(7) {
                let class = classes.of(bytes).unwrap();
                let cell = classes.cell(class);
                assert!(cell >= bytes);
                assert_eq!(cell % ALIGN, 0);
                // The coarsest steps are from a third to a half of a page.
                let worst = if bytes > page / 4 { 3 } else { 5 };
                assert!(
                    (cell - bytes) * worst <= cell + worst * ALIGN,
                    "{bytes} in {cell}"
                );
            }
        }
    }
}
