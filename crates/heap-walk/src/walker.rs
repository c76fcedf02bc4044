//! Marking: which objects are alive.
//!
//! A bit for each word of the pages that are reached, an explicit stack, the map of each object looked up once and
//! checked. An object is counted when it is taken from the stack; large arrays are walked in slices, so that the
//! stack doesn't grow by all their elements at once. The stack is bounded: what finds no room on it is left unmarked, and
//! the page that refers to it is walked once more when the stack is empty (the mark stack overflow of the Boehm
//! collector). Cost: some 50 ns an object; memory: 1/64 of the pages reached, and at most 8 MB of stack.

use rustc_hash::FxHashMap;

use crate::elf::{u32_at, u64_at};
use crate::heap::{Heap, Page};
use crate::layout::Layout;
use crate::maps::{MapInfo, MapTable, NO_MAP, Watch};
use crate::shape::Shape;
use crate::view::{Object, object_size};

/// Bytes of an array that are walked before what they refer to is.
const SLICE_BYTES: usize = 4_096;

/// Objects that may wait on the stack, in 16 bytes each.
const STACK_LIMIT: usize = 1 << 19;

/// Where the entries of an ephemeron table begin: after its length and three counts.
const EPHEMERONS_START: usize = 16 + 3 * 8;

/// Chains of tables that are longer than this have their values left out.
const MAX_EPHEMERON_ROUNDS: usize = 256;

/// Where a context has what belongs to it besides its variables: after its length, its scope and the scope around it.
const CONTEXT_EXTENSION: u64 = 16 + 2 * 8;

/// References with this pattern in their lower half point to nothing any more.
const CLEARED: u32 = 3;

/// How many objects, and how large they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Objects.
    pub count: u64,
    /// Their own bytes.
    pub bytes: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.bytes += other.bytes;
    }
}

/// What was counted of the objects of one map.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MapTally {
    /// All of them.
    pub(crate) all: Tally,
    /// Those in the young generation.
    pub(crate) young: Tally,
    /// Those that only a conservative root holds.
    pub(crate) doubtful: Tally,
    /// Those that an earlier census found at the same place.
    pub(crate) survived: Tally,
    /// One of them.
    pub(crate) example: u64,
}

impl MapTally {
    #[inline]
    pub(crate) fn add(&mut self, bytes: u64, young: bool, doubtful: bool) {
        self.all.add(bytes);
        if young {
            self.young.add(bytes);
        }
        if doubtful {
            self.doubtful.add(bytes);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.all.merge(other.all);
        self.young.merge(other.young);
        self.doubtful.merge(other.doubtful);
        self.survived.merge(other.survived);
    }
}

/// A reference to an object whose place was found: its page and its offset there.
#[derive(Clone, Copy, Debug)]
struct Pending {
    address: u64,
    /// Where to go on among its references.
    from: u32,
    map: u32,
}

/// Bits for the words of each page.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    pages: Vec<Vec<u64>>,
}

impl Marks {
    fn new(pages: usize) -> Self {
        Self {
            pages: vec![Vec::new(); pages],
        }
    }

    /// Sets a bit; false when it was set before.
    #[inline]
    fn set(&mut self, page: usize, word: usize, words: usize) -> bool {
        let Some(bits) = self.pages.get_mut(page) else {
            return false;
        };
        if bits.is_empty() {
            bits.resize(words.div_ceil(64), 0);
        }
        let Some(cell) = bits.get_mut(word >> 6) else {
            return false;
        };
        let bit = 1 << (word & 63);
        let new = *cell & bit == 0;
        *cell |= bit;
        new
    }

    fn clear(&mut self, page: usize, word: usize) {
        if let Some(cell) = self
            .pages
            .get_mut(page)
            .and_then(|bits| bits.get_mut(word >> 6))
        {
            *cell &= !(1 << (word & 63));
        }
    }

    #[inline]
    pub(crate) fn get(&self, page: usize, word: usize) -> bool {
        self.pages
            .get(page)
            .and_then(|bits| bits.get(word >> 6))
            .is_some_and(|cell| cell >> (word & 63) & 1 == 1)
    }

