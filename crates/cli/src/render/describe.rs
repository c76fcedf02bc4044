//! What each report says, as a page.

mod analyze;
#[cfg(target_os = "linux")]
mod census;
mod common;
mod compare_runs;
mod diff;
mod leak;
mod load;
mod profile;
mod query;
mod retainers;
mod trial;

pub(crate) use analyze::{Rows, analyze};
#[cfg(target_os = "linux")]
pub(crate) use census::census;
pub(crate) use compare_runs::compare_runs;
pub(crate) use diff::diff;
pub(crate) use leak::leak;
pub(crate) use load::load;
pub(crate) use profile::{profile, profiles_compared};
pub(crate) use query::query;
pub(crate) use retainers::retainers;
pub(crate) use trial::trial;
