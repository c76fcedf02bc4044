//! A program that runs, and what its guard says of its memory.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde::Deserialize;

use super::case::Job;
use super::options::Options;

/// One line of figures.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Figures {
    /// Monotonic ms.
    pub at_ms: u64,
    /// Bytes.
    pub heap_used: u64,
    /// Bytes.
    pub heap_total: u64,
    /// Bytes.
    pub heap_limit: u64,
    /// Bytes after the last major GC.
    pub live: Option<u64>,
    /// When that was.
    pub live_at_ms: Option<u64>,
    /// Bytes.
    pub external: u64,
    /// Bytes.
    pub rss: u64,
    /// Bytes a second.
    pub rate: Option<f64>,
}

/// A program that runs.
pub struct Program {
    child: Child,
    /// Its figures, until it ends.
    pub figures: Receiver<Figures>,
}

impl Program {
    pub(super) fn start(job: &Job, options: &Options) -> io::Result<Self> {
        let case = &job.case;
        let folder = options
            .corpus
            .join(&case.group)
            .join(case.dir.as_ref().unwrap_or(&case.id));
        let mut child = Command::new(&options.node)
            .args(["--max-old-space-size=192", "-r"])
            .arg(&options.figures)
            .arg(folder.join("main.js"))
            .current_dir(&folder)
            .env("DURATION_S", options.seconds.to_string())
            .env("MODE", job.mode.name())
            .env("FIGURES_EVERY", "250")
            .envs(&case.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (send, figures) = channel();
        if let Some(out) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    let parsed = line
                        .strip_prefix("@figures ")
                        .and_then(|json| serde_json::from_str(json).ok());
                    if let Some(figures) = parsed
                        && send.send(figures).is_err()
                    {
                        return;
                    }
                }
            });
        }
        Ok(Self { child, figures })
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it ended well.
    pub fn ended_well(&mut self) -> bool {
        self.child.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
