//! In which fields, order and form a V8 writes.

use crate::heap::{EDGE_KINDS, NODE_KINDS};

/// How a snapshot is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The numbers of a node.
    pub node_fields: Vec<String>,
    /// The numbers of an edge.
    pub edge_fields: Vec<String>,
    /// The numbers of a location.
    pub location_fields: Vec<String>,
    /// How many of V8's kinds of nodes there are.
    pub node_kinds: usize,
    /// Kinds are numbered from the last to the first.
    pub reversed_kinds: bool,
    /// A record a line, as V8 wrote them before Node.js 22.
    pub lines: bool,
    /// White space around everything.
    pub spaces: bool,
    /// Numbers of 32 bits are printed with a sign, as V8 14 and later do: those from 2^31 on are negative.
    pub signed: bool,
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

impl Layout {
    /// As Node.js 20.
    #[must_use]
    pub fn node_20() -> Self {
        let fields = [
            "type",
            "name",
            "id",
            "self_size",
            "edge_count",
            "trace_node_id",
            "detachedness",
        ];
        Self {
            node_fields: owned(&fields),
            edge_fields: owned(&["type", "name_or_index", "to_node"]),
            location_fields: owned(&["object_index", "script_id", "line", "column"]),
            node_kinds: NODE_KINDS.len() - 1,
            reversed_kinds: false,
            lines: true,
            spaces: false,
            signed: false,
        }
    }

    /// As Node.js 24 and later: no trace, everything on one line, numbers with a sign.
    #[must_use]
    pub fn node_24() -> Self {
        let fields = [
            "type",
            "name",
            "id",
            "self_size",
            "edge_count",
            "detachedness",
        ];
        Self {
            node_fields: owned(&fields),
            lines: false,
            signed: true,
            ..Self::node_20()
        }
    }

    /// As V8 15, which Deno 2.9 has: a location names its script's object as well.
    #[must_use]
    pub fn deno_2() -> Self {
        let fields = [
            "object_index",
            "script_id",
            "script_object_index",
            "line",
            "column",
        ];
        Self {
            location_fields: owned(&fields),
            ..Self::node_24()
        }
    }

    /// As Node.js 12: without detachedness.
    #[must_use]
    pub fn node_12() -> Self {
        let fields = [
            "type",
            "name",
            "id",
            "self_size",
            "edge_count",
            "trace_node_id",
        ];
        Self {
            node_fields: owned(&fields),
            node_kinds: 14,
            ..Self::node_20()
        }
    }

    /// As no V8 does, but as `meta` allows: other orders, fields that nobody knows, white space everywhere.
    #[must_use]
    pub fn odd() -> Self {
        let fields = [
            "mystery",
            "edge_count",
            "detachedness",
            "self_size",
            "id",
            "name",
            "type",
            "more",
        ];
        Self {
            node_fields: owned(&fields),
            edge_fields: owned(&["to_node", "weight", "name_or_index", "type"]),
            location_fields: owned(&["column", "line", "odd", "script_id", "object_index"]),
            node_kinds: NODE_KINDS.len(),
            reversed_kinds: true,
            lines: true,
            spaces: true,
            signed: true,
        }
    }

    /// Every layout there is.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::node_20(),
            Self::node_24(),
            Self::deno_2(),
            Self::node_12(),
            Self::odd(),
        ]
    }

    pub(crate) fn kind_number(&self, kind: usize) -> usize {
        if self.reversed_kinds {
            self.node_kinds - 1 - kind
        } else {
            kind
        }
    }

    pub(crate) fn write_meta(&self, text: &mut String) {
        let list = |names: &mut dyn Iterator<Item = &str>| {
            names
                .map(|name| format!("\"{name}\""))
                .collect::<Vec<_>>()
                .join(",")
        };
        let typed = |fields: &[String], kinds: &str| {
            let types = fields.iter().map(|field| match field.as_str() {
                "type" => format!("[{kinds}]"),
                "name" => "\"string\"".to_owned(),
                "name_or_index" => "\"string_or_number\"".to_owned(),
                "to_node" => "\"node\"".to_owned(),
                _ => "\"number\"".to_owned(),
            });
            types.collect::<Vec<_>>().join(",")
        };
        let node_kinds = &NODE_KINDS[..self.node_kinds];
        let node_kinds = if self.reversed_kinds {
            list(&mut node_kinds.iter().rev().copied())
        } else {
            list(&mut node_kinds.iter().copied())
        };
        let edge_kinds = list(&mut EDGE_KINDS.into_iter());
        text.push_str(&format!(
            "{{\"node_fields\":[{}],\"node_types\":[{}],\"edge_fields\":[{}],\"edge_types\":[{}],",
            list(&mut self.node_fields.iter().map(String::as_str)),
            typed(&self.node_fields, &node_kinds),
            list(&mut self.edge_fields.iter().map(String::as_str)),
            typed(&self.edge_fields, &edge_kinds),
        ));
        let locations = list(&mut self.location_fields.iter().map(String::as_str));
        text.push_str(&format!("\"location_fields\":[{locations}]}}"));
    }

    pub(crate) fn separate(&self, text: &mut String, at: usize) {
        if at > 0 {
            text.push(',');
        }
        if self.spaces {
            text.push_str(" \t\r\n");
        }
    }

    /// A number that V8 holds in 32 bits, as it prints it.
    pub(crate) fn short(&self, value: u32) -> i128 {
        if self.signed {
            value.cast_signed().into()
        } else {
            value.into()
        }
    }

    pub(crate) fn record(&self, text: &mut String, fields: impl Iterator<Item = i128>) {
        let separator = if self.spaces { " , " } else { "," };
        let fields: Vec<_> = fields.map(|field| field.to_string()).collect();
        text.push_str(&fields.join(separator));
        if self.lines {
            text.push('\n');
        }
    }
}
