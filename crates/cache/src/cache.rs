//! The cache as its users see it: shards behind locks, one budget.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use serde::Serialize;

use crate::arena::OWNER_BYTES;
use crate::budget::Budget;
use crate::classes::Classes;
use crate::clock::Clock;
use crate::counters::{Cause, Counters};
use crate::error::Error;
use crate::geometry::Geometry;
use crate::large::Large;
use crate::region::Refusal;
use crate::shard::{Shard, Value};
use crate::slots::{LARGE, VACANT, Words};

/// Bytes of an encoded key, at most.
pub const MAX_KEY_BYTES: usize = 16 << 10;
/// Slots that one call of [`Cache::keys`] looks at, at most.
const KEYS_AT_ONCE: usize = 4096;
/// The part of the bound that is left to a cache at least when memory is tight.
const LEAST_SHARE: u64 = 64;

/// What is known of an entry that was found or stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meta {
    /// Bytes of the value.
    pub len: usize,
    /// What the writer said that it is.
    pub kind: u8,
    /// How long it is good, in ms; infinite without a time to live.
    pub remaining_ms: f64,
    /// The place of its words among [`Cache::words`].
    pub place: u32,
    /// The id that those words have as long as they are the entry's.
    pub words: u32,
    /// The place of its word in them.
    pub index: u32,
    /// A copy is current while the entry's word, with the lowest bit set, is this.
    pub version: u32,
}

/// The answer to [`Cache::get`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lookup {
    /// No such key.
    Miss,
    /// The value is in the first bytes of the buffer.
    Hit(Meta),
    /// The value is there, but longer than the buffer.
    TooLong(Meta),
}

/// Figures of a cache.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Entries, those included whose time is over and that nobody has come across yet.
    pub size: u64,
    /// Memory that is held, which never exceeds `max_bytes`.
    pub bytes: u64,
    /// Of it: what the entries take.
    pub entry_bytes: u64,
    /// The bound.
    pub max_bytes: u64,
    /// The bound while memory is tight.
    pub limit_bytes: u64,
    /// What happened so far.
    #[serde(flatten)]
    pub counters: Counters,
}

/// A bounded cache outside of every heap, for all threads. Keys and values are bytes.
///
/// No call copies more than half a page (at most 128 KiB up to a bound of 4 GiB) under a lock, makes more room than
/// what it stores needs, or waits for anything but other such calls.
#[derive(Debug)]
pub struct Cache {
    name: Option<String>,
    id: String,
    geometry: Geometry,
    max_entry: usize,
    budget: Arc<Budget>,
    classes: Arc<Classes>,
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    clock: Clock,
    near_hits: AtomicU64,
    /// What was held when memory got tight; `None` while it is not.
    tight: Mutex<Option<u64>>,
}

impl Cache {
    pub(crate) fn new(
        name: Option<String>,
        id: String,
        bound: u64,
        clock: Clock,
    ) -> Result<Self, Error> {
        let geometry = Geometry::of(bound)?;
        let budget = Arc::new(Budget::new(bound));
        let classes = Arc::new(Classes::new(geometry.page));
        // The shards themselves; what they map is counted when they do. The bound is far above.
        let fixed =
            geometry.shards * (size_of::<Mutex<Shard>>() + classes.len() * 40) + size_of::<Self>();
        budget.take(fixed as u64);
        let shards = (0..geometry.shards)
            .map(|_| Mutex::new(Shard::new(&budget, &classes, geometry.per_chunk)))
            .collect();
        Ok(Self {
            name,
            id,
            max_entry: geometry.max_entry,
            geometry,
            budget,
            classes,
            shards,
            hasher: RandomState::new(),
            clock,
            near_hits: AtomicU64::new(0),
            tight: Mutex::new(None),
        })
    }

