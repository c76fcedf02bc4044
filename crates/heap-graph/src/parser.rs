//! Snapshot files of any V8, any size, packed or not, into a [`HeapGraph`]: one pass, straight into its columns.

mod edges;
mod error;
mod header;
mod input;
mod nodes;
mod numbers;
mod places;
mod scanner;
mod source;
mod tokens;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use error::ReadError;
pub(crate) use source::decompressed;

use crate::columns::OutOfMemory;
use crate::control::{CancelSignal, ProgressListener, thread_count};
use crate::model::{HeapGraph, Locations, MAX_EDGES, NameColumn, StringTable};
use header::{Header, MAX_HEADER_BYTES};
use input::{Counting, Input, InputOptions};
use scanner::Scanner;

/// How to read a snapshot. The default reads anything with all cores.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReadOptions {
    /// Threads that read at once; 0, the default, for as many as the process may use, at most 16. The graph is the same for
    /// any number.
    pub threads: usize,
    /// The most bytes that the snapshot's text may have, after decompression. There is no limit by default; a compressed
    /// file must besides not expand to more than 256 times its size.
    pub max_bytes: u64,
    /// Ends the call from another thread.
    pub cancel: CancelSignal,
    /// Is told how many bytes of the file have been read.
    pub progress: Option<ProgressListener>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            threads: 0,
            max_bytes: u64::MAX,
            cancel: CancelSignal::default(),
            progress: None,
        }
    }
}

/// Reads a snapshot from anything: a pipe, standard input, a slice of bytes. Gzip and Zstandard are undone on the way.
///
/// Takes 15 bytes a node, 7 an edge and 4 a string of memory besides the text of the strings, whatever the file's
/// size, and some 0.3 MB a thread while reading.
///
/// # Errors
/// What is wrong with the file, where, and what was expected there. Reading ends after the snapshot's closing brace: what
/// follows it is not looked at.
///
/// ```
/// let text = r#"{"snapshot":{"meta":{
///     "node_fields":["type","name","id","self_size","edge_count"],"node_types":[["synthetic","object"]],
///     "edge_fields":["type","name_or_index","to_node"],"edge_types":[["property"]]},"node_count":2,"edge_count":1},
///     "nodes":[0,0,1,0,1, 1,1,3,24,0],"edges":[0,2,5],"strings":["","User","admin"]}"#;
/// let graph = memguard_heap_graph::read(text.as_bytes(), &Default::default())?;
/// let edge = graph.edges(graph.root()).next().unwrap();
/// assert_eq!(edge.name(&graph), "admin");
/// assert_eq!(graph.node(edge.target).name(), "User");
/// # Ok::<(), memguard_heap_graph::ReadError>(())
/// ```
pub fn read<R: Read + Send>(reader: R, options: &ReadOptions) -> Result<HeapGraph, ReadError> {
    read_known(reader, None, options)
}

/// Reads a snapshot file: [`read`] that knows how far it has come.
///
/// The file is read, not mapped: one that is truncated meanwhile ends in an error rather than in a signal.
///
/// # Errors
/// As [`read`], and what the operating system says about the file.
pub fn read_file(path: impl AsRef<Path>, options: &ReadOptions) -> Result<HeapGraph, ReadError> {
    let open = || -> io::Result<(File, Option<u64>)> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        // What is no regular file (a named pipe, a device) has no length to tell.
        let length = metadata.is_file().then_some(metadata.len());
        Ok((file, length))
    };
    let (file, length) = open().map_err(|source| ReadError::Io { offset: 0, source })?;
    read_known(file, length, options)
}

fn read_known<R: Read + Send>(
    reader: R,
    length: Option<u64>,
    options: &ReadOptions,
) -> Result<HeapGraph, ReadError> {
    let taken = Arc::new(AtomicU64::new(0));
    let reader = Counting {
        inner: reader,
        count: Arc::clone(&taken),
    };
    let (reader, compressed) =
        source::decompressed(reader).map_err(|source| ReadError::Io { offset: 0, source })?;
    let input = Input::new(
        reader,
        InputOptions {
            taken,
            total: length,
            compressed,
            max_bytes: options.max_bytes,
            cancel: options.cancel.clone(),
            progress: options.progress.clone(),
        },
    );
    Sections::new(Scanner::new(input), thread_count(options.threads)).read()
}

/// The sections of the file, as they come.
struct Sections<'r> {
    scanner: Scanner<'r>,
    threads: usize,
    header: Option<Header>,
    nodes: Option<nodes::Nodes>,
    edges: Option<edges::Edges>,
    strings: Option<StringTable>,
    locations: Locations,
}

