'use strict';

const { attachTier } = require('./binding');
const { ValkeyTier, valkeyTier } = require('./tier');

module.exports = { ValkeyTier, attachTier, valkeyTier };
