//! Does one thing that the guard does often, a given number of times, for an instruction counter.
//!
//! ```text
//! instructions minor|read|tick|push COUNT SETTINGS FACTS
//! ```

use std::hint::black_box;

use memguard_guard::bench::Bench;
use memguard_guard::vitals::History;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, work, count, settings, facts] = &arguments[..] else {
        return Err("expected: WORK COUNT SETTINGS FACTS".into());
    };
    let count: u32 = count.parse()?;
    let mut bench = Bench::open(settings, facts)?;
    match work.as_str() {
        "minor" => (0..count).for_each(|_| bench.minor_collection()),
        "read" => {
            for _ in 0..count {
                black_box(bench.read());
            }
        }
        "tick" => (0..count).for_each(|_| bench.tick()),
        "push" => {
            bench.tick();
            let mut sample = bench.sample().ok_or("no sample was taken")?;
            let mut history = History::default();
            (0..count).for_each(|_| bench.push(&mut history, &mut sample));
            black_box(&history);
        }
        _ => return Err(format!("no such work: {work}").into()),
    }
    Ok(())
}
