'use strict';

// Where things are. Everything that the scripts make goes below `.cache/`, `target/` or a name in
// .gitignore, so `git status` stays clean after any of them.

const path = require('path');

const root = path.resolve(__dirname, '..', '..');
const cache = path.join(root, '.cache');

module.exports = {
  root,
  cache,
  /** The addon with the `test-hooks` exports; never packed. See scripts/lib/addon.js. */
  hooksAddon: path.join(cache, 'test-hooks', 'memguard.node'),
};
