//! The crate v8-heap-parser with all that it makes of a snapshot: dominators, retained sizes, classes.
//!
//!     v8-heap-parser-rival FILE

use std::error::Error;
use std::fs;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("which file?")?;
    let started = Instant::now();
    let graph = v8_heap_parser::decode_slice(&fs::read(file)?)?;
    let read = started.elapsed();
    let retained = graph.retained_size(graph.root_index);
    let classes = graph.get_class_groups(false).len();
    let all = started.elapsed();
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let peak: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    println!(
        r#"{{"nodes":{},"total":{retained},"classCount":{classes},"ms":{{"read":{},"all":{}}},"cpuMs":{},"peakRssKb":{peak}}}"#,
        graph.nodes().len(),
        read.as_millis(),
        all.as_millis(),
        ticks * 10.0
    );
    std::process::exit(0);
}
