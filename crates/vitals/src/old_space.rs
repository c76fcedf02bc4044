//! The old-space limit: where V8 really gives up.
//!
//! V8 reports one limit, `heap_size_limit`, which is the old space plus three semi-spaces of the
//! young generation. V8 gives up when what survives fills the *old space*. With small heaps the
//! difference is large: with `--max-old-space-size=64`, Node 24 reports 256 MB.
//!
//! # What was measured
//! On the official Linux x64 binaries of Node 18.20, 20.20, 22.23, 24.21 and 26.10, by the limit
//! that V8 hands to a near-heap-limit callback (the table is in the tests):
//! - `heap_size_limit = old space + 3 × semi-space`, exactly, in every case, workers included.
//! - `--max-old-space-size` sets the old space and leaves the semi-space alone, and it **overrides
//!   a worker's `resourceLimits.maxOldGenerationSizeMb`**; `--max-semi-space-size` overrides
//!   `maxYoungGenerationSizeMb` likewise.
//! - `--max-semi-space-size` and a third of `maxYoungGenerationSizeMb` are rounded up to a power of
//!   two.
//! - `--max-heap-size` sets the sum; the semi-space then follows from it.
//! - Without flags, the old space is half of the memory (machine or cgroup, the lesser) between 256
//!   MB and 2 GB, or 4 GB from about 15 GB of memory on, and the semi-space follows from that by a
//!   rule that differs between Node lines; on a big machine it is 16 MB up to Node 22, 64 MB on 24,
//!   32 MB on 26.

const MB: u64 = 1024 * 1024;

/// V8 rounds sizes to pages of 256 KB; a remainder up to this is rounding.
const ROUNDING: u64 = MB;

/// The flags that shape the heap, as the process was started with them.
///
/// A flag that is given twice counts as given last, as V8 has it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeapFlags {
    /// `--max-old-space-size`, in MB.
    pub max_old_space_mb: Option<u64>,
    /// `--max-semi-space-size`, in MB.
    pub max_semi_space_mb: Option<u64>,
    /// `--max-heap-size`, in MB.
    pub max_heap_mb: Option<u64>,
    /// `--max-old-space-size-percentage`, on Node lines that know it.
    pub max_old_space_percentage: Option<f64>,
}

impl HeapFlags {
    /// Reads the flags from `NODE_OPTIONS` and then `process.execArgv`, which is the order of their
    /// precedence. `-` and `_` mean the same, as in V8. What isn't understood is ignored: V8 has
    /// accepted or refused it already.
    pub fn parse<'a>(node_options: &'a str, exec_argv: impl IntoIterator<Item = &'a str>) -> Self {
        let mut flags = Self::default();
        let from_environment = node_options
            .split_whitespace()
            .map(|word| word.trim_matches('"'));
        for argument in from_environment.chain(exec_argv) {
            flags.take(argument);
        }
        flags
    }

    fn take(&mut self, argument: &str) {
        let Some(flag) = argument.strip_prefix("--") else {
            return;
        };
        let Some((name, value)) = flag.split_once('=') else {
            return;
        };
        // V8 takes 0 for "not set".
        let megabytes = || value.parse::<u64>().ok().filter(|mb| *mb > 0);
        match name.replace('_', "-").as_str() {
            "max-old-space-size" => self.max_old_space_mb = megabytes(),
            "max-semi-space-size" => self.max_semi_space_mb = megabytes(),
            "max-heap-size" => self.max_heap_mb = megabytes(),
            "max-old-space-size-percentage" => self.max_old_space_percentage = value.parse().ok(),
            _ => {}
        }
    }
}

/// What is known of an isolate's heap from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OldSpaceFacts {
    /// Major version of Node.
    pub node_major: u32,
    /// The process's flags.
    pub flags: HeapFlags,
    /// The machine's memory or the cgroup's limit, the lesser: what Node told V8 at start.
    pub memory_bytes: u64,
    /// A worker's `resourceLimits.maxYoungGenerationSizeMb`, as the worker itself reads it
    /// (V8 fills in its default).
    pub worker_young_mb: Option<f64>,
    /// A worker's `resourceLimits.maxOldGenerationSizeMb`, likewise.
    pub worker_old_mb: Option<f64>,
}

/// The old-space limit in bytes of an isolate whose `heap_size_limit` is `heap_size_limit`.
///
/// Right also after the limit was raised (a near-heap-limit callback raises the old space alone) as
/// long as `facts` give the semi-space without it; else call [`semi_space_size`] once, with the
/// limit the isolate started with, and subtract three times its result.
pub fn old_space_limit(heap_size_limit: u64, facts: &OldSpaceFacts) -> u64 {
    heap_size_limit.saturating_sub(semi_space_size(heap_size_limit, facts).saturating_mul(3))
}