    /// The bits of a page, 64 words each; empty for a page that nothing was reached on.
    pub(crate) fn page(&self, page: usize) -> &[u64] {
        self.pages.get(page).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn memory(&self) -> usize {
        self.pages.iter().map(|p| p.len() * 8 + 24).sum()
    }
}

/// Which references keep an object alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Follow {
    /// Strong ones: what a garbage collection at this moment would leave, and no dead maps.
    #[default]
    Strong,
    /// Weak ones as well: as V8's snapshot sees a heap right after a collection.
    WeakToo,
}

/// The walker over one heap.
#[derive(Debug)]
pub(crate) struct Walker<'h, 'm> {
    pub(crate) heap: &'h Heap<'m>,
    pub(crate) layout: &'h Layout,
    pub(crate) maps: MapTable,
    pub(crate) marks: Marks,
    pub(crate) tallies: Vec<MapTally>,
    /// Objects that are prototypes: their class is asked for one by one.
    pub(crate) prototypes: Vec<u64>,
    /// Closures by their SharedFunctionInfo.
    pub(crate) functions: FxHashMap<u64, MapTally>,
    /// Whether they are counted by it, at 90 bytes for each that there is.
    counts_functions: bool,
    /// ArrayBuffers.
    pub(crate) buffers: Vec<u64>,
    /// Strings whose characters are outside of the heap.
    pub(crate) external_strings: Vec<u64>,
    stack: Vec<Pending>,
    stack_limit: usize,
    /// The page whose references are being visited.
    from_page: usize,
    /// Pages of which references are left: the stack was full.
    overflown: Vec<bool>,
    /// There are any.
    has_overflown: bool,
    /// The map of the tables behind WeakMaps, once one was met.
    ephemeron_map: u32,
    /// Tables whose values wait for their keys.
    ephemerons: Vec<u64>,
    follow: Follow,
    doubtful: bool,
    /// References that were followed.
    pub(crate) references: u64,
    /// Objects whose size could not be told, or went beyond their page.
    pub(crate) unsized_objects: u64,
    /// Those of them whose type a constant names.
    pub(crate) unsized_named: u64,
    /// The type of the last of them.
    pub(crate) unsized_type: u16,
    /// Objects that had no valid map: references that were none.
    pub(crate) false_references: u64,
    deepest: usize,
}

impl<'h, 'm> Walker<'h, 'm> {
    pub(crate) fn new(heap: &'h Heap<'m>, layout: &'h Layout, follow: Follow) -> Self {
        Self {
            heap,
            layout,
            maps: MapTable::new(),
            marks: Marks::new(heap.chunks().len()),
            tallies: Vec::new(),
            prototypes: Vec::new(),
            functions: FxHashMap::default(),
            counts_functions: true,
            buffers: Vec::new(),
            external_strings: Vec::new(),
            stack: Vec::new(),
            stack_limit: STACK_LIMIT,
            from_page: 0,
            overflown: vec![false; heap.chunks().len()],
            has_overflown: false,
            ephemeron_map: NO_MAP,
            ephemerons: Vec::new(),
            follow,
            doubtful: false,
            references: 0,
            unsized_objects: 0,
            unsized_named: 0,
            unsized_type: 0,
            false_references: 0,
            deepest: 0,
        }
    }

    /// For who does not ask what there is of each function.
    pub(crate) fn without_functions(mut self) -> Self {
        self.counts_functions = false;
        self
    }

    /// Gives back what only marking and a census need.
    pub(crate) fn rest(&mut self) {
        self.stack = Vec::new();
        self.ephemerons = Vec::new();
        self.prototypes = Vec::new();
        self.buffers = Vec::new();
        self.external_strings = Vec::new();
        self.functions = FxHashMap::default();
    }

    /// Whether what is reached from now on is held by conservative roots only.
    pub(crate) fn set_doubtful(&mut self, doubtful: bool) {
        self.doubtful = doubtful;
    }

    /// Bytes that marking took.
    pub(crate) fn memory(&self) -> usize {
        self.marks.memory() + self.deepest * size_of::<Pending>()
    }

    /// The map of a tagged word that refers to an object, if it does.
    pub(crate) fn peek(&mut self, word: u64) -> Option<(u64, MapInfo)> {
        let address = untag(word)?;
        let map = self.heap.word(address)?;
        let index = self.maps.lookup(self.heap, self.layout, map);
        Some((address, *self.maps.info(index)?))
    }

