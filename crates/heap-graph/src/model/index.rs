//! The numbers by which nodes, edges and strings are named: four bytes each, never mixed up.

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The number as an index of a slice.
            #[must_use]
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

index! {
    /// A node of one graph: its place in the file, from 0.
    ///
    /// It means nothing in another graph; the id of a node ([`Node::id`](crate::Node::id)) does, within one process.
    NodeIndex
}

index! {
    /// An edge of one graph: its place in the file, from 0. The edges of a node follow one another.
    EdgeIndex
}

index! {
    /// A string of one graph's table. The same text may be there more than once.
    StringId
}
