//! How large an object is, and which of its words are references.
//!
//! A type either has instances of one size, which stands in their map, or a rule. The rules were verified by
//! adjacency: on a page without holes, `address + size` is where the next object begins.

use crate::elf::{u16_at, u32_at, u64_at};
use crate::layout::{Offsets, TYPE_LIMIT};
use crate::versions::{CodeLayout, ScopeInfoLayout, VersionRow};

/// The rule for objects of one type. `n` is the Smi at offset 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The size is in the map; all words may be references.
    Fixed,
    /// As `Fixed`, with references at `at` that keep nothing alive although they are tagged as strong ones.
    FixedWeak { at: u8, count: u8 },
    /// The size is in the map; no word is a reference.
    FixedRaw,
    /// A map: its references begin after its bit fields.
    Map,
    /// A string of bytes.
    SeqOneByte,
    /// A string of 16-bit units.
    SeqTwoByte,
    /// Cons, sliced and thin strings: size in the map, references after hash and length.
    StringParts,
    /// A string whose characters are outside of the heap.
    ExternalString,
    /// A header, then n references.
    Words(u8),
    /// As `Words(16)`, and one word more that is no element.
    NativeContext,
    /// A header, then n bytes.
    Bytes(u8),
    /// A header, then n words that are no references.
    RawWords(u8),
    /// Out-of-object properties: the Smi also holds the identity hash.
    PropertyArray,
    /// Descriptors: a header, then three words for each.
    Descriptors(u8),
    /// A header, then a reference for each slot; their number is the i32 at 8.
    FeedbackVector(u8),
    /// Slot kinds, packed. With counts of closures or without.
    FeedbackMetadata { closures: bool },
    /// Length, then n = capacity.
    WeakArrayList,
    /// Names of variables.
    ScopeInfo(ScopeInfoLayout),
    /// Bytecode after a header.
    Bytecode(u8),
    /// What the pre-parser found: bytes, then references.
    PreparseData,
    /// Digits.
    BigInt,
    /// Nothing.
    FreeSpace { in_words: bool },
    /// Machine code of V8 10.
    CodeInline,
    /// Machine code of V8 11, measured by its Code object.
    StreamSizedByCode,
    /// Machine code.
    Stream,
    /// Not known: 8 bytes, no references.
    Unknown,
}

/// Local variables beyond this number have their names in a hash table.
const MAX_INLINED_LOCALS: u64 = 75;

/// The shapes of all types.
pub(crate) fn table(names: &[String], row: &VersionRow, offsets: &Offsets) -> Vec<Shape> {
    let mut shapes = vec![Shape::Words(16); TYPE_LIMIT];
    let byte = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
    for (code, shape) in shapes.iter_mut().enumerate().take(128) {
        *shape = match code & 7 {
            0 if code & 8 != 0 => Shape::SeqOneByte,
            0 => Shape::SeqTwoByte,
            2 => Shape::ExternalString,
            _ => Shape::StringParts,
        };
    }
    for (shape, name) in shapes.iter_mut().zip(names) {
        *shape = match name.as_str() {
            "BYTE_ARRAY" | "TRUSTED_BYTE_ARRAY" => Shape::Bytes(16),
            "FIXED_DOUBLE_ARRAY" | "EXTERNAL_POINTER_ARRAY" => Shape::RawWords(16),
            "PROPERTY_ARRAY" => Shape::PropertyArray,
            "DESCRIPTOR_ARRAY" | "STRONG_DESCRIPTOR_ARRAY" => {
                Shape::Descriptors(byte(offsets.descriptors_header))
            }
            "MAP" => Shape::Map,
            "WEAK_ARRAY_LIST" | "DEPENDENT_CODE" => Shape::WeakArrayList,
            "ARRAY_LIST" => Shape::Words(24),
            "SCOPE_INFO" => Shape::ScopeInfo(row.scope_info),
            "PREPARSE_DATA" => Shape::PreparseData,
            "BIGINT" => Shape::BigInt,
            "FREE_SPACE" => Shape::FreeSpace {
                in_words: row.free_space_in_words,
            },
            "FEEDBACK_METADATA" => Shape::FeedbackMetadata {
                closures: row.feedback_metadata_counts_closures,
            },
            "FEEDBACK_VECTOR" => Shape::FeedbackVector(byte(row.feedback_vector_header.into())),
            "SLOPPY_ARGUMENTS_ELEMENTS"
            | "SCRIPT_CONTEXT_TABLE"
            | "OBJECT_BOILERPLATE_DESCRIPTION" => Shape::Words(32),
            "REG_EXP_MATCH_INFO" => Shape::Words(40),
            "NATIVE_CONTEXT" => Shape::NativeContext,
            "BYTECODE_ARRAY" => Shape::Bytecode(byte(offsets.bytecode_data)),
            "HEAP_NUMBER" | "FOREIGN" | "FILLER" => Shape::FixedRaw,
            "CODE" if row.code == CodeLayout::Inline => Shape::CodeInline,
            "INSTRUCTION_STREAM" if row.code == CodeLayout::StreamSizedByCode => {
                Shape::StreamSizedByCode
            }
            "INSTRUCTION_STREAM" => Shape::Stream,
            "JS_WEAK_REF" => Shape::FixedWeak {
                at: byte(offsets.internal_fields),
                count: 1,
            },
            // The list of all of them, which keeps none alive: the last word of those that are on it.
            "ALLOCATION_SITE" => Shape::FixedWeak { at: 40, count: 1 },
            "WEAK_CELL" => Shape::FixedWeak {
                at: byte(row.weak_cell_target.into()),
                count: 2,
            },
            "WASM_NULL" | "HOLE" => Shape::Unknown,
            _ => continue,
        };
    }
    shapes
}

