//! A program and its truth.

use std::collections::HashMap;
use std::io;

use serde::Deserialize;

use super::options::Options;

/// A program and its truth.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// `leaks` and `synthetic` have a leaking and a mended version, `healthy` has one.
    pub group: String,
    /// Its folder, where that is not its name.
    pub dir: Option<String>,
    /// `unseen`: rules were not made with it in sight.
    pub part: Option<String>,
    /// Its pattern, and others that may be named as well.
    pub pattern: String,
    /// See `pattern`.
    pub patterns_ok: Vec<String>,
    /// What grows: any of these.
    pub classes: Vec<String>,
    /// Who holds it: any of these.
    pub retainers: Vec<String>,
    /// Where: part of a path.
    pub file: Option<String>,
    /// See `file`.
    pub files_ok: Vec<String>,
    /// Its environment.
    pub env: HashMap<String, String>,
}

/// Which version of a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It leaks.
    Bad,
    /// It does not any more.
    Fixed,
    /// It never did.
    Healthy,
}

impl Mode {
    /// Its name, and the value of `MODE` in the environment.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Fixed => "fixed",
            Self::Healthy => "healthy",
        }
    }
}

/// A run of a program.
#[derive(Clone, Debug)]
pub struct Job {
    /// The program.
    pub case: Case,
    /// Its version.
    pub mode: Mode,
}

#[derive(Deserialize)]
struct Truth {
    cases: Vec<Case>,
}

pub(super) fn load(options: &Options) -> io::Result<Vec<Case>> {
    let text = std::fs::read_to_string(options.corpus.join("truth.json"))?;
    let truth: Truth = serde_json::from_str(&text)?;
    let wanted = |case: &Case| {
        (options.only.is_empty() || options.only.contains(&case.id))
            && options.part.as_ref().is_none_or(|part| case.part() == part)
    };
    Ok(truth.cases.into_iter().filter(wanted).collect())
}

impl Case {
    /// Its part: `tuned` unless said otherwise.
    pub fn part(&self) -> &str {
        self.part.as_deref().unwrap_or("tuned")
    }

    pub(super) fn jobs(&self) -> Vec<Job> {
        let modes: &[Mode] = if self.group == "healthy" {
            &[Mode::Healthy]
        } else {
            &[Mode::Bad, Mode::Fixed]
        };
        modes
            .iter()
            .map(|&mode| Job {
                case: self.clone(),
                mode,
            })
            .collect()
    }
}
