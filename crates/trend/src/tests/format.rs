//! Numbers as people read them.

use crate::format::{format_percents, format_sizes};
use crate::{format_bytes, format_duration, format_percent};

#[test]
fn sizes() {
    let mb = 1_048_576.0;
    let cases = [
        (0.0, "0 B"),
        (512.0, "512 B"),
        (1023.0, "1023 B"),
        (1024.0, "1.0 KB"),
        (99.94 * 1024.0, "99.9 KB"),
        (99.96 * 1024.0, "100 KB"),
        (1023.9 * 1024.0, "1.0 MB"),
        (3.5 * mb, "3.5 MB"),
        (640.0 * mb, "640 MB"),
        (4144.0 * mb, "4.0 GB"),
        (2.5 * mb * mb, "2.5 TB"),
        (5000.0 * mb * mb, "5000 TB"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(format_bytes(bytes), expected);
    }
}

#[test]
fn durations() {
    let cases = [
        (0, "0 ms"),
        (850, "850 ms"),
        (1_000, "1 s"),
        (1_500, "1.5 s"),
        (20_000, "20 s"),
        (90_000, "1.5 min"),
        (300_000, "5 min"),
        (12_600_000, "3.5 h"),
        (172_800_000, "2 d"),
    ];
    for (ms, expected) in cases {
        assert_eq!(format_duration(ms), expected);
    }
}

#[test]
fn percents() {
    let cases = [
        (0.0, "0 %"),
        (0.012, "1.2 %"),
        (0.0996, "10 %"),
        (0.874, "87 %"),
        (0.997, "99.7 %"),
        (1.0, "100 %"),
        (1.254, "125 %"),
    ];
    for (ratio, expected) in cases {
        assert_eq!(format_percent(ratio), expected);
    }
}

#[test]
fn what_is_over_looks_so() {
    assert_eq!(format_percents(0.874, 0.85), ("87 %".into(), "85 %".into()));
    assert_eq!(
        format_percents(0.854, 0.85),
        ("85.4 %".into(), "85.0 %".into())
    );
    assert_eq!(
        format_percents(0.8503, 0.85),
        ("85.03 %".into(), "85.00 %".into())
    );
    assert_eq!(
        format_sizes(2048.0, 1024.0),
        ("2.0 KB".into(), "1.0 KB".into())
    );
    assert_eq!(
        format_sizes(4_299_161_600.0, 4_294_967_296.0),
        ("4198400.0 KB".into(), "4194304.0 KB".into())
    );
}
