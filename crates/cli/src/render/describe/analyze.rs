//! The page of `memguard analyze`.

use memguard_heap_graph::report::{
    AnalyzeReport, CapacityKind, CollectionReason, DominatorNode, Insights,
};

use super::super::document::{Block, Cell, Document, Table};
use super::super::{bytes, grouped};
use super::common::{class_cell, distance_cell, place_cell, source};

/// How many rows the lists have that are not asked for by themselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    /// Of the dominator tree.
    pub(crate) dominators: usize,
    /// Of each other list.
    pub(crate) others: usize,
}

pub(crate) fn analyze(report: &AnalyzeReport, rows: Rows) -> Document {
    let mut page = Document {
        title: format!("Heap of {}", source(&report.source)),
        ..Document::default()
    };
    let totals = &report.totals;
    page.blocks.push(Block::Facts(vec![
        ("Size", bytes(totals.size)),
        ("Objects", grouped(totals.nodes)),
        ("References", grouped(totals.edges)),
        ("External memory", bytes(report.insights.external.bytes)),
    ]));
    classes(report, rows, &mut page);
    dominators(&report.dominators, rows.dominators, &mut page);
    kinds(report, &mut page);
    insights(&report.insights, rows.others, &mut page);
    page
}

fn classes(report: &AnalyzeReport, rows: Rows, page: &mut Document) {
    let heads = [
        "Class",
        "Place",
        ">Objects",
        ">Distance",
        ">Shallow",
        ">Retained",
        ">Share",
    ];
    let shown = report.classes.rows.len().min(rows.others);
    let mut table = Table::new(&heads, report.classes.total - shown as u64);
    for class in &report.classes.rows[..shown] {
        table.row([
            class_cell(&class.name),
            place_cell(class.location.as_ref()),
            Cell::count(class.count),
            distance_cell(class.distance),
            Cell::bytes(class.shallow_size),
            Cell::bytes(class.retained_size),
            Cell::share(class.retained_share),
        ]);
    }
    page.section(
        "Classes",
        "by retained size, each byte of a class counted once",
        table,
    );
}

fn dominators(nodes: &[DominatorNode], limit: usize, page: &mut Document) {
    let heads = ["Object", "Held as", "Place", ">Retained", ">Share"];
    let hidden = nodes.len().saturating_sub(limit + 1);
    let mut table = Table::new(&heads, hidden as u64);
    for node in nodes.iter().skip(1).take(limit) {
        // Of many alike, the way to one says nothing.
        let (name, edge) = match node.group_count {
            1 => (
                node.object.name.clone(),
                node.edge.as_deref().unwrap_or_default(),
            ),
            count => (format!("{} × {}", grouped(count), node.object.name), ""),
        };
        table.row([
            Cell::name(name).at_depth(node.depth - 1),
            Cell::faint(edge),
            place_cell(node.object.location.as_ref()),
            Cell::bytes(node.retained_size),
            Cell::share(node.share),
        ]);
    }
    page.section(
        "What holds the memory",
        "dominators: what would be freed if the object went",
        table,
    );
}

fn kinds(report: &AnalyzeReport, page: &mut Document) {
    let mut table = Table::new(&["Kind", ">Objects", ">Size", ">Share"], 0);
    for kind in &report.totals.types {
        table.row([
            Cell::name(&kind.kind),
            Cell::count(kind.count),
            Cell::bytes(kind.size),
            Cell::share(kind.share),
        ]);
    }
    page.section("Kinds", "what V8 tells apart", table);
}

fn insights(insights: &Insights, limit: usize, page: &mut Document) {
    collections(insights, limit, page);
    strings(insights, limit, page);
    capacity(insights, limit, page);
    external(insights, limit, page);
    owners(insights, limit, page);
    detached(insights, limit, page);
}

fn collections(insights: &Insights, limit: usize, page: &mut Document) {
    let all = &insights.collections;
    let shown = all.rows.len().min(limit);
    let heads = [
        "Collection",
        "Why",
        ">Entries",
        "Of",
        ">Retained",
        "…Held by",
    ];
    let mut table = Table::new(&heads, all.total - shown as u64);
    for row in &all.rows[..shown] {
        let why = match row.reason {
            CollectionReason::Dominant => "large",
            CollectionReason::ManyEntries => "many entries",
            CollectionReason::Dictionary => "many keys",
            CollectionReason::Listeners => "many listeners",
            CollectionReason::LinkedList => "long chain",
        };
        table.row([
            Cell::name(&row.object.name),
            Cell::plain(why),
            Cell::count(row.entries),
            Cell::plain(row.entry_class.as_deref().unwrap_or_default()),
            Cell::bytes(row.object.retained_size),
            Cell::faint(row.path.as_deref().unwrap_or_default()),
        ]);
    }
    page.section(
        "Suspicious collections",
        "they look as if they had no bound",
        table,
    );
}

