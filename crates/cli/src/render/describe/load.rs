//! The page of `memguard load`, and what pages of other runs have in common with it.

use memguard_trend::curve::Course;

use super::super::document::{Block, Cell, Document, Table, Tone};
use super::super::{bytes, grouped, percent, spark};
use crate::run::{LoadFigures, Memory, Part, PartGrowth, Sample};
use crate::verbs::load::LoadReport;

/// Rows of the timeline that fit on a screen.
const MOST_ROWS: usize = 12;
/// Columns of a curve.
const CURVE: usize = 40;

pub(crate) fn load(report: &LoadReport) -> Document {
    let mut page = Document {
        title: format!("Load on {}", report.load.urls.join(", ")),
        ..Document::default()
    };
    requests(&report.load, &mut page);
    if let Some(memory) = &report.memory {
        curves(memory, &mut page);
        timeline(&report.load, Some(memory), &mut page);
    } else {
        timeline(&report.load, None, &mut page);
    }
    for missing in &report.missing {
        page.text(missing);
    }
    page
}

/// What came of the requests.
pub(super) fn requests(load: &LoadFigures, page: &mut Document) {
    let all = load.succeeded + load.failed;
    let mut facts = vec![
        (
            "Requests",
            format!("{} in {}", grouped(all), seconds(load.duration_ms)),
        ),
        ("Succeeded", share(load.succeeded, all)),
        ("Failed", failures(load, all)),
        (
            "Rate",
            match load.rate {
                Some(rate) => format!(
                    "{} req/s of {} that were due",
                    figure(load.requests_per_second),
                    figure(rate)
                ),
                None => format!(
                    "{} req/s by {} callers",
                    figure(load.requests_per_second),
                    load.concurrency
                ),
            },
        ),
    ];
    if let Some(latency) = &load.latency_ms {
        let from = match load.rate {
            Some(_) => "from when each was due",
            None => "from when each was sent",
        };
        let figures = [
            ("min", latency.min),
            ("avg", latency.avg),
            ("p50", latency.p50),
            ("p90", latency.p90),
            ("p99", latency.p99),
            ("max", latency.max),
        ];
        let words: Vec<String> = figures
            .iter()
            .map(|(name, ms)| format!("{name} {}", millis(*ms)))
            .collect();
        facts.push(("Latency", format!("{}, {from}", words.join(", "))));
    }
    facts.push(("Received", bytes(load.bytes)));
    page.blocks.push(Block::Facts(facts));
    // Worse than the server is no measurement of the server.
    if load.generator_delay_ms > 50.0 {
        page.text(format!(
            "The generator itself was up to {} late (99 % of the time): these latencies are partly its own.",
            millis(load.generator_delay_ms)
        ));
    }
}

fn failures(load: &LoadFigures, all: u64) -> String {
    let statuses = load
        .statuses
        .iter()
        .filter(|(status, _)| status.as_str() >= "400")
        .map(|(status, count)| format!("{} × {status}", grouped(*count)));
    let errors = load
        .errors
        .iter()
        .map(|(code, count)| format!("{} × {code}", grouped(*count)));
    let timeouts = (load.timeouts > 0).then(|| {
        format!(
            "{} × no answer within {}",
            grouped(load.timeouts),
            seconds(load.timeout_ms as f64)
        )
    });
    let unsent = (load.unsent > 0).then(|| {
        format!(
            "{} × due and never sent, for {} were under way",
            grouped(load.unsent),
            load.concurrency
        )
    });
    let why: Vec<String> = statuses
        .chain(errors)
        .chain(timeouts)
        .chain(unsent)
        .collect();
    match why.is_empty() {
        true => share(load.failed, all),
        false => format!("{}: {}", share(load.failed, all), why.join(", ")),
    }
}

/// The curves of a process, a line each.
pub(super) fn curves(memory: &Memory, page: &mut Document) {
    let mut table = Table::new(
        &[
            "Memory",
            ">First",
            ">Last",
            "Curve",
            ">An hour",
            ">1,000 requests",
            "Course",
        ],
        0,
    );
    for growth in &memory.growth {
        let values: Vec<f64> = memory
            .measured()
            .filter_map(|sample| growth.part.of(sample))
            .map(|value| value as f64)
            .collect();
        table.row([
            Cell::name(growth.part.title()),
            Cell::bytes(growth.first_bytes.max(0.0) as u64),
            Cell::bytes(growth.last_bytes.max(0.0) as u64),
            Cell::plain(spark(&values, CURVE, growth.tolerated_bytes)),
            rate_cell(growth.bytes_per_hour),
            growth
                .bytes_per_1000_requests
                .map_or_else(|| Cell::faint("–"), rate_cell),
            course_cell(growth),
        ]);
    }
    let name = memory.title.as_deref().unwrap_or("process");
    page.section(
        &format!("Memory of {name} ({})", memory.pid),
        "slopes by Theil and Sen; what is within the noise is flat",
        table,
    );
}

