'use strict';

// The same two tests for every runner: the first passes, the second fails and says why.

const { assertNoLeak } = require('memguard/testing');
const { subscribe, subscribeBounded } = require('./leaky.cjs');

module.exports = function cases(it) {
  it('is bounded', () => assertNoLeak(subscribeBounded));
  it('leaks', () => assertNoLeak(subscribe));
};
