//! The page of a leak report.

use memguard_hunt::{
    AllocationSite, CodePlace, Cure, Frame, LeakForecast, LeakReport, Pattern, ProcessInfo, Suspect,
};
use memguard_trend::{format_bytes, format_duration};

use super::super::document::{Block, Cell, Document, Table, Tone};
use super::super::{bytes, grouped, percent};
use super::common::path;

/// Frames of an allocation's stack that are shown.
const FRAMES: usize = 6;

pub(crate) fn leak(report: &LeakReport) -> Document {
    let what = match report.suspects.first() {
        Some(suspect) if report.is_leak() => format!("Memory leak: {}", suspect.words),
        _ => format!("Memory: {}", report.verdict.class.title()),
    };
    let mut page = Document {
        title: what,
        ..Document::default()
    };
    page.text(&report.summary);
    page.blocks.push(Block::Facts(facts(report)));
    suspects(report, &mut page);
    if let Some(advice) = &report.cure {
        page.heading("What to do", "");
        cure(advice, &mut page);
    }
    verdict(report, &mut page);
    sites(&report.allocation_sites, &mut page);
    how(report, &mut page);
    page
}

/// What grows, and who holds it, with the cure of each.
pub(super) fn suspects(report: &LeakReport, page: &mut Document) {
    for (number, suspect) in report.suspects.iter().enumerate() {
        tell(number, suspect, page);
    }
}

fn facts(report: &LeakReport) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        (
            "Verdict",
            format!(
                "{}, {} sure",
                report.verdict.class.title(),
                percent(report.verdict.confidence)
            ),
        ),
        ("Signature", report.signature.clone()),
    ];
    let process = process(&report.process);
    if !process.is_empty() {
        facts.push(("Process", process));
    }
    if let Some(forecast) = &report.forecast {
        facts.push(("Growth", growth(forecast)));
    }
    facts
}