/// V8 10: what comes before the instructions of Code, padded to where they may begin: on x64 V8 wants its loops to begin
/// at a cache line.
const CODE_HEADER: usize = if cfg!(target_arch = "x86_64") {
    128
} else {
    96
};

/// What the size of V8 10's Code is rounded up to: builtins, whose instructions stand in the binary, are 192 bytes each on x64.
const CODE_ALIGNMENT: usize = if cfg!(target_arch = "x86_64") { 64 } else { 32 };

impl Shape {
    /// The shape that objects of a map with this many words have: a size in the map wins over the rule of a type.
    pub(crate) fn of_map(self, instance_type: u16, words: u8) -> Self {
        let sized = words != 0 && instance_type >= 128;
        match self {
            Self::Map | Self::FixedRaw | Self::FixedWeak { .. } => self,
            Self::StringParts | Self::ExternalString => self,
            _ if sized => Self::Fixed,
            _ => self,
        }
    }

    /// The size in bytes of an object that begins with `bytes` (as much as its page has), and whose map says `words`.
    /// `None` when that can't be told or is beyond its page. For [`Shape::StreamSizedByCode`] see the caller.
    #[inline]
    pub(crate) fn size(self, bytes: &[u8], words: u8) -> Option<usize> {
        let n = || smi_at(bytes, 8);
        let aligned = |size: usize| (size + 7) & !7;
        let size = match self {
            Self::Fixed
            | Self::FixedWeak { .. }
            | Self::FixedRaw
            | Self::Map
            | Self::StringParts
            | Self::ExternalString => usize::from(words) * 8,
            Self::SeqOneByte => aligned(16 + u32_at(bytes, 12) as usize),
            Self::SeqTwoByte => aligned(16 + u32_at(bytes, 12) as usize * 2),
            Self::Words(header) | Self::RawWords(header) => usize::from(header) + n()? * 8,
            Self::NativeContext => 24 + n()? * 8,
            Self::Bytes(header) | Self::Bytecode(header) => aligned(usize::from(header) + n()?),
            Self::PropertyArray => 16 + ((u64_at(bytes, 8) >> 32) as usize & 1_023) * 8,
            Self::Descriptors(header) => usize::from(header) + usize::from(u16_at(bytes, 8)) * 24,
            Self::FeedbackVector(header) => usize::from(header) + u32_at(bytes, 8) as usize * 8,
            Self::FeedbackMetadata { closures } => {
                let slots = (u32_at(bytes, 8) as usize).div_ceil(6) * 4;
                let counts = if closures {
                    u32_at(bytes, 12) as usize * 2
                } else {
                    0
                };
                aligned(16 + slots + counts)
            }
            Self::WeakArrayList => 24 + n()? * 8,
            Self::ScopeInfo(layout) => ScopeInfo::new(layout, bytes).size(),
            Self::PreparseData => {
                16 + aligned(u32_at(bytes, 8) as usize) + u32_at(bytes, 12) as usize * 8
            }
            Self::BigInt => 16 + (u32_at(bytes, 8) as usize >> 1) * 8,
            Self::FreeSpace { in_words } => n()? * if in_words { 8 } else { 1 },
            Self::CodeInline => {
                let body = u32_at(bytes, 40) as usize + u32_at(bytes, 44) as usize;
                (CODE_HEADER + body).next_multiple_of(CODE_ALIGNMENT)
            }
            Self::Stream => (32 + u32_at(bytes, 24) as usize + 31) & !31,
            Self::StreamSizedByCode => 64,
            Self::Unknown => 8,
        };
        (size >= 8 && size <= bytes.len()).then_some(size)
    }

