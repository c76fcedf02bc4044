//! Windows, and any other system without Unix files. Files inherit the folder's access list, a folder
//! needs no sync, and what would need system calls of its own is unknown.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::Resident;

/// Children inherit nothing here.
pub fn descriptor(_: &File) -> Option<i32> {
    None
}

/// Creates a folder and its parents.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Files inherit the folder's access list.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// No named pipe can lie in a folder here.
pub fn cautious(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Files inherit the folder's access list.
pub fn make_private(_file: &File) -> io::Result<()> {
    Ok(())
}

/// NTFS journals renames by itself.
pub fn sync_dir(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Not known without a system call of its own.
pub fn disk_free(_path: &Path) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Renames, but fails with `AlreadyExists` rather than replace a file.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    if to.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    std::fs::rename(from, to)
}

/// Not known; the owner's lock decides.
pub fn process_start(_pid: u32) -> Option<u64> {
    None
}

/// Where process ids mean the same: this machine.
pub fn scope() -> String {
    host()
}

/// The name of this machine.
pub fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// Not known without a system call of its own.
pub fn resident() -> Option<Resident> {
    None
}
