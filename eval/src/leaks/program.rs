//! A program that runs, and what its guard says of its memory.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use memguard_hunt::LeakReport;
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

/// What its guard says.
pub enum Line {
    /// A sample.
    Figures(Figures),
    /// What its own hunt found, or what became of that.
    Leak(Box<Told>),
    /// What could not be done, as it was told.
    Degraded(String),
    /// At its end: how many looks its hunt has taken, those included that led to nothing.
    Looks(u32),
}

/// A report of the guard's own hunt.
#[derive(Deserialize)]
pub struct Told {
    /// `found`, `confirmed` or `retracted`.
    pub status: String,
    /// The report.
    pub report: LeakReport,
}

/// A program that runs.
pub struct Program {
    child: Child,
    /// What its guard says, until it ends.
    pub lines: Receiver<Line>,
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let (kind, json) = line.strip_prefix('@')?.split_once(' ')?;
        match kind {
            "figures" => serde_json::from_str(json).ok().map(Self::Figures),
            "leak" => serde_json::from_str(json)
                .ok()
                .map(|told| Self::Leak(Box::new(told))),
            "degraded" => Some(Self::Degraded(json.to_owned())),
            "looks" => json.parse().ok().map(Self::Looks),
            _ => None,
        }
    }
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
            .env(
                "HUNT_PACE",
                if options.outside { 0.0 } else { options.pace() }.to_string(),
            )
            .envs(&case.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (send, lines) = channel();
        if let Some(out) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    if let Some(told) = Line::parse(&line)
                        && send.send(told).is_err()
                    {
                        return;
                    }
                }
            });
        }
        Ok(Self { child, lines })
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
