//! The snapshot's description of itself: which field is what.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::rows::{EdgeName, Layout, NodeName};
use super::uses::Use;
use super::{Redact, RedactError};

/// No header is longer.
pub(super) const MOST_BYTES: usize = 1 << 20;
/// Strings that are in the table without being used in a node or an edge: V8's dummy, and some to spare.
const SPARE_STRINGS: u64 = 64;

#[derive(Deserialize)]
struct Meta {
    node_fields: Vec<String>,
    node_types: Vec<Value>,
    edge_fields: Vec<String>,
    edge_types: Vec<Value>,
    #[serde(default)]
    trace_function_info_fields: Vec<String>,
    #[serde(default)]
    scope_context_var_fields: Vec<String>,
}

/// What the header tells.
pub(super) struct Header {
    pub(super) nodes: Layout,
    pub(super) edges: Layout,
    pub(super) trace_functions: Layout,
    pub(super) scope_variables: Layout,
    /// No string beyond can be used.
    pub(super) most_strings: u64,
    /// The header as it is written.
    pub(super) text: Vec<u8>,
}

impl Header {
    /// Reads the value of `"snapshot"`, which begins at byte `offset`.
    pub(super) fn read(json: &[u8], mode: Redact, offset: u64) -> Result<Self, RedactError> {
        let wrong = |expected| RedactError::Syntax { offset, expected };
        let mut all: Map<String, Value> = serde_json::from_slice(json)
            .map_err(|_| wrong("a description of the snapshot in JSON"))?;
        let meta = all
            .get("meta")
            .and_then(|meta| Meta::deserialize(meta).ok())
            .ok_or_else(|| wrong("\"meta\" with the fields and types of nodes and edges"))?;
        let count = |name| all.get(name).and_then(Value::as_u64).unwrap_or_default();
        let most_strings = count("node_count")
            .saturating_add(count("edge_count"))
            .saturating_add(count("trace_function_count").saturating_mul(2))
            .saturating_add(SPARE_STRINGS);
        let nodes = nodes(&meta).ok_or_else(|| wrong("nodes with a type and a name"))?;
        let edges = edges(&meta).ok_or_else(|| wrong("edges with a type and a name"))?;
        // A title and the like: nobody knows what stands in them.
        all.retain(|name, value| name == "meta" || value.is_number());
        all.insert("redacted".into(), mode.as_str().into());
        Ok(Self {
            nodes,
            edges,
            trace_functions: Layout::named(
                &meta.trace_function_info_fields,
                &[("name", Use::Word), ("script_name", Use::Script)],
            ),
            scope_variables: Layout::named(&meta.scope_context_var_fields, &[("name", Use::Word)]),
            most_strings,
            text: serde_json::to_vec(&all)
                .map_err(|_| wrong("a description that can be written"))?,
        })
    }
}

fn place(fields: &[String], name: &str) -> Option<usize> {
    fields.iter().position(|field| field == name)
}

/// The words for the values of field `at`.
fn kinds(types: &[Value], at: usize) -> Option<impl Iterator<Item = &str>> {
    Some(
        types
            .get(at)?
            .as_array()?
            .iter()
            .map(|kind| kind.as_str().unwrap_or_default()),
    )
}

fn nodes(meta: &Meta) -> Option<Layout> {
    let kind = place(&meta.node_fields, "type")?;
    let uses = kinds(&meta.node_types, kind)?.map(NodeName::of).collect();
    Some(Layout::nodes(
        meta.node_fields.len(),
        kind,
        place(&meta.node_fields, "name")?,
        uses,
    ))
}

fn edges(meta: &Meta) -> Option<Layout> {
    let kind = place(&meta.edge_fields, "type")?;
    let uses = kinds(&meta.edge_types, kind)?.map(EdgeName::of).collect();
    Some(Layout::edges(
        meta.edge_fields.len(),
        kind,
        place(&meta.edge_fields, "name_or_index")?,
        uses,
    ))
}
