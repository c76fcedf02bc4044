//! Exports of the snapshot folder: all on the pool, since they wait for the disk.

use std::path::PathBuf;

use memguard_guard::SnapshotError;
use memguard_guard::brink;
use memguard_guard::snapshots::{
    self, Finished, ForkError, Patience, SnapshotFolder, SnapshotRequest,
};
use napi::bindgen_prelude::{AsyncTask, Function};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;

use crate::error::{CodedError, Result, coded, internal};
use crate::json;
use crate::task::{Background, background, teller};

fn of_snapshot(error: SnapshotError) -> CodedError {
    coded(error.code(), error)
}

/// Whether there would be memory for a snapshot, and what it would cost.
#[napi(catch_unwind)]
pub fn plan_snapshot(request: String) -> Result<String> {
    let request: SnapshotRequest = json::parse(&request)?;
    json::print(&snapshots::plan(&request).map_err(of_snapshot)?)
}

/// Checks the room and reserves a place for a snapshot.
#[napi(catch_unwind)]
pub fn begin_snapshot(request: String) -> Result<AsyncTask<Background>> {
    let request: SnapshotRequest = json::parse(&request)?;
    Ok(background(move || {
        snapshots::begin(&request).map_err(of_snapshot)
    }))
}

fn of_fork(error: ForkError) -> CodedError {
    coded("ERR_MEMGUARD_SNAPSHOT_FORK", error)
}

/// Forks this process; the child takes the snapshot that was begun. `on_done` gets JSON when it has ended. Answers what
/// the parent knows at once; null while V8's workers are busy and it is not pressed. The process is kept alive until then, where `keep_alive` says so.
#[napi(catch_unwind)]
pub fn fork_snapshot(
    ticket: u32,
    facts: String,
    keep_alive: bool,
    pressed: bool,
    on_done: Function<String, ()>,
) -> Result<Option<String>> {
    let facts = json::parse(&facts)?;
    let tell = teller(on_done, keep_alive)?;
    let done = Box::new(move |finished: Finished| {
        if let Ok(text) = json::print(&finished) {
            tell(text);
        }
    });
    let patience = Patience::of_caller(pressed);
    // SAFETY: called by JavaScript, so on its isolate's thread; a guard that is open has pinned this
    // library.
    let started = match unsafe { snapshots::fork(ticket, facts, patience, done) } {
        Err(ForkError::WorkersBusy) => return Ok(None),
        started => started.map_err(of_fork)?,
    };
    json::print(&started).map(Some)
}

/// Gets a snapshot whose child failed ready for another.
#[napi(catch_unwind)]
pub fn prepare_snapshot(ticket: u32) -> AsyncTask<Background> {
    background(move || snapshots::prepare_again(ticket).map_err(of_fork))
}

/// Has this isolate leave a snapshot behind when it runs into its heap limit. `on_event` gets JSON, as far as there is a turn of
/// the event loop for it. Answers whether V8 offers it.
#[napi(catch_unwind)]
pub fn arm_brink(settings: String, on_event: Function<String, ()>) -> Result<bool> {
    let settings = json::parse(&settings)?;
    let tell = on_event
        .build_threadsafe_function::<String>()
        .weak::<true>()
        .build_callback(|told| Ok(told.value))
        .map_err(internal)?;
    let tell = move |event: &brink::Event| {
        if let Ok(text) = json::print(event) {
            tell.call(text, ThreadsafeFunctionCallMode::NonBlocking);
        }
    };
    // SAFETY: called by JavaScript, so on its isolate's thread; a guard that is open has pinned this library and leaves
    // when the environment ends.
    Ok(unsafe { brink::arm(settings, Box::new(tell)) })
}

/// The heap limit is as if nothing had been armed.
#[napi(catch_unwind)]
pub fn disarm_brink() {
    // SAFETY: called by JavaScript, so on its isolate's thread.
    unsafe { brink::disarm() };
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
