//! The pages of `memguard profile`.

use memguard_profile::Mode;
use memguard_profile::report::{FrameRef, ProfileComparison, ProfileReport, ProfileSource, Site};

use super::super::document::{Block, Cell, Document, Table, Tone};
use super::super::{bytes, grouped, percent};
use super::common::place;

/// Callers that are told of a site.
const CALLERS: usize = 3;

pub(crate) fn profile(report: &ProfileReport) -> Document {
    let what = match report.mode {
        Some(Mode::Churn) => "Allocated",
        Some(Mode::Live) | None => "Still alive",
    };
    let mut page = Document {
        title: format!("Allocations of {}", source(&report.source)),
        ..Document::default()
    };
    let mut facts = vec![(what, bytes(report.bytes))];
    if let Some(duration) = report.duration_ms {
        facts.push(("Sampled", format!("{:.1} s", duration / 1e3)));
    }
    if let Some(rate) = report.bytes_per_second {
        facts.push(("Rate", format!("{}/s", bytes(rate as u64))));
    }
    facts.push(("Samples", grouped(report.samples)));
    if let Some(interval) = report.sample_interval_bytes {
        facts.push(("A sample each", bytes(interval as u64)));
    }
    page.blocks.push(Block::Facts(facts));
    let all = report.bytes;
    page.section(
        "The app's own code",
        "each allocation is charged to the nearest caller that is no package's and not Node.js's",
        sites(&report.causes.rows, report.causes.total, all),
    );
    page.section(
        "Where it is allocated",
        "functions by what they allocate themselves",
        sites(&report.sites.rows, report.sites.total, all),
    );
    page
}

fn sites(rows: &[Site], total: u64, all: u64) -> Table {
    let heads = [
        "Function",
        "Place",
        ">Size",
        ">Share",
        ">±",
        ">With callees",
        "Called by",
    ];
    let mut table = Table::new(&heads, total - rows.len() as u64);
    for site in rows {
        table.row([
            Cell::name(&site.frame.function),
            where_it_is(&site.frame),
            Cell::bytes((site.share * all as f64).round() as u64),
            Cell::share(site.share),
            Cell::faint(percent(site.error_ratio)),
            Cell::bytes(site.total_bytes),
            Cell::faint(callers(site)),
        ]);
    }
    table
}

/// `merge ← loadConfig ← handle`, from the site upwards, itself left out.
fn callers(site: &Site) -> String {
    let is_site = |frame: &&FrameRef| {
        frame.function == site.frame.function && frame.location == site.frame.location
    };
    let above = site
        .stack
        .iter()
        .skip_while(|frame| !is_site(frame))
        .skip_while(is_site);
    let names: Vec<&str> = above
        .take(CALLERS)
        .map(|frame| frame.function.as_str())
        .collect();
    names.join(" ← ")
}

fn where_it_is(frame: &FrameRef) -> Cell {
    let place = frame.location.as_ref().map(place).unwrap_or_default();
    Cell::faint(match &frame.package {
        Some(package) => format!("{package} {place}"),
        None => place,
    })
}

pub(crate) fn profiles_compared(comparison: &ProfileComparison) -> Document {
    let mut page = Document {
        title: format!(
            "Allocations of {} since {}",
            source(&comparison.after),
            source(&comparison.before)
        ),
        ..Document::default()
    };
    let unit = if comparison.per_second { "/s" } else { "" };
    let sized = |size: f64| format!("{}{unit}", bytes(size.max(0.0) as u64));
    page.blocks.push(Block::Facts(vec![
        ("Before", sized(comparison.before_bytes)),
        ("After", sized(comparison.after_bytes)),
    ]));
    let heads = [
        "Function",
        "Place",
        ">Before",
        ">After",
        ">Change",
        ">Deviations",
    ];
    let mut table = Table::new(&heads, comparison.sites.hidden());
    for site in &comparison.sites.rows {
        table.row([
            Cell::name(&site.frame.function),
            where_it_is(&site.frame),
            Cell::bytes(site.before_bytes as u64),
            Cell::bytes(site.after_bytes as u64),
            Cell::bytes_delta(site.delta_bytes as i64),
            Cell {
                value: Some(site.deviations),
                ..Cell::new(format!("{:.1}", site.deviations), Tone::Faint)
            },
        ]);
    }
    let meaning = match comparison.per_second {
        true => "bytes a second; below three deviations it may be chance",
        false => "bytes; below three deviations it may be chance",
    };
    page.section("What changed", meaning, table);
    page
}

/// `shop.heapprofile (shop, pid 7, Node.js v20.1.0)`.
fn source(source: &ProfileSource) -> String {
    let name = source.file.as_deref().unwrap_or("standard input");
    let pid = source.pid.map(|pid| format!("pid {pid}"));
    let node = source.node_version.as_ref();
    let node = node.map(|version| format!("Node.js {version}"));
    let parts: Vec<String> = [source.app.clone(), pid, node]
        .into_iter()
        .flatten()
        .collect();
    match parts.is_empty() {
        true => name.to_owned(),
        false => format!("{name} ({})", parts.join(", ")),
    }
}
