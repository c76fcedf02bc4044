//! The census: how many objects of what, and how large.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::addresses::AddressSet;
use crate::elf::u64_at;
use crate::error::WalkError;
use crate::inspect::Subject;
use crate::layout::Layout;
use crate::maps::{MapInfo, Watch};
use crate::names::{Names, SourcePlace};
use crate::process::Isolate;
use crate::roots::RootSet;
use crate::view::{Object, object_size};
use crate::walk::Walk;
use crate::walker::{Bits, Follow, MapTally, Tally, Walker};

/// What kind of thing is counted in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Group {
    /// JavaScript objects, by class.
    Object,
    /// Functions, by their place in the source.
    Closure,
    /// Variables that functions share.
    Context,
    /// Regular expressions.
    RegExp,
    /// Strings, by how they are kept.
    String,
    /// Symbols.
    Symbol,
    /// Numbers in boxes of their own.
    Number,
    /// BigInts.
    BigInt,
    /// What V8 keeps for itself: property and element arrays, maps, code, scripts.
    Internal,
}

impl Group {
    /// The name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Closure => "closure",
            Self::Context => "context",
            Self::RegExp => "regexp",
            Self::String => "string",
            Self::Symbol => "symbol",
            Self::Number => "number",
            Self::BigInt => "bigint",
            Self::Internal => "internal",
        }
    }
}

/// One class of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What kind of thing it is.
    pub group: Group,
    /// The class, the function, or V8's type.
    pub name: String,
    /// Where the class or function stands in the source, when that is known.
    pub place: Option<SourcePlace>,
    /// All of them: count and shallow bytes.
    pub all: Tally,
    /// Those in the young generation.
    pub young: Tally,
    /// Those that only a conservative root (a word on a stack) holds: they may be dead.
    pub doubtful: Tally,
    /// Old ones that were there in the earlier census, at the same place: of [`Walk::census_since`] alone.
    pub survived: Tally,
}

/// Settings of a census.
#[derive(Clone, Copy, Debug, Default)]
pub struct CensusOptions {
    /// Which references keep an object alive.
    pub follow: Follow,
}

/// How the census went.
#[derive(Clone, Copy, Debug, Default)]
pub struct CensusStats {
    /// From the first object to the last.
    pub mark: Duration,
    /// Naming the classes.
    pub name: Duration,
    /// Bytes that the bitmaps and the stack took.
    pub memory_bytes: usize,
    /// References followed.
    pub references: u64,
    /// Objects of which V8's page says that they are there, but whose size could not be told.
    pub unsized_objects: u64,
    /// Words that looked like references and led to no object.
    pub false_references: u64,
}

/// What is in a heap.
#[derive(Clone, Debug)]
pub struct Census {
    /// The line of Node whose heap it is.
    pub node_line: u32,
    /// Classes, the largest first.
    pub rows: Vec<Row>,
    /// All that is alive.
    pub total: Tally,
    /// What of it is in the young generation.
    pub young: Tally,
    /// What of it only a conservative root holds.
    pub doubtful: Tally,
    /// ArrayBuffers' memory outside of the heap, each store once.
    pub buffer_bytes: u64,
    /// Strings' characters outside of the heap.
    pub external_string_bytes: u64,
    /// Bytes of the heap's pages that objects can be in.
    pub page_bytes: u64,
    /// How it went.
    pub stats: CensusStats,
}

/// Walks from all roots: exact ones first, so that only what nothing else holds counts as doubtful.
pub(crate) fn mark(walker: &mut Walker<'_, '_>, isolate: &Isolate) {
    let roots = &isolate.roots;
    for (index, &word) in roots.isolate_words.iter().enumerate() {
        if !is_weak_list(walker, roots, index, word) {
            walker.visit_root(word);
        }
    }
    walker.drain();
    for words in [&roots.global_handles, &roots.local_handles] {
        for &word in words {
            walker.visit_root(word);
        }
        walker.drain();
    }
    walker.set_doubtful(true);
    for &word in &roots.stack {
        walker.visit_root(word);
    }
    walker.drain();
}

/// Whether a word of the isolate is the head of the list of contexts, which keeps none of them alive.
pub(crate) fn is_weak_list(
    walker: &Walker<'_, '_>,
    roots: &RootSet,
    index: usize,
    word: u64,
) -> bool {
    index >= roots.heap_words_from && walker.is_native_context(word)
}

