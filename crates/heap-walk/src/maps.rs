//! V8's maps (hidden classes), each looked at and checked once.

use rustc_hash::FxHashMap;

use crate::heap::Heap;
use crate::layout::Layout;
use crate::shape::Shape;

/// Maps that the cache in front of the table holds: direct-mapped, by the bits above the alignment.
const CACHE: usize = 8_192;
/// Words that are no maps are remembered up to this number, so that garbage can't fill our memory.
const MAX_REJECTED: usize = 1 << 18;
/// No map.
pub(crate) const NO_MAP: u32 = u32::MAX;

/// What the walker needs of a map, in 24 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MapInfo {
    /// Its address.
    pub(crate) address: u64,
    pub(crate) instance_type: u16,
    pub(crate) words: u8,
    pub(crate) shape: Shape,
    /// It belongs to an object that is the prototype of others.
    pub(crate) of_prototype: bool,
    pub(crate) watch: Watch,
}

/// Objects that are looked at one by one when they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    /// The map tells enough.
    No,
    /// JavaScript objects that are prototypes: their class depends on themselves.
    Prototype,
    /// Closures are counted by function.
    Function,
    /// ArrayBuffers keep memory outside of the heap.
    Buffer,
    /// External strings do, too.
    ExternalString,
    /// The table of a WeakMap or WeakSet keeps values alive as long as their keys are.
    WeakCollection,
}

/// All maps met so far.
#[derive(Debug)]
pub(crate) struct MapTable {
    infos: Vec<MapInfo>,
    by_word: FxHashMap<u64, u32>,
    cache: Vec<(u64, u32)>,
    rejected: usize,
}

impl MapTable {
    pub(crate) fn new() -> Self {
        Self {
            infos: Vec::new(),
            by_word: FxHashMap::default(),
            cache: vec![(0, NO_MAP); CACHE],
            rejected: 0,
        }
    }

    #[inline]
    pub(crate) fn info(&self, index: u32) -> Option<&MapInfo> {
        self.infos.get(index as usize)
    }

    pub(crate) fn infos(&self) -> &[MapInfo] {
        &self.infos
    }

    /// The map of a word that was looked up before.
    #[inline]
    pub(crate) fn known(&self, word: u64) -> Option<&MapInfo> {
        self.info(self.known_index(word)?)
    }

    /// The number of the map of a word that was looked up before.
    #[inline]
    pub(crate) fn known_index(&self, word: u64) -> Option<u32> {
        let slot = (word >> 3) as usize & (CACHE - 1);
        let index = match self.cache.get(slot) {
            Some(&(cached, index)) if cached == word => index,
            _ => *self.by_word.get(&word)?,
        };
        (index != NO_MAP).then_some(index)
    }

    /// The map of the tagged word that stands first in an object; [`NO_MAP`] when it is none.
    #[inline]
    pub(crate) fn lookup(&mut self, heap: &Heap<'_>, layout: &Layout, word: u64) -> u32 {
        let slot = (word >> 3) as usize & (CACHE - 1);
        match self.cache.get(slot) {
            Some(&(cached, index)) if cached == word => index,
            _ => self.lookup_slowly(heap, layout, word, slot),
        }
    }

    fn lookup_slowly(&mut self, heap: &Heap<'_>, layout: &Layout, word: u64, slot: usize) -> u32 {
        let known = self.by_word.get(&word).copied();
        let index = known.unwrap_or_else(|| self.add(heap, layout, word));
        if let Some(entry) = self.cache.get_mut(slot) {
            *entry = (word, index);
        }
        index
    }

    fn add(&mut self, heap: &Heap<'_>, layout: &Layout, word: u64) -> u32 {
        let Some(info) = read(heap, layout, word) else {
            self.rejected += 1;
            if self.rejected <= MAX_REJECTED {
                self.by_word.insert(word, NO_MAP);
            }
            return NO_MAP;
        };
        let index = u32::try_from(self.infos.len()).unwrap_or(NO_MAP);
        self.infos.push(info);
        self.by_word.insert(word, index);
        index
    }
}

/// Reads a map: an object whose own map is a map whose map is itself, or (one native context's meta map) has such a
/// map.
pub(crate) fn read(heap: &Heap<'_>, layout: &Layout, word: u64) -> Option<MapInfo> {
    let offsets = &layout.offsets;
    let is_map = |address: u64| {
        heap.u16(address + offsets.map_instance_type as u64) == Some(layout.types.map)
    };
    let untag = |word: u64| (word & 7 == 1).then(|| word - 1);
    let address = untag(word)?;
    let meta = untag(heap.word(address)?)?;
    let meta_of_meta = untag(heap.word(meta)?)?;
    if !is_map(meta) || !is_map(meta_of_meta) {
        return None;
    }
    let instance_type = heap.u16(address + offsets.map_instance_type as u64)?;
    let words = heap.u8(address + offsets.map_instance_size as u64)?;
    // A map that is cut off by the end of its page is none.
    heap.word(address + offsets.map_descriptors as u64)?;
    let bits = heap.u32(address + offsets.map_bit_field3 as u64)?;
    let of_prototype = is_prototype_map(bits);
    let watch = if layout.is_function(instance_type) {
        Watch::Function
    } else if layout.is_js(instance_type) && of_prototype {
        Watch::Prototype
    } else if instance_type == layout.types.js_array_buffer {
        Watch::Buffer
    } else if [layout.types.js_weak_map, layout.types.js_weak_set].contains(&instance_type) {
        Watch::WeakCollection
    } else if layout.shape(instance_type) == Shape::ExternalString {
        Watch::ExternalString
    } else {
        Watch::No
    };
    Some(MapInfo {
        address,
        instance_type,
        words,
        shape: layout.shape(instance_type).of_map(instance_type, words),
        of_prototype,
        watch,
    })
}

/// Bit 20 of `bit_field3`, next to the one that says "dictionary map".
pub(crate) fn is_prototype_map(bit_field3: u32) -> bool {
    bit_field3 >> 20 & 1 == 1
}
