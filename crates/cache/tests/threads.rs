//! Many threads on one cache: nobody reads what was never written, or what was replaced before the read began.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed test is to panic"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::thread;

use memguard_cache::{Cache, Lookup, Meta, Words, open, open_by_id};
use support::Random;

const THREADS: u64 = 4;
const KEYS: u64 = 2_000;

/// A value tells its key and number, and is filled with a pattern of both.
fn value(key: u64, number: u64, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len + 16);
    bytes.extend(key.to_le_bytes());
    bytes.extend(number.to_le_bytes());
    let mut random = Random(key << 32 | number);
    while bytes.len() < len {
        bytes.extend(random.next().to_le_bytes());
    }
    bytes
}

fn check(key: u64, bytes: &[u8]) -> u64 {
    let number = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
    assert_eq!(bytes, value(key, number, bytes.len()), "torn or mixed up");
    number
}

struct Near {
    words: Arc<Words>,
    meta: Meta,
    number: u64,
}

/// Each key is written by one thread, with growing numbers; `done` has the last that was written whole.
fn hammer(cache: &Cache, me: u64, rounds: u32, done: &[AtomicU64], near: &mut [Option<Near>]) {
    let mut random = Random(me);
    let mut out = vec![0; 400_000];
    for round in 0..rounds {
        let key = random.below(KEYS);
        let name = format!("key {key}").into_bytes();
        let mine = key % THREADS == me;
        match random.below(100) {
            0..35 if mine => {
                let number = done[key as usize].load(SeqCst) + 1;
                let len = match random.below(50) {
                    0 => 16 + random.below(300_000),
                    1..10 => 16 + random.below(5_000),
                    _ => 16 + random.below(300),
                };
                cache
                    .set(&name, &value(key, number, len as usize & !7), 0, 0)
                    .unwrap();
                done[key as usize].store(number, SeqCst);
            }
            35..38 if mine => {
                cache.delete(&name);
            }
            38 if me == 0 && round % 1000 == 0 => cache.clear(),
            39 if me == 1 && round % 100 == 0 => {
                cache.set_pressure([None, Some(0.3)][random.below(2) as usize]);
                cache.shrink();
            }
            _ => {
                let before = done[key as usize].load(SeqCst);
                let place = &mut near[key as usize];
                if let Some(copy) = place {
                    // SAFETY: within the words, which the copy keeps alive; all access is atomic.
                    let word = unsafe {
                        AtomicU32::from_ptr(copy.words.as_ptr().add(copy.meta.index as usize))
                    };
                    if word.load(SeqCst) | 1 == copy.meta.version {
                        word.fetch_or(1, SeqCst);
                        assert!(copy.number >= before, "a copy that was replaced before");
                        continue;
                    }
                    *place = None;
                }
                if let Lookup::Hit(meta) = cache.get(&name, &mut out) {
                    let number = check(key, &out[..meta.len]);
                    assert!(number >= before, "an older value than was there");
                    *place = cache.words(meta.place, meta.words).map(|words| Near {
                        words,
                        meta,
                        number,
                    });
                }
            }
        }
        assert!(cache.bytes() <= cache.max_bytes());
    }
}

#[test]
fn readers_never_see_what_was_replaced() {
    for bound in [2 << 20, 300 << 20] {
        let name = format!("hammer {bound}");
        let cache = open(Some(&name), Some(bound)).unwrap();
        let done: Arc<Vec<AtomicU64>> = Arc::new((0..KEYS).map(|_| AtomicU64::new(0)).collect());
        let threads: Vec<_> = (0..THREADS)
            .map(|me| {
                let (name, done) = (name.clone(), Arc::clone(&done));
                thread::spawn(move || {
                    let cache = open(Some(&name), None).unwrap();
                    let mut near: Vec<_> = (0..KEYS).map(|_| None).collect();
                    hammer(&cache, me, 40_000, &done, &mut near);
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        cache.set_pressure(None);
        cache.clear();
        assert!(cache.bytes() < 128 << 10);
    }
}

#[test]
fn the_last_user_ends_a_cache_while_others_open_it() {
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..4)
        .map(|me: u64| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                let mut opened = 0;
                while !stop.load(SeqCst) {
                    let cache = open(Some("short"), Some(1 << 20)).unwrap();
                    cache.set(&me.to_le_bytes(), b"x", 0, 0).unwrap();
                    assert!(open_by_id(cache.id()).is_ok());
                    let id = cache.id().to_owned();
                    drop(cache);
                    let _ = open_by_id(&id);
                    opened += 1;
                }
                opened
            })
        })
        .collect();
    thread::sleep(std::time::Duration::from_millis(300));
    stop.store(true, SeqCst);
    for thread in threads {
        assert!(thread.join().unwrap() > 0);
    }
    assert_eq!(
        open(Some("short"), None).unwrap_err().code(),
        "ERR_MEMGUARD_CACHE_NOT_FOUND"
    );
}

#[test]
fn a_name_has_one_bound() {
    let cache = open(Some("bound"), Some(2 << 20)).unwrap();
    assert_eq!(
        open(Some("bound"), Some(3 << 20)).unwrap_err().code(),
        "ERR_MEMGUARD_CACHE_MISMATCH"
    );
    assert!(Arc::ptr_eq(
        &cache,
        &open(Some("bound"), Some(2 << 20)).unwrap()
    ));
    assert!(Arc::ptr_eq(&cache, &open_by_id(cache.id()).unwrap()));
    assert!(!Arc::ptr_eq(&cache, &open(None, Some(2 << 20)).unwrap()));
}
