//! What each report says, as a page.

mod analyze;
mod common;
mod diff;
mod query;
mod retainers;

pub(crate) use analyze::{Rows, analyze};
pub(crate) use diff::diff;
pub(crate) use query::query;
pub(crate) use retainers::retainers;