/// Errors of filling a column: of the file, or of the memory.
enum FillError {
    Read(ReadError),
    Memory(OutOfMemory),
}

impl From<OutOfMemory> for FillError {
    fn from(error: OutOfMemory) -> Self {
        Self::Memory(error)
    }
}

impl From<ReadError> for FillError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl<'r> Sections<'r> {
    fn new(scanner: Scanner<'r>, threads: usize) -> Self {
        let locations = Locations::default();
        Self {
            scanner,
            threads,
            header: None,
            nodes: None,
            edges: None,
            strings: None,
            locations,
        }
    }

    fn read(mut self) -> Result<HeapGraph, ReadError> {
        self.begin()?;
        loop {
            let key = self.scanner.key()?;
            match key.as_slice() {
                b"snapshot" => self.snapshot()?,
                b"nodes" => self.nodes()?,
                b"edges" => self.edges()?,
                b"locations" => self.locations()?,
                b"strings" => self.strings()?,
                _ if self.header.is_none() => return Err(self.not_a_snapshot(&key)),
                _ => self.scanner.value(|_| Ok(()))?,
            }
            if !self
                .scanner
                .more(b'}', "a comma or the end of the snapshot")?
            {
                break;
            }
        }
        self.finish()
    }

    fn begin(&mut self) -> Result<(), ReadError> {
        if self.scanner.token()? == Some(0xef) {
            // A byte order mark, which some editors leave.
            for byte in [0xef, 0xbb, 0xbf] {
                self.scanner.expect(byte, "a byte order mark")?;
            }
        }
        self.scanner
            .expect(b'{', "a snapshot, which begins with `{`")
            .map_err(|error| match error {
                ReadError::Syntax {
                    offset,
                    expected,
                    found,
                } => ReadError::NotASnapshot {
                    offset,
                    expected,
                    found,
                },
                other => other,
            })
    }

    fn not_a_snapshot(&self, key: &[u8]) -> ReadError {
        ReadError::NotASnapshot {
            offset: self.scanner.offset(),
            expected: "`snapshot` as the first key".into(),
            found: format!("{:?}", String::from_utf8_lossy(key)),
        }
    }

    fn snapshot(&mut self) -> Result<(), ReadError> {
        self.scanner.token()?;
        let offset = self.scanner.offset();
        let mut text = Vec::new();
        self.scanner.value(|part| {
            text.extend_from_slice(part);
            if text.len() <= MAX_HEADER_BYTES {
                return Ok(());
            }
            Err(ReadError::TooLarge {
                offset,
                what: "the bytes of `snapshot`".into(),
                limit: MAX_HEADER_BYTES as u64,
            })
        })?;
        self.header = Some(Header::parse(&text, offset)?);
        Ok(())
    }

    /// The header, which every other section needs.
    fn header(&self, key: &'static str) -> Result<&Header, ReadError> {
        self.header
            .as_ref()
            .ok_or_else(|| self.not_a_snapshot(key.as_bytes()))
    }

    /// Refuses counts that the file cannot have room for, before any memory is asked for.
    fn check_room(&self, count: usize, fields: usize, what: &'static str) -> Result<(), ReadError> {
        let Some(length) = self.scanner.input().known_length() else {
            return Ok(());
        };
        let least = (count as u64).saturating_mul(2 * fields as u64);
        if least <= length.saturating_add(1) {
            return Ok(());
        }
        Err(ReadError::Inconsistent {
            offset: self.scanner.offset(),
            expected: format!("at least {least} bytes for `{what}` of {count}").into(),
            found: format!("a file of {length} bytes"),
        })
    }

    fn nodes(&mut self) -> Result<(), ReadError> {
        let (layout, count) = {
            let header = self.header("nodes")?;
            (header.node.clone(), header.nodes)
        };
        self.check_room(count, layout.fields, "nodes")?;
        let offset = self.scanner.offset();
        let columns = nodes::NodeColumns::new(count)
            .map_err(|error| ReadError::out_of_memory(offset, error.bytes))?;
        let nodes = columns.fill(&layout, |sink| {
            let found = self.scanner.numbers(layout.fields, self.threads, sink)?;
            check_count(found, count, "nodes", self.scanner.offset())
        })?;
        self.nodes = Some(nodes);
        Ok(())
    }

