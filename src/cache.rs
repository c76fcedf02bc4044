//! Exports of the shared cache: plain functions with a handle; keys, small values and figures pass through a channel.
//!
//! The channel is memory that JavaScript and these functions hand to and fro on one thread, at a third of the cost of
//! Node-API's arguments and results. Its head has the figures of an entry, then come a key and a value:
//!
//! ```text
//! 0 length  4 kind  8 place  12 words  16 index  20 version  32 remaining ms (f64)
//! 64 key, up to 16 KiB   then value, up to 64 KiB
//! ```

use std::cell::{RefCell, UnsafeCell};
use std::rc::Rc;
use std::sync::Arc;

use memguard_cache::{Cache, Lookup, MAX_KEY_BYTES, Meta};
use napi::Env;
use napi::bindgen_prelude::{Int32Array, Uint8Array};
use napi_derive::napi;

use crate::error::{Result, coded, internal};
use crate::json;

const HEAD_BYTES: usize = 64;
const REMAINING_AT: usize = 32;
const VALUE_AT: usize = HEAD_BYTES + MAX_KEY_BYTES;
const VALUE_BYTES: usize = 64 << 10;
const CHANNEL_BYTES: usize = VALUE_AT + VALUE_BYTES;
/// The lower bits of a handle are a place among the open caches, the rest says which of its users.
const PLACE_BITS: u32 = 12;

/// What lookups answer.
const MISS: u32 = 0;
const HIT: u32 = 1;
const TOO_LONG: u32 = 2;

thread_local! {
    static OPEN: RefCell<Open> = RefCell::default();
}

/// What the environment of this thread has open; emptied when it ends.
#[derive(Default)]
struct Open {
    hooked: bool,
    channel: Option<Channel>,
    caches: Vec<Place>,
}

#[derive(Default)]
struct Place {
    user: u32,
    cache: Option<Arc<Cache>>,
}

/// Memory that this thread's JavaScript sees; its view keeps it alive as well.
#[derive(Clone)]
struct Channel(Rc<UnsafeCell<[u64; CHANNEL_BYTES / 8]>>);

/// The parts of a channel for one call.
struct Parts<'a> {
    head: &'a mut [u8],
    key: &'a [u8],
    value: &'a mut [u8],
}

impl Channel {
    fn new() -> Self {
        Self(Rc::new(UnsafeCell::new([0; CHANNEL_BYTES / 8])))
    }

    fn base(&self) -> *mut u8 {
        self.0.get().cast()
    }

    /// Lends the parts to one call of JavaScript's, who names the key's length.
    fn lend<T>(&self, key_len: u32, call: impl FnOnce(Parts<'_>) -> T) -> T {
        let key_len = (key_len as usize).min(MAX_KEY_BYTES);
        // SAFETY: the three parts are disjoint and within the memory, which `self` keeps alive. JavaScript, which sees
        // it too, is of this thread and waits for this call; `call` is our own code, never calls JavaScript, and
        // never lends again.
        let parts = unsafe {
            Parts {
                head: std::slice::from_raw_parts_mut(self.base(), HEAD_BYTES),
                key: std::slice::from_raw_parts(self.base().add(HEAD_BYTES), key_len),
                value: std::slice::from_raw_parts_mut(self.base().add(VALUE_AT), VALUE_BYTES),
            }
        };
        call(parts)
    }
}

fn write_meta(head: &mut [u8], meta: &Meta) {
    let words = [
        meta.len as u32,
        u32::from(meta.kind),
        meta.place,
        meta.words,
        meta.index,
        meta.version,
    ];
    for (to, word) in head.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_ne_bytes());
    }
    head[REMAINING_AT..REMAINING_AT + 8].copy_from_slice(&meta.remaining_ms.to_ne_bytes());
}

fn closed() -> crate::error::CodedError {
    coded("ERR_MEMGUARD_CACHE_CLOSED", "the cache is closed")
}

fn of_cache(error: memguard_cache::Error) -> crate::error::CodedError {
    coded(error.code(), error)
}

/// The cache of a handle. Its own count is not touched: nothing closes it while a call of its thread runs.
fn with<T>(handle: u32, call: impl FnOnce(&Cache, &Channel) -> Result<T>) -> Result<T> {
    OPEN.with_borrow(|open| {
        let place = open.caches.get((handle & ((1 << PLACE_BITS) - 1)) as usize);
        let cache = place
            .filter(|place| place.user == handle >> PLACE_BITS)
            .and_then(|place| place.cache.as_deref());
        match (cache, &open.channel) {
            (Some(cache), Some(channel)) => call(cache, channel),
            _ => Err(closed()),
        }
    })
}

