//! What is to be run, and how.

use std::io;
use std::path::{Path, PathBuf};

/// What is to be run, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the programs are.
    pub corpus: PathBuf,
    /// What is preloaded into each.
    pub figures: PathBuf,
    /// The node binary.
    pub node: PathBuf,
    /// How long a program runs; its hour.
    pub seconds: u64,
    /// Programs at once.
    pub jobs: usize,
    /// Only these.
    pub only: Vec<String>,
    /// Only this part.
    pub part: Option<String>,
    /// Heaps are read from outside, with the hunt's machine here, in place of the guard's own hunt in the program.
    pub outside: bool,
    /// Where reports are written, as JSON.
    pub reports: Option<PathBuf>,
}

impl Options {
    pub(super) fn parse(root: &Path, arguments: &[String]) -> io::Result<Self> {
        let mut options = Self {
            corpus: root.join("eval/leaks"),
            figures: root.join("eval/leaks/lib/figures.js"),
            node: "node".into(),
            seconds: 60,
            jobs: 4,
            only: Vec::new(),
            part: None,
            outside: false,
            reports: None,
        };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let value = arguments
                .next()
                .ok_or_else(|| io::Error::other(format!("{name} needs a value")))?;
            let number = || {
                value
                    .parse::<u64>()
                    .ok()
                    .filter(|number| *number > 0)
                    .ok_or_else(|| {
                        io::Error::other(format!("{name} expects a number, not {value}"))
                    })
            };
            match name.as_str() {
                "--corpus" => options.corpus = value.into(),
                "--node" => options.node = value.into(),
                "--seconds" => options.seconds = number()?,
                "--jobs" => options.jobs = number()? as usize,
                "--only" => options.only = value.split(',').map(str::to_owned).collect(),
                "--part" => options.part = Some(value.clone()),
                "--looks" => {
                    options.outside = match value.as_str() {
                        "guard" => false,
                        "outside" => true,
                        _ => {
                            let told = format!("--looks expects guard or outside, not {value}");
                            return Err(io::Error::other(told));
                        }
                    };
                }
                "--reports" => options.reports = Some(value.into()),
                _ => return Err(io::Error::other(format!("unknown option {name}"))),
            }
        }
        Ok(options)
    }

    /// The hunt's pace: a program's run is its hour.
    pub fn pace(&self) -> f64 {
        3600.0 / self.seconds as f64
    }
}
