//! Objects and references as somebody who wrote the program would call them.

use super::Scripts;
use super::collection::{Slot, Table, slot_number};
use crate::model::{Edge, EdgeKind, HeapGraph, NodeIndex, NodeKind};

/// What a scope of variables is called.
pub(crate) const SCOPE: &str = "context";
/// Characters of a string's text in a name.
const MAX_TEXT: usize = 60;

/// The object: `LogEntry`, `function handler [server.js:12:9]`, `"GET /"`.
pub(crate) fn object(graph: &HeapGraph, scripts: &Scripts, index: NodeIndex) -> String {
    let node = graph.node(index);
    let name = node.name();
    match node.kind() {
        NodeKind::Closure => {
            let name = if name.is_empty() {
                "(anonymous)"
            } else {
                name.as_ref()
            };
            match node.location() {
                Some(location) => {
                    let file = scripts.name(location.script_id).map_or("", file_name);
                    let separator = if file.is_empty() { "" } else { ":" };
                    let (line, column) = (
                        location.line.saturating_add(1),
                        location.column.saturating_add(1),
                    );
                    format!("function {name} [{file}{separator}{line}:{column}]")
                }
                None => format!("function {name}"),
            }
        }
        kind if kind.is_string() => quoted(&name),
        NodeKind::Symbol if !name.starts_with("symbol") => format!("Symbol({})", shortened(&name)),
        NodeKind::RegExp => format!("/{}/", shortened(&name)),
        NodeKind::Array if name.is_empty() => "(array)".to_owned(),
        NodeKind::Code if name.is_empty() => "(code)".to_owned(),
        _ if name == "system / Context" => SCOPE.to_owned(),
        _ if name.is_empty() => format!("({})", node.kind().as_str()),
        _ => shortened(&name),
    }
}

/// A reference of an object: `.requestLog`, `["content-type"]`, `[0]`, `context .cache`.
pub(crate) fn reference(graph: &HeapGraph, edge: &Edge) -> String {
    let name = edge.name(graph);
    match edge.kind {
        EdgeKind::Property => property(&name),
        EdgeKind::Element => format!("[{name}]"),
        EdgeKind::Context => format!("context .{}", shortened(&name)),
        EdgeKind::Internal if name.contains(" / part of key ") => "(weak map value)".to_owned(),
        EdgeKind::Internal if name.bytes().all(|byte| byte.is_ascii_digit()) => format!("[{name}]"),
        EdgeKind::Hidden => "(hidden)".to_owned(),
        EdgeKind::Internal
            if matches!(
                name.as_ref(),
                "bound_this" | "bound_function" | "native_to_javascript"
            ) =>
        {
            name.replace('_', " ")
        }
        _ => format!("({})", shortened(&name)),
    }
}

/// A reference out of a store, as its owner has it: entries of maps by their keys.
pub(crate) fn stored(graph: &HeapGraph, owner: NodeIndex, store: NodeIndex, edge: &Edge) -> String {
    if matches!(
        edge.kind,
        EdgeKind::Property | EdgeKind::Element | EdgeKind::Context
    ) {
        return reference(graph, edge);
    }
    let owner_name = graph.node(owner).name();
    let is_map = owner_name.contains("Map");
    let is_table = is_map || owner_name.contains("Set");
    let slot = slot_number(graph, edge);
    let table = is_table
        .then(|| Table::of(graph.node(store).self_size(), is_map))
        .flatten();
    match (
        slot,
        table.and_then(|table| table.slot(slot.unwrap_or_default())),
    ) {
        (Some(_), Some(Slot::Key)) if !is_map => "(member)".to_owned(),
        (Some(_), Some(Slot::Key)) => "(key)".to_owned(),
        (Some(number), Some(Slot::Value)) => key_of(graph, store, number)
            .map_or_else(|| "(value)".to_owned(), |key| format!(".get({key})")),
        (Some(_), None)
            if matches!(
                owner_name.as_ref(),
                "Generator" | "AsyncGenerator" | "AsyncFunction"
            ) =>
        {
            "(local)".to_owned()
        }
        _ => reference(graph, edge),
    }
}

/// The key of the value in slot `number`, where it is a string that the snapshot holds.
fn key_of(graph: &HeapGraph, store: NodeIndex, number: u64) -> Option<String> {
    let before = number.checked_sub(1)?;
    let edge = graph
        .edges(store)
        .find(|edge| slot_number(graph, edge) == Some(before))?;
    let key = graph.node(edge.target);
    match key.kind() {
        kind if kind.is_string() => Some(quoted(&key.name())),
        NodeKind::Object | NodeKind::Closure | NodeKind::Symbol => Some(shortened(&key.name())),
        _ => None,
    }
}

fn property(name: &str) -> String {
    let bare = name.strip_prefix('#').unwrap_or(name);
    let mut characters = bare.chars();
    let starts_well = characters
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_' || c == '$');
    if starts_well && characters.all(|c| c.is_alphanumeric() || c == '_' || c == '$') {
        return format!(".{}", shortened(name));
    }
    match name
        .strip_prefix("<symbol ")
        .and_then(|rest| rest.strip_suffix('>'))
    {
        Some(symbol) => format!("[Symbol({})]", shortened(symbol)),
        None => format!("[{}]", quoted(name)),
    }
}

/// The last part of a path or URL.
pub(crate) fn file_name(script: &str) -> &str {
    if script.starts_with("node:") {
        return script;
    }
    script.rsplit(['/', '\\']).next().unwrap_or(script)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(text))
}

/// At most [`MAX_TEXT`] characters in one line.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(MAX_TEXT)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(MAX_TEXT).is_some() {
        short.push('…');
    }
    short
}
