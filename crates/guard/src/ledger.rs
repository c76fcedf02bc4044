//! What the RSS ledger must be told of V8, gathered from this process's isolates.

use memguard_vitals::LedgerInput;
use memguard_vitals::ledger::Item;
use serde::Deserialize;

use crate::isolate::WatchedIsolate;

/// The heap of the isolate that asks, space by space; of the others only the totals are known.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnHeap {
    /// Physical bytes of each space.
    pub spaces: Vec<Space>,
    /// External memory, array buffers included.
    pub external_bytes: u64,
    /// Array buffers.
    pub array_buffers_bytes: u64,
}

/// A space and its resident size.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Space {
    /// V8's name for it.
    pub name: String,
    /// Resident bytes.
    pub physical_bytes: u64,
}

pub(crate) fn input(
    own: OwnHeap,
    here: Option<u32>,
    isolates: &mut [WatchedIsolate],
) -> LedgerInput {
    let mut input = LedgerInput {
        external_bytes: own.external_bytes,
        array_buffers_bytes: own.array_buffers_bytes,
        ..LedgerInput::default()
    };
    input
        .heap_spaces
        .extend(own.spaces.into_iter().map(|space| Item {
            name: space.name,
            bytes: space.physical_bytes,
        }));
    for isolate in isolates {
        let figures = isolate.figures(|us| us, false);
        input.malloced_bytes += figures.malloced_bytes;
        if Some(figures.id) != here {
            input.external_bytes += figures.external_bytes;
            input.array_buffers_bytes += figures.array_buffers_bytes.unwrap_or(0);
            input.heap_spaces.push(Item {
                name: format!("heap of {}", figures.name),
                bytes: figures.heap_total_bytes,
            });
        }
    }
    input
}