    /// A cache that only who holds it can reach, with a clock of the caller's: for tests and simulations.
    ///
    /// # Errors
    /// [`Error::Bound`].
    pub fn with_clock(bound: u64, now_ms: Arc<AtomicU64>) -> Result<Self, Error> {
        Self::new(None, String::new(), bound, Clock::Manual(now_ms))
    }

    /// The name that others reach it by.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What others reach it by that were told.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The bound.
    pub fn max_bytes(&self) -> u64 {
        self.budget.bound()
    }

    /// Bytes of key and value, at most.
    pub fn max_entry_bytes(&self) -> usize {
        self.max_entry
    }

    /// Memory that is held.
    pub fn bytes(&self) -> u64 {
        self.budget.used()
    }

    /// Entries, those included whose time is over and that nobody has come across yet.
    pub fn size(&self) -> u64 {
        self.each(|shard| u64::from(shard.index.entries())).sum()
    }

    /// Copies a value into `out`.
    pub fn get(&self, key: &[u8], out: &mut [u8]) -> Lookup {
        let (number, hash) = self.route(key);
        let mut shard = self.shards[number].lock();
        let Some(slot) = shard.find(hash, key, || self.clock.now_ms()) else {
            shard.counters.misses += 1;
            return Lookup::Miss;
        };
        let meta = self.meta(number, &shard, slot);
        if meta.len > out.len() {
            return Lookup::TooLong(meta);
        }
        shard.counters.hits += 1;
        shard.slots.visit(slot);
        let entry = *shard.slots.get(slot);
        if entry.class != LARGE {
            out[..meta.len].copy_from_slice(shard.inline_value(&entry));
            return Lookup::Hit(meta);
        }
        let large = shard.large.get(entry.address).cloned();
        drop(shard);
        if let Some(large) = large {
            large.copy_to(&mut out[..meta.len]);
        }
        Lookup::Hit(meta)
    }

    /// A value that has a region of its own, without copying it; `None` when there is none or it lies in a cell.
    pub fn view(&self, key: &[u8]) -> Option<(Arc<Large>, Meta)> {
        let (number, hash) = self.route(key);
        let mut shard = self.shards[number].lock();
        let slot = shard.find(hash, key, || self.clock.now_ms())?;
        let entry = *shard.slots.get(slot);
        if entry.class != LARGE {
            return None;
        }
        let large = Arc::clone(shard.large.get(entry.address)?);
        shard.counters.hits += 1;
        shard.slots.visit(slot);
        Some((large, self.meta(number, &shard, slot)))
    }

    /// What is known of a key, without counting as use.
    pub fn peek(&self, key: &[u8]) -> Option<Meta> {
        let (number, hash) = self.route(key);
        let mut shard = self.shards[number].lock();
        let slot = shard.find(hash, key, || self.clock.now_ms())?;
        Some(self.meta(number, &shard, slot))
    }

    /// Stores a value; a `ttl_ms` of 0 is for ever. `None` says that there was no memory: then the key has no value.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::KeyTooLong`]; an older value stays.
    pub fn set(
        &self,
        key: &[u8],
        value: &[u8],
        kind: u8,
        ttl_ms: u64,
    ) -> Result<Option<Meta>, Error> {
        self.check(key, value.len())?;
        let expires = match ttl_ms {
            0 => 0,
            ttl => self.clock.now_ms().saturating_add(ttl),
        };
        let (number, hash) = self.route(key);
        let large = self
            .classes
            .of(OWNER_BYTES + key.len() + value.len())
            .is_none();
        let value = if large {
            match self.make_large(number, key, value) {
                Some(large) => Value::Large(Arc::new(large)),
                None => return Ok(self.reject(number, hash, key)),
            }
        } else {
            Value::Inline(value)
        };
        let now = || self.clock.now_ms();
        // A shard that is empty and still has no room needs what others hold: a page or a few at a time.
        for _ in 0..self.shards.len() * 4 {
            let mut shard = self.shards[number].lock();
            match shard.set(hash, key, &value, kind, expires, now) {
                Ok(slot) => return Ok(Some(self.meta(number, &shard, slot))),
                Err(Refusal::System) => break,
                Err(Refusal::Budget) => drop(shard),
            }
            if !self.ask_others(number, self.geometry.page as u64) {
                break;
            }
        }
        Ok(self.reject(number, hash, key))
    }

