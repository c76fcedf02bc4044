//! The page of `memguard ci` and `memguard hunt`.

use memguard_hunt::{LeakReport, Suspect};

use super::super::bytes;
use super::super::document::{Block, Document};
use super::common::path;
use super::compare_runs::capital;
use super::load::{curves, requests};
use crate::verbs::trial::TrialReport;

pub(crate) fn trial(report: &TrialReport) -> Document {
    let whom = match &report.memory {
        _ if !report.command.is_empty() => report.command.join(" "),
        Some(memory) => format!("process {}", memory.pid),
        None => "a program".to_owned(),
    };
    let mut page = Document {
        title: format!("Memory of {whom}"),
        ..Document::default()
    };
    page.text(capital(&report.sentence()));
    if let Some(leak) = &report.leak {
        culprits(leak, &mut page);
    }
    if let Some(load) = &report.load {
        page.heading("Load", "after the warm-up");
        requests(load, &mut page);
    }
    for memory in report.memory.iter().chain(&report.others) {
        curves(memory, &mut page);
    }
    for missing in &report.missing {
        page.text(missing);
    }
    page
}

/// What grows, and who holds it.
fn culprits(leak: &LeakReport, page: &mut Document) {
    page.heading("Who grows", leak.verdict.class.title());
    page.text(&leak.summary);
    for suspect in &leak.suspects {
        culprit(suspect, page);
    }
}

fn culprit(suspect: &Suspect, page: &mut Document) {
    let mut facts = vec![
        (
            "What",
            format!(
                "{}, {:+} objects, {}",
                suspect.class,
                suspect.count_delta,
                bytes(suspect.size_delta.unsigned_abs())
            ),
        ),
        ("Held by", suspect.words.clone()),
    ];
    if let Some(place) = &suspect.kept_at {
        facts.push((
            "Kept at",
            format!("{}:{}:{}", place.file, place.line, place.column),
        ));
    }
    if !suspect.cure.text.is_empty() {
        facts.push(("Cure", suspect.cure.text.clone()));
    }
    page.blocks.push(Block::Facts(facts));
    if let Some(way) = &suspect.path {
        page.blocks.push(path(way));
    }
}