pub(super) fn rate_cell(slope: f64) -> Cell {
    Cell::bytes_delta(slope.round() as i64)
}

pub(super) fn course_cell(growth: &PartGrowth) -> Cell {
    match growth.course {
        Course::Grows => Cell::new("grows", Tone::Grown),
        Course::Slows => Cell::plain("slows down"),
        Course::Flat => Cell::new("flat", Tone::Shrunk),
        Course::Unknown => Cell::faint("too few points"),
    }
}

fn timeline(load: &LoadFigures, memory: Option<&Memory>, page: &mut Document) {
    let live = memory.is_some_and(|memory| memory.part(Part::LiveHeap).is_some());
    let rss = memory.is_some_and(|memory| memory.part(Part::Rss).is_some());
    let mut heads = vec![">Time", ">req/s", ">Failed", ">avg ms", ">max ms"];
    if rss {
        heads.push(">RSS");
    }
    if live {
        heads.push(">Live heap");
    }
    let mut table = Table::new(&heads, 0);
    let group = load.timeline.len().div_ceil(MOST_ROWS).max(1);
    let mut since = 0.0;
    for rows in load.timeline.chunks(group) {
        let until = rows
            .last()
            .map_or(since, |row| row.at_ms)
            .min(load.duration_ms.max(since + 1.0));
        let succeeded: u64 = rows.iter().map(|row| row.succeeded).sum();
        let sum: f64 = rows
            .iter()
            .filter_map(|row| Some(row.avg_ms? * row.succeeded as f64))
            .sum();
        let longest = rows.iter().filter_map(|row| row.max_ms).reduce(f64::max);
        let mut cells = vec![
            Cell::faint(seconds(until)),
            number_cell(succeeded as f64 / (until - since) * 1000.0),
            Cell::count(rows.iter().map(|row| row.failed).sum()),
            match succeeded {
                0 => Cell::faint("–"),
                _ => number_cell(sum / succeeded as f64),
            },
            longest.map_or_else(|| Cell::faint("–"), number_cell),
        ];
        let sample = memory.and_then(|memory| at(memory, until));
        let known = |value: Option<u64>| value.map_or_else(|| Cell::faint("–"), Cell::bytes);
        if rss {
            cells.push(known(sample.and_then(|sample| sample.rss_bytes)));
        }
        if live {
            cells.push(known(memory.and_then(|memory| last_live(memory, until))));
        }
        table.row(cells);
        since = until;
    }
    page.section("Over time", "", table);
}

/// The last sample until then.
fn at(memory: &Memory, until: f64) -> Option<&Sample> {
    memory
        .samples
        .iter()
        .rev()
        .find(|sample| sample.at_ms <= until + 500.0)
}

fn last_live(memory: &Memory, until: f64) -> Option<u64> {
    let until_then = memory
        .samples
        .iter()
        .rev()
        .filter(|sample| sample.at_ms <= until + 500.0);
    until_then
        .filter_map(|sample| sample.live_heap_bytes)
        .next()
}

fn number_cell(value: f64) -> Cell {
    Cell {
        text: figure(value),
        value: Some(value),
        ..Cell::default()
    }
}

/// A number with the digits that matter.
pub(super) fn figure(value: f64) -> String {
    match value {
        _ if value >= 100.0 => grouped(value.round() as u64),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

pub(super) fn millis(ms: f64) -> String {
    match ms {
        _ if ms >= 10_000.0 => format!("{:.1} s", ms / 1000.0),
        _ => format!("{} ms", figure(ms)),
    }
}

pub(super) fn seconds(ms: f64) -> String {
    match ms {
        _ if ms < 1000.0 => format!("{ms:.0} ms"),
        _ if ms < 600_000.0 => format!("{:.1} s", ms / 1000.0),
        _ => format!("{:.0} min", ms / 60_000.0),
    }
}

fn share(count: u64, all: u64) -> String {
    match all {
        0 => grouped(count),
        _ => format!(
            "{} ({})",
            grouped(count),
            percent(count as f64 / all as f64)
        ),
    }
}
