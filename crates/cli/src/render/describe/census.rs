//! The page of `memguard census`.

use memguard_heap_walk::{CensusReport, PlaceReport};

use super::super::document::{Block, Cell, Document, Table};
use super::super::{bytes, grouped, percent};

pub(crate) fn census(report: &CensusReport) -> Document {
    let mut page = Document {
        title: format!("What is in the heap of {}", report.source),
        ..Document::default()
    };
    page.blocks.push(Block::Facts(facts(report)));
    let whole = report.total.bytes.max(1) as f64;
    let mut groups = Table::new(&["Kind", ">Count", ">Bytes", ">Share"], 0);
    for group in &report.groups {
        groups.row([
            Cell::name(group.group),
            Cell::count(group.all.count),
            Cell::bytes(group.all.bytes),
            Cell::share(group.all.bytes as f64 / whole),
        ]);
    }
    page.section("Kinds", "by their own bytes", groups);
    let heads = [
        "Class", "Kind", "Place", ">Count", ">Bytes", ">Share", ">Young",
    ];
    let mut table = Table::new(&heads, report.hidden_rows);
    for row in &report.rows {
        let name = if row.name.is_empty() {
            "(anonymous)"
        } else {
            &row.name
        };
        table.row([
            Cell::name(name),
            Cell::faint(row.group),
            Cell::faint(row.location.as_ref().map(place).unwrap_or_default()),
            Cell::count(row.all.count),
            Cell::bytes(row.all.bytes),
            Cell::share(row.all.bytes as f64 / whole),
            Cell::count(row.young.count),
        ]);
    }
    page.section(
        "Classes",
        "by their own bytes, without what they hold",
        table,
    );
    page
}

fn facts(report: &CensusReport) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        (
            "Alive",
            format!(
                "{} objects, {}",
                grouped(report.total.count),
                bytes(report.total.bytes)
            ),
        ),
        (
            "Young",
            format!(
                "{} objects, {}",
                grouped(report.young.count),
                bytes(report.young.bytes)
            ),
        ),
        (
            "Pages",
            format!(
                "{}, {} of them alive",
                bytes(report.page_bytes),
                percent(report.total.bytes as f64 / report.page_bytes.max(1) as f64)
            ),
        ),
        ("Array buffers", bytes(report.array_buffer_bytes)),
        ("External strings", bytes(report.external_string_bytes)),
    ];
    if report.doubtful.count > 0 {
        let (count, size) = (grouped(report.doubtful.count), bytes(report.doubtful.bytes));
        facts.push(("Held by a stack alone", format!("{count} objects, {size}")));
    }
    facts.push(("Node.js", report.node_line.to_string()));
    if !report.other_threads.is_empty() {
        let threads: Vec<String> = report.other_threads.iter().map(u32::to_string).collect();
        let other = format!("threads {} (`--worker`)", threads.join(", "));
        facts.push(("Other heaps", other));
    }
    if let Some(paused) = report.paused_ms {
        facts.push(("Stood still for", format!("{paused:.0} ms")));
    }
    facts.push(("Walked in", format!("{:.0} ms", report.walked_ms)));
    facts
}

/// `server.js:12:5`: script without its folders, line, column.
fn place(place: &PlaceReport) -> String {
    let short = match place.script.strip_prefix("node:") {
        Some(_) => &place.script,
        None => place
            .script
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or(&place.script),
    };
    format!("{short}:{}:{}", place.line, place.column)
}
