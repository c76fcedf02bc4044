//! Folded names of one or several graphs as numbers.

use std::collections::HashMap;
use std::sync::Arc;

use super::hash::hash_text;

/// A folded name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(pub(crate) u32);

/// Folded names, each once, with their hashes. Graphs that are compared share one table.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: HashMap<Arc<str>, Name>,
    texts: Vec<Arc<str>>,
    hashes: Vec<u64>,
    anchors: Vec<bool>,
}

impl Names {
    /// The number of a name, which is added if it is new.
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        if let Some(&name) = self.numbers.get(text) {
            return name;
        }
        let name = Name(self.texts.len() as u32);
        let shared: Arc<str> = text.into();
        self.texts.push(Arc::clone(&shared));
        self.hashes.push(hash_text(text));
        self.anchors.push(is_program_function(text));
        self.numbers.insert(shared, name);
        name
    }

    pub(crate) fn text(&self, name: Name) -> &str {
        self.texts.get(name.0 as usize).map_or("", |text| text)
    }

    #[inline]
    pub(crate) fn hash(&self, name: Name) -> u64 {
        self.hashes[name.0 as usize]
    }

    /// Whether it is the class of a function of the program: `function handler [server.js]`.
    #[inline]
    pub(crate) fn is_anchor(&self, name: Name) -> bool {
        self.anchors[name.0 as usize]
    }
}

/// `function handler [server.js]`, but not `function get [node:internal/x]`.
fn is_program_function(class: &str) -> bool {
    class.starts_with("function ") && class.ends_with(']') && !class.contains(" [node:")
}
