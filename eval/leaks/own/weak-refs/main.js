'use strict';

// Watchers are held weakly, but the list of the references is swept by nobody.
const { loop, churn, BAD } = require('../../lib/loop');

class Store {
  constructor() {
    this.watchers = [];
  }

  watch(watcher) {
    this.watchers.push(new WeakRef(watcher));
    if (!BAD && this.watchers.length > 1000) this.watchers = this.watchers.filter((reference) => reference.deref() !== undefined).slice(-500);
  }
}
const store = new Store();

loop((number) => {
  churn(number);
  for (let at = 0; at < 4; at++) store.watch({ number, at });
}, 300);
