'use strict';

const { LRUCache } = require('./lru-cache');

module.exports = { LRUCache };
