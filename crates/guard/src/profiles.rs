//! Allocation profiles: what V8's sampler handed out becomes a report, and a file.

use std::path::PathBuf;

use memguard_capture::now_ms;
use memguard_capture::profiles::{ProfileFileError, ProfilePolicy, keep, write_to};
use memguard_hunt::{AllocationCall, AllocationSite};
use memguard_profile::report::ProfileReport;
use memguard_profile::sites::{self, ReportOptions};
use memguard_profile::{Mode, ProfileError};
use serde::{Deserialize, Serialize};

use crate::snapshots::SnapshotFolder;

/// Where a profile goes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProfileTarget {
    /// Nowhere.
    #[default]
    None,
    /// Into the snapshot folder, of which as many are kept as of snapshots.
    Folder(SnapshotFolder),
    /// Into this file.
    Path(PathBuf),
}

/// What is to be made of a profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileRequest {
    /// Where it goes.
    pub to: ProfileTarget,
    /// Most rows of a list.
    pub rows: usize,
    /// Most calls of the tree that the hunt takes.
    #[serde(default)]
    pub calls: usize,
}

/// What became of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FinishedProfile {
    /// The file, if it went anywhere.
    pub file: Option<PathBuf>,
    /// Why it did not.
    pub file_error: Option<FileFailure>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// What it says.
    pub report: ProfileReport,
    /// The same as evidence for the hunt.
    pub evidence: Vec<AllocationSite>,
    /// And as calls, as many as were asked for.
    pub calls: Vec<AllocationCall>,
}

/// Why a profile could not be kept.
#[derive(Clone, Debug, Serialize)]
pub struct FileFailure {
    /// The stable code.
    pub code: &'static str,
    /// What people read.
    pub message: String,
}

/// Reads a profile, says what it says, and keeps it: a report without its file is better than none. Blocks for the disk.
///
/// # Errors
/// When it is no profile.
pub fn finish(json: &str, request: &ProfileRequest) -> Result<FinishedProfile, ProfileError> {
    let profile = memguard_profile::read(json.as_bytes())?;
    let (file, file_error) = match write(json.as_bytes(), profile.meta.mode, &request.to) {
        Ok(file) => (file, None),
        Err(error) => {
            let code = error.code();
            let message = error.to_string();
            (None, Some(FileFailure { code, message }))
        }
    };
    let mut options = ReportOptions::default();
    options.rows = request.rows;
    let mut report = sites::report(&profile, &options);
    report.source.file = file.as_ref().map(|file| file.display().to_string());
    Ok(FinishedProfile {
        size_bytes: file.as_ref().map_or(0, |_| json.len() as u64),
        file,
        file_error,
        report,
        evidence: sites::evidence(&profile),
        calls: sites::calls(&profile, request.calls),
    })
}

fn write(
    json: &[u8],
    mode: Option<Mode>,
    to: &ProfileTarget,
) -> Result<Option<PathBuf>, ProfileFileError> {
    match to {
        ProfileTarget::None => Ok(None),
        ProfileTarget::Path(path) => write_to(path, json).map(|()| Some(path.clone())),
        ProfileTarget::Folder(folder) => {
            let policy = ProfilePolicy {
                max_count: folder.max_count,
                max_age_ms: folder.max_age_ms,
                min_free_disk_bytes: folder.min_free_disk_bytes,
            };
            let kind = match mode {
                Some(Mode::Churn) => "churn",
                _ => "live",
            };
            keep(&folder.dir, kind, now_ms(), &policy, json).map(Some)
        }
    }
}