    fn edges(&mut self) -> Result<(), ReadError> {
        let header = self.header("edges")?.clone();
        self.check_room(header.edges, header.edge.fields, "edges")?;
        let offset = self.scanner.offset();
        let edges = edges::fill(
            header.edges,
            &header.edge,
            header.nodes,
            header.node.fields,
            |sink| {
                let found = self
                    .scanner
                    .numbers(header.edge.fields, self.threads, sink)?;
                check_count(found, header.edges, "edges", self.scanner.offset())
                    .map_err(FillError::from)
            },
        );
        self.edges = Some(edges.map_err(|error| match error {
            FillError::Read(error) => error,
            FillError::Memory(error) => ReadError::out_of_memory(offset, error.bytes),
        })?);
        Ok(())
    }

    fn locations(&mut self) -> Result<(), ReadError> {
        let header = self.header("locations")?.clone();
        let Some(layout) = &header.location else {
            return self.scanner.value(|_| Ok(()));
        };
        let sink = places::LocationSink::new(layout, header.nodes, header.node.fields);
        // One thread: of two locations of a node the later counts.
        self.scanner.numbers(layout.fields, 1, &sink)?;
        self.locations = sink.finish();
        Ok(())
    }

    fn strings(&mut self) -> Result<(), ReadError> {
        self.header("strings")?;
        let mut strings = StringTable::default();
        self.scanner.expect(b'[', "an array of strings")?;
        if self.scanner.token()? == Some(b']') {
            self.scanner.step();
        } else {
            loop {
                self.scanner.string(|part| strings.push_part(part))?;
                strings.finish_string();
                if strings.len() > u32::MAX as usize {
                    let offset = self.scanner.offset();
                    return Err(ReadError::TooLarge {
                        offset,
                        what: "strings".into(),
                        limit: u32::MAX.into(),
                    });
                }
                if !self
                    .scanner
                    .more(b']', "a comma or the end of the strings")?
                {
                    break;
                }
            }
        }
        strings.shrink();
        self.strings = Some(strings);
        Ok(())
    }

    fn finish(self) -> Result<HeapGraph, ReadError> {
        let offset = self.scanner.offset();
        let missing = |what: &str| ReadError::Inconsistent {
            offset,
            expected: format!("`{what}` in the snapshot").into(),
            found: "the end of it".to_owned(),
        };
        let header = self.header.ok_or_else(|| missing("snapshot"))?;
        let nodes = self.nodes.ok_or_else(|| missing("nodes"))?;
        let edges = self.edges.ok_or_else(|| missing("edges"))?;
        let strings = self.strings.ok_or_else(|| missing("strings"))?;
        if nodes.kinds.is_empty() {
            return Err(missing("a node"));
        }
        let first_edge = sum_up(nodes.edge_counts, edges.words.len(), offset)?;
        let max_name = nodes.names.iter().copied().max().max(edges.max_name);
        if let Some(name) = max_name.filter(|&name| name as usize >= strings.len()) {
            return Err(ReadError::Inconsistent {
                offset,
                expected: format!("names to be below {}, the number of strings", strings.len())
                    .into(),
                found: format!("the name {name}"),
            });
        }
        Ok(HeapGraph {
            kinds: nodes.kinds,
            names: NameColumn::Plain(nodes.names),
            ids: nodes.ids,
            self_sizes: nodes.self_sizes,
            first_edge,
            edge_labels: edges.labels,
            edge_words: edges.words,
            detachedness: nodes.detachedness,
            has_detachedness: header.node.detachedness.is_some(),
            strings,
            locations: self.locations,
            root: crate::model::NodeIndex(header.root),
            extra_native_bytes: header.extra_native_bytes,
        })
    }
}

fn check_count(found: u64, count: usize, what: &'static str, offset: u64) -> Result<(), ReadError> {
    if found == count as u64 {
        return Ok(());
    }
    Err(ReadError::Inconsistent {
        offset,
        expected: format!("{count} {what}, as `snapshot` says").into(),
        found: format!("{found}"),
    })
}

/// The index of each node's first edge, from how many each has (one place late).
fn sum_up(mut counts: Vec<u32>, edges: usize, offset: u64) -> Result<Vec<u32>, ReadError> {
    let mut sum = 0_u64;
    for count in &mut counts {
        sum += u64::from(*count);
        *count = sum.min(MAX_EDGES as u64) as u32;
    }
    if sum == edges as u64 {
        return Ok(counts);
    }
    Err(ReadError::Inconsistent {
        offset,
        expected: format!("nodes to have {edges} edges in all, as many as there are").into(),
        found: format!("{sum}"),
    })
}
