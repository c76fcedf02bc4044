//! What nodes and edges of one graph are called in signatures, and what part they play in it.
//!
//! Every string of the graph is folded at most once per use, and only when it is met: 4 bytes a string, nothing per node.

use std::collections::HashMap;

use super::fold;
use super::hash::NumberHash;
use super::names::{Name, Names};
use crate::model::{Edge, EdgeKind, EdgeLabel, HeapGraph, NodeIndex, NodeKind, StringId};
use crate::retainers::Scripts;

/// What part a node plays on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The root and V8's groups of roots.
    Group,
    /// Something that the program knows.
    Object,
    /// A function.
    Function,
    /// A function of Node's own or of V8's: whatever its scope holds is rather held by something else.
    BuiltinFunction,
    /// A generator or async function that waits.
    Suspended,
    /// A scope of variables.
    Scope,
    /// The scope of all scripts.
    Realm,
    /// Backing store of an object or a collection.
    Store,
    /// V8's own bookkeeping.
    System,
}

impl Role {
    /// Whether the node is a part of what holds it, rather than something of its own.
    #[inline]
    pub(crate) const fn is_part(self) -> bool {
        matches!(self, Self::Scope | Self::Realm | Self::Store | Self::System)
    }
}

/// What part an edge plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Property, element, variable, entry: what the source has written.
    Plain,
    /// From an object to its own store.
    Store,
    /// From a function to its scope.
    Scope,
    /// From a scope to the one around it.
    Outer,
    /// Of promises.
    Reaction,
    /// From a key of a weak map to its value, or from the map itself.
    Ephemeron,
    /// `__proto__`, `constructor`.
    Ancestry,
    /// Maps, shared infos, feedback, code.
    Machinery,
    /// Anything else of V8's.
    Other,
}

/// A node's class in signatures and its part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeLabel {
    pub(crate) name: Name,
    pub(crate) role: Role,
}

/// An edge's name in signatures and its part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EdgeWord {
    pub(crate) name: Name,
    pub(crate) link: Link,
}

/// What a string is used for by an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Use {
    Property = 1,
    Variable = 2,
    Internal = 3,
}

/// Numbers of edge words by the string that they come from and its use, filled as they are met.
#[derive(Default)]
struct WordCache {
    /// By string: the use that was met first in the lowest two bits, above it the number; 0 for none.
    first: Vec<u32>,
    /// Few strings are used for different things.
    others: HashMap<(Use, StringId), u32, NumberHash>,
}

impl WordCache {
    #[inline]
    fn get(&self, usage: Use, id: StringId) -> Option<u32> {
        let first = *self.first.get(id.index())?;
        if first & 3 == usage as u32 {
            return Some(first >> 2);
        }
        self.others.get(&(usage, id)).copied()
    }

    fn set(&mut self, usage: Use, id: StringId, number: u32, strings: usize) {
        if self.first.is_empty() {
            self.first = vec![0; strings];
        }
        match self.first.get_mut(id.index()) {
            Some(first) if *first == 0 && number < 1 << 30 => *first = number << 2 | usage as u32,
            _ => {
                self.others.insert((usage, id), number);
            }
        }
    }
}

/// What a node is known by as far as its label goes: kind, name, script.
type NodeKey = (u8, u32, u32);

/// Labels of nodes by what these are known by.
struct NodeCache {
    all: HashMap<NodeKey, NodeLabel, NumberHash>,
    /// Those met last: what follows one another is alike.
    recent: Vec<Option<(NodeKey, NodeLabel)>>,
}

impl NodeCache {
    /// As many as a byte can tell.
    const RECENT: usize = 256;

    fn new() -> Self {
        Self {
            all: HashMap::default(),
            recent: vec![None; Self::RECENT],
        }
    }

    #[inline]
    fn place((kind, name, script): NodeKey) -> usize {
        let mixed = name.wrapping_mul(0x9e37_79b1) ^ script.wrapping_mul(0x85eb_ca6b);
        (mixed >> 24) as usize ^ usize::from(kind)
    }

    #[inline]
    fn get(&mut self, key: NodeKey) -> Option<NodeLabel> {
        let recent = &mut self.recent[Self::place(key)];
        if let Some((_, label)) = recent.filter(|(known, _)| *known == key) {
            return Some(label);
        }
        let label = *self.all.get(&key)?;
        *recent = Some((key, label));
        Some(label)
    }
}

/// Labels of one graph.
pub(crate) struct Labels<'g> {
    graph: &'g HeapGraph,
    scripts: &'g Scripts,
    words: Vec<EdgeWord>,
    word_numbers: HashMap<Name, u32, NumberHash>,
    cache: WordCache,
    classes: NodeCache,
    /// Of kinds whose nodes are all of one class.
    by_kind: [Option<NodeLabel>; NodeKind::ALL.len()],
    any_entry: EdgeWord,
    shortcut: EdgeWord,
}

