//! Random operations against a plain model: a cache may forget, but never answers what is not so, and never holds
//! more than its bound.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed test is to panic"
)]

mod support;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use memguard_cache::{Cache, Error, MAX_KEY_BYTES, Meta, Words};
use support::{Random, cache, get, keys};

/// A copy as JavaScript keeps it.
struct Copy {
    words: Arc<Words>,
    meta: Meta,
    value: Vec<u8>,
}

impl Copy {
    fn of(cache: &Cache, meta: Meta, value: &[u8]) -> Self {
        let words = cache.words(meta.place, meta.words).unwrap();
        Self {
            words,
            meta,
            value: value.to_vec(),
        }
    }

    fn is_current(&self) -> bool {
        assert!((self.meta.index as usize) < self.words.count());
        // SAFETY: within the words, which `self` keeps alive; all access is atomic.
        let word =
            unsafe { AtomicU32::from_ptr(self.words.as_ptr().add(self.meta.index as usize)) };
        let current = word.load(SeqCst) | 1 == self.meta.version;
        if current {
            word.fetch_or(1, SeqCst);
        }
        current
    }
}

struct Entry {
    value: Vec<u8>,
    expires: Option<u64>,
}

fn value(random: &mut Random, largest: u64) -> Vec<u8> {
    let longest = match random.below(100) {
        0..60 => 200,
        60..95 => 3_000.min(largest),
        _ => largest,
    };
    let mut bytes = vec![0; random.below(longest) as usize];
    for chunk in bytes.chunks_mut(8) {
        let number = random.next().to_le_bytes();
        chunk.copy_from_slice(&number[..chunk.len()]);
    }
    bytes
}

/// `operations` on a cache; with `forgets` false it must not lose anything.
fn run(seed: u64, bound: u64, universe: u64, operations: u32, largest: u64, forgets: bool) {
    let mut random = Random(seed);
    let (cache, clock) = cache(bound);
    let mut now = 0;
    let mut model: HashMap<Vec<u8>, Entry> = HashMap::new();
    let mut copies: HashMap<Vec<u8>, Copy> = HashMap::new();
    for step in 0..operations {
        let key = format!("key {}", random.below(universe)).into_bytes();
        match random.below(1000) {
            0..450 => {
                let found = get(&cache, &key);
                let expected = model
                    .get(&key)
                    .filter(|entry| entry.expires.is_none_or(|at| at > now));
                match (found, expected) {
                    (Some(found), Some(entry)) => {
                        assert_eq!(found, entry.value);
                        let meta = cache.peek(&key).unwrap();
                        copies.insert(key, Copy::of(&cache, meta, &found));
                    }
                    (None, Some(_)) => assert!(forgets, "step {step}: a value got lost"),
                    (Some(_), None) => panic!("step {step}: a value that is not there"),
                    (None, None) => {}
                }
            }
            450..850 => {
                let value = value(&mut random, largest);
                let ttl = if random.below(4) == 0 {
                    1 + random.below(500)
                } else {
                    0
                };
                let stored = cache.set(&key, &value, random.below(5) as u8, ttl).unwrap();
                assert!(stored.is_some() || forgets);
                if let Some(meta) = stored {
                    copies.insert(key.clone(), Copy::of(&cache, meta, &value));
                    let expires = (ttl > 0).then_some(now + ttl);
                    model.insert(key, Entry { value, expires });
                } else {
                    model.remove(&key);
                    assert_eq!(get(&cache, &key), None);
                }
            }
            850..930 => {
                let deleted = cache.delete(&key);
                let was = model
                    .remove(&key)
                    .is_some_and(|entry| entry.expires.is_none_or(|at| at > now));
                assert!(deleted == was || (forgets && !deleted));
                assert_eq!(get(&cache, &key), None);
            }
            930..980 => {
                now += random.below(20);
                clock.store(now, SeqCst);
            }
            980..990 => {
                let found = keys(&cache);
                let unique: BTreeSet<_> = found.iter().cloned().collect();
                assert_eq!(unique.len(), found.len());
                let expected = model
                    .values()
                    .filter(|entry| entry.expires.is_none_or(|at| at > now))
                    .count();
                assert!(unique.iter().all(|key| model.contains_key(key)));
                assert!(forgets || unique.len() == expected);
            }
            990..997 => {
                let tight = [None, Some(0.5), Some(0.1)][random.below(3) as usize];
                if forgets {
                    cache.set_pressure(tight);
                    while cache.shrink() {}
                    if tight.is_some() {
                        let stats = cache.stats();
                        assert!(
                            stats.bytes <= stats.limit_bytes || stats.size == 0,
                            "{stats:?}"
                        );
                    }
                }
            }
            _ if random.below(20) == 0 => {
                cache.clear();
                model.clear();
                assert_eq!(cache.size(), 0);
                assert!(copies.values().all(|copy| !copy.is_current()));
                copies.clear();
                // What the cache itself takes, not a byte for entries.
                assert!(cache.bytes() < 64 << 10, "{}", cache.bytes());
            }
            _ => {}
        }
        if let Some((key, copy)) = copies.iter().next()
            && copy.is_current()
        {
            assert_eq!(
                model.get(key).map(|entry| &entry.value),
                Some(&copy.value),
                "step {step}"
            );
        }
        assert!(
            cache.bytes() <= bound,
            "step {step}: {} of {bound}",
            cache.bytes()
        );
    }
    for (key, copy) in &copies {
        if copy.is_current() {
            assert_eq!(model.get(key).map(|entry| &entry.value), Some(&copy.value));
        }
    }
    let stats = cache.stats();
    assert!(stats.entry_bytes <= stats.bytes);
    assert!(stats.size <= model.len() as u64);
}

