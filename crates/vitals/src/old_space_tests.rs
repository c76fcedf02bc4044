//! The table of what the official binaries answered.

use super::*;

fn mb(megabytes: u64) -> u64 {
    megabytes * MB
}

fn facts(node_major: u32, arguments: &str, memory_mb: u64) -> OldSpaceFacts {
    OldSpaceFacts {
        node_major,
        flags: HeapFlags::parse("", arguments.split_whitespace()),
        memory_bytes: mb(memory_mb),
        ..OldSpaceFacts::default()
    }
}

/// On a machine of 24,106 MB: Node's major version, flags, `heap_size_limit` in MB, and in MB the
/// limit that V8 handed to the near-heap-limit callback.
const BY_CALLBACK: &[(u32, &str, u64, u64)] = &[
    (18, "--max-old-space-size=40", 88, 40),
    (20, "--max-old-space-size=40", 88, 40),
    (22, "--max-old-space-size=40", 88, 40),
    (24, "--max-old-space-size=40", 232, 40),
    (26, "--max-old-space-size=40", 136, 40),
    (
        18,
        "--max-old-space-size=40 --max-semi-space-size=1",
        43,
        40,
    ),
    (
        24,
        "--max-old-space-size=40 --max-semi-space-size=1",
        43,
        40,
    ),
    (
        26,
        "--max-semi-space-size=3 --max-old-space-size=40",
        52,
        40,
    ),
    (
        22,
        "--max-old-space-size=45 --max-semi-space-size=32",
        141,
        45,
    ),
    (20, "--max-heap-size=100 --max-old-space-size=50", 146, 50),
    (26, "--max-heap-size=100 --max-old-space-size=50", 146, 50),
    (18, "--max-heap-size=60 --max-semi-space-size=2", 60, 54),
    (18, "--max-heap-size=30", 30, 27),
    (18, "--max-heap-size=60", 60, 57),
    (18, "--max-heap-size=100", 100, 97),
    (18, "--max-heap-size=200", 200, 197),
    (18, "--max-heap-size=262", 262, 259),
    (18, "--max-heap-size=264", 264, 252),
    (18, "--max-heap-size=300", 300, 288),
    (18, "--max-heap-size=520", 520, 508),
    (18, "--max-heap-size=540", 540, 516),
    (20, "--max-heap-size=600", 600, 576),
    (22, "--max-heap-size=1000", 1000, 976),
    (24, "--max-heap-size=60", 60, 57),
    (24, "--max-heap-size=200", 200, 197),
    (24, "--max-heap-size=265", 265, 262),
    (24, "--max-heap-size=280", 280, 277),
    (24, "--max-heap-size=282", 282, 234),
    (24, "--max-heap-size=300", 300, 252),
    (24, "--max-heap-size=550", 550, 502),
    (24, "--max-heap-size=570", 570, 474),
    (24, "--max-heap-size=600", 600, 504),
    (24, "--max-heap-size=1000", 1000, 904),
    (26, "--max-heap-size=30", 30, 24),
    (26, "--max-heap-size=35", 35, 29),
    (26, "--max-heap-size=64", 64, 58),
    (26, "--max-heap-size=65", 65, 53),
    (26, "--max-heap-size=100", 100, 88),
    (26, "--max-heap-size=128", 128, 116),
    (26, "--max-heap-size=130", 130, 106),
    (26, "--max-heap-size=140", 140, 116),
    (26, "--max-heap-size=200", 200, 176),
    (26, "--max-heap-size=278", 278, 230),
    (26, "--max-heap-size=300", 300, 252),
    (26, "--max-heap-size=600", 600, 504),
    (26, "--max-heap-size=1000", 1000, 904),
];

#[test]
fn agrees_with_the_limit_v8_hands_to_its_callback() {
    for &(node, flags, limit, old) in BY_CALLBACK {
        let got = old_space_limit(mb(limit), &facts(node, flags, 24_106)) / MB;
        assert_eq!(got, old, "Node {node} {flags}");
    }
}

