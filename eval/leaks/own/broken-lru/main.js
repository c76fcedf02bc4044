'use strict';

// A cache whose bound was read from a setting that is not there: nothing is larger than NaN.
const { loop, churn, BAD } = require('../../lib/loop');

class Entry {
  constructor(key, html) {
    this.key = key;
    this.html = html;
    this.newer = null;
    this.older = null;
  }
}

class PageCache {
  constructor(max) {
    this.max = max;
    this.index = new Map();
    this.newest = null;
    this.oldest = null;
  }

  set(key, html) {
    const entry = new Entry(key, html);
    entry.older = this.newest;
    if (this.newest) this.newest.newer = entry;
    else this.oldest = entry;
    this.newest = entry;
    this.index.set(key, entry);
    if (this.index.size > this.max) this.drop();
  }

  drop() {
    const { key, newer } = this.oldest;
    this.index.delete(key);
    newer.older = null;
    this.oldest = newer;
  }
}
const settings = BAD ? {} : { pageCacheSize: 800 };
const pageCache = new PageCache(Number(settings.pageCacheSize));

loop((number) => {
  churn(number);
  pageCache.set(`/page/${number}`, `<h1>${number}</h1>`.repeat(4));
}, 300);
