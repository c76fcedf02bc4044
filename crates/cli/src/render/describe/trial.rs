//! The page of `memguard ci` and `memguard hunt`.

use memguard_hunt::LeakReport;

use super::super::document::Document;
use super::compare_runs::capital;
use super::leak::suspects;
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
    suspects(leak, page);
}
