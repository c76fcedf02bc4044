//! V8's worker threads, and whether one of them works.
//!
//! A job that runs on a worker while the process is forked stays half done in the child for ever, and V8 waits for it.
//! Idle, all workers wait for one condition. Their threads are learned while nothing happens yet; later a look at the
//! state of each tells.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Waiters of one condition have futexes within this distance of each other.
const SAME_CONDITION: u64 = 1024;
/// Stacks begin at multiples of this.
const LEAST_PAGE: u64 = 4096;
/// How often a busy worker is looked at again.
const LOOK: Duration = Duration::from_micros(50);

/// V8's workers, by the files that tell their states.
#[derive(Debug, Default)]
pub struct Workers(Vec<File>);

/// What was learned of this process; empty before.
static LEARNED: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// Learns which threads are V8's workers, unless that is known. Cheap enough for a start-up, on a thread of its own.
pub fn learn(proc_root: &Path) {
    let mut learned = LEARNED.lock().unwrap_or_else(PoisonError::into_inner);
    let threads = threads(proc_root);
    let found = find(&threads, std::process::id().cast_signed());
    // Busy workers are not recognised: a later look may find more.
    if found.len() > learned.len() {
        *learned = found;
    }
}

/// One thread, as the kernel tells.
struct Thread {
    id: i32,
    name: String,
    /// The address of the futex that it waits for.
    futex: Option<u64>,
}

fn threads(proc_root: &Path) -> Vec<Thread> {
    let Ok(entries) = std::fs::read_dir(proc_root.join("self/task")) else {
        return Vec::new();
    };
    let mut threads: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let read = |name| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
            let call = read("syscall");
            let mut words = call.split_ascii_whitespace();
            let is_futex = words.next()?.parse() == Ok(libc::SYS_futex);
            let address = words.next().and_then(|word| word.strip_prefix("0x"));
            Some(Thread {
                id,
                name: read("comm").trim().to_owned(),
                futex: address
                    .filter(|_| is_futex)
                    .and_then(|digits| u64::from_str_radix(digits, 16).ok()),
            })
        })
        .collect();
    threads.sort_unstable_by_key(|thread| thread.id);
    threads
}

/// By name where Node gives them one (24 on); else the first group of threads that waits for one condition (libuv's
/// pool is such a group too, but is started later); else the threads that were started right after the first.
fn find(threads: &[Thread], main: i32) -> Vec<i32> {
    let named: Vec<_> = threads
        .iter()
        .filter(|thread| thread.name.ends_with("V8Worker"))
        .map(|thread| thread.id)
        .collect();
    if !named.is_empty() {
        return named;
    }
    let waiting = || {
        threads
            .iter()
            .filter(|thread| thread.id != main)
            .filter_map(|thread| Some((thread.id, thread.futex?)))
    };
    let rules: [fn(u64, u64) -> bool; 2] = [
        |one, other| one.abs_diff(other) < SAME_CONDITION,
        // With musl each waits for a word on its own stack: at the same depth, where they wait for the same.
        |one, other| one % LEAST_PAGE == other % LEAST_PAGE,
    ];
    for belong_together in rules {
        for (_, futex) in waiting() {
            let group: Vec<_> = waiting()
                .filter(|(_, other)| belong_together(futex, *other))
                .map(|(id, _)| id)
                .collect();
            if group.len() > 1 {
                return group;
            }
        }
    }
    // Others that are among these wait all the time: one too many does no harm.
    threads
        .iter()
        .map(|thread| thread.id)
        .filter(|id| *id > main)
        .take(6)
        .collect()
}

impl Workers {
    /// Those of this process.
    pub fn open(proc_root: &Path) -> Self {
        learn(proc_root);
        let learned = LEARNED.lock().unwrap_or_else(PoisonError::into_inner);
        let files = learned
            .iter()
            .filter_map(|id| File::open(proc_root.join(format!("self/task/{id}/stat"))).ok());
        Self(files.collect())
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many do something now.
    pub fn busy(&self) -> usize {
        self.0.iter().filter(|file| is_busy(file)).count()
    }

    /// Waits until none is busy, but not for longer than `most`. Answers how many still are.
    pub fn wait_until_idle(&self, most: Duration) -> usize {
        let start = Instant::now();
        loop {
            let busy = self.busy();
            if busy == 0 || start.elapsed() >= most {
                return busy;
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// A thread that is gone is not busy.
fn is_busy(stat: &File) -> bool {
    let mut text = [0; 96];
    let length = stat.read_at(&mut text, 0).unwrap_or(0);
    state(&text[..length]).is_some_and(|state| state != b'S')
}

/// The state stands behind the name, which stands in parentheses and may hold some itself.
fn state(stat: &[u8]) -> Option<u8> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(end + 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(id: i32, name: &str, futex: Option<u64>) -> Thread {
        Thread {
            id,
            name: name.to_owned(),
            futex,
        }
    }

    #[test]
    fn named_workers_are_found_busy_or_not() {
        let threads = [
            thread(7, "node-MainThread", None),
            thread(8, "DelayedTaskSche", None),
            thread(9, "node-V8Worker", Some(0x1000)),
            thread(10, "node-V8Worker", None),
            thread(11, "libuv-worker", Some(0x9000)),
            thread(12, "libuv-worker", Some(0x9000)),
        ];
        assert_eq!(find(&threads, 7), [9, 10]);
    }

    #[test]
    fn nameless_workers_are_the_first_group_that_waits_together() {
        let threads = [
            thread(7, "node", None),
            thread(8, "node", None),
            thread(9, "node", Some(0x5000)),
            thread(10, "node", Some(0x5004)),
            thread(13, "node", Some(0x9_0000)),
            thread(20, "node", Some(0x100_0000)),
            thread(21, "node", Some(0x100_0000)),
        ];
        assert_eq!(find(&threads, 7), [9, 10]);
    }

    #[test]
    fn with_musl_they_are_the_first_that_wait_at_one_depth_of_their_stacks() {
        let threads = [
            thread(25_853, "node", None),
            thread(25_858, "node", None),
            thread(25_859, "node", Some(0x7f77_258e_a8d4)),
            thread(25_860, "node", Some(0x7f77_250e_78d4)),
            // Busy.
            thread(25_861, "node", None),
            thread(25_862, "node", Some(0x7f77_240e_18d4)),
            thread(25_863, "node", Some(0x556b_ac37_ec40)),
            thread(25_870, "node", Some(0x7f77_1000_0c10)),
            thread(25_871, "node", Some(0x7f77_1100_0c10)),
        ];
        assert_eq!(find(&threads, 25_853), [25_859, 25_860, 25_862]);
    }

    #[test]
    fn where_no_two_wait_alike_the_first_threads_are_taken() {
        let threads = [
            thread(7, "node", None),
            thread(8, "node", Some(0x10_0010)),
            thread(19, "node", Some(0x20_0020)),
            thread(20, "node", None),
        ];
        assert_eq!(find(&threads, 7), [8, 19, 20]);
        assert_eq!(find(&[], 7), [] as [i32; 0]);
    }

    #[test]
    fn a_state_is_read_behind_any_name() {
        assert_eq!(state(b"12 (a) R) S 1 2"), Some(b'S'));
        assert_eq!(state(b"12 (node) R 1 2"), Some(b'R'));
        assert_eq!(state(b"12"), None);
    }
}