/// Stands for a function without a known script.
const NO_SCRIPT: u32 = u32::MAX;

impl<'g> Labels<'g> {
    pub(crate) fn new(graph: &'g HeapGraph, scripts: &'g Scripts, names: &mut Names) -> Self {
        let any_entry = EdgeWord {
            name: names.intern(fold::ANY_ENTRY),
            link: Link::Plain,
        };
        let shortcut = EdgeWord {
            name: names.intern(""),
            link: Link::Plain,
        };
        Self {
            graph,
            scripts,
            words: Vec::new(),
            word_numbers: HashMap::default(),
            cache: WordCache::default(),
            classes: NodeCache::new(),
            by_kind: [None; NodeKind::ALL.len()],
            any_entry,
            shortcut,
        }
    }

    /// The node's class, folded: `LogEntry`, `(string)`, `function handler [server.js]`.
    pub(crate) fn node(&mut self, index: NodeIndex, names: &mut Names) -> NodeLabel {
        let kind = self.graph.kind(index.0);
        if let Some(label) = self.by_kind[kind as usize] {
            return label;
        }
        let node = self.graph.node(index);
        let script = match kind {
            NodeKind::Closure => node
                .location()
                .map_or(NO_SCRIPT, |location| location.script_id),
            _ => NO_SCRIPT,
        };
        let key = (kind as u8, node.name_id().0, script);
        if let Some(label) = self.classes.get(key) {
            return label;
        }
        self.new_class(index, key, names)
    }

    #[cold]
    fn new_class(&mut self, index: NodeIndex, key: NodeKey, names: &mut Names) -> NodeLabel {
        let node = self.graph.node(index);
        let kind = node.kind();
        if let Some((text, role)) = unnamed(kind) {
            let name = names.intern(text);
            return *self.by_kind[kind as usize].insert(NodeLabel { name, role });
        }
        let label = self.classify(kind, &node.name(), key.2, names);
        self.classes.all.insert(key, label);
        label
    }

    fn classify(&self, kind: NodeKind, name: &str, script: u32, names: &mut Names) -> NodeLabel {
        let role = match kind {
            NodeKind::Closure if script == NO_SCRIPT || self.scripts.is_builtin(script) => {
                Role::BuiltinFunction
            }
            _ => role(kind, name),
        };
        let text = match kind {
            NodeKind::Closure => self.function(name, script),
            _ if role == Role::System => SYSTEM.to_owned(),
            _ => fold::class(name).into_owned(),
        };
        NodeLabel {
            name: names.intern(&text),
            role,
        }
    }

    fn function(&self, name: &str, script: u32) -> String {
        let name = if name.is_empty() {
            "(anonymous)".into()
        } else {
            fold::class(name)
        };
        match self.scripts.name(script).filter(|_| script != NO_SCRIPT) {
            Some(script) => format!("function {name} [{}]", fold::script(script)),
            None => format!("function {name}"),
        }
    }

    /// The edge's name, folded: `.requestLog`, `context .cache`, `[*]`.
    pub(crate) fn edge(&mut self, edge: &Edge, names: &mut Names) -> EdgeWord {
        let EdgeLabel::Name(id) = edge.label else {
            return self.any_entry;
        };
        let usage = match edge.kind {
            EdgeKind::Property => Use::Property,
            EdgeKind::Context => Use::Variable,
            EdgeKind::Shortcut => return self.shortcut,
            _ => Use::Internal,
        };
        let known = self.cache.get(usage, id);
        if let Some(word) = known.and_then(|number| self.words.get(number as usize)) {
            return *word;
        }
        let word = word_of(edge.kind, &self.graph.string(id), names);
        let next = self.words.len() as u32;
        let number = *self.word_numbers.entry(word.name).or_insert(next);
        if number == next {
            self.words.push(word);
        }
        self.cache.set(usage, id, number, self.graph.string_count());
        word
    }
}

/// V8's bookkeeping in signatures.
const SYSTEM: &str = "(system)";

/// The class and the part of nodes of a kind whose names tell nothing.
fn unnamed(kind: NodeKind) -> Option<(&'static str, Role)> {
    match kind {
        NodeKind::String | NodeKind::ConcatenatedString | NodeKind::SlicedString => {
            Some(("(string)", Role::Object))
        }
        NodeKind::Symbol => Some(("(symbol)", Role::Object)),
        NodeKind::RegExp => Some(("RegExp", Role::Object)),
        NodeKind::Number => Some(("(number)", Role::System)),
        NodeKind::BigInt => Some(("(bigint)", Role::Object)),
        NodeKind::Array => Some(("(array)", Role::Store)),
        NodeKind::Code | NodeKind::ObjectShape => Some((SYSTEM, Role::System)),
        NodeKind::Hidden
        | NodeKind::Object
        | NodeKind::Closure
        | NodeKind::Native
        | NodeKind::Synthetic
        | NodeKind::WasmObject
        | NodeKind::Other => None,
    }
}

