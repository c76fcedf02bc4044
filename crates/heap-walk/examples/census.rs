//! Prints the classes of a running Node.js, or of a core dump: `cargo run --example census -- PID|FILE [tsv]`.

use std::process::ExitCode;

use memguard_heap_walk::{Census, CensusOptions, Follow, Inspected, Target, census, inspect};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(subject) = arguments.next() else {
        eprintln!("usage: census PID|FILE [tsv]");
        return ExitCode::FAILURE;
    };
    let target = subject.parse().map_or_else(
        |_| Target::Core {
            file: subject.clone().into(),
            executable: None,
        },
        Target::Process,
    );
    let options = CensusOptions {
        follow: Follow::WeakToo,
    };
    match inspect(&target, |subject| census(subject, &options)) {
        Ok(found) if arguments.next().is_some() => print_all(&found.value),
        Ok(found) => print_head(&found),
        Err(error) => {
            eprintln!("{}: {error}", error.code());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn print_all(census: &Census) {
    for row in &census.rows {
        let (all, doubtful) = (row.all, row.doubtful);
        println!(
            "{}\t{}\t{}\t{}\t{}\t{}",
            row.group.as_str(),
            row.name,
            all.count,
            all.bytes,
            doubtful.count,
            doubtful.bytes
        );
    }
}

fn print_head(found: &Inspected<Census>) {
    let census = &found.value;
    println!(
        "Node {}, paused {:?}, {} attempts",
        census.node_line, found.paused, found.attempts
    );
    println!(
        "total {:?} young {:?} {:?}",
        census.total, census.young, census.stats
    );
    for row in census.rows.iter().take(30) {
        println!(
            "{:>10} {:>12}  {:8} {}",
            row.all.count,
            row.all.bytes,
            row.group.as_str(),
            row.name
        );
    }
}
