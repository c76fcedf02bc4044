//! The caches of the process, by name and by id, known weakly: a cache ends with its last user.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;

use crate::cache::Cache;
use crate::clock::Clock;
use crate::error::Error;

#[derive(Default)]
struct Registry {
    names: HashMap<String, Weak<Cache>>,
    ids: HashMap<String, Weak<Cache>>,
    made: u64,
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);
/// A handle that another process made must not find a cache of this one.
static TOKEN: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));

/// Opens the cache of a name, or a new one without a name. `bound` may be left out for one that exists.
///
/// # Errors
/// [`Error::Mismatch`] when it exists with another bound, [`Error::NotFound`] without a bound, [`Error::Bound`].
pub fn open(name: Option<&str>, bound: Option<u64>) -> Result<Arc<Cache>, Error> {
    let existing = name.and_then(|name| REGISTRY.lock().names.get(name).and_then(Weak::upgrade));
    if let (Some(cache), Some(name)) = (&existing, name) {
        return match bound {
            Some(given) if given != cache.max_bytes() => Err(Error::Mismatch {
                name: name.to_owned(),
                existing: cache.max_bytes(),
                given,
            }),
            _ => Ok(Arc::clone(cache)),
        };
    }
    let bound = bound.ok_or_else(|| Error::NotFound {
        what: format!("the cache {:?}", name.unwrap_or_default()),
    })?;
    let mut registry = REGISTRY.lock();
    // Another thread may have been faster.
    if let Some(cache) = name.and_then(|name| registry.names.get(name).and_then(Weak::upgrade)) {
        drop(registry);
        return if cache.max_bytes() == bound {
            Ok(cache)
        } else {
            open(name, Some(bound))
        };
    }
    registry.names.retain(|_, cache| cache.strong_count() > 0);
    registry.ids.retain(|_, cache| cache.strong_count() > 0);
    registry.made += 1;
    let id = format!("{:016x}-{}", *TOKEN, registry.made);
    let cache = Arc::new(Cache::new(
        name.map(str::to_owned),
        id.clone(),
        bound,
        Clock::Monotonic,
    )?);
    registry.ids.insert(id, Arc::downgrade(&cache));
    if let Some(name) = name {
        registry
            .names
            .insert(name.to_owned(), Arc::downgrade(&cache));
    }
    Ok(cache)
}

/// Opens the cache of an id.
///
/// # Errors
/// [`Error::NotFound`].
pub fn open_by_id(id: &str) -> Result<Arc<Cache>, Error> {
    let cache = REGISTRY.lock().ids.get(id).and_then(Weak::upgrade);
    cache.ok_or_else(|| Error::NotFound {
        what: "the cache of this handle".to_owned(),
    })
}
