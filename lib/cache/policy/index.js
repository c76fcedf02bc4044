'use strict';

const { Store } = require('../store');
const { S3FifoStore } = require('./s3-fifo');

/** What leaves first, by the option `policy`. */
const STORES = { lru: Store, 's3-fifo': S3FifoStore };

/** @param {object} settings what `readOptions` answers */
function makeStore(settings) {
  return new STORES[settings.policy](settings);
}

module.exports = { makeStore };
