//! Reads of this very process. One test, since RSS and malloc's figures belong to all threads.
#![cfg(target_os = "linux")]

use memguard_vitals::allocator::{allocator, malloc_figures};
use memguard_vitals::ledger::Item;
use memguard_vitals::{Allocator, Ledger, LedgerInput, PartKind, Vitals};

const MB: u64 = 1 << 20;
const LARGE: u64 = 64 * MB;

#[test]
fn an_allocation_shows_in_every_figure() {
    let mut vitals = Vitals::open();
    let input = |external| LedgerInput {
        heap_spaces: vec![Item {
            name: "old_space".to_owned(),
            bytes: 0,
        }],
        external_bytes: external,
        array_buffers_bytes: external,
        malloced_bytes: 0,
    };
    let before = vitals.read();
    let ledger_before = Ledger::read(&input(0)).unwrap();
    assert!(before.process.rss_bytes > MB / 2);
    assert!(before.process.virtual_bytes.unwrap() >= before.process.rss_bytes);
    assert!(before.process.threads.unwrap() >= 1);
    assert!(
        before.at_ms < 60_000,
        "age of this process: {} ms",
        before.at_ms
    );
    let machine = before.machine.unwrap();
    assert!(machine.available_bytes <= machine.total_bytes);

    let malloc_before = malloc_figures();
    let block = std::hint::black_box(vec![1u8; LARGE as usize]);
    let malloc_after = malloc_figures();
    let after = vitals.read();
    let ledger = Ledger::read(&input(LARGE)).unwrap();

    let close = |a: u64, b: u64| a.abs_diff(b) <= 2 * MB;
    let grown = after.process.rss_bytes - before.process.rss_bytes;
    assert!(close(grown, LARGE), "RSS grew by {grown}");
    assert!(after.at_ms >= before.at_ms);

    for ledger in [&ledger_before, &ledger] {
        let sum: u64 = ledger.parts.iter().map(|part| part.rss_bytes).sum();
        assert_eq!(sum, ledger.rss_bytes, "the parts add up");
        let last = ledger.parts.last().unwrap();
        assert_eq!(last.kind, PartKind::Unexplained);
    }
    assert!(close(ledger.rss_bytes, after.process.rss_bytes));
    assert!(close(ledger.rss_bytes - ledger_before.rss_bytes, LARGE));
    let buffers = ledger.part(PartKind::ArrayBuffers).unwrap();
    assert!(close(buffers.rss_bytes, LARGE), "{buffers:?}");
    assert_eq!(buffers.claimed_bytes, Some(LARGE));
    let binary = ledger.part(PartKind::Binary).unwrap();
    assert!(binary.rss_bytes > MB / 4, "{binary:?}");
    assert!(binary.items[0].name.contains("this_process"));
    assert!(ledger.part(PartKind::Stacks).is_some());
    assert!(ledger.unexplained_bytes < 4 * MB, "{ledger:#?}");

    if cfg!(target_env = "gnu") {
        assert_eq!(allocator(), Allocator::Glibc);
        let (before, after) = (malloc_before.unwrap(), malloc_after.unwrap());
        assert!(after.mapped_bytes >= before.mapped_bytes + LARGE);
        assert!(after.mapped_count > before.mapped_count);
    }
    drop(block);
}