/// Takes the census of one isolate.
///
/// # Errors
/// [`WalkError::SelfTest`] when the heap doesn't look as it should.
pub fn census(subject: &Subject<'_, '_>, options: &CensusOptions) -> Result<Census, WalkError> {
    Ok(Walk::new(subject, options.follow)?.census())
}

/// The census of a heap that was walked.
pub(crate) fn census_of(walk: &Walk<'_, '_>, earlier: Option<&AddressSet>) -> Census {
    let (walker, heap) = (&walk.walker, walk.walker.heap);
    let named = Instant::now();
    let names = Names::new(walk.view, walker.counts());
    let rows = rows(walker, &names, earlier);
    let sum = |of: fn(&Row) -> Tally| {
        rows.iter().fold(Tally::default(), |mut sum, row| {
            sum.merge(of(row));
            sum
        })
    };
    Census {
        node_line: walker.layout.row.node,
        total: sum(|row| row.all),
        young: sum(|row| row.young),
        doubtful: sum(|row| row.doubtful),
        buffer_bytes: buffer_bytes(walker, &names),
        external_string_bytes: external_string_bytes(walker, &names),
        page_bytes: heap.pages().map(|page| page.end - page.start).sum(),
        stats: CensusStats {
            mark: walk.marked,
            name: named.elapsed(),
            memory_bytes: walker.memory(),
            references: walker.references,
            unsized_objects: walker.unsized_objects,
            false_references: walker.false_references,
        },
        rows,
    }
}

/// Counts, by map and by function, what was marked at the same place before. Prototypes are counted one by one.
pub(crate) fn count_survivors(walker: &mut Walker<'_, '_>, earlier: &AddressSet) {
    let heap = walker.heap;
    let shared_at = walker.layout.offsets.function_shared as u64;
    for (page, chunk) in heap.chunks().iter().enumerate() {
        if chunk.page.is_young() {
            continue;
        }
        for (cell, &was) in earlier.page(chunk.page.start).iter().enumerate() {
            let is = walker.marks.page(page).get(cell).copied().unwrap_or(0);
            for bit in Bits(is & was) {
                let offset = (cell * 64 + bit as usize) * 8;
                let found = chunk
                    .slice(offset, chunk.words() * 8 - offset)
                    .and_then(|bytes| {
                        let map = walker.maps.known_index(u64_at(bytes, 0))?;
                        let info = *walker.maps.info(map)?;
                        Some((map, info, object_size(heap, &info, bytes)?))
                    });
                let Some((map, info, size)) = found else {
                    continue;
                };
                if let Some(tally) = walker.tallies.get_mut(map as usize) {
                    tally.survived.add(size as u64);
                }
                if info.watch == Watch::Function {
                    let address = chunk.page.start + offset as u64;
                    let shared = heap.word(address + shared_at).unwrap_or(0);
                    if let Some(tally) = walker.functions.get_mut(&shared) {
                        tally.survived.add(size as u64);
                    }
                }
            }
        }
    }
}

/// Classes are told apart by name and by where their constructor stands.
type Key = (Group, String, Option<SourcePlace>);

fn rows(walker: &Walker<'_, '_>, names: &Names<'_, '_>, earlier: Option<&AddressSet>) -> Vec<Row> {
    let mut found: HashMap<Key, MapTally> = HashMap::new();
    for (info, tally) in walker.maps.infos().iter().zip(&walker.tallies) {
        let by_itself = matches!(info.watch, Watch::Function | Watch::Prototype);
        if tally.all.count > 0 && !by_itself {
            found
                .entry(key_of_map(names, info, tally.example))
                .or_default()
                .merge(tally);
        }
    }
    for (&shared, tally) in &walker.functions {
        found
            .entry(key_of_function(names, shared))
            .or_default()
            .merge(tally);
    }
    for &address in &walker.prototypes {
        if let Some((key, tally)) = one(walker, names, earlier, address) {
            found.entry(key).or_default().merge(&tally);
        }
    }
    let mut rows: Vec<Row> = found
        .into_iter()
        .map(|((group, name, place), tally)| Row {
            group,
            name,
            place,
            all: tally.all,
            young: tally.young,
            doubtful: tally.doubtful,
            survived: tally.survived,
        })
        .collect();
    rows.sort_by(|a, b| {
        let key = |row: &Row| (Reverse(row.all.bytes), row.group);
        let name = || (&a.name, &a.place).cmp(&(&b.name, &b.place));
        key(a).cmp(&key(b)).then_with(name)
    });
    rows
}

