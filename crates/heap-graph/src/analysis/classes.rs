//! Which class each node belongs to, by DevTools' rules.
//!
//! Objects belong to their constructor, told apart by where that stands in the source; plain objects to an inferred interface;
//! elements of documents to their tag; everything else to a name for its kind.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use rustc_hash::FxHashMap;

use super::interfaces::{Interfaces, Matcher};
use super::names::{DomStates, WellKnown};
use super::watch::Watch;
use super::{Analysis, AnalyzeError, AnalyzeOptions};
use crate::columns::zeroed;
use crate::model::{HeapGraph, Location, NarrowColumn, NodeIndex, NodeKind, StringId};

/// A class of one graph, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct ClassId(pub u32);

impl ClassId {
    /// The number as an index of a slice.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a class is known by in every snapshot of a program: its name, and where its constructor stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassKey {
    /// The name that is shown: `User`, `{id, name}`, `Function`, `(system)`.
    pub name: String,
    /// Where the constructor of objects of this class stands, if the snapshot says so.
    pub location: Option<Location>,
}

/// The key as DevTools writes it: `12,4,16,User` or `,User`.
impl fmt::Display for ClassKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Location {
            script_id,
            line,
            column,
        }) = self.location
        {
            write!(f, "{script_id},{line},{column}")?;
        }
        write!(f, ",{}", self.name)
    }
}

/// The class of every node.
#[derive(Clone, Debug, Default)]
pub struct Classes {
    of: NarrowColumn,
    keys: Vec<ClassKey>,
}

impl Classes {
    /// Finds the class of every node, with plain objects by the given interfaces (those of the graph itself, or of the
    /// newer one when two are compared).
    ///
    /// # Errors
    /// When it was cancelled, and when there is no memory for it.
    pub fn of(
        analysis: &Analysis<'_>,
        interfaces: &Interfaces,
        options: &AnalyzeOptions,
    ) -> Result<Self, AnalyzeError> {
        let watch = Watch::new(options.cancel.clone(), None, 1);
        let Analysis {
            graph,
            names,
            states,
            ..
        } = analysis;
        Self::assign(graph, names, states, interfaces, &watch)
    }

    pub(crate) fn assign(
        graph: &HeapGraph,
        well_known: &WellKnown,
        states: &DomStates,
        interfaces: &Interfaces,
        watch: &Watch,
    ) -> Result<Self, AnalyzeError> {
        let mut of = NarrowColumn::with_capacity(graph.node_count());
        let mut names = Names {
            graph,
            states,
            matcher: Matcher::new(graph, well_known, interfaces)?,
            interfaces,
            by_name: zeroed(graph.string_count())?,
            by_detached_name: HashMap::new(),
            by_text: HashMap::new(),
            by_interface: FxHashMap::default(),
            by_kind: [0; NodeKind::ALL.len()],
            keys: Vec::new(),
        };
        let mut located = Located::default();
        let mut locations = graph.locations.nodes();
        let mut next = locations.next();
        for node in 0..graph.node_count() as u32 {
            watch.check(node as usize)?;
            let mut class = names.class(node);
            while next.is_some_and(|entry| entry.0.0 < node) {
                next = locations.next();
            }
            if let Some((at, place)) = next
                && at.0 == node
                && graph.kind(node) == NodeKind::Object
            {
                class = located.class(class, place, graph.locations.places(), &mut names.keys);
            }
            of.push(class);
        }
        Ok(Self {
            of,
            keys: names.keys,
        })
    }

    /// The class of a node.
    #[must_use]
    #[inline]
    pub fn class_of(&self, node: NodeIndex) -> ClassId {
        ClassId(self.of.get(node.index()))
    }

    /// How many classes there are; some of them may have no node of any size.
    #[must_use]
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// What a class is known by. Two classes may have the same key: a name that V8 wrote for objects may be one that is used for a kind as well.
    #[must_use]
    pub fn key(&self, class: ClassId) -> &ClassKey {
        &self.keys[class.index()]
    }

    /// The nodes of each class that have a shallow size, as they are counted in [`Aggregates`](super::Aggregates): 4 bytes a node.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn members(&self, analysis: &Analysis<'_>) -> Result<Members, AnalyzeError> {
        let mut first: Vec<u32> = zeroed(self.keys.len() + 2)?;
        let counted = || {
            (0..)
                .zip(self.of.iter())
                .filter(|&(node, _)| analysis.shallow_size(NodeIndex(node)) != 0)
        };
        for (_, class) in counted() {
            first[class as usize + 2] += 1;
        }
        let mut sum = 0;
        for count in &mut first {
            sum += *count;
            *count = sum;
        }
        let mut nodes = vec![NodeIndex(0); sum as usize];
        for (node, class) in counted() {
            let next = &mut first[class as usize + 1];
            nodes[*next as usize] = NodeIndex(node);
            *next += 1;
        }
        first.truncate(self.keys.len() + 1);
        Ok(Members { first, nodes })
    }
}

/// The nodes of each class.
#[derive(Clone, Debug, Default)]
pub struct Members {
    first: Vec<u32>,
    nodes: Vec<NodeIndex>,
}

impl Members {
    /// The nodes of a class that have a shallow size, in the order of the file.
    #[must_use]
    pub fn of(&self, class: ClassId) -> &[NodeIndex] {
        &self.nodes[self.first[class.index()] as usize..self.first[class.index() + 1] as usize]
    }
}

