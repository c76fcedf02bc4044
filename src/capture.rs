//! Exports of the snapshot folder: all on the pool, since they wait for the disk.

use std::path::PathBuf;

use memguard_guard::SnapshotError;
use memguard_guard::snapshots::{self, SnapshotFolder, SnapshotRequest};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::error::{CodedError, Result, coded};
use crate::json;
use crate::task::{Background, background};

fn of_snapshot(error: SnapshotError) -> CodedError {
    coded(error.code(), error)
}

/// Whether there would be memory for a snapshot, and what it would cost.
#[napi(catch_unwind)]
pub fn plan_snapshot(request: String) -> Result<String> {
    let request: SnapshotRequest = json::parse(&request)?;
    json::print(&snapshots::plan(&request))
}

/// Checks the room and reserves a place for a snapshot.
#[napi(catch_unwind)]
pub fn begin_snapshot(request: String) -> Result<AsyncTask<Background>> {
    let request: SnapshotRequest = json::parse(&request)?;
    Ok(background(move || {
        snapshots::begin(&request).map_err(of_snapshot)
    }))
}

/// Publishes a snapshot that was written.
#[napi(catch_unwind)]
pub fn commit_snapshot(ticket: u32, facts: String) -> Result<AsyncTask<Background>> {
    let facts = json::parse(&facts)?;
    Ok(background(move || {
        snapshots::commit(ticket, facts).map_err(of_snapshot)
    }))
}

/// Gives up a snapshot.
#[napi(catch_unwind)]
pub fn abort_snapshot(ticket: u32) -> AsyncTask<Background> {
    background(move || {
        snapshots::abort(ticket);
        Ok(())
    })
}

/// Removes what dead processes left in a folder, and what retention no longer allows.
#[napi(catch_unwind)]
pub fn tidy_snapshots(folder: String) -> Result<AsyncTask<Background>> {
    let folder: SnapshotFolder = json::parse(&folder)?;
    Ok(background(move || {
        snapshots::tidy(&folder).map_err(of_snapshot)
    }))
}

/// Lists the snapshots of a folder.
#[napi(catch_unwind)]
pub fn list_snapshots(dir: String) -> Result<String> {
    let list = snapshots::list(&PathBuf::from(dir)).map_err(of_snapshot)?;
    json::print(&list)
}

/// Gives back what an open folder holds.
#[napi(catch_unwind)]
pub fn close_snapshots(folder: String) -> Result<()> {
    snapshots::close(&json::parse(&folder)?);
    Ok(())
}
