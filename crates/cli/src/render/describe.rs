//! What each report says, as a page.

mod analyze;
#[cfg(target_os = "linux")]
mod census;
mod common;
mod diff;
mod profile;
mod query;
mod retainers;

pub(crate) use analyze::{Rows, analyze};
#[cfg(target_os = "linux")]
pub(crate) use census::census;
pub(crate) use diff::diff;
pub(crate) use profile::{profile, profiles_compared};
pub(crate) use query::query;
pub(crate) use retainers::retainers;