fn process(process: &ProcessInfo) -> String {
    let release = match (&process.app, &process.release) {
        (Some(app), Some(release)) => Some(format!("{app} {release}")),
        (app, release) => app.clone().or_else(|| release.clone()),
    };
    let parts = [
        release,
        process.host.clone(),
        (process.pid > 0).then(|| format!("pid {}", process.pid)),
        process
            .worker
            .as_ref()
            .map(|worker| format!("worker {worker}")),
        process
            .node_version
            .as_ref()
            .map(|version| format!("Node.js {version}")),
        (process.uptime_ms > 0).then(|| format!("up {}", format_duration(process.uptime_ms))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn growth(forecast: &LeakForecast) -> String {
    let mut text = format!("{}/h", format_bytes(forecast.growth_bytes_per_hour));
    if let Some(limit) = forecast.limit_bytes {
        let name = forecast.limit_name.as_deref().unwrap_or("limit");
        text.push_str(&format!("; {name} {}", format_bytes(limit)));
    }
    if let Some(ms) = forecast.time_to_limit_ms {
        text.push_str(&format!(
            " in about {}",
            format_duration(ms.max(0.0) as u64)
        ));
    }
    if let Some((probability, horizon)) = forecast.probability.zip(forecast.horizon_ms) {
        text.push_str(&format!(
            "; within {} with a probability of {}",
            format_duration(horizon),
            percent(probability)
        ));
    }
    text
}

fn tell(number: usize, suspect: &Suspect, page: &mut Document) {
    let role = if number == 0 { "Suspect" } else { "Also" };
    page.heading(
        &if suspect.knows_holder() {
            format!("{role}: {} held by {}", suspect.class, suspect.words)
        } else {
            format!("{role}: {}", suspect.class)
        },
        &format!(
            "{} sure, {} of what grows",
            percent(suspect.confidence),
            percent(suspect.share)
        ),
    );
    let sizes: Vec<String> = suspect.sizes.iter().map(|size| bytes(*size)).collect();
    let counts: Vec<String> = suspect.counts.iter().map(|count| grouped(*count)).collect();
    let mut facts = vec![
        (
            "Grows by",
            format!(
                "{}/h, {:.0} objects/h",
                format_bytes(suspect.bytes_per_hour),
                suspect.count_per_hour
            ),
        ),
        ("Size", sizes.join(" → ")),
        ("Objects", counts.join(" → ")),
    ];
    if let Some(kept) = suspect.kept_share {
        facts.push((
            "Stayed",
            format!("{} of those that were there before", percent(kept)),
        ));
    }
    facts.push(("Accumulates in", accumulation(suspect)));
    for (title, place) in [
        ("Kept at", &suspect.kept_at),
        ("In the library", &suspect.library_at),
        ("Born at", &suspect.born_at),
    ] {
        if let Some(place) = place {
            facts.push((title, code_place(place)));
        }
    }
    // Node's own functions allocate for those that call them.
    let is_own = |frame: &&Frame| !frame.script.is_empty() && !frame.script.starts_with("node:");
    let site = suspect.allocation.as_ref();
    if let Some(frame) = site.and_then(|site| site.stack.iter().find(is_own).or(site.stack.first()))
    {
        facts.push(("Allocated at", frame_text(frame)));
    }
    if suspect.pattern.pattern != Pattern::Unknown {
        facts.push((
            "Pattern",
            format!(
                "{}, {} sure",
                suspect.pattern.title,
                percent(suspect.pattern.confidence)
            ),
        ));
    }
    if !suspect.also.is_empty() {
        let also: Vec<&str> = suspect
            .also
            .iter()
            .map(|also| also.title.as_str())
            .collect();
        facts.push(("May also be", also.join(", ")));
    }
    page.blocks.push(Block::Facts(facts));
    for evidence in &suspect.pattern.evidence {
        page.text(format!("– {evidence}"));
    }
    excerpts(suspect, page);
    if let Some(way) = &suspect.path {
        page.blocks.push(path(way));
    }
    page.heading("Cure", "");
    cure(&suspect.cure, page);
}

fn accumulation(suspect: &Suspect) -> String {
    if !suspect.knows_holder() {
        return "not known: objects were counted by class alone".to_owned();
    }
    let point = &suspect.accumulation;
    format!(
        "{} ({}), which retains {}, {} of the heap",
        point.name.as_deref().unwrap_or_default(),
        point.class,
        bytes(point.retained_bytes),
        percent(point.share)
    )
}

fn excerpts(suspect: &Suspect, page: &mut Document) {
    let lines: Vec<String> = [&suspect.kept_at, &suspect.born_at]
        .into_iter()
        .flatten()
        .filter_map(|place| {
            let excerpt = place.excerpt.as_ref()?;
            Some(format!("{}:{}  {excerpt}", place.file, place.line))
        })
        .collect();
    if !lines.is_empty() {
        page.blocks.push(Block::Code(lines.join("\n")));
    }
}

fn code_place(place: &CodePlace) -> String {
    let mut text = format!("{}:{}:{}", place.file, place.line, place.column);
    if let Some(function) = &place.function {
        text.push_str(&format!(" ({function})"));
    }
    if let Some(generated) = &place.generated {
        text.push_str(&format!(
            ", as {}:{}:{}",
            generated.file, generated.line, generated.column
        ));
    }
    if place.minified {
        text.push_str("; minified, without a source map");
    }
    if let Some(error) = &place.source_map_error {
        text.push_str(&format!("; {error}"));
    }
    text
}

fn frame_text(frame: &Frame) -> String {
    let function = if frame.function.is_empty() {
        "(anonymous)"
    } else {
        &frame.function
    };
    format!(
        "{function} {}:{}:{}",
        frame.script, frame.line, frame.column
    )
}

fn cure(cure: &Cure, page: &mut Document) {
    page.text(&cure.text);
    if let Some(code) = &cure.code {
        page.blocks.push(Block::Code(code.clone()));
    }
}

fn verdict(report: &LeakReport, page: &mut Document) {
    let mut table = Table::new(&[">Weight", "What was seen"], 0);
    for evidence in &report.verdict.evidence {
        table.row([
            Cell {
                value: Some(evidence.weight),
                ..Cell::new(
                    format!("{:+.1}", evidence.weight),
                    if evidence.weight < 0.0 {
                        Tone::Shrunk
                    } else {
                        Tone::Grown
                    },
                )
            },
            Cell::plain(&evidence.text),
        ]);
    }
    page.section("Why", &report.verdict.sentence, table);
}

fn sites(sites: &[AllocationSite], page: &mut Document) {
    let mut table = Table::new(&[">Live", ">Objects", "Allocated at"], 0);
    for site in sites {
        let stack: Vec<String> = site.stack.iter().take(FRAMES).map(frame_text).collect();
        table.row([
            Cell::bytes(site.live_bytes),
            Cell::count(site.live_count),
            Cell::plain(stack.join(" ← ")),
        ]);
    }
    page.section(
        "Where what is alive was allocated",
        "by samples of the allocation profiler",
        table,
    );
}

fn how(report: &LeakReport, page: &mut Document) {
    let mut table = Table::new(&[">Look", ">Objects", ">Size", ">Stopped", ">Took"], 0);
    let first = report.how.heaps.first().map_or(0, |heap| heap.at.at_ms);
    let skipped = report
        .how
        .looks
        .len()
        .saturating_sub(report.how.heaps.len());
    for (number, heap) in report.how.heaps.iter().enumerate() {
        let look = report.how.looks.get(skipped + number);
        let ms = |value: Option<f64>| {
            value.map_or_else(Cell::default, |value| Cell::plain(format!("{value:.1} ms")))
        };
        table.row([
            Cell::plain(format!(
                "+{}",
                format_duration(heap.at.at_ms.saturating_sub(first))
            )),
            Cell::count(heap.objects),
            Cell::bytes(heap.size),
            ms(look.and_then(|look| look.pause_ms)),
            ms(look.and_then(|look| look.took_ms)),
        ]);
    }
    let by = match report.suspects.first() {
        Some(suspect) if !suspect.knows_holder() => "by class",
        _ => "by who holds what",
    };
    page.section(
        "How it was found",
        &format!("heaps that were compared {by}"),
        table,
    );
    for missing in &report.how.missing {
        page.text(missing);
    }
}
