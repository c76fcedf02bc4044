//! Columns of numbers, some of which are places in the string table.

use super::uses::{Use, Uses};
use super::{RedactError, RedactKey};

/// Longer numbers do not occur, and fit.
const MOST_DIGITS: u8 = 18;
/// Indices below are places in arrays more likely than data.
const LEAST_SECRET_INDEX: i64 = 1000;

/// Whether an index may be data, such as somebody's number.
fn is_secret(index: i64) -> bool {
    !(0..LEAST_SECRET_INDEX).contains(&index)
}

/// What the name of a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeName(Use);

impl NodeName {
    /// By the node's kind. The name of a kind that is not known is data.
    pub(super) fn of(kind: &str) -> Self {
        Self(match kind {
            "hidden" | "array" | "object" | "closure" | "native" | "synthetic" | "object shape"
            | "wasm object" => Use::Word,
            "code" => Use::Script,
            _ => Use::Value,
        })
    }
}

/// What the name of an edge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EdgeName {
    /// A place in the string table.
    Name(Use),
    /// Index of an element.
    Index,
    /// A number of V8's own.
    Number,
}

impl EdgeName {
    /// By the edge's kind. The name of a kind that is not known is data.
    pub(super) fn of(kind: &str) -> Self {
        match kind {
            "element" => Self::Index,
            "hidden" => Self::Number,
            "property" => Self::Name(Use::Property),
            "context" | "internal" | "shortcut" | "weak" => Self::Name(Use::Word),
            _ => Self::Name(Use::Value),
        }
    }
}

/// What the fields of a row are.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    fields: usize,
    names: Names,
}

#[derive(Debug, Clone)]
enum Names {
    /// Fields that are names, always of the same use.
    Fixed(Vec<(usize, Use)>),
    ByNodeKind {
        kind: usize,
        name: usize,
        uses: Vec<NodeName>,
    },
    ByEdgeKind {
        kind: usize,
        name: usize,
        uses: Vec<EdgeName>,
    },
}

impl Layout {
    pub(super) fn nodes(fields: usize, kind: usize, name: usize, uses: Vec<NodeName>) -> Self {
        Self {
            fields,
            names: Names::ByNodeKind { kind, name, uses },
        }
    }

    pub(super) fn edges(fields: usize, kind: usize, name: usize, uses: Vec<EdgeName>) -> Self {
        Self {
            fields,
            names: Names::ByEdgeKind { kind, name, uses },
        }
    }

    /// Rows of `fields`, of which some are names.
    pub(super) fn named(fields: &[String], names: &[(&str, Use)]) -> Self {
        let place = |name: &str| fields.iter().position(|field| field == name);
        Self {
            fields: fields.len(),
            names: Names::Fixed(
                names
                    .iter()
                    .filter_map(|(name, one)| Some((place(name)?, *one)))
                    .collect(),
            ),
        }
    }

    /// Rows without any name, of any number of fields.
    pub(super) fn numbers() -> Self {
        Self {
            fields: 1,
            names: Names::Fixed(Vec::new()),
        }
    }

    /// Replaces the names of a row by their new places; notes their use. `secret_indices`: hashes the
    /// indices of elements.
    fn rename(
        &self,
        row: &mut [i64],
        uses: &mut Uses,
        secret_indices: Option<&RedactKey>,
        offset: u64,
    ) -> Result<(), RedactError> {
        match &self.names {
            Names::Fixed(names) => {
                for (at, one) in names {
                    row[*at] = uses.note(row[*at], *one, offset)?;
                }
            }
            Names::ByNodeKind {
                kind,
                name,
                uses: kinds,
            } => {
                let one = usize::try_from(row[*kind])
                    .ok()
                    .and_then(|kind| kinds.get(kind))
                    .map_or(Use::Value, |node| node.0);
                row[*name] = uses.note(row[*name], one, offset)?;
            }
            Names::ByEdgeKind {
                kind,
                name,
                uses: kinds,
            } => {
                let one = usize::try_from(row[*kind])
                    .ok()
                    .and_then(|kind| kinds.get(kind))
                    .copied()
                    .unwrap_or(EdgeName::Name(Use::Value));
                match (one, secret_indices) {
                    (EdgeName::Name(one), _) => row[*name] = uses.note(row[*name], one, offset)?,
                    (EdgeName::Index, Some(key)) if is_secret(row[*name]) => {
                        // V8 14 and later print indices with a sign: those from 2^31 on are negative.
                        let index = match row[*name] {
                            negative @ ..0 => negative.wrapping_add(1 << 32),
                            index => index,
                        };
                        row[*name] = key.index(index.unsigned_abs()) as i64;
                    }
                    (EdgeName::Index | EdgeName::Number, _) => {}
                }
            }
        }
        Ok(())
    }
}

