//! What kinds of nodes and edges V8 writes, and how it spells them.

/// What a node stands for, by the names that V8 gives in `snapshot.meta.node_types`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum NodeKind {
    /// `hidden`: V8's own bookkeeping, shown as `(system)`.
    Hidden = 0,
    /// `array`: backing store of arrays, objects and collections.
    Array = 1,
    /// `string`: a flat string.
    String = 2,
    /// `object`: a JavaScript object of any class.
    Object = 3,
    /// `code`: compiled code and what belongs to it.
    Code = 4,
    /// `closure`: a function.
    Closure = 5,
    /// `regexp`.
    RegExp = 6,
    /// `number`: a boxed number.
    Number = 7,
    /// `native`: memory or an object of the embedder: Node.js, Blink.
    Native = 8,
    /// `synthetic`: no object at all, but a group such as `(GC roots)`.
    Synthetic = 9,
    /// `concatenated string`.
    ConcatenatedString = 10,
    /// `sliced string`.
    SlicedString = 11,
    /// `symbol`.
    Symbol = 12,
    /// `bigint`.
    BigInt = 13,
    /// `object shape`: maps and descriptors.
    ObjectShape = 14,
    /// `wasm object`.
    WasmObject = 15,
    /// A kind that this version does not know.
    #[default]
    Other = 16,
}

impl NodeKind {
    /// Every kind, in the order of its value.
    pub const ALL: [Self; 17] = [
        Self::Hidden,
        Self::Array,
        Self::String,
        Self::Object,
        Self::Code,
        Self::Closure,
        Self::RegExp,
        Self::Number,
        Self::Native,
        Self::Synthetic,
        Self::ConcatenatedString,
        Self::SlicedString,
        Self::Symbol,
        Self::BigInt,
        Self::ObjectShape,
        Self::WasmObject,
        Self::Other,
    ];

    /// V8's name of the kind; `other` for [`NodeKind::Other`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Array => "array",
            Self::String => "string",
            Self::Object => "object",
            Self::Code => "code",
            Self::Closure => "closure",
            Self::RegExp => "regexp",
            Self::Number => "number",
            Self::Native => "native",
            Self::Synthetic => "synthetic",
            Self::ConcatenatedString => "concatenated string",
            Self::SlicedString => "sliced string",
            Self::Symbol => "symbol",
            Self::BigInt => "bigint",
            Self::ObjectShape => "object shape",
            Self::WasmObject => "wasm object",
            Self::Other => "other",
        }
    }

    /// The kind of this name in `snapshot.meta.node_types`; [`NodeKind::Other`] for a name not known here.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .unwrap_or(Self::Other)
    }

    /// The kind of a stored byte, which always is one that [`NodeKind`] has.
    pub(crate) fn from_byte(byte: u8) -> Self {
        Self::ALL
            .get(usize::from(byte))
            .copied()
            .unwrap_or(Self::Other)
    }

    /// Whether it is one of the three kinds of strings.
    #[must_use]
    pub const fn is_string(self) -> bool {
        matches!(
            self,
            Self::String | Self::ConcatenatedString | Self::SlicedString
        )
    }
}

/// How a node refers to another, by the names that V8 gives in `snapshot.meta.edge_types`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EdgeKind {
    /// `context`: a variable in a closure's scope.
    Context = 0,
    /// `element`: by index, as in an array. Its label is a number.
    Element = 1,
    /// `property`: a named property.
    Property = 2,
    /// `internal`: a link of V8's own, such as `map` or `elements`.
    Internal = 3,
    /// `hidden`: a link of V8's own without a name. Its label is a number.
    Hidden = 4,
    /// `shortcut`: a second, shorter way to something that is held otherwise.
    Shortcut = 5,
    /// `weak`: does not keep its target alive.
    Weak = 6,
    /// A kind that this version does not know. Its label is kept as a number.
    #[default]
    Other = 7,
}

impl EdgeKind {
    /// Every kind, in the order of its value.
    pub const ALL: [Self; 8] = [
        Self::Context,
        Self::Element,
        Self::Property,
        Self::Internal,
        Self::Hidden,
        Self::Shortcut,
        Self::Weak,
        Self::Other,
    ];

    /// V8's name of the kind; `other` for [`EdgeKind::Other`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Element => "element",
            Self::Property => "property",
            Self::Internal => "internal",
            Self::Hidden => "hidden",
            Self::Shortcut => "shortcut",
            Self::Weak => "weak",
            Self::Other => "other",
        }
    }

    /// The kind of this name in `snapshot.meta.edge_types`; [`EdgeKind::Other`] for a name not known here.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .unwrap_or(Self::Other)
    }

    /// Whether the label of such an edge is a number rather than a string.
    #[must_use]
    pub const fn has_index(self) -> bool {
        matches!(self, Self::Element | Self::Hidden | Self::Other)
    }

    /// The kind of three stored bits.
    pub(crate) const fn from_bits(bits: u32) -> Self {
        match bits & 7 {
            0 => Self::Context,
            1 => Self::Element,
            2 => Self::Property,
            3 => Self::Internal,
            4 => Self::Hidden,
            5 => Self::Shortcut,
            6 => Self::Weak,
            _ => Self::Other,
        }
    }
}

/// Whether a node of the embedder is part of a document, where the snapshot says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detachedness {
    /// Not said.
    #[default]
    Unknown = 0,
    /// In a document.
    Attached = 1,
    /// In none any more.
    Detached = 2,
}

impl Detachedness {
    /// The state of V8's number: 0, 1 or 2; anything else is unknown.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Attached,
            2 => Self::Detached,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_bytes_lead_back_to_the_kind() {
        for (byte, kind) in NodeKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, byte);
            assert_eq!(NodeKind::from_byte(byte as u8), kind);
            assert_eq!(NodeKind::from_name(kind.as_str()), kind);
        }
        for (bits, kind) in EdgeKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, bits);
            assert_eq!(EdgeKind::from_bits(bits as u32), kind);
            assert_eq!(EdgeKind::from_name(kind.as_str()), kind);
        }
        assert_eq!(NodeKind::from_name("a kind of tomorrow"), NodeKind::Other);
        assert_eq!(NodeKind::from_byte(200), NodeKind::Other);
    }
}
