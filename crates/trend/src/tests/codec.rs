//! Stored baselines, whole and damaged.

use proptest::prelude::*;

use super::support::*;
use crate::baseline::{Baseline, BaselineKey, RunEnd};
use crate::{Error, Judge, JudgeConfig};

fn key() -> BaselineKey {
    BaselineKey {
        app: "läden".into(),
        version: "1.2.3-β".into(),
        node_line: 24,
        limit: 512 << 20,
    }
}

/// Three days of a server.
fn stored() -> Vec<u8> {
    let mut judge = Judge::with_baseline(JudgeConfig::default(), Baseline::new(key())).unwrap();
    Server::new(7, MONDAY).run(&mut judge, 3 * DAY, MINUTE);
    judge.commit_baseline();
    judge.baseline().to_bytes()
}

#[test]
fn comes_back_as_it_was() {
    let bytes = stored();
    let restored = Baseline::from_bytes(&bytes, &key(), RunEnd::Unknown)
        .unwrap()
        .baseline;
    assert_eq!(restored.to_bytes(), bytes);
    assert_eq!(restored.key(), &key());
}

#[test]
fn any_damaged_byte_is_noticed_with_an_offset() {
    let bytes = stored();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let error = Baseline::from_bytes(&damaged, &key(), RunEnd::Unknown).unwrap_err();
        match error {
            Error::CorruptBaseline { offset, .. } => assert!(offset <= bytes.len()),
            Error::BaselineVersion {
                offset,
                found,
                supported,
            } => assert_eq!((offset, found, supported), (4, 0x11, 1)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn any_truncation_is_noticed() {
    let bytes = stored();
    for length in 0..bytes.len() {
        let error = Baseline::from_bytes(&bytes[..length], &key(), RunEnd::Unknown).unwrap_err();
        assert_eq!(error.code(), "ERR_MEMGUARD_BASELINE_CORRUPT");
        let Error::CorruptBaseline { offset, .. } = error else {
            panic!()
        };
        assert!(offset <= length);
    }
    let longer = [&bytes[..], b"more"].concat();
    assert!(Baseline::from_bytes(&longer, &key(), RunEnd::Unknown).is_err());
}

/// With a right checksum, so that the parser has to look.
fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    let crc = crc32fast::hash(&body);
    body.extend_from_slice(&crc.to_le_bytes());
    body
}

#[test]
fn says_what_is_wrong_and_where() {
    let good = stored();
    let body = &good[..good.len() - 4];
    // After magic, format, "läden", "1.2.3-β", Node line and limit come the number of metrics, metric and hours.
    let metrics = 4 + 1 + 2 + 6 + 2 + 8 + 4 + 8;
    let changed = |at: usize, byte: u8| {
        let mut body = body.to_vec();
        body[at] = byte;
        sealed(body)
    };
    let cases = [
        (
            b"nonsense".to_vec(),
            0,
            "it does not begin as a baseline does",
        ),
        (Vec::new(), 0, "it ends too early"),
        (changed(7, 0xff), 7, "the text is not UTF-8"),
        (
            changed(metrics, 1),
            metrics + 1 + 2 + 72 * 14,
            "there is more than belongs there",
        ),
        (
            changed(metrics + 1, 99),
            metrics + 1,
            "there is no such metric",
        ),
        (
            changed(metrics + 2, 169),
            metrics + 2,
            "there are more hours than a week has",
        ),
        (
            changed(metrics + 3 + 13, 2),
            metrics + 3,
            "the hour has an impossible state",
        ),
        (
            changed(metrics + 3 + 3, 0x80),
            metrics + 3,
            "the hour has impossible values",
        ),
    ];
    for (bytes, offset, problem) in cases {
        let error = Baseline::from_bytes(&bytes, &key(), RunEnd::Unknown).unwrap_err();
        assert_eq!(
            error,
            Error::CorruptBaseline {
                offset,
                problem: problem.to_owned()
            }
        );
    }
    let later = sealed([&b"MGBL\x02"[..], &body[5..]].concat());
    let error = Baseline::from_bytes(&later, &key(), RunEnd::Unknown).unwrap_err();
    assert_eq!(error.code(), "ERR_MEMGUARD_BASELINE_VERSION");
    assert_eq!(
        error.to_string(),
        "the stored baseline has format 2 at byte 4, this release reads format 1"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Baseline::from_bytes(&bytes, &key(), RunEnd::Unknown);
        let sealed = sealed([&b"MGBL\x01"[..], &bytes].concat());
        let _ = Baseline::from_bytes(&sealed, &key(), RunEnd::Stopped);
    }

    #[test]
    fn any_key_comes_back(app in ".{0,40}", version in ".{0,40}", node_line: u32, limit: u64) {
        let key = BaselineKey { app, version, node_line, limit };
        let bytes = Baseline::new(key.clone()).to_bytes();
        let restored = Baseline::from_bytes(&bytes, &key, RunEnd::Unknown).unwrap();
        prop_assert_eq!(restored.origin, crate::Origin::Stored);
    }
}

#[test]
fn an_absurd_name_is_cut_and_no_more() {
    let key = BaselineKey {
        app: "ä".repeat(50_000),
        ..key()
    };
    let bytes = Baseline::new(key.clone()).to_bytes();
    let restored = Baseline::from_bytes(&bytes, &key, RunEnd::Unknown).unwrap();
    assert!(
        matches!(restored.origin, crate::Origin::OtherKey(_)),
        "never mistaken for another"
    );
}
