'use strict';

/* global it */
require('./cases.cjs')(it);