/// The channel of this environment, as a view of its memory.
#[napi(catch_unwind)]
pub fn shared_cache_channel(env: Env) -> Result<Uint8Array> {
    let channel = OPEN.with_borrow_mut(|open| -> Result<Channel> {
        if !open.hooked {
            env.add_env_cleanup_hook((), |()| drop(OPEN.take()))
                .map_err(internal)?;
            open.hooked = true;
        }
        Ok(open.channel.get_or_insert_with(Channel::new).clone())
    })?;
    let base = channel.base();
    // SAFETY: the memory is as long, and lives until the view's end drops this count of it. Both sides write to it,
    // never at the same time: see `lend`.
    Ok(unsafe { Uint8Array::with_external_data(base, CHANNEL_BYTES, move |_, _| drop(channel)) })
}

/// Whether JavaScript's view is of the channel's memory and not a copy, which engines that forbid external memory make.
#[napi(catch_unwind)]
pub fn shared_cache_channel_is(sample: u32) -> bool {
    OPEN.with_borrow(|open| {
        open.channel
            .as_ref()
            .is_some_and(|channel| channel.lend(0, |parts| parts.head[..4] == sample.to_ne_bytes()))
    })
}

/// Opens a cache by name, by id, or a new one; answers its handle and facts.
#[napi(catch_unwind)]
pub fn shared_cache_open(
    name: Option<String>,
    max_bytes: Option<f64>,
    id: Option<String>,
) -> Result<String> {
    let cache = match id {
        Some(id) => memguard_cache::open_by_id(&id),
        None => memguard_cache::open(name.as_deref(), max_bytes.map(|bytes| bytes as u64)),
    }
    .map_err(of_cache)?;
    let facts = |handle: u32| {
        serde_json::json!({
            "handle": handle,
            "id": cache.id(),
            "name": cache.name(),
            "maxBytes": cache.max_bytes(),
            "maxEntryBytes": cache.max_entry_bytes(),
        })
    };
    let handle = OPEN.with_borrow_mut(|open| {
        let number = match open.caches.iter().position(|place| place.cache.is_none()) {
            Some(number) => number,
            None if open.caches.len() < 1 << PLACE_BITS => {
                open.caches.push(Place::default());
                open.caches.len() - 1
            }
            None => {
                let message = format!("this thread has {} shared caches open", open.caches.len());
                return Err(coded("ERR_MEMGUARD_CACHE_TOO_MANY", message));
            }
        };
        let place = &mut open.caches[number];
        place.user = (place.user + 1) & (u32::MAX >> PLACE_BITS);
        place.cache = Some(Arc::clone(&cache));
        Ok((place.user << PLACE_BITS) | number as u32)
    })?;
    json::print(&facts(handle))
}

/// Closes a handle; the last one of the process frees the memory. Closing it twice does nothing.
#[napi(catch_unwind)]
pub fn shared_cache_close(handle: u32) {
    let cache = OPEN.with_borrow_mut(|open| {
        let place = open
            .caches
            .get_mut((handle & ((1 << PLACE_BITS) - 1)) as usize)?;
        (place.user == handle >> PLACE_BITS).then(|| place.cache.take())?
    });
    drop(cache);
}

/// Looks a key up. A hit's value is in the channel; one that is too long for it is left to `sharedCacheGetInto`.
#[napi(catch_unwind)]
pub fn shared_cache_get(handle: u32, key_len: u32) -> Result<u32> {
    with(handle, |cache, channel| {
        Ok(channel.lend(key_len, |parts| {
            answer(parts.head, cache.get(parts.key, parts.value))
        }))
    })
}

/// Looks a key up and copies its value into `target`.
#[napi(catch_unwind)]
pub fn shared_cache_get_into(handle: u32, key_len: u32, mut target: Uint8Array) -> Result<u32> {
    with(handle, |cache, channel| {
        // SAFETY: the array was made for this call and is not the channel; nothing else sees it yet.
        let target = unsafe { target.as_mut() };
        Ok(channel.lend(key_len, |parts| {
            answer(parts.head, cache.get(parts.key, target))
        }))
    })
}

fn answer(head: &mut [u8], lookup: Lookup) -> u32 {
    match lookup {
        Lookup::Miss => MISS,
        Lookup::Hit(meta) => {
            write_meta(head, &meta);
            HIT
        }
        Lookup::TooLong(meta) => {
            write_meta(head, &meta);
            TOO_LONG
        }
    }
}

/// A view of a value that has a mapping of its own; null when there is none, or it has none.
#[napi(catch_unwind)]
pub fn shared_cache_view(handle: u32, key_len: u32) -> Result<Option<Uint8Array>> {
    with(handle, |cache, channel| {
        Ok(channel.lend(key_len, |parts| {
            let (large, meta) = cache.view(parts.key)?;
            write_meta(parts.head, &meta);
            let (base, len) = (large.as_ptr(), large.value_len());
            // SAFETY: the memory is as long and lives until the view's end drops this count of it. Rust reads it
            // atomically only, as JavaScript could write to it.
            Some(unsafe { Uint8Array::with_external_data(base, len, move |_, _| drop(large)) })
        }))
    })
}

