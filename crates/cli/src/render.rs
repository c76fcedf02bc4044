//! Reports for people: a report becomes a page ([`describe`]), a page becomes text for a terminal, Markdown or HTML.

pub(crate) mod describe;
pub(crate) mod document;
pub(crate) mod html;
pub(crate) mod markdown;
mod spark;
mod style;
pub(crate) mod terminal;

pub(crate) use spark::spark;
pub(crate) use style::{Style, bytes, grouped, harmless, percent};
