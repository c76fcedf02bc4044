use proptest::prelude::*;

use super::mapping::classify;
use super::*;

const KB: u64 = 1024;

/// A mapping as `smaps` prints it, without the lines that nobody reads.
fn entry(
    range: &str,
    permissions: &str,
    inode: u64,
    name: &str,
    rss_kb: u64,
    flags: &str,
) -> String {
    format!(
        "{range} {permissions} 00000000 fe:00 {inode}                    {name}\nSize:  4 kB\nRss:  {rss_kb} kB\nPss:  1 kB\nSwap:  1 kB\nVmFlags: {flags}\n"
    )
}

/// What a Node process looks like, one mapping of each kind.
fn process() -> Vec<Mapping> {
    let text = [
        entry(
            "00400000-00b6f000",
            "r--p",
            77,
            "/opt/my node/bin/node",
            5948,
            "rd mr mw me",
        ),
        entry(
            "00b72000-025fe000",
            "r-xp",
            77,
            "/opt/my node/bin/node",
            16628,
            "rd ex mr",
        ),
        entry(
            "0563e000-0565d000",
            "rw-p",
            77,
            "/opt/my node/bin/node",
            124,
            "rd wr ac",
        ),
        entry("0565d000-05689000", "rw-p", 0, "", 96, "rd wr ac"),
        entry("226d8000-229aa000", "rw-p", 0, "[heap]", 2756, "rd wr ac"),
        entry(
            "119e09b80000-119e09bc0000",
            "rw-p",
            0,
            "",
            256,
            "rd wr mr dc nr",
        ),
        entry(
            "129697800000-129697840000",
            "r-xp",
            0,
            "",
            64,
            "rd ex mr dc nr",
        ),
        entry("7f5000000000-7f5000214000", "rw-p", 0, "", 2128, "rd wr nr"),
        entry("7f5000214000-7f5004000000", "---p", 0, "", 0, "mr nr"),
        entry("7f50bf000000-7f50bf001000", "---p", 0, "", 0, "mr mw me"),
        entry("7f50bf001000-7f50bf801000", "rw-p", 0, "", 40, "rd wr"),
        entry("7f50c0000000-7f50c6420000", "rw-p", 0, "", 102_400, "rd wr"),
        entry(
            "7f51c0000000-7f51c0100000",
            "rw-s",
            5,
            "/memfd:shared (deleted)",
            1024,
            "rd wr sh",
        ),
        entry(
            "7f51cd000000-7f51cd100000",
            "r--s",
            9,
            "/srv/app/data.bin",
            512,
            "rd sh",
        ),
        entry(
            "7f51cff1e000-7f51cff44000",
            "r--p",
            8,
            "/lib/libc.so.6",
            152,
            "rd",
        ),
        entry(
            "7f51cff44000-7f51d009a000",
            "r-xp",
            8,
            "/lib/libc.so.6",
            1048,
            "rd ex",
        ),
        entry(
            "7f51d00ed000-7f51d00f3000",
            "rw-p",
            8,
            "/lib/libc.so.6",
            24,
            "rd wr",
        ),
        entry("7f51d00f3000-7f51d0103000", "rw-p", 0, "", 20, "rd wr"),
        entry(
            "7ffc0d2a0000-7ffc0d2c1000",
            "rw-p",
            0,
            "[stack]",
            60,
            "rd wr gd",
        ),
        entry("7ffc0d3a0000-7ffc0d3a2000", "r-xp", 0, "[vdso]", 4, "rd ex"),
    ]
    .concat();
    let mut mappings = smaps::parse(text.as_bytes()).unwrap();
    classify(&mut mappings, "/opt/my node/bin/node");
    mappings
}

fn input() -> LedgerInput {
    LedgerInput {
        heap_spaces: vec![Item {
            name: "old_space".to_owned(),
            bytes: 250 * KB,
        }],
        external_bytes: 102_500 * KB,
        array_buffers_bytes: 102_400 * KB,
        malloced_bytes: 144 * KB,
    }
}