fn strings(insights: &Insights, limit: usize, page: &mut Document) {
    let all = &insights.duplicate_strings;
    let shown = all.rows.len().min(limit);
    let heads = ["String", ">Copies", ">Size", ">Wasted", "Held by"];
    let mut table = Table::new(&heads, all.total - shown as u64);
    for row in &all.rows[..shown] {
        table.row([
            Cell::name(format!("{:?}", row.value)),
            Cell::count(row.count),
            Cell::bytes(row.size),
            Cell::bytes(row.wasted),
            Cell::faint(row.held_by.as_deref().unwrap_or_default()),
        ]);
    }
    let meaning = format!("{} are copies", bytes(insights.duplicate_string_bytes));
    page.section("Duplicate strings", &meaning, table);
}

fn capacity(insights: &Insights, limit: usize, page: &mut Document) {
    let all = &insights.wasted_capacity;
    let shown = all.rows.rows.len().min(limit);
    let heads = ["Store", "Of", ">Used", ">Slots", ">Wasted", "…Held by"];
    let mut table = Table::new(&heads, all.rows.total - shown as u64);
    for row in &all.rows.rows[..shown] {
        let kind = match row.kind {
            CapacityKind::Array => "elements",
            CapacityKind::Map => "map",
            CapacityKind::Set => "set",
            CapacityKind::Properties => "properties",
        };
        table.row([
            Cell::plain(kind),
            Cell::name(&row.object.name),
            Cell::count(row.used),
            Cell::count(row.capacity),
            Cell::bytes(row.wasted),
            Cell::faint(row.held_by.as_deref().unwrap_or_default()),
        ]);
    }
    let meaning = format!(
        "{} of room that nothing uses; {} empty collections take {}",
        bytes(all.bytes),
        grouped(all.empty_count),
        bytes(all.empty_bytes)
    );
    page.section("Wasted capacity", &meaning, table);
}

fn external(insights: &Insights, limit: usize, page: &mut Document) {
    let all = &insights.external;
    let shown = all.rows.rows.len().min(limit);
    let mut table = Table::new(
        &["Class", ">Objects", ">Size", "…Held by"],
        all.rows.total - shown as u64,
    );
    for row in &all.rows.rows[..shown] {
        table.row([
            class_cell(&row.name),
            Cell::count(row.count),
            Cell::bytes(row.size),
            Cell::faint(row.held_by.as_deref().unwrap_or_default()),
        ]);
    }
    let meaning = format!(
        "outside of the heap: {}, of which {} in buffers and {} in strings",
        bytes(all.bytes),
        bytes(all.array_buffer_bytes),
        bytes(all.string_bytes)
    );
    page.section("External memory", &meaning, table);
}

fn owners(insights: &Insights, limit: usize, page: &mut Document) {
    let packages = &insights.packages;
    let shown = packages.rows.len().min(limit);
    let heads = [
        "Package",
        ">Modules",
        ">Functions",
        ">Code",
        ">Retained",
        ">Instances",
    ];
    let mut table = Table::new(&heads, packages.total - shown as u64);
    for row in &packages.rows[..shown] {
        table.row([
            Cell::name(&row.name),
            Cell::count(row.modules),
            Cell::count(row.functions),
            Cell::bytes(row.code_size),
            Cell::bytes(row.retained_size),
            Cell::bytes(row.instance_size),
        ]);
    }
    page.section(
        "Packages",
        "by what their functions and variables retain",
        table,
    );
    let modules = &insights.modules;
    let shown = modules.rows.len().min(limit);
    let heads = [
        "…Module",
        ">Functions",
        ">Code",
        ">Retained",
        ">Instances",
        ">Their size",
    ];
    let mut table = Table::new(&heads, modules.total - shown as u64);
    for row in &modules.rows[..shown] {
        table.row([
            Cell::name(&row.script),
            Cell::count(row.functions),
            Cell::bytes(row.code_size),
            Cell::bytes(row.retained_size),
            Cell::count(row.instances),
            Cell::bytes(row.instance_size),
        ]);
    }
    page.section("Modules", "by the same", table);
}

fn detached(insights: &Insights, limit: usize, page: &mut Document) {
    let all = &insights.detached;
    let shown = all.rows.len().min(limit);
    let mut table = Table::new(
        &["Class", ">Objects", ">Retained", "…Held by"],
        all.total - shown as u64,
    );
    for row in &all.rows[..shown] {
        table.row([
            class_cell(&row.name),
            Cell::count(row.count),
            Cell::bytes(row.retained_size),
            Cell::faint(row.path.as_deref().unwrap_or_default()),
        ]);
    }
    page.section("Detached", "their document or native part is gone", table);
}
