//! Opening gives everything back: descriptors and memory, over a thousand rounds. Alone in its
//! process.
#![cfg(target_os = "linux")]

use memguard_vitals::{Ledger, LedgerInput, Vitals};

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn round() -> u64 {
    let mut vitals = Vitals::open();
    vitals.read();
    vitals.expire();
    vitals.read().process.rss_bytes
}

#[test]
fn a_thousand_rounds_leave_nothing() {
    let warm = (0..50).map(|_| round()).max().unwrap();
    let before = descriptors();
    assert!(before > 0);
    let last = (0..1_000).fold(0, |_, _| round());
    assert_eq!(descriptors(), before);
    assert!(last < warm + (1 << 20), "RSS rose from {warm} to {last}");

    let vitals = Vitals::open();
    let held = descriptors() - before;
    assert!((1..=16).contains(&held), "{held} descriptors are held");
    drop(vitals);
    for _ in 0..20 {
        Ledger::read(&LedgerInput::default()).unwrap();
    }
    assert_eq!(descriptors(), before);
}
