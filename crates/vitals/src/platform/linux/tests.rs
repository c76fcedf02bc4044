//! Trees of `/proc` and `/sys/fs/cgroup` written by the tests, as different systems have them.

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::sample::CgroupVersion;

/// A root directory with files of the kernel in it.
struct Tree(TempDir);

impl Tree {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.write(path, text);
        self
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.0.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn open(&self) -> Linux {
        Linux::open_at(self.0.path())
    }

    fn cgroup(&self) -> CgroupFigures {
        self.open().read().cgroup.unwrap()
    }

    fn limit_name(&self) -> String {
        let mut linux = self.open();
        linux.read();
        linux.limit_names().cgroup.unwrap()
    }

    fn reason(&self, name: &str) -> String {
        let capabilities = self.open().capabilities();
        let found = capabilities.into_iter().find(|c| c.name == name).unwrap();
        assert!(!found.available, "{name} is available");
        found.reason
    }
}

const V2_MOUNT: &str = "35 30 0:31 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
const V1_MOUNT: &str =
    "36 30 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n";
const UNLIMITED_V1: &str = "9223372036854771712\n";

fn v2(group: &str) -> Tree {
    Tree::new()
        .file("proc/self/cgroup", format!("0::{group}\n"))
        .file("proc/self/mountinfo", V2_MOUNT)
}

fn v1(group: &str) -> Tree {
    Tree::new()
        .file(
            "proc/self/cgroup",
            format!("12:cpu,cpuacct:/x\n4:memory:{group}\n1:name=systemd:/y\n"),
        )
        .file("proc/self/mountinfo", V1_MOUNT)
}

/// Kubernetes and Docker on v2: the container sees its own group as the root.
#[test]
fn v2_container_in_its_own_namespace() {
    let tree = v2("/")
        .file("sys/fs/cgroup/memory.current", "300000000\n")
        .file("sys/fs/cgroup/memory.max", "536870912\n")
        .file("sys/fs/cgroup/memory.high", "500000000\n")
        .file("sys/fs/cgroup/memory.stat", "anon 1\nfile 2\ninactive_file 50000000\nactive_file 3\n")
        .file("sys/fs/cgroup/memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n")
        .file("sys/fs/cgroup/memory.swap.current", "4096\n")
        .file("sys/fs/cgroup/memory.swap.max", "0\n")
        .file("sys/fs/cgroup/memory.oom.group", "1\n")
        .file("sys/fs/cgroup/cgroup.events", "populated 1\nfrozen 0\n")
        .file("sys/fs/cgroup/memory.pressure", "some avg10=1.50 avg60=0.20 avg300=0.00 total=1\nfull avg10=0.50 avg60=0.10 avg300=0.00 total=1\n");
    assert_eq!(
        tree.cgroup(),
        CgroupFigures {
            version: CgroupVersion::V2,
            usage_bytes: 300_000_000,
            working_set_bytes: 250_000_000,
            limit_bytes: Some(536_870_912),
            limit_used_bytes: Some(250_000_000),
            limit_active_file_bytes: Some(3),
            high_bytes: Some(500_000_000),
            high_used_bytes: Some(250_000_000),
            swap_bytes: Some(4096),
            swap_limit_bytes: Some(0),
            oom_kills: Some(2),
            oom_group: Some(true),
        }
    );
    assert_eq!(tree.limit_name(), "/sys/fs/cgroup/memory.max");
    let pressure = tree.open().read().pressure.unwrap();
    assert_eq!(pressure.scope, PressureScope::Cgroup);
    assert!((pressure.some_avg10 - 0.015).abs() < 1e-9);
    assert!((pressure.full_avg60 - 0.001).abs() < 1e-9);
}

#[test]
fn v2_nested_the_fullest_ancestor_counts_and_is_named() {
    let tree = v2("/user.slice/app.service")
        .file("sys/fs/cgroup/user.slice/memory.current", "900000000")
        .file("sys/fs/cgroup/user.slice/memory.max", "1000000000")
        .file("sys/fs/cgroup/user.slice/memory.stat", "inactive_file 0")
        .file(
            "sys/fs/cgroup/user.slice/app.service/memory.current",
            "300000000",
        )
        .file(
            "sys/fs/cgroup/user.slice/app.service/memory.max",
            "500000000",
        )
        .file(
            "sys/fs/cgroup/user.slice/app.service/memory.stat",
            "inactive_file 0",
        );
    let figures = tree.cgroup();
    assert_eq!(
        figures.usage_bytes, 300_000_000,
        "the figures are our own group's"
    );
    assert_eq!(figures.limit_bytes, Some(1_000_000_000));
    assert_eq!(
        figures.limit_used_bytes,
        Some(900_000_000),
        "neighbours included"
    );
    assert_eq!(tree.limit_name(), "/sys/fs/cgroup/user.slice/memory.max");

    tree.write("sys/fs/cgroup/user.slice/memory.max", "max\n");
    assert_eq!(tree.cgroup().limit_bytes, Some(500_000_000));
    let name = tree.limit_name();
    assert_eq!(name, "/sys/fs/cgroup/user.slice/app.service/memory.max");
}

