//! A page for a browser: one file, with its style, its scripts and its data, that loads nothing.
//!
//! Names come from a file that anybody may have written. They are escaped wherever they stand, scripts read data that
//! cannot end its element and put it into the page as text, and a content security policy forbids whatever would
//! still come through.

use memguard_heap_graph::report::DominatorNode;
use memguard_profile::report::FlameRow;
use serde::Serialize;

use super::document::{Block, Cell, Document, Step, Table, Tone};
use super::{grouped, harmless};

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const TABLES: &str = include_str!("html/tables.js");
const LAYOUT: &str = include_str!("html/layout.js");
const CHART: &str = include_str!("html/chart.js");

/// A picture of a tree whose parts add up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Chart<'r> {
    /// The dominator tree: its rows in preorder, the whole heap first.
    Dominators(&'r [DominatorNode]),
    /// A flame graph: its rows in preorder, all calls first.
    Flame(&'r [FlameRow]),
}

/// A row as the script reads it: short names, since there are thousands.
#[derive(Serialize)]
struct Tile {
    /// Place of the parent; -1 for the whole heap.
    p: i64,
    /// What it is called.
    n: String,
    /// Its class, by which it is coloured.
    c: String,
    /// How it is held.
    e: String,
    /// Bytes that it retains.
    s: u64,
    /// Objects that it stands for.
    k: u64,
    /// Id of the (largest) object.
    i: u64,
    /// What is told of it in place of its class and id.
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<String>,
}

/// What a picture says of its tiles.
struct Words {
    title: &'static str,
    meaning: &'static str,
    /// What the tile of the whole is called, and what is told of it.
    whole: [&'static str; 2],
    /// What a tile does with its bytes, and of what they are a share.
    verb: &'static str,
    of: &'static str,
}

impl Chart<'_> {
    fn words(&self) -> Words {
        match self {
            Self::Dominators(_) => Words {
                title: "What holds the memory",
                meaning: "Each tile is what would be freed if its object went. Click to look closer.",
                whole: ["whole heap", "all roots"],
                verb: "retains",
                of: "the heap",
            },
            Self::Flame(_) => Words {
                title: "What allocates",
                meaning: "Each tile is a call, as wide as what it and the calls below it allocated. Click to look closer.",
                whole: ["all calls", "whole profile"],
                verb: "allocates",
                of: "the profile",
            },
        }
    }

    fn tiles(&self) -> Vec<Tile> {
        match self {
            Self::Dominators(nodes) => nodes.iter().map(of_dominator).collect(),
            Self::Flame(rows) => rows.iter().map(of_call).collect(),
        }
    }
}

fn of_dominator(node: &DominatorNode) -> Tile {
    Tile {
        p: node.parent.map_or(-1, i64::from),
        n: harmless(&node.object.name),
        c: harmless(&node.object.class),
        e: harmless(node.edge.as_deref().unwrap_or_default()),
        s: node.retained_size,
        k: node.group_count,
        i: node.object.id,
        d: None,
    }
}

/// Calls of one script have one colour; V8's own have none.
fn of_call(row: &FlameRow) -> Tile {
    let place = row.location.as_ref();
    let script = place.and_then(|place| place.script.as_deref());
    let place = place
        .zip(script)
        .map_or_else(String::new, |(place, script)| {
            format!("{script}:{}:{}, ", place.line, place.column)
        });
    let own = super::bytes(row.self_bytes);
    Tile {
        p: row.parent.map_or(-1, i64::from),
        n: harmless(&row.function),
        c: harmless(script.unwrap_or("(V8)")),
        e: String::new(),
        s: row.total_bytes,
        k: 1,
        i: 0,
        d: Some(harmless(&format!("{place}itself {own}"))),
    }
}

/// Writes the page.
pub(crate) fn draw(document: &Document, chart: Option<Chart<'_>>) -> String {
    let mut body = format!("<h1>{}</h1>\n", escaped(&document.title));
    let mut scripts = vec![TABLES];
    let mut blocks = document.blocks.iter().peekable();
    // What the page is about stands above its picture.
    while let Some(block) = blocks.next_if(|block| !matches!(block, Block::Heading(..))) {
        draw_block(block, &mut body);
    }
    if let Some(chart) = chart {
        let tiles = chart.tiles();
        if tiles.len() > 1 {
            draw_chart(&chart.words(), &tiles, &mut body);
            scripts.extend([LAYOUT, CHART]);
        }
    }
    for block in blocks {
        draw_block(block, &mut body);
    }
    PAGE.replace("{{title}}", &escaped(&document.title))
        .replace("{{style}}", STYLE)
        .replace("{{scripts}}", &scripts.join("\n"))
        // Last, so that nothing in it is taken for a place of the template.
        .replace("{{body}}", &body)
}

fn draw_chart(words: &Words, tiles: &[Tile], body: &mut String) {
    // A report that was made can be written: there is nothing in it that JSON has no form for.
    let json = serde_json::to_string(tiles).unwrap_or_default();
    let data = json.replace('<', "\\u003c");
    let [whole, roots] = words.whole;
    body.push_str(&format!(
        "<section id=\"picture\"><h2>{}</h2>\n\
         <p class=\"meaning\">{}</p>\n\
         <div id=\"chart\" data-whole=\"{whole}\" data-roots=\"{roots}\" data-verb=\"{}\" data-of=\"{}\"></div>\n\
         <script type=\"application/json\" id=\"tiles\">{data}</script></section>\n",
        words.title, words.meaning, words.verb, words.of
    ));
}

fn draw_block(block: &Block, out: &mut String) {
    match block {
        Block::Heading(title, meaning) => {
            out.push_str(&format!("<h2>{}</h2>\n", escaped(title)));
            if !meaning.is_empty() {
                out.push_str(&format!("<p class=\"meaning\">{}</p>\n", escaped(meaning)));
            }
        }
        Block::Text(text) => out.push_str(&format!("<p>{}</p>\n", escaped(text))),
        Block::Facts(facts) => {
            out.push_str("<dl>\n");
            for (name, value) in facts {
                out.push_str(&format!(
                    "<div><dt>{name}</dt><dd>{}</dd></div>\n",
                    escaped(value)
                ));
            }
            out.push_str("</dl>\n");
        }
        Block::Table(table) => draw_table(table, out),
        Block::Path(steps) => draw_path(steps, out),
        Block::Code(code) => {
            let lines: Vec<String> = code.lines().map(escaped).collect();
            out.push_str(&format!("<pre><code>{}</code></pre>\n", lines.join("\n")));
        }
    }
}

fn draw_table(table: &Table, out: &mut String) {
    out.push_str("<div class=\"scroll\"><table><thead><tr>");
    for column in &table.columns {
        let class = if column.right { " class=\"right\"" } else { "" };
        out.push_str(&format!("<th{class}>{}</th>", escaped(column.title)));
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (cell, column) in row.iter().zip(&table.columns) {
            draw_cell(cell, column.right, out);
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    if table.hidden > 0 {
        out.push_str(&format!(
            "<p class=\"meaning\">… and {} more</p>\n",
            grouped(table.hidden)
        ));
    }
}

fn draw_cell(cell: &Cell, right: bool, out: &mut String) {
    let tone = match cell.tone {
        Tone::Plain => "",
        Tone::Name => "name",
        Tone::Faint => "faint",
        Tone::Grown => "grown",
        Tone::Shrunk => "shrunk",
    };
    let classes = if right {
        format!("right {tone}")
    } else {
        tone.to_owned()
    };
    let value = cell
        .value
        .map_or_else(String::new, |value| format!(" data-value=\"{value}\""));
    let indent = match cell.depth {
        0 => String::new(),
        depth => format!(" style=\"padding-left:{}em\"", f64::from(depth) * 1.2 + 0.6),
    };
    out.push_str(&format!(
        "<td class=\"{}\"{value}{indent}>{}</td>",
        classes.trim(),
        escaped(&cell.text)
    ));
}

fn draw_path(steps: &[Step], out: &mut String) {
    out.push_str("<ol class=\"path\">\n");
    for step in steps {
        let class = if step.suspect {
            " class=\"suspect\""
        } else {
            ""
        };
        out.push_str(&format!(
            "<li{class}><code>{}</code> <b>{}</b> <span class=\"faint\">{}</span></li>\n",
            escaped(&step.edge),
            escaped(&step.object),
            escaped(&step.detail)
        ));
    }
    out.push_str("</ol>\n");
}

/// Text that stays text in an element and in a quoted attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in harmless(text).chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // A place of the template is none in a name.
            '{' => out.push_str("&#123;"),
            _ => out.push(sign),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str =
        "</script><script>alert(1)</script>\"onload='x' {{scripts}} &amp; \u{202e}";

    fn page() -> String {
        let mut table = Table::new(&["Class", ">Size"], 0);
        table.row([Cell::name(HOSTILE), Cell::bytes(1)]);
        let mut document = Document {
            title: HOSTILE.into(),
            ..Document::default()
        };
        document
            .blocks
            .push(Block::Facts(vec![("File", HOSTILE.into())]));
        document.section(HOSTILE, HOSTILE, table);
        document.blocks.push(Block::Path(vec![Step {
            edge: HOSTILE.into(),
            object: HOSTILE.into(),
            detail: HOSTILE.into(),
            suspect: true,
        }]));
        let object = memguard_heap_graph::report::ObjectRef {
            id: 1,
            class: HOSTILE.into(),
            name: HOSTILE.into(),
            shallow_size: 1,
            retained_size: 1,
            distance: None,
            location: None,
        };
        let node = |parent, depth| DominatorNode {
            parent,
            depth,
            edge: Some(HOSTILE.into()),
            object: object.clone(),
            group_count: 1,
            retained_size: 1,
            share: 1.0,
            hidden_children: 0,
            hidden_size: 0,
        };
        draw(
            &document,
            Some(Chart::Dominators(&[node(None, 0), node(Some(0), 1)])),
        )
    }

    #[test]
    fn a_hostile_name_is_text_everywhere() {
        let page = page();
        assert!(!page.contains("<script>alert"));
        // A quote in the data is an escaped one.
        assert_eq!(
            page.matches("\"onload").count(),
            page.matches("\\\"onload").count()
        );
        assert!(!page.contains('\u{202e}'));
        // One script of ours, one element of data, and nothing that a name has added.
        assert_eq!(page.matches("<script").count(), 2);
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(page.contains("&lt;/script&gt;"));
    }

    #[test]
    fn a_hostile_function_is_text_in_a_flame_graph() {
        let row = |parent, depth| FlameRow {
            parent,
            depth,
            function: HOSTILE.into(),
            location: Some(memguard_heap_graph::report::SourceLocation {
                script_id: 1,
                script: Some(HOSTILE.into()),
                line: 1,
                column: 2,
            }),
            origin: memguard_profile::Origin::App,
            self_bytes: 1,
            total_bytes: 2,
        };
        let page = draw(
            &Document::default(),
            Some(Chart::Flame(&[row(None, 0), row(Some(0), 1)])),
        );
        assert!(!page.contains("<script>alert") && page.contains("What allocates"));
        assert_eq!(page.matches("<script").count(), 2);
    }

    #[test]
    fn a_page_loads_nothing() {
        let page = page();
        assert!(page.contains("default-src 'none'"));
        for word in ["http:", "https:", "src=", "@import", "url("] {
            let own = page.replace("http://www.w3.org/2000/svg", "");
            assert!(!own.contains(word), "{word}");
        }
    }
}
