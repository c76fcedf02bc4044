//! Damages snapshots and reads them, for as long as it is told to: on stable Rust, with what a snapshot is in mind.
//!
//!     fuzz [--seconds N] [--seed N] [--corpus FOLDER]
//!
//! Begins with random heaps in every layout, and the files of the corpus if there is one. A damaged text that is refused in a way that was not
//! seen before (another error, another section, another thing expected) is damaged further: that is what leads deeper than
//! chance would. What is read is analysed and every figure looked at. Any panic ends the run with the seed that leads to it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use memguard_heap_graph::{
    Aggregates, Analysis, AnalyzeOptions, HeapGraph, ReadError, ReadOptions, Statistics, read,
};
use memguard_testkit::{Layout, Mutator, Random, random_heap};

/// Larger texts are not damaged further.
const MAX_TEXT: usize = 64 << 10;

fn main() -> Result<(), Box<dyn Error>> {
    let mut seconds = 10;
    let mut seed = 1;
    let mut corpus = Vec::new();
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let value = given.next().ok_or("every option has a value")?;
        match argument.as_str() {
            "--seconds" => seconds = value.parse()?,
            "--seed" => seed = value.parse()?,
            "--corpus" => {
                for entry in fs::read_dir(value)? {
                    corpus.push(fs::read(entry?.path())?);
                }
            }
            _ => return Err(format!("there is no option {argument}").into()),
        }
    }
    for start in 0..40 {
        let heap = random_heap(start, 4 + start as usize);
        corpus.extend(Layout::all().iter().map(|layout| heap.to_json_as(layout)));
    }
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    let (mut executions, mut read_well, begun) = (0_u64, 0_u64, corpus.len());
    let mut random = Random::new(seed);
    while Instant::now() < until {
        let from = random.number();
        let mut text = random.pick(&corpus).clone();
        Mutator::new(from).damage(&mut text);
        let threads = 1 + (executions % 2) as usize;
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&text, threads)));
        let Ok(outcome) = outcome else {
            fs::write("fuzz-failure.heapsnapshot", &text)?;
            return Err(format!(
                "panicked with seed {from}; the text is in fuzz-failure.heapsnapshot"
            )
            .into());
        };
        executions += 1;
        read_well += u64::from(outcome.is_none());
        let seen = outcomes
            .entry(outcome.unwrap_or_else(|| "read".to_owned()))
            .or_default();
        *seen += 1;
        if *seen == 1 && text.len() <= MAX_TEXT {
            corpus.push(text);
        }
    }
    println!(
        "{executions} executions, {read_well} read well, {} outcomes, corpus {begun} to {}",
        outcomes.len(),
        corpus.len()
    );
    Ok(())
}

/// Reads a text and looks at everything. Returns what sort of error it was refused with.
fn run(text: &[u8], threads: usize) -> Option<String> {
    let mut options = ReadOptions::default();
    options.threads = threads;
    match read(text, &options) {
        Ok(graph) => {
            use_up(&graph, threads);
            None
        }
        Err(error) => Some(sort(&error)),
    }
}

/// An error without what differs from file to file.
fn sort(error: &ReadError) -> String {
    let expected: String = error
        .expected()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_ascii_digit())
        .take(60)
        .collect();
    format!("{} {expected}", error.code())
}

fn use_up(graph: &HeapGraph, threads: usize) {
    let mut options = AnalyzeOptions::default();
    options.threads = threads;
    let Ok(analysis) = Analysis::of(graph, &options) else {
        return;
    };
    let Ok(aggregates) = Aggregates::of(&analysis, &options) else {
        return;
    };
    let mut sum = Statistics::of(&analysis).total;
    for node in graph.nodes() {
        let index = node.index();
        sum = sum
            .wrapping_add(analysis.retained_size(index))
            .wrapping_add(node.name().len() as u64);
        sum = sum.wrapping_add(analysis.dominated(index).count() as u64);
        for retainer in analysis.retainers(index).take(8) {
            sum = sum.wrapping_add(retainer.edge.name(graph).len() as u64);
        }
        sum = sum.wrapping_add(
            aggregates
                .classes()
                .key(aggregates.classes().class_of(index))
                .name
                .len() as u64,
        );
    }
    std::hint::black_box(sum);
}
