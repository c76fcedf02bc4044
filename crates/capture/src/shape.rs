//! A cheap look at a `.heapsnapshot`: is it whole, and how many nodes and edges does its head announce?
//!
//! V8 writes `{"snapshot":{"meta":{…},"node_count":N,"edge_count":M,…},"nodes":[…],…,"strings":[…]}` front
//! to back, so a file that was cut off lacks the closing brackets. Reads at most 64 KB of the head and 64
//! bytes of the tail; it does not replace a parse.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

const HEAD: u64 = 64 * 1024;
const TAIL: u64 = 64;
/// The least a node and an edge take in the file: six and three fields, each a digit and a comma.
const NODE_MIN: u64 = 12;
const EDGE_MIN: u64 = 6;

/// What the head of a whole snapshot says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Size of the file in bytes.
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
    if size_bytes == 0 {
        return defect("it is empty");
    }
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    (&mut *file).take(HEAD).read_to_end(&mut head)?;
    if !head.starts_with(b"{\"snapshot\":") {
        return defect("it does not begin as a heap snapshot");
    }
    let (Some(node_count), Some(edge_count)) =
        (count(&head, "node_count"), count(&head, "edge_count"))
    else {
        return defect("its head has no node and edge counts");
    };
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(size_bytes.saturating_sub(TAIL)))?;
    (&mut *file).take(TAIL).read_to_end(&mut tail)?;
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
