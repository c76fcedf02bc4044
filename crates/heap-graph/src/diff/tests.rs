//! By what heaps are compared, and what each way says.

use crate::analysis::AnalyzeOptions;
use crate::model::{EdgeKind, HeapGraph};
use crate::report::{DiffBy, DiffReport};
use crate::sketch::{Dot, Sketch};
use crate::snapshot::Snapshot;

use super::{DiffError, DiffOptions, Provenance, diff};

/// A heap that one process goes on with: ids of what stays stay, new objects get new ones.
struct Process {
    heap: Sketch,
    list: Dot,
    alive: Vec<Dot>,
}

impl Process {
    fn start() -> Self {
        let mut heap = Sketch::new();
        let global = heap.global;
        let list = heap.field(global, "list", "Array", 16);
        for number in 0..50 {
            heap.field(global, &format!("thing{number}"), "Thing", 40);
        }
        Self {
            heap,
            list,
            alive: Vec::new(),
        }
    }

    fn add(&mut self, class: &str, count: usize) {
        for _ in 0..count {
            let object = self.heap.object(class, 100);
            self.alive.push(object);
        }
    }

    /// Lets the first `count` go.
    fn drop_first(&mut self, count: usize) {
        self.heap.dead.extend(self.alive.drain(..count));
    }

    fn drop_last(&mut self, count: usize) {
        let gone = self.alive.split_off(self.alive.len() - count);
        self.heap.dead.extend(gone);
    }

    fn snapshot(&self) -> HeapGraph {
        let mut heap = self.heap.clone();
        for (index, &object) in self.alive.iter().enumerate() {
            heap.edge(self.list, EdgeKind::Element, index as u32, object);
        }
        heap.build(0)
    }
}

fn compare(graphs: &[&HeapGraph], side_cars: &[&str], by: Option<DiffBy>) -> DiffReport {
    let snapshots: Vec<_> = graphs
        .iter()
        .enumerate()
        .map(|(at, graph)| {
            let side_car = side_cars.get(at).copied().unwrap_or_default();
            let snapshot = Snapshot::of(graph, &AnalyzeOptions::default()).unwrap();
            snapshot.with_provenance(Provenance::from_side_car(side_car.as_bytes()))
        })
        .collect();
    let options = DiffOptions {
        by,
        ..DiffOptions::default()
    };
    diff(&snapshots.iter().collect::<Vec<_>>(), &options).unwrap()
}

const ONE: &str = r#"{"ids":"process","owner":"1-a","threadId":0}"#;
const TWO: &str = r#"{"ids":"process","owner":"2-b","threadId":0}"#;
const FORKED: &str = r#"{"ids":"none","owner":"1-a","threadId":0}"#;

#[test]
fn side_cars_and_the_files_decide_and_say_why() {
    let mut process = Process::start();
    let before = process.snapshot();
    process.add("Entry", 80);
    let after = process.snapshot();
    let shuffled = Process::start().heap.build(99);

    let by = |graphs: &[&HeapGraph], side_cars: &[&str]| {
        let comparison = compare(graphs, side_cars, None).comparison;
        (comparison.by, comparison.reason)
    };
    let (way, reason) = by(&[&before, &after], &[]);
    assert_eq!(way, DiffBy::Ids, "{reason}");
    assert_eq!(by(&[&before, &after], &[ONE, ONE]).0, DiffBy::Ids);
    let (way, reason) = by(&[&before, &after], &[ONE, TWO]);
    assert_eq!(
        (way, reason.as_str()),
        (
            DiffBy::Signature,
            "the side-cars name different processes or threads"
        )
    );
    let (way, reason) = by(&[&before, &after], &[ONE, FORKED]);
    assert_eq!(way, DiffBy::Signature, "{reason}");
    assert!(reason.contains("forked"));
    // The files know better than a side-car that was copied.
    let (way, reason) = by(&[&before, &shuffled], &[ONE, ONE]);
    assert_eq!(way, DiffBy::Signature);
    assert!(
        reason.contains("the side-cars name one process, but of"),
        "{reason}"
    );
    let asked = compare(&[&before, &shuffled], &[], Some(DiffBy::Ids)).comparison;
    assert_eq!(
        (asked.by, asked.forced, asked.reason.as_str()),
        (DiffBy::Ids, true, "asked for by ids")
    );
}

