//! A report as a page: what all renderers draw, and nothing of how.

/// A page, top to bottom.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Document {
    pub(crate) title: String,
    pub(crate) blocks: Vec<Block>,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Block {
    /// A heading, with what it means in a few words.
    Heading(String, String),
    /// A sentence or two.
    Text(String),
    /// Names and figures.
    Facts(Vec<(&'static str, String)>),
    /// Rows under columns.
    Table(Table),
    /// A chain of references, a step a line.
    Path(Vec<Step>),
    /// Lines of code, as they are.
    Code(String),
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Rows that were left out.
    pub(crate) hidden: u64,
}

/// A column's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// Figures stand at the right.
    pub(crate) right: bool,
    /// Of ways from a root the end says most: where there is no room, the beginning goes.
    pub(crate) way: bool,
}

/// A word in a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) tone: Tone,
    /// What it is sorted by, where that is not its text.
    pub(crate) value: Option<f64>,
    /// Levels by which it is set in, in a tree.
    pub(crate) depth: u32,
}

/// How a word is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    /// What the row is about.
    Name,
    /// What matters less.
    Faint,
    /// Something that grew.
    Grown,
    /// Something that shrank.
    Shrunk,
}

/// One step of a chain of references.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// How it is held.
    pub(crate) edge: String,
    /// What is held.
    pub(crate) object: String,
    /// Its size, and its place in the source.
    pub(crate) detail: String,
    /// Whether the matter hangs on this step.
    pub(crate) suspect: bool,
}

impl Document {
    pub(crate) fn heading(&mut self, title: &str, meaning: &str) {
        self.blocks
            .push(Block::Heading(title.to_owned(), meaning.to_owned()));
    }

    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    /// A table under a heading, if it has rows.
    pub(crate) fn section(&mut self, title: &str, meaning: &str, table: Table) {
        if !table.rows.is_empty() {
            self.heading(title, meaning);
            self.blocks.push(Block::Table(table));
        }
    }
}

impl Table {
    /// A table with these heads. `>` before a head sets its column to the right, `…` says that it holds ways.
    pub(crate) fn new(heads: &[&'static str], hidden: u64) -> Self {
        let columns = heads
            .iter()
            .map(|head| Column {
                title: head.trim_start_matches(['>', '…']),
                right: head.starts_with('>'),
                way: head.starts_with('…'),
            })
            .collect();
        Self {
            columns,
            rows: Vec::new(),
            hidden,
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
            ..Self::default()
        }
    }

    pub(crate) fn name(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Name)
    }

    pub(crate) fn faint(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Faint)
    }

    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Plain)
    }

    pub(crate) fn at_depth(mut self, depth: u32) -> Self {
        self.depth = depth;
        self
    }

    /// A size in bytes.
    pub(crate) fn bytes(size: u64) -> Self {
        Self {
            text: super::bytes(size),
            value: Some(size as f64),
            ..Self::default()
        }
    }

    /// A number.
    pub(crate) fn count(count: u64) -> Self {
        Self {
            text: super::grouped(count),
            value: Some(count as f64),
            ..Self::default()
        }
    }

    /// A share from 0 to 1.
    pub(crate) fn share(share: f64) -> Self {
        Self {
            text: super::percent(share),
            tone: Tone::Faint,
            value: Some(share),
            depth: 0,
        }
    }

    /// A change of a size.
    pub(crate) fn bytes_delta(delta: i64) -> Self {
        Self::delta(delta, super::bytes(delta.unsigned_abs()))
    }

    /// A change of a number.
    pub(crate) fn count_delta(delta: i64) -> Self {
        Self::delta(delta, super::grouped(delta.unsigned_abs()))
    }

    fn delta(delta: i64, size: String) -> Self {
        let (sign, tone) = match delta {
            0 => ("", Tone::Faint),
            1.. => ("+", Tone::Grown),
            _ => ("−", Tone::Shrunk),
        };
        Self {
            text: format!("{sign}{size}"),
            tone,
            value: Some(delta as f64),
            depth: 0,
        }
    }
}
