//! A cheap look at a `.heapsnapshot`: is it whole, and how many nodes and edges does its head announce?
//!
//! V8 writes `{"snapshot":{"meta":{…},"node_count":N,"edge_count":M,…},"nodes":[…],…,"strings":[…]}` front
//! to back, so a file that was cut off lacks the closing brackets. Reads at most 64 KB of the head and 64
//! bytes of the tail; it does not replace a parse.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::names::Compression;

const HEAD: u64 = 64 * 1024;
const TAIL: u64 = 64;
/// The least a node and an edge take in the file: six and three fields, each a digit and a comma.
const NODE_MIN: u64 = 12;
const EDGE_MIN: u64 = 6;

/// What the head of a whole snapshot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Size of the text in bytes.
    pub size_bytes: u64,
    /// Objects in the heap.
    pub node_count: u64,
    /// References between them.
    pub edge_count: u64,
}

/// Why a file is not a whole snapshot.
#[derive(Debug)]
pub enum Defect {
    /// It could not be read.
    Io(io::Error),
    /// Its content is wrong, in words, and its size in bytes.
    Content(&'static str, u64),
}

impl From<io::Error> for Defect {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Checks `file`, which is left at an arbitrary position.
pub fn read(file: &mut File) -> Result<Shape, Defect> {
    let metadata = file.metadata()?;
    let size_bytes = metadata.len();
    let defect = |problem| Err(Defect::Content(problem, size_bytes));
    if !metadata.is_file() {
        return defect("it is not a plain file");
    }
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    (&mut *file).take(HEAD).read_to_end(&mut head)?;
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(size_bytes.saturating_sub(TAIL)))?;
    (&mut *file).take(TAIL).read_to_end(&mut tail)?;
    judge(&head, &tail, size_bytes)
}

/// Whether a file that is compressed begins as one. `Content` if not.
pub fn begins_as(file: &mut File, compression: Compression) -> Result<(), Defect> {
    let mut head = vec![0; compression.magic().len()];
    file.seek(SeekFrom::Start(0))?;
    let begins = file.read_exact(&mut head).is_ok() && head == compression.magic();
    if begins {
        return Ok(());
    }
    let problem = "it does not begin as a compressed file";
    Err(Defect::Content(problem, file.metadata()?.len()))
}

fn judge(head: &[u8], tail: &[u8], size_bytes: u64) -> Result<Shape, Defect> {
    let defect = |problem| Err(Defect::Content(problem, size_bytes));
    if size_bytes == 0 {
        return defect("it is empty");
    }
    if !head.starts_with(Compression::None.magic()) {
        return defect("it does not begin as a heap snapshot");
    }
    let (Some(node_count), Some(edge_count)) =
        (count(head, "node_count"), count(head, "edge_count"))
    else {
        return defect("its head has no node and edge counts");
    };
    if !tail.trim_ascii_end().ends_with(b"]}") {
        return defect("it ends in the middle");
    }
    let least = node_count
        .saturating_mul(NODE_MIN)
        .saturating_add(edge_count.saturating_mul(EDGE_MIN));
    if size_bytes < least {
        return defect("it is too short for its nodes");
    }
    Ok(Shape {
        size_bytes,
        node_count,
        edge_count,
    })
}

/// Passes a snapshot's text on, and keeps of it what tells whether it was whole: for what is compressed on its way, and cannot
/// be looked at afterwards. 64 KB.
pub struct ShapeMeter<W> {
    to: W,
    head: Vec<u8>,
    tail: Vec<u8>,
    size_bytes: u64,
}

impl<W: Write> ShapeMeter<W> {
    /// Passes on to `to`.
    pub fn new(to: W) -> Self {
        Self {
            to,
            head: Vec::new(),
            tail: Vec::new(),
            size_bytes: 0,
        }
    }

    /// What has passed, if that is a whole snapshot, and where it went.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn finish(self) -> io::Result<(Shape, W)> {
        match judge(&self.head, &self.tail, self.size_bytes) {
            Ok(shape) => Ok((shape, self.to)),
            Err(Defect::Io(error)) => Err(error),
            Err(Defect::Content(problem, _)) => {
                let message = format!("the heap snapshot is not whole: {problem}");
                Err(io::Error::new(io::ErrorKind::InvalidData, message))
            }
        }
    }
}