fn malloc() -> MallocFigures {
    MallocFigures {
        arena_bytes: 6_000 * KB,
        in_use_bytes: 4_000 * KB,
        free_bytes: 2_000 * KB,
        mapped_bytes: 102_404 * KB,
        mapped_count: 1,
    }
}

fn kb(ledger: &Ledger, kind: PartKind) -> u64 {
    ledger.part(kind).map_or(0, |part| part.rss_bytes / KB)
}

#[test]
fn every_mapping_gets_its_heading() {
    let mappings = process();
    assert_eq!(mappings.len(), 20);
    let ledger = Ledger::of(&mappings, &input(), Allocator::Glibc, Some(malloc()));
    let expected = [
        (PartKind::Heap, 256),
        (PartKind::JitCode, 64),
        (PartKind::Binary, 5948 + 16628 + 124 + 96),
        (PartKind::Libraries, 152 + 1048 + 24 + 20),
        (PartKind::MappedFiles, 512),
        (PartKind::SharedMemory, 1024),
        (PartKind::Stacks, 40 + 60),
        (PartKind::Kernel, 4),
        (PartKind::ArrayBuffers, 102_400),
        (PartKind::External, 100),
        // Resident in arenas 4,884, handed out 4,000.
        (PartKind::MallocFree, 884),
        (PartKind::Native, 3_900),
        (PartKind::Unexplained, 0),
    ];
    for (kind, kilobytes) in expected {
        assert_eq!(kb(&ledger, kind), kilobytes, "{kind:?}");
    }
    assert_eq!(ledger.arena_regions, 1);
    assert_eq!(ledger.swap_bytes, 20 * KB);
    let binary = ledger.part(PartKind::Binary).unwrap();
    assert_eq!(binary.items[0].name, "/opt/my node/bin/node");
}

#[test]
fn a_claim_that_is_not_resident_is_shown_beside_what_is() {
    let input = LedgerInput {
        external_bytes: 500_000 * KB,
        array_buffers_bytes: 300_000 * KB,
        ..input()
    };
    let ledger = Ledger::of(&process(), &input, Allocator::Glibc, Some(malloc()));
    let buffers = ledger.part(PartKind::ArrayBuffers).unwrap();
    assert_eq!(buffers.claimed_bytes, Some(300_000 * KB));
    assert_eq!(buffers.rss_bytes, (102_400 + 4_884 - 884) * KB);
    let external = ledger.part(PartKind::External).unwrap();
    assert_eq!(
        (external.rss_bytes, external.claimed_bytes),
        (0, Some(200_000 * KB))
    );
}

#[test]
fn what_nobody_claims_is_shown() {
    let nobody = MallocFigures {
        mapped_bytes: 0,
        ..malloc()
    };
    let ledger = Ledger::of(&process(), &input(), Allocator::Glibc, Some(nobody));
    assert_eq!(ledger.unexplained_bytes, 102_400 * KB);
    assert_eq!(ledger.parts.last().unwrap().rss_bytes, 102_400 * KB);

    // Without malloc's word, V8's claim explains its part of the anonymous memory.
    let silent = Ledger::of(&process(), &input(), Allocator::Replaced, None);
    assert_eq!(silent.unexplained_bytes, 0);
    assert!(silent.parts.last().unwrap().estimated);
}

#[test]
fn a_large_mapping_behind_a_library_or_a_guard_is_an_allocation() {
    let text = [
        entry(
            "7f51d00ed000-7f51d00f3000",
            "r-xp",
            8,
            "/lib/libc.so.6",
            24,
            "rd ex",
        ),
        entry("7f51d00f3000-7f51d40f3000", "rw-p", 0, "", 65_536, "rd wr"),
        entry("7f52d00ed000-7f52d00ee000", "---p", 0, "", 0, ""),
        entry("7f52d00ee000-7f52e00ee000", "rw-p", 0, "", 262_144, "rd wr"),
    ]
    .concat();
    let mut mappings = smaps::parse(text.as_bytes()).unwrap();
    classify(&mut mappings, "/usr/bin/node");
    assert_eq!(mappings[1].kind, MappingKind::Anonymous);
    assert_eq!(mappings[3].kind, MappingKind::Anonymous);
}

