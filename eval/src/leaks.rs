//! How good the hunt is: real programs that leak, their mended versions, and healthy ones that look like leaks.
//!
//! ```text
//! npm run eval -- leaks [--only ID,…] [--part tuned|unseen] [--node PATH] [--seconds N] [--jobs N] [--looks guard|outside] [--corpus DIR] [--reports DIR]
//! ```

mod case;
mod options;
mod peers;
mod program;
mod run;
mod score;
mod table;

use std::io;
use std::path::Path;
use std::sync::Mutex;

use options::Options;

/// Runs the programs and prints what was found of each.
///
/// # Errors
/// The corpus cannot be read, or a program not be started.
pub fn run(root: &Path, arguments: &[String]) -> io::Result<()> {
    let options = Options::parse(root, arguments)?;
    let cases = case::load(&options)?;
    let jobs = Mutex::new(
        cases
            .iter()
            .flat_map(|case| case.jobs())
            .collect::<Vec<_>>(),
    );
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                loop {
                    let Some(job) = jobs.lock().ok().and_then(|mut jobs| jobs.pop()) else {
                        return;
                    };
                    let result = run::run(&job, &options);
                    eprintln!("{}", result.line());
                    if let Ok(mut results) = results.lock() {
                        results.push(result);
                    }
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by(|a, b| {
        (&a.job.case.id, a.job.mode.name()).cmp(&(&b.job.case.id, b.job.mode.name()))
    });
    table::print(&results, &options);
    Ok(())
}
