//! The census of this process: a forked child walks the heap of the thread that asks, and tells what is in it.
//!
//! The process stands still for the fork alone. The child reads V8's memory in place, so that nothing of the heap is
//! copied, at idle priority, and sends its report through a file in memory. What it may take is estimated before and
//! bounded; a child that fails harms nothing but itself.
//!
//! | room | what |
//! |---|---|
//! | `request` | what is asked for, and what it costs |
//! | `support` | whether this build's heap can be read: V8's metadata, read once |
//! | `child` | what the child does |
//! | `run` | tickets: begun, forked, ended |
//! | `left` | a table that the child leaves in the snapshot folder |
//! | `kept` | where old objects were, for the next census |
//! | `compare` | what grew between two censuses |

mod child;
mod compare;
mod kept;
mod left;
mod request;
mod run;
mod support;

pub use compare::{CensusChange, ClassChange, HolderChange, compare};
pub use request::{CensusFacts, CensusRequest, GraphRequest, LookRequest, Planted, Retained};
pub use run::{Begun, Finished, Problem, abort, begin, fork, prepare_again};
pub use support::support;

pub(crate) use child::{Here, write_snapshot};
pub(crate) use kept::AddressSet;
pub(crate) use left::{
    Left, Moment, NoSnapshot, fork as fork_to_leave, prepare as prepare_to_leave,
};
pub(crate) use request::graph_bytes;

use crate::children::Told;

/// Why there is no census.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CensusError {
    /// A stable code.
    pub code: &'static str,
    /// In words.
    pub message: String,
}

impl CensusError {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message }
    }

    /// As a child tells it.
    fn into_answer(self) -> Vec<u8> {
        let code = self.code.to_owned();
        let message = self.message;
        Told { code, message }.into_answer()
    }
}

impl std::fmt::Display for CensusError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}