fn key_of_map(names: &Names<'_, '_>, info: &MapInfo, example: u64) -> Key {
    let layout = names.view.layout;
    let group = group_of(layout, info.instance_type);
    match group {
        Group::Object => {
            let (name, constructor) = names.class_of(&Object {
                address: example,
                map: *info,
            });
            (
                group,
                name,
                constructor.and_then(|c| names.function_place(&c)),
            )
        }
        _ => (group, plain_name(layout, group, info.instance_type), None),
    }
}

fn key_of_function(names: &Names<'_, '_>, shared: u64) -> Key {
    let Some(shared) = names.view.object(shared) else {
        return (Group::Closure, String::new(), None);
    };
    (
        Group::Closure,
        names.shared_name(&shared, false),
        names.shared_place(&shared),
    )
}

fn one(
    walker: &Walker<'_, '_>,
    names: &Names<'_, '_>,
    earlier: Option<&AddressSet>,
    address: u64,
) -> Option<(Key, MapTally)> {
    let object: Object = names.view.object(address | 1)?;
    let size = object_size(walker.heap, &object.map, names.view.bytes(address)?)?;
    let page = walker.heap.chunk_index(address)?;
    let young = walker.heap.chunks().get(page)?.page.is_young();
    let group = group_of(names.view.layout, object.instance_type());
    let (name, constructor) = names.class_of(&object);
    let place = constructor.and_then(|c| names.function_place(&c));
    let mut tally = MapTally::default();
    tally.add(size as u64, young, false);
    if !young && earlier.is_some_and(|earlier| earlier.contains(address)) {
        tally.survived = tally.all;
    }
    Some(((group, name, place), tally))
}

/// The group of an instance type.
pub(crate) fn group_of(layout: &Layout, instance_type: u16) -> Group {
    let types = &layout.types;
    match instance_type {
        t if layout.is_string(t) => Group::String,
        t if t == types.symbol => Group::Symbol,
        t if t == types.symbol + 1 => Group::BigInt,
        t if t == types.heap_number => Group::Number,
        t if layout.is_function(t) || t == types.js_bound_function => Group::Closure,
        t if t == types.js_reg_exp => Group::RegExp,
        t if layout.is_context(t) && t != types.native_context => Group::Context,
        t if layout.is_js(t) => Group::Object,
        _ => Group::Internal,
    }
}

/// The name of what has no class.
pub(crate) fn plain_name(layout: &Layout, group: Group, instance_type: u16) -> String {
    match group {
        Group::String => match instance_type & 7 {
            0 => "string",
            1 => "concatenated string",
            2 => "external string",
            3 => "sliced string",
            _ => "thin string",
        }
        .to_owned(),
        Group::Symbol => "symbol".to_owned(),
        Group::BigInt => "bigint".to_owned(),
        Group::Number => "number".to_owned(),
        Group::RegExp => "RegExp".to_owned(),
        Group::Closure => "bound function".to_owned(),
        Group::Context => "context".to_owned(),
        Group::Object | Group::Internal => {
            let name = layout.type_name(instance_type);
            if name.is_empty() {
                return "other".to_owned();
            }
            name.to_lowercase().replace('_', " ")
        }
    }
}

fn buffer_bytes(walker: &Walker<'_, '_>, names: &Names<'_, '_>) -> u64 {
    let mut seen = HashSet::new();
    walker
        .buffers
        .iter()
        .filter_map(|&address| names.view.object(address | 1))
        .map(|buffer| names.backing_store(&buffer))
        .filter(|&(store, length)| length < 1 << 46 && store != 0 && seen.insert(store))
        .map(|(_, length)| length)
        .sum()
}

fn external_string_bytes(walker: &Walker<'_, '_>, names: &Names<'_, '_>) -> u64 {
    walker
        .external_strings
        .iter()
        .filter_map(|&address| names.view.object(address | 1))
        .map(|string| names.external_characters(&string))
        .sum()
}
