//! How good the forecast is: `npm run eval -- forecast [--train]`.

mod boost;
mod chance;
mod decisions;
mod logistic;
mod program;
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

fn programs(root: &Path) -> io::Result<Vec<Program>> {
    let folder = root.join("eval/forecast/traces");
    let recorded = traces::load(&folder.join("own"), Origin::Recorded)?;
    let foreign = traces::load(&folder.join("npm"), Origin::Foreign)?;
    let mut programs = simulate::programs(PER_FAMILY, SEED);
    programs.extend(traces::relimited(&recorded));
    programs.extend(recorded);
    programs.extend(foreign);
    programs.extend(traces::load(&folder.join("slow"), Origin::Slowed)?);
    Ok(programs)
}