/// The maximal semi-space in bytes of an isolate that started with `heap_size_limit`.
///
/// Tries, in this order, what settles it: the flag, the worker's own limit, an old space that is
/// known and leaves three times a power of two, the rule of the Node line.
pub fn semi_space_size(heap_size_limit: u64, facts: &OldSpaceFacts) -> u64 {
    let flags = &facts.flags;
    if let Some(mb) = flags.max_semi_space_mb {
        return power_of_two(mb.saturating_mul(MB));
    }
    if let Some(mb) = facts.worker_young_mb.filter(|mb| *mb > 0.0) {
        return power_of_two((mb * MB as f64 / 3.0) as u64);
    }
    if flags.max_heap_mb.is_some() && flags.max_old_space_mb.is_none() {
        return semi_space_of_heap(heap_size_limit, facts.node_major);
    }
    let worker_old = facts.worker_old_mb.map(|mb| (mb * MB as f64) as u64);
    let known_old = match (flags.max_old_space_mb, flags.max_old_space_percentage) {
        (Some(mb), _) => Some(mb.saturating_mul(MB)),
        (None, Some(_)) => None,
        (None, None) => worker_old.or_else(|| default_old_space(facts.memory_bytes)),
    };
    known_old
        .and_then(|old| semi_space_left(heap_size_limit, old))
        .unwrap_or_else(|| default_semi_space(facts.memory_bytes, facts.node_major))
}

/// The semi-space, if three of a power of two fit between the old space and the limit.
fn semi_space_left(heap_size_limit: u64, old_space: u64) -> Option<u64> {
    let semi = heap_size_limit.checked_sub(old_space)? / 3;
    let exact = semi
        .saturating_add(ROUNDING / 3 / 2)
        .checked_next_power_of_two()?;
    [exact, exact / 2]
        .into_iter()
        .find(|size| *size >= MB / 2 && size.abs_diff(semi) <= ROUNDING / 3)
}

/// V8's default old space by memory.
fn default_old_space(memory_bytes: u64) -> Option<u64> {
    if memory_bytes == 0 {
        return None;
    }
    let most = if memory_bytes >= 15 * 1024 * MB {
        4096 * MB
    } else {
        2048 * MB
    };
    Some((memory_bytes / 2).clamp(256 * MB, most))
}

/// How a Node line derives the semi-space from the old space: the part of it, the bounds, and the
/// old space up to which the least is taken.
struct YoungRule {
    part: u64,
    /// The part of the whole heap, when that is what is given.
    part_of_heap: u64,
    least: u64,
    most: u64,
    low_memory: u64,
}

impl YoungRule {
    fn of(node_major: u32) -> Self {
        let (part, part_of_heap, least, most, low_memory) = match node_major {
            0..=22 => (128, 131, MB, 16 * MB, 256 * MB),
            23..=25 => (32, 35, MB, 64 * MB, 256 * MB),
            _ => (64, 32, 2 * MB, 32 * MB, 0),
        };
        Self {
            part,
            part_of_heap,
            least,
            most,
            low_memory,
        }
    }

    fn semi_space(&self, old_space: u64) -> u64 {
        if old_space <= self.low_memory {
            return self.least;
        }
        power_of_two(old_space / self.part).clamp(self.least, self.most)
    }
}

fn default_semi_space(memory_bytes: u64, node_major: u32) -> u64 {
    let rule = YoungRule::of(node_major);
    if memory_bytes == 0 {
        return rule.most;
    }
    rule.semi_space((memory_bytes / 2).min(4096 * MB))
}

/// With `--max-heap-size`, the sum is known and the parts follow from it: V8 looks for the largest
/// old space that fits together with the young generation it asks for, and rounds what is left for
/// the young one up.
fn semi_space_of_heap(heap_size: u64, node_major: u32) -> u64 {
    let rule = YoungRule::of(node_major);
    let semi = heap_size / rule.part_of_heap;
    if heap_size - 3 * semi <= rule.low_memory {
        return rule.least;
    }
    power_of_two(semi).clamp(rule.least, rule.most)
}

fn power_of_two(bytes: u64) -> u64 {
    bytes
        .checked_next_power_of_two()
        .unwrap_or(bytes)
        .max(MB / 2)
}

#[cfg(test)]
#[path = "old_space_tests.rs"]
mod tests;
