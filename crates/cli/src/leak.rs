//! Leak reports as text, for those who write them to files.

use memguard_heap_graph::report::SourceLocation;
use memguard_hunt::{AllocationCall, LeakReport};
use memguard_profile::Origin;
use memguard_profile::report::FlameRow;

use crate::render::{self, describe};

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Markdown: for issues, chats, pull requests.
    Markdown,
    /// A page for a browser: one file that loads nothing.
    Html,
    /// For a log or a terminal without colours.
    Text,
}

/// Writes a report.
#[must_use]
pub fn leak_report(report: &LeakReport, form: Form) -> String {
    let document = describe::leak(report);
    match form {
        Form::Markdown => render::markdown::draw(&document),
        Form::Html => {
            let calls: Vec<FlameRow> = flame(&report.allocation_calls);
            render::html::draw(&document, Some(render::html::Chart::Flame(&calls)))
        }
        Form::Text => render::terminal::draw(
            &document,
            render::Style {
                color: false,
                width: 120,
            },
        ),
    }
}

/// The calls of a report as boxes. Who is called stands after who calls; anything else is left out, since a report may come from a file.
fn flame(calls: &[AllocationCall]) -> Vec<FlameRow> {
    let mut rows: Vec<FlameRow> = Vec::with_capacity(calls.len());
    for call in calls {
        let caller = call.parent.map(|parent| rows.get(parent as usize));
        let depth = match caller {
            Some(None) => return Vec::new(),
            Some(Some(caller)) => caller.depth + 1,
            None if rows.is_empty() => 0,
            None => return Vec::new(),
        };
        let is_placed = !call.frame.script.is_empty();
        rows.push(FlameRow {
            parent: call.parent,
            depth,
            function: call.frame.function.clone(),
            location: is_placed.then(|| SourceLocation {
                script_id: 0,
                script: Some(call.frame.script.clone()),
                line: call.frame.line,
                column: call.frame.column,
            }),
            origin: if is_placed { Origin::App } else { Origin::V8 },
            self_bytes: call.own_bytes,
            total_bytes: call.total_bytes,
        });
    }
    rows
}
