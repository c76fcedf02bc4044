//! Errors of the command: what is said, and the exit code.

use std::io;

use memguard_heap_graph::redact::RedactError;
use memguard_profile::ProfileError;
use serde_json::json;

use crate::context::Context;
use crate::heap::HeapError;

/// Why a verb could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Nothing can be found out about a heap.
    #[error(transparent)]
    Heap(#[from] HeapError),
    /// An allocation profile cannot be read.
    #[error("{file}: {source}")]
    Profile {
        file: String,
        #[source]
        source: ProfileError,
    },
    /// A snapshot cannot be redacted.
    #[error("{file}: {source}")]
    Redact {
        file: String,
        #[source]
        source: RedactError,
    },
    /// A file cannot be opened, written or renamed.
    #[error("{path}: {source}")]
    File {
        path: String,
        #[source]
        source: io::Error,
    },
    /// The arguments make no sense together, or name what is not there.
    #[error("{0}")]
    Arguments(String),
    /// Output could not be written.
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
    /// There is no process around the command that could measure.
    #[error("this needs the Node.js process around the command")]
    Alone,
    /// It was measured, and is not as it should be.
    #[error("{message}")]
    Verdict { code: &'static str, message: String },
    /// Interrupted.
    #[error("interrupted; nothing was written")]
    Interrupted,
}

impl CliError {
    pub(crate) fn file(path: &std::path::Path, source: io::Error) -> Self {
        Self::File {
            path: path.display().to_string(),
            source,
        }
    }

    pub(crate) fn taken(path: &std::path::Path) -> Self {
        Self::Arguments(format!(
            "{} is there already; --force replaces it",
            path.display()
        ))
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Heap(error) => error.code(),
            Self::Profile { source, .. } => source.code(),
            Self::Redact { source, .. } => source.code(),
            Self::File { .. } | Self::Output(_) => "ERR_MEMGUARD_FILE",
            Self::Arguments(_) => "ERR_MEMGUARD_INVALID_ARG",
            Self::Alone => "ERR_MEMGUARD_UNSUPPORTED",
            Self::Verdict { code, .. } => code,
            Self::Interrupted => "ERR_MEMGUARD_CANCELLED",
        }
    }

    fn offset(&self) -> Option<u64> {
        match self {
            Self::Heap(error) => error.offset(),
            Self::Redact { source, .. } => source.offset(),
            _ => None,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Arguments(_) | Self::Heap(HeapError::Filter(_)) => 2,
            Self::Interrupted => 130,
            Self::Heap(error) if error.is_cancelled() => 130,
            Self::Output(error) | Self::File { source: error, .. }
                if error.kind() == io::ErrorKind::BrokenPipe =>
            {
                141
            }
            _ => 1,
        }
    }

    /// Prints the error; answers the exit code.
    pub(crate) fn report(&self, context: &mut Context) -> u8 {
        let code = self.exit_code();
        if code == 141 {
            return code;
        }
        let text = if context.json_errors {
            let error = json!({ "code": self.code(), "message": self.to_string(), "offset": self.offset() });
            format!("{}\n", json!({ "error": error }))
        } else {
            format!("memguard: {self} [{}]\n", self.code())
        };
        // Nobody is left to be told that this failed.
        let _ = context.err.write_all(text.as_bytes());
        let _ = context.err.flush();
        code
    }
}
