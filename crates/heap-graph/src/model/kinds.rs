//! What kinds of nodes and edges V8 writes, and how it spells them.

/// An enum of kinds with V8's name of each, one byte each, `Other` for what this version does not know.
macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident { $($(#[$kind_doc:meta])* $kind:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$kind_doc])* $kind,)+
        }

        impl $name {
            /// Every kind, in the order of its value.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$kind),+];

            /// V8's name of the kind; `other` for one that is not known.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $text,)+
                }
            }

            /// The kind that V8 calls so; `Other` for a name not known here.
            #[must_use]
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($text => Self::$kind,)+
                    _ => Self::Other,
                }
            }

            /// The kind of a stored byte.
            #[inline]
            pub(crate) const fn from_byte(byte: u8) -> Self {
                $(if byte == Self::$kind as u8 {
                    return Self::$kind;
                })+
                Self::Other
            }
        }
    };
}

kinds! {
    /// What a node stands for, by the names that V8 gives in `snapshot.meta.node_types`.
    NodeKind {
        /// `hidden`: V8's own bookkeeping, shown as `(system)`.
        Hidden = "hidden",
        /// `array`: backing store of arrays, objects and collections.
        Array = "array",
        /// `string`: a flat string.
        String = "string",
        /// `object`: a JavaScript object of any class.
        Object = "object",
        /// `code`: compiled code and what belongs to it.
        Code = "code",
        /// `closure`: a function.
        Closure = "closure",
        /// `regexp`.
        RegExp = "regexp",
        /// `number`: a boxed number.
        Number = "number",
        /// `native`: memory or an object of the embedder: Node.js, Blink.
        Native = "native",
        /// `synthetic`: no object at all, but a group such as `(GC roots)`.
        Synthetic = "synthetic",
        /// `concatenated string`.
        ConcatenatedString = "concatenated string",
        /// `sliced string`.
        SlicedString = "sliced string",
        /// `symbol`.
        Symbol = "symbol",
        /// `bigint`.
        BigInt = "bigint",
        /// `object shape`: maps and descriptors.
        ObjectShape = "object shape",
        /// `wasm object`.
        WasmObject = "wasm object",
        /// A kind that this version does not know.
        #[default]
        Other = "other",
    }
}

impl NodeKind {
    /// Whether it is one of the three kinds of strings.
    #[must_use]
    pub const fn is_string(self) -> bool {
        matches!(
            self,
            Self::String | Self::ConcatenatedString | Self::SlicedString
        )
    }
}

kinds! {
    /// How a node refers to another, by the names that V8 gives in `snapshot.meta.edge_types`.
    EdgeKind {
        /// `context`: a variable in a closure's scope.
        Context = "context",
        /// `element`: by index, as in an array. Its label is a number.
        Element = "element",
        /// `property`: a named property.
        Property = "property",
        /// `internal`: a link of V8's own, such as `map` or `elements`.
        Internal = "internal",
        /// `hidden`: a link of V8's own without a name. Its label is a number.
        Hidden = "hidden",
        /// `shortcut`: a second, shorter way to something that is held otherwise.
        Shortcut = "shortcut",
        /// `weak`: does not keep its target alive.
        Weak = "weak",
        /// A kind that this version does not know. Its label is kept as a number.
        #[default]
        Other = "other",
    }
}

impl EdgeKind {
    /// Whether the label of such an edge is a number rather than a string.
    #[must_use]
    pub const fn has_index(self) -> bool {
        matches!(self, Self::Element | Self::Hidden | Self::Other)
    }

    /// The kind of three stored bits.
    #[inline]
    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self::from_byte((bits & 7) as u8)
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
