//! The redactor: a JSON scanner that is pushed, part by part.

use std::io::{self, Write};

use super::header::{self, Header};
use super::rows::{Layout, Rows};
use super::strings::{Rules, Strings};
use super::uses::Uses;
use super::{Redact, RedactError, RedactKey};

/// So much is written at once.
const CHUNK: usize = 64 << 10;
/// Longest name of a part that is told from others.
const LONGEST_PART: usize = 64;
/// Bytes that are looked at before what came of them is written.
const STRIDE: usize = 16 << 10;

/// A writer that passes a heap snapshot on to `W` without what users typed.
///
/// What is written is the text of a snapshot, in pieces of any size. An error is final: every later call fails with
/// it. Only after [`finish`](Self::finish) has said so is what `W` holds a whole snapshot; `W` should be
/// something that can be thrown away, such as a file that is renamed when it is whole.
///
/// See the [module](super) for what is replaced, and the cost.
pub struct Redactor<W: Write> {
    out: Output<W>,
    mode: Redact,
    key: RedactKey,
    state: State,
    layouts: Option<Layouts>,
    uses: Uses,
    /// Bytes of the snapshot that were looked at.
    offset: u64,
    seen: Seen,
    failed: Option<RedactError>,
}

/// What is on its way to `W`.
pub(super) struct Output<W: Write> {
    writer: W,
    pub(super) buffer: Vec<u8>,
}

impl<W: Write> Output<W> {
    /// Writes when there is enough.
    pub(super) fn spill(&mut self) -> Result<(), RedactError> {
        if self.buffer.len() >= CHUNK {
            self.empty()?;
        }
        Ok(())
    }

    fn empty(&mut self) -> Result<(), RedactError> {
        self.writer.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

struct Layouts {
    nodes: Layout,
    edges: Layout,
    trace_functions: Layout,
    scope_variables: Layout,
}

#[derive(Default)]
struct Seen {
    nodes: bool,
    edges: bool,
    strings: bool,
}

enum State {
    /// Before the first brace.
    Start,
    /// Before the name of a part; `first` when there may be none.
    Name { first: bool },
    /// Within it.
    InName { name: Vec<u8>, escaped: bool },
    /// Before the colon.
    Colon(Part),
    /// Before the part itself.
    Value(Part),
    /// Within the header, which is read as a whole.
    Header(Text, Vec<u8>),
    /// Within a list of rows.
    Rows(Rows),
    /// Within a list of lists of numbers.
    Nested { depth: u64 },
    /// Within the strings.
    Strings(Strings),
    /// Within a part that is left out.
    Unknown(Text),
    /// After a part.
    After,
    /// After the last brace.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Header,
    Nodes,
    Edges,
    TraceFunctions,
    ScopeVariables,
    Numbers,
    Nested,
    Strings,
    Unknown,
}

impl Part {
    fn of(name: &[u8]) -> Self {
        match name {
            b"snapshot" => Self::Header,
            b"nodes" => Self::Nodes,
            b"edges" => Self::Edges,
            b"trace_function_infos" => Self::TraceFunctions,
            b"scope_context_vars" => Self::ScopeVariables,
            b"locations" | b"samples" | b"scopes" | b"scope_uses" => Self::Numbers,
            b"trace_tree" => Self::Nested,
            b"strings" => Self::Strings,
            _ => Self::Unknown,
        }
    }

    /// Whether it names strings, or is these: nothing of the kind may follow the strings.
    fn has_names(self) -> bool {
        !matches!(self, Self::Numbers | Self::Nested)
    }
}

/// Finds the end of a value of which nothing else is known.
#[derive(Default)]
struct Text {
    depth: u64,
    in_string: bool,
    escaped: bool,
    begun: bool,
}

impl Text {
    /// Whether the value ends with `byte`. One that is neither a list, an object nor a string ends before `byte`,
    /// which is what `Some(false)` says.
    fn ends(&mut self, byte: u8) -> Option<bool> {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return (!self.in_string && self.depth == 0).then_some(true);
        }
        match byte {
            b'"' => self.in_string = true,
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' if self.depth > 0 => {
                self.depth -= 1;
                return (self.depth == 0).then_some(true);
            }
            b']' | b'}' | b',' if self.depth == 0 && self.begun => return Some(false),
            _ => {}
        }
        self.begun |= !byte.is_ascii_whitespace();
        None
    }
}