    /// Which bytes of an object of that size are references, besides its map: from, to.
    #[inline]
    pub(crate) fn references(self, bytes: &[u8], size: usize) -> (usize, usize) {
        match self {
            Self::Fixed
            | Self::FixedWeak { .. }
            | Self::Words(_)
            | Self::NativeContext
            | Self::PropertyArray
            | Self::Descriptors(_)
            | Self::FeedbackVector(_)
            | Self::WeakArrayList
            | Self::ScopeInfo(_) => (8, size),
            Self::StringParts => (16, size),
            Self::Map => (24, size),
            // Length, (V8 12 and later: a wrapper,) source positions, handlers, constants, then raw numbers.
            Self::Bytecode(header) => (8, if header >= 64 { 48 } else { 40 }.min(size)),
            Self::CodeInline => (8, 40.min(size)),
            Self::Stream | Self::StreamSizedByCode => (8, 24.min(size)),
            Self::PreparseData => (16 + ((u32_at(bytes, 8) as usize + 7) & !7), size),
            Self::FixedRaw
            | Self::SeqOneByte
            | Self::SeqTwoByte
            | Self::ExternalString
            | Self::Bytes(_)
            | Self::RawWords(_)
            | Self::FeedbackMetadata { .. }
            | Self::BigInt
            | Self::FreeSpace { .. }
            | Self::Unknown => (0, 0),
        }
    }
}

/// A Smi that is a length: `None` when it is none, or negative.
#[inline]
pub(crate) fn smi_at(bytes: &[u8], at: usize) -> Option<usize> {
    let word = u64_at(bytes, at);
    let value = (word >> 32) as u32;
    (word & 0xffff_ffff == 0 && i32::try_from(value).is_ok()).then_some(value as usize)
}

/// The fields of a ScopeInfo, which come and go with its flags.
///
/// Flags (V8's `ScopeFlags`): type in bits 0–3, class brand in bit 10, function variable in bits 12–13, inferred name
/// in bit 14, outer scope in bit 22, extension slot in bit 26.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScopeInfo<'h> {
    bytes: &'h [u8],
    layout: ScopeInfoLayout,
    flags: u64,
    /// Local variables that live in the context.
    pub(crate) locals: usize,
}

impl<'h> ScopeInfo<'h> {
    pub(crate) fn new(layout: ScopeInfoLayout, bytes: &'h [u8]) -> Self {
        let flags = match layout {
            ScopeInfoLayout::Late | ScopeInfoLayout::LateWithModuleFirst => u64_at(bytes, 8) >> 32,
            _ => u64_at(bytes, 8) & 0xffff_ffff,
        };
        let locals = smi_at(bytes, 24).unwrap_or(0).min(bytes.len() / 8);
        Self {
            bytes,
            layout,
            flags,
            locals,
        }
    }