#[test]
fn glibc_names_are_understood() {
    let text = [
        entry(
            "7f01d00ed000-7f01d00f3000",
            "rw-p",
            0,
            "[anon: glibc: malloc]",
            8,
            "rd wr",
        ),
        entry(
            "7f11d00ed000-7f11d00f3000",
            "rw-p",
            0,
            "[anon: glibc: pthread stack: 7]",
            8,
            "rd wr",
        ),
        entry(
            "7f21d00ed000-7f21d00f3000",
            "rw-p",
            0,
            "[anon:mine]",
            8,
            "rd wr",
        ),
    ]
    .concat();
    let mut mappings = smaps::parse(text.as_bytes()).unwrap();
    classify(&mut mappings, "");
    let kinds: Vec<MappingKind> = mappings.iter().map(|m| m.kind).collect();
    assert_eq!(
        kinds,
        [
            MappingKind::Arena,
            MappingKind::Stack,
            MappingKind::Anonymous
        ]
    );
}

#[test]
fn it_reads_well_in_json() {
    let ledger = Ledger::of(&process(), &input(), Allocator::Glibc, Some(malloc()));
    let json = serde_json::to_value(&ledger).unwrap();
    assert_eq!(json["parts"][0]["kind"], "arrayBuffers", "largest first");
    assert_eq!(json["parts"][0]["rssBytes"], 102_400 * KB);
    assert_eq!(json["allocator"], "glibc");
    assert_eq!(json["malloc"]["freeBytes"], 2_000 * KB);
}

proptest! {
    #[test]
    fn the_parts_add_up_whatever_is_claimed(
        rss in prop::collection::vec(0u64..1 << 40, 20),
        claims in prop::collection::vec(any::<u64>(), 8),
        known in any::<bool>(),
    ) {
        let mut mappings = process();
        for (mapping, rss) in mappings.iter_mut().zip(rss) {
            mapping.rss_bytes = rss;
        }
        let input = LedgerInput {
            external_bytes: claims[0],
            array_buffers_bytes: claims[1],
            malloced_bytes: claims[2],
            ..input()
        };
        let malloc = known.then_some(MallocFigures {
            arena_bytes: claims[3],
            in_use_bytes: claims[4],
            free_bytes: claims[5],
            mapped_bytes: claims[6],
            mapped_count: claims[7],
        });
        let ledger = Ledger::of(&mappings, &input, Allocator::Glibc, malloc);
        let sum: u64 = ledger.parts.iter().map(|part| part.rss_bytes).sum();
        prop_assert_eq!(sum, ledger.rss_bytes);
    }

    #[test]
    fn any_text_is_survived(text in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut mappings = smaps::parse(&text[..]).unwrap();
        classify(&mut mappings, "/usr/bin/node");
        Ledger::of(&mappings, &input(), Allocator::Glibc, None);
    }

    #[test]
    fn shuffled_lines_are_survived(text in "([0-9a-f]{1,17}-[0-9a-f]{1,17} [rwxps-]{4} 0 0:0 [0-9]{1,3} ?[a-z/\\[\\]]{0,9}\n|Rss: [0-9]{1,22} kB\n|VmFlags: (dc|nr| ){0,4}\n){0,30}") {
        let mut mappings = smaps::parse(text.as_bytes()).unwrap();
        classify(&mut mappings, "/a");
        Ledger::of(&mappings, &input(), Allocator::Glibc, Some(malloc()));
    }
}