    /// Takes a word for a root, exact or not: it counts when it refers to an object with a valid map that is not
    /// free space. True when it did.
    pub(crate) fn visit_root(&mut self, word: u64) -> bool {
        if word & 7 != 1 {
            return false;
        }
        if self.stack.len() >= self.stack_limit {
            self.drain_stack();
        }
        match self.peek(word) {
            Some((_, map)) if !self.is_free(&map) => {
                self.visit(word);
                true
            }
            _ => false,
        }
    }

    /// The maps met, and how many objects of each.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&MapInfo, u64)> {
        let counts = self.tallies.iter().map(|tally| tally.all.count);
        self.maps.infos().iter().zip(counts)
    }

    fn is_free(&self, map: &MapInfo) -> bool {
        matches!(map.shape, Shape::FreeSpace { .. })
            || self.layout.type_name(map.instance_type) == "FILLER"
    }

    #[inline]
    fn visit(&mut self, word: u64) {
        if word & 2 != 0 && (self.follow == Follow::Strong || word as u32 == CLEARED) {
            return;
        }
        let address = word & !3;
        if address & 7 != 0 {
            return;
        }
        let Some(page) = self.heap.chunk_index(address) else {
            return;
        };
        let Some(chunk) = self.heap.chunks().get(page) else {
            return;
        };
        let word = chunk.offset(address) / 8;
        if self.stack.len() >= self.stack_limit {
            if !self.marks.get(page, word) {
                self.overflow();
            }
            return;
        }
        if self.marks.set(page, word, chunk.words()) {
            self.stack.push(Pending {
                address,
                from: 0,
                map: NO_MAP,
            });
        }
    }

    #[cold]
    fn overflow(&mut self) {
        if let Some(page) = self.overflown.get_mut(self.from_page) {
            *page = true;
            self.has_overflown = true;
        }
    }

    /// Walks until nothing is left to be done.
    pub(crate) fn drain(&mut self) {
        self.drain_stack();
        // A value may lead to another table's key: again until a round finds nothing new.
        for _ in 0..MAX_EPHEMERON_ROUNDS {
            let before = self.references;
            for index in 0..self.ephemerons.len() {
                self.visit_ephemerons(self.ephemerons[index]);
            }
            self.drain_stack();
            if self.references == before {
                break;
            }
        }
    }

    fn drain_stack(&mut self) {
        loop {
            while let Some(pending) = self.stack.pop() {
                self.deepest = self.deepest.max(self.stack.len() + 1);
                self.walk(pending);
            }
            if !std::mem::take(&mut self.has_overflown) {
                return;
            }
            for page in 0..self.overflown.len() {
                if std::mem::take(&mut self.overflown[page]) {
                    self.revisit(page);
                }
            }
        }
    }

    /// Visits once more what the marked objects of a page refer to. What has no room even now makes the page wait again.
    fn revisit(&mut self, page: usize) {
        let chunk = &self.heap.chunks()[page];
        for index in 0..self.marks.page(page).len() {
            // A copy: what is marked meanwhile on this page is visited when it comes from the stack.
            for bit in Bits(self.marks.page(page)[index]) {
                let offset = (index * 64 + bit as usize) * 8;
                let Some(bytes) = chunk.slice(offset, chunk.words() * 8 - offset) else {
                    continue;
                };
                let map = self.maps.lookup(self.heap, self.layout, u64_at(bytes, 0));
                let Some(&info) = self.maps.info(map) else {
                    continue;
                };
                self.from_page = page;
                self.visit(u64_at(bytes, 0));
                let is_table = self.follow == Follow::Strong && map == self.ephemeron_map;
                if !is_table && let Some(size) = object_size(self.heap, &info, bytes) {
                    let (start, end) = info.shape.references(bytes, size);
                    self.visit_range(&info, bytes, start, end);
                    self.visit_code(&info, bytes);
                }
                while let Some(pending) = self.stack.pop() {
                    self.walk(pending);
                }
            }
        }
    }

    /// Visits the references from `start` to `end` of an object.
    #[inline]
    fn visit_range(&mut self, info: &MapInfo, bytes: &[u8], start: usize, end: usize) {
        if self.follow == Follow::Strong
            && let Shape::FixedWeak { at, count } = info.shape
        {
            let weak = usize::from(at)..usize::from(at) + usize::from(count) * 8;
            for offset in (start..end)
                .step_by(8)
                .filter(|offset| !weak.contains(offset))
            {
                self.visit_if_tagged(u64_at(bytes, offset));
            }
            return;
        }
        let weak_links = self.follow == Follow::Strong && info.shape == Shape::NativeContext;
        for word in bytes.get(start..end).unwrap_or(&[]).chunks_exact(8) {
            let word = u64_at(word, 0);
            if !(weak_links && self.is_native_context(word)) {
                self.visit_if_tagged(word);
            }
        }
    }

    /// Whether a word refers to the global scope of a context. From another one that is the link of the list of all contexts,
    /// which keeps none alive.
    pub(crate) fn is_native_context(&self, word: u64) -> bool {
        let map = untag(word).and_then(|address| self.heap.word(address));
        let words = map.and_then(untag).map(|map| {
            let at = map + self.layout.offsets.map_instance_type as u64;
            self.heap.u16(at)
        });
        words.flatten() == Some(self.layout.types.native_context)
    }

    /// Visits the code of a function that names it by a handle.
    #[inline]
    fn visit_code(&mut self, info: &MapInfo, bytes: &[u8]) {
        if self.layout.row.code_by_handle
            && info.watch == Watch::Function
            && let Some(word) = self.code_by_handle(bytes)
        {
            self.references += 1;
            self.visit(word);
        }
    }

    /// The code that the handle of a function leads to, when it is code.
    pub(crate) fn code_by_handle(&self, function: &[u8]) -> Option<u64> {
        if !self.layout.row.code_by_handle {
            return None;
        }
        let at = self.layout.offsets.function_shared.checked_sub(8)?;
        let handle = u32_at(function.get(at..at + 4)?, 0);
        let word = self.heap.code_of_handle(handle)?;
        let map = self.heap.word(untag(word)?).and_then(untag)?;
        let at = map + self.layout.offsets.map_instance_type as u64;
        (self.heap.u16(at)? == self.layout.types.code).then_some(word)
    }

    /// Visits the values of a table whose keys are alive.
    fn visit_ephemerons(&mut self, table: u64) {
        let Some(bytes) = self.bytes(table) else {
            return;
        };
        let length = crate::shape::smi_at(bytes, 8).unwrap_or(0);
        let entries = bytes
            .get(EPHEMERONS_START..16 + length.saturating_mul(8))
            .unwrap_or(&[]);
        for entry in entries.chunks_exact(16) {
            let (key, value) = (u64_at(entry, 0), u64_at(entry, 8));
            if value & 1 == 1 && self.is_marked(key) && !self.is_marked(value) {
                self.references += 1;
                self.visit(value);
            }
        }
    }

    /// The global object of a context: the one that it has for its extension.
    pub(crate) fn global_of(&self, context: u64) -> Option<u64> {
        let global = self.heap.word(untag(context)? + CONTEXT_EXTENSION)?;
        let map = self.heap.word(untag(global)?)?;
        let known = self.maps.known(map)?;
        (known.instance_type == self.layout.types.js_global_object).then_some(global)
    }

    fn bytes(&self, address: u64) -> Option<&'h [u8]> {
        let chunk = self.heap.chunks().get(self.heap.chunk_index(address)?)?;
        let offset = chunk.offset(address);
        chunk.slice(offset, chunk.words() * 8 - offset)
    }

    /// Whether the object that a word refers to was reached.
    pub(crate) fn is_marked(&self, word: u64) -> bool {
        untag(word)
            .and_then(|address| Some((address, self.heap.chunk_index(address)?)))
            .is_some_and(|(address, page)| {
                self.marks
                    .get(page, self.heap.chunks()[page].offset(address) / 8)
            })
    }

    fn walk(&mut self, pending: Pending) {
        let address = pending.address;
        let Some(page) = self.heap.chunk_index(address) else {
            return;
        };
        let chunk = &self.heap.chunks()[page];
        let offset = chunk.offset(address);
        let Some(bytes) = chunk.slice(offset, chunk.words() * 8 - offset) else {
            return;
        };
        let map_word = u64_at(bytes, 0);
        let index = match pending.map {
            NO_MAP => self.maps.lookup(self.heap, self.layout, map_word),
            known => known,
        };
        self.from_page = page;
        let Some(&info) = self.maps.info(index) else {
            self.marks.clear(page, offset / 8);
            self.false_references += 1;
            return;
        };
        let Some(size) = object_size(self.heap, &info, bytes) else {
            let is_named = !self.layout.type_name(info.instance_type).is_empty();
            self.unsized_objects += 1;
            self.unsized_named += u64::from(is_named);
            self.unsized_type = info.instance_type;
            self.visit(map_word);
            return;
        };
        let (start, end) = info.shape.references(bytes, size);
        let start = start.max(pending.from as usize);
        if pending.from == 0 {
            self.count(index, &info, address, size as u64, chunk.page.is_young());
            self.visit(map_word);
            self.visit_code(&info, bytes);
        }
        if self.follow == Follow::Strong && index == self.ephemeron_map {
            self.ephemerons.push(address);
            return;
        }
        let stop = end.min(start + SLICE_BYTES);
        if stop < end
            && let Ok(from) = u32::try_from(stop)
        {
            self.stack.push(Pending {
                address,
                from,
                map: index,
            });
        }
        self.visit_range(&info, bytes, start, stop);
    }

    #[inline]
    fn visit_if_tagged(&mut self, word: u64) {
        if word & 1 == 1 {
            self.references += 1;
            self.visit(word);
        }
    }

    #[inline]
    fn count(&mut self, map: u32, info: &MapInfo, address: u64, bytes: u64, young: bool) {
        if self.tallies.len() <= map as usize {
            self.tallies
                .resize(self.maps.infos().len(), MapTally::default());
        }
        let doubtful = self.doubtful;
        if let Some(tally) = self.tallies.get_mut(map as usize) {
            tally.add(bytes, young, doubtful);
            tally.example = address;
        }
        match info.watch {
            Watch::No => {}
            Watch::Prototype => self.prototypes.push(address),
            Watch::Buffer => self.buffers.push(address),
            Watch::ExternalString => self.external_strings.push(address),
            Watch::WeakCollection => self.learn_ephemeron_map(address),
            Watch::Function if !self.counts_functions => {}
            Watch::Function => {
                let at = address + self.layout.offsets.function_shared as u64;
                let shared = self.heap.word(at).unwrap_or(0);
                self.functions
                    .entry(shared)
                    .or_default()
                    .add(bytes, young, doubtful);
            }
        }
    }
}