/// Whether a key is there; its figures are in the channel.
#[napi(catch_unwind)]
pub fn shared_cache_peek(handle: u32, key_len: u32) -> Result<bool> {
    with(handle, |cache, channel| {
        Ok(channel.lend(key_len, |parts| {
            let meta = cache.peek(parts.key);
            if let Some(meta) = &meta {
                write_meta(parts.head, meta);
            }
            meta.is_some()
        }))
    })
}

/// Stores a value that is in the channel; answers whether there was memory for it.
#[napi(catch_unwind)]
pub fn shared_cache_set(
    handle: u32,
    key_len: u32,
    value_len: u32,
    kind: u32,
    ttl_ms: f64,
) -> Result<bool> {
    with(handle, |cache, channel| {
        channel.lend(key_len, |parts| {
            let value = &parts.value[..(value_len as usize).min(VALUE_BYTES)];
            let stored = cache
                .set(parts.key, value, kind as u8, ttl_ms as u64)
                .map_err(of_cache)?;
            Ok(stored.is_some())
        })
    })
}

/// Stores a value that is too long for the channel.
#[napi(catch_unwind)]
pub fn shared_cache_set_from(
    handle: u32,
    key_len: u32,
    value: &[u8],
    kind: u32,
    ttl_ms: f64,
) -> Result<bool> {
    with(handle, |cache, channel| {
        channel.lend(key_len, |parts| {
            let stored = cache
                .set(parts.key, value, kind as u8, ttl_ms as u64)
                .map_err(of_cache)?;
            Ok(stored.is_some())
        })
    })
}

/// Takes a key out; answers whether it was there.
#[napi(catch_unwind)]
pub fn shared_cache_delete(handle: u32, key_len: u32) -> Result<bool> {
    with(handle, |cache, channel| {
        Ok(channel.lend(key_len, |parts| cache.delete(parts.key)))
    })
}

/// Takes all keys out.
#[napi(catch_unwind)]
pub fn shared_cache_clear(handle: u32) -> Result<()> {
    with(handle, |cache, _| {
        cache.clear();
        Ok(())
    })
}

/// Writes keys into the channel's value, from a cursor that begins at 0; answers the next cursor, -1 at the end.
#[napi(catch_unwind)]
pub fn shared_cache_keys(handle: u32, cursor: f64) -> Result<f64> {
    with(handle, |cache, channel| {
        Ok(channel.lend(0, |parts| {
            let (next, written) = cache.keys(cursor as u64, parts.value);
            parts.head[..4].copy_from_slice(&(written as u32).to_ne_bytes());
            next.map_or(-1.0, |cursor| cursor as f64)
        }))
    })
}

/// The words at a place, as a view; null when they are no longer those of this id.
#[napi(catch_unwind)]
pub fn shared_cache_words(handle: u32, place: u32, id: u32) -> Result<Option<Int32Array>> {
    with(handle, |cache, _| {
        Ok(cache.words(place, id).map(|words| {
            let (base, count) = (words.as_ptr().cast::<i32>(), words.count());
            // SAFETY: the memory is as long and lives until the view's end drops this count of it. All access to it
            // is atomic, by Rust and by our JavaScript, who alone has the view.
            unsafe { Int32Array::with_external_data(base, count, move |_, _| drop(words)) }
        }))
    })
}

/// Entries.
#[napi(catch_unwind)]
pub fn shared_cache_size(handle: u32) -> Result<f64> {
    with(handle, |cache, _| Ok(cache.size() as f64))
}

/// Memory that is held.
#[napi(catch_unwind)]
pub fn shared_cache_bytes(handle: u32) -> Result<f64> {
    with(handle, |cache, _| Ok(cache.bytes() as f64))
}

/// Figures of all threads, those of near caches as far as they were told.
#[napi(catch_unwind)]
pub fn shared_cache_stats(handle: u32) -> Result<String> {
    with(handle, |cache, _| json::print(&cache.stats()))
}

/// Hits of this thread's near cache.
#[napi(catch_unwind)]
pub fn shared_cache_near_hits(handle: u32, hits: f64) -> Result<()> {
    with(handle, |cache, _| {
        cache.note_near_hits(hits as u64);
        Ok(())
    })
}

/// Memory is tight: see `Cache::set_pressure`.
#[napi(catch_unwind)]
pub fn shared_cache_pressure(handle: u32, share: Option<f64>) -> Result<()> {
    with(handle, |cache, _| {
        cache.set_pressure(share);
        Ok(())
    })
}

/// A step towards the limit; answers whether there is more to do.
#[napi(catch_unwind)]
pub fn shared_cache_shrink(handle: u32) -> Result<bool> {
    with(handle, |cache, _| Ok(cache.shrink()))
}
