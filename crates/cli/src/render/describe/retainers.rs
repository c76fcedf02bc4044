//! The page of `memguard retainers`.

use memguard_heap_graph::report::{PathCluster, RetainersReport};

use super::super::document::{Block, Cell, Document, Table};
use super::super::{bytes, grouped};
use super::common::{path, place_cell, source};

/// Ways that are shown step by step.
const DETAILED: usize = 3;

pub(crate) fn retainers(report: &RetainersReport) -> Document {
    let mut page = Document {
        title: format!("Retainers in {}", source(&report.source)),
        ..Document::default()
    };
    page.blocks.push(Block::Facts(vec![
        ("Asked for", report.target.clone()),
        ("Objects", grouped(report.count)),
        ("Shallow size", bytes(report.shallow_size)),
        ("Retained size", bytes(report.retained_size)),
    ]));
    if report.count == 0 {
        page.text(
            "There is no such object. `memguard query` finds objects by parts of their names.",
        );
        return page;
    }
    if let Some(shortest) = &report.shortest {
        page.heading(
            "Shortest way from a root",
            "in the fewest words of the source",
        );
        page.blocks.push(path(shortest));
    }
    let heads = [">Objects", ">Retained", "…Held by", "Place"];
    let mut table = Table::new(&heads, report.clusters.hidden());
    for cluster in &report.clusters.rows {
        table.row([
            Cell::count(cluster.count),
            Cell::bytes(cluster.retained_size),
            Cell::name(&cluster.words),
            place_cell(cluster.location.as_ref()),
        ]);
    }
    page.section("By holder", "objects that hang at the same place", table);
    let told = |cluster: &&PathCluster| report.shortest.as_ref() != Some(&cluster.example);
    for cluster in report.clusters.rows.iter().take(DETAILED).filter(told) {
        page.heading(
            &format!("The largest of {}", grouped(cluster.count)),
            &cluster.example.text,
        );
        page.blocks.push(path(&cluster.example));
    }
    let mut table = Table::new(&["…Reference", ">Steps"], report.holders.hidden());
    for holder in &report.holders.rows {
        table.row([
            Cell::name(&holder.text),
            Cell::count(u64::from(holder.length)),
        ]);
    }
    page.section(
        "Everything that refers to it",
        "nearest to a root first",
        table,
    );
    if report.unreachable > 0 {
        page.text(format!(
            "{} of them hang on weak references or on V8 itself alone.",
            grouped(report.unreachable)
        ));
    }
    page
}
