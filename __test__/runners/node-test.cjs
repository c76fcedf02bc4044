'use strict';

require('./cases.cjs')(require('node:test').it);
