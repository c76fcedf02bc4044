//! Leak reports as text, for those who write them to files.

use memguard_hunt::LeakReport;

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
        Form::Html => render::html::draw(&document, None),
        Form::Text => render::terminal::draw(
            &document,
            render::Style {
                color: false,
                width: 120,
            },
        ),
    }
}
