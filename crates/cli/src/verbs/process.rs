//! How a command line names a process, running or dead.

use std::path::PathBuf;

use crate::error::CliError;
use crate::live::{Live, LiveProcess};

#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(group(clap::ArgGroup::new("process").required(true).multiple(false)))]
pub(super) struct Process {
    /// The process
    #[arg(group = "process")]
    pid: Option<u32>,
    /// A core dump instead
    #[arg(long, group = "process", value_name = "FILE")]
    core: Option<PathBuf>,
    /// The node binary that died, where the core dump doesn't say or it was moved
    #[arg(long, requires = "core", value_name = "FILE")]
    executable: Option<PathBuf>,
    /// The heap of a worker instead, by the id of its thread: `census` names them
    #[arg(long, value_name = "TID")]
    worker: Option<u32>,
}

impl Process {
    pub(super) fn live(&self) -> Result<Live, CliError> {
        let process = match (self.pid, &self.core) {
            (Some(pid), _) => LiveProcess::Running(pid),
            (None, Some(file)) => LiveProcess::Core {
                file: file.clone(),
                executable: self.executable.clone(),
            },
            (None, None) => return Err(CliError::Arguments("no process was named".into())),
        };
        Ok(Live {
            process,
            thread: self.worker,
        })
    }
}
