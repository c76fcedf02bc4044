//! A page as Markdown: for issues, pull requests, chats.

use super::document::{Block, Document, Step, Table};
use super::{grouped, harmless};

/// Writes a page.
pub(crate) fn draw(document: &Document) -> String {
    let mut out = format!("# {}\n", escaped(&document.title));
    for block in &document.blocks {
        out.push('\n');
        match block {
            Block::Heading(title, meaning) => {
                out.push_str(&format!("## {}\n", escaped(title)));
                if !meaning.is_empty() {
                    out.push_str(&format!("\n{}\n", escaped(meaning)));
                }
            }
            Block::Text(text) => out.push_str(&format!("{}\n", escaped(text))),
            Block::Facts(facts) => {
                for (name, value) in facts {
                    out.push_str(&format!("- {name}: **{}**\n", escaped(value)));
                }
            }
            Block::Table(table) => draw_table(table, &mut out),
            Block::Path(steps) => draw_path(steps, &mut out),
            // Indented: no fence that the code itself could close.
            Block::Code(code) => {
                for line in code.lines() {
                    out.push_str(&format!("    {}\n", harmless(line)));
                }
            }
        }
    }
    out
}

fn draw_table(table: &Table, out: &mut String) {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    out.push_str(&line(
        table
            .columns
            .iter()
            .map(|column| column.title.to_owned())
            .collect(),
    ));
    let rules = table
        .columns
        .iter()
        .map(|column| if column.right { "---:" } else { "---" });
    out.push_str(&line(rules.map(str::to_owned).collect()));
    for row in &table.rows {
        let cells = row.iter().map(|cell| {
            let indent = "&emsp;".repeat(cell.depth as usize);
            format!("{indent}{}", escaped(&cell.text))
        });
        out.push_str(&line(cells.collect()));
    }
    if table.hidden > 0 {
        out.push_str(&format!("\n… and {} more\n", grouped(table.hidden)));
    }
}

fn draw_path(steps: &[Step], out: &mut String) {
    for step in steps {
        let arrow = if step.edge.is_empty() { "" } else { " → " };
        let edge = escaped(&step.edge);
        let object = escaped(&step.object);
        let detail = if step.detail.is_empty() {
            String::new()
        } else {
            format!(" ({})", escaped(&step.detail))
        };
        let line = format!("{edge}{arrow}{object}{detail}");
        if step.suspect {
            out.push_str(&format!("1. **{line}** ← grows here\n"));
        } else {
            out.push_str(&format!("1. {line}\n"));
        }
    }
}

/// Text that stays text: no tags, links, tables or emphasis come out of a name.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in harmless(text).chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '@' => {
                out.push('\\');
                out.push(sign);
            }
            _ => out.push(sign),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::document::{Cell, Table};
    use super::*;

    #[test]
    fn a_name_makes_no_markup() {
        let mut table = Table::new(&["Class", ">Size"], 3);
        table.row([Cell::name("<img src=x>|*a*\n[b](c)"), Cell::bytes(2048)]);
        let mut document = Document {
            title: "x".into(),
            ..Document::default()
        };
        document.section("Classes", "", table);
        assert_eq!(
            draw(&document),
            "# x\n\n## Classes\n\n| Class | Size |\n| --- | ---: |\n| &lt;img src=x&gt;\\|\\*a\\*\\\\n\\[b\\](c) | 2.0 kB |\n\n… and 3 more\n"
        );
    }
}
