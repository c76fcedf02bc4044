'use strict';

const { MemguardError } = require('../errors');
const { describeExpiry, isStale, renew } = require('./expiry');
const { Pending } = require('./pending');
const { getEntry } = require('./read');
const { removeEntry, setEntry } = require('./write');

/** Reading through: one fetch per key at a time, stale values served meanwhile or after a failure where allowed. */

/** The options of a fetch with the cache's defaults filled in; `fetchMethod` may change them. */
function withDefaults(cache, options) {
  const {
    allowStale = cache.allowStale,
    updateAgeOnGet = cache.updateAgeOnGet,
    noDeleteOnStaleGet = cache.noDeleteOnStaleGet,
    ttl = cache.ttl,
    noDisposeOnSet = cache.noDisposeOnSet,
    size = 0,
    sizeCalculation = cache.sizeCalculation,
    noUpdateTTL = cache.noUpdateTTL,
    noDeleteOnFetchRejection = cache.noDeleteOnFetchRejection,
    allowStaleOnFetchRejection = cache.allowStaleOnFetchRejection,
    allowStaleOnFetchAbort = cache.allowStaleOnFetchAbort,
    ignoreFetchAbort = cache.ignoreFetchAbort,
    status,
    signal,
  } = options;
  return {
    allowStale,
    updateAgeOnGet,
    noDeleteOnStaleGet,
    ttl,
    noDisposeOnSet,
    size,
    sizeCalculation,
    noUpdateTTL,
    noDeleteOnFetchRejection,
    allowStaleOnFetchRejection,
    allowStaleOnFetchAbort,
    ignoreFetchAbort,
    status,
    signal,
  };
}

async function fetchEntry(cache, store, key, fetchOptions) {
  const { status, forceRefresh = false, context } = fetchOptions;
  if (status) {
    status.op = 'fetch';
    status.key = key;
    if (forceRefresh) status.forceRefresh = true;
    status.cache = cache;
  }
  if (store.fetchMethod === undefined) {
    if (status) status.fetch = 'get';
    return getEntry(cache, store, key, fetchOptions);
  }
  if (store.sizing !== null) store.sizing.record(key);
  const options = withDefaults(cache, fetchOptions);
  if (store.tier !== null && forceRefresh) options.forceRefresh = true;
  const slot = store.index.get(key);
  if (slot === undefined) {
    store.misses++;
    if (status) status.fetch = 'miss';
    return awaitFetch(startFetch(cache, store, key, undefined, options, context));
  }

  const value = store.values[slot];
  if (value instanceof Pending) {
    const serveStale = options.allowStale && value.stale !== undefined;
    if (status) {
      status.fetch = 'inflight';
      if (serveStale) status.returnedStale = true;
    }
    return serveStale ? value.stale : awaitFetch(value);
  }

  const stale = isStale(store, slot);
  if (!forceRefresh && !stale) {
    if (status) status.fetch = 'hit';
    store.hits++;
    store.touch(slot);
    if (options.updateAgeOnGet) renew(store, slot);
    if (status) describeExpiry(store, slot, status);
    return value;
  }

  store.misses++;
  const pending = startFetch(cache, store, key, slot, options, context);
  const serveStale = pending.stale !== undefined && options.allowStale;
  if (status) {
    status.fetch = stale ? 'stale' : 'refresh';
    if (serveStale && stale) status.returnedStale = true;
  }
  return serveStale ? pending.stale : awaitFetch(pending);
}

function awaitFetch(pending) {
  pending.awaited = true;
  return pending.promise;
}

/** Calls `fetchMethod` and puts a `Pending` in the place of the value until it is settled. */
function startFetch(cache, store, key, slot, options, context) {
  const stale = slot === undefined ? undefined : store.values[slot];
  const pending = new Pending(stale);
  const { signal: inner } = pending.controller;
  const { status } = options;
  const stopForwarding = forwardAbort(options.signal, pending.controller);
  if (status) status.fetchDispatched = true;

  const fetched = new Promise((resolve, reject) => {
    let settle = resolve;
    const onAbort = () => {
      if (options.ignoreFetchAbort && !options.allowStaleOnFetchAbort) return;
      resolve(undefined);
      // The result may still come: then it is written, though nobody waits for it any more.
      if (options.allowStaleOnFetchAbort) settle = (value) => finish(cache, store, key, pending, options, value, true);
    };
    const result = store.fetchMethod.call(cache, key, stale, { signal: inner, options, context });
    if (inner.aborted) onAbort();
    else inner.addEventListener('abort', onAbort, { once: true });
    if (result instanceof Promise) result.then((value) => settle(value)).catch(reject);
    else resolve(result);
  });
  pending.promise = fetched.then(
    (value) => {
      stopForwarding();
      return finish(cache, store, key, pending, options, value, false);
    },
    (error) => {
      stopForwarding();
      if (status) {
        status.fetchRejected = true;
        status.fetchError = error;
      }
      return fail(cache, store, key, pending, options, error, false);
    },
  );
  // A background refresh that fails has nobody waiting for it; who does wait gets the error from their own chain.
  pending.promise.catch(() => {});

  const current = store.index.get(key);
  if (current === undefined) setEntry(cache, store, key, pending, { ...options, status: undefined });
  else store.values[current] = pending;
  return pending;
}

