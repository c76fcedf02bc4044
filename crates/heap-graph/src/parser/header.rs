//! `snapshot`, the first part of the file: which fields nodes and edges have, and how many there are.

use serde::Deserialize;

use super::ReadError;
use crate::model::{EdgeKind, MAX_EDGES, MAX_NODES, NodeKind};

/// More than any V8 writes (some 1.5 kB), less than would hurt.
pub(crate) const MAX_HEADER_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
struct RawHeader {
    meta: RawMeta,
    node_count: u64,
    edge_count: u64,
    #[serde(default)]
    root_index: Option<u64>,
    #[serde(default)]
    extra_native_bytes: Option<f64>,
}

#[derive(Deserialize)]
struct RawMeta {
    node_fields: Vec<String>,
    node_types: Vec<serde_json::Value>,
    edge_fields: Vec<String>,
    edge_types: Vec<serde_json::Value>,
    #[serde(default)]
    location_fields: Vec<String>,
}

/// Where the fields of a node stand, and what its types mean.
#[derive(Clone, Debug)]
pub(crate) struct NodeLayout {
    pub(crate) fields: usize,
    pub(crate) kind: usize,
    pub(crate) name: usize,
    pub(crate) id: usize,
    pub(crate) self_size: usize,
    pub(crate) edge_count: usize,
    pub(crate) detachedness: Option<usize>,
    pub(crate) kinds: Vec<NodeKind>,
}

/// Where the fields of an edge stand, and what its types mean.
#[derive(Clone, Debug)]
pub(crate) struct EdgeLayout {
    pub(crate) fields: usize,
    pub(crate) kind: usize,
    pub(crate) label: usize,
    pub(crate) target: usize,
    pub(crate) kinds: Vec<EdgeKind>,
}

/// Where the fields of a location stand.
#[derive(Clone, Debug)]
pub(crate) struct LocationLayout {
    pub(crate) fields: usize,
    pub(crate) node: usize,
    pub(crate) script: usize,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// What the rest of the file is read by.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) nodes: usize,
    pub(crate) edges: usize,
    pub(crate) root: u32,
    pub(crate) extra_native_bytes: u64,
    pub(crate) node: NodeLayout,
    pub(crate) edge: EdgeLayout,
    pub(crate) location: Option<LocationLayout>,
}

impl Header {
    /// Reads the text of the `snapshot` object, which begins at `offset`.
    pub(crate) fn parse(text: &[u8], offset: u64) -> Result<Self, ReadError> {
        let raw: RawHeader =
            serde_json::from_slice(text).map_err(|error| ReadError::NotASnapshot {
                offset,
                expected: "`snapshot` with `meta`, `node_count` and `edge_count`".into(),
                found: error.to_string(),
            })?;
        let meta = &raw.meta;
        let nodes = bounded(raw.node_count, MAX_NODES, "nodes", offset)?;
        let edges = bounded(raw.edge_count, MAX_EDGES, "edges", offset)?;
        let fields = Fields {
            names: &meta.node_fields,
            list: "node_fields",
            offset,
        };
        let kind = fields.position("type")?;
        let node = NodeLayout {
            fields: fields.count()?,
            kind,
            name: fields.position("name")?,
            id: fields.position("id")?,
            self_size: fields.position("self_size")?,
            edge_count: fields.position("edge_count")?,
            detachedness: fields.position("detachedness").ok(),
            kinds: type_names(&meta.node_types, kind, "node_types", offset)?
                .map(NodeKind::from_name)
                .collect(),
        };
        let fields = Fields {
            names: &meta.edge_fields,
            list: "edge_fields",
            offset,
        };
        let kind = fields.position("type")?;
        let edge = EdgeLayout {
            fields: fields.count()?,
            kind,
            label: fields.position("name_or_index")?,
            target: fields.position("to_node")?,
            kinds: type_names(&meta.edge_types, kind, "edge_types", offset)?
                .map(EdgeKind::from_name)
                .collect(),
        };
        let fields = Fields {
            names: &meta.location_fields,
            list: "location_fields",
            offset,
        };
        let location = if meta.location_fields.is_empty() {
            None
        } else {
            Some(LocationLayout {
                fields: fields.count()?,
                node: fields.position("object_index")?,
                script: fields.position("script_id")?,
                line: fields.position("line")?,
                column: fields.position("column")?,
            })
        };
        let root = root_of(raw.root_index.unwrap_or(0), nodes, node.fields, offset)?;
        let extra_native_bytes = raw.extra_native_bytes.unwrap_or(0.0).max(0.0) as u64;
        Ok(Self {
            nodes,
            edges,
            root,
            extra_native_bytes,
            node,
            edge,
            location,
        })
    }
}

fn bounded(count: u64, limit: usize, what: &'static str, offset: u64) -> Result<usize, ReadError> {
    match usize::try_from(count) {
        Ok(count) if count <= limit => Ok(count),
        _ => Err(ReadError::TooLarge {
            offset,
            what: format!("{count} {what}").into(),
            limit: limit as u64,
        }),
    }
}

fn root_of(index: u64, nodes: usize, fields: usize, offset: u64) -> Result<u32, ReadError> {
    let root = index / fields as u64;
    if index.is_multiple_of(fields as u64) && root < (nodes as u64).max(1) {
        return Ok(root as u32);
    }
    Err(ReadError::Inconsistent {
        offset,
        expected: format!(
            "`root_index` to be a multiple of {fields} below {}",
            nodes * fields
        )
        .into(),
        found: index.to_string(),
    })
}

struct Fields<'h> {
    names: &'h [String],
    list: &'static str,
    offset: u64,
}

impl Fields<'_> {
    fn position(&self, name: &str) -> Result<usize, ReadError> {
        self.names
            .iter()
            .position(|field| field == name)
            .ok_or_else(|| ReadError::Inconsistent {
                offset: self.offset,
                expected: format!("the field `{name}` in `{}`", self.list).into(),
                found: format!("{:?}", self.names.iter().take(32).collect::<Vec<_>>()),
            })
    }

    fn count(&self) -> Result<usize, ReadError> {
        let limit = 256;
        if self.names.len() <= limit {
            return Ok(self.names.len());
        }
        let what = format!("{} fields in `{}`", self.names.len(), self.list).into();
        Err(ReadError::TooLarge {
            offset: self.offset,
            what,
            limit: limit as u64,
        })
    }
}

fn type_names<'h>(
    types: &'h [serde_json::Value],
    field: usize,
    list: &'static str,
    offset: u64,
) -> Result<impl Iterator<Item = &'h str>, ReadError> {
    let names = types
        .get(field)
        .and_then(|types| types.as_array())
        .ok_or_else(|| ReadError::Inconsistent {
            offset,
            expected: format!("the list of types in `{list}`").into(),
            found: types.get(field).map_or_else(
                || "nothing".to_owned(),
                |value| value.to_string().chars().take(60).collect(),
            ),
        })?;
    Ok(names.iter().map(|name| name.as_str().unwrap_or("")))
}