    /// Whether a value of so many bytes may be stored.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::KeyTooLong`].
    pub fn check(&self, key: &[u8], value_len: usize) -> Result<(), Error> {
        if key.len() > MAX_KEY_BYTES {
            return Err(Error::KeyTooLong {
                bytes: key.len(),
                limit: MAX_KEY_BYTES,
            });
        }
        let bytes = key.len().saturating_add(value_len);
        if bytes > self.max_entry {
            return Err(Error::TooLarge {
                bytes,
                limit: self.max_entry,
            });
        }
        Ok(())
    }

    /// Takes a key out; answers whether it was there.
    pub fn delete(&self, key: &[u8]) -> bool {
        let (number, hash) = self.route(key);
        let mut shard = self.shards[number].lock();
        let slot = shard.find(hash, key, || self.clock.now_ms());
        if let Some(slot) = slot {
            shard.remove(slot, Cause::Deleted);
        }
        slot.is_some()
    }

    /// Takes everything out and gives the memory back.
    pub fn clear(&self) {
        self.each(|shard| shard.clear(Cause::Deleted)).count();
    }

    /// Writes keys into `out`, each after its length in two bytes (little endian), from a cursor that begins at 0.
    /// Answers the next cursor, `None` at the end, and the bytes written. Each key that is there all the time comes
    /// once, unless the cache gives memory back meanwhile; others may come.
    pub fn keys(&self, cursor: u64, out: &mut [u8]) -> (Option<u64>, usize) {
        let (mut number, mut slot) = ((cursor >> 32) as usize, cursor as u32);
        let mut written = 0;
        let mut looked = 0;
        while let Some(shard) = self.shards.get(number) {
            let shard = shard.lock();
            while slot < shard.slots.count() {
                if looked == KEYS_AT_ONCE {
                    return (Some(((number as u64) << 32) | u64::from(slot)), written);
                }
                looked += 1;
                let entry = shard.slots.get(slot);
                if entry.queue != VACANT
                    && (entry.expires == 0 || entry.expires > self.clock.now_ms())
                {
                    let key = shard.key(entry);
                    let Some(room) = out.get_mut(written..written + 2 + key.len()) else {
                        return (Some(((number as u64) << 32) | u64::from(slot)), written);
                    };
                    room[..2].copy_from_slice(&(key.len() as u16).to_le_bytes());
                    room[2..].copy_from_slice(key);
                    written += 2 + key.len();
                }
                slot += 1;
            }
            (number, slot) = (number + 1, 0);
        }
        (None, written)
    }

    /// The words at a [`Meta::place`], if they still have the id.
    pub fn words(&self, place: u32, id: u32) -> Option<Arc<Words>> {
        let shards = self.shards.len() as u32;
        let shard = self.shards[(place % shards) as usize].lock();
        let words = shard.slots.words(place / shards)?;
        (words.id() == id).then(|| Arc::clone(words))
    }

    /// Hits of near caches, which no call told of.
    pub fn note_near_hits(&self, hits: u64) {
        self.near_hits.fetch_add(hits, Relaxed);
    }

    /// Memory is tight: the cache is to hold no more than this share of what it held when it became so (and a 64th of
    /// its bound at least) until `None`. [`Cache::shrink`] makes it true.
    pub fn set_pressure(&self, share: Option<f64>) {
        let mut tight = self.tight.lock();
        *tight = share.map(|share| {
            let held = tight.unwrap_or_else(|| self.budget.used());
            let wanted = (held as f64 * share) as u64;
            self.budget
                .set_limit(wanted.max(self.budget.bound() / LEAST_SHARE));
            held
        });
        if tight.is_none() {
            self.budget.set_limit(self.budget.bound());
        }
    }

