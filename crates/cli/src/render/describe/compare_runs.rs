//! The page of `memguard compare-runs`.

use super::super::document::{Block, Cell, Document, Table, Tone};
use super::super::{bytes, percent};
use super::load::{course_cell, figure, millis};
use crate::run::{LoadFigures, PartGrowth};
use crate::verbs::compare_runs::{Change, PartChange, RunComparison};

pub(crate) fn compare_runs(report: &RunComparison) -> Document {
    let mut page = Document {
        title: format!("{} and {}", report.before_file, report.after_file),
        ..Document::default()
    };
    page.text(capital(&report.sentence));
    memory(&report.memory, &mut page);
    if let Some([before, after]) = &report.load {
        load(before, after, &mut page);
    }
    page
}

fn memory(parts: &[PartChange], page: &mut Document) {
    let heads = [
        "Memory",
        "Run",
        ">First",
        ">Last",
        ">An hour",
        "95 % interval",
        ">1,000 requests",
        "Course",
        "Change",
    ];
    let mut table = Table::new(&heads, 0);
    for part in parts {
        let change = match part.change {
            Change::Flat => Cell::new("flat", Tone::Shrunk),
            Change::Fixed => Cell::new("fixed", Tone::Shrunk),
            Change::Unknown => Cell::faint("unknown"),
            Change::Slower => Cell::new("slower, still grows", Tone::Grown),
            Change::StillGrows => Cell::new("still grows", Tone::Grown),
            Change::Worse => Cell::new("worse", Tone::Grown),
        };
        table.row(row(
            part.part.title(),
            "before",
            &part.before,
            Cell::faint(""),
        ));
        table.row(row("", "after", &part.after, change));
    }
    page.section(
        "Memory",
        "slopes by Theil and Sen, each run after its warm-up",
        table,
    );
}

fn row(part: &str, run: &str, growth: &PartGrowth, change: Cell) -> [Cell; 9] {
    let [low, high] = growth.bytes_per_hour_interval.map(signed);
    [
        Cell::name(part),
        Cell::plain(run),
        Cell::bytes(growth.first_bytes.max(0.0) as u64),
        Cell::bytes(growth.last_bytes.max(0.0) as u64),
        super::load::rate_cell(growth.bytes_per_hour),
        Cell::faint(format!("{low} to {high}")),
        growth
            .bytes_per_1000_requests
            .map_or_else(|| Cell::faint("–"), super::load::rate_cell),
        course_cell(growth),
        change,
    ]
}

fn signed(value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "+" };
    format!("{sign}{}", bytes(value.abs() as u64))
}

fn load(before: &LoadFigures, after: &LoadFigures, page: &mut Document) {
    let mut table = Table::new(&["Load", ">Before", ">After", ">Change"], 0);
    let mut row = |name: &str, values: [f64; 2], word: fn(f64) -> String| {
        let [before, after] = values;
        let change = match before > 0.0 {
            true => {
                let sign = if after >= before { "+" } else { "−" };
                format!("{sign}{}", percent((after / before - 1.0).abs()))
            }
            false => "–".to_owned(),
        };
        table.row([
            Cell::name(name),
            Cell::plain(word(before)),
            Cell::plain(word(after)),
            Cell::faint(change),
        ]);
    };
    row(
        "req/s",
        [before.requests_per_second, after.requests_per_second],
        figure,
    );
    row(
        "failed",
        [before.failed as f64, after.failed as f64],
        |count| super::super::grouped(count as u64),
    );
    if let (Some(before), Some(after)) = (&before.latency_ms, &after.latency_ms) {
        row("p50", [before.p50, after.p50], millis);
        row("p99", [before.p99, after.p99], millis);
        row("max", [before.max, after.max], millis);
    }
    page.heading("Load", "");
    page.blocks.push(Block::Table(table));
}

/// The sentence with a capital letter.
pub(super) fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}