/// The part that a node of this kind and name plays.
fn role(kind: NodeKind, name: &str) -> Role {
    match kind {
        NodeKind::Synthetic => Role::Group,
        NodeKind::Array => Role::Store,
        NodeKind::Closure => Role::Function,
        NodeKind::Hidden | NodeKind::Object if name == "system / NativeContext" => Role::Realm,
        NodeKind::Hidden | NodeKind::Object if name == "system / Context" => Role::Scope,
        NodeKind::Native if name.starts_with("system / ") => Role::Store,
        NodeKind::Hidden | NodeKind::Code | NodeKind::ObjectShape | NodeKind::Number => {
            Role::System
        }
        NodeKind::Object if name.starts_with("system / ") => Role::System,
        NodeKind::Object if matches!(name, "Generator" | "AsyncGenerator" | "AsyncFunction") => {
            Role::Suspended
        }
        _ => Role::Object,
    }
}

/// Whether a node is a part of what holds it, rather than something of its own.
pub(crate) fn is_part(graph: &HeapGraph, node: NodeIndex) -> bool {
    let node = graph.node(node);
    role(node.kind(), &node.name()).is_part()
}

/// The word of an edge that is named by `text`. Words of different kinds of edges differ by their prefix, so that
/// the name alone tells the link.
fn word_of(kind: EdgeKind, text: &str, names: &mut Names) -> EdgeWord {
    let (word, link) = match kind {
        EdgeKind::Property => {
            let link = match text {
                "__proto__" | "constructor" => Link::Ancestry,
                _ => Link::Plain,
            };
            let folded = fold::property(text);
            (
                if folded == fold::ANY_KEY {
                    folded.into_owned()
                } else {
                    format!(".{folded}")
                },
                link,
            )
        }
        EdgeKind::Context => (format!("context .{}", fold::variable(text)), Link::Plain),
        _ => internal_word(text),
    };
    EdgeWord {
        name: names.intern(&word),
        link,
    }
}

/// V8's own links.
fn internal_word(text: &str) -> (String, Link) {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return (fold::ANY_ENTRY.to_owned(), Link::Plain);
    }
    if is_ephemeron(text) {
        return ("(weak map value)".to_owned(), Link::Ephemeron);
    }
    let link = match text {
        "table" | "elements" | "properties" | "backing_store" | "parameters_and_registers" => {
            Link::Store
        }
        "context" => Link::Scope,
        "previous" => Link::Outer,
        "reactions"
        | "reactions_or_result"
        | "result"
        | "promise"
        | "promise_or_capability"
        | "fulfill_handler"
        | "reject_handler"
        | "next" => Link::Reaction,
        "native_to_javascript"
        | "javascript_to_native"
        | "wrapped"
        | "bound_this"
        | "bound_function"
        | "target"
        | "handler" => Link::Plain,
        _ if text.starts_with("bound_argument") => Link::Plain,
        "map"
        | "shared"
        | "feedback_cell"
        | "code"
        | "code_entry"
        | "dispatch_handle"
        | "descriptors"
        | "transitions"
        | "transition"
        | "prototype_info"
        | "initial_map"
        | "prototype_or_initial_map"
        | "back_pointer"
        | "dependent_code"
        | "feedback_vector"
        | "function_data"
        | "script"
        | "script_or_debug_info"
        | "scope_info"
        | "extension" => Link::Machinery,
        _ => Link::Other,
    };
    (format!("({})", fold::class(text)), link)
}

/// `7 / part of key (… @1) -> value (… @2) pair in WeakMap (table @3)`.
fn is_ephemeron(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < text.len() && rest.starts_with(" / part of key ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_named_as_in_the_source_and_folded() {
        let mut names = Names::default();
        let mut word = |kind, text| {
            let word = word_of(kind, text, &mut names);
            (names.text(word.name).to_owned(), word.link)
        };
        assert_eq!(
            word(EdgeKind::Property, "_events"),
            ("._events".into(), Link::Plain)
        );
        assert_eq!(
            word(EdgeKind::Property, "0b3c-77"),
            ("[key]".into(), Link::Plain)
        );
        assert_eq!(
            word(EdgeKind::Property, "__proto__"),
            (".__proto__".into(), Link::Ancestry)
        );
        assert_eq!(
            word(EdgeKind::Context, "requestLog"),
            ("context .requestLog".into(), Link::Plain)
        );
        assert_eq!(word(EdgeKind::Internal, "35"), ("[*]".into(), Link::Plain));
        assert_eq!(
            word(EdgeKind::Internal, "map"),
            ("(map)".into(), Link::Machinery)
        );
        let ephemeron = "12 / part of key (Object @3) -> value (Map @5) pair in WeakMap (table @7)";
        assert_eq!(
            word(EdgeKind::Internal, ephemeron),
            ("(weak map value)".into(), Link::Ephemeron)
        );
    }
}