/** Lets one signal abort another controller; answers how to undo that, for signals that outlive the fetch. */
function forwardAbort(signal, controller) {
  if (!signal) return () => {};
  const forward = () => controller.abort(signal.reason);
  if (signal.aborted) forward();
  else signal.addEventListener('abort', forward, { once: true });
  return () => signal.removeEventListener('abort', forward);
}

/** A fetch has its value: write it, unless the entry has changed or the fetch was aborted meanwhile. */
function finish(cache, store, key, pending, options, value, late) {
  const { signal } = pending.controller;
  const { status } = options;
  const ignoreAbort = options.ignoreFetchAbort && value !== undefined;
  if (status) {
    if (signal.aborted && !late) {
      status.fetchAborted = true;
      status.fetchError = signal.reason;
      if (ignoreAbort) status.fetchAbortIgnored = true;
    } else {
      status.fetchResolved = true;
    }
  }
  if (signal.aborted && !ignoreAbort && !late) {
    const proceed = options.ignoreFetchAbort || (options.allowStaleOnFetchAbort && value !== undefined);
    return fail(cache, store, key, pending, options, signal.reason, proceed);
  }

  const slot = store.index.get(key);
  const current = slot === undefined ? undefined : store.values[slot];
  if (current === pending || (current === undefined && ignoreAbort && late)) {
    // A second tier says so of a value that was changed by another process meanwhile: it is answered, but not kept.
    if (value !== undefined && options.outdated !== true) {
      if (status) status.fetchUpdated = true;
      try {
        setEntry(cache, store, key, value, options, pending);
      } catch (error) {
        withdraw(cache, store, key, pending);
        throw error;
      }
    } else {
      withdraw(cache, store, key, pending);
    }
  }
  return value;
}

/** A fetch has failed or was aborted: serve and keep the stale value where allowed, else forget the entry. */
function fail(cache, store, key, pending, options, error, proceed) {
  const staleOnAbort = pending.controller.signal.aborted && options.allowStaleOnFetchAbort;
  const allowStale = staleOnAbort || options.allowStaleOnFetchRejection;
  const keep = allowStale || options.noDeleteOnFetchRejection;
  const slot = store.index.get(key);
  if (slot !== undefined && store.values[slot] === pending) {
    if (!keep || (!proceed && pending.stale === undefined)) removeEntry(cache, store, key, 'fetch');
    // After an abort the result may still come and be written, so the entry stays as it is.
    else if (!staleOnAbort) withdraw(cache, store, key, pending);
  }
  if (allowStale) {
    if (options.status && pending.stale !== undefined) options.status.returnedStale = true;
    return pending.stale;
  }
  if (pending.awaited) throw error;
  return undefined;
}

/** Puts the stale value back, or takes the entry out when there was none. */
function withdraw(cache, store, key, pending) {
  const slot = store.index.get(key);
  if (slot === undefined || store.values[slot] !== pending) return;
  if (pending.stale === undefined) removeEntry(cache, store, key, 'fetch');
  else store.values[slot] = pending.stale;
}

/** `fetch` for callers to whom "nothing" is an error. */
async function forceFetchEntry(cache, store, key, options) {
  const value = await fetchEntry(cache, store, key, options);
  if (value === undefined) {
    throw new MemguardError('ERR_MEMGUARD_CACHE_NO_VALUE', 'fetch answered undefined');
  }
  return value;
}

/** The synchronous kind: calls `memoMethod` for what is not there. */
function memoEntry(cache, store, key, memoOptions) {
  const { memoMethod } = store;
  if (memoMethod === undefined) {
    throw new MemguardError('ERR_MEMGUARD_CACHE_NO_MEMO_METHOD', 'memo() needs a cache with the option memoMethod');
  }
  const { context, forceRefresh, status, ...options } = memoOptions;
  if (status && forceRefresh) status.forceRefresh = true;
  const found = getEntry(cache, store, key, options);
  const refresh = forceRefresh || found === undefined;
  if (status) status.memo = refresh ? 'miss' : 'hit';
  if (!refresh) return found;
  const value = memoMethod.call(cache, key, found, { options, context });
  if (status) status.value = value;
  setEntry(cache, store, key, value, options);
  return value;
}

module.exports = { fetchEntry, forceFetchEntry, memoEntry };