impl<W: Write> Redactor<W> {
    /// Writes to `writer` what it is given, redacted.
    pub fn new(writer: W, mode: Redact, key: &RedactKey) -> Self {
        Self {
            out: Output {
                writer,
                buffer: Vec::with_capacity(CHUNK * 2),
            },
            mode,
            key: key.clone(),
            state: State::Start,
            layouts: None,
            uses: Uses::default(),
            offset: 0,
            seen: Seen::default(),
            failed: None,
        }
    }

    /// Says that the snapshot is whole, and gives the writer back, to which all has been written.
    ///
    /// # Errors
    /// [`RedactError::Truncated`] when the snapshot has not ended, and what an earlier write failed with.
    pub fn finish(mut self) -> Result<W, RedactError> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let expected = match &self.state {
            State::End => {
                self.out.empty()?;
                self.out.writer.flush()?;
                return Ok(self.out.writer);
            }
            State::Start => "a heap snapshot",
            State::Header(..) => "the end of the snapshot's description",
            State::Rows(_) | State::Nested { .. } => "further numbers",
            State::Strings(_) => "further strings",
            _ => "the end of the snapshot",
        };
        Err(RedactError::Truncated {
            offset: self.offset,
            expected,
        })
    }

    /// Bytes of the snapshot that were taken.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.offset
    }

    fn take(&mut self, mut data: &[u8]) -> Result<(), RedactError> {
        while !data.is_empty() {
            let stride = &data[..data.len().min(STRIDE)];
            let taken = self.step(stride)?;
            self.offset += taken as u64;
            data = &data[taken..];
            self.out.spill()?;
        }
        Ok(())
    }

    /// Takes some of `data`: how much.
    fn step(&mut self, data: &[u8]) -> Result<usize, RedactError> {
        let secret_indices = (self.mode == Redact::All).then_some(&self.key);
        match &mut self.state {
            State::Rows(rows) => {
                let (taken, ended) = rows.take(
                    data,
                    self.offset,
                    &mut self.uses,
                    secret_indices,
                    &mut self.out.buffer,
                )?;
                if ended {
                    self.state = State::After;
                }
                Ok(taken)
            }
            State::Strings(strings) => {
                let rules = Rules {
                    mode: self.mode,
                    key: &self.key,
                    uses: &self.uses,
                };
                let (taken, ended) = strings.take(data, self.offset, &rules, &mut self.out)?;
                if ended {
                    self.state = State::After;
                }
                Ok(taken)
            }
            State::Nested { depth } => {
                let (taken, ended) = nested(data, self.offset, depth, &mut self.out.buffer)?;
                if ended {
                    self.state = State::After;
                }
                Ok(taken)
            }
            _ => self.byte(data[0]),
        }
    }

    /// Takes one byte outside of the large lists; 0 when it has to be looked at again.
    fn byte(&mut self, byte: u8) -> Result<usize, RedactError> {
        let wrong = |expected| RedactError::Syntax {
            offset: self.offset,
            expected,
        };
        let blank = matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        match &mut self.state {
            State::Header(text, json) => {
                if json.len() == header::MOST_BYTES {
                    return Err(wrong("a description of the snapshot of at most 1 MB"));
                }
                json.push(byte);
                if text.ends(byte) == Some(true) {
                    self.header()?;
                }
                return Ok(1);
            }
            State::Unknown(text) => {
                let Some(included) = text.ends(byte) else {
                    return Ok(1);
                };
                self.out.buffer.extend_from_slice(b"null");
                self.state = State::After;
                return Ok(usize::from(included));
            }
            State::InName { name, escaped } => {
                if byte == b'"' && !*escaped {
                    let part = Part::of(name);
                    let known = match part {
                        // Its name could be data as well.
                        Part::Unknown => b"unknown",
                        _ => &name[..],
                    };
                    self.out.buffer.extend_from_slice(known);
                    self.out.buffer.push(b'"');
                    self.state = State::Colon(part);
                } else {
                    *escaped = byte == b'\\' && !*escaped;
                    if name.len() < LONGEST_PART {
                        name.push(byte);
                    }
                }
                return Ok(1);
            }
            _ => {}
        }
        if blank {
            if byte == b'\n' && !matches!(self.state, State::Start) {
                self.out.buffer.push(byte);
            }
            return Ok(1);
        }
        let next = match (&self.state, byte) {
            (State::Start, b'{') => State::Name { first: true },
            (State::Start, _) => return Err(wrong("{")),
            (State::Name { .. }, b'"') => State::InName {
                name: Vec::new(),
                escaped: false,
            },
            (State::Name { first: true } | State::After, b'}') => {
                if !self.seen.strings {
                    return Err(wrong("\"strings\""));
                }
                State::End
            }
            (State::Name { .. }, _) => return Err(wrong("the name of a part")),
            (State::Colon(part), b':') => State::Value(*part),
            (State::Colon(_), _) => return Err(wrong("a colon")),
            (State::Value(part), _) => {
                let part = *part;
                return self.begin(part, byte);
            }
            (State::After, b',') => State::Name { first: false },
            (State::After, _) => return Err(wrong("a comma or the end of the snapshot")),
            _ => return Err(wrong("nothing after the snapshot")),
        };
        self.state = next;
        self.out.buffer.push(byte);
        Ok(1)
    }

    /// Begins a part.
    fn begin(&mut self, part: Part, byte: u8) -> Result<usize, RedactError> {
        let offset = self.offset;
        let order = |what| RedactError::Order { offset, what };
        if matches!(part, Part::Header | Part::Unknown) {
            let text = Text::default();
            self.state = match part {
                Part::Unknown => State::Unknown(text),
                _ if byte != b'{' => {
                    return Err(RedactError::Syntax {
                        offset,
                        expected: "{",
                    });
                }
                _ if self.layouts.is_some() => {
                    return Err(order("a second description of the snapshot"));
                }
                _ => State::Header(text, Vec::new()),
            };
            return Ok(0);
        }
        let Some(layouts) = &self.layouts else {
            return Err(order("no description of the snapshot"));
        };
        if byte != b'[' {
            return Err(RedactError::Syntax {
                offset,
                expected: "[",
            });
        }
        if self.seen.strings && part.has_names() {
            return Err(order("a list that names strings, after these,"));
        }
        let state = match part {
            Part::Nodes => State::Rows(Rows::new(layouts.nodes.clone())),
            Part::Edges => State::Rows(Rows::new(layouts.edges.clone())),
            Part::TraceFunctions => State::Rows(Rows::new(layouts.trace_functions.clone())),
            Part::ScopeVariables => State::Rows(Rows::new(layouts.scope_variables.clone())),
            Part::Nested => State::Nested { depth: 1 },
            Part::Strings if !self.seen.nodes || !self.seen.edges => {
                return Err(order("strings before nodes and edges"));
            }
            Part::Strings => State::Strings(Strings::new()),
            Part::Numbers | Part::Header | Part::Unknown => {
                State::Rows(Rows::new(Layout::numbers()))
            }
        };
        self.seen.nodes |= part == Part::Nodes;
        self.seen.edges |= part == Part::Edges;
        self.seen.strings |= part == Part::Strings;
        self.state = state;
        self.out.buffer.push(b'[');
        Ok(1)
    }

    fn header(&mut self) -> Result<(), RedactError> {
        let State::Header(_, json) = std::mem::replace(&mut self.state, State::After) else {
            return Ok(());
        };
        let begins = self.offset + 1 - json.len() as u64;
        let header = Header::read(&json, self.mode, begins)?;
        self.uses = Uses::with_limit(header.most_strings);
        self.layouts = Some(Layouts {
            nodes: header.nodes,
            edges: header.edges,
            trace_functions: header.trace_functions,
            scope_variables: header.scope_variables,
        });
        self.out.buffer.extend_from_slice(&header.text);
        Ok(())
    }
}

/// Takes lists of numbers within lists.
fn nested(
    data: &[u8],
    offset: u64,
    depth: &mut u64,
    out: &mut Vec<u8>,
) -> Result<(usize, bool), RedactError> {
    for (at, &byte) in data.iter().enumerate() {
        match byte {
            b'[' => *depth += 1,
            b']' => *depth -= 1,
            b'0'..=b'9' | b'-' | b',' | b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => {
                return Err(RedactError::Syntax {
                    offset: offset + at as u64,
                    expected: "lists of numbers",
                });
            }
        }
        out.push(byte);
        if *depth == 0 {
            return Ok((at + 1, true));
        }
    }
    Ok((data.len(), false))
}

impl<W: Write> Write for Redactor<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone().into());
        }
        match self.take(data) {
            Ok(()) => Ok(data.len()),
            Err(error) => {
                self.failed = Some(error.clone());
                Err(error.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone().into());
        }
        self.out.empty()?;
        self.out.writer.flush()
    }
}

impl<W: Write> std::fmt::Debug for Redactor<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor")
            .field("mode", &self.mode)
            .field("offset", &self.offset)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