#[test]
fn by_ids_what_came_and_what_went_is_told_apart() {
    let mut process = Process::start();
    process.add("Entry", 100);
    let before = process.snapshot();
    process.drop_first(40);
    process.add("Entry", 70);
    let after = process.snapshot();

    let report = compare(&[&before, &after], &[], None);
    let row = report
        .classes
        .rows
        .iter()
        .find(|row| row.name == "Entry")
        .unwrap();
    assert_eq!((row.count_before, row.count_after), (100, 130));
    assert_eq!(
        (row.added_count, row.removed_count, row.count_delta),
        (70, 40, 30)
    );
    assert_eq!(
        (row.added_size, row.removed_size, row.size_delta),
        (7000, 4000, 3000)
    );
    assert_eq!(row.retained_delta, 3000);
    assert!(report.classes.rows.iter().all(|row| row.name != "Thing"));

    let net = compare(&[&before, &after], &[], Some(DiffBy::Signature));
    let row = net
        .classes
        .rows
        .iter()
        .find(|row| row.name == "Entry")
        .unwrap();
    assert_eq!(
        (row.added_count, row.removed_count, row.size_delta),
        (30, 0, 3000)
    );
    assert_eq!(net.growth, report.growth);
}

#[test]
fn three_heaps_tell_who_came_in_between_and_stayed() {
    let mut process = Process::start();
    process.add("Old", 10);
    let first = process.snapshot();
    process.add("Leak", 20);
    process.add("Request", 5);
    let second = process.snapshot();
    process.drop_last(5);
    process.add("Late", 7);
    let third = process.snapshot();

    let survivors = compare(&[&first, &second, &third], &[], Some(DiffBy::Ids))
        .survivors
        .unwrap();
    assert_eq!((survivors.count, survivors.size), (20, 2000));
    let row = &survivors.classes.rows[0];
    assert_eq!(
        (row.name.as_str(), row.count, row.retained_size),
        ("Leak", 20, 2000)
    );
    assert!(
        row.example
            .as_ref()
            .unwrap()
            .text
            .starts_with("global → .list → Array → [")
    );

    let survivors = compare(&[&first, &second, &third], &[], Some(DiffBy::Signature))
        .survivors
        .unwrap();
    assert_eq!((survivors.by, survivors.count), (DiffBy::Signature, 20));
    assert_eq!(survivors.classes.rows[0].name, "Leak");
}

#[test]
fn the_same_report_comes_out_every_time() {
    let mut process = Process::start();
    process.add("A", 100);
    let before = process.snapshot();
    process.add("B", 300);
    let after = process.snapshot();
    let json = || serde_json::to_string(&compare(&[&before, &after], &[], None)).unwrap();
    assert_eq!(json(), json());
}

#[test]
fn one_heap_or_four_are_refused() {
    let graph = Process::start().snapshot();
    let snapshot = Snapshot::of(&graph, &AnalyzeOptions::default()).unwrap();
    for found in [0, 1, 4] {
        let error = diff(&vec![&snapshot; found], &DiffOptions::default()).unwrap_err();
        assert_eq!(error, DiffError::Count { found });
        assert_eq!(error.code(), "ERR_MEMGUARD_INVALID_ARG");
    }
}

#[test]
fn a_raised_signal_ends_it() {
    let graph = Process::start().snapshot();
    let options = AnalyzeOptions::default();
    let snapshot = Snapshot::of(&graph, &options).unwrap();
    options.cancel.cancel();
    let error = diff(&[&snapshot, &snapshot], &DiffOptions::default()).unwrap_err();
    assert_eq!(error.code(), "ERR_MEMGUARD_CANCELLED");
}
