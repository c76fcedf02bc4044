'use strict';

/** Stands in for the value of an entry whose fetch is under way. */
class Pending {
  /** @param {unknown} stale the value that is being refreshed, if there was one */
  constructor(stale) {
    this.stale = stale;
    this.controller = new AbortController();
    this.promise = null;
    /** Somebody waits for the promise: a failure has to reach them. */
    this.awaited = false;
  }

  abort(reason) {
    this.controller.abort(new Error(reason));
  }
}

/** The value that an entry has to show, which for one being fetched is the one being refreshed. */
function settled(value) {
  return value instanceof Pending ? value.stale : value;
}

module.exports = { Pending, settled };
