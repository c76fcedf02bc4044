//! Looking at single objects: strings, symbols, properties.

use std::borrow::Cow;

use crate::elf::u64_at;
use crate::heap::Heap;
use crate::layout::Layout;
use crate::maps::{self, MapInfo, MapTable};
use crate::shape::{Shape, smi_at};
use crate::source::MemorySource;
use crate::walker::untag;

/// Strings of strings (cons, sliced, thin) are followed so many times.
pub(crate) const MAX_STRING_PIECES: usize = 10_000;

/// Where a symbol's flags are.
const SYMBOL_FLAGS: u64 = 12;

/// A heap with the knowledge of how to read it, and where characters outside of it are to be had.
#[derive(Clone, Copy)]
pub(crate) struct View<'h, 'm> {
    pub(crate) heap: &'h Heap<'m>,
    pub(crate) layout: &'h Layout,
    pub(crate) outside: &'h dyn MemorySource,
    /// Maps that a walk has looked at and checked: these need not be checked once more.
    pub(crate) known: Option<&'h MapTable>,
}

/// An object: its address and its map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object {
    pub(crate) address: u64,
    pub(crate) map: MapInfo,
}

impl Object {
    pub(crate) fn instance_type(&self) -> u16 {
        self.map.instance_type
    }
}

/// Where the value of a property is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the object, at this offset.
    InObject(usize),
    /// In its property array, at this index.
    OutOfObject(usize),
    /// In the descriptor, shared by all objects of this map.
    Constant(u64),
}

/// A property of a map, as its descriptor tells it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptor {
    /// The name: a string or a symbol.
    pub(crate) key: u64,
    pub(crate) place: Place,
    /// Its value is an AccessorPair (or, for V8's own such as an array's `length`, an AccessorInfo).
    pub(crate) accessor: bool,
    /// It holds a number.
    pub(crate) numeric: bool,
}

