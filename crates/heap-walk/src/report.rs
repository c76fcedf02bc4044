//! A census as people and programs read it.

use serde::Serialize;

use crate::census::{Census, Row};
use crate::inspect::Inspected;
use crate::walker::Tally;

/// What is in a heap: rows of classes and what they add up to. All sizes in bytes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CensusReport {
    /// What was looked at: `process 1234`, `core.1234`.
    pub source: String,
    /// The line of Node.js: 18, 20, …
    pub node_line: u32,
    /// The thread whose heap it is, by its id in the system, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<u32>,
    /// Other threads that have heaps of their own: workers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_threads: Vec<u32>,
    /// How long the process stood still, in milliseconds; none for one that is dead or forked.
    pub paused_ms: Option<f64>,
    /// How often it was stopped: more than once when it was caught in a garbage collection.
    pub attempts: u32,
    /// From the first object to the last, in milliseconds.
    pub walked_ms: f64,
    /// All objects that are alive.
    pub total: TallyReport,
    /// Those in the young generation.
    pub young: TallyReport,
    /// Those that only a word on a stack holds: they may be dead.
    pub doubtful: TallyReport,
    /// ArrayBuffers' memory outside of the heap.
    pub array_buffer_bytes: u64,
    /// Strings' characters outside of the heap.
    pub external_string_bytes: u64,
    /// The heap's pages: what objects, dead ones and free space have together.
    pub page_bytes: u64,
    /// What kinds of things there are, the largest first.
    pub groups: Vec<GroupReport>,
    /// Classes, functions and kinds, the largest first.
    pub rows: Vec<RowReport>,
    /// Rows that were left out.
    pub hidden_rows: u64,
}

/// How many, and how large.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TallyReport {
    /// Objects.
    pub count: u64,
    /// Their own bytes.
    pub bytes: u64,
}

/// One kind of things.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupReport {
    /// `object`, `closure`, `string`, …
    pub group: &'static str,
    /// All of it.
    #[serde(flatten)]
    pub all: TallyReport,
}

/// One class.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowReport {
    /// `object`, `closure`, `string`, …
    pub group: &'static str,
    /// The class, the function, the kind.
    pub name: String,
    /// Where its constructor or the function stands.
    pub location: Option<PlaceReport>,
    /// All of them.
    #[serde(flatten)]
    pub all: TallyReport,
    /// Those in the young generation.
    pub young: TallyReport,
    /// Those that only a word on a stack holds.
    pub doubtful: TallyReport,
    /// Old ones that were there before, at the same place; none where nothing was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub survived: Option<TallyReport>,
}

/// A place in the source, counted from 1.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceReport {
    /// The script: a path, a URL, `node:internal/…`.
    pub script: String,
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl From<Tally> for TallyReport {
    fn from(tally: Tally) -> Self {
        Self {
            count: tally.count,
            bytes: tally.bytes,
        }
    }
}

impl From<&Row> for RowReport {
    fn from(row: &Row) -> Self {
        Self {
            group: row.group.as_str(),
            name: row.name.clone(),
            location: row.place.as_ref().map(|place| PlaceReport {
                script: place.script.to_string(),
                line: place.line.saturating_add(1),
                column: place.column.saturating_add(1),
            }),
            all: row.all.into(),
            young: row.young.into(),
            doubtful: row.doubtful.into(),
            survived: None,
        }
    }
}

impl CensusReport {
    /// Adds what survived since an earlier census, of the rows that are told.
    #[must_use]
    pub fn with_survivors(mut self, census: &Census) -> Self {
        for (report, row) in self.rows.iter_mut().zip(&census.rows) {
            report.survived = Some(row.survived.into());
        }
        self
    }

    /// Makes a report of a census, with its `top` largest rows.
    #[must_use]
    pub fn new(source: String, found: &Inspected<Census>, top: usize) -> Self {
        let census = &found.value;
        Self {
            source,
            node_line: census.node_line,
            thread: found.thread,
            other_threads: found.others.clone(),
            paused_ms: found.paused.map(|paused| paused.as_secs_f64() * 1e3),
            attempts: found.attempts,
            walked_ms: (census.stats.mark + census.stats.name).as_secs_f64() * 1e3,
            total: census.total.into(),
            young: census.young.into(),
            doubtful: census.doubtful.into(),
            array_buffer_bytes: census.buffer_bytes,
            external_string_bytes: census.external_string_bytes,
            page_bytes: census.page_bytes,
            groups: groups(census),
            rows: census.rows.iter().take(top).map(RowReport::from).collect(),
            hidden_rows: census.rows.len().saturating_sub(top) as u64,
        }
    }
}

fn groups(census: &Census) -> Vec<GroupReport> {
    let mut groups: Vec<GroupReport> = Vec::new();
    for row in &census.rows {
        let name = row.group.as_str();
        let all = TallyReport::from(row.all);
        match groups.iter_mut().find(|group| group.group == name) {
            Some(group) => {
                group.all.count += all.count;
                group.all.bytes += all.bytes;
            }
            None => groups.push(GroupReport { group: name, all }),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.all.bytes));
    groups
}
