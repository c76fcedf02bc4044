//! A page on a terminal, or in a log.

use console::{measure_text_width, truncate_str};

use super::document::{Block, Cell, Column, Document, Step, Table, Tone};
use super::{Style, grouped, harmless};

const GAP: &str = "  ";
/// Narrower than this a name says nothing.
const LEAST_NAME: usize = 16;

/// Draws a page.
pub(crate) fn draw(document: &Document, style: Style) -> String {
    let mut out = format!("{}\n", style.bold(&harmless(&document.title)));
    for block in &document.blocks {
        match block {
            Block::Heading(title, meaning) => {
                out.push_str(&format!("\n{}", style.bold(&harmless(title))));
                if !meaning.is_empty() {
                    out.push_str(&format!("  {}", style.dim(&harmless(meaning))));
                }
                out.push('\n');
            }
            Block::Text(text) => out.push_str(&format!("{}\n", harmless(text))),
            Block::Facts(facts) => {
                let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                for (name, value) in facts {
                    let name = style.dim(&format!("{name:width$}"));
                    out.push_str(&format!("{name}{GAP}{}\n", harmless(value)));
                }
            }
            Block::Table(table) => draw_table(table, style, &mut out),
            Block::Path(steps) => draw_path(steps, style, &mut out),
            Block::Code(code) => {
                for line in code.lines() {
                    out.push_str(&format!("    {}\n", harmless(line)));
                }
            }
        }
    }
    out
}

fn draw_table(table: &Table, style: Style, out: &mut String) {
    let rows: Vec<Vec<(String, Tone)>> = table
        .rows
        .iter()
        .map(|row| row.iter().map(|cell| (text_of(cell), cell.tone)).collect())
        .collect();
    let widths = widths(table, &rows, style.width);
    let heads: Vec<String> = table
        .columns
        .iter()
        .zip(&widths)
        .map(|(column, width)| style.dim(&fitted(column.title, *width, *column)))
        .collect();
    out.push_str(heads.join(GAP).trim_end());
    out.push('\n');
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(table.columns.iter().zip(&widths))
            .map(|((text, tone), (column, width))| {
                toned(style, *tone, &fitted(text, *width, *column))
            })
            .collect();
        out.push_str(cells.join(GAP).trim_end());
        out.push('\n');
    }
    if table.hidden > 0 {
        let more = format!("… and {} more", grouped(table.hidden));
        out.push_str(&format!("{}\n", style.dim(&more)));
    }
}

fn text_of(cell: &Cell) -> String {
    let indent = match cell.depth {
        0 => String::new(),
        depth => format!("{}└ ", "  ".repeat(depth as usize - 1)),
    };
    format!("{indent}{}", harmless(&cell.text))
}

/// Columns as wide as their widest word; those of words share what is left of the line.
fn widths(table: &Table, rows: &[Vec<(String, Tone)>], line: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            rows.iter()
                .filter_map(|row| row.get(at))
                .map(|(text, _)| measure_text_width(text))
                .chain([measure_text_width(column.title)])
                .max()
                .unwrap_or(0)
        })
        .collect();
    loop {
        let all = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
        let widest = (0..widths.len())
            .filter(|at| !table.columns[*at].right && widths[*at] > LEAST_NAME)
            .max_by_key(|at| widths[*at]);
        match widest {
            Some(at) if all > line => {
                widths[at] -= (all - line)
                    .min(widths[at] - LEAST_NAME)
                    .min(widths[at] / 8 + 1)
            }
            _ => return widths,
        }
    }
}

fn fitted(text: &str, width: usize, column: Column) -> String {
    let text = match measure_text_width(text) > width {
        true if column.way => end_of(text, width),
        true => truncate_str(text, width, "…").into_owned(),
        false => text.to_owned(),
    };
    let pad = " ".repeat(width.saturating_sub(measure_text_width(&text)));
    match column.right {
        true => format!("{pad}{text}"),
        false => format!("{text}{pad}"),
    }
}

/// As much of the end as fits.
fn end_of(text: &str, width: usize) -> String {
    let mut from = text.len();
    let mut used = 1;
    for (at, sign) in text.char_indices().rev() {
        used += measure_text_width(sign.encode_utf8(&mut [0; 4]));
        if used > width {
            break;
        }
        from = at;
    }
    format!("…{}", &text[from..])
}

fn toned(style: Style, tone: Tone, text: &str) -> String {
    match tone {
        Tone::Plain => text.to_owned(),
        Tone::Name => style.cyan(text),
        Tone::Faint => style.dim(text),
        Tone::Grown => style.red(text),
        Tone::Shrunk => style.green(text),
    }
}

fn draw_path(steps: &[Step], style: Style, out: &mut String) {
    for (depth, step) in steps.iter().enumerate() {
        let indent = "  ".repeat(depth.min(12));
        let arrow = if step.edge.is_empty() { "" } else { " → " };
        let edge = harmless(&step.edge);
        let object = harmless(&step.object);
        let (edge, object) = if step.suspect {
            (style.yellow(&edge), style.yellow(&object))
        } else {
            (edge, style.cyan(&object))
        };
        let mark = if step.suspect {
            style.yellow("  ◀ grows here")
        } else {
            String::new()
        };
        let detail = style.dim(&harmless(&step.detail));
        let gap = if step.detail.is_empty() { "" } else { GAP };
        out.push_str(&format!(
            "  {indent}{edge}{arrow}{object}{gap}{detail}{mark}\n"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_fit_the_line_and_ways_keep_their_end() {
        let mut table = Table::new(&[">Size", "Class", "…Held by"], 2);
        let way = format!("{} → .requestLog → LogEntry", "global → .a".repeat(9));
        table.row([Cell::bytes(1), Cell::name("A".repeat(90)), Cell::plain(way)]);
        table.row([Cell::bytes(4096), Cell::name("größe"), Cell::plain("short")]);
        let mut document = Document {
            title: "T".into(),
            ..Document::default()
        };
        document.section("S", "m", table);
        let text = draw(
            &document,
            Style {
                color: false,
                width: 72,
            },
        );
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines.iter().all(|line| measure_text_width(line) <= 72),
            "{text}"
        );
        assert!(
            lines[4].contains("A…") && lines[4].ends_with("→ .requestLog → LogEntry"),
            "{text}"
        );
        assert!(lines[5].starts_with("4.0 kB  größe"), "{text}");
        assert_eq!(lines[6], "… and 2 more");
    }
}