/// Reads `1,2,3\n,4,5,6]` in pieces of any length.
#[derive(Debug)]
pub(super) struct Rows {
    layout: Layout,
    row: Vec<i64>,
    value: i64,
    digits: u8,
    negative: bool,
    /// White space followed the digits: no more of them may come.
    ended: bool,
    /// The source breaks the line before this row.
    line: bool,
    first: bool,
}

impl Rows {
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            row: Vec::with_capacity(layout.fields),
            layout,
            value: 0,
            digits: 0,
            negative: false,
            ended: false,
            line: false,
            first: true,
        }
    }

    /// Takes bytes until the list ends: how many, and whether it has ended. `offset` is that of `data`.
    pub(super) fn take(
        &mut self,
        data: &[u8],
        offset: u64,
        uses: &mut Uses,
        secret_indices: Option<&RedactKey>,
        out: &mut Vec<u8>,
    ) -> Result<(usize, bool), RedactError> {
        for (at, &byte) in data.iter().enumerate() {
            match byte {
                b'0'..=b'9' if !self.ended && self.digits < MOST_DIGITS => {
                    self.value = self.value * 10 + i64::from(byte - b'0');
                    self.digits += 1;
                }
                b',' if self.digits > 0 => {
                    self.number(uses, secret_indices, offset + at as u64, out)?;
                }
                b' ' | b'\n' | b'\r' | b'\t' => {
                    self.ended = self.digits > 0;
                    self.line |= byte == b'\n';
                }
                b'-' if self.digits == 0 && !self.negative => self.negative = true,
                b']' => {
                    let offset = offset + at as u64;
                    if self.digits > 0 {
                        self.number(uses, secret_indices, offset, out)?;
                    } else if self.negative || !self.first || !self.row.is_empty() {
                        return Err(syntax(offset, "a number"));
                    }
                    if !self.row.is_empty() {
                        return Err(syntax(offset, "further fields of the row"));
                    }
                    out.push(b']');
                    return Ok((at + 1, true));
                }
                _ => {
                    let expected = match self.digits {
                        0 => "a whole number",
                        MOST_DIGITS => "a number of at most 18 digits",
                        _ => "a comma or the end of the list",
                    };
                    return Err(syntax(offset + at as u64, expected));
                }
            }
        }
        Ok((data.len(), false))
    }

    fn number(
        &mut self,
        uses: &mut Uses,
        secret_indices: Option<&RedactKey>,
        offset: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), RedactError> {
        self.row.push(if self.negative {
            -self.value
        } else {
            self.value
        });
        self.value = 0;
        self.digits = 0;
        self.negative = false;
        self.ended = false;
        if self.row.len() < self.layout.fields {
            return Ok(());
        }
        self.layout
            .rename(&mut self.row, uses, secret_indices, offset)?;
        for value in self.row.drain(..) {
            if self.first {
                self.first = false;
            } else {
                if self.line {
                    out.push(b'\n');
                }
                out.push(b',');
            }
            self.line = false;
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        }
        Ok(())
    }
}

fn syntax(offset: u64, expected: &'static str) -> RedactError {
    RedactError::Syntax { offset, expected }
}