    /// Gives back what is held beyond the limit, a step of a page for each shard. Answers whether there is more to
    /// give.
    pub fn shrink(&self) -> bool {
        let mut gave = false;
        for shard in &self.shards {
            match self.budget.excess() {
                0 => return false,
                excess => {
                    let step = excess.min(self.geometry.page as u64);
                    gave |= shard.lock().give_up(step, Cause::Pressure);
                }
            }
        }
        gave && self.budget.excess() > 0
    }

    /// Figures; takes each lock for a moment.
    pub fn stats(&self) -> Stats {
        let mut counters = Counters::default();
        let (mut size, mut entry_bytes) = (0, 0);
        for shard in &self.shards {
            let shard = shard.lock();
            counters.add(&shard.counters);
            size += u64::from(shard.index.entries());
            entry_bytes += shard.live_bytes();
        }
        counters.hits += self.near_hits.load(Relaxed);
        Stats {
            size,
            bytes: self.budget.used(),
            entry_bytes,
            max_bytes: self.budget.bound(),
            limit_bytes: self.budget.limit(),
            counters,
        }
    }

    fn each<T>(&self, mut ask: impl FnMut(&mut Shard) -> T) -> impl Iterator<Item = T> {
        self.shards.iter().map(move |shard| ask(&mut shard.lock()))
    }

    /// The shard of a key, and the hash within it: from different bits.
    fn route(&self, key: &[u8]) -> (usize, u32) {
        let hash = self.hasher.hash_one(key);
        ((hash >> 32) as usize % self.shards.len(), hash as u32)
    }

    fn meta(&self, number: usize, shard: &Shard, slot: u32) -> Meta {
        let entry = shard.slots.get(slot);
        let (chunk, words, index) = shard.slots.locate(slot);
        Meta {
            len: entry.value_len as usize,
            kind: entry.kind,
            remaining_ms: match entry.expires {
                0 => f64::INFINITY,
                expires => expires.saturating_sub(self.clock.now_ms()) as f64,
            },
            place: chunk * self.shards.len() as u32 + number as u32,
            words,
            index,
            version: shard.slots.version(slot),
        }
    }

    /// Makes room in all shards for a large entry and writes it, with no lock held while it is copied.
    fn make_large(&self, number: usize, key: &[u8], value: &[u8]) -> Option<Large> {
        let wanted = (key.len() + value.len()) as u64;
        let step = wanted / self.shards.len() as u64 + self.geometry.page as u64;
        // Free cells of classes that nothing is taken from may hold a part of what is evicted.
        let most = 4 + self.classes.len() * self.geometry.page / wanted as usize;
        for _ in 0..=most {
            match Large::new(&self.budget, key, value) {
                Ok(large) => return Some(large),
                Err(Refusal::System) => return None,
                Err(Refusal::Budget) if self.ask_others(number, step) => {}
                Err(Refusal::Budget) => return None,
            }
        }
        None
    }

    /// Has each shard, this one last, give up some bytes; answers whether any did.
    fn ask_others(&self, number: usize, bytes: u64) -> bool {
        let count = self.shards.len();
        (1..=count).fold(false, |gave, step| {
            let shard = &self.shards[(number + step) % count];
            shard.lock().give_up(bytes, Cause::Size) || gave
        })
    }

    /// A value that finds no room leaves none behind: the older one is not to be read any more.
    fn reject(&self, number: usize, hash: u32, key: &[u8]) -> Option<Meta> {
        let mut shard = self.shards[number].lock();
        if let Some(slot) = shard.find(hash, key, || self.clock.now_ms()) {
            shard.remove(slot, Cause::Size);
        }
        shard.counters.rejected += 1;
        None
    }
}