#[test]
fn limits_that_change_in_place_are_noticed() {
    let tree = v2("/a/b")
        .file("sys/fs/cgroup/a/memory.current", "50")
        .file("sys/fs/cgroup/a/b/memory.current", "40")
        .file("sys/fs/cgroup/a/b/memory.max", "max");
    let mut linux = tree.open();
    assert_eq!(linux.read().cgroup.unwrap().limit_bytes, None);
    tree.write("sys/fs/cgroup/a/memory.max", "100");
    assert_eq!(
        linux.read().cgroup.unwrap().limit_bytes,
        None,
        "limits are read once a minute"
    );
    linux.expire();
    let figures = linux.read().cgroup.unwrap();
    assert_eq!(
        (figures.limit_bytes, figures.limit_used_bytes),
        (Some(100), Some(50))
    );
}

#[test]
fn a_process_that_is_moved_is_followed() {
    let tree = v2("/a")
        .file("sys/fs/cgroup/a/memory.current", "10")
        .file("sys/fs/cgroup/b/memory.current", "20");
    let mut linux = tree.open();
    assert_eq!(linux.read().cgroup.unwrap().usage_bytes, 10);
    tree.write("proc/self/cgroup", "0::/b\n");
    linux.expire();
    assert_eq!(linux.read().cgroup.unwrap().usage_bytes, 20);
}

