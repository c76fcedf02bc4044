//! The page of `memguard query`.

use memguard_heap_graph::report::QueryReport;

use super::super::document::{Block, Cell, Document, Table};
use super::super::{bytes, grouped};
use super::common::{distance_cell, id_cell, place_cell, source};

pub(crate) fn query(report: &QueryReport) -> Document {
    let mut page = Document {
        title: format!("Objects in {}", source(&report.source)),
        ..Document::default()
    };
    page.blocks.push(Block::Facts(vec![
        ("Filter", report.filter.clone()),
        ("Objects", grouped(report.count)),
        ("Shallow size", bytes(report.shallow_size)),
    ]));
    let heads = [
        "Id",
        "Class",
        "Name",
        "Place",
        ">Distance",
        ">Shallow",
        ">Retained",
    ];
    let mut table = Table::new(&heads, report.objects.hidden());
    for object in &report.objects.rows {
        table.row([
            id_cell(object),
            Cell::plain(&object.class),
            Cell::name(&object.name),
            place_cell(object.location.as_ref()),
            distance_cell(object.distance),
            Cell::bytes(object.shallow_size),
            Cell::bytes(object.retained_size),
        ]);
    }
    page.section("The largest", "by retained size", table);
    page
}