impl Walker<'_, '_> {
    fn learn_ephemeron_map(&mut self, collection: u64) {
        let at = collection + self.layout.offsets.internal_fields as u64;
        if self.ephemeron_map == NO_MAP
            && let Some(table) = self.heap.word(at).and_then(untag)
            && let Some(map) = self.heap.word(table)
        {
            self.ephemeron_map = self.maps.lookup(self.heap, self.layout, map);
        }
    }
}

/// The marked objects of some pages by address, with the number of the page.
pub(crate) fn objects_by_page<'a>(
    walker: &'a Walker<'_, '_>,
    takes: impl Fn(&Page) -> bool + 'a,
) -> impl Iterator<Item = (usize, Object)> + 'a {
    sampled_objects(walker, 1, takes)
}

/// Of each run of so many cells of marks, which are 512 bytes each, the objects of the first.
pub(crate) fn sampled_objects<'a>(
    walker: &'a Walker<'_, '_>,
    cells_in_run: usize,
    takes: impl Fn(&Page) -> bool + 'a,
) -> impl Iterator<Item = (usize, Object)> + 'a {
    let chunks = walker.heap.chunks().iter().enumerate();
    chunks
        .filter(move |(_, chunk)| takes(&chunk.page))
        .flat_map(move |(page, chunk)| {
            let cells = walker.marks.page(page);
            let sampled = cells.iter().enumerate().step_by(cells_in_run);
            sampled.flat_map(move |(index, &bits)| {
                Bits(bits).filter_map(move |bit| {
                    let address = chunk.page.start + (index as u64 * 64 + u64::from(bit)) * 8;
                    let word = walker.heap.word(address)?;
                    let map = *walker.maps.known(word)?;
                    Some((page, Object { address, map }))
                })
            })
        })
}

/// The numbers of the bits that are set.
pub(crate) struct Bits(pub(crate) u64);

impl Iterator for Bits {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

/// The address that a tagged word refers to, strongly or weakly.
#[inline]
pub(crate) fn untag(word: u64) -> Option<u64> {
    let address = word & !3;
    (word & 1 == 1 && address & 7 == 0).then_some(address)
}

#[cfg(test)]
mod tests;
