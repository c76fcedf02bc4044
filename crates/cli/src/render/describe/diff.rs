//! The page of `memguard diff`.

use memguard_heap_graph::report::{
    ClassDelta, DiffBy, DiffReport, GrowthCluster, GrowthKind, Listing, Survivors,
};

use super::super::document::{Block, Cell, Document, Table, Tone};
use super::super::{bytes, grouped, percent};
use super::common::{class_cell, path, place, place_cell, source};

/// Growth that is shown with its way.
const DETAILED: usize = 3;
/// Classes that the contents of one growth name.
const CONTENTS: usize = 4;

pub(crate) fn diff(report: &DiffReport) -> Document {
    let mut page = Document {
        title: format!("Growth over {} snapshots", report.snapshots.len()),
        ..Document::default()
    };
    totals(report, &mut page);
    let by = match report.comparison.by {
        DiffBy::Ids => "object ids",
        DiffBy::Signature => "retention signature",
    };
    page.text(format!("Compared by {by}: {}", report.comparison.reason));
    growth(report, &mut page);
    classes(&report.classes, report.comparison.by, &mut page);
    if let Some(survivors) = &report.survivors {
        survived(survivors, &mut page);
    }
    page
}

fn totals(report: &DiffReport, page: &mut Document) {
    let mut table = Table::new(&["Snapshot", ">Objects", ">Size", ">Change"], 0);
    let mut before: Option<u64> = None;
    for (snapshot, totals) in report.snapshots.iter().zip(&report.totals) {
        let change = before.map_or_else(Cell::default, |before| {
            Cell::bytes_delta(totals.size.wrapping_sub(before) as i64)
        });
        before = Some(totals.size);
        table.row([
            Cell::plain(source(snapshot)),
            Cell::count(totals.nodes),
            Cell::bytes(totals.size),
            change,
        ]);
    }
    page.blocks.push(Block::Table(table));
}

fn growth(report: &DiffReport, page: &mut Document) {
    let growth = &report.growth;
    if growth.clusters.rows.is_empty() {
        page.heading("Who holds what grew", "");
        page.text("Nothing grew.");
        return;
    }
    let heads = [">Size", ">Share", ">Objects", "Class", "…Held by", "Place"];
    let mut table = Table::new(&heads, growth.clusters.hidden());
    for cluster in &growth.clusters.rows {
        table.row([
            Cell::bytes_delta(cluster.size_delta),
            Cell::share(cluster.share),
            Cell::count_delta(cluster.count_delta),
            class_cell(&cluster.class),
            Cell::plain(&cluster.words),
            place_cell(cluster.location.as_ref()),
        ]);
    }
    let meaning = format!(
        "{} grew, {} shrank; no byte is in two rows",
        bytes(growth.grown_size),
        bytes(growth.shrunk_size)
    );
    page.section("Who holds what grew", &meaning, table);
    for cluster in growth.clusters.rows.iter().take(DETAILED) {
        detail(cluster, page);
    }
}

fn detail(cluster: &GrowthCluster, page: &mut Document) {
    let Some(example) = &cluster.example else {
        return;
    };
    let sizes: Vec<String> = cluster.sizes.iter().map(|size| bytes(*size)).collect();
    let counts: Vec<String> = cluster.counts.iter().map(|count| grouped(*count)).collect();
    page.heading(
        &format!("{} held by {}", cluster.class, cluster.holder),
        &format!("{} of all growth", percent(cluster.share)),
    );
    let mut facts = vec![
        ("Size", sizes.join(" → ")),
        ("Objects", counts.join(" → ")),
        ("Signature", cluster.signature.clone()),
    ];
    let contents: Vec<String> = cluster
        .contents
        .rows
        .iter()
        .take(CONTENTS)
        .map(|row| {
            format!(
                "{} {:+} ({})",
                row.class,
                row.count_delta,
                Cell::bytes_delta(row.size_delta).text
            )
        })
        .collect();
    if !contents.is_empty() {
        facts.push(("Made of", contents.join(", ")));
    }
    if let Some(location) = &cluster.location {
        let script = location.script.as_deref().unwrap_or_default();
        facts.push((
            "Kept at",
            format!("{}  {script}", place(location))
                .trim_end()
                .to_owned(),
        ));
    }
    let mut remarks = Vec::new();
    if cluster.steady && cluster.sizes.len() > 2 {
        remarks.push("It grew from each snapshot to the next.");
    }
    if cluster.kind == GrowthKind::LargerObjects {
        remarks.push("There are not more objects, they are larger.");
    }
    if cluster.moved {
        remarks
            .push("As many of the class have gone elsewhere: this may be but another way to them.");
    }
    page.blocks.push(Block::Facts(facts));
    if !remarks.is_empty() {
        page.text(remarks.join(" "));
    }
    page.blocks.push(path(example));
}

fn classes(classes: &Listing<ClassDelta>, by: DiffBy, page: &mut Document) {
    let ids = by == DiffBy::Ids;
    let heads: &[&str] = match ids {
        true => &[
            "Class",
            "Place",
            ">New",
            ">Deleted",
            ">Count Δ",
            ">Size Δ",
            ">Retained Δ",
        ],
        false => &[
            "Class",
            "Place",
            ">Before",
            ">After",
            ">Count Δ",
            ">Size Δ",
            ">Retained Δ",
        ],
    };
    let mut table = Table::new(heads, classes.hidden());
    for class in &classes.rows {
        let (first, second) = match ids {
            true => (class.added_count, class.removed_count),
            false => (class.count_before, class.count_after),
        };
        table.row([
            class_cell(&class.name),
            place_cell(class.location.as_ref()),
            Cell::count(first),
            Cell::count(second),
            Cell::count_delta(class.count_delta),
            Cell::bytes_delta(class.size_delta),
            Cell::bytes_delta(class.retained_delta),
        ]);
    }
    page.section("Classes", "by change of size", table);
}

fn survived(survivors: &Survivors, page: &mut Document) {
    let heads = [
        "Class",
        "Place",
        ">Objects",
        ">Shallow",
        ">Retained",
        "…Held by",
    ];
    let mut table = Table::new(&heads, survivors.classes.hidden());
    for row in &survivors.classes.rows {
        let way = row.example.as_ref().map(|way| way.text.as_str());
        table.row([
            class_cell(&row.name),
            place_cell(row.location.as_ref()),
            Cell::count(row.count),
            Cell::bytes(row.size),
            Cell::bytes(row.retained_size),
            Cell::new(way.unwrap_or_default(), Tone::Faint),
        ]);
    }
    let meaning = format!(
        "{} objects, {}: came between the first two snapshots and are alive in the third",
        grouped(survivors.count),
        bytes(survivors.size)
    );
    page.section("Survivors", &meaning, table);
}