impl<W: Write> Write for ShapeMeter<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let length = self.to.write(text)?;
        let passed = &text[..length];
        let room = (HEAD as usize).saturating_sub(self.head.len());
        self.head.extend(&passed[..room.min(length)]);
        self.tail
            .extend(&passed[length.saturating_sub(TAIL as usize)..]);
        let surplus = self.tail.len().saturating_sub(TAIL as usize);
        self.tail.drain(..surplus);
        self.size_bytes += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn count(head: &[u8], name: &str) -> Option<u64> {
    let key = format!("\"{name}\":");
    let at = head
        .windows(key.len())
        .position(|window| window == key.as_bytes())?
        + key.len();
    let rest = head.get(at..)?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // A number that reaches the end of what was read may go on.
    (digits < rest.len()).then(|| std::str::from_utf8(&rest[..digits]).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn shape_of(content: &str) -> Result<Shape, Defect> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        read(&mut file)
    }

    fn whole(nodes: u64) -> String {
        let body = "0,1,2,3,4,5,6\n,".repeat(usize::try_from(nodes).unwrap());
        format!(
            r#"{{"snapshot":{{"meta":{{"node_fields":["type"]}},"node_count":{nodes},"edge_count":1,"trace_function_count":0}},"nodes":[{body}],"edges":[0,1,2],"strings":["a","]}}"]}}"#
        )
    }

    #[test]
    fn a_whole_snapshot_tells_its_counts() {
        for nodes in [0, 1, 20_000] {
            let content = whole(nodes);
            let shape = shape_of(&content).unwrap();
            let size_bytes = content.len() as u64;
            assert_eq!(
                shape,
                Shape {
                    size_bytes,
                    node_count: nodes,
                    edge_count: 1
                }
            );
            assert_eq!(shape_of(&format!("{content}\n")).unwrap().node_count, nodes);
        }
    }

    #[test]
    fn no_beginning_of_a_snapshot_passes_for_a_whole_one() {
        let content = whole(30);
        for length in 0..content.len() {
            let prefix = &content[..length];
            // The one prefix that ends like a snapshot ends inside its last string.
            if prefix.ends_with("]}") && length > content.len() - 6 {
                continue;
            }
            assert!(shape_of(prefix).is_err(), "{prefix}");
        }
    }

    #[test]
    fn what_passes_is_judged_as_a_file_is() {
        for (content, step) in [
            (whole(1), 1),
            (whole(20_000), 1000),
            (whole(20_000), 100_000),
        ] {
            let mut meter = ShapeMeter::new(Vec::new());
            for piece in content.as_bytes().chunks(step) {
                meter.write_all(piece).unwrap();
            }
            let (shape, to) = meter.finish().unwrap();
            assert_eq!(shape, shape_of(&content).unwrap());
            assert_eq!(to, content.as_bytes());
        }
        let mut half = ShapeMeter::new(Vec::new());
        half.write_all(&whole(30).as_bytes()[..200]).unwrap();
        let error = half.finish().err().unwrap().to_string();
        assert_eq!(
            error,
            "the heap snapshot is not whole: it ends in the middle"
        );
    }

    #[test]
    fn what_never_was_a_snapshot_is_named() {
        for (content, expected) in [
            ("", "it is empty"),
            ("{\"nodes\":[]}", "it does not begin as a heap snapshot"),
            (
                "{\"snapshot\":{\"meta\":{}},\"strings\":[]}",
                "its head has no node and edge counts",
            ),
            (
                "{\"snapshot\":{\"node_count\":99999999999999999999,\"edge_count\":1}]}",
                "its head has no node and edge counts",
            ),
            (
                "{\"snapshot\":{\"node_count\":1000,\"edge_count\":1},\"strings\":[]}",
                "it is too short for its nodes",
            ),
            (
                "{\"snapshot\":{\"node_count\":12",
                "its head has no node and edge counts",
            ),
        ] {
            match shape_of(content) {
                Err(Defect::Content(problem, size)) => {
                    assert_eq!((problem, size), (expected, content.len() as u64))
                }
                other => panic!("{content}: {other:?}"),
            }
        }
    }
}
