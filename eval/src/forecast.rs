//! How good the forecast is: `npm run eval -- forecast [--train]`.

mod boost;
mod chance;
mod decisions;
mod logistic;
pub mod program;
mod rules;
mod score;
mod ship;
mod simulate;
mod study;
mod table;
#[cfg(test)]
mod tests;
mod traces;

use std::io;
use std::path::Path;

use program::{Origin, Program};

/// Simulated programs of each family.
const PER_FAMILY: u64 = 24;
const SEED: u64 = 1;

/// Tests the forecast on all programs; `--train` also replaces the constants that are shipped.
///
/// # Errors
/// Traces cannot be read, constants cannot be written.
pub fn run(root: &Path, arguments: &[String]) -> io::Result<()> {
    let programs = programs(root)?;
    let study = study::run(&programs);
    table::print(&programs, &study);
    if arguments.iter().any(|it| it == "--train") {
        let file = root.join("crates/trend/src/forecast/model/shipped.rs");
        ship::write(&study.shipped, &file)?;
        println!("\nWritten: {}", file.display());
    }
    Ok(())
}

/// Simulated programs, so many of each family.
pub fn simulated(per_family: u64) -> Vec<Program> {
    simulate::programs(per_family, SEED)
}

/// Traces of real processes.
///
/// # Errors
/// They cannot be read.
pub fn recorded(root: &Path) -> io::Result<Vec<Program>> {
    traces::load(&root.join("eval/forecast/traces/own"), Origin::Recorded)
}

fn programs(root: &Path) -> io::Result<Vec<Program>> {
    let folder = root.join("eval/forecast/traces");
    let recorded = recorded(root)?;
    let foreign = traces::load(&folder.join("npm"), Origin::Foreign)?;
    let mut programs = simulated(PER_FAMILY);
    programs.extend(traces::relimited(&recorded));
    programs.extend(recorded);
    programs.extend(foreign);
    programs.extend(traces::load(&folder.join("slow"), Origin::Slowed)?);
    Ok(programs)
}
