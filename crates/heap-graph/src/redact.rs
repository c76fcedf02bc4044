//! Takes what users typed out of a heap snapshot while it is being written.
//!
//! A heap snapshot holds every string of the process: passwords, tokens, mails. [`Redactor`] stands between
//! the writer of a snapshot and the file, and lets through what a leak is found by, the shape of the heap, its sizes, its
//! classes and the names in the program's source, but not the data.
//!
//! # What is replaced
//! | in the snapshot | [`Redact::Strings`] | [`Redact::All`] |
//! |---|---|---|
//! | contents of strings, regular expressions, numbers; values named in `WeakMap` entries | hashed | hashed |
//! | keys of a `Map` or `Set` | hashed | hashed |
//! | property names that look like names: `requestLogs`, `content-type` | kept | hashed, but for the language's own |
//! | property names that look like data: mails, URLs, long or full of digits | hashed | hashed |
//! | indices of elements from 1,000 on: keys of an object used as a dictionary | kept | hashed |
//! | query, fragment and credentials of a script's URL, contents of a `data:` URL | hashed | hashed |
//! | folders of a script's path, its host | kept | hashed, but for `node_modules` and what is below |
//! | attributes of a document's elements | hashed | hashed |
//! | names of classes, functions, variables; V8's own words | kept | kept |
//! | contents of buffers | V8 never writes them | |
//!
//! A hash has the length of what it replaces, in UTF-16 units, and its class: text becomes letters and digits,
//! a number keeps its form; of property names, one that looked like a name becomes letters, one that looked like data begins
//! with a digit, so that analyses take it for a key as before. Lengths, and which strings are equal, can therefore still be seen. Names that
//! a program makes from data while it runs (`new Function`, computed names of methods and classes) count as names.
//! Parts of a snapshot that this version does not know are left out, and a string is let through only
//! when its use is known to be a name.
//!
//! # One string, two uses
//! V8 writes each text once, whether it is a value, a name, or both: a password could be let through because a
//! property is called the same. So every text becomes two entries of the string table, one for its uses as
//! a name and one for its uses as a value; entry `i` becomes `2i` and `2i + 1`, and one that is
//! not used is empty. The graph is otherwise the same: same objects, ids, sizes, edges, in the same order.
//!
//! # Hash
//! BLAKE3, keyed: without the [`RedactKey`] no guess can be tried, however short the secret. With a random
//! key for each file nothing can be linked between two files; with a key of the caller's, equal strings stay equal in all
//! files made with it. Short texts have few hashes of their length, so that different ones may become equal.
//!
//! # Cost
//! One pass, no threads, no recursion. Memory: a byte for each string (at most 256 MB), and 80 KB.
//!
//! ```
//! use std::io::Write;
//! use memguard_heap_graph::redact::{Redact, RedactKey, Redactor};
//!
//! let mut redactor = Redactor::new(Vec::new(), Redact::Strings, &RedactKey::random()?);
//! redactor.write_all(br#"{"snapshot":{"meta":{
//!     "node_fields":["type","name"],"node_types":[["string","object"],"string"],
//!     "edge_fields":["type","name_or_index","to_node"],"edge_types":[["property"],"string_or_number","node"]},
//!     "node_count":2,"edge_count":1},
//!     "nodes":[1,0,0,2],"edges":[0,1,2],"strings":["User","password","hunter2"]}"#)?;
//! let redacted = String::from_utf8(redactor.finish()?)?;
//! assert!(redacted.contains("User") && redacted.contains("password") && !redacted.contains("hunter2"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod hash;
mod header;
mod names;
mod redactor;
mod rows;
mod strings;
#[cfg(test)]
mod tests;
mod text;
mod uses;

pub use error::RedactError;
pub use hash::RedactKey;
pub use redactor::Redactor;

/// How much is replaced: see the [table](self#what-is-replaced).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Redact {
    /// Values: strings, numbers, regular expressions, and names that look like data.
    Strings,
    /// Property names and folders as well.
    All,
}

impl Redact {
    /// As it is written in options and in a redacted snapshot: `strings`, `all`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strings => "strings",
            Self::All => "all",
        }
    }
}

impl std::str::FromStr for Redact {
    type Err = RedactError;

    fn from_str(text: &str) -> Result<Self, RedactError> {
        match text {
            "strings" => Ok(Self::Strings),
            "all" => Ok(Self::All),
            _ => Err(RedactError::Mode(text.chars().take(40).collect())),
        }
    }
}