#[test]
fn a_cache_with_room_loses_nothing() {
    for seed in 0..8 {
        run(seed, 64 << 20, 300, 8_000, 20_000, false);
    }
}

#[test]
fn a_full_cache_forgets_but_never_errs() {
    for seed in 0..8 {
        run(seed, 1 << 20, 5_000, 20_000, 60_000, true);
    }
}

#[test]
fn a_full_cache_with_several_shards() {
    for seed in 0..2 {
        run(seed, 256 << 20, 60_000, 60_000, 200_000, true);
    }
}

#[test]
fn large_values_that_are_looked_at_are_never_overwritten() {
    let (cache, _) = cache(4 << 20);
    let value = |byte: u8| vec![byte; 900_000];
    cache.set(b"a", &value(1), 0, 0).unwrap().unwrap();
    let (view, _) = cache.view(b"a").unwrap();
    for byte in 2..50 {
        cache.set(b"a", &value(byte), 0, 0).unwrap();
        cache.set(&[byte], &value(byte), 0, 0).unwrap();
        assert!(cache.bytes() <= 4 << 20);
    }
    // SAFETY: `view` keeps the value alive, and nobody writes into it.
    let bytes = unsafe { std::slice::from_raw_parts(view.as_ptr(), view.value_len()) };
    assert!(bytes.iter().all(|&byte| byte == 1));
    let before = cache.bytes();
    drop(view);
    assert!(before - cache.bytes() >= 900_000);
}

#[test]
fn a_cache_full_of_views_refuses_and_keeps_its_bound() {
    let (cache, _) = cache(4 << 20);
    let mut views = Vec::new();
    let mut refused = false;
    for number in 0..10_u8 {
        refused = cache
            .set(&[number], &vec![number; 900_000], 0, 0)
            .unwrap()
            .is_none();
        if refused {
            assert_eq!(get(&cache, &[number]), None);
            break;
        }
        views.push(cache.view(&[number]).unwrap());
        assert!(cache.bytes() <= 4 << 20);
    }
    assert!(refused);
    assert_eq!(cache.stats().counters.rejected, 1);
    views.clear();
    assert!(
        cache
            .set(b"again", &vec![7; 900_000], 0, 0)
            .unwrap()
            .is_some()
    );
}

#[test]
fn what_is_too_large_is_said_and_changes_nothing() {
    let (cache, _) = cache(1 << 20);
    cache.set(b"k", b"old", 0, 0).unwrap().unwrap();
    let most = cache.max_entry_bytes();
    assert!(matches!(
        cache.set(b"k", &vec![0; most], 0, 0),
        Err(Error::TooLarge { .. })
    ));
    assert_eq!(get(&cache, b"k").unwrap(), b"old");
    assert!(cache.set(b"k", &vec![9; most - 1], 0, 0).unwrap().is_some());
    assert_eq!(get(&cache, b"k").unwrap().len(), most - 1);
    let long = vec![0; MAX_KEY_BYTES + 1];
    assert!(matches!(
        cache.set(&long, b"", 0, 0),
        Err(Error::KeyTooLong { .. })
    ));
    assert!(cache.set(&long[1..], b"", 0, 0).unwrap().is_some());
    assert_eq!(get(&cache, &long[1..]).unwrap(), b"");
}

#[test]
fn values_of_another_size_find_room_in_a_full_cache() {
    let (cache, _) = cache(8 << 20);
    for (round, size) in [40, 700, 90, 5_000, 16, 3_000, 300].into_iter().enumerate() {
        for number in 0..12_000_000 / (size + 100) {
            let key = format!("{round} {number}").into_bytes();
            assert!(
                cache
                    .set(&key, &vec![round as u8; size], 0, 0)
                    .unwrap()
                    .is_some()
            );
        }
        assert!(cache.bytes() <= 8 << 20);
        let stats = cache.stats();
        let used = stats.entry_bytes as f64 / stats.bytes as f64;
        assert!(
            used > 0.8,
            "of what is held, {used} are entries of {size} bytes"
        );
    }
}

#[test]
fn entries_that_are_over_go_without_being_asked_for() {
    let (cache, clock) = cache(8 << 20);
    for number in 0..1_000_u32 {
        cache
            .set(&number.to_le_bytes(), b"short-lived", 0, 10)
            .unwrap();
    }
    clock.store(11, SeqCst);
    for number in 0..1_000_u32 {
        cache.set(b"other", &number.to_le_bytes(), 0, 0).unwrap();
    }
    assert_eq!(cache.size(), 1);
    assert_eq!(cache.stats().counters.expired, 1_000);
}

#[test]
fn pressure_gives_memory_back_and_takes_it_again() {
    let (cache, _) = cache(64 << 20);
    let fill = || {
        for number in 0..250_000_u32 {
            cache
                .set(format!("key {number}").as_bytes(), &[1; 150], 0, 0)
                .unwrap();
        }
    };
    fill();
    let full = cache.bytes();
    assert!(full > 50 << 20);
    for share in [0.5, 0.1] {
        cache.set_pressure(Some(share));
        while cache.shrink() {}
        let left = cache.bytes() as f64 / full as f64;
        assert!(
            left <= share && left > share * 0.5,
            "{left} left at {share}"
        );
        let entries = cache.size() as f64 / 250_000.0;
        assert!(
            entries > share * 0.4,
            "{entries} of the entries left at {share}"
        );
    }
    fill();
    assert!(cache.bytes() as f64 <= full as f64 * 0.1);
    cache.set_pressure(None);
    fill();
    assert!(cache.bytes() as f64 >= full as f64 * 0.9);
}