    pub(crate) fn bytes(&self) -> &'h [u8] {
        self.bytes
    }

    fn bit(&self, bit: u32) -> bool {
        self.flags >> bit & 1 == 1
    }

    fn positions_first(&self) -> bool {
        matches!(
            self.layout,
            ScopeInfoLayout::First | ScopeInfoLayout::FirstWithFunctionData
        )
    }

    fn is_module(&self) -> bool {
        self.flags & 15 == if self.positions_first() { 5 } else { 3 }
    }

    /// Variables are found in the context from this slot on.
    pub(crate) fn first_context_slot(&self) -> usize {
        2 + usize::from(self.bit(26))
    }

    /// Whether the names of the variables stand in a hash table.
    pub(crate) fn names_in_table(&self) -> bool {
        self.locals as u64 >= MAX_INLINED_LOCALS
    }

    /// Where the names of the variables begin (or the hash table of them is).
    pub(crate) fn names_offset(&self) -> usize {
        let first = if self.positions_first() { 48 } else { 32 };
        let module_first = self.layout != ScopeInfoLayout::Late;
        first + usize::from(module_first && self.is_module()) * 8
    }

    /// Where what follows names and infos of the variables begins: function variable, inferred name, positions.
    fn after_locals(&self) -> usize {
        let names = if self.names_in_table() {
            1
        } else {
            self.locals
        };
        self.names_offset() + (names + self.locals + usize::from(self.bit(10))) * 8
    }

    fn has_function_variable(&self) -> bool {
        self.flags >> 12 & 3 != 0
    }

    /// Where the function's name is, if it has one.
    pub(crate) fn function_name_offset(&self) -> Option<usize> {
        self.has_function_variable().then(|| self.after_locals())
    }

    /// Where the name is that V8 inferred (`exports.a = function () {}`).
    pub(crate) fn inferred_name_offset(&self) -> Option<usize> {
        self.bit(14)
            .then(|| self.after_locals() + usize::from(self.has_function_variable()) * 16)
    }

    fn positions_offset(&self) -> Option<usize> {
        if self.positions_first() {
            return Some(32);
        }
        // Class, eval, function, module and script scopes.
        (self.flags & 15 <= 4).then(|| {
            self.after_locals()
                + usize::from(self.has_function_variable()) * 16
                + usize::from(self.bit(14)) * 8
        })
    }

    /// Where in its script the function begins.
    pub(crate) fn start_position(&self) -> Option<usize> {
        smi_at(self.bytes, self.positions_offset()?)
    }

    fn size(&self) -> usize {
        let mut words = 4;
        if self.positions_first() {
            words += 2;
            let function = self.flags & 15 == 4;
            let more = self.layout == ScopeInfoLayout::FirstWithFunctionData;
            words += usize::from(more && function);
        }
        words += self.locals
            + if self.names_in_table() {
                1
            } else {
                self.locals
            };
        words += usize::from(self.bit(10));
        words += usize::from(self.has_function_variable()) * 2;
        words += usize::from(self.bit(14));
        if !self.positions_first() && self.flags & 15 <= 4 {
            words += 2;
        }
        words += usize::from(self.bit(22));
        if self.is_module() {
            let at = match self.layout {
                ScopeInfoLayout::Late => (words + 1) * 8,
                ScopeInfoLayout::LateWithModuleFirst => 32,
                ScopeInfoLayout::First | ScopeInfoLayout::FirstWithFunctionData => 48,
            };
            words += 2 + smi_at(self.bytes, at).unwrap_or(0).min(self.bytes.len()) * 3;
        }
        words * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_v8_10_ends_at_a_cache_line() {
        let mut bytes = vec![0; 1 << 12];
        let mut size = |instructions: u32, metadata: u32| {
            bytes[40..44].copy_from_slice(&instructions.to_le_bytes());
            bytes[44..48].copy_from_slice(&metadata.to_le_bytes());
            Shape::CodeInline.size(&bytes, 0).unwrap()
        };
        let [builtin, exact, more] = [size(10, 4), size(40, 24), size(64, 1)];
        if cfg!(target_arch = "x86_64") {
            assert_eq!([builtin, exact, more], [192, 192, 256]);
        } else {
            assert_eq!([builtin, exact, more], [128, 160, 192]);
        }
    }
}
