//! The memory of another process.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::{io, ptr};

use super::{MemorySource, Region, StoppedProcess, ThreadState, maps, unreadable};
use crate::error::WalkError;

/// The memory of another process, read by `process_vm_readv` or, where that is forbidden, through `/proc/PID/mem`.
///
/// Its bytes do change unless the process is stopped: see [`StoppedProcess`].
#[derive(Debug)]
pub struct ProcessMemory {
    pid: u32,
    regions: Vec<Region>,
    threads: Vec<ThreadState>,
    /// Open when `process_vm_readv` is not to be had.
    file: Option<File>,
}

impl ProcessMemory {
    /// Lists the mappings of a running process and tries to read a byte of it. Its memory changes all the time: good
    /// for what does not, such as which files it was made of.
    ///
    /// # Errors
    /// [`WalkError::NoProcess`] or [`WalkError::NotPermitted`].
    pub fn open(pid: u32) -> Result<Self, WalkError> {
        Self::with_threads(pid, Vec::new())
    }

    /// Lists the mappings of a stopped process.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of(stopped: &StoppedProcess) -> Result<Self, WalkError> {
        Self::with_threads(stopped.pid(), stopped.threads().to_vec())
    }

    fn with_threads(pid: u32, threads: Vec<ThreadState>) -> Result<Self, WalkError> {
        let path = PathBuf::from(format!("/proc/{pid}/maps"));
        let text = fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => WalkError::NoProcess { pid },
            io::ErrorKind::PermissionDenied => WalkError::NotPermitted { pid, source },
            _ => WalkError::Io {
                what: "read",
                path,
                source,
            },
        })?;
        let regions = maps::parse(&String::from_utf8_lossy(&text));
        let mut memory = Self {
            pid,
            regions,
            threads,
            file: None,
        };
        let Some(first) = memory.regions.iter().find(|r| r.readable).map(|r| r.start) else {
            return Err(WalkError::NoHeap {
                why: format!("process {pid} has no memory of its own"),
            });
        };
        if memory.read_directly(first, &mut [0; 8]).is_err() {
            let file = File::open(format!("/proc/{pid}/mem"))
                .and_then(|file| file.read_exact_at(&mut [0; 8], first).map(|()| file))
                .map_err(|source| WalkError::NotPermitted { pid, source })?;
            memory.file = Some(file);
        }
        Ok(memory)
    }

    fn read_directly(&self, address: u64, out: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < out.len() {
            let rest = &mut out[done..];
            let local = libc::iovec {
                iov_base: rest.as_mut_ptr().cast(),
                iov_len: rest.len(),
            };
            let start = usize::try_from(address)
                .unwrap_or(usize::MAX)
                .saturating_add(done);
            let remote = libc::iovec {
                iov_base: ptr::without_provenance_mut(start),
                iov_len: rest.len(),
            };
            let pid = i32::try_from(self.pid).unwrap_or(-1);
            // SAFETY: `local` describes `rest`, which is exclusively ours during the call; the kernel checks `remote`
            // against the other process and never touches our memory by it.
            let count = unsafe { libc::process_vm_readv(pid, &local, 1, &remote, 1, 0) };
            match usize::try_from(count) {
                Ok(0) => return Err(io::Error::from_raw_os_error(libc::EFAULT)),
                Ok(count) => done += count,
                Err(_) => return Err(io::Error::last_os_error()),
            }
        }
        Ok(())
    }
}

impl MemorySource for ProcessMemory {
    fn describe(&self) -> String {
        format!("process {}", self.pid)
    }

    fn regions(&self) -> &[Region] {
        &self.regions
    }

    fn read(&self, address: u64, out: &mut [u8]) -> Result<(), WalkError> {
        match &self.file {
            None => self.read_directly(address, out),
            Some(file) => file.read_exact_at(out, address),
        }
        .map_err(|source| match unreadable(address, out.len()) {
            WalkError::Unreadable {
                address, length, ..
            } => WalkError::Unreadable {
                address,
                length,
                source,
            },
            other => other,
        })
    }

    fn threads(&self) -> &[ThreadState] {
        &self.threads
    }

    fn executables(&self) -> Vec<PathBuf> {
        // By way of the process's root: it may live in another mount namespace (a container).
        let mut files = vec![PathBuf::from(format!("/proc/{}/exe", self.pid))];
        for region in &self.regions {
            if let super::RegionKind::File(path) = &region.kind
                && path.to_string_lossy().contains("node")
            {
                let inside = path.strip_prefix("/").unwrap_or(path);
                let seen = PathBuf::from(format!("/proc/{}/root", self.pid)).join(inside);
                if !files.contains(&seen) {
                    files.push(seen);
                }
            }
        }
        files
    }
}
