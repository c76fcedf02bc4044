//! Digests keep what counts, come back as they were, and refuse everything else.

use memguard_heap_graph::AnalyzeOptions;

use super::*;
use crate::sketch::Sketch;

fn digest(entries: u32) -> Digest {
    let mut heap = Sketch::new();
    let log = heap.global_field("requestLog", "Array", 32);
    heap.entries(log, "LogEntry", 64, entries);
    let graph = heap.build();
    let at = Moment {
        at_ms: 7,
        unix_ms: 8,
    };
    Digest::of(
        &Snapshot::of(&graph, &AnalyzeOptions::default()).unwrap(),
        at,
    )
}

#[test]
fn every_byte_is_in_it_and_it_comes_back_as_it_was() {
    let digest = digest(500);
    assert_eq!(digest.size().at.at_ms, 7);
    assert_eq!(digest.ways.size(), digest.size().size);
    assert_eq!(
        digest.classes()[0],
        ClassCount {
            name: "LogEntry".into(),
            count: 500,
            size: 32_000
        }
    );
    assert_eq!(Digest::from_bytes(&digest.to_bytes()).unwrap(), digest);
}

#[test]
fn a_large_heap_has_a_digest_of_bounded_size() {
    let large = digest(200_000);
    assert!(large.marked.len() <= MOST_MARKED + MOST_MARKED / 4);
    assert!(large.marked.len() > MOST_MARKED / 4);
    let bytes = large.to_bytes().len();
    assert!(bytes < 150_000, "{bytes}");
}

#[test]
fn whatever_is_no_digest_is_refused() {
    let bytes = digest(5).to_bytes();
    for end in 0..bytes.len() {
        assert!(Digest::from_bytes(&bytes[..end]).is_err(), "{end}");
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x11;
        let error = Digest::from_bytes(&changed).unwrap_err();
        assert_eq!(error.code(), "ERR_MEMGUARD_DIGEST");
        let is_version = matches!(error, DigestError::Version { .. });
        assert_eq!(is_version, (4..8).contains(&at), "{at}: {error}");
    }
}

#[test]
fn a_digest_whose_places_lead_nowhere_is_refused() {
    let mut digest = digest(5);
    digest.marked.push(Mark {
        id: u64::MAX,
        place: 1 << 20,
        text: 0,
    });
    let error = Digest::from_bytes(&digest.to_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "These bytes are no digest of a heap: places lead nowhere."
    );
}