/// Classes by name, as far as they have been met. Numbers in tables are one more than the class, 0 for none.
struct Names<'a> {
    graph: &'a HeapGraph,
    states: &'a DomStates,
    matcher: Option<Matcher<'a>>,
    interfaces: &'a Interfaces,
    /// By the string of the node's name.
    by_name: Vec<u32>,
    by_detached_name: HashMap<u32, u32>,
    /// Names of elements, cut to their tags.
    by_text: HashMap<String, u32>,
    by_interface: FxHashMap<u32, u32>,
    by_kind: [u32; NodeKind::ALL.len()],
    keys: Vec<ClassKey>,
}

impl Names<'_> {
    fn class(&mut self, node: u32) -> u32 {
        let kind = self.graph.kind(node);
        match kind {
            NodeKind::Object => {
                let interface = self
                    .matcher
                    .as_mut()
                    .and_then(|matcher| matcher.interface(NodeIndex(node)));
                match interface {
                    Some(interface) => self.of_interface(interface),
                    None => self.of_name(self.graph.names.get(node as usize)),
                }
            }
            NodeKind::Native if self.states.is_renamed(node) => {
                self.of_detached_name(self.graph.names.get(node as usize))
            }
            NodeKind::Native => self.of_name(self.graph.names.get(node as usize)),
            _ => self.of_kind(kind),
        }
    }

    fn of_name(&mut self, name: u32) -> u32 {
        let known = self.by_name[name as usize];
        if known != 0 {
            return known - 1;
        }
        let text = self.graph.string(StringId(name));
        let class = self.of_text(text);
        self.by_name[name as usize] = class + 1;
        class
    }

    fn of_detached_name(&mut self, name: u32) -> u32 {
        if let Some(&class) = self.by_detached_name.get(&name) {
            return class;
        }
        let text = format!("Detached {}", self.graph.string(StringId(name)));
        let class = self.of_text(Cow::Owned(text));
        self.by_detached_name.insert(name, class);
        class
    }

    fn of_text(&mut self, text: Cow<'_, str>) -> u32 {
        let Some(tag) = tag(&text) else {
            return self.add(text.into_owned());
        };
        if let Some(&class) = self.by_text.get(tag.as_ref()) {
            return class;
        }
        let class = self.add(tag.clone().into_owned());
        self.by_text.insert(tag.into_owned(), class);
        class
    }

    fn of_interface(&mut self, interface: u32) -> u32 {
        if let Some(&class) = self.by_interface.get(&interface) {
            return class;
        }
        let class = self.add(self.interfaces.list()[interface as usize].name.clone());
        self.by_interface.insert(interface, class);
        class
    }

    fn of_kind(&mut self, kind: NodeKind) -> u32 {
        let known = self.by_kind[kind as usize];
        if known != 0 {
            return known - 1;
        }
        let class = self.add(match kind {
            NodeKind::Hidden => "(system)".to_owned(),
            NodeKind::Code => "(compiled code)".to_owned(),
            NodeKind::Closure => "Function".to_owned(),
            NodeKind::RegExp => "RegExp".to_owned(),
            other => format!("({})", other.as_str()),
        });
        self.by_kind[kind as usize] = class + 1;
        class
    }

    fn add(&mut self, name: String) -> u32 {
        self.keys.push(ClassKey {
            name,
            location: None,
        });
        self.keys.len() as u32 - 1
    }
}

/// `<div>` for `<div id="a">`, which stands for a class of elements; nothing for other names.
fn tag(name: &str) -> Option<Cow<'_, str>> {
    let after = if name.starts_with('<') {
        0
    } else if name.starts_with("Detached <") {
        "Detached <".len()
    } else {
        return None;
    };
    Some(match name[after..].find(' ') {
        Some(space) => Cow::Owned(format!("{}>", &name[..after + space])),
        None => Cow::Borrowed(name),
    })
}

/// Classes of objects whose constructor's place is known.
#[derive(Default)]
struct Located {
    classes: FxHashMap<(u32, u32), u32>,
    /// By class without a place: the first class with the same name.
    same_name: FxHashMap<u32, u32>,
    texts: HashMap<String, u32>,
    last: Option<((u32, u32), u32)>,
}

impl Located {
    fn class(
        &mut self,
        class: u32,
        place: u32,
        places: &[Location],
        keys: &mut Vec<ClassKey>,
    ) -> u32 {
        // Objects of one class often follow one another.
        if let Some((key, known)) = self.last
            && key == (class, place)
        {
            return known;
        }
        let name = match self.same_name.get(&class) {
            Some(&name) => name,
            None => {
                let name = *self
                    .texts
                    .entry(keys[class as usize].name.clone())
                    .or_insert(class);
                self.same_name.insert(class, name);
                name
            }
        };
        let found = *self.classes.entry((name, place)).or_insert_with(|| {
            let location = places.get(place as usize).copied();
            keys.push(ClassKey {
                name: keys[class as usize].name.clone(),
                location,
            });
            keys.len() as u32 - 1
        });
        self.last = Some(((class, place), found));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_classed_by_tag() {
        assert_eq!(tag("<div id=\"a\" class=\"b\">").unwrap(), "<div>");
        assert_eq!(tag("<div>").unwrap(), "<div>");
        assert_eq!(tag("Detached <p class=\"x\">").unwrap(), "Detached <p>");
        assert_eq!(tag("Detached <p>").unwrap(), "Detached <p>");
        assert_eq!(tag("Detached InternalNode"), None);
        assert_eq!(tag("User"), None);
    }

    #[test]
    fn keys_are_written_as_devtools_does() {
        let location = Some(Location {
            script_id: 12,
            line: 4,
            column: 16,
        });
        assert_eq!(
            ClassKey {
                name: "User".into(),
                location
            }
            .to_string(),
            "12,4,16,User"
        );
        assert_eq!(
            ClassKey {
                name: "(string)".into(),
                location: None
            }
            .to_string(),
            ",(string)"
        );
    }
}
