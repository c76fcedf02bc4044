//! Pages of equal cells. Entries are found through their slots, so cells may be moved: a page whose cells fit into
//! others of its class is emptied and given to another class, or back to the system, which bounds fragmentation.

use std::sync::Arc;

use crate::budget::Budget;
use crate::classes::Classes;
use crate::region::{Refusal, Region};

/// In the first word of a cell that is free; the rest of the word is the next free cell.
const FREE: u32 = 1 << 31;
const NO_CELL: u32 = FREE - 1;
/// The place of a page that is not in the list of its class: full, or about to be emptied.
const UNLISTED: u32 = u32::MAX;
/// The share of a page whose entries may be evicted to get the page.
const SACRIFICE: usize = 8;
/// The first word of a cell is the slot of the entry in it.
pub(crate) const OWNER_BYTES: usize = 4;

#[derive(Debug)]
struct Page {
    region: Region,
    class: u8,
    live: u32,
    free: u32,
    /// Cells from here on were never used.
    fresh: u32,
    place: u32,
}

#[derive(Debug)]
pub(crate) struct Arena {
    budget: Arc<Budget>,
    classes: Arc<Classes>,
    cell_bits: u32,
    pages: Vec<Option<Page>>,
    vacant: Vec<u32>,
    /// By class: pages with a free cell.
    partial: Vec<Vec<u32>>,
    /// By class: free cells in all its pages.
    free: Vec<u32>,
    /// One empty page is kept, so that a cell that comes and goes does not cost a system call each time.
    spare: Option<Region>,
}

impl Arena {
    pub(crate) fn new(budget: Arc<Budget>, classes: Arc<Classes>) -> Self {
        let most = classes.count(0).next_power_of_two();
        Self {
            budget,
            cell_bits: most.trailing_zeros(),
            pages: Vec::new(),
            vacant: Vec::new(),
            partial: vec![Vec::new(); classes.len()],
            free: vec![0; classes.len()],
            spare: None,
            classes,
        }
    }

    /// A cell for the entry of `owner`. `Err(Budget)` asks the caller to give something up.
    pub(crate) fn take(&mut self, class: u8, owner: u32) -> Result<u32, Refusal> {
        if self.partial[class as usize].is_empty() {
            self.add_page(class)?;
        }
        self.take_listed(class, owner).ok_or(Refusal::Budget)
    }

    /// A cell in a page that is there.
    fn take_listed(&mut self, class: u8, owner: u32) -> Option<u32> {
        let number = *self.partial[class as usize].last()?;
        let count = self.classes.count(class);
        let page = self.pages[number as usize].as_mut()?;
        let cell = if page.free == NO_CELL {
            page.fresh += 1;
            page.fresh - 1
        } else {
            page.free
        };
        page.live += 1;
        let address = (number << self.cell_bits) | cell;
        let full = page.live == count;
        let reused = page.free != NO_CELL;
        let next = if reused {
            self.word(address) & !FREE
        } else {
            NO_CELL
        };
        if let Some(page) = self.pages[number as usize].as_mut() {
            page.free = next;
        }
        self.set_word(address, owner);
        self.free[class as usize] -= 1;
        if full {
            self.unlist(number);
        }
        Some(address)
    }

    pub(crate) fn release(&mut self, address: u32) {
        let number = address >> self.cell_bits;
        let Some(page) = self.pages[number as usize].as_mut() else {
            return;
        };
        let class = page.class;
        let next = std::mem::replace(&mut page.free, address & ((1 << self.cell_bits) - 1));
        page.live -= 1;
        let empty = page.live == 0;
        let listed = page.place != UNLISTED;
        let was_full = page.live + 1 == self.classes.count(class);
        self.set_word(address, FREE | next);
        self.free[class as usize] += 1;
        if empty {
            self.remove_page(number);
        } else if was_full && !listed {
            self.list(number);
        }
    }

    /// The page that costs least to get for another use, or `None` when no class has about a page of free cells.
    /// It is taken from its list: whoever asked moves or evicts what is in it.
    pub(crate) fn detach_sparse_page(&mut self) -> Option<u32> {
        let class = (0..self.classes.len() as u8).find(|&class| {
            let free = self.free[class as usize];
            // What does not fit into the other pages of the class, whichever page is taken.
            let homeless = self.classes.count(class).saturating_sub(free) as usize;
            free > 0 && homeless * self.classes.cell(class) <= self.classes.page() / SACRIFICE
        })?;
        let number = *self.partial[class as usize].iter().min_by_key(|&&number| {
            self.pages[number as usize]
                .as_ref()
                .map_or(u32::MAX, |page| page.live)
        })?;
        self.unlist(number);
        Some(number)
    }

    /// The owners of the cells of a page.
    pub(crate) fn owners(&self, number: u32) -> Vec<u32> {
        let Some(page) = &self.pages[number as usize] else {
            return Vec::new();
        };
        (0..page.fresh)
            .map(|cell| self.word((number << self.cell_bits) | cell))
            .filter(|word| word & FREE == 0)
            .collect()
    }