impl<'h> View<'h, '_> {
    /// The object that a tagged word refers to.
    pub(crate) fn object(&self, word: u64) -> Option<Object> {
        let address = untag(word)?;
        let map = self.heap.word(address)?;
        let known = self.known.and_then(|maps| maps.known(map).copied());
        let map = known.or_else(|| maps::read(self.heap, self.layout, map))?;
        Some(Object { address, map })
    }

    /// The object in a field of another.
    pub(crate) fn field(&self, object: &Object, offset: usize) -> Option<Object> {
        self.object(self.heap.word(object.address + offset as u64)?)
    }

    pub(crate) fn field_word(&self, address: u64, offset: usize) -> Option<u64> {
        self.heap.word(address + offset as u64)
    }

    /// Whether an object stands in memory that isolates share.
    pub(crate) fn is_read_only(&self, address: u64) -> bool {
        let page = self.heap.chunk_index(address);
        page.and_then(|page| self.heap.chunks().get(page))
            .is_some_and(|chunk| chunk.page.heap == 0)
    }

    /// All bytes of an object from its beginning, as far as its page has them.
    pub(crate) fn bytes(&self, address: u64) -> Option<&'h [u8]> {
        let page = self.heap.chunk_index(address)?;
        let chunk = self.heap.chunks().get(page)?;
        let offset = chunk.offset(address);
        chunk.slice(offset, chunk.words() * 8 - offset)
    }

    /// The elements of an array whose length is the Smi at 8, as far as its page has them.
    pub(crate) fn elements(&self, array: &Object, header: usize) -> &'h [u8] {
        let Some(bytes) = self.bytes(array.address) else {
            return &[];
        };
        let length = smi_at(bytes, 8).unwrap_or(0);
        let end = header
            .saturating_add(length.saturating_mul(8))
            .min(bytes.len());
        bytes.get(header..end).unwrap_or(&[])
    }

    /// The first `limit` characters of a string; of a symbol, its description.
    pub(crate) fn text(&self, word: u64, limit: usize) -> Option<String> {
        let object = self.object(word)?;
        if object.instance_type() == self.layout.types.symbol {
            let offset = self.layout.offsets.symbol_name;
            return self.string(self.heap.word(object.address + offset as u64)?, limit);
        }
        self.string(word, limit)
    }

    /// The first `limit` characters of a string.
    pub(crate) fn string(&self, word: u64, limit: usize) -> Option<String> {
        self.string_of_pieces(word, limit, MAX_STRING_PIECES)
    }

    /// The same, of a string that may be one of millions: one that was put together piece by piece is as deep as it has pieces, and
    /// its first characters are at the very bottom. Beyond `most_pieces` nothing is read.
    pub(crate) fn string_of_pieces(
        &self,
        word: u64,
        limit: usize,
        most_pieces: usize,
    ) -> Option<String> {
        let object = self.object(word)?;
        if !self.layout.is_string(object.instance_type()) {
            return None;
        }
        let mut text = String::new();
        self.pieces(word, limit, most_pieces, &mut |piece: &[u8], wide: bool| {
            if wide {
                let units = piece
                    .chunks_exact(2)
                    .map(|c| u16::from_le_bytes([c[0], c[1]]));
                text.extend(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')));
            } else {
                text.extend(piece.iter().map(|&b| char::from(b)));
            }
        });
        Some(text)
    }

    /// The first `limit` characters of a string that is flat, or put together of two that are, and all of whose characters are
    /// ASCII: what nearly all strings are, without memory asked for. False, with anything in `text`, for others.
    pub(crate) fn plain_text(
        &self,
        string: &Object,
        bytes: &[u8],
        limit: usize,
        text: &mut String,
    ) -> bool {
        text.clear();
        match string.instance_type() & 7 {
            0 => self.add_flat(string, bytes, limit, text),
            1 if bytes.len() >= 32 => [16, 24].into_iter().all(|at| {
                let Some(part) = self.object(u64_at(bytes, at)) else {
                    return false;
                };
                let rest = limit - text.len();
                self.bytes(part.address)
                    .is_some_and(|bytes| self.add_flat(&part, bytes, rest, text))
            }),
            _ => false,
        }
    }

    /// Adds up to `limit` characters of a flat string of ASCII; false if it is none.
    fn add_flat(&self, string: &Object, bytes: &[u8], limit: usize, text: &mut String) -> bool {
        let kind = string.instance_type();
        if !self.layout.is_string(kind) || kind & 7 != 0 || kind & 8 == 0 || bytes.len() < 24 {
            return false;
        }
        let offsets = &self.layout.offsets;
        let length = crate::elf::u32_at(bytes, offsets.string_length) as usize;
        let start = offsets.string_chars;
        let characters = bytes.get(start..start + length.min(limit));
        let characters = characters.filter(|it| it.is_ascii());
        match characters.and_then(|it| std::str::from_utf8(it).ok()) {
            Some(characters) => {
                text.push_str(characters);
                true
            }
            None => false,
        }
    }

    /// Gives the characters of a string, piece by piece, up to `limit` of them: bytes of Latin-1 or 16-bit units.
    pub(crate) fn pieces(
        &self,
        word: u64,
        limit: usize,
        most_pieces: usize,
        give: &mut dyn FnMut(&[u8], bool),
    ) {
        // (string, skip, take)
        let mut todo = vec![(word, 0_usize, limit)];
        for _ in 0..most_pieces {
            let Some((word, skip, take)) = todo.pop() else {
                return;
            };
            let Some(object) = self.object(word) else {
                continue;
            };
            let kind = object.instance_type();
            let Some(bytes) = self.bytes(object.address) else {
                continue;
            };
            if !self.layout.is_string(kind) || bytes.len() < 24 {
                continue;
            }
            let offsets = &self.layout.offsets;
            let length = crate::elf::u32_at(bytes, offsets.string_length) as usize;
            let take = take.min(length.saturating_sub(skip));
            if take == 0 {
                continue;
            }
            let wide = kind & 8 == 0;
            let width = if wide { 2 } else { 1 };
            match kind & 7 {
                0 => {
                    let start = offsets.string_chars + skip * width;
                    if let Some(chars) = bytes.get(start..start + take * width) {
                        give(chars, wide);
                    }
                }
                1 => {
                    let (first, second) = (u64_at(bytes, 16), u64_at(bytes, 24));
                    let first_length = self.string_length(first);
                    let of_first = take.min(first_length.saturating_sub(skip));
                    if of_first < take {
                        let skip = skip.saturating_sub(first_length);
                        todo.push((second, skip, take - of_first));
                    }
                    if of_first > 0 {
                        todo.push((first, skip, of_first));
                    }
                }
                3 => {
                    let start = smi_at(bytes, 24).unwrap_or(0);
                    todo.push((u64_at(bytes, 16), skip.saturating_add(start), take));
                }
                5 => todo.push((u64_at(bytes, 16), skip, take)),
                // External: the characters are behind the pointer, unless it is not cached.
                2 if object.map.words >= 4 => {
                    let start = u64_at(bytes, 24).wrapping_add((skip * width) as u64);
                    let mut chars = vec![0; take * width];
                    if self.outside.read(start, &mut chars).is_ok() {
                        give(&chars, wide);
                    }
                }
                _ => {}
            }
        }
    }

    /// The length of a string in characters; 0 for what is none.
    pub(crate) fn string_length(&self, word: u64) -> usize {
        self.object(word)
            .filter(|object| self.layout.is_string(object.instance_type()))
            .and_then(|object| {
                self.heap
                    .u32(object.address + self.layout.offsets.string_length as u64)
            })
            .map_or(0, |length| length as usize)
    }

    /// Whether a word is a string of exactly this text.
    pub(crate) fn is_text(&self, word: u64, text: &str) -> bool {
        self.string_length(word) == text.len()
            && self
                .string(word, text.len() + 1)
                .is_some_and(|found| found == text)
    }

    /// The bits of a map that tell of its properties.
    pub(crate) fn bit_field3(&self, map: &MapInfo) -> u32 {
        self.heap
            .u32(map.address + self.layout.offsets.map_bit_field3 as u64)
            .unwrap_or(0)
    }

    /// Whether objects of this map keep their properties in a hash table.
    pub(crate) fn is_dictionary_map(&self, map: &MapInfo) -> bool {
        self.bit_field3(map) >> self.layout.codes.dictionary_map_shift & 1 == 1
    }

    /// How the elements of objects of this map are kept.
    pub(crate) fn elements_kind(&self, map: &MapInfo) -> u32 {
        let codes = &self.layout.codes;
        let at = map.address + self.layout.offsets.map_bit_field2 as u64;
        let bits = u32::from(self.heap.u8(at).unwrap_or(0));
        (bits & codes.elements_kind_mask) >> codes.elements_kind_shift
    }

    /// The properties that a map describes. Empty for dictionary maps.
    pub(crate) fn descriptors(&self, map: &MapInfo) -> Vec<Descriptor> {
        let (offsets, codes) = (&self.layout.offsets, &self.layout.codes);
        if self.is_dictionary_map(map) {
            return Vec::new();
        }
        let count =
            (self.bit_field3(map) & codes.own_descriptors_mask) >> codes.own_descriptors_shift;
        let array = self.field_word(map.address, offsets.map_descriptors);
        let Some(array) = array.and_then(|word| self.object(word)) else {
            return Vec::new();
        };
        let types = &self.layout.types;
        let kind = array.instance_type();
        if kind != types.descriptor_array && kind != types.strong_descriptor_array {
            return Vec::new();
        }
        let start = self
            .heap
            .u8(map.address + offsets.map_inobject_start as u64)
            .map_or(0, usize::from);
        let in_object = usize::from(map.words).saturating_sub(start);
        let bytes = self.bytes(array.address).unwrap_or(&[]);
        (0..count as usize)
            .map_while(|index| {
                let at = offsets.descriptors_header + index * 24;
                let entry = bytes.get(at..at + 24)?;
                let details = u64_at(entry, 8) >> 32;
                let place = if details & codes.property_location_mask != 0 {
                    Place::Constant(u64_at(entry, 16))
                } else {
                    let field = (details & codes.property_index_mask) >> codes.property_index_shift;
                    let field = usize::try_from(field).ok()?;
                    if field < in_object {
                        Place::InObject((start + field) * 8)
                    } else {
                        Place::OutOfObject(field - in_object)
                    }
                };
                let accessor = details & codes.property_kind_mask != 0;
                let representation =
                    (details & codes.representation_mask) >> codes.representation_shift;
                Some(Descriptor {
                    key: u64_at(entry, 0),
                    place,
                    accessor,
                    numeric: codes.numeric_representations.contains(&representation),
                })
            })
            .collect()
    }

    /// The property array of an object, when it has one.
    pub(crate) fn property_array(&self, address: u64) -> Option<Object> {
        let word = self.field_word(address, self.layout.offsets.properties)?;
        self.object(word)
            .filter(|o| o.instance_type() == self.layout.types.property_array)
    }

    /// The value of a property that a descriptor places.
    pub(crate) fn value(&self, address: u64, place: Place) -> Option<u64> {
        match place {
            Place::InObject(offset) => self.field_word(address, offset),
            Place::OutOfObject(index) => self
                .heap
                .word(self.property_array(address)?.address + 16 + index as u64 * 8),
            Place::Constant(value) => Some(value),
        }
    }

    /// The entries of a name dictionary: key, value.
    pub(crate) fn dictionary(&self, table: &Object) -> impl Iterator<Item = (u64, u64)> + use<'h> {
        let start = self.layout.codes.name_dictionary_start * 8;
        let elements = self.elements(table, 16);
        let entries = elements.get(start..).unwrap_or(&[]);
        entries
            .chunks_exact(24)
            .map(|entry| (u64_at(entry, 0), u64_at(entry, 8)))
    }

    /// The value of an own property that is plain data, by its name.
    pub(crate) fn own_value(&self, object: &Object, is_key: &dyn Fn(u64) -> bool) -> Option<u64> {
        if object.instance_type() == self.layout.types.js_global_object {
            let found = self
                .global_variables(object)
                .into_iter()
                .find(|(key, _)| is_key(*key));
            return found.map(|(_, value)| value);
        }
        if self.is_dictionary_map(&object.map) {
            let table = self.field(object, self.layout.offsets.properties)?;
            return self
                .dictionary(&table)
                .find(|(key, _)| is_key(*key))
                .map(|(_, v)| v);
        }
        let descriptor = self
            .descriptors(&object.map)
            .into_iter()
            .find(|d| !d.accessor && is_key(d.key))?;
        self.value(object.address, descriptor.place)
    }

    /// Names and values of global variables: a dictionary of cells that know their names.
    pub(crate) fn global_variables(&self, global: &Object) -> Vec<(u64, u64)> {
        let Some(table) = self.field(global, self.layout.offsets.properties) else {
            return Vec::new();
        };
        let words = self.elements(&table, 16).chunks_exact(8);
        words
            .filter_map(|word| self.object(u64_at(word, 0)))
            .filter(|cell| cell.instance_type() == self.layout.types.property_cell)
            .filter_map(|cell| {
                let name = self.field_word(cell.address, 8)?;
                Some((name, self.field_word(cell.address, 24)?))
            })
            .collect()
    }

    /// A name as V8 writes it: a string as it is, a symbol in brackets, a private field's name without.
    pub(crate) fn key_text(&self, word: u64, limit: usize) -> Option<Cow<'static, str>> {
        let object = self.object(word)?;
        if object.instance_type() == self.layout.types.symbol {
            let Some(description) = self.text(word, limit) else {
                return Some(Cow::Borrowed("<symbol>"));
            };
            let flags = self.heap.u32(object.address + SYMBOL_FLAGS).unwrap_or(0);
            if flags & self.layout.row.private_name_flag != 0 {
                return Some(Cow::Owned(description));
            }
            return Some(Cow::Owned(format!("<symbol {description}>")));
        }
        self.string(word, limit).map(Cow::Owned)
    }
}

/// The size of an object, given what its page holds from it on.
#[inline]
pub(crate) fn object_size(heap: &Heap<'_>, map: &MapInfo, bytes: &[u8]) -> Option<usize> {
    if map.shape == Shape::StreamSizedByCode {
        return size_by_code(heap, bytes);
    }
    map.shape.size(bytes, map.words)
}

/// V8 11: to what a stream of instructions is aligned. On x64 V8 wants its loops to begin at a cache line.
const STREAM_ALIGNMENT: u64 = if cfg!(target_arch = "x86_64") { 64 } else { 32 };

/// V8 11: instructions and metadata are measured by the Code that the stream belongs to.
fn size_by_code(heap: &Heap<'_>, bytes: &[u8]) -> Option<usize> {
    let code = untag(u64_at(bytes, 8))?;
    let (instructions, metadata) = (heap.u32(code + 56)?, heap.u32(code + 60)?);
    let size =
        (16 + u64::from(instructions) + u64::from(metadata)).next_multiple_of(STREAM_ALIGNMENT);
    usize::try_from(size)
        .ok()
        .filter(|&size| size <= bytes.len())
}