/// Memory of the machine in MB, Node's major version, `heap_size_limit` without flags, and with
/// `--max-old-space-size=64`; the difference to 64 gives the young generation of both.
const BY_MEMORY: &[(u64, u32, u64, u64)] = &[
    (128, 18, 259, 67),
    (128, 24, 259, 67),
    (128, 26, 262, 70),
    (256, 22, 259, 67),
    (256, 26, 262, 70),
    (384, 24, 259, 67),
    (384, 26, 268, 76),
    (512, 20, 259, 67),
    (512, 26, 268, 76),
    (1000, 18, 512, 76),
    (1000, 24, 548, 112),
    (1000, 26, 524, 88),
    (1024, 20, 524, 76),
    (1024, 24, 560, 112),
    (1024, 26, 536, 88),
    (2048, 22, 1048, 88),
    (2048, 24, 1120, 160),
    (2048, 26, 1072, 112),
    (3000, 18, 1548, 112),
    (3000, 24, 1692, 256),
    (3000, 26, 1596, 160),
    (4096, 18, 2096, 112),
    (8192, 24, 2240, 256),
    (15000, 26, 2144, 160),
    (16384, 18, 4144, 112),
    (16384, 24, 4288, 256),
    (65536, 26, 4192, 160),
];

#[test]
fn agrees_with_machines_of_all_sizes() {
    for &(memory, node, plain, with_flag) in BY_MEMORY {
        let young = with_flag - 64;
        let by_default = old_space_limit(mb(plain), &facts(node, "", memory)) / MB;
        assert_eq!(by_default, plain - young, "Node {node}, {memory} MB");
        let flags = facts(node, "--max-old-space-size=64", memory);
        assert_eq!(
            old_space_limit(mb(with_flag), &flags) / MB,
            64,
            "Node {node}, {memory} MB"
        );
        // The rule of the Node line alone must find it too: where a percentage hides the old space.
        let percentage = facts(node, "--max-old-space-size-percentage=30", memory);
        let semi = semi_space_size(mb(9999), &percentage) / MB;
        assert_eq!(semi * 3, young, "Node {node}, {memory} MB, by rule");
    }
}

/// Node, flags, old and young MB as the worker reads them, reported limit, limit at the callback.
type WorkerRow = (u32, &'static str, Option<f64>, f64, u64, u64);

/// Workers on the big machine.
const WORKERS: &[WorkerRow] = &[
    (18, "", Some(50.0), 48.0, 98, 50),
    (24, "", Some(50.0), 192.0, 242, 50),
    (26, "", Some(50.0), 96.0, 146, 50),
    (18, "--max-semi-space-size=8", Some(50.0), 48.0, 74, 50),
    (26, "--max-semi-space-size=8", Some(50.0), 6.0, 74, 50),
    (20, "", Some(50.0), 6.0, 56, 50),
    (22, "", Some(50.0), 7.0, 62, 50),
    (26, "", Some(50.0), 7.0, 62, 50),
    (24, "--max-old-space-size=512", Some(50.0), 6.0, 518, 512),
    (22, "--max-old-space-size=512", Some(4096.0), 7.0, 524, 512),
    (20, "", Some(4096.0), 100.0, 4288, 4096),
];

#[test]
fn agrees_with_workers() {
    for &(node, flags, old, young, limit, at_callback) in WORKERS {
        let facts = OldSpaceFacts {
            worker_old_mb: old,
            worker_young_mb: Some(young),
            ..facts(node, flags, 24_106)
        };
        let got = old_space_limit(mb(limit), &facts) / MB;
        assert_eq!(got, at_callback, "Node {node} {flags} {old:?} {young}");
    }
}

#[test]
fn a_raised_limit_raises_the_old_space_alone() {
    let facts = facts(20, "--max-old-space-size=64", 24_106);
    let semi = semi_space_size(mb(112), &facts);
    assert_eq!(semi, mb(16));
    assert_eq!((mb(112 + 64) - 3 * semi) / MB, 128);
}

#[test]
fn flags_are_read_as_v8_reads_them() {
    let flags = HeapFlags::parse(
        "--max_old_space_size=300 \"--max-semi-space-size=4\" --enable-source-maps",
        ["--max-old-space-size=512", "--max-heap-size=0", "app.js"],
    );
    assert_eq!(flags.max_old_space_mb, Some(512), "the command line wins");
    assert_eq!(flags.max_semi_space_mb, Some(4));
    assert_eq!(flags.max_heap_mb, None);
    let percentage = HeapFlags::parse("--max-old-space-size-percentage=12.5", []);
    assert_eq!(percentage.max_old_space_percentage, Some(12.5));
}

#[test]
fn nonsense_does_not_panic() {
    for limit in [0, 1, mb(3), u64::MAX] {
        for arguments in [
            "--max-old-space-size=99999999999999999999",
            "--max-old-space-size=18446744073709551615",
            "--max-semi-space-size=18446744073709551615",
            "--max-heap-size=18446744073709551615",
            "--max-old-space-size",
            "--",
        ] {
            for node in [0, 20, 99] {
                old_space_limit(limit, &facts(node, arguments, 0));
            }
        }
    }
}