    /// Moves a cell into another page of its class, if one has room; the page that it leaves must be detached.
    pub(crate) fn relocate(&mut self, from: u32, owner: u32) -> Option<u32> {
        let class = self.pages[(from >> self.cell_bits) as usize]
            .as_ref()?
            .class;
        let to = self.take_listed(class, owner)?;
        let bytes = self.classes.cell(class);
        // SAFETY: both cells are of this class, within their pages, and different, as the page of `from` is not in
        // the list that `to` was taken from. `&mut self` excludes every other access.
        unsafe { std::ptr::copy_nonoverlapping(self.at(from), self.at(to), bytes) };
        self.release(from);
        Some(to)
    }

    /// What lies in a cell after its owner. `len` of both are those that were written.
    pub(crate) fn read(&self, address: u32, offset: usize, len: usize) -> &[u8] {
        debug_assert!(OWNER_BYTES + offset + len <= self.cell_bytes(address));
        // SAFETY: within the cell (callers pass lengths that the slot holds, which the cell's class was chosen by),
        // initialised (mappings are zeroed), and not written while `&self` lives: writers need `&mut self`.
        unsafe { std::slice::from_raw_parts(self.at(address).add(OWNER_BYTES + offset), len) }
    }

    /// Writes into a cell after its owner.
    pub(crate) fn write(&mut self, address: u32, offset: usize, bytes: &[u8]) {
        assert!(OWNER_BYTES + offset + bytes.len() <= self.cell_bytes(address));
        // SAFETY: within the cell, as asserted; `&mut self` excludes every other access.
        unsafe {
            let to = self.at(address).add(OWNER_BYTES + offset);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
    }

    /// Says that the entry in a cell has another slot now.
    pub(crate) fn set_owner(&mut self, address: u32, owner: u32) {
        self.set_word(address, owner);
    }

    /// Gives the empty page back; answers whether there was one.
    pub(crate) fn drop_spare(&mut self) -> bool {
        self.spare.take().is_some()
    }

    pub(crate) fn clear(&mut self) {
        self.pages = Vec::new();
        self.vacant = Vec::new();
        self.partial = vec![Vec::new(); self.classes.len()];
        self.free = vec![0; self.classes.len()];
        self.spare = None;
    }

    fn add_page(&mut self, class: u8) -> Result<(), Refusal> {
        let number = match self.vacant.last() {
            Some(&number) => number,
            None => self.pages.len() as u32,
        };
        // Addresses have 32 bits; this bounds a shard to 64 GiB and more.
        if u64::from(number) >= 1 << (32 - self.cell_bits) {
            return Err(Refusal::Budget);
        }
        let region = match self.spare.take() {
            Some(region) => region,
            None => Region::new(&self.budget, self.classes.page())?,
        };
        let page = Page {
            region,
            class,
            live: 0,
            free: NO_CELL,
            fresh: 0,
            place: UNLISTED,
        };
        if self.vacant.pop().is_some() {
            self.pages[number as usize] = Some(page);
        } else {
            self.pages.push(Some(page));
        }
        self.free[class as usize] += self.classes.count(class);
        self.list(number);
        Ok(())
    }

    fn remove_page(&mut self, number: u32) {
        self.unlist(number);
        let Some(page) = self.pages[number as usize].take() else {
            return;
        };
        self.free[page.class as usize] -= self.classes.count(page.class);
        self.vacant.push(number);
        if self.spare.is_none() {
            self.spare = Some(page.region);
        }
    }

    fn list(&mut self, number: u32) {
        if let Some(page) = self.pages[number as usize].as_mut() {
            let list = &mut self.partial[page.class as usize];
            page.place = list.len() as u32;
            list.push(number);
        }
    }

    fn unlist(&mut self, number: u32) {
        let Some(page) = self.pages[number as usize].as_mut() else {
            return;
        };
        let place = std::mem::replace(&mut page.place, UNLISTED);
        if place == UNLISTED {
            return;
        }
        let list = &mut self.partial[page.class as usize];
        list.swap_remove(place as usize);
        if let Some(&moved) = list.get(place as usize)
            && let Some(moved) = self.pages[moved as usize].as_mut()
        {
            moved.place = place;
        }
    }

    fn cell_bytes(&self, address: u32) -> usize {
        self.pages[(address >> self.cell_bits) as usize]
            .as_ref()
            .map_or(0, |page| self.classes.cell(page.class))
    }

    /// The first byte of a cell. Panics when there is no such page: an address comes from `take` only.
    fn at(&self, address: u32) -> *mut u8 {
        let page = self.pages[(address >> self.cell_bits) as usize].as_ref();
        let cell = (address & ((1 << self.cell_bits) - 1)) as usize;
        let base = page.map_or(std::ptr::null_mut(), |page| page.region.base());
        let size = page.map_or(0, |page| self.classes.cell(page.class));
        assert!(!base.is_null() && (cell + 1) * size <= self.classes.page());
        // SAFETY: the cell lies within the page, as asserted.
        unsafe { base.add(cell * size) }
    }

    fn word(&self, address: u32) -> u32 {
        // SAFETY: `at` answers the first byte of a cell, which is aligned to 8 and at least that long.
        unsafe { self.at(address).cast::<u32>().read() }
    }

    fn set_word(&mut self, address: u32, word: u32) {
        // SAFETY: as for `word`; `&mut self` excludes every other access.
        unsafe { self.at(address).cast::<u32>().write(word) }
    }
}
