//! Where a learned baseline rests between two runs: a small file beside the snapshots.
//!
//! Several processes of one app share the file; the last to write wins, and since each writes a
//! whole file under a temporary name first, none ever reads half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use memguard_trend::{Baseline, BaselineKey, RunEnd};

use crate::settings::AppIdentity;

/// The key and the place of one subject's baseline.
#[derive(Clone, Debug)]
pub(crate) struct BaselineFile {
    key: BaselineKey,
    path: PathBuf,
}

impl BaselineFile {
    pub(crate) fn new(dir: &Path, app: &AppIdentity, subject: &str, limit: u64) -> Self {
        let name = format!("{} ({subject})", app.name);
        let path = dir.join(format!(".memguard-baseline-{:08x}.bin", checksum(&name)));
        let key = BaselineKey {
            app: name,
            version: app.version.clone(),
            node_line: app.node_line,
            limit,
        };
        Self { key, path }
    }

    /// What an earlier run left, or a fresh baseline: no file, another key, and a damaged file all
    /// mean that learning starts anew.
    pub(crate) fn load(&self) -> Baseline {
        fs::read(&self.path)
            .ok()
            .and_then(|bytes| Baseline::from_bytes(&bytes, &self.key, RunEnd::Unknown).ok())
            .map_or_else(
                || Baseline::new(self.key.clone()),
                |restored| restored.baseline,
            )
    }

    /// Writes a baseline: temporary name, fsync, rename.
    pub(crate) fn save(&self, bytes: &[u8]) -> io::Result<()> {
        if let Some(dir) = self.path.parent() {
            fs::create_dir_all(dir)?;
        }
        let temporary = self
            .path
            .with_extension(format!("{}.tmp", std::process::id()));
        let written = File::create(&temporary)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&temporary, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// FNV-1a: a file name for any app name. Two apps of one sum in one folder would share a file, and
/// the key inside it would tell them apart.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(version: &str) -> AppIdentity {
        AppIdentity {
            name: "shop".to_owned(),
            version: version.to_owned(),
            node_line: 22,
        }
    }

    #[test]
    fn a_baseline_comes_back_for_the_same_release_only() {
        let dir = tempfile::tempdir().unwrap();
        let nested = dir.path().join("not/there/yet");
        let file = BaselineFile::new(&nested, &app("1.0.0"), "main", 4 << 30);
        file.save(&file.load().to_bytes()).unwrap();
        assert_eq!(file.load().key(), &file.key);
        let next = BaselineFile::new(&nested, &app("1.0.1"), "main", 4 << 30);
        assert_eq!(next.path, file.path);
        assert_eq!(next.load().key(), &next.key);
        let names: Vec<_> = fs::read_dir(&nested)
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    #[test]
    fn a_damaged_file_means_to_start_anew() {
        let dir = tempfile::tempdir().unwrap();
        let file = BaselineFile::new(dir.path(), &app("1.0.0"), "process", 0);
        fs::write(&file.path, b"not a baseline").unwrap();
        assert_eq!(file.load().key(), &file.key);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_and_no_panic() {
        let dir = tempfile::tempdir().unwrap();
        let occupied = dir.path().join("file");
        fs::write(&occupied, b"").unwrap();
        assert!(
            BaselineFile::new(&occupied, &app("1"), "main", 0)
                .save(b"x")
                .is_err()
        );
    }
}
