//! Where growth fans out, and where what grows was born.

use crate::context::{AllocationSite, Context, Frame};
use crate::patterns::Case;
use crate::places::Places;
use crate::report::{AccumulationPoint, CodePlace};

/// The object below which the growth fans out (Eclipse MAT's accumulation point).
pub(super) fn point(case: &Case<'_, '_>) -> AccumulationPoint {
    let retained = case
        .holder
        .map_or(0, |node| case.now.analysis().retained_size(node));
    let whole = case.now.analysis().total_size().max(1);
    let holders = case.row.holders.last().copied().unwrap_or_default();
    let count = case.row.counts.last().copied().unwrap_or_default();
    AccumulationPoint {
        class: case.holder_class(),
        name: case.holder_name(),
        edge: case.last_edge(),
        count: holders.max(1),
        entries: (holders <= 1 && case.row.count_delta > 0).then_some(count),
        retained_bytes: retained,
        share: retained as f64 / whole as f64,
    }
}

/// Where what grows was born: its class's constructor, or itself where it is a function.
pub(super) fn born_at(case: &Case<'_, '_>, places: &mut Places) -> Option<CodePlace> {
    let last = case.row.example.as_ref()?.steps.last()?;
    let location = last.object.location.as_ref()?;
    let script = location.script.as_deref()?;
    if script.starts_with("node:") {
        return None;
    }
    places.of(location, Some(&bare_name(&last.object.name)))
}

/// Where it was allocated: of the sites that the profiler saw, the largest that fits the growth.
pub(super) fn allocation(
    case: &Case<'_, '_>,
    context: &Context,
    places: &mut Places,
) -> Option<AllocationSite> {
    let files = case.files();
    let fits = |site: &&AllocationSite| {
        site.stack
            .iter()
            .any(|frame| files.iter().any(|file| *file == frame.script))
    };
    let site = context
        .allocation_sites
        .iter()
        .find(fits)
        .or_else(|| context.allocation_sites.first())?;
    // A site that has less than this of the growth is about something else.
    let least = case.row.size_delta.max(0) as u64 / 20;
    (site.live_bytes >= least).then(|| mapped(site, places))
}

/// A site with its places through source maps.
pub(super) fn mapped(site: &AllocationSite, places: &mut Places) -> AllocationSite {
    let stack = site
        .stack
        .iter()
        .map(|frame| mapped_frame(frame, places))
        .collect();
    AllocationSite {
        stack,
        ..site.clone()
    }
}

/// A frame with its place through a source map.
pub(super) fn mapped_frame(frame: &Frame, places: &mut Places) -> Frame {
    if frame.script.is_empty() || frame.script.starts_with("node:") {
        return frame.clone();
    }
    let place = places.at(&frame.script, frame.line, frame.column, None);
    Frame {
        function: place.function.unwrap_or_else(|| frame.function.clone()),
        script: place.file,
        line: place.line,
        column: place.column,
    }
}

/// `handler` of `function handler [server.js:5:39]`.
pub(super) fn bare_name(name: &str) -> String {
    let name = name.strip_prefix("function ").unwrap_or(name);
    name.split(" [").next().unwrap_or(name).to_owned()
}