/// Docker on v1 without a cgroup namespace: the mount shows the container's own group.
#[test]
fn v1_docker() {
    let tree = v1("/docker/c0ffee")
        .file("proc/self/mountinfo", "36 30 0:32 /docker/c0ffee /sys/fs/cgroup/memory ro,nosuid master:15 - cgroup cgroup rw,memory\n")
        .file("sys/fs/cgroup/memory/memory.usage_in_bytes", "200000000")
        .file("sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456")
        .file("sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", "536870912")
        .file("sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
        .file("sys/fs/cgroup/memory/memory.stat", "cache 1\ninactive_file 9\ntotal_inactive_file 20000000\ntotal_swap 77\nhierarchical_memory_limit 268435456\n");
    let figures = tree.cgroup();
    assert_eq!(figures.version, CgroupVersion::V1);
    assert_eq!(
        figures.working_set_bytes, 180_000_000,
        "the whole group's cache counts"
    );
    assert_eq!(figures.limit_bytes, Some(268_435_456));
    assert_eq!(figures.swap_bytes, Some(77));
    assert_eq!(figures.swap_limit_bytes, Some(268_435_456));
    assert_eq!(figures.oom_kills, Some(3));
    assert_eq!(figures.oom_group, None);
}

/// Kubernetes on v1: three levels, the limits on pod and container.
#[test]
fn v1_kubernetes_nested() {
    let pod = "sys/fs/cgroup/memory/kubepods/burstable/pod1";
    let tree = v1("/kubepods/burstable/pod1/c1")
        .file("sys/fs/cgroup/memory/memory.usage_in_bytes", "9")
        .file("sys/fs/cgroup/memory/memory.limit_in_bytes", UNLIMITED_V1)
        .file(&format!("{pod}/memory.usage_in_bytes"), "90")
        .file(&format!("{pod}/memory.limit_in_bytes"), "200")
        .file(&format!("{pod}/c1/memory.usage_in_bytes"), "80")
        .file(&format!("{pod}/c1/memory.limit_in_bytes"), "100");
    let figures = tree.cgroup();
    assert_eq!(
        (figures.limit_bytes, figures.limit_used_bytes),
        (Some(100), Some(80))
    );
    assert!(tree.limit_name().ends_with("pod1/c1/memory.limit_in_bytes"));
}

#[test]
fn v1_unlimited_is_no_limit_unless_an_invisible_ancestor_has_one() {
    let tree = v1("/")
        .file("sys/fs/cgroup/memory/memory.usage_in_bytes", "80")
        .file("sys/fs/cgroup/memory/memory.limit_in_bytes", UNLIMITED_V1)
        .file(
            "sys/fs/cgroup/memory/memory.stat",
            format!("hierarchical_memory_limit {UNLIMITED_V1}"),
        );
    assert_eq!(tree.cgroup().limit_bytes, None);
    tree.write(
        "sys/fs/cgroup/memory/memory.stat",
        "total_inactive_file 10\nhierarchical_memory_limit 100\n",
    );
    let figures = tree.cgroup();
    assert_eq!(
        (figures.limit_bytes, figures.limit_used_bytes),
        (Some(100), Some(70))
    );
    assert_eq!(tree.limit_name(), "/sys/fs/cgroup/memory/memory.stat");
}

#[test]
fn v1_without_hierarchy_ancestors_do_not_count() {
    let tree = v1("/a/b")
        .file("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "1")
        .file("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1")
        .file("sys/fs/cgroup/memory/a/memory.use_hierarchy", "0\n")
        .file("sys/fs/cgroup/memory/a/b/memory.usage_in_bytes", "1")
        .file("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "50");
    assert_eq!(tree.cgroup().limit_bytes, Some(50));
}

/// systemd's hybrid layout: the memory controller is on v1, the pressure file on v2.
#[test]
fn hybrid() {
    let tree = Tree::new()
        .file(
            "proc/self/cgroup",
            "4:memory:/app\n1:name=systemd:/app\n0::/app\n",
        )
        .file(
            "proc/self/mountinfo",
            format!("{V1_MOUNT}41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"),
        )
        .file("sys/fs/cgroup/memory/app/memory.usage_in_bytes", "80")
        .file("sys/fs/cgroup/memory/app/memory.limit_in_bytes", "100")
        .file("sys/fs/cgroup/unified/app/cgroup.events", "populated 1\n")
        .file(
            "sys/fs/cgroup/unified/app/memory.pressure",
            "some avg10=9.00 avg60=0.00 avg300=0.00 total=0\n",
        )
        .file(
            "proc/pressure/memory",
            "some avg10=1.00 avg60=0.00 avg300=0.00 total=0\n",
        );
    assert_eq!(tree.cgroup().version, CgroupVersion::V1);
    let pressure = tree.open().read().pressure.unwrap();
    assert_eq!(pressure.scope, PressureScope::Cgroup);
    assert!((pressure.some_avg10 - 0.09).abs() < 1e-9);
}

/// The pressure file of the root group is the machine's.
#[test]
fn hybrid_in_the_unified_root() {
    let tree = Tree::new()
        .file("proc/self/cgroup", "4:memory:/\n0::/\n")
        .file(
            "proc/self/mountinfo",
            format!("{V1_MOUNT}41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"),
        )
        .file("sys/fs/cgroup/memory/memory.usage_in_bytes", "80")
        .file(
            "sys/fs/cgroup/unified/memory.pressure",
            "some avg10=9.00 avg60=0.00 avg300=0.00 total=0\n",
        )
        .file(
            "proc/pressure/memory",
            "some avg10=9.00 avg60=0.00 avg300=0.00 total=0\n",
        );
    let pressure = tree.open().read().pressure.unwrap();
    assert_eq!(pressure.scope, PressureScope::Machine);
}

/// Hybrid as above, but memory is not among the v1 controllers.
#[test]
fn memory_on_v2_while_others_are_on_v1() {
    let tree = Tree::new()
        .file("proc/self/cgroup", "2:cpu:/app\n0::/app\n")
        .file(
            "proc/self/mountinfo",
            format!("35 30 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n{V2_MOUNT}"),
        )
        .file("sys/fs/cgroup/app/memory.current", "80");
    assert_eq!(tree.cgroup().version, CgroupVersion::V2);
}

/// A container that sees the host's path, which doesn't exist below its mount.
#[test]
fn a_path_outside_of_the_mount_falls_back_to_the_mount_point() {
    for group in ["/kubepods.slice/pod1/cri-1.scope", "/../../other", "/.."] {
        let tree = v2(group)
            .file("sys/fs/cgroup/memory.current", "80")
            .file("sys/fs/cgroup/memory.max", "100");
        assert_eq!(tree.cgroup().limit_bytes, Some(100), "{group}");
    }
}

#[test]
fn a_mount_point_with_a_blank_in_its_name() {
    let tree = Tree::new()
        .file("proc/self/cgroup", "0::/\n")
        .file(
            "proc/self/mountinfo",
            "35 30 0:31 / /mnt/c\\040g rw - cgroup2 none rw\n",
        )
        .file("mnt/c g/memory.current", "80");
    assert_eq!(tree.cgroup().usage_bytes, 80);
}

#[test]
fn the_root_group_of_v2_has_no_figures_and_says_so() {
    let tree = v2("/").file("sys/fs/cgroup/cgroup.procs", "1\n");
    assert_eq!(tree.open().read().cgroup, None);
    assert!(tree.reason("cgroup").contains("root group"));
}

#[test]
fn an_empty_root_gives_no_figures_and_a_reason_each() {
    let tree = Tree::new();
    let reading = tree.open().read();
    assert_eq!(reading.process, ProcessFigures::default());
    assert_eq!(
        (reading.cgroup, reading.pressure, reading.machine),
        (None, None, None)
    );
    for name in [
        "process",
        "processSwap",
        "machine",
        "cgroup",
        "memoryPressure",
    ] {
        assert!(tree.reason(name).contains("does not exist"), "{name}");
    }
}

#[test]
fn a_group_that_vanishes_takes_its_figures_along() {
    let tree = v2("/a")
        .file("sys/fs/cgroup/a/memory.current", "10")
        .file("sys/fs/cgroup/a/memory.max", "20");
    let mut linux = tree.open();
    assert!(linux.read().cgroup.is_some());
    // A removed group's open file gives an error; a truncated one is the nearest a test can get.
    tree.write("sys/fs/cgroup/a/memory.current", "");
    assert_eq!(linux.read().cgroup, None);
}

#[test]
fn numbers_beyond_all_bounds_are_no_numbers() {
    let tree = v2("/")
        .file("sys/fs/cgroup/memory.current", "18446744073709551615")
        .file("sys/fs/cgroup/memory.max", "99999999999999999999999")
        .file("sys/fs/cgroup/memory.high", "-5")
        .file(
            "sys/fs/cgroup/memory.stat",
            "inactive_file 18446744073709551615\n",
        );
    let figures = tree.cgroup();
    assert_eq!(figures.usage_bytes, u64::MAX);
    assert_eq!(figures.working_set_bytes, 0);
    assert_eq!((figures.limit_bytes, figures.high_bytes), (None, None));
}

#[test]
fn process_and_machine_figures() {
    let tree = Tree::new()
        .file("proc/self/statm", "1000 200 50 5 0 300 0\n")
        .file(
            "proc/self/stat",
            "42 (a) b (c) S 1 1 1 0 -1 4194304 100 0 17 0 250 50 0 0 20 0 11 0 5 0 0\n",
        )
        .file("proc/self/status", "Name:\tnode\nVmSwap:\t     128 kB\n")
        .file(
            "proc/meminfo",
            "MemTotal:       2048 kB\nMemFree: 512 kB\nMemAvailable:   1024 kB\nSwapTotal:  0 kB\n",
        );
    let mut linux = tree.open();
    let reading = linux.read();
    let page = rustix::param::page_size() as u64;
    assert_eq!(
        reading.process,
        ProcessFigures {
            rss_bytes: 200 * page,
            virtual_bytes: Some(1000 * page),
            data_bytes: Some(300 * page),
            swap_bytes: Some(128 * 1024),
            threads: Some(11),
            cpu_ms: Some(300 * 1000 / linux.ticks_per_second),
            major_faults: Some(17),
        }
    );
    let machine = reading.machine.unwrap();
    assert_eq!(machine.available_bytes, 1024 * 1024);
    assert_eq!(machine.swap_total_bytes, Some(0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn garbage_in_any_file_is_survived(
        texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 9),
        broken in 0u16..512,
    ) {
        let good: [(&str, &[u8]); 9] = [
            ("proc/self/cgroup", b"0::/a\n"),
            ("proc/self/mountinfo", V2_MOUNT.as_bytes()),
            ("proc/self/stat", b"1 (x) S 1"),
            ("proc/self/statm", b"1 2 3"),
            ("proc/meminfo", b"MemTotal: 1 kB\n"),
            ("proc/pressure/memory", b"some avg10=0.00\n"),
            ("sys/fs/cgroup/a/memory.current", b"10"),
            ("sys/fs/cgroup/a/memory.max", b"max"),
            ("sys/fs/cgroup/a/memory.stat", b"inactive_file 1\n"),
        ];
        let tree = Tree::new();
        for (i, (path, text)) in good.into_iter().enumerate() {
            let garbage = broken & (1 << i) != 0;
            tree.write(path, if garbage { &texts[i][..] } else { text });
        }
        let mut linux = tree.open();
        linux.read();
        linux.expire();
        linux.read();
        linux.capabilities();
        linux.limit_names();
    }

    #[test]
    fn numbers_are_read_back(value in any::<u64>(), before in "[ \t]{0,3}", after in "[^0-9]{0,9}") {
        let text = format!("{before}{value}{after}");
        prop_assert_eq!(parse::number(text.as_bytes()), Some(value));
    }

    #[test]
    fn parsers_survive_any_bytes(text in prop::collection::vec(any::<u8>(), 0..400)) {
        parse::number(&text);
        parse::field(&text, 3);
        parse::named(&text, "a");
        parse::named_kb(&text, "");
        let _ = parse::limit(&text);
        parse::pressure(&text);
        parse::stat(&text);
    }
}
